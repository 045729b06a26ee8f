//! `PKG-INFO`, written from [`Metadata`].

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::pep508;
use crate::package::names::Names;
use crate::project::{Build, LICENSE_FILE, Metadata, dynamic_names};

/// The version of core metadata that setuptools 84 writes.
const METADATA_VERSION: &str = "2.4";

/// [Core metadata](https://packaging.python.org/en/latest/specifications/core-metadata/), field by field in the order and
/// the form of setuptools 84 (`_core_metadata.py`). It does not escape line ends but those of the license, so neither does
/// this. What is left out because only Python knows it is `Dynamic`, as is what setuptools marks so.
pub(super) fn pkg_info(metadata: &Metadata, names: &Names, build: &Build, license_files: &[String]) -> String {
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

/// The value with its later lines indented, as a header of several lines has them.
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
