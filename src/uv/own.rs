//! Our own copy of uv, fetched with the user's pip where there is no other.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, UvSettings};
use crate::cache::{self, Access, Refused, Staging};
use crate::process::{Ended, Run};
use crate::progress::{Progress, Waiting};
use crate::python::Interpreter;

/// The release that is fetched, any patch of it: the one that the tests run with.
const RELEASE: &str = "0.13";
/// A download of some 20 MB may take its time.
const SECONDS: u64 = 600;

/// How the names of directories begin in which a copy is being made.
const STAGING: &str = ".new-";

/// Why there is no copy in the cache directory.
enum NoCopy {
    /// It could not be fetched, or the user interrupted.
    Failed(Error),
    /// The cache directory cannot be used, and why; another directory may do.
    Unusable(String),
}

/// The program: the copy in the cache directory, fetched when it is missing. Where that directory cannot be used, a copy in a
/// scratch directory, which comes along as it must outlive the program.
pub(super) fn ready(settings: &UvSettings, progress: &dyn Progress) -> Result<(PathBuf, Option<Staging>), Error> {
    let reason = match kept(settings, progress) {
        Ok(program) => return Ok((program, None)),
        Err(NoCopy::Failed(error)) => return Err(error),
        Err(NoCopy::Unusable(reason)) => reason,
    };
    let python = python(settings, progress)?;
    progress.step(&format!("Fetching uv {RELEASE}, for this once: {reason}"));
    let scratch = cache::scratch().map_err(|source| Error::Scratch { source })?;
    fetch(&python, scratch.path(), settings, progress)?;
    Ok((program(scratch.path()), Some(scratch)))
}

/// The copy in the cache directory.
fn kept(settings: &UvSettings, progress: &dyn Progress) -> Result<PathBuf, NoCopy> {
    let directory = cache::directory(&settings.cache_dir, "uv").map_err(NoCopy::Unusable)?;
    let unusable = |error: io::Error| NoCopy::Unusable(format!("cannot use {}: {error}", directory.display()));
    let (home, lock_file) = (directory.join(RELEASE), directory.join("lock"));
    if holds_uv(&home) {
        if let Some(_lock) = cache::lock_if_free(&lock_file) {
            prune(&directory);
        }
        return Ok(program(&home));
    }
    let lock = cache::lock(&lock_file, Access::Change, progress);
    let _lock = lock.map_err(|refused| match refused {
        Refused::Cancelled(cancelled) => NoCopy::Failed(cancelled.into()),
        Refused::System(error) => unusable(error),
    })?;
    if holds_uv(&home) {
        return Ok(program(&home));
    }
    let python = python(settings, progress).map_err(NoCopy::Failed)?;
    progress.step(&format!("Fetching uv {RELEASE} into {}", directory.display()));
    prune(&directory);
    let staging = Staging::new(&directory, STAGING).map_err(unusable)?;
    fetch(&python, staging.path(), settings, progress).map_err(|error| match error {
        Error::NotFetched { log, .. } if cache::tells_of_full_disk(&log) => {
            NoCopy::Unusable(format!("there is no room left in {}", directory.display()))
        }
        error => NoCopy::Failed(error),
    })?;
    // What is there is no uv that we put there.
    cache::remove(&home)
        .and_then(|()| fs::rename(staging.path(), &home))
        .map_err(unusable)?;
    Ok(program(&home))
}

fn python(settings: &UvSettings, progress: &dyn Progress) -> Result<Interpreter, Error> {
    let found = Interpreter::find(&settings.python, &settings.environment, Path::new("/"), progress);
    found.map_err(Error::of_python)
}

fn program(home: &Path) -> PathBuf {
    home.join("bin/uv")
}

/// Whether a copy is there that this user put there.
fn holds_uv(home: &Path) -> bool {
    cache::is_own(home) && program(home).is_file()
}

/// Removes what killed runs left behind. The caller holds the lock under which sgbuild fetches, which was the only one in older
/// releases: so nobody is fetching now.
fn prune(directory: &Path) {
    cache::prune(directory, |entry| !is_staging(entry), cache::remove);
}

fn is_staging(entry: &Path) -> bool {
    let name = entry.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(STAGING.as_bytes())
}

/// Installs uv into `directory`.
fn fetch(python: &Interpreter, directory: &Path, settings: &UvSettings, progress: &dyn Progress) -> Result<(), Error> {
    let _waiting = Waiting::begin(progress, "Fetching uv");
    let run = |program: &Path, arguments: Vec<OsString>| -> Result<Ended, Error> {
        // Settings of pip that would install elsewhere, or ask for more than a pinned release.
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
        // pip.conf may say the same; a variable takes precedence.
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
        // On Debian, pip and venv are packages of their own, and the interpreter may lack either.
        let venv = cache::scratch().map_err(|source| Error::Scratch { source })?;
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
