//! What the requirements come to: the layers, and of their wheels those that are needed here.

use std::collections::BTreeSet;

use super::bytecode;
use super::conflicts;
use super::last::{ByteCode, Last};
use super::layers::{self, Ingredient, MAX_LAYERS, Piece, Recipe};
use super::measuring::Measuring;
use super::removal;
use super::resolve::{self, Question, Resolved, Source};
use super::sbom::Listed;
use super::store::Sites;
use super::{Error, Native};
use crate::engine::Order;
use crate::engine::native::base;
use crate::oci::Digest;

/// See the module.
#[derive(Default)]
pub(super) struct Required {
    /// From the lowest: what goes of the base, and layers of wheels.
    pub(super) recipes: Vec<Recipe>,
    /// Every wheel.
    pub(super) pieces: Vec<Piece>,
    /// Those that were not fetched: nothing is made of them.
    pub(super) absent: Vec<Resolved>,
    /// The hosts that the requirements trust without a certificate.
    pub(super) trusted: Vec<String>,
    /// Every wheel, as the SBOM tells of it.
    pub(super) listed: Vec<Listed>,
    /// What of the base makes room for them, by the names that it has there.
    pub(super) replaced: Vec<String>,
    /// What goes of the base, by what decides it.
    pub(super) removed: Option<(String, Vec<String>)>,
    /// What the last image tells, where it was asked.
    pub(super) last: Option<Last>,
}

/// The wheels on their way here.
struct Gathering<'a> {
    native: &'a Native,
    measuring: &'a Measuring<'a>,
    sites: &'a Sites,
    last: &'a Last,
    wheels: &'a [Resolved],
    /// In the same order: what is known of each.
    pieces: Vec<Option<Piece>>,
    /// Which of them are not here.
    absent: BTreeSet<usize>,
    room: usize,
}

impl Native {
    /// The layers of what the package requires.
    pub(super) async fn required(&self, order: &Order<'_>, measuring: &Measuring<'_>) -> Result<Required, Error> {
        let Measuring { ground, progress, .. } = *measuring;
        let (plan, base) = (order.plan, ground.base);
        if plan.requirements.is_empty() {
            return Ok(Required::default());
        }
        let installed: Vec<resolve::Installed> = base.python.installed.iter().map(known).collect();
        let question = Question {
            requirements: &plan.requirements,
            constraints: &plan.constraints,
            locked: plan.locked,
            target: &base.python.target,
            python_full: base.python.release.as_deref(),
            installed: &installed,
            may_build: !self.settings.static_only,
            uv: &self.settings.uv,
            anew: order.upgrade || order.no_cache,
        };
        let trusted = resolve::trusted_hosts(&plan.requirements)?;
        let own = (!trusted.is_empty()).then(|| self.sites.trusting(&trusted));
        let sites = own.as_ref().unwrap_or(&self.sites);
        let resolution = resolve::resolve(&question, &self.store, sites, progress).await?;
        let (wheels, replaced) = (&resolution.wheels, &resolution.replaced);
        // Others are the package and what is removed; byte code has a layer beside each.
        let room = MAX_LAYERS.saturating_sub(base.layers.len() + 2);
        let room = if self.settings.bytecode { room / 2 } else { room };
        let here = |wheel| self.store.here(wheel).as_ref().map(Piece::of);
        let pieces: Vec<Option<Piece>> = wheels.iter().map(here).collect();
        let missing = wheels.iter().zip(&pieces).filter(|(_, piece)| piece.is_none());
        let missing: Vec<&Resolved> = missing.map(|(wheel, _)| wheel).collect();
        let last = self.last(order, base, &missing, progress).await;
        let (pieces, absent) = match &last {
            Some(last) => {
                let mut gathering = Gathering {
                    native: self,
                    measuring,
                    sites,
                    last,
                    wheels,
                    pieces,
                    absent: BTreeSet::new(),
                    room,
                };
                gathering.what_is_known()?;
                gathering.what_is_needed(replaced)?;
                gathering.ended()
            }
            None if missing.is_empty() => (pieces.into_iter().flatten().collect(), Vec::new()),
            None => {
                let said = pieces.into_iter().zip(wheels);
                let said: Option<Vec<Piece>> = said
                    .map(|(here, wheel)| here.or_else(|| said_by_index(wheel)))
                    .collect();
                // Where it is known how large they are, it is known which layers they make.
                let recipes = said.map(|said| layers::arrange(&said, room)).unwrap_or_default();
                let wheels: Vec<&Resolved> = wheels.iter().collect();
                let fetched = measuring.while_fetching(&recipes, &wheels, sites)?;
                (fetched.iter().map(Piece::of).collect(), Vec::new())
            }
        };
        let mut recipes = layers::arrange(&pieces, room);
        let removed = removal::removed(ground, replaced, &recipes, last.as_ref())?;
        if let Some((_, paths)) = removed.as_ref().filter(|(_, paths)| !paths.is_empty()) {
            let without = Recipe {
                title: format!("without the base's {}", replaced.join(", ")),
                removed: paths.clone(),
                ..Recipe::default()
            };
            recipes.insert(0, without);
        }
        let listed = wheels.iter().zip(&pieces);
        Ok(Required {
            listed: listed.map(|(wheel, piece)| Listed::required(wheel, piece)).collect(),
            recipes,
            pieces,
            absent,
            trusted,
            replaced: resolution.replaced,
            removed,
            last,
        })
    }
}

impl Gathering<'_> {
    /// Finds out of every wheel how large it is: what nobody tells of is fetched.
    fn what_is_known(&mut self) -> Result<(), Error> {
        self.absent = (0..self.wheels.len()).filter(|at| self.pieces[*at].is_none()).collect();
        for at in &self.absent {
            let wheel = &self.wheels[*at];
            // What the last image says otherwise is not believed, and looked at.
            let is_untold = |piece: &Piece| self.last.size(&piece.ingredient.digest).is_none();
            self.pieces[*at] = told(wheel, self.last).or_else(|| said_by_index(wheel).filter(is_untold));
        }
        let unknown = self.absent.iter().copied().filter(|at| self.pieces[*at].is_none());
        self.fetch(unknown.collect(), &[])
    }

    /// Fetches what a layer is to be made of, or what something has to be found out of.
    fn what_is_needed(&mut self, replaced: &[String]) -> Result<(), Error> {
        let recipes = layers::arrange(&self.all(), self.room);
        let wheels: Vec<&Ingredient> = recipes.iter().flat_map(|recipe| &recipe.wheels).collect();
        let mut needed: BTreeSet<&Digest> = BTreeSet::new();
        if removal::is_unknown(self.measuring.ground, replaced, &recipes, self.last) {
            needed.extend(wheels.iter().map(|wheel| &wheel.digest));
        }
        let (mut compiles, mut made) = (None, Vec::new());
        for recipe in &recipes {
            let key = self.measuring.ground.key(recipe);
            let is_there = self.last.layer(&key).is_some();
            if is_there && self.last.byte_code(&key) != ByteCode::Unknown {
                continue;
            }
            if is_there && !self.compiles(&mut compiles)? {
                continue;
            }
            needed.extend(recipe.wheels.iter().map(|wheel| &wheel.digest));
            if !is_there {
                made.push(recipe.clone());
            }
        }
        self.fetch(self.absent_of(&needed), &made)?;
        let suspects = conflicts::suspects(self.measuring.ground, &wheels, self.last)?;
        self.fetch(self.absent_of(&suspects), &[])
    }

    /// Which of the wheels with these digests are not here.
    fn absent_of(&self, digests: &BTreeSet<&Digest>) -> Vec<usize> {
        let is_one = |at: &usize| {
            let piece = self.pieces[*at].as_ref();
            piece.is_none_or(|piece| digests.contains(&piece.ingredient.digest))
        };
        self.absent.iter().copied().filter(is_one).collect()
    }

    /// Whether byte code is wanted, and this machine can compile it.
    fn compiles(&self, known: &mut Option<bool>) -> Result<bool, Error> {
        if let Some(known) = known {
            return Ok(*known);
        }
        let settings = &self.native.settings;
        let compiles =
            settings.bytecode && bytecode::is_possible(self.measuring.ground, &settings.uv, self.measuring.progress)?;
        Ok(*known.insert(compiles))
    }

    /// Fetches these wheels, for layers that are `made` of them.
    fn fetch(&mut self, which: Vec<usize>, made: &[Recipe]) -> Result<(), Error> {
        let wheels: Vec<&Resolved> = which.iter().map(|at| &self.wheels[*at]).collect();
        let fetched = self.measuring.while_fetching(made, &wheels, self.sites)?;
        for (at, wheel) in which.into_iter().zip(&fetched) {
            self.pieces[at] = Some(Piece::of(wheel));
            self.absent.remove(&at);
        }
        Ok(())
    }

    fn all(&self) -> Vec<Piece> {
        self.pieces.iter().flatten().cloned().collect()
    }

    fn ended(self) -> (Vec<Piece>, Vec<Resolved>) {
        let (absent, all) = (self.absent.len(), self.wheels.len());
        if absent > 0 {
            self.measuring.progress.detail(&format!(
                "{absent} of {all} wheels are not fetched: their layers are in the repository"
            ));
        }
        let absent = self.absent.iter().map(|at| self.wheels[*at].clone()).collect();
        (self.all(), absent)
    }
}

/// A wheel as the index and the last image tell of it.
pub(super) fn told(wheel: &Resolved, last: &Last) -> Option<Piece> {
    let Source::File(remote) = &wheel.source else {
        return None;
    };
    let digest = remote.sha256.as_ref()?;
    let size = last.size(digest)?;
    let is_as_said = remote.size.is_none_or(|said| said == size);
    (wheel.allows(digest) && is_as_said).then(|| piece(wheel, digest, size))
}

/// A wheel as its index tells of it.
fn said_by_index(wheel: &Resolved) -> Option<Piece> {
    let Source::File(remote) = &wheel.source else {
        return None;
    };
    let digest = remote.sha256.as_ref().filter(|digest| wheel.allows(digest))?;
    Some(piece(wheel, digest, remote.size?))
}

fn piece(wheel: &Resolved, digest: &Digest, size: u64) -> Piece {
    Piece {
        ingredient: Ingredient {
            name: wheel.name.clone(),
            digest: digest.clone(),
            requested: wheel.requested,
        },
        version: wheel.version.clone(),
        size,
    }
}

fn known(installed: &base::Installed) -> resolve::Installed {
    resolve::Installed {
        name: installed.name.clone(),
        version: installed.version.clone(),
        metadata: installed.metadata.clone(),
    }
}
