//! A checkout of a git repository, as pip makes one: with its history, of which some build backends take the version, and its submodules.

use std::ffi::OsString;
use std::path::Path;

use crate::process::{self, Run};
use crate::progress::Progress;

/// A large repository may take its time.
const SECONDS: u64 = 1800;

/// Checks `commit` of the repository at `url` out into `directory`, which is not there yet; or why that failed.
pub(super) fn make(
    url: &str,
    commit: &str,
    directory: &Path,
    environment: &[(String, String)],
    progress: &dyn Progress,
) -> Result<(), String> {
    let program = process::find(Path::new("git"), environment).ok_or("git is not on PATH")?;
    let above = directory.parent().unwrap_or(Path::new("/"));
    // Nobody is there to be asked for a password.
    let quiet = [("GIT_TERMINAL_PROMPT", "0")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let git = |arguments: Vec<OsString>, directory: &Path| {
        let run = Run {
            what: "checking out a requirement",
            program: program.clone(),
            arguments,
            environment: environment.iter().cloned().chain(quiet.clone()).collect(),
            directory,
            seconds: SECONDS,
        };
        let ended = run.wait(progress).map_err(|error| error.to_string())?;
        if ended.success { Ok(()) } else { Err(ended.reason()) }
    };
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let clone = words(&["clone", "--quiet", "--no-checkout", "--", url]);
    git(clone.into_iter().chain([directory.into()]).collect(), above)?;
    git(words(&["checkout", "--quiet", "--detach", commit]), directory)?;
    git(
        words(&["submodule", "--quiet", "update", "--init", "--recursive"]),
        directory,
    )
}
