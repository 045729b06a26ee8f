//! Why a plan gives no build context.

use super::writable;
use crate::fault::Fault;
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
    /// The Dockerfile's template.
    #[error("the Dockerfile template cannot be rendered: {0}")]
    Template(#[from] template::Error),
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Unwritable { what, name, .. } => vec![writable::hint(what, name)],
            Self::Template(error) => error.hints(),
        }
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unwritable { what, .. } if writable::is_setting(what) => Fault::Usage,
            Self::Unwritable { .. } => Fault::User,
            Self::Template(error) => error.fault(),
        }
    }
}
