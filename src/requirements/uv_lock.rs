//! `uv.lock`, whose format is uv's own business: uv says what of it is for the chosen extras, as a `pylock.toml`.
//! Source: <https://docs.astral.sh/uv/concepts/projects/export/>.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::lock_file::text;
use super::pylock::Lock;
use super::text::LineStarts;
use super::{Error, Format, Requirements, extra_names, own_name};
use crate::cache;
use crate::progress::Progress;
use crate::project::Project;
use crate::reading::{self, ANSWER};
use crate::uv::{Uv, UvSettings};

/// Nothing is downloaded or built.
const SECONDS: u64 = 60;
/// uv refuses other names for this format.
const EXPORTED: &str = "pylock.toml";

/// Reads the lock `file` of `project`, with the chosen extras. uv neither resolves nor writes in the project (`--frozen`); whether the
/// lock has what the package declares is checked as for every other lock, without a network.
pub(super) fn read(
    project: &Project,
    file: &str,
    extras: &[String],
    uv: &UvSettings,
    progress: &dyn Progress,
) -> Result<Requirements, Error> {
    let own_text = text(project, file)?;
    refuse_unless_found_by_uv(project, file)?;
    let scratch = cache::scratch().map_err(|source| Error::Scratch {
        file: file.to_owned(),
        source,
    })?;
    let output = scratch.path().join(EXPORTED);
    export(project, file, extras, &output, uv, progress)?;
    let exported = reading::text(&output, ANSWER).map_err(|source| Error::Scratch {
        file: file.to_owned(),
        source,
    })?;
    let lock = Lock {
        file,
        text: &exported,
        beside: &output,
        own: own_name(project),
        extras: extra_names(extras),
    };
    let mut found = lock
        .read()
        .map_err(|error| in_the_lock(error, &own_text, file, scratch.path()))?;
    found.format = Format::UvLock;
    // The lines are those of what uv wrote; a reader has only the lock.
    let lines = lines(&own_text);
    for line in &mut found.lines {
        let name = line.text.split(['=', ' ']).next().unwrap_or_default();
        line.place.line = lines.get(name).copied().unwrap_or(1);
    }
    let paths = local_paths(&own_text);
    for local in &mut found.locals {
        let name = local.name.as_ref().map(ToString::to_string).unwrap_or_default();
        local.place.line = lines.get(&name).copied().unwrap_or(1);
        // It is seen from the directory of the export, which will be gone.
        if let Ok(path) = local.path.canonicalize() {
            local.path = path;
        }
        if let Some(path) = paths.get(&name) {
            local.written.clone_from(path);
        }
    }
    Ok(found)
}

/// The error in terms of the lock: its lines, and paths relative to it, where the export has those of a directory that is gone.
fn in_the_lock(error: Error, own_text: &str, file: &str, scratch: &Path) -> Error {
    let Error::Lock { at, reason, hint } = error else {
        return error;
    };
    let name = reason.split(' ').next().unwrap_or_default().to_owned();
    let (lines, paths) = (lines(own_text), local_paths(own_text));
    let at = match lines.get(&name) {
        Some(line) => format!("{file}:{line}"),
        None => at,
    };
    let exported = reason.split('`').nth(1).unwrap_or_default();
    let is_path = scratch.join(exported).exists();
    let reason = match paths.get(&name) {
        Some(path) if is_path && !exported.is_empty() => reason.replacen(exported, path, 1),
        _ => reason,
    };
    Error::Lock { at, reason, hint }
}

/// The directories and files of this machine in a lock, by their package.
fn local_paths(lock: &str) -> BTreeMap<String, String> {
    let parsed: toml::Table = lock.parse().unwrap_or_default();
    let packages = parsed.get("package").and_then(toml::Value::as_array);
    let local = |package: &toml::Value| {
        let source = package.get("source")?;
        let kinds = ["editable", "directory", "virtual", "path"];
        let path = kinds.iter().find_map(|kind| source.get(*kind)?.as_str())?;
        Some((package.get("name")?.as_str()?.to_owned(), path.to_owned()))
    };
    packages.into_iter().flatten().filter_map(local).collect()
}

/// uv takes the lock beside the project, or that of the workspace around it: no other can be named.
fn refuse_unless_found_by_uv(project: &Project, file: &str) -> Result<(), Error> {
    let named = project.root.join(file).canonicalize();
    let mut directories = project.root.ancestors();
    let nearest = directories.find_map(|directory| directory.join("uv.lock").canonicalize().ok());
    if named.is_ok_and(|named| Some(named) == nearest) {
        return Ok(());
    }
    Err(Error::Lock {
        at: file.to_owned(),
        reason: "uv reads the lock beside the project's pyproject.toml, or that of its workspace, and this is another"
            .to_owned(),
        hint: "Name that one, or make a pylock.toml with `uv export` where this one belongs to.".to_owned(),
    })
}

fn export(
    project: &Project,
    file: &str,
    extras: &[String],
    output: &Path,
    uv: &UvSettings,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let failed = |source| Error::Uv {
        file: file.to_owned(),
        source: Box::new(source),
    };
    // The project does not say where uv writes, or whom it asks: nothing is kept, and only what the lock is of is read.
    let fixed = [
        "--no-config",
        "--no-cache",
        "export",
        "--frozen",
        "--no-emit-project",
        "--no-default-groups",
        "--no-header",
        "--format",
        "pylock.toml",
        "--output-file",
    ];
    let mut arguments: Vec<OsString> = fixed.map(OsString::from).into();
    arguments.push(output.into());
    arguments.extend(extras.iter().map(|extra| format!("--extra={extra}").into()));
    let uv = Uv::find(uv, progress).map_err(failed)?;
    let what = format!("exporting {file}");
    let ended = uv
        .run(&what, arguments, &project.root, SECONDS, progress)
        .map_err(failed)?;
    if ended.success {
        return Ok(());
    }
    Err(Error::Lock {
        at: file.to_owned(),
        reason: format!("uv cannot export it: {}", ended.reason()),
        hint: "Lock again with `uv lock`.".to_owned(),
    })
}

/// The line in which each package begins; of one in several versions the first.
fn lines(lock: &str) -> BTreeMap<String, usize> {
    #[derive(Deserialize)]
    struct UvLock {
        #[serde(default)]
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: Spanned<String>,
    }
    let Ok(parsed) = toml::from_str::<UvLock>(lock) else {
        return BTreeMap::new();
    };
    let starts = LineStarts::of(lock);
    let mut lines = BTreeMap::new();
    for Package { name } in parsed.package {
        let line = starts.line(name.span().start);
        lines.entry(name.into_inner()).or_insert(line);
    }
    lines
}
