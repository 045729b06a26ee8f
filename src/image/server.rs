//! The server by which a serving function answers HTTP: `gunicorn`, which runs wherever `run.py` does, starts workers and replaces them.

use crate::neighbours::Neighbours;
use crate::project::EntryPoint;
use crate::requirements::{Line, Pinning, Requirements};

/// Its name on the index.
const SERVER: &str = "gunicorn";
/// The releases by which templates/serve.py was tried. 23 is the last one for Python 3.7 to 3.9.
const RELEASES: &str = "gunicorn>=23,<28";

/// Adds the server to `lines`, unless the project requires it itself; what to warn of where nothing can be added, because all that is
/// installed is locked.
pub(super) fn require(
    entry: &EntryPoint,
    neighbours: &Neighbours,
    file: Option<&Requirements>,
    lines: &mut Vec<String>,
) -> Option<String> {
    let is_declared = neighbours
        .declared
        .iter()
        .any(|declared| declared.requirement.name.as_ref() == SERVER);
    let of_file = file.iter().flat_map(|file| &file.lines).filter_map(Line::name);
    let is_in_file = of_file.into_iter().any(|name| name.as_ref() == SERVER);
    let is_open = file.is_none_or(|file| file.pinning() == Pinning::Open);
    if is_in_file || (is_declared && is_open) {
        return None;
    }
    if !is_open {
        let file = file.map_or("", |file| file.file.as_str());
        return Some(format!(
            "{} ({}) is served by {SERVER}, which {file} does not lock, so that the image trains and cannot serve: add {SERVER} to what the \
             package requires, and lock it anew",
            entry.object, entry.declared_in
        ));
    }
    lines.push(format!("# Serves {}", entry.object));
    lines.push(RELEASES.to_owned());
    None
}
