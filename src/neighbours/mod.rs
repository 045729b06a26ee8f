//! `Project ─▶ Neighbours`: what the project requires and has beside it, in the same repository: these are built here, from their
//! directories, and never fetched by their name, which on an index may be anybody's.
//!
//! ```text
//! who names them   origin.rs: a requirement's `file:` URL, tools' tables (project's `DependencySource`), a requirements file or lock
//! where they are   bounds.rs: within the repository or the workspace
//! which there are  finder.rs: those that neighbours require as well; known.rs: each of them
//! are they right   agreement.rs: versions, the image's Python, one origin each
//! ```

mod agreement;
mod bounds;
mod error;
mod finder;
mod known;
mod origin;

pub use error::Error;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use pep508_rs::{ExtraName, PackageName};

use crate::progress::Progress;
use crate::project::{Project, ProjectSettings, Workspace};
use crate::requirements::{Declared, Environments, Requirements, declared};
use crate::revision;
use bounds::Bounds;
use finder::Finder;

/// A project that is built here because another requires it.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// The project.
    pub project: Project,
    /// Its directory, relative to that of the project which the image is of.
    pub directory: String,
    /// What asks for it, such as `pyproject.toml:14`.
    pub declared_at: String,
}

/// The neighbours of a project, and what is left to fetch.
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    /// Each once, by name.
    pub found: Vec<Neighbour>,
    /// What the project and its neighbours require of an index, with the extras that were chosen.
    pub(crate) declared: Vec<Declared>,
}

/// What decides which neighbours a project has.
pub(crate) struct Asked<'a> {
    /// The project that the image is of.
    pub(crate) project: &'a Project,
    /// The user's requirements file.
    pub(crate) file: Option<&'a Requirements>,
    /// The project's extras that were chosen.
    pub(crate) extras: Vec<ExtraName>,
    /// What the image may be.
    pub(crate) environments: &'a Environments,
}

/// Finds the neighbours, and reads them as the project itself was read.
///
/// # Errors
/// See [`Error`].
pub(crate) fn find(
    asked: &Asked<'_>,
    settings: &ProjectSettings,
    progress: &dyn Progress,
) -> Result<Neighbours, Error> {
    let project = asked.project;
    let is_local = |requirement: &String| requirement.contains("file:") || requirement.contains("FILE:");
    let names_none = asked.file.is_none_or(|file| file.locals.is_empty())
        && project.sources.is_empty()
        && !project.metadata.requires_dist.iter().any(is_local);
    // A member of a workspace has this file.
    let is_alone = names_none && !project.root.join("pyproject.toml").is_file();
    let top = if is_alone { None } else { revision::top(&project.root) };
    let workspace = if is_alone {
        None
    } else {
        Workspace::around(&project.root, top.as_deref()).map_err(Box::new)?
    };
    if names_none && workspace.is_none() {
        let metadata = &project.metadata;
        let declared = declared::requirements(&metadata.name, &metadata.requires_dist, &asked.extras);
        return Ok(Neighbours {
            found: Vec::new(),
            declared: declared.map_err(Box::new)?,
        });
    }
    let bounds = Bounds::new(&project.root, top, workspace.map(|workspace| workspace.root));
    Finder::new(asked, bounds, settings, progress)?.find()
}

impl Neighbours {
    /// Their names.
    pub(crate) fn names(&self) -> BTreeSet<PackageName> {
        let names = self.found.iter().map(|neighbour| &neighbour.project.metadata.name);
        names.filter_map(|name| PackageName::from_str(name).ok()).collect()
    }

    /// Their directories.
    pub(crate) fn directories(&self) -> Vec<PathBuf> {
        self.found
            .iter()
            .map(|neighbour| neighbour.project.root.clone())
            .collect()
    }
}
