//! The layers of byte code beside those of the wheels, and what an image tells of all of them.

use super::bytecode;
use super::conflicts::Found;
use super::last::label::{Label, OfByteCode};
use super::last::{self, Last};
use super::layers::{Ground, Recipe};
use super::measuring::Measuring;
use super::required::Required;
use super::splice::Measured;
use super::{Error, Native};
use crate::engine::Order;

/// The most that an image tells of what goes of its base, in bytes.
const REMOVED: usize = 16 << 10;

/// The byte code of each layer of the requirements, in their order.
pub(super) struct Compiled(Vec<OfLayer>);

/// The byte code of one layer.
enum OfLayer {
    /// Nobody looked, or not to the end; there may be a layer all the same.
    Unknown(Option<(Recipe, Measured)>),
    /// All that there is.
    Known(Option<(Recipe, Measured)>),
}

impl OfLayer {
    fn layer(&self) -> Option<&(Recipe, Measured)> {
        let (Self::Unknown(layer) | Self::Known(layer)) = self;
        layer.as_ref()
    }
}

impl Compiled {
    /// The layers that there are.
    pub(super) fn into_layers(self) -> impl Iterator<Item = (Recipe, Measured)> {
        self.0.into_iter().filter_map(|of_layer| {
            let (OfLayer::Unknown(layer) | OfLayer::Known(layer)) = of_layer;
            layer
        })
    }
}

impl Native {
    /// The byte code of what is required: as the last image has it, or compiled. The package has none: a change of its code stays one small
    /// layer, and starts no Python.
    pub(super) fn compiled(
        &self,
        order: &Order<'_>,
        measuring: &Measuring<'_>,
        required: &Required,
    ) -> Result<Compiled, Error> {
        let Measuring { ground, progress, .. } = *measuring;
        let recipes = &required.recipes;
        let told = |recipe: &Recipe| {
            if recipe.wheels.is_empty() {
                return Some(OfLayer::Known(None));
            }
            if !self.settings.bytecode {
                return Some(OfLayer::Unknown(None));
            }
            told(required.last.as_ref()?, ground, recipe)
        };
        let told: Vec<Option<OfLayer>> = recipes.iter().map(told).collect();
        let untold = recipes.iter().zip(&told).filter(|(_, told)| told.is_none());
        let untold: Vec<&Recipe> = untold.map(|(recipe, _)| recipe).collect();
        let made = bytecode::layers(ground, &untold, &self.settings.uv, order.no_cache, progress)?;
        let mut made = measured(measuring, made)?.into_iter();
        let of_layer = |told: Option<OfLayer>| told.or_else(|| made.next()).unwrap_or(OfLayer::Unknown(None));
        Ok(Compiled(told.into_iter().map(of_layer).collect()))
    }
}

/// The byte code of a layer as the last image has it.
fn told(last: &Last, ground: &Ground<'_>, recipe: &Recipe) -> Option<OfLayer> {
    match last.byte_code(&ground.key(recipe)) {
        last::ByteCode::Unknown => None,
        last::ByteCode::Nothing => Some(OfLayer::Known(None)),
        last::ByteCode::Layer(measured) => {
            let recipe = Recipe {
                title: bytecode::title(&recipe.title),
                ..Recipe::default()
            };
            Some(OfLayer::Known(Some((recipe, measured))))
        }
    }
}

fn measured(measuring: &Measuring<'_>, made: Option<Vec<bytecode::ByteCode>>) -> Result<Vec<OfLayer>, Error> {
    let made = made.unwrap_or_default();
    let recipes: Vec<Recipe> = made.iter().filter_map(|of_layer| of_layer.recipe.clone()).collect();
    let mut layers = measuring.all(&recipes, None)?.into_iter();
    let of_layer = |of_layer: bytecode::ByteCode| {
        let layer = of_layer.recipe.and_then(|recipe| Some((recipe, layers.next()?)));
        // Whether there is nothing to compile, or nothing that compiles here, another machine finds out for itself.
        if of_layer.is_final && layer.is_some() {
            OfLayer::Known(layer)
        } else {
            OfLayer::Unknown(layer)
        }
    };
    Ok(made.into_iter().map(of_layer).collect())
}

/// What the image tells of its layers.
pub(super) fn label(
    ground: &Ground<'_>,
    required: &Required,
    measured: &[Measured],
    compiled: &Compiled,
    found: &Found,
) -> Label {
    let mut label = Label::new();
    let mut next = required.recipes.len();
    for ((recipe, measured), compiled) in required.recipes.iter().zip(measured).zip(&compiled.0) {
        let at = next;
        next += usize::from(compiled.layer().is_some());
        let byte_code = match compiled {
            OfLayer::Unknown(_) => OfByteCode::Unknown,
            OfLayer::Known(None) => OfByteCode::Nothing,
            OfLayer::Known(Some((_, measured))) => OfByteCode::Layer {
                at,
                unpacked: measured.unpacked,
            },
        };
        label.add_layer(ground.key(recipe), measured.unpacked, byte_code);
    }
    for piece in &required.pieces {
        let digest = &piece.ingredient.digest;
        if let Some(places) = found.places(digest) {
            label.add_wheel(digest, piece.size, places.clone());
        }
    }
    let small = |paths: &[String]| paths.iter().map(String::len).sum::<usize>() <= REMOVED;
    if let Some((key, paths)) = required.removed.as_ref().filter(|(_, paths)| small(paths)) {
        label.remove(key.clone(), paths.clone());
    }
    label
}
