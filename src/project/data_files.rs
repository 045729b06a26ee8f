//! Data files as setup.cfg and pyproject.toml name them, where `*` says more than in setup.py.
//! <https://setuptools.pypa.io/en/latest/userguide/declarative_config.html>

use std::collections::BTreeSet;
use std::path::Path;

use super::border::{self, Real};
use super::error::Error;
use super::value::{Kind, Value};
use crate::reading::{Search, TooFar};
use crate::wildcard::{Pattern, has_magic};

/// Renames the key `*` of `{package: [pattern, …]}`: it is what setup.cfg and pyproject.toml call all packages, and setup.py calls
/// them by the empty name.
pub(crate) fn name_all_packages(declared: &mut Value) {
    let Kind::Dict(entries) = &mut declared.kind else {
        return;
    };
    for (package, _) in entries {
        if package.as_str() == Some("*") {
            *package = Value::str("", package.place);
        }
    }
}

/// `data_files`, a table `{directory: [pattern, …]}`, with the files that each pattern matches in its place, sorted. A name without
/// wildcards stays as it is; so does a value that is no such table: whoever reads it complains.
///
/// # Errors
/// A pattern leads through a link out of the project, or to more directories than any checkout has.
pub(crate) fn expanded(root: &Path, declared: Value) -> Result<Value, Error> {
    let place = declared.place;
    let Kind::Dict(entries) = declared.kind else {
        return Ok(declared);
    };
    let mut search = Search::default();
    let entries = entries.into_iter().map(|(directory, listed)| match listed.kind {
        Kind::List(items) => {
            let place = listed.place;
            let found = items.into_iter().map(|item| expanded_item(root, item, &mut search));
            let found: Vec<_> = found.collect::<Result<_, _>>()?;
            Ok((directory, Value::new(Kind::List(found.concat()), place)))
        }
        _ => Ok((directory, listed)),
    });
    Ok(Value::new(Kind::Dict(entries.collect::<Result<_, Error>>()?), place))
}

fn expanded_item(root: &Path, item: Value, search: &mut Search) -> Result<Vec<Value>, Error> {
    let pattern = item
        .as_str()
        .filter(|name| name.contains(['*', '?', '[', ']', '{', '}']));
    let Some(pattern) = pattern.filter(|pattern| !pattern.starts_with('/') && !pattern.split('/').any(|p| p == ".."))
    else {
        return Ok(vec![item]);
    };
    let found = glob(root, pattern, search)?;
    Ok(found.into_iter().map(|path| Value::str(path, item.place)).collect())
}

/// Python's `glob.glob(pattern, recursive=True)`: names that begin with a dot are only found by a pattern that does.
fn glob(root: &Path, pattern: &str, search: &mut Search) -> Result<BTreeSet<String>, Error> {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let mut found = BTreeSet::from([String::new()]);
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let mut next = BTreeSet::new();
        for directory in &found {
            next.extend(match *part {
                "**" => below(root, directory, last, search)?,
                part => named(root, directory, part, search)?,
            });
        }
        found = next;
    }
    found.remove("");
    Ok(found)
}

fn named(root: &Path, directory: &str, part: &str, search: &mut Search) -> Result<Vec<String>, Error> {
    if !has_magic(part) {
        let path = joined(directory, part);
        let exists = root.join(&path).symlink_metadata().is_ok();
        return Ok(exists.then_some(path).into_iter().collect());
    }
    let pattern = Pattern::fnmatch(part);
    let names = names(root, directory, search)?.into_iter();
    let seen = names.filter(|name| part.starts_with('.') || !name.starts_with('.'));
    let found = seen.filter(|name| pattern.matches(name));
    Ok(found.map(|name| joined(directory, &name)).collect())
}

/// `directory` and all directories below it, and the files in them if `with_files`.
fn below(root: &Path, directory: &str, with_files: bool, search: &mut Search) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for name in names(root, &directory, search)?
            .into_iter()
            .filter(|name| !name.starts_with('.'))
        {
            let path = joined(&directory, &name);
            let absolute = root.join(&path);
            // A link to a directory is not followed: it may lead back.
            if absolute.is_dir() && !absolute.is_symlink() {
                waiting.push(path);
            } else if with_files {
                found.push(path);
            }
        }
        found.push(directory);
    }
    Ok(found)
}

/// The names in a directory; none where it cannot be read, as in Python.
fn names(root: &Path, directory: &str, search: &mut Search) -> Result<Vec<String>, Error> {
    let path = match border::real(root, directory) {
        Ok(Real::Inside(path)) => path,
        // A file has no names in it, wherever it lies.
        Ok(Real::Outside(outside)) if root.join(directory).is_dir() => return Err(Error::Outside(outside)),
        _ => return Ok(Vec::new()),
    };
    let too_far = |source: TooFar| Error::TooFar {
        path: root.join(directory),
        source,
    };
    search.directory().map_err(too_far)?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        search.entry().map_err(too_far)?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}
