//! The end of what a program writes.

use std::collections::VecDeque;
use std::io::{PipeReader, Read as _};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::secret::without_url_credentials;

/// How much is shown when the program fails.
const LINES: usize = 20;
/// A program that writes without end must fill neither our memory nor the disk.
const BYTES: usize = 64 * 1024;
/// A process that could not be ended may hold the pipe open.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reads a pipe to its end in a thread of its own, so that the program never waits for us, and keeps the last of it.
pub(super) struct Log {
    kept: Arc<Mutex<VecDeque<u8>>>,
    ended: Receiver<()>,
}

impl Log {
    pub(super) fn keep(mut pipe: PipeReader) -> Self {
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let (end, ended) = channel();
        let keeping = Arc::clone(&kept);
        thread::spawn(move || {
            let mut chunk = vec![0; BYTES];
            while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                let mut kept = keeping.lock().unwrap_or_else(PoisonError::into_inner);
                let dropped = (kept.len() + read).saturating_sub(BYTES).min(kept.len());
                kept.drain(..dropped);
                kept.extend(&chunk[..read]);
            }
            // Nobody listens where the program was interrupted.
            let _ = end.send(());
        });
        Self { kept, ended }
    }

    /// The last lines that are not empty, without URL credentials.
    pub(super) fn last_lines(self) -> String {
        // Where it has not ended by then, what was read so far must do.
        let _ = self.ended.recv_timeout(PATIENCE);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(kept.make_contiguous());
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        without_url_credentials(&lines[lines.len().saturating_sub(LINES)..].join("\n"))
    }
}
