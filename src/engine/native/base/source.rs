//! Where a base image is.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::str::FromStr;

use super::{BaseLayer, layout};
use crate::engine::docker::DockerSettings;
use crate::oci::Reference;
use crate::oci::reference;

/// Where a base image is.
#[derive(Debug, Clone)]
pub enum Source {
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
    /// Where the Docker daemon keeps its images.
    Daemon {
        /// As the daemon knows it.
        name: String,
        /// Which daemon.
        docker: DockerSettings,
    },
}

const LAYOUT: &str = "oci:";
const ARCHIVE: &str = "docker-archive:";
const DAEMON: &str = "docker-daemon:";

impl Source {
    /// Reads a text as skopeo and podman write it
    /// ([containers-transports](https://github.com/containers/image/blob/main/docs/containers-transports.5.md)): `oci:DIRECTORY[:NAME]`,
    /// `docker-archive:FILE[:NAME]`, `docker-daemon:NAME`; without such a beginning it is a reference. `docker` says which daemon.
    ///
    /// # Errors
    /// It is no reference.
    pub fn parse(text: &str, docker: &DockerSettings) -> Result<Self, reference::Error> {
        if let Some(rest) = text.strip_prefix(LAYOUT) {
            let (directory, name) = path_and_name(rest);
            return Ok(Self::Layout { directory, name });
        }
        if let Some(rest) = text.strip_prefix(ARCHIVE) {
            let (file, name) = path_and_name(rest);
            return Ok(Self::Archive { file, name });
        }
        if let Some(name) = text.strip_prefix(DAEMON) {
            return Ok(Self::Daemon {
                name: name.to_owned(),
                docker: docker.clone(),
            });
        }
        Reference::from_str(text).map(Self::Registry)
    }

    /// The bytes of a layer of the image, as it is kept there, where it is a file or a part of one.
    ///
    /// # Errors
    /// The file is not there.
    pub fn open(&self, layer: &BaseLayer) -> io::Result<Option<Box<dyn Read + Send>>> {
        let part_of = |mut file: File| -> io::Result<Option<Box<dyn Read + Send>>> {
            file.seek(SeekFrom::Start(layer.offset))?;
            Ok(Some(Box::new(file.take(layer.descriptor.size))))
        };
        match self {
            Self::Layout { directory, .. } => {
                part_of(layout::open(&layout::blob(directory, &layer.descriptor.digest))?.0)
            }
            Self::Archive { file, .. } => part_of(layout::open(file)?.0),
            Self::Registry(_) | Self::Daemon { .. } => Ok(None),
        }
    }
}

/// A path, and a name behind a colon.
fn path_and_name(text: &str) -> (PathBuf, Option<String>) {
    match text.split_once(':') {
        Some((path, name)) => (PathBuf::from(path), Some(name.to_owned())),
        None => (PathBuf::from(text), None),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (beginning, path, name) = match self {
            Self::Registry(reference) => return write!(f, "{reference}"),
            Self::Daemon { name, .. } => return write!(f, "{DAEMON}{name}"),
            Self::Layout { directory, name } => (LAYOUT, directory, name),
            Self::Archive { file, name } => (ARCHIVE, file, name),
        };
        write!(f, "{beginning}{}", path.display())?;
        name.iter().try_for_each(|name| write!(f, ":{name}"))
    }
}
