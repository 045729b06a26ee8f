//! Which image the training image is built on, and where that is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::oci::{Reference, Repository, reference};

/// How a path of an OCI layout begins.
pub(crate) const LAYOUT: &str = "oci:";
/// How a path of an archive begins.
pub(crate) const ARCHIVE: &str = "docker-archive:";
/// How a name of an image begins that the Docker daemon has.
pub(crate) const DAEMON: &str = "docker-daemon:";

/// A base image, as skopeo and podman name images
/// ([containers-transports](https://github.com/containers/image/blob/main/docs/containers-transports.5.md)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseImage {
    /// In a registry.
    Registry(Reference),
    /// In a directory, as the [OCI image layout](https://github.com/opencontainers/image-spec/blob/main/image-layout.md) has it.
    Layout {
        /// The directory of `index.json`.
        directory: PathBuf,
        /// The name that it has there, where there are several.
        name: Option<String>,
    },
    /// In a file that `docker save` wrote.
    Archive {
        /// The file.
        file: PathBuf,
        /// The tag that it has there, where there are several.
        name: Option<String>,
    },
    /// Where the Docker daemon keeps its images, by the name that it knows.
    Daemon(String),
}

impl BaseImage {
    /// What it is in a registry; `None` where it is elsewhere.
    #[must_use]
    pub fn in_registry(&self) -> Option<&Reference> {
        match self {
            Self::Registry(reference) => Some(reference),
            _ => None,
        }
    }

    /// The repository that has it, where one does.
    #[must_use]
    pub fn repository(&self) -> Option<&Repository> {
        Some(&self.in_registry()?.repository)
    }

    /// By what a Dockerfile names it; `None` where it cannot.
    #[must_use]
    pub fn in_dockerfile(&self) -> Option<String> {
        match self {
            Self::Registry(reference) => Some(reference.to_string()),
            Self::Daemon(name) => Some(name.clone()),
            Self::Layout { .. } | Self::Archive { .. } => None,
        }
    }
}

impl From<Reference> for BaseImage {
    fn from(reference: Reference) -> Self {
        Self::Registry(reference)
    }
}

impl FromStr for BaseImage {
    type Err = reference::Error;

    /// `oci:DIRECTORY[:NAME]`, `docker-archive:FILE[:NAME]`, `docker-daemon:NAME`; without such a beginning it is a reference.
    fn from_str(text: &str) -> Result<Self, reference::Error> {
        if let Some(rest) = text.strip_prefix(LAYOUT) {
            let (directory, name) = path_and_name(rest);
            return Ok(Self::Layout { directory, name });
        }
        if let Some(rest) = text.strip_prefix(ARCHIVE) {
            let (file, name) = path_and_name(rest);
            return Ok(Self::Archive { file, name });
        }
        match text.strip_prefix(DAEMON) {
            Some(name) => Ok(Self::Daemon(name.to_owned())),
            None => Reference::from_str(text).map(Self::Registry),
        }
    }
}

/// A path, and a name behind a colon.
pub(crate) fn path_and_name(text: &str) -> (PathBuf, Option<String>) {
    match text.split_once(':') {
        Some((path, name)) => (PathBuf::from(path), Some(name.to_owned())),
        None => (PathBuf::from(text), None),
    }
}

impl fmt::Display for BaseImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (beginning, path, name) = match self {
            Self::Registry(reference) => return write!(f, "{reference}"),
            Self::Daemon(name) => return write!(f, "{DAEMON}{name}"),
            Self::Layout { directory, name } => (LAYOUT, directory, name),
            Self::Archive { file, name } => (ARCHIVE, file, name),
        };
        write!(f, "{beginning}{}", path.display())?;
        name.iter().try_for_each(|name| write!(f, ":{name}"))
    }
}

/// As a Dockerfile names it, where that can be.
impl Serialize for BaseImage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.in_dockerfile().unwrap_or_else(|| self.to_string());
        serializer.serialize_str(&name)
    }
}
