//! What came of an image's layers when it was sent.

use std::collections::HashMap;

use crate::oci::{Digest, ImageManifest};

/// What an engine heard of what it sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// The manifest that it put under the tag, where it knows it.
    pub manifest: Option<Digest>,
    layers: HashMap<Layer, bool>,
}

/// A layer, as whoever sends it calls it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Layer {
    /// By its place in the image, from the lowest.
    At(usize),
    /// By the first digits of its digest in the manifest.
    Named(String),
}

/// What a push came to, in bytes as the registry keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// What was sent.
    pub sent: u64,
    /// What was there already.
    pub there: u64,
}

impl Sent {
    /// A layer `is_new` to the repository, or was there. What was sent once was not there before.
    pub fn add(&mut self, layer: Layer, is_new: bool) {
        *self.layers.entry(layer).or_default() |= is_new;
    }

    /// The same without what is known of the layers.
    #[must_use]
    pub fn without_layers(self) -> Self {
        Self {
            manifest: self.manifest,
            layers: HashMap::new(),
        }
    }

    /// What that comes to for the image of `manifest`; `None` where nothing is known of one of its layers.
    #[must_use]
    pub fn amounts(&self, manifest: &ImageManifest) -> Option<Amounts> {
        let mut amounts = Amounts { sent: 0, there: 0 };
        let mut seen = std::collections::HashSet::new();
        for (at, layer) in manifest.layers.iter().enumerate() {
            let digits = layer.digest.as_str().trim_start_matches("sha256:");
            let named = self.layers.iter().find_map(|(name, is_new)| match name {
                Layer::Named(name) if digits.starts_with(name.as_str()) => Some(is_new),
                _ => None,
            });
            let is_new = *self.layers.get(&Layer::At(at)).or(named)?;
            // The same content may be two layers.
            if seen.insert(&layer.digest) {
                let amount = if is_new { &mut amounts.sent } else { &mut amounts.there };
                *amount = amount.saturating_add(layer.size);
            }
        }
        Some(amounts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Descriptor;

    fn manifest(sizes: &[usize]) -> ImageManifest {
        let layers = sizes.iter().map(|size| Descriptor::of(&vec![b'x'; *size]));
        ImageManifest {
            config: Descriptor::of(b"{}"),
            layers: layers.collect(),
        }
    }

    #[test]
    fn what_is_known_of_every_layer_is_added_up() {
        let image = manifest(&[3, 5, 3]);
        let named = Digest::of(b"xxxxx").as_str()[7..19].to_owned();
        let mut sent = Sent::default();
        sent.add(Layer::At(0), false);
        sent.add(Layer::Named(named.clone()), true);
        assert_eq!(sent.amounts(&image), None);
        sent.add(Layer::At(2), false);
        assert_eq!(sent.amounts(&image), Some(Amounts { sent: 5, there: 3 }));
        sent.add(Layer::Named(named), false);
        assert_eq!(sent.amounts(&image), Some(Amounts { sent: 5, there: 3 }));
    }
}
