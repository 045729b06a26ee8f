//! A layer, read by a thread of its own while it comes.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncReadExt as _, AsyncWrite, DuplexStream};
use tokio::runtime::Handle;

use crate::progress::{Progress, Task};

/// As much as may wait to be read.
const AHEAD: usize = 1 << 20;

/// The end into which what comes is written, with its progress.
pub(super) struct Feed<'a> {
    pipe: DuplexStream,
    progress: &'a dyn Progress,
    task: &'a dyn Task,
    done: u64,
    total: Option<u64>,
}

/// The end from which a thread reads it.
pub(super) struct Fed {
    pipe: DuplexStream,
    runtime: Handle,
}

/// Both ends of what has `total` bytes, where that is known.
pub(super) fn pipe<'a>(progress: &'a dyn Progress, task: &'a dyn Task, total: Option<u64>) -> (Feed<'a>, Fed) {
    let (written, read) = tokio::io::duplex(AHEAD);
    let writer = Feed {
        pipe: written,
        progress,
        task,
        done: 0,
        total,
    };
    let reader = Fed {
        pipe: read,
        runtime: Handle::current(),
    };
    (writer, reader)
}

impl AsyncWrite for Feed<'_> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.progress.check().map_err(io::Error::other)?;
        let written = Pin::new(&mut self.pipe).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.done += count as u64;
            self.task.set(self.done, self.total);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}

impl Read for Fed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.pipe.read(buffer))
    }
}
