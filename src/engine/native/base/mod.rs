//! What a base image holds: its Python, what is installed for it, its C library and all of its paths, found by reading it.
//!
//! Every layer is read once, as it comes, and only its listing is kept: the layers stay where they are. Nothing is guessed; what only
//! running the image would tell is refused with the setting that helps.

mod archive;
mod cache;
mod contents;
mod docker_archive;
mod error;
mod excerpt;
mod feed;
mod layout;
mod listing;
mod look;
mod manifest;
mod merge;
mod python;
mod registry;
mod source;
mod tree;
mod zstd;

pub(in crate::engine::native) use docker_archive::{SavedLayer, save};
pub use error::Error;
pub(crate) use listing::{Item, Listing, What};
pub(crate) use look::{Image, layers_of, look};
pub use python::{Installed, Python, Record};
pub use source::Source;
pub use tree::{Kind, Owner, Tree};

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::image::BaseImage;
use crate::oci::{Descriptor, Digest, Platform, Reference};
use crate::progress::{Part, Progress};
use crate::registry::Credentials;
use crate::registry::client::ClientSettings;
use cache::Cache;
use manifest::{Config, Manifest};
use merge::Root;

/// An image to build on.
#[derive(Debug, Clone, PartialEq)]
pub struct Base {
    /// The digest of the image's own manifest, never of an index. What `docker save` writes has no manifest: there it is that of the config,
    /// which Docker calls the image's id.
    pub manifest_digest: Digest,
    /// Its config, exactly as it is.
    pub config: Value,
    /// Its layers, from the lowest.
    pub layers: Vec<BaseLayer>,
    /// All of its paths.
    pub tree: Tree,
    /// Its Python.
    pub python: Python,
}

/// What was read of an image, whatever its Python is.
#[derive(Debug)]
pub struct Anatomy {
    /// As of a [`Base`].
    pub config: Value,
    /// From the lowest.
    pub layers: Vec<BaseLayer>,
    /// All of its paths.
    pub tree: Tree,
}

/// A layer of a base image, as its source has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseLayer {
    /// What its source calls it by.
    #[serde(with = "described")]
    pub descriptor: Descriptor,
    /// The digest of the layer unpacked.
    pub diff_id: Digest,
    /// Its size unpacked, in bytes.
    pub unpacked: u64,
    /// Docker's or OCI's; it says how the layer is compressed.
    pub media_type: String,
    /// Where it begins in the archive that it is in; elsewhere 0.
    pub offset: u64,
    /// What it comes to in an image, where its source does not have it compressed.
    #[serde(skip)]
    pub packed: Option<Descriptor>,
}

impl BaseLayer {
    /// What an image on this base calls the layer by.
    #[must_use]
    pub fn in_image(&self) -> &Descriptor {
        self.packed.as_ref().unwrap_or(&self.descriptor)
    }

    /// Whether it is not compressed, by its media type.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.media_type.ends_with("tar")
    }
}

/// Whether a stream that begins so is zstd's.
pub(in crate::engine::native) fn is_zstd(beginning: &[u8]) -> bool {
    zstd::begins(beginning)
}

/// Which base image is to be read, and how.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Where it is.
    pub source: &'a Source,
    /// What machines it is to run on.
    pub platform: &'a Platform,
    /// For its registry.
    pub credentials: &'a Credentials,
    /// How to talk to it.
    pub client: &'a ClientSettings,
    /// sgbuild's own cache.
    pub cache_dir: &'a Path,
    /// Ask the registry which image a tag names, even where it was asked before.
    pub pull: bool,
}

/// Reads a base image, from the cache where it was read before.
///
/// # Errors
/// It cannot be had, is damaged, is for another platform, or holds no Python that can be told by reading.
pub async fn read(asked: &Asked<'_>, progress: &dyn Progress) -> Result<Base, Error> {
    let cache = Cache::of(asked.cache_dir, progress);
    of_cache(asked, &cache, progress).await
}

/// The same, as a part of the current step that is told as `said`.
///
/// # Errors
/// As of [`read`].
pub async fn read_as_part(asked: &Asked<'_>, said: &str, progress: &dyn Progress) -> Result<Base, Error> {
    let part = Part::begin(progress, said);
    let cache = Cache::of(asked.cache_dir, progress);
    let base = of_cache(asked, &cache, progress).await?;
    part.end(!cache.was_filled());
    Ok(base)
}

async fn of_cache(asked: &Asked<'_>, cache: &Cache<'_>, progress: &dyn Progress) -> Result<Base, Error> {
    match &asked.source.image {
        BaseImage::Registry(reference) => registry::read(reference, asked, cache, progress).await,
        BaseImage::Layout { directory, name } => layout::read(directory, name.as_deref(), asked, cache).await,
        BaseImage::Archive { file, name } => docker_archive::read(file, name.as_deref(), asked, cache).await,
        BaseImage::Daemon(name) => {
            let docker = &asked.source.docker;
            docker_archive::read_from_daemon(name, docker, asked, cache, progress).await
        }
    }
}

/// The digest of the manifest that `reference` names for the platform, as it was when it was asked last; no layer is read. A registry's
/// image is meant, whatever `asked` names.
///
/// # Errors
/// The registry has no such image, or does not answer.
pub async fn digest(reference: &Reference, asked: &Asked<'_>, progress: &dyn Progress) -> Result<Digest, Error> {
    let cache = Cache::of(asked.cache_dir, progress);
    registry::digest(reference, asked, &cache, progress).await
}

/// The config of the image that `reference` names for the platform; no layer is read.
///
/// # Errors
/// As of [`digest`], and an image for another platform.
pub async fn config(reference: &Reference, asked: &Asked<'_>, progress: &dyn Progress) -> Result<Value, Error> {
    let cache = Cache::of(asked.cache_dir, progress);
    registry::config(reference, asked, &cache, progress).await
}

/// An image's own documents, checked against each other.
struct Described {
    image: String,
    digest: Digest,
    manifest: Manifest,
    config: Config,
}

impl Described {
    fn new(image: &str, digest: Digest, manifest: Manifest, config: &[u8], platform: &Platform) -> Result<Self, Error> {
        let document = |document, reason| Error::Document {
            image: image.to_owned(),
            document,
            reason,
        };
        if Digest::of(config) != manifest.config.digest {
            return Err(document("config", "is not the one that its manifest names".to_owned()));
        }
        let config = Config::parse(config).map_err(|reason| document("config", reason))?;
        if !platform.is_met_by(&config.platform) {
            return Err(Error::Platform {
                image: image.to_owned(),
                wanted: platform.clone(),
                offered: vec![config.platform.to_string()],
            });
        }
        let (layers, diff_ids) = (manifest.layers.len(), config.diff_ids.len());
        if layers != diff_ids {
            let reason = format!("names {diff_ids} layers, and the manifest {layers}");
            return Err(document("config", reason));
        }
        if let Some(other) = manifest.layers.iter().find(|layer| !layer.is_known()) {
            return Err(Error::LayerKind {
                image: image.to_owned(),
                layer: other.descriptor.digest.clone(),
                media_type: other.media_type.clone(),
            });
        }
        Ok(Self {
            image: image.to_owned(),
            digest,
            manifest,
            config,
        })
    }

    /// The base, of its layers' listings.
    fn into_base(self, listings: Vec<Listing>) -> Result<Base, Error> {
        let Self {
            image,
            digest,
            manifest,
            mut config,
        } = self;
        let diff_ids = std::mem::take(&mut config.diff_ids);
        let mut root = Root::new();
        let mut layers = Vec::with_capacity(listings.len());
        for ((layer, listing), diff_id) in manifest.layers.into_iter().zip(listings).zip(diff_ids) {
            let damaged = |source| Error::Layer {
                image: image.clone(),
                layer: layer.descriptor.digest.clone(),
                source,
            };
            if listing.diff_id != diff_id {
                let reason = format!(
                    "unpacked it is {}, and the image's config says {diff_id}",
                    listing.diff_id
                );
                return Err(damaged(archive::damaged(&reason)));
            }
            let unpacked = listing.unpacked;
            root.lay(listing).map_err(damaged)?;
            layers.push(BaseLayer {
                descriptor: layer.descriptor,
                diff_id,
                unpacked,
                media_type: layer.media_type,
                offset: layer.offset,
                packed: None,
            });
        }
        let merged = root.finish();
        let found = Python::find(&image, &config, &merged);
        let (config, tree) = (config.document, merged.tree);
        match found {
            Ok(python) => Ok(Base {
                manifest_digest: digest,
                config,
                layers,
                tree,
                python,
            }),
            Err(why) => Err(Error::Pythonless {
                image: Box::new(Anatomy { config, layers, tree }),
                why: Box::new(why),
            }),
        }
    }
}

/// Descriptors as they are kept.
mod described {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::oci::{Descriptor, Digest};

    pub(super) fn serialize<S: Serializer>(descriptor: &Descriptor, serializer: S) -> Result<S::Ok, S::Error> {
        (&descriptor.digest, descriptor.size).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Descriptor, D::Error> {
        let (digest, size): (Digest, u64) = <_>::deserialize(deserializer)?;
        Ok(Descriptor { digest, size })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
