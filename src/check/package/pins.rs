//! Whether anything says which versions are installed.

use std::path::Path;

use pep508_rs::VersionOrUrl;

use crate::check::finding::{Finding, Place};
use crate::check::rule::Rule;
use crate::project::SourceFile;
use crate::requirements::{Line, Pinning, Requirements, pep508};

/// So many are named.
const SHOWN: usize = 5;
const ADVICE: &str = "Name a lock with the setting `requirements`: uv.lock, poetry.lock, pylock.toml, or what `uv pip compile` writes. Then \
                      each build of a commit installs the same.";

/// What a file that is no lock leaves open, or, without a file, what the package itself requires.
pub(super) fn look(root: &Path, declared: &[String], requirements: Option<&Requirements>) -> Option<Finding> {
    if let Some(requirements) = requirements {
        if requirements.pinning() != Pinning::Open {
            return None;
        }
        let open: Vec<&Line> = requirements.lines.iter().filter(|line| is_open_line(line)).collect();
        let place = open.first().map(|line| Place::line(&line.place.file, line.place.line));
        let names = open.iter().filter_map(|line| line.name()).map(|name| name.to_string());
        return told(names.collect(), place);
    }
    let open: Vec<&String> = declared.iter().filter(|text| is_open(text)).collect();
    let name = |text: &&String| pep508::requirement(text).ok().map(|parsed| parsed.name.to_string());
    let place = open.first().and_then(|first| place_of(root, first));
    told(open.iter().filter_map(name).collect(), place)
}

fn told(mut names: Vec<String>, place: Option<Place>) -> Option<Finding> {
    names.dedup();
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let shown = match shown[..] {
        [] => return None,
        _ if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    };
    Some(
        Finding::new(
            Rule::UnpinnedRequirements,
            format!("nothing says which version is installed of {shown}: each build may get another"),
            ADVICE,
        )
        .at(place),
    )
}

fn is_open_line(line: &Line) -> bool {
    line.package()
        .is_some_and(|package| !is_pinned(package.version_or_url.as_ref()))
}

/// A requirement that applies without an extra, and names neither a version nor a URL.
fn is_open(text: &str) -> bool {
    let is_of_extra = text.split_once(';').is_some_and(|(_, marker)| marker.contains("extra"));
    !is_of_extra && pep508::requirement(text).is_ok_and(|parsed| !is_pinned(parsed.version_or_url.as_ref()))
}

fn is_pinned(version: Option<&VersionOrUrl>) -> bool {
    match version {
        Some(VersionOrUrl::Url(_)) => true,
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers.iter().any(|one| {
            let operator = one.operator();
            *operator == pep440_rs::Operator::Equal || *operator == pep440_rs::Operator::ExactEqual
        }),
        None => false,
    }
}

/// Where a requirement is declared: the line that has its name in quotes.
fn place_of(root: &Path, requirement: &str) -> Option<Place> {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
    let name = &requirement[..end.unwrap_or(requirement.len())];
    ["pyproject.toml", "setup.cfg", "setup.py"].iter().find_map(|file| {
        let source = SourceFile::read(root, file).ok()??;
        let begins_here = |line: &str| {
            let line = line.trim_start().trim_start_matches(['"', '\'']);
            line.starts_with(name)
        };
        let is_quoted = |line: &str| line.contains(&format!("\"{name}")) || line.contains(&format!("'{name}"));
        let index = source
            .text
            .lines()
            .position(|line| is_quoted(line) || (*file == "setup.cfg" && begins_here(line)))?;
        Some(Place::line(*file, index + 1))
    })
}
