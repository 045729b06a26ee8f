//! What differs between two images in registries, whoever made them.
//!
//! ```text
//! what they hold    tree.rs: layers, one upon the other; distributions.rs: what is installed for Python
//! what they say     config.rs: how they are run
//! for people        summary.rs: thousands of files in a few lines
//! ```
//!
//! Layers that both have are not fetched: what is in them is in both.

mod config;
mod distributions;
mod error;
mod summary;
mod tree;

pub use config::Setting;
pub use distributions::Requirement;
pub use error::Error;
pub use summary::{Row, summary};
pub use tree::{File, FileChange};

use std::collections::HashSet;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::engine::native::base::{self, Asked, Image, Listing, Source};
use crate::oci::{Digest, Platform, Reference};
use crate::progress::Progress;
use crate::registry::Credentials;
use crate::registry::client::ClientSettings;
use tree::Tree;

/// Which image is compared.
#[derive(Debug, Clone)]
pub struct Side {
    /// By a tag or a digest.
    pub reference: Reference,
    /// For its registry.
    pub credentials: Credentials,
}

/// How images are read.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// Which image of several under one name.
    pub platform: &'a Platform,
    /// How to talk to registries.
    pub client: &'a ClientSettings,
    /// sgbuild's own cache, which keeps what layers hold.
    pub cache_dir: &'a Path,
}

/// What differs.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The one.
    pub a: Compared,
    /// The other.
    pub b: Compared,
    /// Whether nothing does: neither requirements nor settings nor files.
    pub equal: bool,
    /// Python distributions that are installed in another version, or in one image only.
    pub requirements: Vec<Requirement>,
    /// What the images say of how they are run.
    pub config: Vec<Setting>,
    /// Files, and whatever else is not a directory, sorted by path.
    pub files: Vec<FileChange>,
    /// How many layers from the lowest on are the same: those of a common base, at least.
    pub shared_from_below: usize,
    /// How many layers of both were not read: files of theirs that only one image replaces count as its own.
    pub unread: usize,
}

/// One of two images.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// As it was named.
    pub image: Reference,
    /// Of its manifest.
    pub digest: Digest,
    /// What it was made for.
    pub platform: Platform,
    /// As the registry keeps it, in bytes.
    pub size: u64,
    /// From the lowest.
    pub layers: Vec<Layer>,
}

/// A layer of an image.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    /// As the registry keeps it.
    pub digest: Digest,
    /// See `digest`, in bytes.
    pub size: u64,
    /// Whether the other image has it too.
    pub shared: bool,
    /// What made it, where the image says so.
    pub created_by: Option<String>,
}

/// Compares two images.
///
/// # Errors
/// One of them cannot be had, or read.
pub async fn compare(
    a: &Side,
    b: &Side,
    settings: &Settings<'_>,
    progress: &dyn Progress,
) -> Result<Comparison, Error> {
    let sources = [a, b].map(|side| Source::of_registry(side.reference.clone()));
    let asked = |side, source| asked(side, source, settings);
    let (of_a, of_b) = (asked(a, &sources[0]), asked(b, &sources[1]));
    let failed = |side: &Side| {
        let image = side.reference.to_string();
        move |error| Error::of(image, error)
    };
    let (one, other) = (
        base::look(&a.reference, &of_a, progress).await.map_err(failed(a))?,
        base::look(&b.reference, &of_b, progress).await.map_err(failed(b))?,
    );
    let contents =
        |image: &Image| -> HashSet<Digest> { image.layers.iter().map(|layer| layer.diff_id.clone()).collect() };
    let (in_one, in_other) = (contents(&one), contents(&other));
    let both: HashSet<&Digest> = in_one.intersection(&in_other).collect();
    let listings = base::layers_of(&a.reference, &one, &both, &of_a, progress);
    let mut one_holds = listings.await.map_err(failed(a))?;
    let listings = base::layers_of(&b.reference, &other, &both, &of_b, progress);
    let mut other_holds = listings.await.map_err(failed(b))?;
    // The same layer may be compressed in two ways, and known by one of them.
    share(&one, &one_holds, &other, &mut other_holds);
    share(&other, &other_holds, &one, &mut one_holds);
    Ok(compared((a, &one, one_holds), (b, &other, other_holds)))
}

/// Has the layers of `image` that were not read be what those of `known` with the same content are.
fn share(known: &Image, known_holds: &[Option<Listing>], image: &Image, holds: &mut [Option<Listing>]) {
    for (layer, listing) in image.layers.iter().zip(holds) {
        let same = known.layers.iter().position(|other| other.diff_id == layer.diff_id);
        if let (None, Some(at)) = (&listing, same) {
            *listing = known_holds.get(at).cloned().flatten();
        }
    }
}

fn asked<'a>(side: &'a Side, source: &'a Source, settings: &Settings<'a>) -> Asked<'a> {
    Asked {
        source,
        platform: settings.platform,
        credentials: &side.credentials,
        client: settings.client,
        cache_dir: settings.cache_dir,
        pull: true,
    }
}

fn compared(
    (a, one, one_holds): (&Side, &Image, Vec<Option<Listing>>),
    (b, other, other_holds): (&Side, &Image, Vec<Option<Listing>>),
) -> Comparison {
    let is_same = |(a, b): &(&base::BaseLayer, &base::BaseLayer)| a.diff_id == b.diff_id;
    let shared_from_below = one.layers.iter().zip(&other.layers).take_while(is_same).count();
    let unread = one_holds.iter().filter(|listing| listing.is_none()).count();
    let (tree, other_tree) = (Tree::of(one_holds), Tree::of(other_holds));
    let requirements = distributions::changes(&tree, &other_tree);
    let config = config::changes(one, other);
    let files = tree::changes(&tree, &other_tree);
    Comparison {
        a: Compared::of(a, one, other),
        b: Compared::of(b, other, one),
        equal: requirements.is_empty() && config.is_empty() && files.is_empty(),
        requirements,
        config,
        files,
        shared_from_below,
        unread,
    }
}

impl Compared {
    fn of(side: &Side, image: &Image, other: &Image) -> Self {
        let is_shared = |digest: &Digest| other.layers.iter().any(|layer| layer.descriptor.digest == *digest);
        let made = created_by(&image.config);
        let made = made.into_iter().map(Some).chain(std::iter::repeat(None));
        let layers = image.layers.iter().zip(made).map(|(layer, created_by)| Layer {
            digest: layer.descriptor.digest.clone(),
            size: layer.descriptor.size,
            shared: is_shared(&layer.descriptor.digest),
            created_by,
        });
        Self {
            image: side.reference.clone(),
            digest: image.digest.clone(),
            platform: image.platform.clone(),
            size: image
                .layers
                .iter()
                .map(|layer| layer.descriptor.size)
                .fold(0, u64::saturating_add),
            layers: layers.collect(),
        }
    }
}

/// What made each layer, as the config's [history](https://github.com/opencontainers/image-spec/blob/main/config.md#properties) has it.
fn created_by(config: &Value) -> Vec<String> {
    let history = config.get("history").and_then(Value::as_array).into_iter().flatten();
    let of_layers = history.filter(|step| step.get("empty_layer").and_then(Value::as_bool) != Some(true));
    let text = |step: &Value| {
        step.get("created_by")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    of_layers.map(text).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
