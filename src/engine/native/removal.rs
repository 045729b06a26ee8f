//! What goes from a base image before another version of it is installed: what its pip would uninstall
//! ([`req_uninstall.py`](https://github.com/pypa/pip/blob/main/src/pip/_internal/req/req_uninstall.py)).

use std::collections::{BTreeSet, HashMap};

use super::Error;
use super::base::{Base, Installed, Kind};
use super::last::Last;
use super::layers::{Ground, Recipe};
use crate::oci::Digest;
use crate::project::normalized;

/// What goes before which wheels come is kept in the store.
const REMOVED: &str = "removed";

/// The paths of the distributions `replaced` that the base has and the image does not: their files, and directories that nothing is left in,
/// but for those where something of `recipes` is put. With them, what decides it; `None` where nothing is replaced.
///
/// # Errors
/// Nothing tells which files a distribution has; a wheel that no installer takes.
pub(super) fn removed(
    ground: &Ground<'_>,
    replaced: &[String],
    recipes: &[Recipe],
    last: Option<&Last>,
) -> Result<Option<(String, Vec<String>)>, Error> {
    if replaced.is_empty() {
        return Ok(None);
    }
    let key = key(ground, replaced, recipes);
    let known = ground.store.note(REMOVED, &key);
    if let Some(known) = known.or_else(|| last?.removed(&key).cloned()) {
        return Ok(Some((key, known)));
    }
    let removed = find(ground, replaced, recipes)?;
    ground.store.keep_note(REMOVED, &key, &removed);
    Ok(Some((key, removed)))
}

/// Whether the wheels have to be looked into to tell what goes.
pub(super) fn is_unknown(ground: &Ground<'_>, replaced: &[String], recipes: &[Recipe], last: &Last) -> bool {
    if replaced.is_empty() {
        return false;
    }
    let key = key(ground, replaced, recipes);
    last.removed(&key).is_none() && ground.store.note::<Vec<String>>(REMOVED, &key).is_none()
}

/// What decides it.
fn key(ground: &Ground<'_>, replaced: &[String], recipes: &[Recipe]) -> String {
    let wheels: Vec<_> = recipes.iter().flat_map(|recipe| &recipe.wheels).collect();
    let all = (replaced, &wheels, ground.scheme, &ground.base.manifest_digest);
    // What is written can be written.
    Digest::of(&serde_json::to_vec(&all).unwrap_or_default()).to_string()
}

fn find(ground: &Ground<'_>, replaced: &[String], recipes: &[Recipe]) -> Result<Vec<String>, Error> {
    let base = ground.base;
    let mut files = BTreeSet::new();
    for distribution in &base.python.installed {
        if goes(base, replaced, distribution) {
            files.extend(files_of(base, distribution)?);
        }
    }
    let mut used = BTreeSet::new();
    for ingredient in recipes.iter().flat_map(|recipe| &recipe.wheels) {
        let (_, files) = ground.installed(ingredient)?;
        for file in files {
            let path = in_place(base, &file.path);
            used.extend(parents(&path).map(ToOwned::to_owned));
        }
    }
    Ok(with_empty_directories(base, &files, &used))
}

/// Whether the image does not have a distribution of the base any more, where those of the names `replaced` make room for others.
pub(super) fn goes(base: &Base, replaced: &[String], distribution: &Installed) -> bool {
    let is_it = |name: &String| normalized(name) == normalized(&distribution.name);
    replaced.iter().any(is_it) && may_go(base, &distribution.info_directory)
}

/// Whether the image's pip would remove what is at a path: nothing of the Python that a virtual environment stands on, and nothing of what
/// Debian's own packages have in `/usr` (see its `is_local`).
fn may_go(base: &Base, path: &str) -> bool {
    let python = &base.python;
    let is_below = |directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    if base.tree.is_file(&format!("{}/pyvenv.cfg", python.prefix)) {
        return is_below(&python.prefix);
    }
    is_below(&python.data) || !is_below(&python.prefix)
}

/// The files of a distribution, with the byte code of each.
fn files_of(base: &Base, distribution: &Installed) -> Result<Vec<String>, Error> {
    let recorded = distribution.record.as_ref().ok_or_else(|| Error::Unrecorded {
        name: distribution.name.clone(),
        version: distribution.version.clone(),
        directory: distribution.info_directory.clone(),
    })?;
    let (major, minor) = base.python.target.python;
    let mut files = Vec::new();
    for path in recorded.paths() {
        let path = in_place(base, &path);
        if let Some(stem) = path.strip_suffix(".py") {
            let (directory, name) = stem.rsplit_once('/').unwrap_or(("", stem));
            files.push(format!("{stem}.pyc"));
            files.push(format!("{directory}/__pycache__/{name}.cpython-{major}{minor}.pyc"));
        }
        files.push(path);
    }
    files.retain(|path| may_go(base, path) && base.tree.kind(path).is_some_and(|kind| kind != Kind::Directory));
    Ok(files)
}

/// The path with the links of its directory followed, and not its own.
fn in_place(base: &Base, path: &str) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{}/{name}", base.tree.resolve(directory).trim_end_matches('/'))
}

/// The files, or a directory in place of all that is in it.
fn with_empty_directories(base: &Base, files: &BTreeSet<String>, used: &BTreeSet<String>) -> Vec<String> {
    let mut emptied = HashMap::new();
    let mut removed = BTreeSet::new();
    for path in files {
        let gone = parents(path)
            .take_while(|directory| {
                let is_empty = emptied
                    .entry((*directory).to_owned())
                    .or_insert_with(|| is_emptied(base, directory, files));
                *is_empty && !used.contains(*directory)
            })
            .last();
        removed.insert(gone.unwrap_or(path).to_owned());
    }
    removed.into_iter().collect()
}

/// Whether nothing is left below a directory.
fn is_emptied(base: &Base, directory: &str, files: &BTreeSet<String>) -> bool {
    base.tree.names(directory).into_iter().all(|name| {
        let path = format!("{directory}/{name}");
        match base.tree.kind(&path) {
            Some(Kind::Directory) => is_emptied(base, &path, files),
            _ => files.contains(&path),
        }
    })
}

/// The directories above a path, the nearest first, without the root.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/')
        .map(|(at, _)| &path[..at])
        .filter(|directory| !directory.is_empty())
}
