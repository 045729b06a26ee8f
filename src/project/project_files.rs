//! The project's three files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Build;
use super::disagreement::disagreements;
use super::entry_points::{self, Declared};
use super::error::Error;
use super::marker_cost;
use super::needs::Need;
use super::pyproject::{self, Pyproject};
use super::requirement::Stop;
use super::setup_cfg;
use super::setup_py;
use super::source_file::SourceFile;
use super::surroundings::Surroundings;
use super::value::{Draft, Dynamic, Place};
use crate::reading;

/// What setuptools needs for a bare `setup.py` ([PEP 517](https://peps.python.org/pep-0517/#source-trees)).
const DEFAULT_REQUIRES: [&str; 2] = ["setuptools", "wheel"];

/// What the project's files say.
pub(crate) struct Files {
    pub(crate) root: PathBuf,
    /// The file to name when something is missing.
    pub(crate) main: &'static str,
    pub(super) setup_py: Option<Draft>,
    pub(super) setup_cfg: Draft,
    pub(super) pyproject: Pyproject,
}

impl Files {
    pub(crate) fn read(dir: &Path, surroundings: Surroundings) -> Result<Self, Error> {
        let around = Arc::new(surroundings);
        let root = match dir.canonicalize() {
            Ok(root) if root.is_dir() => root,
            Ok(_) => return Err(Error::NotADirectory { path: dir.to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::DirectoryMissing { path: dir.to_owned() });
            }
            Err(source) => {
                return Err(Error::Unreadable {
                    path: dir.to_owned(),
                    source,
                });
            }
        };
        reading::begin();
        marker_cost::begin();
        let file = |name| SourceFile::read(&root, name);
        let (setup_py, setup_cfg, pyproject) = (file("setup.py")?, file("setup.cfg")?, file("pyproject.toml")?);
        let main = match (&setup_py, &setup_cfg, &pyproject) {
            (Some(_), _, _) => "setup.py",
            (None, Some(_), _) => "setup.cfg",
            (None, None, Some(_)) => "pyproject.toml",
            (None, None, None) => return Err(Error::NoProjectFile { path: root }),
        };
        let pyproject = pyproject
            .map(|file| pyproject::read(&root, &file, &around))
            .transpose()?;
        let pyproject = pyproject.unwrap_or_default();
        let finds_modules = finds_modules(pyproject.backend.as_deref());
        let read = |file: SourceFile| setup_py::read(&root, &file, finds_modules, None, &around);
        Ok(Self {
            main,
            setup_py: setup_py.map(read).transpose()?,
            setup_cfg: setup_cfg
                .map(|file| setup_cfg::read(&root, &file, &around))
                .transpose()?
                .unwrap_or_default(),
            pyproject,
            root,
        })
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let setup_py = self.setup_py.iter().flat_map(|draft| &draft.warnings);
        setup_py
            .chain(&self.setup_cfg.warnings)
            .chain(&self.pyproject.draft.warnings)
            .cloned()
            .chain(disagreements(
                self.setup_py.as_ref(),
                &self.setup_cfg,
                &self.pyproject.draft,
            ))
            .collect()
    }

    /// Whether setup.py looked at the version of the Python that runs it.
    pub(super) fn look_at_python(&self) -> bool {
        self.setup_py.as_ref().is_some_and(|draft| draft.looks_at_python)
    }

    /// What is known of the build whoever answers for the metadata.
    pub(crate) fn build(&self) -> Build {
        let requires = self.pyproject.requires.clone();
        Build {
            requires_elsewhere: self.pyproject.requires_elsewhere(),
            requires: requires.unwrap_or_else(|| DEFAULT_REQUIRES.map(ToOwned::to_owned).to_vec()),
            backend: self.pyproject.backend.clone(),
            backend_path: self.pyproject.backend_path.clone(),
            readme: self.pyproject.readme.clone(),
            needs: self.needs(),
            ..Build::default()
        }
    }

    /// What has to be there where setuptools builds the project.
    fn needs(&self) -> Vec<Need> {
        if !self.pyproject.backend_is_setuptools() {
            return Vec::new();
        }
        // setuptools passes over a version in setup.cfg where setup.py gives one.
        let has_version = |draft: &Draft| draft.inhabited("version");
        let setup_cfg = Some(&self.setup_cfg).filter(|_| !self.setup_py.as_ref().is_some_and(has_version));
        let drafts = self.setup_py.iter().chain(setup_cfg).chain([&self.pyproject.draft]);
        drafts.flat_map(|draft| draft.needs.iter().cloned()).collect()
    }

    /// The entry points that `[project]` itself declares.
    pub(super) fn entry_points_of_project(&self) -> Result<Vec<Declared>, Stop> {
        match self.pyproject.draft.get("entry_points")? {
            Some(value) if self.pyproject.has_project => entry_points::declared(value),
            _ => Ok(Vec::new()),
        }
    }

    /// The place of what no line says.
    pub(super) fn top(&self) -> Place {
        Place {
            file: self.main,
            line: 1,
        }
    }

    /// Why Python must be asked: for something of pyproject.toml.
    pub(super) fn ask(&self, place: Option<Place>, expression: &str, reason: &str) -> Stop {
        Dynamic {
            expression: expression.to_owned(),
            place: place.unwrap_or(self.top()),
            reason: reason.to_owned(),
        }
        .into()
    }
}

/// Whether setup.py can import what is beside it: only the backend that stands for none lets it.
pub(super) fn finds_modules(backend: Option<&str>) -> bool {
    backend.is_none_or(|backend| backend.ends_with("__legacy__"))
}
