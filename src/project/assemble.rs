//! From a directory to a [`Project`]: statically where that is certain, otherwise by asking Python.

use std::path::Path;

use super::backend::{self, Answer};
use super::diagnosis;
use super::entry_points::{self, Declared, Role};
use super::error::Error;
use super::project_files::Files;
use super::requirement::{self, Stop};
use super::setup_imports;
use super::value::Dynamic;
use super::{Build, Metadata, Project, ProjectSettings, Source, SourceKind};
use crate::progress::Progress;

/// Reads the project in `dir`.
///
/// # Errors
/// No project there; a file that is unreadable or malformed (with its line); a name, version, requirement or entry point that
/// is missing or wrong; several functions that could train; Python needed and failing, or needed and refused.
pub fn load(dir: &Path, settings: &ProjectSettings, progress: &dyn Progress) -> Result<Project, Error> {
    let files = Files::read(dir)?;
    match files.declared().and_then(|declared| declared.project(&files, settings)) {
        Ok(mut project) => {
            let unprovided = setup_imports::unprovided(&files.root, &project.build);
            project.warnings.extend(unprovided);
            Ok(project)
        }
        Err(Stop::Wrong(error)) => Err(diagnosis::of(error, &files.root)),
        Err(Stop::Ask(dynamic)) => {
            let build = files.build();
            let because = dynamic.to_string();
            let answer = backend::metadata(&files.root, &build, &because, settings, progress)?;
            asked(&files, answer, build, &dynamic, settings)
        }
    }
}

/// The project as Python answered.
fn asked(
    files: &Files,
    answer: Answer,
    build: Build,
    why: &Dynamic,
    settings: &ProjectSettings,
) -> Result<Project, Error> {
    let at = format!("the answer of {}", build.backend.as_deref().unwrap_or("setuptools"));
    let name = answer
        .name
        .filter(|name| name != "UNKNOWN")
        .ok_or_else(|| Error::NameMissing {
            file: files.main.to_owned(),
        })?;
    // setuptools' word for a version that nobody gave.
    let version = answer.version.filter(|version| version != "0.0.0");
    let version = version.ok_or_else(|| Error::VersionMissing {
        file: files.main.to_owned(),
    })?;
    let declared: Vec<Declared> = answer
        .entry_points
        .iter()
        .flat_map(|(group, entries)| entries.iter().map(move |(name, object)| (group, name, object)))
        .map(|(group, name, object)| Declared {
            group: group.clone(),
            name: name.clone(),
            object: object.clone(),
            at: files.main.to_owned(),
        })
        .collect();
    let keyword: Vec<Declared> = answer
        .entry_point
        .iter()
        .map(|(module, function)| Declared {
            group: String::new(),
            name: module.clone(),
            object: format!("{module}:{function}"),
            at: files.main.to_owned(),
        })
        .collect();
    Ok(Project {
        root: files.root.clone(),
        train: entry_points::select(Role::Train, settings.train.as_ref(), &declared, &keyword)?,
        serve: entry_points::select(Role::Serve, settings.serve.as_ref(), &declared, &keyword)?,
        metadata: Metadata {
            name: requirement::name(&name, &at)?,
            version: requirement::version(&version, &at)?,
            requires_python: answer.requires_python,
            requires_dist: answer.requires_dist,
            provides_extra: answer.provides_extra,
            entry_points: answer.entry_points,
            packages: answer.packages,
            py_modules: answer.py_modules,
            descriptive: answer.descriptive,
        },
        build: Build {
            backend_sdist: Some(why.to_string()),
            python_version: answer.python_version,
            docker_lines: answer.docker_lines,
            docker_lines_at: files.main.to_owned(),
            license_files: Some(answer.license_files),
            ..build
        },
        source: Source {
            kind: SourceKind::Pep517,
            reason: why.to_string(),
        },
        warnings: files.warnings(),
    })
}
