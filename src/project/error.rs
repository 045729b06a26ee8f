//! What can be wrong with a project, said with file and line.

mod advice;

use std::path::PathBuf;

use crate::cache;
use crate::process;
use crate::progress::Cancelled;
use crate::reading::TooFar;
use crate::uv;

use super::{Candidate, Outside, hook_log};

/// Why a project could not be read, or an sdist not be made by its build backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory given does not exist.
    #[error("there is no directory {}", path.display())]
    DirectoryMissing {
        /// As given.
        path: PathBuf,
    },
    /// The path given is a file.
    #[error("{} is not a directory", path.display())]
    NotADirectory {
        /// As given.
        path: PathBuf,
    },
    /// None of the three files that make a directory a Python project.
    #[error("no setup.py, setup.cfg or pyproject.toml in {}", path.display())]
    NoProjectFile {
        /// The project directory.
        path: PathBuf,
    },
    /// The project stands above others, and fails, as it is none to build.
    #[error("{source}")]
    AboveOthers {
        /// Why it fails.
        source: Box<Self>,
        /// The packages below it, relative to it.
        below: Vec<String>,
    },
    /// The file of the workspace that the project is in could not be read.
    #[error("in {}: {source}", directory.display())]
    AroundIt {
        /// The workspace's root.
        directory: PathBuf,
        /// What is wrong there.
        source: Box<Self>,
    },
    /// A file or directory could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What would be read is not of the project.
    #[error(transparent)]
    Outside(Outside),
    /// A link to a directory above it.
    #[error("the link {} leads back to a directory on the way to it: packages would be found behind it without an end", path.display())]
    LinkLoop {
        /// The link.
        path: PathBuf,
    },
    /// Looking for files did not come to an end.
    #[error("{}: {source}", path.display())]
    TooFar {
        /// Where it had come to.
        path: PathBuf,
        /// How far that was.
        source: TooFar,
    },
    /// A file holds bytes that are not UTF-8.
    #[error("{file}:{line}: not UTF-8 text")]
    NotUtf8 {
        /// Relative to the project.
        file: String,
        /// The line of the first bad byte, from 1.
        line: usize,
    },
    /// A file holds a NUL character.
    #[error("{file}:{line}: contains a NUL character")]
    Nul {
        /// Relative to the project.
        file: String,
        /// Its line, from 1.
        line: usize,
    },
    /// A Python or TOML file does not parse.
    #[error("{file}:{line}:{column}: syntax error: {message}")]
    Syntax {
        /// Relative to the project.
        file: String,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What the parser said.
        message: String,
        /// Whether the file looks written for Python 2.
        python2: bool,
    },
    /// `setup.cfg` does not parse.
    #[error("setup.cfg:{line}: {message}")]
    SetupCfg {
        /// From 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A value has the wrong type or form.
    #[error("{at}: {message}")]
    InvalidValue {
        /// `file:line`.
        at: String,
        /// What is wrong with which key.
        message: String,
    },
    /// What says which Pythons the package is for is no range of versions.
    #[error("{at}: {message}")]
    InvalidRequiresPython {
        /// `file:line`.
        at: String,
        /// What is wrong with it.
        message: String,
    },
    /// A package that is listed has no directory.
    #[error("{at}: the package {package} has no directory {}", directory.display())]
    PackageWithoutDirectory {
        /// `file:line`.
        at: String,
        /// Its dotted name.
        package: String,
        /// Where it was expected, relative to the project.
        directory: PathBuf,
    },
    /// The package is described in a table of a tool's own, and nothing says that this tool builds it.
    #[error(
        "pyproject.toml:{line}: [tool.{tool}] describes the package, and no [build-system] says that {tool} builds it"
    )]
    NoBuildSystem {
        /// Of the table, from 1.
        line: usize,
        /// `poetry`, or another.
        tool: &'static str,
        /// What builds it.
        requires: &'static str,
        /// Its backend.
        backend: &'static str,
    },
    /// Nothing names the package.
    #[error("{file} does not name the package")]
    NameMissing {
        /// The file that should.
        file: String,
    },
    /// Nothing gives a version; setuptools would silently use 0.0.0.
    #[error("{file} does not give the package a version")]
    VersionMissing {
        /// The file that should.
        file: String,
    },
    /// The name is not one that a package can have.
    #[error("{at}: {name:?} is not a valid package name")]
    InvalidName {
        /// As declared.
        name: String,
        /// `file:line`.
        at: String,
    },
    /// The version is not PEP 440's.
    #[error("{at}: {version:?} is not a valid version: {reason}")]
    InvalidVersion {
        /// As declared.
        version: String,
        /// `file:line`.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A requirement is not PEP 508's.
    #[error("{at}: {requirement:?} is not a valid requirement: {reason}")]
    InvalidRequirement {
        /// As declared, without credentials.
        requirement: String,
        /// `file:line`.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry point that should train or serve does not name a function.
    #[error("{declared_in}: {object:?} does not name a function as package.module:function")]
    InvalidEntryPoint {
        /// As declared.
        object: String,
        /// Where.
        declared_in: String,
    },
    /// Automatic discovery found several top-level packages or modules; setuptools refuses these too.
    #[error("{kind} are not listed, and several were found: {}", names.join(", "))]
    SeveralTopLevel {
        /// `packages` or `modules`.
        kind: &'static str,
        /// Their names.
        names: Vec<String>,
    },
    /// Python would have to be asked, and that is forbidden.
    #[error("{reason}; only Python can tell, and static reading was asked for")]
    StaticOnly {
        /// The expression and its `file:line`.
        reason: String,
    },
    /// The build backend would have to make the sdist, and that is forbidden.
    #[error(
        "{reason}; only {backend} can make the sdist, by running the project's code, and static reading was asked for"
    )]
    StaticSdist {
        /// What only the backend can pack, and its `file:line`.
        reason: String,
        /// `setuptools`, or another backend.
        backend: String,
    },
    /// The build backend would have to make the wheel, and that is forbidden.
    #[error(
        "{reason}; only {backend} can make the wheel, by running the project's code, and static reading was asked for"
    )]
    StaticWheel {
        /// What only the backend does, and its `file:line`.
        reason: String,
        /// `setuptools`, or another backend.
        backend: String,
    },
    /// Several functions could train (or serve).
    #[error("{} functions are declared to {verb}:\n{}", found.len(), list(found))]
    AmbiguousTrain {
        /// `train` or `serve`.
        verb: &'static str,
        /// All of them.
        found: Vec<Candidate>,
    },
    /// A setting names an entry point that is not declared.
    #[error("there is no entry point {name} ({origin}), only {}", .has.join(", "))]
    NoSuchEntryPoint {
        /// As the setting has it.
        name: String,
        /// Where it was set.
        origin: String,
        /// `name = package.module:function` of those that are.
        has: Vec<String>,
    },
    /// The module of the function that trains is not among those that are packed.
    #[error("{object} ({declared_in}) would not be in the image: {reason}")]
    ModuleNotPacked {
        /// `module:function`.
        object: String,
        /// Where it was declared.
        declared_in: String,
        /// What is missing.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The module has no such function.
    #[error("{object} ({declared_in}) is not there: {file} {}", has_functions(has))]
    FunctionMissing {
        /// `module:function`.
        object: String,
        /// Where it was declared.
        declared_in: String,
        /// The module's file.
        file: String,
        /// The functions and classes that it has.
        has: Vec<String>,
    },
    /// No function is declared to train.
    #[error("{name} declares no function that trains")]
    NoTrainFunction {
        /// The package.
        name: String,
    },
    /// No function is declared to train, and some come near to it.
    #[error("{name} declares no function that trains; of what it declares, these come near:\n{}", near.join("\n"))]
    NearlyTrains {
        /// The package.
        name: String,
        /// Entry points, as they are listed.
        near: Vec<String>,
    },
    /// The interpreter could not be started.
    #[error("cannot run {python}: {reason}")]
    PythonMissing {
        /// The program.
        python: String,
        /// What the system or the program said.
        reason: String,
    },
    /// uv could not make an environment with the interpreter.
    #[error("cannot make an environment with {}: {log}", python.display())]
    NoEnvironment {
        /// The interpreter.
        python: PathBuf,
        /// uv's last lines.
        log: String,
    },
    /// There is no uv to make an environment with.
    #[error("cannot make an environment to ask Python in: {0}")]
    Uv(uv::Error),
    /// Python was asked, without success.
    #[error("{source}")]
    Asked {
        /// Why it was asked: the expression and its `file:line`.
        because: String,
        /// What went wrong.
        source: Box<Self>,
    },
    /// A build requirement is not to be taken from an index by its name, which is all that can be done here.
    #[error("the build requires `{requirement}`, and {at} says that it comes from elsewhere than an index")]
    BuildRequirementElsewhere {
        /// The requirement.
        requirement: String,
        /// Where that is said.
        at: String,
    },
    /// The build requirements could not be installed.
    #[error("cannot install the build requirements {}: {log}", requires.join(", "))]
    BuildRequirements {
        /// PEP 508 strings, without credentials.
        requires: Vec<String>,
        /// The installer's last lines.
        log: String,
    },
    /// The build backend or setup.py raised.
    #[error("{what} failed: {}", hook_log::plainly(log))]
    HookFailed {
        /// The hook, and for what.
        what: String,
        /// The last lines it wrote.
        log: String,
    },
    /// It took longer than the time limit and was stopped.
    #[error("{what} did not finish within {seconds} s and was stopped")]
    TimedOut {
        /// What was running.
        what: String,
        /// The limit.
        seconds: u64,
    },
    /// It ended without an answer.
    #[error("{what} ended early ({status}) without an answer{log}")]
    ExitedEarly {
        /// What was running.
        what: String,
        /// Its exit status.
        status: String,
        /// The last lines it wrote, preceded by `: `; empty if it wrote none.
        log: String,
    },
    /// The user asked to stop while Python was running.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A directory of our own (cache, temporary) could not be used.
    #[error("cannot use {}: {source}", path.display())]
    Workspace {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn list(found: &[Candidate]) -> String {
    let line = |candidate: &Candidate| {
        let Candidate { name, function } = candidate;
        format!("{name} = {} ({})", function.object, function.declared_in)
    };
    let lines: Vec<String> = found.iter().map(line).collect();
    lines.join("\n")
}

fn has_functions(has: &[String]) -> String {
    if has.is_empty() {
        return "has no function of its own".to_owned();
    }
    format!("has {}", has.join(", "))
}

impl From<process::Error> for Error {
    fn from(error: process::Error) -> Self {
        match error {
            process::Error::NotStarted { program, reason } => Self::PythonMissing {
                python: program.display().to_string(),
                reason,
            },
            process::Error::TimedOut { what, seconds } => Self::TimedOut { what, seconds },
            process::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
        }
    }
}

impl From<uv::Error> for Error {
    fn from(error: uv::Error) -> Self {
        match error {
            uv::Error::NoPython { python, reason } => Self::PythonMissing {
                python: python.display().to_string(),
                reason,
            },
            uv::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Uv(other),
        }
    }
}

impl Error {
    /// The error, with why Python was asked; that the user asked to stop needs no reason.
    pub(crate) fn when_asked(self, because: &str) -> Self {
        if matches!(self, Self::Cancelled(_)) {
            return self;
        }
        Self::Asked {
            because: because.to_owned(),
            source: Box::new(self),
        }
    }

    /// Whether there was no room for an environment or for uv.
    pub(crate) fn tells_of_full_disk(&self) -> bool {
        match self {
            Self::NoEnvironment { log, .. }
            | Self::BuildRequirements { log, .. }
            | Self::Uv(uv::Error::NotFetched { log, .. }) => cache::tells_of_full_disk(log),
            Self::Uv(uv::Error::Scratch { source }) | Self::Workspace { source, .. } => cache::is_full_disk(source),
            _ => false,
        }
    }
}
