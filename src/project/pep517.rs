//! Asking Python: the build backend's hooks ([PEP 517](https://peps.python.org/pep-0517/)), in a process of its own.
//!
//! The process runs in an environment with the build requirements only, without credentials, with a time limit, and answers
//! through a file; what it prints is kept for the error message. It leaves nothing in the user's tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::border::{self, Real};
use super::build_environment::BuildEnvironment;
use super::error::Error;
use super::{Build, Descriptive, ProjectSettings};
use crate::cache;
use crate::process::{self, Run};
use crate::progress::Progress;
use crate::reading::{self, ANSWER};

/// What is run.
const ASK: &str = include_str!("python/ask.py");
/// setuptools' backend for a bare `setup.py`; [PEP 517](https://peps.python.org/pep-0517/#source-trees) makes it the default.
const LEGACY_BACKEND: &str = "setuptools.build_meta:__legacy__";
/// Backends may ask for more requirements once those they asked for are there, but not for ever.
const MAX_ROUNDS: usize = 5;

/// The backend's answer about metadata.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) requires_python: Option<String>,
    pub(crate) requires_dist: Vec<String>,
    pub(crate) provides_extra: Vec<String>,
    pub(crate) entry_points: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) packages: Vec<String>,
    pub(crate) py_modules: Vec<String>,
    pub(crate) python_version: Option<String>,
    pub(crate) docker_lines: Vec<String>,
    pub(crate) entry_point: BTreeMap<String, String>,
    pub(crate) license_files: Vec<String>,
    pub(crate) descriptive: Descriptive,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reply<T> {
    /// More must be installed first.
    Needs {
        install: Vec<String>,
    },
    /// A file of the project was opened through a link that leads out of it.
    Outside {
        outside: PathBuf,
    },
    Done(T),
}

#[derive(Deserialize)]
struct BuiltSdist {
    sdist: String,
}

#[derive(Serialize)]
struct Order<'a> {
    action: Action,
    root: &'a Path,
    backend: &'a str,
    backend_path: &'a [String],
    installed: &'a [String],
    out: &'a Path,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Metadata,
    Sdist,
}

/// What is asked of the backend.
struct Question<'a> {
    action: Action,
    /// Why sgbuild does not know it by itself: what only Python knows, with its `file:line`.
    because: &'a str,
    root: &'a Path,
    build: &'a Build,
    out: &'a Path,
}

/// Asks the backend of the project in `root` for its metadata, because only Python knows what `because` says.
///
/// # Errors
/// It is not to be asked; no interpreter, requirements that cannot be installed, a hook that fails, takes too long, gives no answer,
/// or opens a file through a link out of the project.
pub(crate) fn metadata(
    root: &Path,
    build: &Build,
    because: &str,
    settings: &ProjectSettings<'_>,
    progress: &dyn Progress,
) -> Result<Answer, Error> {
    let out = scratch()?;
    let question = Question {
        action: Action::Metadata,
        because,
        root,
        build,
        out: out.path(),
    };
    ask(&question, settings, progress)
}

/// Has the project's backend build the sdist into `out_dir`, and returns its path.
///
/// # Errors
/// As for reading metadata; a backend that names a file it did not make.
pub fn build_sdist(
    root: &Path,
    build: &Build,
    settings: &ProjectSettings<'_>,
    out_dir: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let question = Question {
        action: Action::Sdist,
        because: build.backend_sdist.as_deref().unwrap_or("it was asked for"),
        root,
        build,
        out: out_dir,
    };
    let made: BuiltSdist = ask(&question, settings, progress)?;
    let path = out_dir.join(&made.sdist);
    if path.is_file() {
        return Ok(path);
    }
    let log = format!("it says that it built {}, and there is no such file", made.sdist);
    Err(Error::HookFailed {
        what: question.task(),
        log,
    })
}

/// The one way by which code of the project, and of what it is built with, comes to run on this machine: refused where static
/// reading was asked for, else told with the reason, before anything is started or installed.
fn ask<T: for<'de> Deserialize<'de>>(
    question: &Question<'_>,
    settings: &ProjectSettings<'_>,
    progress: &dyn Progress,
) -> Result<T, Error> {
    if settings.static_only {
        return Err(question.refused());
    }
    progress.step(&question.told());
    answer(question, settings, progress).map_err(|error| error.when_asked(question.because))
}

fn answer<T: for<'de> Deserialize<'de>>(
    question: &Question<'_>,
    settings: &ProjectSettings<'_>,
    progress: &dyn Progress,
) -> Result<T, Error> {
    let Question { root, build, .. } = *question;
    let work = scratch()?;
    let (script, order, answer) = (
        work.path().join("ask.py"),
        work.path().join("order.json"),
        work.path().join("answer.json"),
    );
    fs::write(&script, ASK).map_err(workspace(&script))?;
    let mut installed = build.requires.clone();
    for _ in 0..MAX_ROUNDS {
        let environment = BuildEnvironment::with(&installed, root, settings, progress)?;
        let text = serde_json::to_vec(&Order {
            action: question.action,
            root,
            backend: question.backend(),
            backend_path: &build.backend_path,
            installed: &installed,
            out: question.out,
        });
        fs::write(&order, text.unwrap_or_default()).map_err(workspace(&order))?;
        let what = question.task();
        let run = Run {
            what: &what,
            program: environment.python(),
            arguments: vec![script.clone().into(), order.clone().into(), answer.clone().into()],
            environment: seen_by_hooks(&settings.environment, &environment),
            directory: root,
            seconds: settings.python_timeout,
        };
        let litter = Litter::before(root, build);
        let ended = run.wait(progress);
        litter.remove_new();
        let ended = ended.map_err(Error::from)?;
        match reading::bytes(&answer, ANSWER) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(Reply::Done(answer)) => return Ok(answer),
                Ok(Reply::Needs { install }) => {
                    installed.extend(install);
                    fs::remove_file(&answer).map_err(workspace(&answer))?;
                }
                Ok(Reply::Outside { outside: path }) => {
                    if let Ok(Real::Outside(outside)) = border::real(root, &path) {
                        return Err(Error::Outside(outside));
                    }
                    let log = format!("it opened {}, which led out of the project", path.display());
                    return Err(Error::HookFailed { what, log });
                }
                Err(error) => {
                    return Err(Error::HookFailed {
                        what,
                        log: format!("its answer is not understood: {error}"),
                    });
                }
            },
            Err(_) if ended.success || ended.signalled || ended.log.is_empty() => {
                let log = ended.log_after_colon();
                return Err(Error::ExitedEarly {
                    what,
                    status: ended.status,
                    log,
                });
            }
            Err(_) => return Err(Error::HookFailed { what, log: ended.log }),
        }
    }
    let log = format!("it keeps asking for more requirements: {}", installed.join(", "));
    Err(Error::HookFailed {
        what: question.task(),
        log,
    })
}

/// The variables that hooks see: no credentials, and the build requirements' programs before others, as
/// [PEP 517](https://peps.python.org/pep-0517/#build-environment) wants it. An environment that the user is in is not theirs.
fn seen_by_hooks(process: &[(String, String)], environment: &BuildEnvironment) -> Vec<(String, String)> {
    let mut seen = process::without_credentials(process);
    seen.retain(|(name, _)| !["PATH", "VIRTUAL_ENV", "CONDA_PREFIX"].contains(&name.as_str()));
    let programs = environment.programs().display().to_string();
    let path = process::variable(process, "PATH").map_or(programs.clone(), |path| format!("{programs}:{path}"));
    seen.push(("PATH".to_owned(), path));
    seen
}

impl Question<'_> {
    fn backend(&self) -> &str {
        self.build.backend.as_deref().unwrap_or(LEGACY_BACKEND)
    }

    /// The backend as people know it.
    fn who(&self) -> &str {
        let backend = self.backend();
        if backend.starts_with("setuptools.") {
            "setuptools"
        } else {
            backend
        }
    }

    /// What is asked of whom, for messages.
    fn task(&self) -> String {
        let verb = match self.action {
            Action::Sdist => "building the sdist",
            Action::Metadata => "reading the metadata",
        };
        format!("{verb} with {}", self.who())
    }

    fn told(&self) -> String {
        let because = self.because;
        match self.action {
            Action::Sdist => format!("Asking {} for the sdist, because {because}", self.who()),
            Action::Metadata => format!("Asking Python for the metadata, because {because}"),
        }
    }

    fn refused(&self) -> Error {
        let reason = self.because.to_owned();
        match self.action {
            Action::Sdist => Error::StaticSdist {
                reason,
                backend: self.who().to_owned(),
            },
            Action::Metadata => Error::StaticOnly { reason },
        }
    }
}

/// What tools leave in a project's tree when they are asked: setuptools an `*.egg-info` beside the packages, cargo (for maturin) a
/// `Cargo.lock`. What setup.py itself writes is its own affair.
struct Litter {
    places: Vec<PathBuf>,
    before: Vec<PathBuf>,
}

impl Litter {
    fn before(root: &Path, build: &Build) -> Self {
        let mut places = vec![root.to_owned(), root.join("src")];
        places.extend(build.package_dir.get("").map(|directory| root.join(directory)));
        let before = left_by_tools(&places);
        Self { places, before }
    }

    fn remove_new(&self) {
        for made in left_by_tools(&self.places) {
            if !self.before.contains(&made) {
                // What cannot be removed is generated, and ignored by every project of its kind.
                let _ = if made.is_dir() {
                    fs::remove_dir_all(made)
                } else {
                    fs::remove_file(made)
                };
            }
        }
    }
}

fn left_by_tools(places: &[PathBuf]) -> Vec<PathBuf> {
    let entries = places
        .iter()
        .filter_map(|place| fs::read_dir(place).ok())
        .flatten()
        .flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "egg-info") || path.ends_with("Cargo.lock"))
        .collect()
}

/// A directory for this run.
pub(super) fn scratch() -> Result<tempfile::TempDir, Error> {
    cache::scratch().map_err(workspace(&std::env::temp_dir()))
}

pub(crate) fn workspace(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Workspace { path, source }
}
