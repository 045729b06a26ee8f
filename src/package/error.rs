//! What can go wrong between a project and its distributions.

use std::io;
use std::path::PathBuf;

use crate::explain::{Advice, Code, Explain, Fault};
use crate::progress::Cancelled;
use crate::project::{self, Outside};
use crate::reading::TooFar;

/// Why there is no sdist, or no wheel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The project's name cannot be a distribution's name.
    #[error("the project's name {name:?} is not a valid distribution name")]
    Name {
        /// As declared.
        name: String,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The project's version is not PEP 440.
    #[error("the project's version {version:?} is not a valid version: {reason}")]
    Version {
        /// As declared.
        version: String,
        /// What the parser said.
        reason: String,
    },
    /// `SOURCE_DATE_EPOCH` cannot be a file's time.
    #[error(
        "SOURCE_DATE_EPOCH={seconds} is not a time a tar archive can hold: it must be 0 or more seconds since 1970"
    )]
    SourceDateEpoch {
        /// As given.
        seconds: i64,
    },
    /// Only the project's own build backend knows what belongs into the sdist.
    #[error("the project's build backend must make its source distribution: {reason}")]
    NeedsBackend {
        /// `Build::backend_sdist`.
        reason: String,
    },
    /// Only the project's own build backend knows what belongs into the wheel.
    #[error("the project's build backend must make its wheel: {reason}")]
    WheelNeedsBackend {
        /// [`Build::wheel_by_backend`](crate::project::Build::wheel_by_backend).
        reason: String,
    },
    /// What `scripts` names is none.
    #[error("{} {reason}, which setuptools takes for no script", .path.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// Such as `is empty`.
        reason: &'static str,
    },
    /// Looking for files did not come to an end.
    #[error("{}: {source}", .path.display())]
    TooFar {
        /// The directory that it had reached.
        path: PathBuf,
        /// The limit.
        source: TooFar,
    },
    /// A declared package has no directory.
    #[error("package `{package}` is declared, but its directory {} {}", .path.display(), if *.is_file { "is a file" } else { "does not exist" })]
    PackageDir {
        /// Its dotted name.
        package: String,
        /// Where it was expected; absolute.
        path: PathBuf,
        /// Something is there, but no directory.
        is_file: bool,
    },
    /// A file that installing needs is not there.
    #[error("{} is named in `{keyword}`, but there is no such file", .path.display())]
    MissingFile {
        /// Where it was expected; absolute.
        path: PathBuf,
        /// The keyword of `setup()` that names it.
        keyword: &'static str,
    },
    /// A path leads out of the project.
    #[error("{declared_in} names {path:?}, which lies outside the project's directory")]
    OutsideProject {
        /// As written.
        path: String,
        /// The keyword, or `MANIFEST.in:line`.
        declared_in: String,
    },
    /// A link leads out of the project.
    #[error(transparent)]
    Outside(Outside),
    /// A file's name is not UTF-8.
    #[error("the name of {} is not UTF-8, so no archive can carry it to other machines", .path.display())]
    NonUtf8Name {
        /// The path, the bad bytes replaced.
        path: PathBuf,
    },
    /// `MANIFEST.in` is not text.
    #[error("{}:{line}: not UTF-8 text", .path.display())]
    ManifestText {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory cannot be listed.
    #[error("cannot list the directory {}: {source}", .path.display())]
    List {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file changed its size, or stopped being a file, while it was packed.
    #[error("{} changed while it was being packed", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The output directory cannot be used.
    #[error("cannot use the output directory {}: {source}", .path.display())]
    OutDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The backend's archive cannot be read.
    #[error("cannot read the build backend's source distribution {}: {source}", .path.display())]
    ReadArchive {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The backend's archive contains something no sdist may.
    #[error("the build backend's source distribution {} is refused: {member:?} {reason}", .path.display())]
    Member {
        /// The archive.
        path: PathBuf,
        /// The member's path in it.
        member: String,
        /// What is wrong with it, such as `leads out of the archive`.
        reason: &'static str,
    },
    /// The backend's wheel cannot be read.
    #[error("cannot read the build backend's wheel {}: {source}", .path.display())]
    ReadWheel {
        /// The wheel.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The backend's wheel contains something no wheel may.
    #[error("the build backend's wheel {} is refused: {member:?} {reason}", .path.display())]
    WheelMember {
        /// The wheel.
        path: PathBuf,
        /// The member's path in it.
        member: String,
        /// What is wrong with it, such as `leads out of the archive`.
        reason: &'static str,
    },
    /// Two files of the project would be installed in one place.
    #[error("{earlier} and {later} would both be installed as {place}")]
    OnePlace {
        /// The one that is listed first, relative to the project.
        earlier: String,
        /// The other.
        later: String,
        /// Where they are in the wheel.
        place: String,
    },
    /// The build backend did not make an archive.
    #[error(transparent)]
    Backend(#[from] Box<project::Error>),
    /// There is no room for the build backend's archive.
    #[error("cannot create a temporary directory in {}", .parent.display())]
    Scratch {
        /// The directory for temporary files.
        parent: PathBuf,
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
}

impl Error {
    /// `declared_in` names `path`, which leads out of the project by its name alone.
    pub(super) fn outside(path: &str, declared_in: &str) -> Self {
        Self::OutsideProject {
            path: path.to_owned(),
            declared_in: declared_in.to_owned(),
        }
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Cancelled(cancelled) => cancelled.code(),
            Self::Name { .. } | Self::Version { .. } => Code::MetadataInvalid,
            Self::SourceDateEpoch { .. } => Code::SettingInvalid,
            Self::NeedsBackend { .. } | Self::WheelNeedsBackend { .. } => Code::NeedsProjectCode,
            Self::Script { .. } | Self::PackageDir { .. } | Self::MissingFile { .. } => Code::DeclaredFileMissing,
            Self::TooFar { .. } => Code::DirectoryWithoutEnd,
            Self::OutsideProject { .. } => Code::OutsideProject,
            Self::Outside(outside) => outside.code(),
            Self::NonUtf8Name { .. } => Code::FileNameNotUtf8,
            Self::ManifestText { .. } => Code::FileNotUtf8,
            Self::Read { .. } | Self::List { .. } => Code::FileUnreadable,
            Self::Changed { .. } => Code::ChangedMeanwhile,
            Self::OutDir { source, .. } | Self::Write { source, .. } => Code::of_unwritten(source, Code::NotWritable),
            Self::ReadArchive { .. } | Self::Member { .. } | Self::ReadWheel { .. } | Self::WheelMember { .. } => {
                Code::ArchiveRefused
            }
            Self::OnePlace { .. } => Code::FilesCollide,
            Self::Backend(error) => error.code(),
            Self::Scratch { source, .. } => Code::of_unwritten(source, Code::CacheUnusable),
            Self::NotInstallable { .. } => Code::NotInstallable,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Cancelled(cancelled) => cancelled.advice(),
            Self::Outside(outside) => outside.advice(),
            Self::Name { .. } => Fault::User.hint(
                "Give `setup()` a name of ASCII letters, digits, `.`, `-` and `_` that begins and ends with a letter or \
                 digit.",
            ),
            Self::Version { .. } => {
                Fault::User.hint("Write the version as PEP 440 has it, such as `1.2.0` or `1.2.0.dev3`.")
            }
            Self::SourceDateEpoch { .. } => {
                Fault::Usage.hint("Unset it, or set it to a commit's time: `git log -1 --format=%ct`.")
            }
            Self::NeedsBackend { .. } => {
                Fault::User.hint("Build it with the project's backend: `python -m build --sdist`.")
            }
            Self::WheelNeedsBackend { .. } => {
                Fault::User.hint("Build it with the project's backend: `python -m build --wheel`.")
            }
            Self::Script { .. } => {
                Fault::User.hint("Take it out of `scripts`, or install it as `package_data` or `data_files`.")
            }
            Self::TooFar { .. } => Fault::User.hint(
                "Take links that lead back out of the project, or name files more narrowly in MANIFEST.in and package data.",
            ),
            Self::PackageDir { .. } => Fault::User.hint(
                "Create the package's directory, or correct `packages` and `package_dir` (with a `src` layout: \
                 `package_dir={\"\": \"src\"}`).",
            ),
            Self::MissingFile { .. } => {
                Fault::User.hint("Create the file, or take it out of the list: installing would fail without it.")
            }
            Self::OutsideProject { .. } => {
                Fault::User.hint("Copy the file into the project: only what lies below its directory is packed.")
            }
            Self::NonUtf8Name { .. } => {
                Fault::User.hint("Rename the file, or leave it out with an `exclude` line in MANIFEST.in.")
            }
            Self::ManifestText { .. } => Fault::User.hint("Save MANIFEST.in as UTF-8."),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Fault::User.hint("Try again when nothing else is writing to the project's directory.")
            }
            Self::Read { .. } | Self::List { .. } => Fault::User.hint(
                "Make it readable for you, or leave it out with an `exclude` or `prune` line in MANIFEST.in.",
            ),
            Self::Changed { .. } => Fault::User.hint(
                "Try again when nothing is writing to it, or leave it out with an `exclude` line in MANIFEST.in.",
            ),
            Self::OutDir { .. } => Fault::User.hint("Choose a directory that you can write to."),
            Self::Write { source, .. } if is_disk_full(source) => {
                Fault::User.hint("Free some space on that disk, or write to a directory on another one.")
            }
            Self::Write { .. } => Fault::User.hint("Check that the directory is writable and its disk is healthy."),
            Self::ReadArchive { .. } => {
                Fault::User.hint("Check the backend's own output: `python -m build --sdist`.")
            }
            Self::ReadWheel { .. } => Fault::User.hint("Check the backend's own output: `python -m build --wheel`."),
            Self::Member { .. } | Self::WheelMember { .. } => {
                Fault::User.hint("Correct what the build backend packs; its own documentation says how.")
            }
            Self::OnePlace { .. } => Fault::User.hint(
                "Rename one of them, or give it a directory of its own: setuptools installs whichever was changed last, which another checkout \
                 need not have in the same order.",
            ),
            Self::Backend(error) => error.advice(),
            Self::Scratch { source, .. } if is_disk_full(source) => {
                Fault::User.hint("Free some disk space and run the command again.")
            }
            Self::Scratch { .. } => Fault::User.hint("Name a directory that you can write to with TMPDIR."),
            Self::NotInstallable { left_out: None, .. } => Fault::User.hint(
                "Add a pyproject.toml with these lines:\n\n    [build-system]\n    requires = [\"setuptools\"]\n    \
                 build-backend = \"setuptools.build_meta\"",
            ),
            Self::NotInstallable {
                left_out: Some(file), ..
            } => Fault::User.hint(format!(
                "MANIFEST.in leaves out {file}: remove the line that excludes it."
            )),
        }
    }
}

fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
