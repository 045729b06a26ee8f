//! Running another program: with a time limit, without credentials, its output kept apart from ours. Everything it started ends
//! with it.
//!
//! It leads a process group of its own, which is killed at its end, at the limit and when the user interrupts. On Linux
//! [`descendants`] also ends what left the group. A process that changed its user (`sudo`) or is stuck in the kernel may stay,
//! and so may everything where sgbuild itself is killed by SIGKILL.
//!
//! Its temporary files are in a directory of this run, which goes with it: a program that is killed removes none of them itself.

mod credentials;
mod descendants;
mod error;
mod log;
mod question;

pub(crate) use credentials::{concerns_installer, is_credential, without_credentials};
pub(crate) use descendants::end_all;
pub(crate) use error::Error;
pub(crate) use question::{Answer, Asked, Deadline, Question};

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use descendants::Family;
use log::Log;

use crate::cache;
use crate::progress::Progress;

const POLL: Duration = Duration::from_millis(5);

/// A program to run. It finds others by absolute entries of its `PATH` only.
pub(crate) struct Run<'a> {
    /// What is being done, for messages.
    pub(crate) what: &'a str,
    /// A path; names are not looked up.
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// All its variables. Two are added, by which Python writes no byte code, and UTF-8, and `TMPDIR` is another one.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) directory: &'a Path,
    /// The time limit.
    pub(crate) seconds: u64,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) status: String,
    /// Whether a signal ended it.
    pub(crate) signalled: bool,
    /// The last lines that it wrote to stdout and stderr, without URL credentials.
    pub(crate) log: String,
}

impl Ended {
    pub(crate) fn log_after_colon(&self) -> String {
        if self.log.is_empty() {
            String::new()
        } else {
            format!(": {}", self.log)
        }
    }

    /// What it said, or how it ended where it said nothing.
    pub(crate) fn reason(&self) -> String {
        if self.log.is_empty() {
            self.status.clone()
        } else {
            self.log.clone()
        }
    }
}

/// Variables that every program sees, for it may be Python.
pub(crate) const OF_PYTHON: [(&str, &str); 2] = [("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONIOENCODING", "utf-8")];

impl Run<'_> {
    /// Runs the program to its end; stops it and all it started when it takes too long or the user interrupts.
    pub(crate) fn wait(&self, progress: &dyn Progress) -> Result<Ended, Error> {
        let not_started = |error: io::Error| Error::NotStarted {
            program: self.program.clone(),
            reason: error.to_string(),
        };
        let (reader, writer) = io::pipe().map_err(not_started)?;
        // Where there can be none, the program says itself what it makes of that.
        let temporary = cache::scratch().ok();
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().filter(|(name, _)| name != "PATH").cloned())
            .envs(absolute_path(&self.environment).map(|path| ("PATH", path)))
            .envs(OF_PYTHON)
            .envs(temporary.as_ref().map(|temporary| ("TMPDIR", temporary.path())))
            .current_dir(self.directory)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(not_started)?)
            .stderr(writer)
            .process_group(0);
        let (mut child, family) = Family::start(&mut command).map_err(not_started)?;
        // It holds the writing end of the pipe, which would never close.
        drop(command);
        let log = Log::keep(reader);
        let status = self.until_end(&mut child, progress);
        family.end(&mut child);
        let status = status?;
        Ok(Ended {
            success: status.success(),
            status: status.to_string(),
            signalled: status.code().is_none(),
            log: log.last_lines(),
        })
    }

    fn until_end(&self, child: &mut Child, progress: &dyn Progress) -> Result<ExitStatus, Error> {
        // A limit beyond what the clock can tell is none.
        let deadline = Instant::now().checked_add(Duration::from_secs(self.seconds));
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(error) => {
                    return Err(Error::NotStarted {
                        program: self.program.clone(),
                        reason: error.to_string(),
                    });
                }
            }
            progress.check()?;
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Error::TimedOut {
                    what: self.what.to_owned(),
                    seconds: self.seconds,
                });
            }
            std::thread::sleep(POLL);
        }
    }
}

/// The file that a shell would run for `name` by the `PATH` of `environment`; a name with a directory in it is that file.
pub(crate) fn find(name: &Path, environment: &[(String, String)]) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return Some(name.to_owned());
    }
    let path = absolute_path(environment)?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok())
}

/// `PATH` without entries that mean the directory somebody happens to be in, empty ones among them: there a checkout could
/// name the program.
pub(crate) fn absolute_path(environment: &[(String, String)]) -> Option<String> {
    let path = variable(environment, "PATH")?;
    let entries: Vec<_> = path.split(':').filter(|entry| entry.starts_with('/')).collect();
    // An empty PATH means that directory too.
    (!entries.is_empty()).then(|| entries.join(":"))
}

/// A variable of `environment`; an empty one counts as unset.
pub(crate) fn variable<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = environment.iter().find(|(key, _)| key == name)?;
    Some(found.1.as_str()).filter(|value| !value.is_empty())
}

/// Sets a variable of `environment`, whatever it was.
pub(crate) fn set_variable(environment: &mut Vec<(String, String)>, name: &str, value: impl Into<String>) {
    environment.retain(|(key, _)| key != name);
    environment.push((name.to_owned(), value.into()));
}

#[cfg(test)]
mod tests;
