//! The commit a project is at, asked of git.
//!
//! A checkout's own configuration and attributes can make git run programs: monitors, filters, hooks, helpers. So git is asked in
//! two steps. In the checkout it says only where it is at and lists the configuration, which runs nothing. All that reads contents
//! then happens through a git directory of our own ([`private`]), whose configuration holds what decides how files are compared
//! and nothing that names a program.

mod changes;
mod checkout;
mod configuration;
mod git;
mod lent;
mod private;
mod submodules;
mod tree;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::process;
use crate::progress::{Cancelled, Progress};

use checkout::Checkout;
use configuration::Configuration;
use git::{Git, Head};
use private::PrivateDirectory;
use tree::Tree;

pub(crate) use lent::{NotLent, lend, top};

/// What builds leave in a project.
const LEFTOVERS: [&str; 5] = [
    ":(exclude)dist",
    ":(exclude)build",
    // What another sgbuild is making, or left when it was killed.
    ":(exclude,glob).sgbuild-dist-*/**",
    ":(exclude,glob)**/*.egg-info/**",
    ":(exclude,glob)**/__pycache__/**",
];

/// What git says of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The full commit id.
    pub commit: String,
    /// Whether tracked or new files differ from the commit; `dist/` and build leftovers aside.
    pub dirty: bool,
    /// The commit's time, seconds since 1970.
    pub time: Option<i64>,
    /// The URL of the remote `origin`, without credentials.
    pub remote: Option<String>,
}

/// Why git did not say it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Git knows the checkout and does not read it: it belongs to another user, is damaged, or takes too long to read.
    #[error("git does not read this checkout, so its commit stays unknown: {0}")]
    Refused(String),
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// A checkout that git was asked about.
pub struct Asked<'a> {
    checkout: Checkout,
    git: Git<'a>,
    state: State,
    /// Whether the project itself differs from the commit.
    differs: bool,
}

impl<'a> Asked<'a> {
    /// Asks git about `directory`; `None` outside a checkout, before the first commit, or without git on `PATH`.
    ///
    /// Of `environment`, the process's, git sees what it needs to find the user's configuration. Its own variables do not count:
    /// it is the directory that is asked about, also where `GIT_DIR` names another.
    ///
    /// # Errors
    /// Git finds a checkout and refuses to read it, in its own words; it takes longer than a minute; the user interrupted.
    pub fn about(
        directory: &Path,
        environment: &[(String, String)],
        progress: &'a dyn Progress,
    ) -> Result<Option<Self>, Error> {
        let Some(checkout) = Checkout::around(directory) else {
            return Ok(None);
        };
        let Some(git) = Git::find(environment, progress) else {
            return Ok(None);
        };
        let Some(state) = State::of(&checkout, &git)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            differs: project_differs(&checkout, &state, directory, &git)?,
            checkout,
            git,
            state,
        }))
    }

    /// What git says, where the `neighbours` that are built with the project count as well.
    ///
    /// # Errors
    /// As [`Self::about`].
    pub fn with(self, neighbours: &[PathBuf]) -> Result<Revision, Error> {
        let mut dirty = self.differs;
        for neighbour in neighbours.iter().filter(|neighbour| is_of(&self.checkout, neighbour)) {
            dirty = dirty || project_differs(&self.checkout, &self.state, neighbour, &self.git)?;
        }
        Ok(Revision {
            dirty,
            time: self.state.head.time,
            remote: self.state.configuration.remote_url("origin"),
            commit: self.state.head.id,
        })
    }
}

/// Whether the nearest checkout around `directory` is this one: another has a commit of its own.
fn is_of(checkout: &Checkout, directory: &Path) -> bool {
    Checkout::around(directory).is_some_and(|around| around.top() == checkout.top())
}

/// Whether the project in `directory` differs from the commit, leftovers of builds aside.
fn project_differs(checkout: &Checkout, state: &State, directory: &Path, git: &Git<'_>) -> Result<bool, Error> {
    let directory = directory
        .canonicalize()
        .map_err(|error| Error::Refused(error.to_string()))?;
    Tree {
        checkout,
        state,
        git,
        directory: &directory,
        depth: 0,
    }
    .differs(&LEFTOVERS, &[])
}

/// Where a checkout is at, and the directory through which its contents are read.
struct State {
    head: Head,
    configuration: Configuration,
    private: PrivateDirectory,
}

impl State {
    /// `None` before the first commit, and where git sees no checkout.
    fn of(checkout: &Checkout, git: &Git<'_>) -> Result<Option<Self>, Error> {
        // Two processes at once: one after the other they would take longer than packing a small project.
        let (head, listed) = (git.start_head(checkout)?, git.start_configuration(checkout)?);
        let Some(head) = git.head(head)? else {
            return Ok(None);
        };
        let configuration = Configuration::parse(&git.answer(listed)?.bytes()?);
        let private = PrivateDirectory::make(checkout, &head.id, &configuration)
            .map_err(|error| Error::Refused(format!("a temporary directory cannot be made: {error}")))?;
        Ok(Some(Self {
            head,
            configuration,
            private,
        }))
    }
}

impl From<process::Error> for Error {
    fn from(error: process::Error) -> Self {
        match error {
            process::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// The commit that an image is built from. Shown as its id, ending in `-dirty` where the tree differed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub hash: String,
    /// Whether the tree differs from it.
    pub dirty: bool,
}

impl Commit {
    /// With the first seven characters of the id, as git abbreviates it.
    #[must_use]
    pub fn short(&self) -> String {
        let hash = self.hash.get(..7).unwrap_or(&self.hash);
        format!("{hash}{}", self.mark())
    }

    fn mark(&self) -> &'static str {
        if self.dirty { "-dirty" } else { "" }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.hash, self.mark())
    }
}
