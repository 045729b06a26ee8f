//! The commit a project is at, asked of git.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::secret::without_url_credentials;

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

impl Revision {
    /// Asks git about `directory`; `None` outside a checkout, before the first commit, or without git.
    #[must_use]
    pub fn read(directory: &Path) -> Option<Self> {
        let head = git(directory, &["log", "-1", "--format=%H %ct"])?;
        let (commit, time) = head.trim().split_once(' ')?;
        let leftovers = [
            ":(exclude)dist",
            ":(exclude)build",
            // What another sgbuild is making, or left when it was killed.
            ":(exclude,glob).sgbuild-dist-*/**",
            ":(exclude,glob)**/*.egg-info/**",
            ":(exclude,glob)**/__pycache__/**",
        ];
        let changes = git(
            directory,
            &[&["status", "--porcelain", "--", "."], &leftovers[..]].concat(),
        )?;
        let remote = git(directory, &["remote", "get-url", "origin"]);
        Some(Self {
            commit: commit.to_owned(),
            dirty: !changes.trim().is_empty(),
            time: time.parse().ok(),
            remote: remote
                .map(|url| without_url_credentials(url.trim()))
                .filter(|url| !url.is_empty()),
        })
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

fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["--no-optional-locks"])
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
