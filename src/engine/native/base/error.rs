//! Why a base image cannot be built on without Docker.

use std::io;

use super::Anatomy;
use crate::engine::docker;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::{Digest, Platform};
use crate::progress::Cancelled;
use crate::registry::client;

/// What every image that cannot be read has instead.
const WITH_DOCKER: &str = "Or have Docker build on it, which need not know what is in it: `--engine docker`.";

/// Why a base image cannot be built on without Docker.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry does not answer, or with something else.
    #[error("the base image {image} cannot be read: {source}")]
    Registry {
        /// As the setting names it.
        image: String,
        /// What the registry said.
        source: client::Error,
    },
    /// There is no such image.
    #[error("there is no base image {image}")]
    Absent {
        /// As the setting names it.
        image: String,
    },
    /// A file or directory is not there, or not what it should be.
    #[error("the base image {image} cannot be read: {source}")]
    Unreadable {
        /// As the setting names it.
        image: String,
        /// Why.
        source: io::Error,
    },
    /// The Docker daemon does not give the image away.
    #[error("the base image {image} cannot be had: {source}")]
    Daemon {
        /// As the setting names it.
        image: String,
        /// What the daemon said.
        source: Box<docker::Error>,
    },
    /// There are several images, and nothing says which.
    #[error("{image} holds several images{}", if .names.is_empty() { String::new() } else { format!(": {}", .names.join(", ")) })]
    Several {
        /// As the setting names it.
        image: String,
        /// The names that they have there.
        names: Vec<String>,
    },
    /// The image is for other machines.
    #[error("the base image {image} is not for {wanted}, but for {}", if .offered.is_empty() { "no platform that it names".to_owned() } else { .offered.join(", ") })]
    Platform {
        /// As the setting names it.
        image: String,
        /// What is asked for.
        wanted: Platform,
        /// What there is.
        offered: Vec<String>,
    },
    /// A manifest, an index or a config is none, or not the one that was asked for.
    #[error("the {document} of the base image {image} {reason}")]
    Document {
        /// As the setting names it.
        image: String,
        /// `manifest`, `index` or `config`.
        document: &'static str,
        /// What is wrong with it: the end of the sentence.
        reason: String,
    },
    /// A layer is damaged, or not what the manifest says.
    #[error("the layer {layer} of the base image {image} cannot be read: {source}")]
    Layer {
        /// As the setting names it.
        image: String,
        /// Its digest.
        layer: Digest,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A layer is of a kind that only others read.
    #[error("the layer {layer} of the base image {image} is of the unknown kind `{media_type}`")]
    LayerKind {
        /// As the setting names it.
        image: String,
        /// Its digest.
        layer: Digest,
        /// What the manifest calls it.
        media_type: String,
    },
    /// Nothing on PATH is called `python`.
    #[error("the base image {image} has no program `python` on its PATH ({path})")]
    NoPython {
        /// As the setting names it.
        image: String,
        /// The image's PATH.
        path: String,
    },
    /// The Python belongs to its distribution.
    #[error(
        "the Python of the base image {image} is its distribution's, which says in {marker} that nothing may be installed to it"
    )]
    Managed {
        /// As the setting names it.
        image: String,
        /// The file that says so.
        marker: String,
    },
    /// The Python is of a kind, or laid out in a way, that cannot be told by reading.
    #[error("reading does not tell which Python {executable} is in the base image {image}: {reason}")]
    UnknownPython {
        /// As the setting names it.
        image: String,
        /// The program.
        executable: String,
        /// Why.
        reason: String,
    },
    /// A file of the image has pip do something else.
    #[error("the base image {image} has {file}, whose `{key}` has {effect}")]
    PipSetting {
        /// As the setting names it.
        image: String,
        /// pip's configuration.
        file: String,
        /// What it sets.
        key: String,
        /// What that does: the end of the sentence.
        effect: &'static str,
    },
    /// A variable of the image has Python or pip do something else.
    #[error("the base image {image} sets {variable}, which has {effect}")]
    Variable {
        /// As the setting names it.
        image: String,
        /// Its name.
        variable: String,
        /// What that does: the end of the sentence.
        effect: &'static str,
    },
    /// The C library or its version cannot be told.
    #[error("the C library of the base image {image} is unknown: {reason}")]
    NoLibc {
        /// As the setting names it.
        image: String,
        /// Why.
        reason: String,
    },
    /// All of it was read, and its Python is none to build on.
    #[error("{why}")]
    Pythonless {
        /// What was read.
        image: Box<Anatomy>,
        /// What is wrong with the Python.
        why: Box<Self>,
    },
    /// The user stopped it.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Registry { source, .. } => source.code(),
            Self::Daemon { source, .. } => source.code(),
            Self::Absent { .. } => Code::BaseImageNotFound,
            Self::Unreadable { .. } | Self::Several { .. } | Self::Document { .. } | Self::Layer { .. } => {
                Code::ImageUnreadable
            }
            Self::Platform { .. } => Code::ImageForAnotherPlatform,
            Self::NoPython { .. } | Self::Managed { .. } | Self::UnknownPython { .. } => Code::BaseImageWithoutPython,
            Self::LayerKind { .. } | Self::PipSetting { .. } | Self::Variable { .. } | Self::NoLibc { .. } => {
                Code::BaseImageUnsuited
            }
            Self::Pythonless { why, .. } => why.code(),
            Self::Cancelled(cancelled) => cancelled.code(),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Registry { source, .. } => source.advice(),
            Self::Daemon { source, .. } => source.advice(),
            Self::Unreadable { .. } => Fault::User.hint("Write the image there again, or choose another one (setting `base-image`)."),
            Self::Several { .. } => Fault::User.hint("Name one of them, behind a colon at the end of the setting `base-image`."),
            Self::Absent { .. } => {
                Fault::User.hint("Check the name and the tag of the image (setting `base-image`), and that it was pushed.")
            }
            Self::Platform { .. } => Fault::User.hint(
                "Choose a base image for the platform asked for (settings `base-image` and `platform`).",
            ),
            Self::Document { .. } => Fault::User.hint("Make or push the base image again, or choose another one (setting `base-image`)."),
            Self::Layer { .. } => Fault::User
                .hint("Make or push the base image again, or choose another one (setting `base-image`).")
                .and(WITH_DOCKER),
            Self::LayerKind { .. } => Fault::User
                .hint("Choose another base image (setting `base-image`).")
                .and(WITH_DOCKER),
            Self::NoPython { .. } => Fault::User.hint(
                "Choose a base image that has the program `python` (setting `base-image`), such as an official python:3.11-slim, or \
                 add it to yours, as Debian's package python-is-python3 does.",
            ),
            Self::Managed { .. } => Fault::User.hint(
                "Choose an official python image (setting `base-image`), or make a virtual environment in yours and put it first in PATH.",
            ),
            Self::UnknownPython { .. } | Self::NoLibc { .. } => Fault::User
                .hint("Choose a base image with CPython as python.org, Debian or conda install it (setting `base-image`).")
                .and(WITH_DOCKER),
            Self::Variable { variable: what, .. } | Self::PipSetting { key: what, .. } => Fault::User
                .hint(format!("Take {what} out of the base image, or choose another one (setting `base-image`)."))
                .and(WITH_DOCKER),
            Self::Pythonless { why, .. } => why.advice(),
            Self::Cancelled(cancelled) => cancelled.advice(),
        }
    }
}
