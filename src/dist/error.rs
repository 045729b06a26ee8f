//! Why there is no new `dist/`.

use std::io;
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::package::sdist;
use crate::{dockerfile, image, project};

/// Why there is no new `dist/`. The old one is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project names no training function, or its backend failed.
    #[error(transparent)]
    Project(#[from] project::Error),
    /// The sdist.
    #[error(transparent)]
    Sdist(#[from] sdist::Error),
    /// The image plan.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// The Dockerfile's template.
    #[error("the Dockerfile template cannot be rendered: {0}")]
    Dockerfile(#[from] dockerfile::Error),
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
    /// `dist/`, or something in it that is not sgbuild's, cannot be moved, so that the next `dist/` cannot take its place.
    #[error("{} is in the way of the new dist/: it cannot be moved", .path.display())]
    Immovable {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The sdist has neither of the files by which pip knows a Python project.
    #[error("pip cannot install {file_name}: it holds neither setup.py nor pyproject.toml")]
    NotInstallable {
        /// The sdist's name.
        file_name: String,
        /// The one of the two that the project has, and MANIFEST.in leaves out.
        left_out: Option<&'static str>,
    },
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
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

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Project(error) => error.hints(),
            Self::Sdist(error) => error.hints(),
            Self::Image(error) => error.hints(),
            Self::Dockerfile(error) => error.hints(),
            Self::NotInstallable { left_out: None, .. } => vec![
                "Add a pyproject.toml with these lines:\n\n    [build-system]\n    requires = [\"setuptools\"]\n    \
                 build-backend = \"setuptools.build_meta\""
                    .to_owned(),
            ],
            Self::NotInstallable {
                left_out: Some(file), ..
            } => {
                vec![format!(
                    "MANIFEST.in leaves out {file}: remove the line that excludes it."
                )]
            }
            Self::Interrupted => Vec::new(),
            Self::InTheWay { .. } => vec!["Move it away, or delete it, and run the command again.".to_owned()],
            Self::Immovable { source, .. } => vec![immovable_hint(source.kind()).to_owned()],
            Self::Io { source, .. } => vec![
                match source.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        "Free some disk space and run the command again."
                    }
                    io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ResourceBusy => {
                        "Make the project's directory and its dist/ writable for the user that runs sgbuild."
                    }
                    _ => "Nothing was changed in dist/: once the cause is gone, run the command again.",
                }
                .to_owned(),
            ],
        }
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Project(error) => error.fault(),
            Self::Sdist(error) => error.fault(),
            Self::Image(error) => error.fault(),
            Self::Interrupted => Fault::Interrupted,
            _ => Fault::User,
        }
    }

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
