//! A copy of the project for its build backend to work in: whatever is asked, nothing comes to lie in the user's checkout, and
//! nothing of what lies there from earlier builds comes into what is made.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::scratch::{scratch, unusable};
use crate::cache::Staging;
use crate::progress::Progress;
use crate::project::border::{self, Outside, Real};
use crate::project::{Error, ProjectSettings};
use crate::reading::{Search, TooFar};
use crate::revision;

/// Left out wherever they lie: what tools make again.
const LEFT_OUT: [&str; 8] = [
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".sgbuild",
    ".tox",
    ".venv",
    "__pycache__",
];
/// What version control keeps; a tool that asks it finds it where it is. git has a directory of its own ([`revision::lend`]).
const KEPT: [&str; 5] = [".bzr", ".hg", ".svn", "CVS", "_darcs"];
/// Files that mark a directory as a cache (<https://bford.info/cachedir/>) or an environment (PEP 405).
const MARKS: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];
/// What setuptools leaves below `build`, and would take for new.
const BUILT: [&str; 4] = ["bdist.", "lib", "scripts-", "temp."];
const GIT: &str = ".git";
/// Files of more bytes are linked until an archive is made, which may pack them.
const LARGE: u64 = 16_000_000;
/// Once so many bytes are copied, so are those of more than a source has: a checkout may hold all its data.
const MUCH: u64 = 256_000_000;
const SOURCE: u64 = 64_000;

/// See above.
#[derive(Debug)]
pub(crate) struct Copy {
    /// The copy of the project's directory.
    pub(super) root: PathBuf,
    /// The time of its commit, in seconds since 1970.
    pub(super) time: Option<i64>,
    /// The project's own directory.
    project: PathBuf,
    /// Files that are links to the project's, relative to the root.
    linked: Vec<PathBuf>,
    /// Links of the project's that lead out of it, by their path in it.
    leading_out: Vec<(String, Outside)>,
    /// What of a path in the copy stands for what of one outside.
    place: Place,
    _directory: Staging,
}

/// Where a copy stands: below it, the way to the project is the same as below `of`.
#[derive(Debug, Clone)]
struct Place {
    at: PathBuf,
    of: PathBuf,
}

impl Copy {
    /// Copies the project in the directory `project`. Links within it stay links; one that leads out leads to the same place, where
    /// who opens it is caught. What lies beside the project, and beside each directory above it in its repository, is linked.
    ///
    /// # Errors
    /// There is no room; what is to be copied has no end; the user interrupted.
    pub(super) fn of(project: &Path, settings: &ProjectSettings, progress: &dyn Progress) -> Result<Self, Error> {
        let directory = scratch()?;
        let at = directory.path().canonicalize().map_err(unusable(directory.path()))?;
        let repository = revision::top(project);
        let top = repository.as_deref().unwrap_or(project);
        let of = top.parent().unwrap_or(top).to_owned();
        let place = Place { at, of };
        let root = place.inside(project);
        place.link_neighbours(project)?;
        let mut copying = Copying {
            project,
            root: &root,
            own: &place.at,
            copied: 0,
            search: Search::default(),
            linked: Vec::new(),
            leading_out: Vec::new(),
            progress,
        };
        copying.all()?;
        let Copying {
            linked, leading_out, ..
        } = copying;
        let time = match &repository {
            Some(top) => lend_git(project, &place.inside(top), settings, progress)?,
            None => None,
        };
        Ok(Self {
            root,
            time,
            project: project.to_owned(),
            linked,
            leading_out,
            place,
            _directory: directory,
        })
    }

    /// Puts the files themselves where links to large ones are.
    pub(super) fn complete(&self, progress: &dyn Progress) -> Result<(), Error> {
        for path in &self.linked {
            progress.check()?;
            let to = self.root.join(path);
            if to.is_symlink() {
                fs::remove_file(&to).map_err(unusable(&to))?;
                copy_file(&self.project.join(path), &to).map_err(unusable(&to))?;
            }
        }
        Ok(())
    }

    /// The text with the project's paths in the place of the copy's.
    pub(super) fn as_in_project(&self, text: &str) -> String {
        let [at, of] = self.places();
        text.replace(&at, &of)
    }

    /// The beginning of paths in the copy, and what it is outside.
    pub(super) fn places(&self) -> [String; 2] {
        let [at, of] = [&self.place.at, &self.place.of].map(|path| path.display().to_string());
        [at, of.trim_end_matches('/').to_owned()]
    }

    /// What of these files, which were made here, a link of the project leads out of it to: whoever opened that was no Python.
    pub(super) fn led_out_by(&self, files: &[String]) -> Option<&Outside> {
        let holds = |link: &str, file: &str| {
            let rest = file.strip_prefix(link);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.leading_out.iter().find(|(link, _)| {
            let below = link.split_once('/').map_or(link.as_str(), |(_, below)| below);
            files.iter().any(|file| holds(link, file) || holds(below, file))
        });
        found.map(|(_, outside)| outside)
    }
}

fn lend_git(
    project: &Path,
    copied: &Path,
    settings: &ProjectSettings,
    progress: &dyn Progress,
) -> Result<Option<i64>, Error> {
    revision::lend(project, copied, &settings.environment, progress).map_err(|error| match error {
        revision::NotLent::Cancelled(cancelled) => Error::Cancelled(cancelled),
        revision::NotLent::System(source) => unusable(&copied.join(GIT))(source),
    })
}

impl Place {
    /// The path in the copy of one outside.
    fn inside(&self, path: &Path) -> PathBuf {
        self.at.join(path.strip_prefix(&self.of).unwrap_or(Path::new("")))
    }

    /// Makes the directories above the project's, and links all that is in them to what it is outside.
    fn link_neighbours(&self, project: &Path) -> Result<(), Error> {
        let above = project
            .ancestors()
            .skip(1)
            .take_while(|directory| directory.starts_with(&self.of));
        for directory in above {
            let to = self.inside(directory);
            fs::create_dir_all(&to).map_err(unusable(&to))?;
            // One that cannot be listed cannot be listed by anybody.
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if !project.starts_with(&path) && entry.file_name() != GIT {
                    let to = self.inside(&path);
                    symlink(&path, &to).map_err(unusable(&to))?;
                }
            }
        }
        Ok(())
    }
}

struct Copying<'a> {
    project: &'a Path,
    root: &'a Path,
    /// The directory of sgbuild's own that this is in; it may lie in the project.
    own: &'a Path,
    /// Bytes.
    copied: u64,
    search: Search,
    linked: Vec<PathBuf>,
    leading_out: Vec<(String, Outside)>,
    progress: &'a dyn Progress,
}

impl Copying<'_> {
    fn all(&mut self) -> Result<(), Error> {
        let mut waiting = vec![PathBuf::new()];
        while let Some(directory) = waiting.pop() {
            self.progress.check()?;
            let (from, to) = (self.project.join(&directory), self.root.join(&directory));
            self.search.directory().map_err(|source| too_far(&from, source))?;
            let Ok(entries) = fs::read_dir(&from) else {
                self.link_as_it_is(&directory)?;
                continue;
            };
            fs::create_dir_all(&to).map_err(unusable(&to))?;
            for entry in entries.flatten() {
                self.search.entry().map_err(|source| too_far(&from, source))?;
                let path = directory.join(entry.file_name());
                let Ok(found) = entry.metadata() else { continue };
                if found.is_symlink() {
                    self.link(&path)?;
                } else if found.is_file() {
                    self.file(path, &found)?;
                } else if found.is_dir() && !self.is_left_out(&path) {
                    if is_named(&path, &KEPT) {
                        self.link_as_it_is(&path)?;
                    } else {
                        waiting.push(path);
                    }
                }
            }
        }
        Ok(())
    }

    fn is_left_out(&self, path: &Path) -> bool {
        let from = self.project.join(path);
        let is_built = |below: &Path| BUILT.iter().any(|built| below.to_string_lossy().starts_with(built));
        from == self.own
            || is_named(path, &LEFT_OUT)
            || is_named(path, &[GIT])
            || path.extension().is_some_and(|extension| extension == "egg-info")
            // What was built, unless it is a package that is called so.
            || (path == Path::new("dist") && !from.join("__init__.py").is_file())
            || path.strip_prefix("build").is_ok_and(is_built)
            || MARKS.iter().any(|mark| from.join(mark).is_file())
    }

    fn file(&mut self, path: PathBuf, found: &Metadata) -> Result<(), Error> {
        if is_named(&path, &[GIT]) {
            return Ok(());
        }
        let (from, to) = (self.project.join(&path), self.root.join(&path));
        if found.len() > if self.copied > MUCH { SOURCE } else { LARGE } {
            symlink(&from, &to).map_err(unusable(&to))?;
            self.linked.push(path);
            return Ok(());
        }
        self.copied += found.len();
        match copy_file(&from, &to) {
            // Who reads it is told the same as where it is.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.link_as_it_is(&path),
            // It was removed since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(unusable(&to)),
        }
    }

    fn link_as_it_is(&self, path: &Path) -> Result<(), Error> {
        let to = self.root.join(path);
        symlink(self.project.join(path), &to).map_err(unusable(&to))
    }

    fn link(&mut self, path: &Path) -> Result<(), Error> {
        if is_named(path, &[GIT]) {
            return Ok(());
        }
        let from = self.project.join(path);
        // It was removed since.
        let Ok(target) = fs::read_link(&from) else {
            return Ok(());
        };
        let stays = |target: &Path| {
            let end = border::without_dots(&from.parent().unwrap_or(&from).join(target));
            target.is_relative() && end.starts_with(self.project)
        };
        let target = match border::real(self.project, path) {
            // One that is absolute, or goes out and in again, would lead out of the copy.
            Ok(Real::Inside(real)) if !stays(&target) => {
                self.root.join(real.strip_prefix(self.project).unwrap_or(&real))
            }
            Ok(Real::Outside(outside)) => {
                self.leading_out.push((path.to_string_lossy().into_owned(), outside));
                from.canonicalize().unwrap_or(target)
            }
            _ => target,
        };
        let to = self.root.join(path);
        symlink(target, &to).map_err(unusable(&to))
    }
}

fn is_named(path: &Path, names: &[&str]) -> bool {
    path.file_name()
        .is_some_and(|name| names.iter().any(|known| name == *known))
}

/// With its mode and the time when it was changed, by which tools know what is newer.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let changed = rustix::fs::stat(from)?;
    let time = Timespec {
        tv_sec: changed.st_mtime,
        tv_nsec: i64::try_from(changed.st_mtime_nsec).unwrap_or_default(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(utimensat(CWD, to, &times, AtFlags::empty())?)
}

fn too_far(path: &Path, source: TooFar) -> Error {
    Error::TooFar {
        path: path.to_owned(),
        source,
    }
}
