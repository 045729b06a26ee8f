//! What an image's layers are made of where that was not fetched, as a repository has them: fetched and made after all.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::base::Base;
use super::build::{Record, scheme};
use super::bytecode;
use super::layers::{Ground, Recipe};
use super::resolve::Resolved;
use super::splice::{self, Measured};
use super::store::Store;
use super::{Error, Native};
use crate::oci::Digest;
use crate::progress::Progress;

/// What of an image is in a repository and not here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Elsewhere {
    /// Where its wheels come from.
    pub(super) wheels: Vec<Resolved>,
    /// The hosts that were trusted without a certificate.
    #[serde(default)]
    pub(super) trusted: Vec<String>,
    /// The layers, as a registry knows them.
    pub(super) layers: BTreeSet<Digest>,
}

impl Elsewhere {
    /// Of an image with these layers, for which the wheels `absent` were not fetched, from hosts among which some are `trusted`.
    pub(super) fn of(
        layers: &[(Recipe, Measured)],
        absent: Vec<Resolved>,
        trusted: Vec<String>,
        store: &Store,
    ) -> Self {
        let is_here = |recipe: &Recipe| {
            let mut archives = recipe.archives();
            !recipe.is_empty() && archives.all(|digest| store.get(digest).is_some())
        };
        let elsewhere = layers.iter().filter(|(recipe, _)| !is_here(recipe));
        Self {
            layers: elsewhere.map(|(_, measured)| measured.digest.clone()).collect(),
            wheels: absent,
            trusted,
        }
    }
}

impl Record {
    /// Whether all is here that its layers are made of, or it is known where that is.
    pub(super) fn is_whole(&self, store: &Store) -> bool {
        let is_here = |recipe: &Recipe| recipe.archives().all(|digest| store.get(digest).is_some());
        self.layers
            .iter()
            .all(|(recipe, measured)| self.elsewhere.layers.contains(&measured.digest) || is_here(recipe))
    }
}

impl Native {
    /// The record with all its layers such that they can be made here.
    ///
    /// # Errors
    /// A wheel cannot be had any more; a layer that an image told of is not what its parts come to.
    pub(super) async fn brought_here(
        &self,
        mut record: Record,
        base: &Base,
        progress: &dyn Progress,
    ) -> Result<Record, Error> {
        let elsewhere = std::mem::take(&mut record.elsewhere);
        if elsewhere.layers.is_empty() {
            return Ok(record);
        }
        let sites = self.sites.trusting(&elsewhere.trusted);
        self.store.fetch(&elsewhere.wheels, &sites, progress).await?;
        let scheme = scheme(base);
        let ground = Ground {
            base,
            scheme: &scheme,
            store: &self.store,
        };
        if record.layers.iter().any(|(recipe, _)| recipe.is_empty()) {
            let recipes = record.layers.iter().map(|(recipe, _)| recipe);
            let wheels: Vec<&Recipe> = recipes.filter(|recipe| !recipe.wheels.is_empty()).collect();
            let compiled = bytecode::layers(&ground, &wheels, &self.settings.uv, false, progress)?;
            let compiled: Vec<Recipe> = compiled
                .into_iter()
                .flatten()
                .filter_map(|layer| layer.recipe)
                .collect();
            for (recipe, _) in record.layers.iter_mut().filter(|(recipe, _)| recipe.is_empty()) {
                if let Some(made) = compiled.iter().find(|made| made.title == recipe.title) {
                    *recipe = made.clone();
                }
            }
        }
        for (recipe, told) in &record.layers {
            if elsewhere.layers.contains(&told.digest) && splice::measure(&ground.entries(recipe)?, progress)? != *told
            {
                return Err(Error::OtherLayer {
                    title: recipe.title.clone(),
                    told: told.digest.clone(),
                });
            }
        }
        record.keep(&self.store);
        Ok(record)
    }
}
