//! Why an engine did not do what it was asked.

use super::{docker, native, output};
use crate::explain::{Advice, Code, Explain};

/// Why an engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Docker daemon, or the way to it.
    #[error(transparent)]
    Docker(#[from] docker::Error),
    /// What the native engine works with, or on.
    #[error(transparent)]
    Native(#[from] native::Error),
    /// Where an image is to be written.
    #[error(transparent)]
    Output(#[from] output::Error),
}

impl Error {
    /// Whether a registry did not take the credentials, or not any more.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        use crate::registry::client::Error as Registry;
        matches!(
            self,
            Self::Native(native::Error::Registry(
                Registry::Unauthorized { .. } | Registry::Expired { .. }
            ))
        )
    }

    /// Whether the engine has tried again what may pass, itself.
    #[must_use]
    pub fn is_tried_again(&self) -> bool {
        matches!(self, Self::Native(_))
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Docker(error) => error.code(),
            Self::Native(error) => error.code(),
            Self::Output(error) => error.code(),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Docker(error) => error.advice(),
            Self::Native(error) => error.advice(),
            Self::Output(error) => error.advice(),
        }
    }

    fn log(&self) -> Option<&str> {
        match self {
            Self::Docker(error) => error.log(),
            Self::Native(error) => error.log(),
            Self::Output(_) => None,
        }
    }
}
