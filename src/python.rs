//! The user's Python interpreter.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::process::{self, Error, Run};
use crate::progress::Progress;

/// The longest an interpreter may take to say where it is.
const SECONDS: u64 = 30;
/// Python 2 says it too, so that whoever is asked next can refuse it by name.
const WHERE: &str = "import sys; print(sys.executable)";

/// A Python interpreter that is there.
#[derive(Debug, Clone)]
pub(crate) struct Interpreter {
    /// The program itself: no link, no script that chooses one.
    pub(crate) path: PathBuf,
    /// What is another one after an upgrade: path, inode, size and time of change.
    pub(crate) identity: String,
}

impl Interpreter {
    /// The interpreter `python`, a path or a name on `PATH`, as it answers in `directory`.
    ///
    /// A link to an interpreter is followed, which takes no time. Anything else (such as the scripts of pyenv, which choose a version by
    /// directory) is asked.
    pub(crate) fn find(
        python: &Path,
        environment: &[(String, String)],
        directory: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let failed = |reason: String| Error::NotStarted {
            program: python.to_owned(),
            reason,
        };
        let unreadable = |error: io::Error| failed(error.to_string());
        let named = process::find(python, environment).ok_or_else(|| failed("it is not on PATH".to_owned()))?;
        let file = named.canonicalize().map_err(unreadable)?;
        if is_interpreter(&file) {
            return Self::of_file(file).map_err(unreadable);
        }
        let run = Run {
            what: "finding the interpreter",
            program: named,
            arguments: vec!["-c".into(), WHERE.into()],
            environment: process::without_credentials(environment),
            directory,
            seconds: SECONDS,
        };
        let ended = run.wait(progress).map_err(|error| match error {
            Error::NotStarted { reason, .. } => failed(reason),
            other => other,
        })?;
        // A site's own start-up code may have printed something before.
        let said = ended.log.lines().last().unwrap_or_default();
        if !ended.success || !Path::new(said).is_absolute() {
            return Err(failed(ended.reason()));
        }
        let file = Path::new(said).canonicalize().map_err(unreadable)?;
        Self::of_file(file).map_err(unreadable)
    }

    /// The interpreter of this name on `PATH`, if that is the program itself or a link to it: nothing is started.
    pub(crate) fn at_hand(name: &Path, environment: &[(String, String)]) -> Option<Self> {
        let file = process::find(name, environment)?.canonicalize().ok()?;
        is_interpreter(&file).then(|| Self::of_file(file).ok())?
    }

    fn of_file(path: PathBuf) -> io::Result<Self> {
        let found = fs::metadata(&path)?;
        let identity = format!(
            "{} {}:{} {} {}.{}",
            path.display(),
            found.dev(),
            found.ino(),
            found.size(),
            found.mtime(),
            found.mtime_nsec()
        );
        Ok(Self { path, identity })
    }
}

/// Whether the file is an interpreter by its name and an ELF program, and not a script or a program that stands for others.
fn is_interpreter(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut magic = [0; 4];
    (name.starts_with("python") || name.starts_with("pypy"))
        && File::open(file)
            .and_then(|mut file| file.read_exact(&mut magic))
            .is_ok()
        && magic == *b"\x7fELF"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn interpreter(python: &Path, directory: &Path) -> Result<Interpreter, Error> {
        let environment = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        Interpreter::find(python, &environment, directory, &Silent)
    }

    #[test]
    fn a_link_and_a_script_lead_to_the_same_interpreter() {
        let directory = tempfile::tempdir().unwrap();
        let own = interpreter(Path::new("python3"), directory.path()).unwrap();
        assert!(is_interpreter(&own.path));
        let link = directory.path().join("python3");
        symlink(&own.path, &link).unwrap();
        assert_eq!(interpreter(&link, directory.path()).unwrap().identity, own.identity);
        let script = directory.path().join("shim");
        fs::write(&script, format!("#!/bin/sh\nexec {} \"$@\"\n", own.path.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(interpreter(&script, directory.path()).unwrap().identity, own.identity);
    }

    #[test]
    fn what_is_no_interpreter_is_named() {
        let here = Path::new("/");
        for (python, reason) in [
            ("/bin/false", "exit status: 1"),
            ("no-such-python", "it is not on PATH"),
        ] {
            let error = interpreter(Path::new(python), here).unwrap_err().to_string();
            assert_eq!(error, format!("cannot run {python}: {reason}"));
        }
    }
}
