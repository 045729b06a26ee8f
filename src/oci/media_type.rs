//! What kind of document a registry holds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The media type of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum MediaType {
    /// [Docker's manifest](https://distribution.github.io/distribution/spec/manifest-v2-2/), version 2 schema 2: the one that
    /// SageMaker takes.
    DockerManifest,
    /// Docker's list of manifests for several platforms.
    DockerList,
    /// [OCI's manifest](https://github.com/opencontainers/image-spec/blob/main/manifest.md).
    OciManifest,
    /// [OCI's index](https://github.com/opencontainers/image-spec/blob/main/image-index.md) of manifests.
    OciIndex,
    /// Anything else.
    Other(String),
}

impl MediaType {
    /// Every kind of manifest that a registry is asked for.
    pub(crate) const MANIFESTS: [Self; 4] = [
        Self::DockerManifest,
        Self::OciManifest,
        Self::DockerList,
        Self::OciIndex,
    ];

    /// As it is written in a `Content-Type`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::DockerManifest => "application/vnd.docker.distribution.manifest.v2+json",
            Self::DockerList => "application/vnd.docker.distribution.manifest.list.v2+json",
            Self::OciManifest => "application/vnd.oci.image.manifest.v1+json",
            Self::OciIndex => "application/vnd.oci.image.index.v1+json",
            Self::Other(text) => text,
        }
    }
}

impl From<String> for MediaType {
    fn from(text: String) -> Self {
        let known = Self::MANIFESTS.into_iter().find(|kind| kind.as_str() == text);
        known.unwrap_or(Self::Other(text))
    }
}

impl From<MediaType> for String {
    fn from(media_type: MediaType) -> Self {
        media_type.as_str().to_owned()
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
