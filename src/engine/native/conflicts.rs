//! Files that several wheels bring: pip lets the last one win in silence, and here one is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Error;
use super::install::{Content, Scheme};
use super::last::Last;
use super::layers::{Ground, Ingredient, Recipe};
use crate::oci::Digest;
use crate::progress::Progress;

/// What was found among which wheels is kept in the store.
const CONFLICTS: &str = "places";
/// How many are told of one after another.
const SHOWN: usize = 10;
/// A wheel that has files in more places is looked into each time.
const PLACES: usize = 32;

/// A file that two wheels bring, each in a version of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Conflict {
    path: String,
    /// By their names, the one that the image has last.
    wheels: [String; 2],
    /// Whether they are two files, whose names differ in case alone: on other systems they are one.
    only_case: bool,
}

/// What was found among some wheels.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Found {
    conflicts: Vec<Conflict>,
    /// Of each wheel without a conflict: where it has its files.
    places: BTreeMap<Digest, BTreeSet<String>>,
}

impl Found {
    /// Where a wheel has its files that conflicts with no other, if these are few places.
    pub(super) fn places(&self, wheel: &Digest) -> Option<&BTreeSet<String>> {
        self.places.get(wheel)
    }
}

/// Warns of the files that several wheels of `recipes` bring; equal ones are no conflict. Of wheels that the last image tells of, and that
/// share no place with others, nothing has to be here.
pub(super) fn warn(
    ground: &Ground<'_>,
    recipes: &[Recipe],
    last: Option<&Last>,
    progress: &dyn Progress,
) -> Result<Found, Error> {
    let wheels: Vec<&Ingredient> = recipes.iter().flat_map(|recipe| &recipe.wheels).collect();
    // What is written can be written.
    let key = Digest::of(&serde_json::to_vec(&(&wheels, ground.scheme)).unwrap_or_default());
    let found = match (ground.store.note(CONFLICTS, key.as_str()), last) {
        (Some(found), _) => found,
        // What the last image tells is no note of our own.
        (None, Some(last)) => find_beside(ground, &wheels, last, progress)?,
        (None, None) => {
            let found = find(ground, &wheels, progress)?;
            ground.store.keep_note(CONFLICTS, key.as_str(), &found);
            found
        }
    };
    tell(&found.conflicts, progress);
    Ok(found)
}

fn tell(conflicts: &[Conflict], progress: &dyn Progress) {
    for conflict in conflicts.iter().take(SHOWN) {
        let Conflict {
            path,
            wheels: [one, other],
            only_case,
        } = conflict;
        progress.warn(&if *only_case {
            format!("{one} and {other} bring files whose names differ in case alone: {path}")
        } else {
            format!("{one} and {other} both bring {path}; the image has the one of {other}")
        });
    }
    if conflicts.len() > SHOWN {
        progress.warn(&format!(
            "{} more files are brought by two packages",
            conflicts.len() - SHOWN
        ));
    }
}

/// Which of `wheels` may conflict with another: those that the last image does not tell of, and those that have files in the same places.
/// The ones that it tells of have no conflict among themselves.
///
/// # Errors
/// One that it does not tell of is not here, or no installer takes it.
pub(super) fn suspects<'w>(
    ground: &Ground<'_>,
    wheels: &[&'w Ingredient],
    last: &Last,
) -> Result<BTreeSet<&'w Digest>, Error> {
    let mut suspects = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for wheel in wheels.iter().filter(|wheel| last.places(&wheel.digest).is_none()) {
        suspects.insert(&wheel.digest);
        let (_, files) = ground.installed(wheel)?;
        taken.extend(files.iter().map(|file| place(ground.scheme, &file.path)));
    }
    let shares = |wheel: &&&Ingredient| {
        last.places(&wheel.digest)
            .is_some_and(|places| !places.is_disjoint(&taken))
    };
    suspects.extend(wheels.iter().filter(shares).map(|wheel| &wheel.digest));
    Ok(suspects)
}

/// What is found where the last image tells of some of the wheels.
fn find_beside(
    ground: &Ground<'_>,
    wheels: &[&Ingredient],
    last: &Last,
    progress: &dyn Progress,
) -> Result<Found, Error> {
    let suspects = suspects(ground, wheels, last)?;
    let (looked_into, others): (Vec<&Ingredient>, Vec<&Ingredient>) =
        wheels.iter().partition(|wheel| suspects.contains(&wheel.digest));
    let mut found = find(ground, &looked_into, progress)?;
    let told = others.into_iter().filter_map(|wheel| {
        let places = last.places(&wheel.digest)?;
        Some((wheel.digest.clone(), places.clone()))
    });
    found.places.extend(told);
    Ok(found)
}

fn find(ground: &Ground<'_>, wheels: &[&Ingredient], progress: &dyn Progress) -> Result<Found, Error> {
    let mut seen: BTreeMap<String, (String, (u64, u32), &Ingredient)> = BTreeMap::new();
    let mut found = Found::default();
    let mut in_conflict = BTreeSet::new();
    for ingredient in wheels {
        progress.check()?;
        let (archive, files) = ground.installed(ingredient)?;
        let mut places = BTreeSet::new();
        for file in files {
            let content = match &file.content {
                Content::Member(index) => archive.members().get(*index).map_or((0, 0), |it| (it.size, it.crc32)),
                Content::Bytes(bytes) => (bytes.len() as u64, crc32fast::hash(bytes)),
            };
            places.insert(place(ground.scheme, &file.path));
            let now = (file.path.clone(), content, *ingredient);
            let Some(first) = seen.insert(file.path.to_lowercase(), now) else {
                continue;
            };
            let only_case = first.0 != file.path;
            if only_case || first.1 != content {
                in_conflict.extend([first.2.digest.clone(), ingredient.digest.clone()]);
                found.conflicts.push(Conflict {
                    path: file.path,
                    wheels: [first.2.name.clone(), ingredient.name.clone()],
                    only_case,
                });
            }
        }
        // The metadata of a distribution is its own.
        places.retain(|place| !place.ends_with(".dist-info"));
        if places.len() <= PLACES {
            found.places.insert(ingredient.digest.clone(), places);
        }
    }
    found.places.retain(|wheel, _| !in_conflict.contains(wheel));
    Ok(found)
}

/// The place that a file is in: a package or module, or, elsewhere, what is in one of the prefix's directories. Two wheels that bring one
/// file share its place, whatever the case of its letters.
fn place(scheme: &Scheme, path: &str) -> String {
    let below = |directory: &str, depth: usize| {
        let rest = path.strip_prefix(directory)?.strip_prefix('/')?;
        let end = rest.match_indices('/').nth(depth - 1).map_or(rest.len(), |(at, _)| at);
        Some(rest[..end].to_lowercase())
    };
    let in_library = below(&scheme.purelib, 1).or_else(|| below(&scheme.platlib, 1));
    in_library.unwrap_or_else(|| format!("/{}", below(&scheme.data, 2).unwrap_or_else(|| path.to_lowercase())))
}
