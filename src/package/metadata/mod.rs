//! The files of `<name>.egg-info`, written from [`Metadata`].

mod pep508;
mod pkg_info;
mod requires_txt;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use self::pkg_info::pkg_info;
use self::requires_txt::requires;
use super::names::Names;
use super::paths::join;
use crate::project::{Build, Metadata};

/// The list of the sdist's files.
pub(crate) const SOURCES: &str = "SOURCES.txt";

/// The files setuptools writes below `<name>.egg-info`, with their content, by name; `SOURCES.txt`, which lists what is
/// packed and so comes last, not among them.
pub(crate) fn files(
    metadata: &Metadata,
    names: &Names,
    build: &Build,
    license_files: &[String],
) -> BTreeMap<&'static str, String> {
    let mut files = BTreeMap::from([
        ("PKG-INFO", pkg_info(metadata, names, build, license_files)),
        ("dependency_links.txt", "\n".to_owned()),
        ("top_level.txt", top_level(metadata)),
    ]);
    // setuptools leaves these two out where there is nothing to say.
    for (name, text) in [
        ("requires.txt", requires(metadata)),
        ("entry_points.txt", entry_points(metadata)),
    ] {
        if !text.is_empty() {
            files.insert(name, text);
        }
    }
    if let Some(safe) = build.zip_safe {
        files.insert(if safe { "zip-safe" } else { "not-zip-safe" }, "\n".to_owned());
    }
    files
}

/// The lines of `SOURCES.txt`: by directory, then by name, as setuptools sorts. A name with a line break cannot be listed.
pub(crate) fn sources<'a>(files: impl Iterator<Item = &'a str>) -> String {
    let mut listed: Vec<(&str, &str)> = files
        .filter(|file| !file.contains(['\n', '\r']))
        .map(|file| file.rsplit_once('/').unwrap_or(("", file)))
        .collect();
    listed.sort_unstable();
    listed.dedup();
    let paths: Vec<String> = listed.into_iter().map(|(dir, name)| join(dir, name)).collect();
    paths.join("\n")
}

fn top_level(metadata: &Metadata) -> String {
    let names: BTreeSet<&str> = metadata
        .packages
        .iter()
        .chain(&metadata.py_modules)
        .filter_map(|name| name.split('.').next())
        .collect();
    let mut text = names.into_iter().collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

fn entry_points(metadata: &Metadata) -> String {
    let groups = metadata.entry_points.iter().filter(|(_, entries)| !entries.is_empty());
    let sections: Vec<String> = groups
        .map(|(group, entries)| {
            entries.iter().fold(format!("[{group}]\n"), |mut text, (name, object)| {
                let _ = writeln!(text, "{name} = {object}");
                text
            })
        })
        .collect();
    sections.join("\n")
}

#[cfg(test)]
mod tests;
