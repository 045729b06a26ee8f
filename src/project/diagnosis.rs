//! What is found out about an error once it is there, at the cost of reading again.

use std::path::Path;

use super::error::Error;
use super::source_file::SourceFile;
use super::workspace::{Workspace, packages_below};

/// The tools that describe a package in a table of their own: the table's key, what builds it, and its backend.
const TOOLS: [(&str, &str, &str, &str); 3] = [
    ("poetry", "name", "poetry-core>=1.0.0", "poetry.core.masonry.api"),
    ("flit", "metadata", "flit_core>=3.2,<4", "flit_core.buildapi"),
    ("pdm", "name", "pdm-backend", "pdm.backend"),
];
/// No project has more files of requirements beside its setup.py.
const MOST_FILES: usize = 1_000;

/// The error, in terms of what the user wrote.
pub(super) fn of(error: Error, root: &Path) -> Error {
    match error {
        Error::NameMissing { ref file } if file == "pyproject.toml" => other_tools_table(root).unwrap_or(error),
        Error::InvalidRequirement {
            requirement,
            at,
            reason,
        } => Error::InvalidRequirement {
            at: read_from(root, &at, &requirement).unwrap_or(at),
            reason: said_plainly(&requirement, &reason),
            requirement,
        },
        other => other,
    }
}

/// The error, with the packages below `root`, where that is probably no package but has some.
pub(super) fn above_others(error: Error, root: &Path) -> Error {
    let may_be_none = match &error {
        Error::NoProjectFile { .. } => true,
        Error::NameMissing { .. }
        | Error::VersionMissing { .. }
        | Error::SeveralTopLevel { .. }
        | Error::NoTrainFunction { .. }
        | Error::Asked { .. } => Workspace::at(root).is_ok_and(|found| found.is_some()),
        _ => false,
    };
    let below = if may_be_none { packages_below(root) } else { Vec::new() };
    if below.is_empty() {
        return error;
    }
    Error::AboveOthers {
        source: Box::new(error),
        below,
    }
}

fn said_plainly(requirement: &str, reason: &str) -> String {
    if requirement.starts_with('-') {
        "it is an option of pip's".to_owned()
    } else {
        reason.trim_end_matches(':').to_owned()
    }
}

/// The error of a `pyproject.toml` with poetry's table, say, and without `[build-system]`.
fn other_tools_table(root: &Path) -> Option<Error> {
    let file = SourceFile::read(root, "pyproject.toml").ok()??;
    let parsed: toml::Table = file.text.parse().ok()?;
    if parsed.contains_key("build-system") {
        return None;
    }
    let tools = parsed.get("tool")?.as_table()?;
    let has = |tool: &str, key: &str| tools.get(tool).and_then(|table| table.get(key)).is_some();
    let (tool, _, requires, backend) = TOOLS.into_iter().find(|(tool, key, ..)| has(tool, key))?;
    let header = |line: &str| line.trim_start().starts_with(&format!("[tool.{tool}"));
    let line = file.text.lines().position(header).map_or(1, |at| at + 1);
    Some(Error::NoBuildSystem {
        line,
        tool,
        requires,
        backend,
    })
}

/// The line of the text file from which setup.py read `requirement`, where its own text at `at` does not have it.
fn read_from(root: &Path, at: &str, requirement: &str) -> Option<String> {
    let setup_py = SourceFile::read(root, "setup.py").ok()??;
    if !at.starts_with("setup.py") || setup_py.text.contains(requirement) {
        return None;
    }
    let entries = std::fs::read_dir(root).ok()?.take(MOST_FILES).flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let is_text = |name: &String| [".txt", ".in", ".pip"].iter().any(|suffix| name.ends_with(suffix));
    names.retain(|name| is_text(name) && setup_py.text.contains(name.as_str()));
    names.sort();
    names.iter().find_map(|name| {
        let file = SourceFile::read(root, name).ok()??;
        let line = file.text.lines().position(|line| line.trim() == requirement)?;
        Some(format!("{name}:{} (read at {at})", line + 1))
    })
}
