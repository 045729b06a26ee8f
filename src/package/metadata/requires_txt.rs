//! `requires.txt`, written from [`Metadata`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use pep508_rs::{MarkerExpression, MarkerTree, VersionOrUrl};

use crate::project::{Metadata, read_requirement};

/// `requires.txt`: markers are section heads (`[extra:marker]`), not part of the requirement
/// (<https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html#requires-txt>).
pub(super) fn requires(metadata: &Metadata) -> String {
    let mut sections: BTreeMap<String, Vec<String>> = metadata
        .provides_extra
        .iter()
        .map(|extra| (extra.clone(), Vec::new()))
        .collect();
    let mut said = BTreeSet::new();
    for requirement in &metadata.requires_dist {
        let (section, line) = sectioned(requirement);
        // setuptools drops repeated requirements, but only conditional ones.
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
    let Ok(parsed) = read_requirement(requirement) else {
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
    // The parser says whether an extra is a condition of the whole marker. The rest is cut out of the project's own text, as the parser
    // spells it differently (`python_full_version`).
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
