//! The commit a project is at, asked of git.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

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
    ///
    /// # Errors
    /// Git finds a checkout and refuses to read it, in its own words.
    pub fn read(directory: &Path) -> Result<Option<Self>, Refused> {
        // Three processes at once: one after the other they would take longer than packing a small project.
        thread::scope(|scope| {
            let changes = scope.spawn(|| changes(directory));
            let remote = scope.spawn(|| git(directory, &["remote", "get-url", "origin"]));
            let Some(head) = head(directory)? else { return Ok(None) };
            let (changes, remote) = (changes.join().ok().flatten(), remote.join().ok().flatten());
            Ok(Self::of(&head, changes, remote))
        })
    }

    fn of(head: &str, changes: Option<String>, remote: Option<String>) -> Option<Self> {
        let (commit, time) = head.trim().split_once(' ')?;
        Some(Self {
            commit: commit.to_owned(),
            dirty: !changes?.trim().is_empty(),
            time: time.parse().ok(),
            remote: remote
                .map(|url| without_url_credentials(url.trim()))
                .filter(|url| !url.is_empty()),
        })
    }
}

/// The tracked and new files that differ from the commit, a line each.
fn changes(directory: &Path) -> Option<String> {
    let leftovers = [
        ":(exclude)dist",
        ":(exclude)build",
        // What another sgbuild is making, or left when it was killed.
        ":(exclude,glob).sgbuild-dist-*/**",
        ":(exclude,glob)**/*.egg-info/**",
        ":(exclude,glob)**/__pycache__/**",
    ];
    git(
        directory,
        &[&["status", "--porcelain", "--", "."], &leftovers[..]].concat(),
    )
}

/// Git knows the checkout and does not read it: it belongs to another user, or is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("git does not read this checkout, so its commit stays unknown: {0}")]
pub struct Refused(String);

/// Id and time of the newest commit.
fn head(directory: &Path) -> Result<Option<String>, Refused> {
    let mut command = command(directory, &["log", "-1", "--format=%H %ct"]);
    // Its complaints are told apart by their words.
    let Ok(output) = command.env("LC_ALL", "C").output() else {
        return Ok(None);
    };
    if output.status.success() {
        return Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let is_usual = said.contains("not a git repository") || said.contains("does not have any commits yet");
    let reason = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ");
    if is_usual {
        return Ok(None);
    }
    Err(Refused(reason.to_owned()))
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

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(directory)
        .arg("--no-optional-locks")
        .args(arguments);
    command.stdin(Stdio::null());
    command
}

fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = command(directory, arguments).stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
