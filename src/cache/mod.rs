//! Directories of sgbuild's own: those in the user's cache, with programs in them that are run later, and those for one run.
//!
//! Nobody but this user and root can write in them or lead their paths elsewhere ([`trust`]). What is made in the cache is made
//! under a name of its own ([`Staging`]), so a run that was killed, and the programs that it left behind, are in nobody's way.

mod lock;
mod staging;
mod trust;

pub(crate) use lock::{Access, Refused, lock, lock_if_free};
pub(crate) use staging::{Staging, lock_file, prune, prune_named};
pub(crate) use trust::{check, is_own};

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use rustix::fs::access;

/// What the names of directories for one run begin with.
const SCRATCH: &str = "sgbuild-run-";
/// The system's words for a full disk, as Python and uv write them.
const FULL: [&str; 2] = ["No space left on device", "quota exceeded"];

/// The directory `name` in sgbuild's own directory `cache`, made where it is missing; or why it cannot be used.
///
/// Without a home directory the cache is in `/tmp`, where others could have put theirs.
pub(crate) fn directory(cache: &Path, name: &str) -> Result<PathBuf, String> {
    let directory = cache.join(name);
    let unusable = |reason: &str| format!("cannot use {}: {reason}", directory.display());
    let system = |error: io::Error| unusable(&error.to_string());
    let untrusted = |found: trust::Untrusted| unusable(&found.reason(&directory));
    if let Some(base) = cache.parent() {
        // Checked before anything is made, for links of others; and after, as others may have been faster.
        check(base).map_err(untrusted)?;
        private().recursive(true).create(base).map_err(system)?;
        check(base).map_err(untrusted)?;
    }
    for level in [cache, &directory] {
        match private().create(level) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(system(error)),
            _ => trust::own(level).map_err(untrusted)?,
        }
    }
    access(&directory, rustix::fs::Access::WRITE_OK).map_err(|error| system(error.into()))?;
    Ok(directory)
}

/// A directory for this run, in the directory for temporary files; it is removed when it is dropped, and by a later run where this one is
/// killed.
///
/// # Errors
/// What the system says; and that others could put another directory in its place.
pub(crate) fn scratch() -> io::Result<Staging> {
    static PRUNED: Once = Once::new();
    let shared = std::path::absolute(std::env::temp_dir())?;
    check(&shared).map_err(|found| io::Error::new(io::ErrorKind::PermissionDenied, found.reason(&shared)))?;
    PRUNED.call_once(|| prune_named(&shared, SCRATCH));
    Staging::new(&shared, SCRATCH)
}

/// Whether a program's log tells that a disk is full.
pub(crate) fn tells_of_full_disk(log: &str) -> bool {
    FULL.iter().any(|words| log.contains(words))
}

/// Whether an error is that a disk is full.
pub(crate) fn is_full_disk(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    [StorageFull, QuotaExceeded].contains(&error.kind())
}

/// Removes a directory, if it is there; a link is removed itself.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(test)]
mod tests;
