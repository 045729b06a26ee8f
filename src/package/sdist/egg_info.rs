//! `PKG-INFO` and the files of `<name>.egg-info`, written from [`Metadata`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::str::FromStr;

use pep508_rs::{MarkerExpression, MarkerTree, Requirement, VerbatimUrl, VersionOrUrl};

use super::names::Names;
use super::pep508;
use crate::project::{Build, LICENSE_FILE, Metadata, dynamic_names};

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

/// The version of core metadata that setuptools 84 writes.
const METADATA_VERSION: &str = "2.4";

/// [Core metadata](https://packaging.python.org/en/latest/specifications/core-metadata/), field by field in the order and
/// the form of setuptools 84 (`_core_metadata.py`). It does not escape line ends but those of the license, so neither does
/// this. What is left out because only Python knows it is `Dynamic`, as is what setuptools marks so.
fn pkg_info(metadata: &Metadata, names: &Names, build: &Build, license_files: &[String]) -> String {
    let said = &metadata.descriptive;
    let mut text = String::new();
    field(&mut text, "Metadata-Version", METADATA_VERSION);
    field(&mut text, "Name", &names.name);
    field(&mut text, "Version", &names.version);
    optional(&mut text, "Summary", said.summary.as_ref());
    optional(&mut text, "Home-page", said.home_page.as_ref());
    optional(&mut text, "Download-URL", said.download_url.as_ref());
    optional(&mut text, "Author", said.author.as_ref());
    optional(&mut text, "Author-email", said.author_email.as_ref());
    optional(&mut text, "Maintainer", said.maintainer.as_ref());
    optional(&mut text, "Maintainer-email", said.maintainer_email.as_ref());
    if said.license_expression.is_some() {
        optional(&mut text, "License-Expression", said.license_expression.as_ref());
    } else {
        optional(&mut text, "License", said.license.as_deref().map(indented).as_ref());
    }
    repeated(&mut text, "Project-URL", &said.project_urls);
    let keywords = said.keywords.join(",");
    optional(&mut text, "Keywords", Some(&keywords).filter(|words| !words.is_empty()));
    repeated(&mut text, "Platform", &said.platforms);
    repeated(&mut text, "Classifier", &said.classifiers);
    repeated(&mut text, "Requires", &said.requires);
    repeated(&mut text, "Provides", &said.provides);
    repeated(&mut text, "Obsoletes", &said.obsoletes);
    optional(&mut text, "Requires-Python", requires_python(metadata, build).as_ref());
    optional(
        &mut text,
        "Description-Content-Type",
        said.description_content_type.as_ref(),
    );
    repeated(&mut text, "License-File", license_files);
    requirements(&mut text, metadata);
    repeated(&mut text, "Dynamic", &dynamic(metadata, build, license_files));
    if let Some(description) = &said.description {
        let end = if description.ends_with('\n') { "" } else { "\n" };
        let _ = write!(text, "\n{description}{end}");
    }
    text
}

fn field(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name}: {value}");
}

fn optional(text: &mut String, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        field(text, name, value);
    }
}

fn repeated(text: &mut String, name: &str, values: &[impl AsRef<str>]) {
    for value in values {
        field(text, name, value.as_ref());
    }
}

/// Later lines as a header continues: after eight blanks.
fn indented(value: &str) -> String {
    value.replace('\n', "\n        ")
}

/// setuptools keeps what `setup()` was given, and sorts what a configuration file has.
fn requires_python(metadata: &Metadata, build: &Build) -> Option<String> {
    let declared = metadata.requires_python.as_ref()?;
    let is_given = build.dynamic_fields.contains(&"requires-python");
    Some(if is_given {
        declared.clone()
    } else {
        pep508::specifiers(declared)
    })
}

/// `Requires-Dist`, each extra named before its requirements.
fn requirements(text: &mut String, metadata: &Metadata) {
    let mut extras = metadata.provides_extra.iter();
    let known: BTreeSet<&str> = metadata.provides_extra.iter().map(String::as_str).collect();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for requirement in &metadata.requires_dist {
        let requirement = pep508::spelled(requirement);
        if let Some(extra) = pep508::extra(&requirement).filter(|extra| known.contains(extra)) {
            while !named.contains(extra) {
                let Some(next) = extras.next() else { break };
                field(text, "Provides-Extra", next);
                named.insert(next);
            }
        }
        field(text, "Requires-Dist", &requirement);
    }
    for extra in extras {
        field(text, "Provides-Extra", extra);
    }
}

/// The `Dynamic` fields, in setuptools' order.
fn dynamic(metadata: &Metadata, build: &Build, license_files: &[String]) -> Vec<&'static str> {
    let left_out = |name: &str| metadata.descriptive.dynamic.iter().any(|dynamic| dynamic.field == name);
    let is_dynamic = |name: &&'static str| {
        build.dynamic_fields.contains(name) || left_out(name) || *name == LICENSE_FILE && !license_files.is_empty()
    };
    dynamic_names().filter(is_dynamic).collect()
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
    let mut said = BTreeSet::new();
    for requirement in &metadata.requires_dist {
        let (section, line) = sectioned(requirement);
        // setuptools drops what is said twice only of what has a condition.
        if section.is_empty() || said.insert((section.clone(), line.clone())) {
            sections.entry(section).or_default().push(line);
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
    use crate::project::{Descriptive, DynamicField};

    fn metadata() -> Metadata {
        Metadata {
            name: "Iris".into(),
            version: "1.0".into(),
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
            descriptive: Descriptive {
                summary: Some("One.".into()),
                home_page: Some(String::new()),
                author: Some("Ann".into()),
                license: Some("One.\nTwo.\n".into()),
                project_urls: vec!["Code, https://example.com".into()],
                keywords: vec!["a".into(), "b c".into()],
                classifiers: vec!["Topic :: Software Development".into()],
                description_content_type: Some("text/markdown".into()),
                description: Some("# Iris\n\nText".into()),
                dynamic: vec![DynamicField {
                    field: "maintainer",
                    expression: "whoami()".into(),
                    place: "setup.py:3".into(),
                    reason: "is computed".into(),
                }],
                ..Descriptive::default()
            },
        }
    }

    fn build() -> Build {
        Build {
            dynamic_fields: vec!["author", "requires-dist"],
            ..Build::default()
        }
    }

    #[test]
    fn the_files_of_a_full_project() {
        let metadata = metadata();
        let licenses = ["LICENSE".to_owned()];
        let files = files(&metadata, &Names::of(&metadata).unwrap(), &build(), &licenses);
        let files: Vec<String> = files.iter().map(|(name, text)| format!("== {name}\n{text}")).collect();
        insta::assert_snapshot!(files.concat(), @r#"
        == PKG-INFO
        Metadata-Version: 2.4
        Name: Iris
        Version: 1.0
        Summary: One.
        Home-page: 
        Author: Ann
        License: One.
                Two.
                
        Project-URL: Code, https://example.com
        Keywords: a,b c
        Classifier: Topic :: Software Development
        Requires-Python: >=3.9
        Description-Content-Type: text/markdown
        License-File: LICENSE
        Requires-Dist: Numpy<3,>=1
        Requires-Dist: tomli; python_version < "3.11"
        Provides-Extra: test
        Requires-Dist: pytest; extra == "test"
        Requires-Dist: mock; python_version < "3.8" and extra == "test"
        Requires-Dist: lib @ https://example.com/a;b.zip ; extra == "test"
        Provides-Extra: empty
        Dynamic: author
        Dynamic: license-file
        Dynamic: maintainer
        Dynamic: requires-dist

        # Iris

        Text
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
        let files = files(&metadata, &Names::of(&metadata).unwrap(), &Build::default(), &[]);
        assert_eq!(
            files.keys().copied().collect::<Vec<_>>(),
            ["PKG-INFO", "dependency_links.txt", "top_level.txt"]
        );
        assert_eq!(files["PKG-INFO"], "Metadata-Version: 2.4\nName: x\nVersion: 1\n");
    }

    #[test]
    fn sources_are_sorted_by_directory_first() {
        assert_eq!(
            sources(["a/b/c", "a/z", "z", "a/b\nc", "z"].into_iter()),
            "z\na/z\na/b/c"
        );
    }
}
