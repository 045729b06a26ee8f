//! A copy of a project for its build backend to work in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::wheel::WheelSettings;
use super::{Error, build_py};
use crate::progress::Progress;
use crate::project::Project;
use crate::project::border::{self, Outside, Real};
use crate::reading::{Search, TooFar};

/// Left out wherever they lie: what version control keeps, and what tools make again.
const LEFT_OUT: [&str; 14] = [
    ".bzr",
    ".git",
    ".hg",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".sgbuild",
    ".svn",
    ".tox",
    ".venv",
    "CVS",
    "__pycache__",
    "_darcs",
];
/// Files that mark a directory as a cache (<https://bford.info/cachedir/>) or an environment (PEP 405).
const MARKS: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];
/// What setuptools leaves below `build`, and would take for new.
const BUILT: [&str; 4] = ["bdist.", "lib", "scripts-", "temp."];
const GIT: &str = ".git";

/// See above.
#[derive(Debug)]
pub(super) struct Copy {
    /// The copy of the project's directory.
    pub(super) root: PathBuf,
    /// Links that lead out of the project, by their path in it.
    leading_out: Vec<(String, Outside)>,
}

impl Copy {
    /// Copies the project into the directory `into`, at the place below it that the project has in its repository. Links within
    /// the project stay links; one that leads out leads to the same place, where who opens it is caught.
    ///
    /// # Errors
    /// Something cannot be read, or there is no room.
    pub(super) fn of(
        project: &Project,
        settings: &WheelSettings,
        into: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let repository = repository(&project.root);
        let below = repository.as_ref().and_then(|at| project.root.strip_prefix(at).ok());
        let root = into.join(below.unwrap_or(Path::new("")));
        if let Some(at) = &repository {
            point_to_git(at, into)?;
        }
        let mut copying = Copying {
            project,
            left_out: left_out(project, settings),
            root: root.clone(),
            search: Search::default(),
            leading_out: Vec::new(),
            progress,
        };
        copying.directory("")?;
        Ok(Self {
            root,
            leading_out: copying.leading_out,
        })
    }

    /// Refuses a wheel with what a link of the project leads to outside of it: whoever opened that was no Python.
    pub(super) fn refuse_linked(&self, files: &[String]) -> Result<(), Error> {
        for (link, outside) in &self.leading_out {
            let below = link.split_once('/').map_or(link.as_str(), |(_, below)| below);
            let holds = |file: &String| {
                [link.as_str(), below].into_iter().any(|link| {
                    file.strip_prefix(link)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
            };
            if files.iter().any(holds) {
                return Err(Error::Outside(outside.clone()));
            }
        }
        Ok(())
    }
}

/// The directory in which git keeps the project.
fn repository(root: &Path) -> Option<PathBuf> {
    root.ancestors().find(|dir| dir.join(GIT).exists()).map(Path::to_owned)
}

/// Lets git, asked in `into`, answer as in the repository `at`: a backend may take the version or the list of files from it.
/// <https://git-scm.com/docs/gitrepository-layout>
fn point_to_git(at: &Path, into: &Path) -> Result<(), Error> {
    let git = at.join(GIT);
    let written = match fs::read_to_string(&git) {
        Ok(pointer) => {
            let target = pointer.trim().strip_prefix("gitdir:").unwrap_or_default().trim();
            at.join(target)
        }
        Err(_) => git,
    };
    let place = into.join(GIT);
    fs::write(&place, format!("gitdir: {}\n", written.display())).map_err(|source| Error::Write { path: place, source })
}

/// Paths below the project that are not copied.
fn left_out(project: &Project, settings: &WheelSettings) -> Vec<PathBuf> {
    let dirs = settings.output_dirs.iter().map(|dir| project.root.join(dir));
    let mut left_out: Vec<PathBuf> = dirs.collect();
    let mut packages = project
        .metadata
        .packages
        .iter()
        .map(|package| build_py::package_dir(&project.build, package));
    if !packages.any(|dir| dir.is_ok_and(|dir| dir == "dist" || dir.starts_with("dist/"))) {
        left_out.push(project.root.join("dist"));
    }
    // The project itself may lie in what was named.
    left_out.retain(|dir| *dir != project.root);
    left_out
}

struct Copying<'a> {
    project: &'a Project,
    left_out: Vec<PathBuf>,
    root: PathBuf,
    search: Search,
    leading_out: Vec<(String, Outside)>,
    progress: &'a dyn Progress,
}

impl Copying<'_> {
    fn directory(&mut self, start: &str) -> Result<(), Error> {
        let mut waiting = vec![start.to_owned()];
        while let Some(dir) = waiting.pop() {
            self.progress.check()?;
            let (from, to) = (self.project.root.join(&dir), self.root.join(&dir));
            fs::create_dir_all(&to).map_err(|source| Error::Write {
                path: to.clone(),
                source,
            })?;
            self.search.directory().map_err(|source| too_far(&from, source))?;
            let listed = |source| Error::List {
                path: from.clone(),
                source,
            };
            for entry in fs::read_dir(&from).map_err(listed)? {
                self.search.entry().map_err(|source| too_far(&from, source))?;
                let entry = entry.map_err(listed)?;
                let kind = entry.file_type().map_err(listed)?;
                let Ok(name) = entry.file_name().into_string() else {
                    return Err(Error::NonUtf8Name { path: entry.path() });
                };
                let path = if dir.is_empty() {
                    name.clone()
                } else {
                    format!("{dir}/{name}")
                };
                if kind.is_symlink() {
                    self.link(&path)?;
                } else if kind.is_file() && name != GIT {
                    let to = self.root.join(&path);
                    fs::copy(entry.path(), &to).map_err(|source| copy_error(&entry.path(), &to, source))?;
                } else if kind.is_dir() && !self.is_left_out(&path, &name) {
                    waiting.push(path);
                }
            }
        }
        Ok(())
    }

    fn is_left_out(&self, path: &str, name: &str) -> bool {
        let from = self.project.root.join(path);
        LEFT_OUT.contains(&name)
            || name.ends_with(".egg-info")
            || self.left_out.contains(&from)
            || path
                .strip_prefix("build/")
                .is_some_and(|below| BUILT.iter().any(|built| below.starts_with(built)))
            || MARKS.iter().any(|mark| from.join(mark).is_file())
    }

    fn link(&mut self, path: &str) -> Result<(), Error> {
        let from = self.project.root.join(path);
        let target = fs::read_link(&from).map_err(|source| Error::Read {
            path: from.clone(),
            source,
        })?;
        let target = match border::real(&self.project.root, path) {
            // An absolute link into the project would lead out of the copy.
            Ok(Real::Inside(real)) if target.is_absolute() => {
                self.root.join(real.strip_prefix(&self.project.root).unwrap_or(&real))
            }
            Ok(Real::Outside(outside)) => {
                self.leading_out.push((path.to_owned(), outside));
                from.canonicalize().unwrap_or(target)
            }
            _ => target,
        };
        let to = self.root.join(path);
        std::os::unix::fs::symlink(target, &to).map_err(|source| Error::Write { path: to, source })
    }
}

fn too_far(path: &Path, source: TooFar) -> Error {
    Error::TooFar {
        path: path.to_owned(),
        source,
    }
}

/// Which of the two it was that failed, copying does not say.
fn copy_error(from: &Path, to: &Path, source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::StorageFull {
        return Error::Write {
            path: to.to_owned(),
            source,
        };
    }
    Error::Read {
        path: from.to_owned(),
        source,
    }
}
