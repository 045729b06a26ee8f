//! A Python process with a time limit, whose whole process group ends with it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::error::Error;
use crate::progress::Progress;
use crate::secret::without_url_credentials;

/// How much of what it wrote is shown when it fails.
const LOG_LINES: usize = 20;
/// A process that writes without end must not fill our memory.
const LOG_BYTES: u64 = 64 * 1024;
const POLL: Duration = Duration::from_millis(10);

/// A process to run.
pub(crate) struct Run<'a> {
    /// For messages.
    pub(crate) what: &'a str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
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
    /// Its last lines, without URL credentials.
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
}

impl Run<'_> {
    /// Runs the process to its end; stops it and all it started when it takes too long or the user interrupts.
    pub(crate) fn wait(&self, progress: &dyn Progress) -> Result<Ended, Error> {
        let output = tempfile::tempfile().map_err(super::pep517::workspace(&std::env::temp_dir()))?;
        let handle = || {
            output
                .try_clone()
                .map_err(super::pep517::workspace(&std::env::temp_dir()))
        };
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .current_dir(self.directory)
            .stdin(Stdio::null())
            .stdout(handle()?)
            .stderr(handle()?)
            .process_group(0)
            .spawn()
            .map_err(|error| Error::PythonMissing {
                python: self.program.display().to_string(),
                reason: error.to_string(),
            })?;
        let mut group = Group(child);
        let status = self.until_end(&mut group, progress)?;
        Ok(Ended {
            success: status.success(),
            status: status.to_string(),
            signalled: status.code().is_none(),
            log: tail(output),
        })
    }

    fn until_end(&self, group: &mut Group, progress: &dyn Progress) -> Result<ExitStatus, Error> {
        let deadline = Instant::now() + Duration::from_secs(self.seconds);
        loop {
            match group.0.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if progress.cancelled() => return Err(Error::Interrupted),
                Ok(None) if Instant::now() >= deadline => {
                    return Err(Error::TimedOut {
                        what: self.what.to_owned(),
                        seconds: self.seconds,
                    });
                }
                Ok(None) => std::thread::sleep(POLL),
                Err(error) => {
                    let (python, reason) = (self.program.display().to_string(), error.to_string());
                    return Err(Error::PythonMissing { python, reason });
                }
            }
        }
    }
}

/// A child that leads a process group; dropping it ends the group.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // Nothing of it may be left, which is an error here.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

fn tail(mut output: File) -> String {
    let length = output.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Vec::new();
    // A log that cannot be read back is an empty one; the status still tells.
    let _ = output
        .seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))
        .and_then(|_| output.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    without_url_credentials(&lines[lines.len().saturating_sub(LOG_LINES)..].join("\n"))
}

/// `environment` without what a setup.py has no business with: cloud and registry credentials, tokens, index settings.
pub(crate) fn without_credentials(environment: &[(String, String)]) -> Vec<(String, String)> {
    environment
        .iter()
        .filter(|(name, value)| !is_credential(name, value))
        .cloned()
        .collect()
}

/// Whether pip or the way to its index needs the variable, credentials included.
pub(crate) fn concerns_installer(name: &str) -> bool {
    let name = name.to_uppercase();
    name.starts_with("PIP_") || name.ends_with("_PROXY") || name == "NETRC"
}

/// Whether the variable is a credential, or steers a program that setup.py has no business with.
pub(crate) fn is_credential(name: &str, value: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "AWS_", "PIP_", "UV_", "DOCKER_", "TWINE_", "GITHUB_", "GITLAB_", "SGBUILD_", "PYTHON",
    ];
    const WORDS: [&str; 8] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "APIKEY",
        "API_KEY",
        "NETRC",
    ];
    let name = name.to_uppercase();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || WORDS.iter().any(|word| name.contains(word))
        || without_url_credentials(value) != value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn shell<'a>(script: &str, seconds: u64) -> Run<'a> {
        Run {
            what: "the script",
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            directory: Path::new("/"),
            seconds,
        }
    }

    #[test]
    fn the_last_lines_are_kept_without_credentials() {
        let ended = shell("seq 100; echo http://me:pw@host/ >&2; exit 3", 10)
            .wait(&Silent)
            .unwrap();
        assert!(!ended.success && ended.status.contains('3'));
        assert!(
            ended.log.ends_with("100\nhttp://***@host/") && !ended.log.contains("\n50\n"),
            "{}",
            ended.log
        );
    }

    #[test]
    fn the_whole_group_ends_at_the_limit() {
        let marker = tempfile::NamedTempFile::new().unwrap();
        let script = format!("(sleep 2; echo late > {}) & sleep 60", marker.path().display());
        let started = Instant::now();
        assert!(matches!(
            shell(&script, 1).wait(&Silent),
            Err(Error::TimedOut { seconds: 1, .. })
        ));
        assert!(started.elapsed() < Duration::from_secs(2));
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(std::fs::read_to_string(marker.path()).unwrap(), "");
    }

    #[test]
    fn credentials_do_not_reach_python() {
        let pairs = [
            ("AWS_PROFILE", "x"),
            ("MY_TOKEN", "x"),
            ("INDEX", "https://a:b@c/"),
            ("PATH", "/bin"),
            ("LANG", "C"),
        ];
        let given: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let left: Vec<_> = without_credentials(&given).into_iter().map(|(name, _)| name).collect();
        assert_eq!(left, ["PATH", "LANG"]);
    }
}
