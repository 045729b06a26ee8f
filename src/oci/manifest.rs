//! The manifest of one image.

use serde::Deserialize;

use super::Digest;

/// What a manifest says of a piece of content: enough to fetch it and to know it again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Descriptor {
    /// Of the content.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
}

impl Descriptor {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
        }
    }
}

/// The config and the layers of one image, as
/// [Docker's](https://distribution.github.io/distribution/spec/manifest-v2-2/#image-manifest) and
/// [OCI's](https://github.com/opencontainers/image-spec/blob/main/manifest.md) manifests both name them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ImageManifest {
    /// The image's config: its digest is what Docker calls the image's id.
    pub config: Descriptor,
    /// The layers, from the lowest.
    pub layers: Vec<Descriptor>,
}

impl ImageManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// It is not one image's manifest: an index, say.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// All layers as they are kept, compressed, in bytes.
    #[must_use]
    pub fn layers_size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).fold(0, u64::saturating_add)
    }
}
