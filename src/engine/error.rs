//! Why an engine did not do what it was asked.

use super::docker;
use crate::fault::Fault;

/// Why an engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Docker daemon, or the way to it.
    #[error(transparent)]
    Docker(#[from] docker::Error),
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Docker(error) => error.hints(),
        }
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Docker(error) => error.fault(),
        }
    }
}
