//! `pyproject.toml`: `[project]` (PEP 621), `[build-system]` (PEP 518) and `[tool.setuptools]`.
//! <https://setuptools.pypa.io/en/latest/userguide/pyproject_config.html>

mod descriptive;
mod local_urls;
mod project;
mod setuptools;
mod sources;
mod validation;

use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::build_requirements::plain_name;
use super::dependency_source::DependencySource;
use super::error::Error;
use super::source_file::SourceFile;
use super::surroundings::Surroundings;
use super::value::{Draft, Kind, Place, Value};
pub(super) use sources::sources;
use validation::doubtful;

const FILE: &str = "pyproject.toml";

/// What `pyproject.toml` says.
#[derive(Debug, Default)]
pub(crate) struct Pyproject {
    pub(crate) draft: Draft,
    /// It has a `[project]` table.
    pub(crate) has_project: bool,
    /// It has `[project]` or `[tool.setuptools]`: then package data is included by default.
    pub(crate) configures_setuptools: bool,
    /// `[project] dynamic`.
    pub(crate) dynamic: Vec<String>,
    /// `[build-system] requires`.
    pub(crate) requires: Option<Vec<String>>,
    /// Where each of them stands.
    pub(crate) requires_at: Vec<Place>,
    /// `[build-system] build-backend`.
    pub(crate) backend: Option<String>,
    /// Where it stands.
    pub(crate) backend_at: Option<Place>,
    /// Where `[project]` begins.
    pub(crate) project_at: Option<Place>,
    /// `[build-system] backend-path`.
    pub(crate) backend_path: Vec<String>,
    pub(crate) readme: Option<String>,
    /// Where requirements come from that are not looked for by their name.
    pub(crate) sources: Vec<DependencySource>,
    /// `[tool.poetry]` says more than what is packed; Poetry adds that to what `[project]` says.
    pub(crate) poetry_adds: bool,
    /// Where `[tool.setuptools] license-files` is.
    tool_license_files: Option<Place>,
    /// What a module sees that `attr:` names.
    around: Arc<Surroundings>,
}

/// Reads `pyproject.toml`.
pub(crate) fn read(root: &Path, file: &SourceFile, around: &Arc<Surroundings>) -> Result<Pyproject, Error> {
    let top = tables(file)?;
    let mut found = Pyproject {
        sources: sources(&top),
        around: Arc::clone(around),
        ..Pyproject::default()
    };
    found.build_system(&top)?;
    let empty = Value::new(Kind::Dict(Vec::new()), top.place);
    let setuptools = top.get("tool").and_then(|tool| tool.get("setuptools"));
    if let Some(commands) = top.get("tool").and_then(|tool| tool.get("distutils")) {
        found
            .draft
            .give_up("[tool.distutils]", commands.place, "sets options of commands");
    }
    let poetry = top.get("tool").and_then(|tool| tool.get("poetry"));
    let of_poetry = poetry.and_then(Value::entries).unwrap_or_default();
    found.poetry_adds = of_poetry.iter().any(|(key, _)| {
        !matches!(
            key.as_str(),
            Some("packages" | "include" | "exclude" | "requires-poetry" | "group")
        )
    });
    found.configures_setuptools = setuptools.is_some_and(Value::truthy);
    if found.backend_is_setuptools() {
        found.setuptools(root, setuptools.unwrap_or(&empty))?;
    }
    if top.get("project").is_none() && found.configures_setuptools && found.backend_is_setuptools() {
        let at = setuptools.map_or(top.place, |table| table.place);
        found.draft.give_up("[tool.setuptools]", at, "stands without [project]");
    }
    if let Some(project) = top.get("project") {
        found.has_project = true;
        found.project_at = Some(project.place);
        if let Some((value, reason)) = doubtful(project) {
            found.draft.give_up("[project]", value.place, reason);
        }
        if let Some(at) = found
            .tool_license_files
            .filter(|_| project.get("license-files").is_some())
        {
            found.draft.give_up(
                "[tool.setuptools] license-files",
                at,
                "stands beside those of [project]",
            );
        }
        found.configures_setuptools = true;
        found.project(
            root,
            project,
            setuptools.and_then(|table| table.get("dynamic")).unwrap_or(&empty),
        )?;
    }
    Ok(found)
}

/// What a file holds.
pub(super) fn tables(file: &SourceFile) -> Result<Value, Error> {
    if file.marked {
        return Err(Error::InvalidValue {
            at: format!("{FILE}:1"),
            message: "begins with a byte order mark, which TOML does not allow".to_owned(),
        });
    }
    let table = DeTable::parse(&file.text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Error::Syntax {
            file: FILE.to_owned(),
            line: file.line(at),
            column: file.column(at),
            message: error.message().to_owned(),
            python2: false,
        }
    })?;
    Ok(from_table(file, table.get_ref(), Place { file: FILE, line: 1 }))
}

impl Pyproject {
    /// Whether the backend is setuptools, or none is named.
    pub(crate) fn backend_is_setuptools(&self) -> bool {
        let backend = self.backend.as_deref().unwrap_or("setuptools.build_meta:__legacy__");
        matches!(backend, "setuptools.build_meta" | "setuptools.build_meta:__legacy__") && self.backend_path.is_empty()
    }

    /// Whether `[project]` says all of the metadata, though another backend builds the package: it may not change what is not
    /// listed as [dynamic](https://packaging.python.org/en/latest/specifications/pyproject-toml/#dynamic), and these do not.
    pub(crate) fn says_all(&self) -> bool {
        let backend = self.backend.as_deref().unwrap_or_default();
        let obeys = match backend {
            "flit_core.buildapi" | "hatchling.build" | "pdm.backend" | "uv_build" => true,
            "poetry.core.masonry.api" => !self.poetry_adds,
            _ => false,
        };
        let is_whole = self.draft.whole.is_none() && ["name", "version"].iter().all(|key| self.draft.inhabited(key));
        obeys && is_whole && self.has_project && self.dynamic.is_empty() && self.backend_path.is_empty()
    }

    /// The build requirements that a tool's table takes from elsewhere than an index, with where it says so.
    pub(crate) fn requires_elsewhere(&self) -> Vec<(String, String)> {
        let named = |requirement: &String| {
            let name = plain_name(requirement);
            self.sources.iter().find(|source| source.name == name)
        };
        let listed = self.requires.iter().flatten();
        listed
            .filter_map(|requirement| Some((requirement.clone(), named(requirement)?.at.clone())))
            .collect()
    }

    fn build_system(&mut self, top: &Value) -> Result<(), Error> {
        let Some(table) = top.get("build-system") else {
            return Ok(());
        };
        let strings = |key: &str| match table.get(key) {
            None => Ok(None),
            Some(value) => match value.strings() {
                Some(strings) => Ok(Some(strings)),
                None => Err(wrong(value, format!("[build-system] {key} is not a list of strings"))),
            },
        };
        self.requires = strings("requires")?;
        let listed = table.get("requires").and_then(Value::items).unwrap_or_default();
        self.requires_at = listed.iter().map(|requirement| requirement.place).collect();
        self.backend_path = strings("backend-path")?.unwrap_or_default();
        self.backend_at = table.get("build-backend").map(|backend| backend.place);
        self.backend = match table.get("build-backend") {
            None => None,
            Some(value) => {
                let text = value
                    .as_str()
                    .ok_or_else(|| wrong(value, "build-backend is not a string".to_owned()))?;
                Some(text.to_owned())
            }
        };
        if self.requires.is_none() {
            return Err(wrong(table, "[build-system] has no requires".to_owned()));
        }
        Ok(())
    }
}

fn wrong(value: &Value, message: String) -> Error {
    Error::InvalidValue {
        at: value.place.to_string(),
        message,
    }
}

fn from_table(file: &SourceFile, table: &DeTable<'_>, place: Place) -> Value {
    let mut declared: Vec<_> = table.iter().collect();
    declared.sort_by_key(|(key, _)| key.span().start);
    let entries = declared.into_iter().map(|(key, value)| {
        let at = Place {
            file: FILE,
            line: file.line(key.span().start),
        };
        (Value::str(key.get_ref().to_string(), at), from_toml(file, value))
    });
    Value::new(Kind::Dict(entries.collect()), place)
}

fn from_toml(file: &SourceFile, value: &Spanned<DeValue<'_>>) -> Value {
    let place = Place {
        file: FILE,
        line: file.line(value.span().start),
    };
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Str(text.to_string()),
        DeValue::Boolean(value) => Kind::Bool(*value),
        DeValue::Integer(number) => Kind::Number(number.to_string()),
        DeValue::Float(number) => Kind::Number(number.to_string()),
        DeValue::Datetime(time) => Kind::Number(time.to_string()),
        DeValue::Array(items) => Kind::List(items.iter().map(|item| from_toml(file, item)).collect()),
        DeValue::Table(table) => return from_table(file, table, place),
    };
    Value::new(kind, place)
}
