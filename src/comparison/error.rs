//! Why two images cannot be compared.

use std::io;

use crate::engine::native::base;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::{Digest, Platform};
use crate::progress::Cancelled;
use crate::registry::client;

/// Why two images cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry does not answer, or refuses.
    #[error("the image {image} cannot be read: {source}")]
    Registry {
        /// As it was named.
        image: String,
        /// What the registry said.
        source: client::Error,
    },
    /// There is no such image.
    #[error("there is no image {image}")]
    Absent {
        /// As it was named.
        image: String,
    },
    /// There are several images of the name, and none for the platform.
    #[error("{image} has no image for {wanted}, but for {}", if .offered.is_empty() { "no platform that it names".to_owned() } else { .offered.join(", ") })]
    Platform {
        /// As it was named.
        image: String,
        /// What was asked for.
        wanted: Platform,
        /// What there is.
        offered: Vec<String>,
    },
    /// A manifest, an index or a config is none.
    #[error("the {document} of the image {image} {reason}")]
    Document {
        /// As it was named.
        image: String,
        /// `manifest`, `index` or `config`.
        document: &'static str,
        /// What is wrong with it: the end of the sentence.
        reason: String,
    },
    /// A layer is damaged, or not what the manifest says.
    #[error("the layer {layer} of the image {image} cannot be read: {source}")]
    Layer {
        /// As it was named.
        image: String,
        /// Its digest.
        layer: Digest,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A layer is of a kind that only others read.
    #[error("the layer {layer} of the image {image} is of the unknown kind `{media_type}`")]
    LayerKind {
        /// As it was named.
        image: String,
        /// Its digest.
        layer: Digest,
        /// What the manifest calls it.
        media_type: String,
    },
    /// Whatever else.
    #[error(transparent)]
    Other(base::Error),
    /// The user stopped it.
    #[error(transparent)]
    Cancelled(Cancelled),
}

impl Error {
    /// What reading an image ended with: it is nobody's base here.
    pub(super) fn of(image: String, error: base::Error) -> Self {
        match error {
            base::Error::Registry { source, .. } => Self::Registry { image, source },
            base::Error::Absent { .. } => Self::Absent { image },
            base::Error::Platform { wanted, offered, .. } => Self::Platform { image, wanted, offered },
            base::Error::Document { document, reason, .. } => Self::Document {
                image,
                document,
                reason,
            },
            base::Error::Layer { layer, source, .. } => Self::Layer { image, layer, source },
            base::Error::LayerKind { layer, media_type, .. } => Self::LayerKind {
                image,
                layer,
                media_type,
            },
            base::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Other(other),
        }
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Registry { source, .. } => source.code(),
            Self::Absent { .. } | Self::Document { .. } | Self::Layer { .. } | Self::LayerKind { .. } => {
                Code::ImageUnreadable
            }
            Self::Platform { .. } => Code::ImageForAnotherPlatform,
            Self::Other(error) => error.code(),
            Self::Cancelled(cancelled) => cancelled.code(),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Registry { source, .. } => source.advice(),
            Self::Absent { .. } => {
                Fault::User.hint("Check the repository's name and the tag or digest, and that it was pushed.")
            }
            Self::Platform { .. } => Fault::User.hint("Name one of these with `--platform`."),
            Self::Document { .. } => Fault::User.hint("Name an image: an attachment or a chart is none."),
            Self::Layer { .. } => {
                Fault::User.hint("Push the image again: the registry does not have it as it was made.")
            }
            Self::LayerKind { .. } => Fault::User.hint("Name an image whose layers are tar archives."),
            Self::Other(error) => error.advice(),
            Self::Cancelled(cancelled) => cancelled.advice(),
        }
    }
}
