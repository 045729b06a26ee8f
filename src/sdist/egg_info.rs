//! `PKG-INFO` and the files of `<name>.egg-info`, written from [`Metadata`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::str::FromStr;

use pep508_rs::{MarkerExpression, MarkerTree, Requirement, VerbatimUrl, VersionOrUrl};

use super::names::Names;
use crate::project::Metadata;

/// The list of the sdist's files.
pub(crate) const SOURCES: &str = "SOURCES.txt";

/// The files setuptools writes below `<name>.egg-info`, with their content, by name; `SOURCES.txt`, which lists what is
/// packed and so comes last, not among them.
pub(crate) fn files(metadata: &Metadata, names: &Names, zip_safe: Option<bool>) -> BTreeMap<&'static str, String> {
    let mut files = BTreeMap::from([
        ("PKG-INFO", pkg_info(metadata, names)),
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
    if let Some(safe) = zip_safe {
        files.insert(if safe { "zip-safe" } else { "not-zip-safe" }, "\n".to_owned());
    }
    files
}

/// [Core metadata](https://packaging.python.org/en/latest/specifications/core-metadata/) of what [`Metadata`] carries.
///
/// Version 2.1, because from 2.2 on a field that is absent promises to be absent from the wheel too, and the author,
/// classifiers and description are not carried.
pub(crate) fn pkg_info(metadata: &Metadata, names: &Names) -> String {
    let mut text = String::from("Metadata-Version: 2.1\n");
    let mut field = |name: &str, value: &str| {
        // A line break would end the field; core metadata has one line per field here.
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "{name}: {value}");
    };
    field("Name", &names.name);
    field("Version", &names.version);
    if let Some(summary) = metadata
        .summary
        .as_deref()
        .and_then(|summary| summary.trim().lines().next())
    {
        field("Summary", summary);
    }
    if let Some(specifier) = &metadata.requires_python {
        field("Requires-Python", specifier);
    }
    for requirement in &metadata.requires_dist {
        field("Requires-Dist", requirement);
    }
    for extra in &metadata.provides_extra {
        field("Provides-Extra", extra);
    }
    text
}

/// The lines of `SOURCES.txt`: by directory, then by name, as setuptools sorts. A name with a line break cannot be listed.
pub(crate) fn sources<'a>(files: impl Iterator<Item = &'a str>) -> String {
    let mut listed: Vec<(&str, &str)> = files
        .filter(|file| !file.contains(['\n', '\r']))
        .map(|file| file.rsplit_once('/').unwrap_or(("", file)))
        .collect();
    listed.sort_unstable();
    listed.dedup();
    let paths: Vec<String> = listed
        .into_iter()
        .map(|(dir, name)| super::tree::join(dir, name))
        .collect();
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

/// `requires.txt`: markers are section heads (`[extra:marker]`), not part of the requirement
/// (<https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html#requires-txt>).
fn requires(metadata: &Metadata) -> String {
    let mut sections: BTreeMap<String, Vec<String>> = metadata
        .provides_extra
        .iter()
        .map(|extra| (extra.clone(), Vec::new()))
        .collect();
    for requirement in &metadata.requires_dist {
        let (section, line) = sectioned(requirement);
        let is_plain = section.is_empty();
        let lines = sections.entry(section).or_default();
        // setuptools drops what is said twice only of what has a condition.
        if is_plain || !lines.contains(&line) {
            lines.push(line);
        }
    }
    let mut text = String::new();
    for line in sections.remove("").unwrap_or_default() {
        let _ = writeln!(text, "{line}");
    }
    for (section, lines) in sections {
        let _ = writeln!(text, "\n[{section}]");
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// The section a requirement belongs to and the requirement without its marker. What cannot be taken apart stays whole in
/// the section without a name, where a marker is evaluated all the same.
fn sectioned(requirement: &str) -> (String, String) {
    let whole = || (String::new(), requirement.to_owned());
    let Ok(parsed) = Requirement::<VerbatimUrl>::from_str(requirement) else {
        return whole();
    };
    if parsed.marker == MarkerTree::TRUE {
        return whole();
    }
    // The marker begins at the first `;`, after a URL at the first ` ;`, since a URL may contain one.
    let separator = if matches!(parsed.version_or_url, Some(VersionOrUrl::Url(_))) {
        " ;"
    } else {
        ";"
    };
    let Some((bare, marker)) = requirement.split_once(separator) else {
        return whole();
    };
    let bare = bare.trim().to_owned();
    let marker = with_double_quotes(marker.trim());
    // Whether an extra is a condition of the whole marker is for the parser to say; its own spelling of the rest
    // (`python_full_version`) is not the project's, so that is cut out of the text.
    match parsed.marker.top_level_extra() {
        None => (format!(":{marker}"), bare),
        Some(MarkerExpression::Extra { .. }) => match split_extra(&marker) {
            Some((extra, "")) => (extra.to_owned(), bare),
            Some((extra, rest)) => (format!("{extra}:{rest}"), bare),
            None => whole(),
        },
        Some(_) => whole(),
    }
}

/// `(…) and extra == "name"` as name and what stands before it, without parentheses around the whole of that.
fn split_extra(marker: &str) -> Option<(&str, &str)> {
    let (before, extra) = marker.rsplit_once("extra")?;
    let name = extra
        .trim_start()
        .strip_prefix("==")?
        .trim()
        .strip_prefix('"')?
        .strip_suffix('"')?;
    let before = before.trim();
    if before.is_empty() {
        return Some((name, ""));
    }
    let rest = before.strip_suffix("and")?.trim();
    let inner = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    Some((name, inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(rest)))
}

/// Markers with the quotes that Python's `packaging` writes.
fn with_double_quotes(marker: &str) -> String {
    if marker.contains('"') {
        marker.to_owned()
    } else {
        marker.replace('\'', "\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        Metadata {
            name: "Iris".into(),
            version: "1.0".into(),
            summary: Some("One.\nTwo.".into()),
            requires_python: Some(">=3.9".into()),
            requires_dist: vec![
                "Numpy>=1,<3".into(),
                "tomli; python_version < \"3.11\"".into(),
                "pytest ; extra == \"test\"".into(),
                "mock; (python_version < \"3.8\") and extra == \"test\"".into(),
                "lib @ https://example.com/a;b.zip ; extra == 'test'".into(),
            ],
            provides_extra: vec!["test".into(), "empty".into()],
            entry_points: BTreeMap::from([
                (
                    "b".to_owned(),
                    BTreeMap::from([("y".to_owned(), "m:g".to_owned()), ("x".to_owned(), "m:f".to_owned())]),
                ),
                ("a".to_owned(), BTreeMap::from([("x".to_owned(), "m:f".to_owned())])),
                ("none".to_owned(), BTreeMap::new()),
            ]),
            packages: vec!["iris".into(), "iris.sub".into()],
            py_modules: vec!["alone".into()],
        }
    }

    #[test]
    fn the_files_of_a_full_project() {
        let metadata = metadata();
        let files = files(&metadata, &Names::of(&metadata).unwrap(), None);
        let files: Vec<String> = files.iter().map(|(name, text)| format!("== {name}\n{text}")).collect();
        insta::assert_snapshot!(files.concat(), @r#"
        == PKG-INFO
        Metadata-Version: 2.1
        Name: Iris
        Version: 1.0
        Summary: One.
        Requires-Python: >=3.9
        Requires-Dist: Numpy>=1,<3
        Requires-Dist: tomli; python_version < "3.11"
        Requires-Dist: pytest ; extra == "test"
        Requires-Dist: mock; (python_version < "3.8") and extra == "test"
        Requires-Dist: lib @ https://example.com/a;b.zip ; extra == 'test'
        Provides-Extra: test
        Provides-Extra: empty
        == dependency_links.txt

        == entry_points.txt
        [a]
        x = m:f

        [b]
        x = m:f
        y = m:g
        == requires.txt
        Numpy>=1,<3

        [:python_version < "3.11"]
        tomli

        [empty]

        [test]
        pytest
        lib @ https://example.com/a;b.zip

        [test:python_version < "3.8"]
        mock
        == top_level.txt
        alone
        iris
        "#);
    }

    #[test]
    fn a_bare_project_has_no_empty_files() {
        let metadata = Metadata {
            name: "x".into(),
            version: "1".into(),
            ..Metadata::default()
        };
        let files = files(&metadata, &Names::of(&metadata).unwrap(), None);
        assert_eq!(
            files.keys().copied().collect::<Vec<_>>(),
            ["PKG-INFO", "dependency_links.txt", "top_level.txt"]
        );
        assert_eq!(files["PKG-INFO"], "Metadata-Version: 2.1\nName: x\nVersion: 1\n");
    }

    #[test]
    fn sources_are_sorted_by_directory_first() {
        assert_eq!(
            sources(["a/b/c", "a/z", "z", "a/b\nc", "z"].into_iter()),
            "z\na/z\na/b/c"
        );
    }
}
