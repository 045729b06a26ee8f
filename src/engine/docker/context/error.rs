//! Why a plan gives no build context.

use super::writable;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::template;

/// Why a plan gives no build context.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name or value that a Dockerfile cannot hold.
    #[error("{what} `{name}` cannot be written to a Dockerfile: {reason}")]
    Unwritable {
        /// `environment variable`, `label`, `package name` and the like.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The base image is in files of this machine.
    #[error("no Dockerfile can name the base image {base}: only those of a registry or of the Docker daemon")]
    BaseImage {
        /// As the setting names it.
        base: String,
    },
    /// The Dockerfile's template.
    #[error("the Dockerfile template cannot be rendered: {0}")]
    Template(#[from] template::Error),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unwritable { .. } => Code::DockerfileValueInvalid,
            Self::BaseImage { .. } => Code::NeedsDocker,
            Self::Template(error) => error.code(),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Unwritable { what, name, .. } => {
                let is_setting = writable::is_setting(what);
                let fault = if is_setting { Fault::Usage } else { Fault::User };
                fault.hint(writable::hint(what, name))
            }
            Self::BaseImage { .. } => Fault::User
                .hint("Build natively (`--engine native`), or have the daemon load the image and name that: `docker-daemon:NAME`."),
            Self::Template(error) => error.advice(),
        }
    }
}
