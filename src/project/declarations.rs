//! From the merged declarations of all files to a [`Project`] and its [`Metadata`].

use std::path::Path;

use super::descriptive;
use super::entry_points::{self, Declared, Selected};
use super::error::Error;
use super::package_directory::package_directory;
use super::project_files::Files;
use super::requirement::{self, Stop};
use super::value::{Draft, Kind, Value, string_map};
use super::{Metadata, Project, ProjectSettings, Source, SourceKind, Workplace};

/// Everything declared, by setuptools' keywords.
pub(crate) struct Declarations {
    pub(super) draft: Draft,
    pub(super) main: &'static str,
    pub(super) include_by_default: bool,
}

impl Declarations {
    /// The project; stops at the first field that must be known and is not.
    pub(crate) fn project(&self, files: &Files, settings: &ProjectSettings) -> Result<Project, Stop> {
        let (metadata, declared) = self.metadata(&files.root)?;
        let keyword = match self.draft.get("entry_point")? {
            Some(value) => entry_points::keyword(value)?,
            None => Vec::new(),
        };
        let selected = Selected::of(settings, &declared, &keyword)?;
        Ok(Project {
            root: files.root.clone(),
            train: selected.train,
            train_candidates: selected.train_candidates,
            serve: selected.serve,
            initializer: selected.initializer,
            metadata,
            build: self.build(files.build())?,
            sources: files.pyproject.sources.clone(),
            source: Source {
                kind: SourceKind::Static,
                reason: String::new(),
            },
            looks_at_python: files.look_at_python(),
            warnings: [files.warnings(), selected.warnings].concat(),
            workplace: Workplace::default(),
        })
    }

    /// setuptools refuses a package whose directory is not there.
    fn packages(&self, root: &Path) -> Result<Vec<String>, Stop> {
        let packages = self.names("packages")?;
        let package_dir = string_map(self.draft.fields.get("package_dir"));
        for package in &packages {
            let directory = package_directory(package, &package_dir);
            if root.join(&directory).is_dir() {
                continue;
            }
            let Some(listed) = self.draft.get("packages")? else {
                continue;
            };
            if self.draft.backend_sdist.is_some() {
                return Err(listed
                    .unclear("packages", "all there: a custom command may make some")
                    .into());
            }
            return Err(Error::PackageWithoutDirectory {
                at: listed.place.to_string(),
                package: package.clone(),
                directory,
            }
            .into());
        }
        Ok(packages)
    }

    fn metadata(&self, root: &Path) -> Result<(Metadata, Vec<Declared>), Stop> {
        let name = self.text("name")?.ok_or_else(|| Error::NameMissing {
            file: self.main.to_owned(),
        })?;
        let version = self.text("version")?.ok_or_else(|| Error::VersionMissing {
            file: self.main.to_owned(),
        })?;
        let mut requires_dist = match self.draft.get("install_requires")? {
            Some(value) => requirement::requirements(value)?,
            None => Vec::new(),
        };
        let mut provides_extra = Vec::new();
        if let Some(value) = self.draft.get("extras_require")? {
            let (requires, extras) = requirement::extras(value)?;
            requires_dist.extend(requires);
            provides_extra = extras;
        }
        let declared = match self.draft.get("entry_points")? {
            Some(value) => entry_points::declared(value)?,
            None => Vec::new(),
        };
        let requires_python = match self.text("python_requires")? {
            Some(value) => Some(requirement::requires_python(text(value)?, &value.place.to_string())?),
            None => None,
        };
        let metadata = Metadata {
            name: requirement::name(text(name)?, &name.place.to_string())?,
            version: requirement::version(&number_or_text(version)?, &version.place.to_string())?,
            requires_python,
            requires_dist,
            provides_extra,
            entry_points: entry_points::by_group(&declared),
            packages: self.packages(root)?,
            py_modules: self.names("py_modules")?,
            descriptive: descriptive::read(&self.draft)?,
        };
        Ok((metadata, declared))
    }

    /// A field where it is given and not empty.
    fn text(&self, key: &str) -> Result<Option<&Value>, Stop> {
        Ok(self.draft.get(key)?.filter(|value| value.truthy()))
    }

    pub(super) fn names(&self, key: &str) -> Result<Vec<String>, Stop> {
        self.draft
            .get(key)?
            .map_or_else(|| Ok(Vec::new()), |value| names(value, key))
    }
}

pub(super) fn text(value: &Value) -> Result<&str, Stop> {
    value
        .as_str()
        .ok_or_else(|| value.unclear("the value", "a string").into())
}

/// A version may be written as a number: `python_version=3.11`.
pub(super) fn number_or_text(value: &Value) -> Result<String, Stop> {
    match &value.kind {
        Kind::Str(text) | Kind::Number(text) => Ok(text.clone()),
        _ => Err(value.unclear("the version", "a string").into()),
    }
}

pub(super) fn names(value: &Value, key: &str) -> Result<Vec<String>, Stop> {
    value
        .strings()
        .ok_or_else(|| value.unclear(key, "a list of strings").into())
}
