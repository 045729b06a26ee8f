//! `pylock.toml`. Source: <https://packaging.python.org/en/latest/specifications/pylock-toml/>.

mod package;

use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use serde::Deserialize;

use super::lock_file::{LOCK_AGAIN, refuse_misread, text, toml_error};
use super::text::LineStarts;
use super::{
    Error, Format, Line, Local, Place, Requirements, What, extra_names, index, marker_suffix, own_name, pep508,
};
use crate::project::Project;
pub(crate) use package::{File, Package, Vcs};
use package::{OF_THIS_MACHINE, source};

/// What to do about a package that is nowhere but on this machine.
const ARCHIVE: &str =
    "Locking again changes nothing: lock the directory of the project that it is made of, or a release on an index.";

/// The file as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Pylock {
    lock_version: String,
    #[serde(default)]
    environments: Vec<String>,
    requires_python: Option<String>,
    #[serde(default)]
    default_groups: Vec<String>,
    #[serde(default)]
    pub(crate) packages: Vec<Package>,
}

/// Reads the lock `file` of `project`, with the chosen extras.
pub(super) fn read(project: &Project, file: &str, extras: &[String]) -> Result<Requirements, Error> {
    let text = text(project, file)?;
    let lock = Lock {
        file,
        text: &text,
        beside: &project.root.join(file),
        own: own_name(project),
        extras: extra_names(extras),
    };
    lock.read()
}

/// What a package of a lock is to an installation.
enum Entry {
    Line(Line),
    Local(Local),
}

/// The text of a lock, and what decides what of it is installed.
pub(super) struct Lock<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    /// The file that paths of the lock are beside.
    pub(super) beside: &'a Path,
    /// The project's own name.
    pub(super) own: Option<PackageName>,
    pub(super) extras: Vec<ExtraName>,
}

impl Lock<'_> {
    pub(super) fn read(&self) -> Result<Requirements, Error> {
        let parsed: Pylock = toml::from_str(self.text).map_err(|error| toml_error(self.file, self.text, &error))?;
        let wrong = |reason: String, hint: &str| Error::Lock {
            at: self.file.to_owned(),
            reason,
            hint: hint.to_owned(),
        };
        if parsed.lock_version != "1.0" {
            let reason = format!("lock-version {} is not one that sgbuild knows", parsed.lock_version);
            return Err(wrong(reason, "Lock again in the format of lock-version 1.0."));
        }
        let groups = extra_names(&parsed.default_groups);
        let requires_python = match &parsed.requires_python {
            Some(text) => {
                let read = VersionSpecifiers::from_str(text);
                Some(read.map_err(|_| {
                    wrong(
                        format!("requires-python `{text}` is not a range of versions"),
                        LOCK_AGAIN,
                    )
                })?)
            }
            None => None,
        };
        let mut found = Requirements {
            requires_python,
            ..Requirements::new(self.file, Format::Pylock)
        };
        for text in &parsed.environments {
            let read = pep508::marker(text);
            found
                .environments
                .push(read.map_err(|_| wrong(format!("`{text}` is not a marker"), LOCK_AGAIN))?);
        }
        let starts = LineStarts::of(self.text);
        for package in &parsed.packages {
            match self.entry(package, &groups, &starts)? {
                Some(Entry::Line(line)) => found.lines.push(line),
                Some(Entry::Local(local)) => found.locals.push(local),
                None => {}
            }
        }
        let indexes = parsed.packages.iter().map(|package| package.index.as_deref());
        found.lines.splice(0..0, index::options(self.file, self.text, indexes));
        refuse_misread(&found.lines)?;
        Ok(found)
    }

    /// A package as a requirement with its hashes; `None` for the project itself and what the chosen extras leave out.
    fn entry(&self, package: &Package, groups: &[ExtraName], starts: &LineStarts) -> Result<Option<Entry>, Error> {
        let place = Place {
            file: self.file.to_owned(),
            line: starts.line(package.name.span().start),
        };
        let name = package.name.get_ref();
        let wrong = |reason: String, hint: &str| Error::Lock {
            at: place.to_string(),
            reason,
            hint: hint.to_owned(),
        };
        if PackageName::from_str(name).is_ok_and(|name| self.own.as_ref() == Some(&name)) {
            return Ok(None);
        }
        let (marker, suffix) = match &package.marker {
            Some(text) => {
                let decided = decide_membership(text, &self.extras, groups);
                let marker = pep508::marker(&decided);
                let marker = marker.map_err(|_| wrong(format!("`{text}` is not a marker"), LOCK_AGAIN))?;
                let suffix = marker_suffix(text, &marker);
                (marker, suffix)
            }
            None => (MarkerTree::TRUE, String::new()),
        };
        if marker.is_false() {
            return Ok(None);
        }
        if let Some(directory) = &package.directory {
            return Ok(Some(Entry::Local(Local {
                place,
                path: self.beside.with_file_name("").join(directory.place()),
                written: directory.place(),
                name: PackageName::from_str(name).ok(),
                extras: Vec::new(),
                marker,
            })));
        }
        let source = source(package).map_err(|reason| {
            let is_local = reason.contains(OF_THIS_MACHINE);
            wrong(reason, if is_local { ARCHIVE } else { LOCK_AGAIN })
        })?;
        let text = format!("{name}{}{suffix}", source.pin);
        let requirement =
            pep508::requirement(&text).map_err(|reason| wrong(format!("{name}: {reason}"), LOCK_AGAIN))?;
        Ok(Some(Entry::Line(Line {
            place,
            text,
            what: What::Package(Box::new(requirement)),
            hashes: source.hashes,
            options: Vec::new(),
        })))
    }
}

/// `marker` with every `'x' in extras` and `'x' in dependency_groups` replaced by whether that is so: [`MarkerTree`] does not know
/// these. Source: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers>.
fn decide_membership(marker: &str, extras: &[ExtraName], groups: &[ExtraName]) -> String {
    const YES: &str = "(python_version < '3' or python_version >= '3')";
    const NO: &str = "(python_version < '3' and python_version >= '3')";
    if !marker.contains("extras") && !marker.contains("dependency_groups") {
        return marker.to_owned();
    }
    let Ok(pattern) = regex_lite::Regex::new(r#"["']([^"']*)["']\s+(not\s+)?in\s+(extras|dependency_groups)\b"#) else {
        return marker.to_owned();
    };
    let decided = pattern.replace_all(marker, |found: &regex_lite::Captures<'_>| {
        let chosen = if &found[3] == "extras" { extras } else { groups };
        let is_chosen = ExtraName::from_str(&found[1]).is_ok_and(|name| chosen.contains(&name));
        let is_negated = found.get(2).is_some();
        if is_chosen == is_negated { NO } else { YES }
    });
    decided.into_owned()
}

#[cfg(test)]
mod tests;
