//! Why nothing could be run here, or what ran failed.

use std::io;

use crate::engine::docker;
use crate::explain::{Advice, Code, Explain, Fault};

/// Why a training on this machine did not come to a good end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The daemon.
    #[error(transparent)]
    Docker(#[from] docker::Error),
    /// No directory for the run.
    #[error("cannot make a directory for the run: {0}")]
    Directory(#[source] io::Error),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Docker(error) => error.code(),
            Self::Directory(source) => Code::of_unwritten(source, Code::CacheUnusable),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Docker(error) => error.advice(),
            Self::Directory(_) => {
                Fault::User.hint("Make sgbuild's cache directory (XDG_CACHE_HOME) one that you can write to.")
            }
        }
    }
}
