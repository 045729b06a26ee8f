//! An image in a registry as it is, whatever is in it: for whoever compares it with another.

use std::collections::HashSet;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::cache::Cache;
use super::listing::Listing;
use super::manifest::{Config, Layer};
use super::registry::{AT_ONCE, Remote};
use super::{Asked, BaseLayer, Described, Error};
use crate::oci::{Digest, Platform, Reference};
use crate::progress::Progress;

/// What an image says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// Of its own manifest, never of an index.
    pub(crate) digest: Digest,
    /// Its config, exactly as it is.
    pub(crate) config: Value,
    /// What it was made for.
    pub(crate) platform: Platform,
    /// Its layers, from the lowest.
    pub(crate) layers: Vec<BaseLayer>,
}

/// What the image says of itself; the platform that is asked for decides where there are several.
///
/// # Errors
/// It cannot be had, or is damaged.
pub(crate) async fn look(reference: &Reference, asked: &Asked<'_>, progress: &dyn Progress) -> Result<Image, Error> {
    let cache = Cache::of(asked.cache_dir, progress);
    let remote = Remote::connect(reference, asked, &cache, progress).await?;
    let (digest, manifest) = remote.named(reference).await?;
    let config = remote.config(&manifest).await?;
    let platform = Config::parse(&config)
        .map_err(|reason| remote.unlike("config", reason))?
        .platform;
    let described = Described::new(&reference.to_string(), digest, manifest, &config, &platform)?;
    let layers = described.manifest.layers.into_iter().zip(described.config.diff_ids);
    Ok(Image {
        digest: described.digest,
        config: described.config.document,
        platform,
        layers: layers
            .map(|(layer, diff_id)| BaseLayer {
                descriptor: layer.descriptor,
                diff_id,
                // Only who reads it knows.
                unpacked: 0,
                media_type: layer.media_type,
                offset: layer.offset,
                packed: None,
            })
            .collect(),
    })
}

/// What each of the image's layers holds. Those with a content of `known` are not fetched: nothing is said of them where they were never
/// read.
///
/// # Errors
/// A layer cannot be had, or is damaged.
pub(crate) async fn layers_of(
    reference: &Reference,
    image: &Image,
    known: &HashSet<&Digest>,
    asked: &Asked<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Option<Listing>>, Error> {
    let cache = Cache::of(asked.cache_dir, progress);
    let mut remote = None;
    for layer in &image.layers {
        let is_wanted = !known.contains(&layer.diff_id) && cache.listing(&layer.descriptor.digest).is_none();
        if is_wanted && remote.is_none() {
            progress.step(&format!("Reading {reference}"));
            remote = Some(Remote::connect(reference, asked, &cache, progress).await?);
        }
    }
    let mut reading: Vec<BoxFuture<'_, Result<Option<Listing>, Error>>> = Vec::new();
    for layer in &image.layers {
        let (cache, remote) = (&cache, remote.as_ref());
        reading.push(Box::pin(async move {
            match remote.filter(|_| !known.contains(&layer.diff_id)) {
                Some(remote) => checked(remote, layer).await.map(Some),
                None => Ok(cache.listing(&layer.descriptor.digest)),
            }
        }));
    }
    stream::iter(reading).buffered(AT_ONCE).try_collect().await
}

/// A layer's listing, if it is what the config says.
async fn checked(remote: &Remote<'_>, layer: &BaseLayer) -> Result<Listing, Error> {
    let listing = remote
        .listing(&Layer {
            descriptor: layer.descriptor.clone(),
            media_type: layer.media_type.clone(),
            offset: layer.offset,
        })
        .await?;
    if listing.diff_id == layer.diff_id {
        return Ok(listing);
    }
    let reason = format!(
        "says that the layer {} is {} unpacked, and it is {}",
        layer.descriptor.digest, layer.diff_id, listing.diff_id
    );
    Err(remote.unlike("config", reason))
}
