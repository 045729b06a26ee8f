//! Why there is no new `dist/`.

use std::io;
use std::path::{Path, PathBuf};

use crate::explain::{Advice, Code, Explain, Fault};
use crate::progress::Cancelled;

/// Why there is no new `dist/`. The old one is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `dist`, or a file that sgbuild writes into it, exists and is something else.
    #[error("{} is in the way: it is {what}, and sgbuild writes {writes} there", .path.display())]
    InTheWay {
        /// Its path.
        path: PathBuf,
        /// `a file`, `a directory` or `a symbolic link`.
        what: &'static str,
        /// `a directory` or `a file`.
        writes: &'static str,
    },
    /// Files of the names that sgbuild writes are there, and it did not write them.
    #[error(
        "{}: sgbuild writes there, and this is not what it wrote; nothing was changed",
        list(paths)
    )]
    NotOurs {
        /// Their paths.
        paths: Vec<PathBuf>,
    },
    /// `dist/`, or something in it that is not sgbuild's, cannot be moved, so that the next `dist/` cannot take its place.
    #[error("{} is in the way of the new dist/: it cannot be moved", .path.display())]
    Immovable {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A file operation failed.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// `write`, `replace`, …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(", ")
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::InTheWay { .. } | Self::NotOurs { .. } | Self::Immovable { .. } => Code::DistInTheWay,
            Self::Cancelled(cancelled) => cancelled.code(),
            Self::Io { source, .. } => Code::of_unwritten(source, Code::NotWritable),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Cancelled(cancelled) => cancelled.advice(),
            Self::InTheWay { .. } => Fault::User.hint("Move it away, or delete it, and run the command again."),
            Self::NotOurs { .. } => Fault::User.hint(
                "Move it elsewhere if you need it, or delete it, and run the command again: sgbuild replaces only what it wrote and nobody changed since.",
            ),
            Self::Immovable { source, .. } => Fault::User.hint(immovable_hint(source.kind())),
            Self::Io { source, .. } => Fault::User.hint(match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "Free some disk space and run the command again."
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy => {
                    "Make the project's directory and its dist/ writable for the user that runs sgbuild."
                }
                _ => "Nothing was changed in dist/: once the cause is gone, run the command again.",
            }),
        }
    }
}

impl Error {
    pub(super) fn immovable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Immovable {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// What to do about an entry of `dist/` that a rename refuses.
fn immovable_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ResourceBusy => {
            "Something is mounted there: unmount it, or mount it outside of dist/, and run the command again. Nothing was changed."
        }
        io::ErrorKind::PermissionDenied => {
            "It belongs to another user, or is protected: move it out of dist/, or make it yours (`chown`, `chmod u+w`, \
             `chattr -i`), and run the command again. Nothing was changed."
        }
        _ => "Move it away, or delete it, and run the command again. Nothing was changed.",
    }
}
