//! Locks between runs of sgbuild. The kernel releases those of a run that was killed, unless its programs hold them too.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::{FdFlags, fcntl_setfd};

use crate::progress::{Cancelled, Progress, Waiting};

const POLL: Duration = Duration::from_millis(20);

/// What a lock is wanted for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    /// To use it, as others may meanwhile.
    Use,
    /// To change it, alone.
    Change,
}

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The user did not want to wait.
    Cancelled(Cancelled),
    /// The system refused.
    System(io::Error),
}

/// Waits for the lock that is the file `path`; it is held until the file is dropped.
pub(crate) fn lock(path: &Path, access: Access, progress: &dyn Progress) -> Result<File, Refused> {
    let mut waiting = None;
    loop {
        let file = open(path).map_err(Refused::System)?;
        let locked = match access {
            Access::Use => file.try_lock_shared(),
            Access::Change => file.try_lock(),
        };
        match locked {
            Ok(()) if is_same_file(&file, path) => return Ok(file),
            // The file was removed meanwhile, and another one may be there: try again.
            Ok(()) => {}
            Err(TryLockError::Error(source)) => return Err(Refused::System(source)),
            Err(TryLockError::WouldBlock) => {
                progress.check().map_err(Refused::Cancelled)?;
                let begin = || Waiting::begin(progress, "Waiting for another sgbuild that prepares the same");
                waiting.get_or_insert_with(begin);
                std::thread::sleep(POLL);
            }
        }
    }
}

/// The lock for changes, if nobody has it.
pub(crate) fn lock_if_free(path: &Path) -> Option<File> {
    open(path).ok().filter(|file| file.try_lock().is_ok())
}

/// The lock for changes on a new file `path`; `None` where there is one, or somebody was faster to lock it.
pub(super) fn lock_new(path: &Path) -> io::Result<Option<File>> {
    let file = match options().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        opened => opened?,
    };
    Ok((file.try_lock().is_ok() && is_same_file(&file, path)).then_some(file))
}

/// Programs that are started from now on hold the lock too: what they inherit is the same lock, which is free only when the last of
/// them has ended ([flock](https://man7.org/linux/man-pages/man2/flock.2.html)).
pub(super) fn let_children_hold(lock: &File) -> io::Result<()> {
    Ok(fcntl_setfd(lock, FdFlags::empty())?)
}

fn open(path: &Path) -> io::Result<File> {
    options().create(true).truncate(false).open(path)
}

/// How a lock's file is opened: made where it is missing, and never what a link leads to.
fn options() -> fs::OpenOptions {
    let mut options = File::options();
    let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
    options.write(true).mode(0o600).custom_flags(no_follow);
    options
}

/// Whether `path` still leads to `file`.
fn is_same_file(file: &File, path: &Path) -> bool {
    let inode = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => inode(ours) == inode(there),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn a_removed_lock_is_not_taken_for_the_one_that_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let old = lock(&path, Access::Change, &Silent).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!is_same_file(&old, &path));
        let new = lock(&path, Access::Use, &Silent).unwrap();
        assert!(is_same_file(&new, &path));
        assert!(lock_if_free(&path).is_none());
        drop(new);
        assert!(lock_if_free(&path).is_some());
    }

    #[test]
    fn a_link_is_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (directory.path().join("lock"), directory.path().join("elsewhere"));
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert!(matches!(lock(&path, Access::Change, &Silent), Err(Refused::System(_))));
        assert!(lock_if_free(&path).is_none());
        assert!(!elsewhere.exists());
    }
}
