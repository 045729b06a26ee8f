//! Why a command failed: the error of whichever stage it was.

use std::error::Error as StdError;
use std::fmt;

use crate::explain::{Explain, Report};

/// Whatever stage failed. Who gets one reports it; who wants to know which error it was asks the stage.
#[derive(Debug)]
pub struct Error(Box<dyn Explain>);

impl Error {
    /// What to tell a person.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::of(self.0.as_ref())
    }
}

impl<E: Explain> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
