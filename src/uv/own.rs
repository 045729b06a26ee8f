//! Our own copy of uv, fetched with the user's pip where there is no other.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Error, UvSettings};
use crate::cache::{self, Access, Refused, remove};
use crate::process::{Ended, Run};
use crate::progress::Progress;
use crate::python::Interpreter;

/// The release that is fetched, any patch of it: the one that the tests run with.
const RELEASE: &str = "0.13";
/// A download of some 20 MB may take its time.
const SECONDS: u64 = 600;

/// The program: the copy kept in the cache directory, put there when it is missing. With the scratch directory that holds it where
/// the cache directory cannot be written.
pub(super) fn ready(settings: &UvSettings, progress: &dyn Progress) -> Result<(PathBuf, Option<TempDir>), Error> {
    let python = || {
        Interpreter::find(&settings.python, &settings.environment, Path::new("/"), progress).map_err(Error::of_python)
    };
    let kept = match cache::directory(&settings.cache_dir, "uv") {
        Ok(kept) => kept,
        Err(reason) => {
            let python = python()?;
            progress.step(&format!("Fetching uv {RELEASE}, for this once: {reason}"));
            let scratch = tempfile::tempdir().map_err(|source| Error::Scratch { source })?;
            fetch(&python, scratch.path(), settings, progress)?;
            return Ok((program(scratch.path()), Some(scratch)));
        }
    };
    let home = kept.join(RELEASE);
    if program(&home).is_file() {
        return Ok((program(&home), None));
    }
    let lock = cache::lock(&kept.join("lock"), Access::Change, progress);
    let _lock = lock.map_err(|refused| match refused {
        Refused::Interrupted => Error::Interrupted,
        Refused::System(source) => Error::Scratch { source },
    })?;
    if program(&home).is_file() {
        return Ok((program(&home), None));
    }
    let python = python()?;
    progress.step(&format!("Fetching uv {RELEASE} into {}", kept.display()));
    let staging = tempfile::Builder::new().prefix(".new-").tempdir_in(&kept);
    let staging = staging.map_err(|source| Error::Scratch { source })?;
    fetch(&python, staging.path(), settings, progress)?;
    // Whatever is there holds no uv.
    let replaced = remove(&home).and_then(|()| fs::rename(staging.path(), &home));
    replaced.map_err(|source| Error::Scratch { source })?;
    Ok((program(&home), None))
}

fn program(home: &Path) -> PathBuf {
    home.join("bin/uv")
}

/// Installs uv into `directory`.
fn fetch(python: &Interpreter, directory: &Path, settings: &UvSettings, progress: &dyn Progress) -> Result<(), Error> {
    let run = |program: &Path, arguments: Vec<OsString>| -> Result<Ended, Error> {
        // What would send the installation elsewhere, or ask for more than a pinned release.
        let elsewhere = [
            "PIP_USER",
            "PIP_TARGET",
            "PIP_PREFIX",
            "PIP_ROOT",
            "PIP_REQUIRE_VIRTUALENV",
            "PIP_REQUIRE_HASHES",
        ];
        let kept = settings
            .environment
            .iter()
            .filter(|(name, _)| !elsewhere.contains(&name.as_str()));
        // pip.conf may say it too; a variable comes before it.
        let ours = [("PIP_USER", "0"), ("PIP_REQUIRE_VIRTUALENV", "0")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let run = Run {
            what: "fetching uv",
            program: program.to_owned(),
            arguments,
            environment: kept.cloned().chain(ours).collect(),
            directory,
            seconds: SECONDS,
        };
        run.wait(progress).map_err(Error::of_process)
    };
    let install = || -> Vec<OsString> {
        let release = format!("uv=={RELEASE}.*");
        let options = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
        ];
        let which = ["--only-binary", ":all:", release.as_str(), "--target"];
        options
            .into_iter()
            .chain(which)
            .map(OsString::from)
            .chain([directory.into()])
            .collect()
    };
    let mut ended = run(&python.path, install())?;
    if !ended.success && ended.log.contains("No module named pip") {
        // Debian's interpreter has its pip in a package of its own, and another one in venv's.
        let venv = tempfile::tempdir().map_err(|source| Error::Scratch { source })?;
        let made = run(&python.path, vec!["-m".into(), "venv".into(), venv.path().into()])?;
        ended = if made.success {
            run(&venv.path().join("bin/python"), install())?
        } else {
            made
        };
    }
    if ended.success {
        return Ok(());
    }
    Err(Error::NotFetched {
        release: RELEASE,
        python: python.path.clone(),
        log: ended.reason(),
    })
}
