//! Why a program did not run to its end.

use std::path::PathBuf;

use crate::progress::Cancelled;

/// See [`super::Run`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("cannot run {}: {reason}", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It took longer than the time limit and was stopped.
    #[error("{what} did not finish within {seconds} s and was stopped")]
    TimedOut {
        /// What it was to do.
        what: String,
        /// The limit.
        seconds: u64,
    },
    /// The user asked to stop while it was running.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
