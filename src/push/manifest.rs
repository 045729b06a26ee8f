//! What a push needs to know of a manifest.

use serde::Deserialize;

use crate::engine::BuiltImage;
use crate::registry::client::{DOCKER_MANIFEST, Manifest};

/// A manifest of one image, as the registry holds it.
#[derive(Debug, Clone)]
pub(super) struct ImageManifest {
    /// As received.
    pub(super) raw: Manifest,
    /// The digest of the image's config.
    pub(super) config_digest: String,
    /// All layers, compressed, in bytes.
    pub(super) layers_size: u64,
}

/// The part of the [manifest](https://distribution.github.io/distribution/spec/manifest-v2-2/#image-manifest) that is read.
#[derive(Deserialize)]
struct Document {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    size: u64,
}

impl ImageManifest {
    /// Reads `raw`; the error says why it is not one image's manifest (an index, say).
    pub(super) fn parse(raw: Manifest) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(&raw.bytes)
            .map_err(|error| format!("its manifest is not an image manifest: {error}"))?;
        let layers_size = document
            .layers
            .iter()
            .map(|layer| layer.size)
            .fold(0, u64::saturating_add);
        Ok(Self {
            raw,
            config_digest: document.config.digest,
            layers_size,
        })
    }

    /// Whether SageMaker can pull it.
    pub(super) fn is_for_sagemaker(&self) -> bool {
        self.raw.media_type == DOCKER_MANIFEST
    }

    /// Whether this is `image`: by its config, or, where an engine's image ids are manifest digests, by itself.
    pub(super) fn holds(&self, image: &BuiltImage) -> bool {
        self.config_digest == image.id || self.raw.digest() == image.id
    }
}
