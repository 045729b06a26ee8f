//! Why the user's file cannot say what the image installs.

use std::io;

use super::Place;
use super::requirements_txt::Wrong;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::uv;

/// What is wrong with the file, or with what it pins.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {file}{}", by(.included_at.as_ref()))]
    Unreadable {
        /// Relative to the project.
        file: String,
        /// The line that names it; `None` for the setting.
        included_at: Option<Place>,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the project includes one that is not the project's.
    #[error("{at}: {file} lies outside of the project's directory, and {named_at} names {first}")]
    Outside {
        /// As included.
        file: String,
        /// The line that includes it.
        at: String,
        /// The file that the setting names.
        first: String,
        /// The line of the project's file that names that one.
        named_at: String,
    },
    /// A file is not text, or in an encoding that is not read.
    #[error("{place}: {reason}")]
    Undecodable {
        /// The line.
        place: Place,
        /// Why it is not read.
        reason: String,
    },
    /// A line is not right.
    #[error("{place}: {wrong}")]
    Line {
        /// The line.
        place: Place,
        /// What is wrong.
        wrong: Wrong,
    },
    /// A file includes itself.
    #[error("{place}: {file} includes itself")]
    Cycle {
        /// The line that closes the circle.
        place: Place,
        /// The file that it names.
        file: String,
    },
    /// Files that include each other again and again.
    #[error("{file} includes more than {most} files")]
    TooManyFiles {
        /// The first of them.
        file: String,
        /// The limit.
        most: usize,
    },
    /// A format of another tool.
    #[error("{file} is in a format that is not read here")]
    OtherFormat {
        /// The file.
        file: String,
        /// The command that makes one that is.
        export: &'static str,
    },
    /// An extra of the project itself that it does not have.
    #[error("{place}: {name} has no extra `{extra}`")]
    UnknownExtra {
        /// Where it is asked for.
        place: Place,
        /// The project.
        name: String,
        /// The extra.
        extra: String,
    },
    /// A lock file is not what its format asks for.
    #[error("{at}: {reason}")]
    Lock {
        /// `file` or `file:line`.
        at: String,
        /// What is wrong.
        reason: String,
        /// What to do next.
        hint: String,
    },
    /// uv reads its lock, and cannot be run.
    #[error("{file} is read by uv: {source}")]
    Uv {
        /// The lock.
        file: String,
        /// Why there is no uv.
        source: Box<uv::Error>,
    },
    /// A directory for what uv writes could not be made.
    #[error("cannot make a directory for what uv says of {file}")]
    Scratch {
        /// The lock.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The lock is for other Pythons or systems than the image.
    #[error("{file} is locked for {locked}, and the image has {image}")]
    OtherEnvironment {
        /// The lock.
        file: String,
        /// What it is for.
        locked: String,
        /// What the image is.
        image: String,
    },
    /// Something that the package requires is not in the lock.
    #[error("{declared_by} asks for `{requirement}`, and {file} does not pin it")]
    NotPinned {
        /// The requirement.
        requirement: String,
        /// Where it is declared.
        declared_by: String,
        /// The file.
        file: String,
    },
    /// The package requires another version than the file pins.
    #[error("{declared_by} asks for `{requirement}`, and {place} pins `{pin}`")]
    Unsatisfied {
        /// The requirement.
        requirement: String,
        /// Where it is declared.
        declared_by: String,
        /// The pin.
        pin: String,
        /// Where it is.
        place: Place,
        /// Whether the file is a lock, which is made anew.
        is_lock: bool,
    },
    /// Two lines pin one package to different versions.
    #[error("{second_place} pins `{second}`, and {first_place} pins `{first}`")]
    Conflict {
        /// The earlier line.
        first: String,
        /// Where it is.
        first_place: Place,
        /// The later line.
        second: String,
        /// Where it is.
        second_place: Place,
    },
    /// There are hashes, but not for this one.
    #[error("{place}: `{requirement}` {lacks}, and pip asks that of every requirement once there are hashes")]
    Unhashed {
        /// The line.
        place: Place,
        /// The requirement.
        requirement: String,
        /// `has no hash` and the like.
        lacks: &'static str,
    },
    /// A requirement of the package is not PEP 508.
    #[error("requirement `{requirement}` is not valid: {reason}")]
    Declared {
        /// The requirement as declared.
        requirement: String,
        /// The parser's words.
        reason: String,
    },
    /// The URL of a requirement of the package carries a user name or password, which would end up in the image.
    #[error("requirement `{requirement}` carries credentials in its URL, and they would be stored in the image")]
    DeclaredCredentials {
        /// The requirement, masked.
        requirement: String,
    },
    /// An extra was asked for that the package does not have.
    #[error("{name} has no extra `{extra}`{}", known(.available))]
    NoSuchExtra {
        /// The package.
        name: String,
        /// The extra asked for.
        extra: String,
        /// What it has.
        available: Vec<String>,
    },
    /// Whether the file is right depends on the Python of an image that nobody has named.
    #[error(
        "whether {file} is right depends on the image's Python, which is not known of {base}; with Python {python}: {source}"
    )]
    PythonUnknown {
        /// The file.
        file: String,
        /// The base image.
        base: String,
        /// A Python that it is not right for.
        python: String,
        /// What is wrong there.
        source: Box<Error>,
    },
}

fn by(place: Option<&Place>) -> String {
    place.map_or_else(
        || ", named by the setting `requirements`".to_owned(),
        |place| format!(", which {place} includes"),
    )
}

fn known(available: &[String]) -> String {
    if available.is_empty() {
        String::new()
    } else {
        format!(" (it has {})", available.join(", "))
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::NamedFileUnreadable,
            Self::Outside { .. } => Code::OutsideProject,
            Self::Undecodable { .. } => Code::FileNotUtf8,
            Self::Line { wrong, .. } => wrong.code(),
            Self::Cycle { .. } | Self::TooManyFiles { .. } => Code::RequirementsLineInvalid,
            Self::OtherFormat { .. } | Self::Lock { .. } => Code::LockFileUnreadable,
            Self::UnknownExtra { .. } | Self::NoSuchExtra { .. } => Code::UnknownExtra,
            Self::Uv { source, .. } => source.code(),
            Self::Scratch { source, .. } => Code::of_unwritten(source, Code::CacheUnusable),
            Self::OtherEnvironment { .. } => Code::LockForAnotherPython,
            Self::NotPinned { .. } | Self::Unsatisfied { is_lock: true, .. } => Code::LockOutdated,
            Self::Unsatisfied { .. } | Self::Conflict { .. } => Code::RequirementsContradict,
            Self::Unhashed { .. } => Code::HashMissing,
            Self::Declared { .. } => Code::RequirementInvalid,
            Self::DeclaredCredentials { .. } => Code::CredentialsInRequirement,
            Self::PythonUnknown { .. } => Code::PythonUnknown,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Uv { source, .. } => source.advice(),
            Self::Unreadable { included_at: None, .. } => {
                Fault::User.hint("Correct `requirements`: a path is relative to the project's directory.")
            }
            Self::Unreadable { .. } => {
                Fault::User.hint("Correct the line: the path is relative to the file it stands in.")
            }
            Self::Outside { first, .. } => Fault::User.hint(format!(
                "A file of the project may name files of the project only; name {first} with --requirements or \
                 SGBUILD_REQUIREMENTS, and it may include any."
            )),
            Self::Undecodable { reason, .. } if reason.contains("NUL") => Fault::User.hint(
                "It is probably UTF-16, as PowerShell's `>` writes it: save it as UTF-8, as with `pip freeze | Out-File -Encoding utf8`.",
            ),
            Self::Undecodable { .. } => Fault::User.hint("Save the file as UTF-8."),
            Self::Line { wrong, .. } => Fault::User.hint(wrong.hint()),
            Self::Cycle { .. } | Self::TooManyFiles { .. } => Fault::User.hint("Include each file once."),
            Self::OtherFormat { export, .. } => Fault::User.hint(format!(
                "Make a requirements file of it, such as with `{export}`, and name that."
            )),
            Self::UnknownExtra { .. } => {
                Fault::User.hint("Correct the line, or declare the extra in extras_require.")
            }
            Self::Lock { hint, .. } => Fault::User.hint(hint),
            Self::Scratch { .. } => {
                Fault::User.hint("Free some disk space, or make the directory of temporary files writable.")
            }
            Self::OtherEnvironment { .. } => Fault::User.hint(
                "Change `python-version` or `platform`, or lock for the image's Python and for Linux.",
            ),
            Self::NotPinned { .. } | Self::Unsatisfied { is_lock: true, .. } => Fault::User.hint(
                "Lock again with the tool that made the file, so that it has what the package asks for.",
            ),
            Self::Unsatisfied { .. } => Fault::User.hint("Correct one of the two."),
            Self::Conflict { .. } => {
                Fault::User.hint("Keep one of the two, or give them markers that exclude each other.")
            }
            Self::Unhashed { lacks, .. } if lacks.contains("checkout") => Fault::User.hint(
                "Name a release, or the URL of an archive of that commit, instead of the checkout.",
            ),
            Self::Unhashed { .. } => Fault::User.hint(
                "Have the file made by `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`, or leave all hashes out.",
            ),
            Self::Declared { .. } => Fault::User.hint(
                "Correct it in install_requires or extras_require; the form is `name[extra]>=1.0; python_version < \"3.12\"`.",
            ),
            Self::DeclaredCredentials { .. } => Fault::User.hint(
                "Take the credentials out of the URL and put them into ~/.netrc: with --netrc-host, sgbuild hands what it says of a host to pip as a build secret.",
            ),
            Self::NoSuchExtra { .. } => {
                Fault::Usage.hint("Correct the setting `extras`, or declare the extra in extras_require.")
            }
            Self::PythonUnknown { .. } => Fault::User.hint(
                "Say with `python-version` which Python the base image has, or correct the file for all of them.",
            ),
        }
    }
}
