//! Why it is not known what is to be installed.

use std::io;

use crate::cache::{is_full_disk, tells_of_full_disk};
use crate::engine::native::store;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::package;
use crate::progress::Cancelled;
use crate::uv::{self, is_network};

/// Another way that leads on, whatever the native engine cannot do.
const OTHER_ENGINE: &str = "Or build the image with Docker: --engine docker.";

/// See [`super::resolve`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line of the requirements is not right.
    #[error("the requirements cannot be read: {wrong}")]
    Line {
        /// What is wrong.
        wrong: String,
        /// What to do next.
        hint: &'static str,
    },
    /// pip could, and this engine cannot.
    #[error("the native engine cannot install {what}: {reason}")]
    Unsupported {
        /// What the requirements say.
        what: String,
        /// Why it cannot.
        reason: &'static str,
        /// What does: the beginning of a sentence.
        instead: &'static str,
    },
    /// uv knows no such platform.
    #[error("requirements cannot be resolved for {target}: uv has no name for that platform")]
    Target {
        /// Such as `Python 3.11 on linux/amd64 with glibc 2.12`.
        target: String,
    },
    /// There is no such set of packages, or the indexes cannot be asked.
    #[error("the requirements cannot be resolved for {target}{}", if *.may_build { "" } else { ", with wheels alone, as `--static` is set" })]
    Unresolved {
        /// The target.
        target: String,
        /// Whether packages could be built.
        may_build: bool,
        /// uv's last lines.
        log: String,
    },
    /// uv's answer is none.
    #[error("uv's answer cannot be read: {0}")]
    Answer(String),
    /// No file of the version fits.
    #[error("{package} has neither a wheel that fits {target} nor a source distribution")]
    NothingFits {
        /// Name and version.
        package: String,
        /// The target.
        target: String,
    },
    /// A URL names a wheel for others.
    #[error("{wheel} cannot be installed where the image has {target}")]
    Unfit {
        /// The wheel.
        wheel: String,
        /// The target.
        target: String,
    },
    /// Hashes are required, and a package has none.
    #[error("the requirements have hashes, and none for {package}, which is installed too")]
    NoHash {
        /// The package.
        package: String,
    },
    /// None of the files has an allowed hash.
    #[error("the requirements allow none of the files that there are of {package}: {of}")]
    OtherHash {
        /// The package.
        package: String,
        /// The files.
        of: String,
    },
    /// A wheel must be built, and cannot be here.
    #[error("{package} must be built, as {because}, and that cannot be done here: {reason}")]
    CannotBuild {
        /// Name and version.
        package: String,
        /// Why it must be built.
        because: String,
        /// Why it cannot be.
        reason: String,
    },
    /// Building the wheel failed.
    #[error("{package}, of which there is no wheel that fits, cannot be built")]
    BuildFailed {
        /// Name and version.
        package: String,
        /// The build's last lines.
        log: String,
    },
    /// A wheel was built that does not fit.
    #[error("{package} was built, but {wheel} cannot be installed where the image has {target}: {reason}")]
    BuiltUnfit {
        /// Name and version.
        package: String,
        /// What was built.
        wheel: String,
        /// The target.
        target: String,
        /// Why it cannot.
        reason: String,
    },
    /// What was built is no wheel.
    #[error(transparent)]
    Wheel(#[from] Box<package::Error>),
    /// A directory for uv's files could not be made or read.
    #[error("cannot write the files that uv is asked with: {0}")]
    Scratch(#[source] io::Error),
    /// A file could not be fetched or kept.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// uv does not run.
    #[error(transparent)]
    Uv(#[from] uv::Error),
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Error {
    /// Whether pip, run in the image, may install what this engine cannot.
    pub(crate) fn is_for_docker(&self) -> bool {
        matches!(
            self,
            Self::Unsupported { .. }
                | Self::Target { .. }
                | Self::NothingFits { .. }
                | Self::CannotBuild { .. }
                | Self::BuildFailed { .. }
                | Self::BuiltUnfit { .. }
                // In the image, nothing of this machine is at stake.
                | Self::Unresolved { may_build: false, .. }
        )
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Cancelled(cancelled) => cancelled.code(),
            Self::Store(error) => error.code(),
            Self::Uv(error) => error.code(),
            Self::Wheel(error) => error.code(),
            Self::Line { .. } => Code::RequirementsLineInvalid,
            Self::Unsupported { .. } | Self::Target { .. } => Code::NativeCannotInstall,
            Self::Unresolved { log, .. } | Self::BuildFailed { log, .. } if tells_of_full_disk(log) => Code::DiskFull,
            Self::Unresolved { log, .. } | Self::BuildFailed { log, .. } if is_network(log) => {
                Code::PackageIndexUnreachable
            }
            Self::Unresolved { log, .. } if is_denied(log) => Code::PackageIndexDenied,
            Self::Unresolved { log, .. } if lacks_python(log) => Code::PythonUnusable,
            Self::Unresolved { .. } => Code::RequirementsUnresolved,
            Self::Answer(_) => Code::UvUnusable,
            Self::NothingFits { .. } | Self::Unfit { .. } => Code::NoWheelFits,
            Self::NoHash { .. } => Code::HashMissing,
            Self::OtherHash { .. } => Code::PackageFileChanged,
            Self::CannotBuild { .. } | Self::BuildFailed { .. } | Self::BuiltUnfit { .. } => Code::PackageBuildFailed,
            Self::Scratch(source) => Code::of_unwritten(source, Code::CacheUnusable),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Cancelled(cancelled) => cancelled.advice(),
            Self::Store(error) => error.advice(),
            Self::Uv(error) => error.advice(),
            Self::Wheel(error) => error.advice(),
            Self::Line { hint, .. } => Fault::User.hint(*hint),
            Self::Unsupported { instead, .. } => Fault::User.hint(format!("{instead}.")).and(OTHER_ENGINE),
            Self::Target { .. } => Fault::User
                .hint("Take a base image with glibc 2.17 or newer, or musl 1.2, on amd64 or arm64.")
                .and(OTHER_ENGINE),
            Self::Unresolved { log, .. } | Self::BuildFailed { log, .. } if tells_of_full_disk(log) => {
                Fault::User.hint("Free some space in the cache directory, or in that for temporary files (TMPDIR).")
            }
            Self::Unresolved { log, .. } | Self::BuildFailed { log, .. } if is_network(log) => {
                Fault::Temporary.hint("Check the network and pip's index settings, and try again.")
            }
            Self::Unresolved { log, .. } if is_denied(log) => {
                Fault::User.hint("Put the index's credentials into its URL in pip.conf, or into ~/.netrc, and check that they are not expired.")
            }
            Self::Unresolved { log, .. } if lacks_python(log) => Fault::User
                .hint("Install Python 3: uv works with one, of any version.")
                .and(OTHER_ENGINE),
            Self::Unresolved { may_build: false, .. } => Fault::User
                .hint("Require versions that have wheels, or leave out `--static` where the packages may run code here.")
                .and(OTHER_ENGINE),
            Self::Unresolved { .. } => Fault::User.hint("Change the requirements so that they can be met together."),
            Self::Answer(_) => Fault::User.hint("Update uv, or unset the setting `uv`: then sgbuild fetches its own."),
            Self::NothingFits { .. } | Self::Unfit { .. } => Fault::User
                .hint("Require a version that has a wheel for it, or take a base image that one is made for."),
            Self::NoHash { .. } => {
                Fault::User.hint("Lock again with hashes of everything, such as by `uv pip compile --generate-hashes`.")
            }
            Self::OtherHash { .. } => {
                Fault::User.hint("Lock again for the image's platform, if the files are what you expect.")
            }
            Self::CannotBuild { .. } | Self::BuildFailed { .. } | Self::BuiltUnfit { .. } => Fault::User
                .hint("Require a version that has a wheel for it.")
                .and(OTHER_ENGINE),
            Self::Scratch(error) if is_full_disk(error) => {
                Fault::User.hint("Free some space in the directory for temporary files (TMPDIR).")
            }
            Self::Scratch(_) => Fault::User
                .hint("Check that the directory for temporary files (TMPDIR) can be written, by nobody else but you."),
        }
    }

    fn log(&self) -> Option<&str> {
        match self {
            Self::Unresolved { log, .. } | Self::BuildFailed { log, .. } => Some(log),
            _ => None,
        }
    }
}

/// Whether the index does not know or let in who asks.
fn is_denied(log: &str) -> bool {
    ["401 Unauthorized", "403 Forbidden"]
        .iter()
        .any(|said| log.contains(said))
}

/// Whether uv found no Python to work with.
fn lacks_python(log: &str) -> bool {
    log.contains("No interpreter found")
}
