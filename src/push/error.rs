//! Why an image was not pushed, or not surely.

use crate::engine;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::{Digest, MediaType, Reference, reference};
use crate::registry::{auth, client, ecr};

/// Why an image was not pushed, or not surely.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tag is not one.
    #[error(transparent)]
    Reference(#[from] reference::Error),
    /// No tag to push under.
    #[error("no tag is given to push to {repository}")]
    NoTag {
        /// The repository.
        repository: String,
    },
    /// The ECR repository is missing or cannot be asked for.
    #[error(transparent)]
    Ecr(#[from] ecr::Error),
    /// There are no credentials for the registry.
    #[error(transparent)]
    Auth(#[from] auth::Error),
    /// The registry refused or failed.
    #[error(transparent)]
    Registry(#[from] client::Error),
    /// The engine could not push.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// An immutable tag is taken.
    #[error("the tag `{tag}` of {repository} is immutable and already on another image ({digest})")]
    TagConflict {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// The digest of the manifest that it is on.
        digest: Digest,
    },
    /// The pushed manifest is of a kind that cannot be trained with.
    #[error("{reference} was pushed as {}, which SageMaker rejects: it takes a Docker v2 schema 2 manifest", kind(.media_type))]
    MediaType {
        /// The image.
        reference: String,
        /// The manifest's media type.
        media_type: MediaType,
    },
    /// The engine reported success, the registry does not show it.
    #[error("the push of {reference} is not confirmed: {reason}")]
    NotConfirmed {
        /// The image.
        reference: String,
        /// What the registry shows instead.
        reason: String,
    },
}

impl Error {
    /// Whether the registry does not take the credentials.
    pub(super) fn is_refused(&self) -> bool {
        matches!(
            self,
            Self::Registry(client::Error::Unauthorized { .. } | client::Error::Expired { .. })
        )
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Reference(error) => error.code(),
            Self::NoTag { .. } => Code::ImageNameInvalid,
            Self::Ecr(error) => error.code(),
            Self::Auth(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::TagConflict { .. } => Code::TagTaken,
            Self::MediaType { .. } => Code::ImageFormatRefused,
            Self::NotConfirmed { .. } => Code::PushNotConfirmed,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Reference(error) => error.advice(),
            Self::Ecr(error) => error.advice(),
            Self::Auth(error) => error.advice(),
            Self::Registry(error) => error.advice(),
            Self::Engine(error) => error.advice(),
            Self::NoTag { .. } => Fault::Usage.hint("Give one with `--tag`."),
            Self::TagConflict { .. } => Fault::User
                .hint("Raise the package's version or commit the change: the tag is made of both.")
                .and("The same commit, built again without the cache, is another image; push it under another tag with `--tag`."),
            Self::MediaType { .. } => Fault::User
                .hint("Build again with `--no-cache`, or with `--engine native`, and push that.")
                .and(
                    "Or turn off the containerd image store of the Docker daemon (`\"features\": {\"containerd-snapshotter\": false}` \
                     in daemon.json).",
                ),
            Self::NotConfirmed { .. } => {
                Fault::Temporary.hint("Push again; if someone else pushes to the same tag, use a tag of your own.")
            }
        }
    }
}

impl Error {
    /// The immutable `tag` is on the manifest `digest`.
    pub(super) fn conflict(tag: &Reference, digest: Digest) -> Self {
        Self::TagConflict {
            repository: tag.repository.to_string(),
            tag: tag.api_reference().to_owned(),
            digest,
        }
    }

    pub(super) fn not_confirmed(tag: &Reference, reason: String) -> Self {
        Self::NotConfirmed {
            reference: tag.to_string(),
            reason,
        }
    }
}

/// A media type in words.
fn kind(media_type: &MediaType) -> String {
    match media_type {
        MediaType::OciIndex => "an OCI index".to_owned(),
        MediaType::DockerList => "a manifest list".to_owned(),
        MediaType::OciManifest => "an OCI manifest".to_owned(),
        other => format!("`{other}`"),
    }
}
