//! Why no image can be planned.

use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::reference;
use crate::{project, requirements};

use super::python;

/// Why no image can be planned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project names no training function.
    #[error(transparent)]
    Project(#[from] Box<project::Error>),
    /// The user's requirements file and the package do not go together.
    #[error(transparent)]
    Requirements(#[from] Box<requirements::Error>),
    /// `requires_python` is not a PEP 440 specifier.
    #[error("requires_python `{specifier}` is not valid: {reason}")]
    RequiresPython {
        /// As declared.
        specifier: String,
        /// The parser's words.
        reason: String,
    },
    /// The chosen Python does not satisfy `requires_python`.
    #[error("Python {version} ({origin}) does not satisfy the package's requires_python `{specifier}`")]
    PythonExcluded {
        /// The version chosen.
        version: String,
        /// Where it was chosen.
        origin: &'static str,
        /// As declared.
        specifier: String,
    },
    /// No official image satisfies `requires_python`.
    #[error("no official Python image satisfies the package's requires_python `{specifier}`")]
    NoPython {
        /// As declared.
        specifier: String,
    },
    /// `requires_python` allows only Pythons on which `run.py` does not run.
    #[error(
        "the package's requires_python `{specifier}` allows no Python from 3.7 on, which what starts the training in the image needs"
    )]
    OnlyOldPythons {
        /// As declared.
        specifier: String,
    },
    /// `run.py` does not run on the Python chosen.
    #[error("Python {version} ({origin}) is too old: what starts the training in the image needs Python 3.7 or later")]
    PythonTooOld {
        /// The version chosen.
        version: String,
        /// Where it was chosen.
        origin: &'static str,
        /// The newest that the package allows.
        newest: Option<String>,
    },
    /// `python_version` is not `X.Y` or `X.Y.Z`.
    #[error("python_version `{version}` ({origin}) is not a Python version such as 3.11")]
    PythonVersion {
        /// As given.
        version: String,
        /// Where it was given.
        origin: &'static str,
    },
    /// The platform is not one that images are built for.
    #[error(
        "platform `{platform}` is not supported: SageMaker's training instances run linux/amd64, and linux/arm64 is for other machines"
    )]
    Platform {
        /// As given.
        platform: String,
    },
    /// The base image is not an image reference.
    #[error("base image {0}")]
    BaseImage(#[source] reference::Error),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Project(error) => error.code(),
            Self::Requirements(error) => error.code(),
            Self::RequiresPython { .. } | Self::PythonVersion { .. } => Code::PythonVersionInvalid,
            Self::PythonExcluded { .. }
            | Self::NoPython { .. }
            | Self::OnlyOldPythons { .. }
            | Self::PythonTooOld { .. } => Code::PythonExcluded,
            Self::Platform { .. } => Code::ImageForAnotherPlatform,
            Self::BaseImage(_) => Code::ImageNameInvalid,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Project(error) => error.advice(),
            Self::Requirements(error) => error.advice(),
            Self::RequiresPython { .. } => Fault::User.hint("Correct python_requires; the form is `>=3.9,<3.13`."),
            Self::PythonExcluded { .. } => Fault::User.hint(
                "Change python_version (setting `python-version`, or the setup() keyword), or widen python_requires.",
            ),
            Self::NoPython { .. } => {
                Fault::User.hint("Name an image that has the right Python with the setting `base-image`.")
            }
            Self::OnlyOldPythons { .. } => Fault::User.hint("Widen python_requires, such as to `>=3.7`, once the package runs there."),
            Self::PythonTooOld { newest, .. } => Fault::User.hint(match newest {
                Some(newest) => format!("The newest that the package's python_requires allows is {newest}: choose that, or another from 3.7 on."),
                None => "Widen python_requires to a Python from 3.7 on, and choose that.".to_owned(),
            }),
            Self::PythonVersion { origin, .. } => {
                // What the project names may be right for others; what only a setting names is a matter of usage.
                let fault = if *origin == python::SETTING { Fault::Usage } else { Fault::User };
                fault.hint("Write it as X.Y, such as 3.11.")
            }
            Self::Platform { .. } => Fault::Usage.hint("Set `platform` to linux/amd64."),
            Self::BaseImage(_) => Fault::Usage.hint(
                "Set `base-image` to something like public.ecr.aws/docker/library/python:3.11-slim.",
            ),
        }
    }
}
