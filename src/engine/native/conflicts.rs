//! Files that several wheels bring: pip lets the last one win in silence, and here one is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;
use super::install::Content;
use super::layers::{Ground, Ingredient, Recipe};
use crate::oci::Digest;
use crate::progress::Progress;

/// What was found among which wheels is kept in the store.
const CONFLICTS: &str = "conflicts";
/// How many are told of one after another.
const SHOWN: usize = 10;

/// A file that two wheels bring, each in a version of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Conflict {
    path: String,
    /// By their names, the one that the image has last.
    wheels: [String; 2],
    /// Whether they are two files, whose names differ in case alone: on other systems they are one.
    only_case: bool,
}

/// Warns of the files that several wheels of `recipes` bring; equal ones are no conflict.
pub(super) fn warn(ground: &Ground<'_>, recipes: &[Recipe], progress: &dyn Progress) -> Result<(), Error> {
    let wheels: Vec<&Ingredient> = recipes.iter().flat_map(|recipe| &recipe.wheels).collect();
    // What is written can be written.
    let key = Digest::of(&serde_json::to_vec(&(&wheels, ground.scheme)).unwrap_or_default());
    let known = ground.store.note::<Vec<Conflict>>(CONFLICTS, key.as_str());
    let conflicts = if let Some(conflicts) = known {
        conflicts
    } else {
        let found = find(ground, &wheels, progress)?;
        ground.store.keep_note(CONFLICTS, key.as_str(), &found);
        found
    };
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
    Ok(())
}

fn find(ground: &Ground<'_>, wheels: &[&Ingredient], progress: &dyn Progress) -> Result<Vec<Conflict>, Error> {
    let mut seen: BTreeMap<String, (String, (u64, u32), String)> = BTreeMap::new();
    let mut found = Vec::new();
    for ingredient in wheels {
        progress.check()?;
        let (archive, files) = ground.installed(ingredient)?;
        for file in files {
            let content = match &file.content {
                Content::Member(index) => archive.members().get(*index).map_or((0, 0), |it| (it.size, it.crc32)),
                Content::Bytes(bytes) => (bytes.len() as u64, crc32fast::hash(bytes)),
            };
            let now = (file.path.clone(), content, ingredient.name.clone());
            let Some(first) = seen.insert(file.path.to_lowercase(), now) else {
                continue;
            };
            let only_case = first.0 != file.path;
            if only_case || first.1 != content {
                found.push(Conflict {
                    path: file.path,
                    wheels: [first.2, ingredient.name.clone()],
                    only_case,
                });
            }
        }
    }
    Ok(found)
}
