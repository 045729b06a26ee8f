//! The last image of the repository that is pushed to, which tells what its layers are made of: so a machine that knows nothing yet
//! neither fetches nor splices what is in the repository already.
//!
//! ```text
//! what it says       label.rs: a label of its config, which every native image has
//! who is asked       asked.rs: the repository, for an image of ours on the same base
//! what is believed   mod.rs: what its manifest, config and label say alike, and this machine's own notes do not deny
//! ```
//!
//! Its word is taken for what a layer is made of: nobody can hold that against the layer without fetching both. docs/security.md says
//! what that trusts; the setting `last-image` does without.

mod asked;
pub(crate) mod label;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::base::Base;
use super::splice::Measured;
use crate::oci::{Descriptor, Digest, ImageManifest, Platform};
use label::{Label, OfByteCode};

/// What the last image tells.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Last {
    label: Label,
    layers: BTreeMap<String, Known>,
}

/// A layer that it tells of.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    measured: Measured,
    byte_code: ByteCode,
}

/// The byte code of a layer of wheels, as the last image has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ByteCode {
    /// It does not tell.
    Unknown,
    /// There is nothing to compile.
    Nothing,
    /// This layer.
    Layer(Measured),
}

/// Of an image's config: what is read here.
#[derive(Deserialize)]
struct Document {
    os: String,
    architecture: String,
    config: Option<Run>,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct Run {
    #[serde(rename = "Labels", default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<Digest>,
}

impl Last {
    /// What an image tells, by its two documents, of which each is what its digest says.
    ///
    /// # Errors
    /// Why nothing of it is believed: the end of a sentence that begins with the image.
    pub(super) fn read(
        manifest: &ImageManifest,
        config: &[u8],
        base: &Base,
        platform: &Platform,
    ) -> Result<Self, String> {
        let config: Document =
            serde_json::from_slice(config).map_err(|error| format!("has a config that is not understood: {error}"))?;
        let labels = config.config.and_then(|run| run.labels).unwrap_or_default();
        let label = labels.get(label::NAME).ok_or("does not tell of its layers")?;
        let label = Label::parse(label).map_err(|reason| format!("has a label that {reason}"))?;
        if config.os != platform.os || config.architecture != platform.architecture {
            return Err(format!("is for {}/{}", config.os, config.architecture));
        }
        let above = above(manifest, &config.rootfs.diff_ids, base)?;
        let mut layers = BTreeMap::new();
        for (at, told) in label.layers.iter().enumerate() {
            let of = |at: usize, unpacked| {
                let (descriptor, diff_id) = above.get(at)?;
                Some(Measured {
                    digest: descriptor.digest.clone(),
                    size: descriptor.size,
                    diff_id: (*diff_id).clone(),
                    unpacked,
                })
            };
            let too_many = || "tells of layers that it does not have".to_owned();
            let byte_code = match told.byte_code()? {
                OfByteCode::Unknown => ByteCode::Unknown,
                OfByteCode::Nothing => ByteCode::Nothing,
                OfByteCode::Layer { at, .. } if at < label.layers.len() => return Err(too_many()),
                OfByteCode::Layer { at, unpacked } => ByteCode::Layer(of(at, unpacked).ok_or_else(too_many)?),
            };
            let measured = of(at, told.1).ok_or_else(too_many)?;
            layers.insert(told.0.clone(), Known { measured, byte_code });
        }
        Ok(Self { label, layers })
    }

    /// The layer of that key.
    pub(super) fn layer(&self, key: &str) -> Option<&Measured> {
        self.layers.get(key).map(|known| &known.measured)
    }

    /// The byte code of the layer of that key.
    pub(super) fn byte_code(&self, key: &str) -> ByteCode {
        let known = self.layers.get(key);
        known.map_or(ByteCode::Unknown, |known| known.byte_code.clone())
    }

    /// How large a wheel is.
    pub(super) fn size(&self, wheel: &Digest) -> Option<u64> {
        self.label.wheel(wheel).map(|wheel| wheel.0)
    }

    /// The places of a wheel that shares its files with no other of that image.
    pub(super) fn places(&self, wheel: &Digest) -> Option<&BTreeSet<String>> {
        self.label.wheel(wheel).map(|wheel| &wheel.1)
    }

    /// What goes of the base, by what decides it.
    pub(super) fn removed(&self, key: &str) -> Option<&Vec<String>> {
        let removed = self.label.removed.as_ref();
        removed.filter(|(of, _)| of == key).map(|(_, paths)| paths)
    }

    /// Whether `known`, by the key of a layer, says otherwise of one.
    pub(super) fn is_denied(&self, known: impl Fn(&str) -> Option<Measured>) -> bool {
        let mut layers = self.layers.iter();
        layers.any(|(key, told)| known(key).is_some_and(|known| known != told.measured))
    }
}

/// The layers above the base's, which are where manifest and config both have the base's.
fn above<'a>(
    manifest: &'a ImageManifest,
    diff_ids: &'a [Digest],
    base: &Base,
) -> Result<Vec<(&'a Descriptor, &'a Digest)>, String> {
    if manifest.layers.len() != diff_ids.len() {
        return Err("has a config of another number of layers than its manifest".to_owned());
    }
    let mut layers = manifest.layers.iter().zip(diff_ids);
    for layer in &base.layers {
        let is_there = layers
            .next()
            .is_some_and(|(descriptor, diff_id)| descriptor == layer.in_image() && *diff_id == layer.diff_id);
        if !is_there {
            return Err("is made of another base image".to_owned());
        }
    }
    Ok(layers.collect())
}

#[cfg(test)]
mod tests;
