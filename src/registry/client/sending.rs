//! Content on its way: read in pieces as the connection takes them, and made sure of while it goes.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::oci::{Content, Descriptor, Digest};

/// Bytes of a piece.
const PIECE: usize = 128 * 1024;
/// Pieces that are read ahead.
const AHEAD: usize = 4;

/// Content that is being sent.
pub(super) struct Sent {
    content: Arc<dyn Content>,
    taken: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Sent {
    pub(super) fn of(content: Arc<dyn Content>) -> Self {
        Self {
            content,
            taken: Arc::default(),
            failure: Arc::default(),
        }
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.content.descriptor().size
    }

    /// The bytes. They end only if they were what the content says that it is.
    pub(super) fn pieces(&self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let (content, failure, taken) = (
            Arc::clone(&self.content),
            Arc::clone(&self.failure),
            Arc::clone(&self.taken),
        );
        tokio::task::spawn_blocking(move || {
            if let Err(error) = send(content.as_ref(), &sender) {
                let told = io::Error::new(error.kind(), error.to_string());
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                let _ = sender.blocking_send(Err(told));
            }
        });
        futures_util::stream::unfold(receiver, move |mut receiver| {
            let taken = Arc::clone(&taken);
            async move {
                let piece: io::Result<Bytes> = receiver.recv().await?;
                let length = piece.as_ref().map_or(0, Bytes::len);
                taken.fetch_add(length as u64, Ordering::Relaxed);
                Some((piece, receiver))
            }
        })
    }

    /// What was wrong with the content, if it was that.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends when nothing was taken for `patience`, or when there was no answer within `last` after all was taken.
    pub(super) async fn stalled(&self, patience: Duration, last: Duration) {
        let (mut taken, mut since) = (0, Instant::now());
        loop {
            sleep(patience.min(last) / 8).await;
            let now = self.taken.load(Ordering::Relaxed);
            if now != taken {
                (taken, since) = (now, Instant::now());
            }
            let limit = if now == self.size() { last } else { patience };
            if since.elapsed() >= limit {
                return;
            }
        }
    }
}

/// Reads all of it. A receiver that is gone is no failure of the content: the connection says why.
fn send(content: &dyn Content, sender: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let Descriptor { digest, size } = content.descriptor();
    let mut reader = content.open()?;
    let mut hash = Sha256::new();
    let mut left = *size;
    loop {
        let mut piece = vec![0; PIECE];
        let length = read_full(&mut reader, &mut piece)?;
        piece.truncate(length);
        if length == 0 {
            break;
        }
        hash.update(&piece);
        left = left
            .checked_sub(length as u64)
            .ok_or_else(|| unlike("it is longer than it says"))?;
        // The last piece waits for the judgement below: a body without its end is none.
        if left == 0 {
            let is_whole = read_full(&mut reader, &mut [0])? == 0 && Digest::of_sha256(&hash.finalize()) == *digest;
            if !is_whole {
                return Err(unlike("it is not what it says"));
            }
            let _ = sender.blocking_send(Ok(piece.into()));
            return Ok(());
        }
        if sender.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
    let is_empty = *size == 0 && *digest == Digest::of(b"");
    if is_empty {
        Ok(())
    } else {
        Err(unlike("it is shorter than it says"))
    }
}

fn unlike(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Fills `buffer` as far as there is something to read.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
