//! Why there is no uv to work with.

use std::path::PathBuf;

use crate::cache;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::process;
use crate::progress::Cancelled;

/// See [`super::Uv`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not run.
    #[error("cannot run uv, {}: {reason}", program.display())]
    NotRun {
        /// The program.
        program: PathBuf,
        /// What the system or the program said.
        reason: String,
    },
    /// It lacks what sgbuild needs.
    #[error("uv {version} is too old, {oldest} is needed: {}", program.display())]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: String,
        /// The oldest that will do.
        oldest: String,
    },
    /// pip did not bring it.
    #[error("there is no uv, and the pip of {} cannot fetch uv {release}: {log}", python.display())]
    NotFetched {
        /// The release wanted.
        release: &'static str,
        /// The interpreter whose pip was asked.
        python: PathBuf,
        /// pip's last lines.
        log: String,
    },
    /// There is no interpreter whose pip could bring it.
    #[error("cannot run {}: {reason}", python.display())]
    NoPython {
        /// The program.
        python: PathBuf,
        /// What the system or the program said.
        reason: String,
    },
    /// A directory for it could not be made.
    #[error("cannot make a directory for uv: {source}")]
    Scratch {
        /// What the system said.
        source: std::io::Error,
    },
    /// The user's own configuration of it is not as uv reads it.
    #[error("{} cannot be read: {reason}", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
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
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Cancelled(cancelled) => cancelled.code(),
            Self::NotFetched { log, .. } if cache::tells_of_full_disk(log) => Code::DiskFull,
            Self::NotFetched { log, .. } if is_network(log) => Code::PackageIndexUnreachable,
            Self::NotRun { .. } | Self::TooOld { .. } | Self::NotFetched { .. } | Self::Configuration { .. } => {
                Code::UvUnusable
            }
            Self::NoPython { .. } => Code::PythonUnusable,
            Self::Scratch { source } => Code::of_unwritten(source, Code::CacheUnusable),
            Self::TimedOut { .. } => Code::PackageIndexUnreachable,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Cancelled(cancelled) => cancelled.advice(),
            Self::NotRun { .. } => {
                Fault::User.hint("Name a uv that runs with the setting `uv`, or unset it: then sgbuild fetches its own.")
            }
            Self::TooOld { .. } => Fault::User.hint(
                "Update it, name another with the setting `uv`, or unset that: then sgbuild fetches its own.",
            ),
            Self::NotFetched { log, .. } if cache::tells_of_full_disk(log) => {
                Fault::User.hint("Free some space in the cache directory, or in that for temporary files (TMPDIR).")
            }
            Self::NotFetched { log, .. } if is_network(log) => Fault::Temporary.hint(
                "Check the network and pip's index settings; or install uv yourself, and name it with the setting `uv` where it is not on PATH.",
            ),
            Self::NotFetched { .. } => Fault::User.hint(
                "Install uv yourself (https://docs.astral.sh/uv/), and name it with the setting `uv` where it is not on PATH.",
            ),
            Self::NoPython { .. } => {
                Fault::User.hint("Install Python 3, or name another interpreter with --python or SGBUILD_PYTHON.")
            }
            Self::Configuration { .. } => Fault::User.hint(
                "Mend the file, which uv reads by itself too, name another with UV_CONFIG_FILE, or set UV_NO_CONFIG=1.",
            ),
            Self::Scratch { source } if source.kind() == std::io::ErrorKind::PermissionDenied => Fault::User.hint(
                "Name a directory for temporary files that you may write in, and nobody else, with TMPDIR.",
            ),
            Self::Scratch { .. } => Fault::User.hint(
                "Check that there is space left and that the directory for temporary files can be written.",
            ),
            Self::TimedOut { .. } => Fault::Temporary.hint("Check the network and the package index, and try again."),
        }
    }
}

impl Error {
    /// Why uv or pip did not run to its end.
    pub(super) fn of_process(error: process::Error) -> Self {
        match error {
            process::Error::NotStarted { program, reason } => Self::NotRun { program, reason },
            process::Error::TimedOut { what, seconds } => Self::TimedOut { what, seconds },
            process::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
        }
    }

    /// Why there is no interpreter to run pip with.
    pub(super) fn of_python(error: process::Error) -> Self {
        match error {
            process::Error::NotStarted { program, reason } => Self::NoPython {
                python: program,
                reason,
            },
            other => Self::of_process(other),
        }
    }
}

/// Whether what uv or pip wrote tells of a network or an index that did not answer, which may pass.
pub(crate) fn is_network(log: &str) -> bool {
    const WORDS: [&str; 12] = [
        "error sending request",
        "dns error",
        "Name or service not known",
        "Temporary failure in name resolution",
        "Failed to establish a new connection",
        "Connection refused",
        "Connection reset",
        "timed out",
        "Network is unreachable",
        "502 Bad Gateway",
        "503 Service",
        "429 Too Many",
    ];
    let log = log.to_lowercase();
    WORDS.iter().any(|words| log.contains(&words.to_lowercase()))
}
