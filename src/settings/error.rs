//! Why the settings are not understood, or not followed.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::Definition;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::project;

/// Why the settings are not understood.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A settings file cannot be read.
    #[error(transparent)]
    File(Box<project::Error>),
    /// A settings file is malformed.
    #[error("{origin}: {reason}")]
    Malformed {
        /// `file:line`.
        origin: String,
        /// The parser's words.
        reason: String,
    },
    /// A key that is no setting.
    #[error("{origin}: there is no setting `{key}`{}", .nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// The setting with the most similar name.
        nearest: Option<&'static str>,
    },
    /// A value of the wrong kind.
    #[error("{origin}: `{key}` is {found}, and {expected} is expected")]
    WrongKind {
        /// Where it stands.
        origin: String,
        /// The setting.
        key: &'static str,
        /// What was found.
        found: String,
        /// What is expected.
        expected: Cow<'static, str>,
    },
    /// A field of `CreateTrainingJob` that it does not have or take, or that a setting of its own says.
    #[error("{origin}: `training`: `{path}` {what}")]
    Field {
        /// Where it stands.
        origin: String,
        /// Such as `RetryStrategy.MaximumRetryAttempts`.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// A variable's value is not Unicode.
    #[error("the environment variable {name} is not UTF-8")]
    NotUnicode {
        /// Its name.
        name: String,
    },
    /// What is set is no region: it would become part of the name of a host.
    #[error("{origin}: `region` is {found:?}, and an AWS region such as us-west-2 is expected")]
    Region {
        /// Where it was set.
        origin: String,
        /// The value.
        found: String,
    },
    /// The project's directory is none.
    #[error("{}", not_a_directory(.path))]
    Directory {
        /// As given.
        path: PathBuf,
    },
    /// A file decides what only whoever runs sgbuild may.
    #[error("{origin}: no file of the project may set `{}`: it says {what}", .definition.key)]
    NotForFiles {
        /// Where it stands.
        origin: String,
        /// The setting.
        definition: &'static Definition,
        /// What it decides.
        what: &'static str,
    },
    /// A file of the project names a file that is not the project's.
    #[error("{origin}: `{}` names {named}, which {}", .definition.key, lies(.named, .place))]
    Outside {
        /// Where it stands.
        origin: String,
        /// The setting.
        definition: &'static Definition,
        /// The file as named.
        named: String,
        /// Where it is.
        place: PathBuf,
    },
    /// The build would hand somebody's passwords to lines of the project's own.
    #[error("{what}, and this build has {} with credentials of yours", .secrets.join(" and "))]
    Untrusted {
        /// `setup.py:8: dockerlines adds lines to the Dockerfile`.
        what: String,
        /// Ids of the build secrets that hold credentials.
        secrets: Vec<&'static str>,
    },
    /// A file that a setting names cannot be read.
    #[error("cannot read {}, named by `{key}` ({origin})", .path.display())]
    NamedFile {
        /// The setting.
        key: &'static str,
        /// Where it was set.
        origin: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::File(error) => error.code(),
            Self::Malformed { .. } => Code::SyntaxError,
            Self::Unknown { .. } => Code::SettingUnknown,
            Self::WrongKind { .. } | Self::NotUnicode { .. } => Code::SettingInvalid,
            Self::Field { .. } => Code::TrainingSettingsInvalid,
            Self::Region { .. } => Code::NoRegion,
            Self::Directory { .. } => Code::NoProject,
            Self::NotForFiles { .. } => Code::SettingNotForFiles,
            Self::Outside { .. } => Code::OutsideProject,
            Self::Untrusted { .. } => Code::DockerfileNotTrusted,
            Self::NamedFile { .. } => Code::NamedFileUnreadable,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Directory { path } if path.is_file() => Fault::Usage.hint("Give the directory that holds it."),
            Self::Directory { .. } => Fault::Usage.hint("Give the directory that holds the package's setup.py."),
            Self::NotUnicode { name } => Fault::Usage.hint(format!("Correct or unset {name}.")),
            Self::Malformed { .. } => Fault::User.hint("Correct the file at this line."),
            Self::Region { .. } => Fault::Usage.hint("Correct it there, or leave it to the AWS configuration."),
            Self::Unknown { .. } | Self::WrongKind { .. } => {
                Fault::Usage.hint("`sgbuild settings` lists every setting, its value and its origin.")
            }
            Self::Field { .. } => Fault::Usage.hint(
                "Its fields are those of CreateTrainingJob: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html.",
            ),
            Self::NotForFiles { definition, .. } => Fault::Usage.hint(format!(
                "Take the line out; whoever runs sgbuild may say it, with {} or {}.",
                definition.flag(),
                definition.variable()
            )),
            Self::Outside { definition, .. } => Fault::User.hint(format!(
                "A file of the project may name files of the project only; {} and {} may name one anywhere.",
                definition.flag(),
                definition.variable()
            )),
            Self::Untrusted { .. } => Fault::User
                .hint("Read it; --trust-dockerfile or SGBUILD_TRUST_DOCKERFILE=true says that it may see them.")
                .and("Or build without them: --no-pip-settings."),
            Self::NamedFile { key, origin, .. } => Fault::User.hint(named_file_hint(key, origin)),
        }
    }
}

/// How the file that `origin` names for the setting `key` is corrected.
fn named_file_hint(key: &str, origin: &str) -> String {
    let is_variable = origin.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if is_variable && !origin.starts_with("SGBUILD_") {
        return format!("Correct or unset {origin}, or name another file with the setting `{key}`.");
    }
    format!("Correct `{key}`: a path is relative to the project's directory.")
}

fn not_a_directory(path: &Path) -> String {
    if path.exists() {
        format!("{} is not a directory", path.display())
    } else {
        format!("there is no directory {}", path.display())
    }
}

/// Why a file is not the project's, and where a link leads, as the name does not tell it.
fn lies(named: &str, place: &Path) -> String {
    if place.iter().any(|part| part == ".git") {
        return "is git's and may hold credentials".to_owned();
    }
    let outside = "lies outside of the project's directory";
    let by_its_name = Path::new(named).is_absolute() || named.contains("..");
    if by_its_name {
        return outside.to_owned();
    }
    format!("{outside}: it leads to {}", place.display())
}
