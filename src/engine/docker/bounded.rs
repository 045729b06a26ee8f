//! A stream from the daemon that ends with an error where it says more than anybody asked for.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::dial::Stream;

use crate::explain;

/// A stream of which at most so many bytes are read.
pub(super) struct Bounded {
    stream: Stream,
    left: usize,
}

/// Why no more is read.
#[derive(Debug, thiserror::Error)]
#[error("the answer is too long")]
pub(super) struct TooLong;

impl TooLong {
    /// Whether a request failed for that.
    pub(super) fn is_cause_of(error: &(dyn StdError + 'static)) -> bool {
        explain::chain(error).any(|found| {
            let within = found.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            within.and_then(|within| within.downcast_ref::<Self>()).is_some()
        })
    }
}

impl Bounded {
    pub(super) fn new(stream: Stream, limit: usize) -> Self {
        Self { stream, left: limit }
    }
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match self.left.checked_sub(buffer.filled().len() - before) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::Error::other(TooLong))),
        }
        read
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
