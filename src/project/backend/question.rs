//! One question to a build backend, and its answer.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::environment::BuildEnvironment;
use super::hook::Hook;
use super::litter::Litter;
use super::scratch::{scratch, unusable};
use crate::process::{self, Ended, Run};
use crate::progress::Progress;
use crate::project::border::{self, Real};
use crate::project::{Build, Error, ProjectSettings};
use crate::reading::{self, ANSWER};

/// The script that runs beside the backend: it calls the hooks, and writes their answer down.
pub(super) const ASK: &str = include_str!("ask.py");
/// setuptools' backend for a bare `setup.py`; [PEP 517](https://peps.python.org/pep-0517/#source-trees) makes it the default.
const LEGACY_BACKEND: &str = "setuptools.build_meta:__legacy__";
/// Backends may ask for more requirements once those they asked for are there, but not for ever.
const MAX_ROUNDS: usize = 5;

/// What is asked of the backend.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// What it is asked for.
    pub(crate) hook: Hook,
    /// Why sgbuild does not know it by itself: what only Python knows, with its `file:line`.
    pub(crate) because: &'a str,
    /// The project's directory.
    pub(crate) root: &'a Path,
    /// Where it is asked: there, or in a copy of it.
    pub(crate) checkout: &'a Path,
    /// Which backend, and what it requires.
    pub(crate) build: &'a Build,
    /// The directory for what the backend makes.
    pub(crate) out: &'a Path,
    /// What its environment says in any case.
    pub(crate) variables: Vec<(String, String)>,
}

/// The question as `ask.py` reads it.
#[derive(Serialize)]
struct Order<'a> {
    hook: Hook,
    root: &'a Path,
    backend: &'a str,
    backend_path: &'a [String],
    installed: &'a [String],
    /// Entry points are only known once the wheel is built, where the hook for metadata does not tell them.
    wheel_tells: bool,
    out: &'a Path,
}

/// What `ask.py` writes.
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

/// The files by which sgbuild and `ask.py` talk.
struct Files {
    script: PathBuf,
    order: PathBuf,
    answer: PathBuf,
    _directory: TempDir,
}

impl Files {
    fn new() -> Result<Self, Error> {
        let directory = scratch()?;
        let script = directory.path().join("ask.py");
        fs::write(&script, ASK).map_err(unusable(&script))?;
        Ok(Self {
            script,
            order: directory.path().join("order.json"),
            answer: directory.path().join("answer.json"),
            _directory: directory,
        })
    }

    fn place(&self, order: &Order<'_>) -> Result<(), Error> {
        let text = serde_json::to_vec(order).unwrap_or_default();
        fs::write(&self.order, text).map_err(unusable(&self.order))
    }

    fn answer(&self) -> Option<Vec<u8>> {
        reading::bytes(&self.answer, ANSWER).ok()
    }

    /// Makes room for the answer of another round.
    fn remove_answer(&self) -> Result<(), Error> {
        fs::remove_file(&self.answer).map_err(unusable(&self.answer))
    }
}

impl Question<'_> {
    /// Asks. This is the one way by which code of the project, and of what it is built with, comes to run on this machine: refused
    /// where static reading was asked for, else told with the reason, before anything is started or installed.
    ///
    /// # Errors
    /// It is not to be asked; no interpreter, requirements that cannot be installed, a hook that fails, takes too long, gives no answer,
    /// or opens a file through a link out of the project.
    pub(crate) fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        settings: &ProjectSettings,
        progress: &dyn Progress,
    ) -> Result<T, Error> {
        self.permitted(settings)?;
        progress.step(&self.hook.told(self.who(), self.because));
        self.answer(settings, progress)
            .map_err(|error| error.when_asked(self.because))
    }

    /// Whether it may be asked at all.
    ///
    /// # Errors
    /// Static reading was asked for, or an index would be asked for a package that is elsewhere.
    pub(crate) fn permitted(&self, settings: &ProjectSettings) -> Result<(), Error> {
        if settings.static_only {
            return Err(self.hook.refused(self.who(), self.because));
        }
        if let Some((requirement, at)) = self.build.requires_elsewhere.first() {
            return Err(Error::BuildRequirementElsewhere {
                requirement: requirement.clone(),
                at: at.clone(),
            });
        }
        Ok(())
    }

    fn answer<T: for<'de> Deserialize<'de>>(
        &self,
        settings: &ProjectSettings,
        progress: &dyn Progress,
    ) -> Result<T, Error> {
        let files = Files::new()?;
        let mut installed = self.build.requires.clone();
        for _ in 0..MAX_ROUNDS {
            let environment = BuildEnvironment::with(&installed, self.root, settings, progress)?;
            files.place(&Order {
                hook: self.hook,
                root: self.checkout,
                backend: self.backend(),
                backend_path: &self.build.backend_path,
                installed: &installed,
                wheel_tells: self.build.dynamic_entry_points,
                out: self.out,
            })?;
            let ended = self.run(&files, &environment, settings, progress)?;
            let Some(answer) = files.answer() else {
                return Err(self.unanswered(ended));
            };
            match serde_json::from_slice(&answer) {
                Ok(Reply::Done(answer)) => return Ok(answer),
                Ok(Reply::Needs { install }) => {
                    installed.extend(install);
                    files.remove_answer()?;
                }
                Ok(Reply::Outside { outside }) => return Err(self.led_out(&outside)),
                Err(error) => return Err(self.failed(format!("its answer is not understood: {error}"))),
            }
        }
        let installed = installed.join(", ");
        Err(self.failed(format!("it keeps asking for more requirements: {installed}")))
    }

    /// Runs the script once.
    fn run(
        &self,
        files: &Files,
        environment: &BuildEnvironment,
        settings: &ProjectSettings,
        progress: &dyn Progress,
    ) -> Result<Ended, Error> {
        let run = Run {
            what: &self.task(),
            program: environment.python(),
            arguments: [&files.script, &files.order, &files.answer]
                .map(|file| file.clone().into())
                .to_vec(),
            environment: self.seen(&settings.environment, environment),
            directory: self.checkout,
            seconds: settings.python_timeout,
        };
        let litter = Litter::before(self.checkout, self.build);
        let ended = run.wait(progress);
        litter.remove_new();
        Ok(ended?)
    }

    /// The error that the backend made something that is not as it says, or that it did not do what it was asked.
    pub(crate) fn failed(&self, log: String) -> Error {
        let what = self.task();
        Error::HookFailed { what, log }
    }

    fn unanswered(&self, ended: Ended) -> Error {
        if ended.success || ended.signalled || ended.log.is_empty() {
            let log = ended.log_after_colon();
            return Error::ExitedEarly {
                what: self.task(),
                status: ended.status,
                log,
            };
        }
        self.failed(ended.log)
    }

    fn led_out(&self, path: &Path) -> Error {
        match border::real(self.root, path) {
            Ok(Real::Outside(outside)) => Error::Outside(outside),
            _ => self.failed(format!("it opened {}, which led out of the project", path.display())),
        }
    }

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
        self.hook.task(self.who())
    }

    /// The variables that the hook sees: no credentials, and the build requirements' programs before others, as
    /// [PEP 517](https://peps.python.org/pep-0517/#build-environment) wants it. An environment that the user is in is not its.
    fn seen(&self, process: &[(String, String)], environment: &BuildEnvironment) -> Vec<(String, String)> {
        let mut seen = process::without_credentials(process);
        let own = self.variables.iter().map(|(name, _)| name.as_str());
        let own: Vec<&str> = own.chain(NOT_THEIRS).collect();
        seen.retain(|(name, _)| !own.contains(&name.as_str()));
        let programs = environment.programs().display().to_string();
        let path = process::variable(process, "PATH").map_or(programs.clone(), |path| format!("{programs}:{path}"));
        seen.push(("PATH".to_owned(), path));
        // A set that ends in the metadata, or in a file, has the same order each time.
        seen.push(("PYTHONHASHSEED".to_owned(), "0".to_owned()));
        seen.extend(self.variables.iter().cloned());
        seen
    }
}

/// Variables of the user's that hooks do not see as they are.
const NOT_THEIRS: [&str; 4] = ["PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHASHSEED"];
