//! Data files as setup.cfg and pyproject.toml name them, where `*` says more than in setup.py.
//! <https://setuptools.pypa.io/en/latest/userguide/declarative_config.html>

use std::collections::BTreeSet;
use std::path::Path;

use super::border::{self, Real};
use super::error::Error;
use super::value::{Kind, Value};
use crate::wildcard::{Pattern, has_magic};

/// In `{package: [pattern, …]}` what setup.py calls the empty name, and setup.cfg and pyproject.toml `*`: all packages.
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

/// `data_files`, `{directory: [pattern, …]}` with the files that the patterns find, sorted; names without wildcards
/// stay, and so does what is no such table, for its reader to complain of.
///
/// # Errors
/// A pattern leads through a link out of the project.
pub(crate) fn expanded(root: &Path, declared: Value) -> Result<Value, Error> {
    let place = declared.place;
    let Kind::Dict(mut entries) = declared.kind else {
        return Ok(declared);
    };
    for (_, listed) in &mut entries {
        if let Kind::List(items) = &mut listed.kind {
            let mut found = Vec::new();
            for item in std::mem::take(items) {
                found.extend(expanded_item(root, item)?);
            }
            *items = found;
        }
    }
    Ok(Value::new(Kind::Dict(entries), place))
}

fn expanded_item(root: &Path, item: Value) -> Result<Vec<Value>, Error> {
    let pattern = item
        .as_str()
        .filter(|name| name.contains(['*', '?', '[', ']', '{', '}']));
    let Some(pattern) = pattern.filter(|pattern| !pattern.starts_with('/') && !pattern.split('/').any(|p| p == ".."))
    else {
        return Ok(vec![item]);
    };
    let found = glob(root, pattern)?.into_iter();
    Ok(found.map(|path| Value::str(path, item.place)).collect())
}

/// Python's `glob.glob(pattern, recursive=True)`: names that begin with a dot are only found by a pattern that does.
fn glob(root: &Path, pattern: &str) -> Result<BTreeSet<String>, Error> {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let mut found = BTreeSet::from([String::new()]);
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let mut next = BTreeSet::new();
        for directory in &found {
            next.extend(match *part {
                "**" => below(root, directory, last)?,
                part => named(root, directory, part)?,
            });
        }
        found = next;
    }
    found.remove("");
    Ok(found)
}

fn named(root: &Path, directory: &str, part: &str) -> Result<Vec<String>, Error> {
    if !has_magic(part) {
        let path = joined(directory, part);
        let exists = root.join(&path).symlink_metadata().is_ok();
        return Ok(exists.then_some(path).into_iter().collect());
    }
    let pattern = Pattern::fnmatch(part);
    let names = names(root, directory)?.into_iter();
    let seen = names.filter(|name| part.starts_with('.') || !name.starts_with('.'));
    let matching = seen.filter(|name| pattern.matches(name));
    Ok(matching.map(|name| joined(directory, &name)).collect())
}

/// `directory` and all directories below it, and the files in them if `with_files`.
fn below(root: &Path, directory: &str, with_files: bool) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for name in names(root, &directory)?
            .into_iter()
            .filter(|name| !name.starts_with('.'))
        {
            let path = joined(&directory, &name);
            let absolute = root.join(&path);
            // Nothing is gained by following a link to a directory, which may lead back.
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

/// The names in a directory; of one that cannot be read none, as in Python.
fn names(root: &Path, directory: &str) -> Result<Vec<String>, Error> {
    let path = match border::real(root, directory) {
        Ok(Real::Inside(path)) => path,
        // A file has no names in it, wherever it lies.
        Ok(Real::Outside(outside)) if root.join(directory).is_dir() => return Err(Error::Outside(outside)),
        _ => return Ok(Vec::new()),
    };
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    Ok(entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect())
}

fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}
