//! From a directory to a [`Project`]: statically where that is certain, otherwise by asking Python.

use std::path::Path;

use super::backend::{self, Answer};
use super::diagnosis;
use super::entry_points::{Declared, Selected};
use super::error::Error;
use super::project_files::Files;
use super::requirement::{self, Stop};
use super::setup_imports;
use super::surroundings::Surroundings;
use super::value::Dynamic;
use super::{Build, Metadata, Project, ProjectSettings, ReadFor, Source, SourceKind, Workplace};
use crate::progress::Progress;

/// Reads the project in `dir`.
///
/// # Errors
/// No project there; a file that is unreadable or malformed (with its line); a name, version, requirement or entry point that
/// is missing or wrong; several functions that could train; Python needed and failing, or needed and refused.
pub fn load(dir: &Path, settings: &ProjectSettings, progress: &dyn Progress) -> Result<Project, Error> {
    read(dir, settings, progress).map_err(|error| diagnosis::above_others(error, dir))
}

fn read(dir: &Path, settings: &ProjectSettings, progress: &dyn Progress) -> Result<Project, Error> {
    let files = Files::read(dir, Surroundings::of(settings))?;
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
            let workplace = Workplace::default();
            let answer = backend::metadata(&files.root, &workplace, &build, &because, settings, progress)?;
            let project = asked(&files, answer, build, &dynamic, settings)?;
            Ok(Project { workplace, ..project })
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
    // What setuptools writes where no version is given; to others it is one.
    let is_said =
        |version: &String| version != "0.0.0" || !files.pyproject.backend_is_setuptools() || answer.says_version;
    let version = answer.version.clone().filter(is_said);
    let version = version.ok_or_else(|| Error::VersionMissing {
        file: files.main.to_owned(),
    })?;
    let mut entry_points = answer.entry_points;
    if entry_points.is_empty() && !files.pyproject.backend_is_setuptools() {
        // Not every backend's hook for metadata tells them.
        let of_project = files.entry_points_of_project().map_err(|stop| match stop {
            Stop::Wrong(error) => error,
            Stop::Ask(dynamic) => Error::InvalidValue {
                at: dynamic.place.to_string(),
                message: format!("{} {}", dynamic.expression, dynamic.reason),
            },
        })?;
        for entry in of_project {
            entry_points
                .entry(entry.group)
                .or_default()
                .insert(entry.name, entry.object);
        }
    }
    let declared: Vec<Declared> = entry_points
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
    let selected = Selected::of(settings, &declared, &keyword)?;
    let of_another_python = of_another_python(&answer.python, &settings.read_for);
    let of_another_python = Vec::from_iter(of_another_python.filter(|_| files.look_at_python()));
    Ok(Project {
        root: files.root.clone(),
        train: selected.train,
        train_candidates: selected.train_candidates,
        serve: selected.serve,
        initializer: selected.initializer,
        metadata: Metadata {
            name: requirement::name(&name, &at)?,
            version: requirement::version(&version, &at)?,
            requires_python: answer.requires_python,
            requires_dist: answer.requires_dist,
            provides_extra: answer.provides_extra,
            entry_points,
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
        sources: files.pyproject.sources.clone(),
        looks_at_python: files.look_at_python(),
        warnings: [files.warnings(), selected.warnings, of_another_python].concat(),
        workplace: Workplace::default(),
    })
}

/// Says that the Python that was asked is not the image's, where `setup.py` makes a difference between them.
fn of_another_python(asked: &str, read_for: &ReadFor) -> Option<String> {
    match &read_for.python {
        None => Some(format!(
            "setup.py looks at the version of Python: it was asked with this machine's {asked}, and that of the base image is not \
             known; the setting python-version says it"
        )),
        Some(python)
            if read_for
                .release()
                .is_some_and(|release| !asked.starts_with(&format!("{release}."))) =>
        {
            Some(format!(
                "setup.py looks at the version of Python: it was asked with this machine's {asked}, and the image has {python}; the \
             setting python names another interpreter"
            ))
        }
        Some(_) => None,
    }
}
