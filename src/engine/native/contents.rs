//! What an image is made of, as content that can be read: for whoever writes all of it somewhere.

use std::sync::Arc;

use super::base::Base;
use super::build::{Record, scheme};
use super::layers::Ground;
use super::send::{Layer, short};
use super::{Error, Native};
use crate::engine::BuiltImage;
use crate::oci::{Content, Descriptor, held};
use crate::progress::{Progress, Silent};

/// An image, all of which can be read.
pub(super) struct Contents {
    /// By which it is known: `repository:tag`.
    pub(super) name: String,
    pub(super) manifest: Arc<dyn Content>,
    pub(super) config: Arc<dyn Content>,
    /// From the lowest, whether or not they are read.
    pub(super) layers: Vec<Descriptor>,
    /// Those that are, each once.
    pub(super) read: Vec<(String, Arc<dyn Content>)>,
    pub(super) platform: crate::oci::Platform,
}

impl Native {
    /// The image's contents, of its layers those above the lowest `left_out`.
    pub(super) async fn contents(
        &self,
        image: &BuiltImage,
        left_out: usize,
        progress: &dyn Progress,
    ) -> Result<Contents, Error> {
        let record = self.record(image)?;
        let base = self.base_of(&record, progress).await?;
        let record = self.brought_here(record, &base, progress).await?;
        let mut layers: Vec<Descriptor> = base.layers.iter().map(|layer| layer.in_image().clone()).collect();
        let mut read = self.base_layers(&record, &base, left_out, progress).await?;
        let scheme = scheme(&base);
        let ground = Ground {
            base: &base,
            scheme: &scheme,
            store: &self.store,
        };
        for (at, (recipe, measured)) in record.layers.iter().enumerate() {
            let descriptor = measured.descriptor();
            if base.layers.len() + at >= left_out {
                let layer: Arc<dyn Content> = Arc::new(Layer {
                    entries: ground.entries(recipe)?,
                    descriptor: descriptor.clone(),
                    task: Arc::new(Silent),
                });
                read.push((recipe.title.clone(), layer));
            }
            layers.push(descriptor);
        }
        let mut seen = std::collections::HashSet::new();
        read.retain(|(_, content)| seen.insert(content.descriptor().digest.clone()));
        Ok(Contents {
            name: image.name().to_owned(),
            manifest: held(record.manifest.as_bytes()),
            config: held(record.config.as_bytes()),
            layers,
            read,
            platform: image.platform.clone(),
        })
    }

    /// The base's layers above the lowest `left_out`, each with its title.
    async fn base_layers(
        &self,
        record: &Record,
        base: &Base,
        left_out: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<(String, Arc<dyn Content>)>, Error> {
        let blobs = self.base_blobs(record.source(&self.settings.docker)?);
        let mut titled = Vec::new();
        for layer in base.layers.iter().skip(left_out) {
            let title = format!("base layer {}", short(&layer.in_image().digest));
            titled.push((title, self.base_blob(&blobs, layer, progress).await?));
        }
        Ok(titled)
    }
}
