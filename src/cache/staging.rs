//! A directory while it is made.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::lock::{let_children_hold, lock_if_free, lock_new};
use super::{private, remove};

/// How many digits a name ends in.
const RANDOM: usize = 8;

/// A new directory, under a name that no other run has or will have; removed when it is dropped, unless it is kept.
///
/// `<name>.lock` beside it is locked while anybody may write in it: this run, and the programs that it starts meanwhile, which may go on
/// after a run that was killed. [`prune`] removes what is left then.
#[derive(Debug)]
pub(crate) struct Staging {
    directory: PathBuf,
    lock_file: PathBuf,
    lock: File,
    kept: bool,
}

impl Staging {
    /// A new one in `parent`, with a name that begins with `prefix`.
    pub(crate) fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        loop {
            let random = uuid::Uuid::new_v4().as_fields().0;
            let directory = parent.join(format!("{prefix}{random:08x}"));
            let lock_file = lock_file(&directory);
            let Some(lock) = lock_new(&lock_file)? else { continue };
            let staging = Self {
                directory,
                lock_file,
                lock,
                kept: false,
            };
            let_children_hold(&staging.lock)?;
            private().create(&staging.directory)?;
            return Ok(staging);
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.directory
    }

    /// Keeps it: gives its path, and its lock, which lets others use it too.
    pub(crate) fn keep(mut self) -> io::Result<(PathBuf, File)> {
        // Another run that prunes may hold it for a moment.
        self.lock.lock_shared()?;
        // A copy of the lock that programs started from now on do not inherit.
        let lock = self.lock.try_clone()?;
        self.kept = true;
        Ok((self.directory.clone(), lock))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now is removed by a later run.
            let _ = remove(&self.directory);
            let _ = fs::remove_file(&self.lock_file);
        }
    }
}

/// Removes from `parent`, which others use too, what was left of those that [`Staging::new`] made there with `prefix`.
///
/// They are known by their names and their locks: what merely has such a name is somebody else's.
pub(crate) fn prune_named(parent: &Path, prefix: &str) {
    let is_left = |directory: &Path| {
        let random = directory
            .file_name()
            .and_then(|name| name.to_str()?.strip_prefix(prefix));
        random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
            && lock_file(directory).is_file()
    };
    prune(parent, |directory| !is_left(directory), remove);
}

/// The lock of a directory, beside it.
pub(crate) fn lock_file(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Removes from `parent` what nobody is making or using, unless it `is_wanted`.
pub(crate) fn prune(parent: &Path, is_wanted: impl Fn(&Path) -> bool, remove: impl Fn(&Path) -> io::Result<()>) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let directory = parent.join(name.strip_suffix(".lock").unwrap_or(&name));
        let lock_file = lock_file(&directory);
        // Asked again under the lock: it may have been completed meanwhile. What cannot be removed now is removed by a later run.
        if !is_wanted(&directory)
            && let Some(_lock) = lock_if_free(&lock_file)
            && !is_wanted(&directory)
            && remove(&directory).is_ok()
        {
            let _ = fs::remove_file(lock_file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn one_that_is_not_kept_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let staging = Staging::new(parent.path(), "a-").unwrap();
        assert!(staging.path().is_dir());
        drop(staging);
        assert_eq!(names(parent.path()), Vec::<String>::new());
    }

    #[test]
    fn one_that_is_kept_is_pruned_when_it_is_neither_used_nor_wanted() {
        let parent = tempfile::tempdir().unwrap();
        let prune = |wanted| prune(parent.path(), |_| wanted, super::remove);
        let (path, lock) = Staging::new(parent.path(), "a-").unwrap().keep().unwrap();
        prune(false);
        assert!(path.is_dir());
        drop(lock);
        prune(true);
        assert!(path.is_dir());
        prune(false);
        assert_eq!(names(parent.path()), Vec::<String>::new());
    }

    /// As after a kill: the run is gone, and what it started writes on.
    #[test]
    fn it_is_not_pruned_while_a_program_may_write_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let prune = || prune(parent.path(), |_| false, super::remove);
        let mut staging = Staging::new(parent.path(), "a-").unwrap();
        let path = staging.path().to_owned();
        let mut writer = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        // A killed run removes nothing.
        staging.kept = true;
        drop(staging);
        prune();
        assert!(path.is_dir());
        drop(writer.stdin.take());
        writer.wait().unwrap();
        prune();
        assert_eq!(names(parent.path()), Vec::<String>::new());
    }
}
