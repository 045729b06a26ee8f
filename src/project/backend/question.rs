//! One question to a build backend, and its answer.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::copy::Copy;
use super::environment::BuildEnvironment;
use super::hook::Hook;
use super::litter::Litter;
use super::scratch::{scratch, unusable};
use super::workplace::Workplace;
use crate::cache::Staging;
use crate::process::{self, Ended, Run};
use crate::progress::{Progress, Waiting};
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
    /// Where it is asked: in a copy of that.
    pub(crate) workplace: &'a Workplace,
    /// Which backend, and what it requires.
    pub(crate) build: &'a Build,
    /// The directory for what the backend makes.
    pub(crate) out: &'a Path,
}

/// The question as `ask.py` reads it.
#[derive(Serialize)]
struct Order<'a> {
    hook: Hook,
    root: &'a Path,
    /// Of what `root` is a copy.
    project: &'a Path,
    /// The beginning of paths in the copy, and what stands for it in the answer.
    places: [String; 2],
    backend: &'a str,
    backend_path: &'a [String],
    installed: &'a [String],
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
    _directory: Staging,
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
        let _waiting = Waiting::begin(progress, "Waiting for Python's answer");
        self.answer(settings, progress)
            .map_err(|error| error.when_asked(self.because))
    }

    /// Whether it may be asked at all.
    ///
    /// # Errors
    /// Static reading was asked for, or an index would be asked for a package that is elsewhere.
    fn permitted(&self, settings: &ProjectSettings) -> Result<(), Error> {
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
        let copy = self.workplace.made_for(self.hook, self.root, settings, progress)?;
        let files = Files::new()?;
        let mut installed = self.build.requires.clone();
        for _ in 0..MAX_ROUNDS {
            let environment = BuildEnvironment::with(&installed, self.root, settings, progress)?;
            files.place(&Order {
                hook: self.hook,
                root: &copy.root,
                project: self.root,
                places: copy.places(),
                backend: self.backend(),
                backend_path: &self.build.backend_path,
                installed: &installed,
                out: self.out,
            })?;
            let ended = self.run(&files, &environment, copy, settings, progress)?;
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
        copy: &Copy,
        settings: &ProjectSettings,
        progress: &dyn Progress,
    ) -> Result<Ended, Error> {
        let run = Run {
            what: &self.task(),
            program: environment.python(),
            arguments: [&files.script, &files.order, &files.answer]
                .map(|file| file.clone().into())
                .to_vec(),
            environment: Self::seen(&settings.environment, environment, copy),
            directory: &copy.root,
            seconds: settings.python_timeout,
        };
        // What one answer leaves would be part of the next one.
        let litter = Litter::before(&copy.root, self.build);
        let ended = run.wait(progress);
        litter.remove_new();
        let mut ended = ended?;
        ended.log = copy.as_in_project(&ended.log);
        Ok(ended)
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
    fn seen(process: &[(String, String)], environment: &BuildEnvironment, copy: &Copy) -> Vec<(String, String)> {
        let mut seen = of_the_user(process);
        let programs = environment.programs().display().to_string();
        let path = process::variable(process, "PATH").map_or(programs.clone(), |path| format!("{programs}:{path}"));
        seen.push(("PATH".to_owned(), path));
        seen.push(("PWD".to_owned(), copy.root.display().to_string()));
        seen.push((HASH_SEED.0.to_owned(), HASH_SEED.1.to_owned()));
        if process::variable(process, TIME).is_none() {
            seen.push((TIME.to_owned(), copy.time.unwrap_or(DEFAULT_TIME).to_string()));
        }
        seen
    }
}

/// Variables of the user's that hooks do not see as they are.
const NOT_THEIRS: [&str; 10] = [
    "CONDA_PREFIX",
    // git answers for the copy that it is asked in.
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
    "PATH",
    "PWD",
    "PYTHONHASHSEED",
    "VIRTUAL_ENV",
];
/// The time that tools write in the place of now: <https://reproducible-builds.org/specs/source-date-epoch/>.
const TIME: &str = "SOURCE_DATE_EPOCH";
/// 1980-01-02T00:00:00Z, that time where neither the user's environment nor a commit says it: zip, hence a wheel, knows no time before
/// 1980, and a day later it is 1980 in every time zone.
pub(crate) const DEFAULT_TIME: i64 = 315_619_200;
/// A set that ends in the metadata, or in a file, has the same order each time.
const HASH_SEED: (&str, &str) = ("PYTHONHASHSEED", "0");
/// Variables whose value is only known once Python runs: it begins with the environment's own programs, names the copy, or is what Python
/// sets where the locale is none ([PEP 538](https://peps.python.org/pep-0538/)).
const KNOWN_LATER: [&str; 3] = ["PATH", "PWD", "LC_CTYPE"];
/// What `ask.py` sets for itself, and takes away before it asks for metadata.
const OF_ASKING: &str = "DIST_EXTRA_CONFIG";

/// The user's variables that hooks see as they are.
fn of_the_user(process: &[(String, String)]) -> Vec<(String, String)> {
    let mut seen = process::without_credentials(process);
    seen.retain(|(name, _)| !NOT_THEIRS.contains(&name.as_str()));
    seen
}

/// The variables that setup.py sees when metadata is asked for; `None` for a value that is only known then.
pub(crate) fn variables_seen(process: &[(String, String)]) -> Vec<(String, Option<String>)> {
    let mut seen = of_the_user(process);
    let set = process::OF_PYTHON.into_iter().chain([HASH_SEED]);
    seen.retain(|(name, _)| !KNOWN_LATER.contains(&name.as_str()) && name != OF_ASKING);
    let known = seen
        .into_iter()
        .chain(set.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .map(|(name, value)| (name, Some(value)));
    // Where the user says no time, the commit's is set.
    let time = process::variable(process, TIME).is_none().then_some(TIME);
    let later = KNOWN_LATER.into_iter().chain(time);
    known.chain(later.map(|name| (name.to_owned(), None))).collect()
}
