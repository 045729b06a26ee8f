//! Where a base image is.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

use super::{BaseLayer, layout};
use crate::engine::docker::DockerSettings;
use crate::image::BaseImage;
use crate::oci::{Reference, reference};

/// Where a base image is, and which daemon is meant by that.
#[derive(Debug, Clone)]
pub struct Source {
    /// The image.
    pub image: BaseImage,
    /// The daemon that may have it.
    pub docker: DockerSettings,
}

impl Source {
    /// Reads a text as [`BaseImage`] has it. `docker` says which daemon.
    ///
    /// # Errors
    /// It is no reference.
    pub fn parse(text: &str, docker: &DockerSettings) -> Result<Self, reference::Error> {
        Ok(Self::of(text.parse()?, docker))
    }

    /// Of an image. `docker` says which daemon.
    #[must_use]
    pub fn of(image: BaseImage, docker: &DockerSettings) -> Self {
        Self {
            image,
            docker: docker.clone(),
        }
    }

    /// An image of a registry.
    #[must_use]
    pub fn of_registry(reference: Reference) -> Self {
        Self::of(reference.into(), &DockerSettings::default())
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
        match &self.image {
            BaseImage::Layout { directory, .. } => {
                part_of(layout::open(&layout::blob(directory, &layer.descriptor.digest))?.0)
            }
            BaseImage::Archive { file, .. } => part_of(layout::open(file)?.0),
            BaseImage::Registry(_) | BaseImage::Daemon(_) => Ok(None),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.image.fmt(f)
    }
}
