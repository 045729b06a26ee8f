//! What an image says of itself: index, manifest and config, Docker's and OCI's.

use serde::Deserialize;
use serde_json::Value;

use crate::oci::{Descriptor, Digest, MediaType, Platform};

/// The largest config that is read.
pub(super) const LARGEST_CONFIG: u64 = 16 << 20;
/// So many layers has no image: Docker takes 127.
const MOST_LAYERS: usize = 1_000;

/// A manifest of one image ([Docker's](https://distribution.github.io/distribution/spec/manifest-v2-2/#image-manifest),
/// [OCI's](https://github.com/opencontainers/image-spec/blob/main/manifest.md)).
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Layer>,
}

/// What a manifest says of a layer.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Layer {
    #[serde(flatten)]
    pub(super) descriptor: Descriptor,
    #[serde(rename = "mediaType", default)]
    pub(super) media_type: String,
    /// Where it begins in the archive that it is in.
    #[serde(skip)]
    pub(super) offset: u64,
}

/// The kinds of layers that are read: those of both specifications that are kept with the image.
const LAYERS: [&str; 5] = [
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
];

/// A manifest's bytes, understood.
pub(super) enum Document {
    /// One image.
    Image(Manifest),
    /// Several, from which one is chosen.
    Index(Index),
}

/// A list of manifests ([Docker's](https://distribution.github.io/distribution/spec/manifest-v2-2/#manifest-list),
/// [OCI's](https://github.com/opencontainers/image-spec/blob/main/image-index.md)).
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    pub(super) manifests: Vec<Listed>,
}

/// What an index says of a manifest.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Listed {
    #[serde(flatten)]
    pub(super) descriptor: Descriptor,
    /// Not asked for, but a text where it is there.
    #[serde(rename = "mediaType", default)]
    _media_type: String,
    platform: Option<ListedPlatform>,
    #[serde(default)]
    pub(super) annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
struct ListedPlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Listed {
    /// The platform that it is for, where the index says it.
    pub(super) fn platform(&self) -> Option<Platform> {
        let platform = self.platform.as_ref()?;
        Some(Platform {
            os: platform.os.clone(),
            architecture: platform.architecture.clone(),
            variant: platform.variant.clone().filter(|variant| !variant.is_empty()),
        })
    }
}

impl Document {
    /// Reads a manifest or an index, by what is in it: not every registry says which it is.
    ///
    /// # Errors
    /// What it is instead: the end of a sentence.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("is no JSON: {error}"))?;
        let is_old = value.get("schemaVersion").and_then(Value::as_u64) == Some(1);
        if is_old {
            return Err("is of Docker's schema 1, which registries gave up years ago".to_owned());
        }
        let unlike = |error: serde_json::Error| format!("is not as the specification has it: {error}");
        if value.get("manifests").is_some() {
            return Index::deserialize(value).map(Self::Index).map_err(unlike);
        }
        let manifest = Manifest::deserialize(value).map_err(unlike)?;
        if manifest.layers.len() > MOST_LAYERS {
            return Err(format!("has more than {MOST_LAYERS} layers"));
        }
        if manifest.config.size > LARGEST_CONFIG {
            return Err(format!("has a config of more than {} MB", LARGEST_CONFIG >> 20));
        }
        Ok(Self::Image(manifest))
    }
}

impl Index {
    /// The image for a platform: the first that names it, as Docker chooses it. What names another kind of thing than an image, such as
    /// `BuildKit`'s attestations, is for the platform `unknown/unknown`.
    pub(super) fn choose(&self, platform: &Platform) -> Option<&Listed> {
        let for_it = |listed: &&Listed| listed.platform().is_some_and(|its| platform.is_met_by(&its));
        self.manifests.iter().find(for_it)
    }

    /// The platforms that it has images for.
    pub(super) fn offered(&self) -> Vec<String> {
        let platforms = self.manifests.iter().filter_map(Listed::platform);
        platforms
            .filter(|platform| platform.os != "unknown")
            .map(|platform| platform.to_string())
            .collect()
    }
}

impl Layer {
    /// Whether it is a layer as both specifications know it, which its content may yet deny.
    pub(super) fn is_known(&self) -> bool {
        LAYERS.contains(&self.media_type.as_str())
    }
}

/// Whether a document of the media type is read at all.
pub(super) fn is_manifest(media_type: &MediaType) -> bool {
    MediaType::MANIFESTS.contains(media_type)
}

/// An image's config ([config.md](https://github.com/opencontainers/image-spec/blob/main/config.md)).
pub(super) struct Config {
    /// Exactly as it is.
    pub(super) document: Value,
    pub(super) platform: Platform,
    pub(super) diff_ids: Vec<Digest>,
}

#[derive(Deserialize)]
struct Known {
    os: String,
    architecture: String,
    variant: Option<String>,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<Digest>,
}

impl Config {
    /// # Errors
    /// What is wrong with it: the end of a sentence.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document: Value = serde_json::from_slice(bytes).map_err(|error| format!("is no JSON: {error}"))?;
        let known =
            Known::deserialize(&document).map_err(|error| format!("is not as the specification has it: {error}"))?;
        Ok(Self {
            document,
            platform: Platform {
                os: known.os,
                architecture: known.architecture,
                variant: known.variant.filter(|variant| !variant.is_empty()),
            },
            diff_ids: known.rootfs.diff_ids,
        })
    }
}
