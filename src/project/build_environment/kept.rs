//! The environments kept in the cache directory: each made once, never used half-made, and not for ever.
//!
//! `<key>/` is an environment and `<key>.lock` its lock: shared while it is used, exclusive while it is made or removed. The kernel
//! releases the lock of a run that was killed. The last thing made is the file [`READY`]; an environment without it is half-made.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::error::Error;
use super::super::pep517::workspace;
use crate::cache::{self, Access, Refused, remove};
use crate::progress::Progress;

/// Written when the environment is complete.
const READY: &str = "sgbuild-ready";
/// The age at which an environment is made anew, with what its requirements allow by then.
const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// The directory with the environments.
pub(super) struct Kept {
    directory: PathBuf,
}

/// An environment that is complete, and stays while this lives.
pub(super) struct Place {
    environment: PathBuf,
    _lock: File,
}

impl Place {
    pub(super) fn environment(&self) -> &Path {
        &self.environment
    }
}

impl Kept {
    /// The one in sgbuild's cache directory, or why there can be none.
    pub(super) fn in_cache(cache: &Path) -> Result<Self, String> {
        let directory = cache::directory(cache, "build-environments")?;
        Ok(Self { directory })
    }

    /// The environment `key`; where there is none, `make` makes it in the directory it is given. Runs that want the same one wait
    /// for the first to make it.
    pub(super) fn place(
        &self,
        key: &str,
        progress: &dyn Progress,
        make: impl Fn(&Path) -> Result<(), Error>,
    ) -> Result<Place, Error> {
        let environment = self.directory.join(key);
        loop {
            let lock = self.lock(key, Access::Use, progress)?;
            if is_ready(&environment) {
                return Ok(Place {
                    environment,
                    _lock: lock,
                });
            }
            drop(lock);
            let _lock = self.lock(key, Access::Change, progress)?;
            if !is_ready(&environment) {
                remove(&environment).map_err(workspace(&environment))?;
                self.prune();
                make(&environment).inspect_err(|_| {
                    // What stays is half-made, which the next run sees.
                    let _ = remove(&environment);
                })?;
                let ready = environment.join(READY);
                fs::write(&ready, "").map_err(workspace(&ready))?;
            }
        }
    }

    /// Removes what was made too long ago, or not to its end, unless it is in use.
    fn prune(&self) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let key = name.strip_suffix(".lock").unwrap_or(&name);
            let (environment, lock_file) = (self.directory.join(key), self.lock_file(key));
            // What cannot be removed now is met again.
            if !is_ready(&environment)
                && let Some(_lock) = cache::lock_if_free(&lock_file)
                && remove(&environment).is_ok()
            {
                let _ = fs::remove_file(lock_file);
            }
        }
    }

    fn lock_file(&self, key: &str) -> PathBuf {
        self.directory.join(format!("{key}.lock"))
    }

    fn lock(&self, key: &str, access: Access, progress: &dyn Progress) -> Result<File, Error> {
        let path = self.lock_file(key);
        cache::lock(&path, access, progress).map_err(|refused| match refused {
            Refused::Interrupted => Error::Interrupted,
            Refused::System(source) => workspace(&path)(source),
        })
    }
}

/// Whether the environment is complete, not too old, and its interpreter still there.
fn is_ready(environment: &Path) -> bool {
    let made = fs::metadata(environment.join(READY)).and_then(|ready| ready.modified());
    let age = made.map(|made| SystemTime::now().duration_since(made).unwrap_or_default());
    age.is_ok_and(|age| age < LIFETIME) && environment.join("bin/python").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// As good as an environment to what keeps it.
    fn made(directory: &Path) -> Result<(), Error> {
        fs::create_dir_all(directory.join("bin"))
            .and_then(|()| fs::write(directory.join("bin/python"), ""))
            .map_err(workspace(directory))
    }

    fn kept(cache: &Path) -> Kept {
        Kept::in_cache(cache).unwrap()
    }

    #[test]
    fn runs_at_the_same_time_make_it_once() {
        let cache = tempfile::tempdir().unwrap();
        let times = AtomicUsize::new(0);
        let make = |directory: &Path| {
            times.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(100));
            made(directory)
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| kept(cache.path()).place("k", &Silent, make).map(|_| ()).unwrap());
            }
        });
        assert_eq!(times.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn one_that_is_half_made_old_or_without_its_interpreter_is_made_anew() {
        let cache = tempfile::tempdir().unwrap();
        let times = AtomicUsize::new(0);
        let make = |directory: &Path| {
            times.fetch_add(1, Ordering::SeqCst);
            assert!(!directory.exists());
            made(directory)
        };
        let place = || {
            kept(cache.path())
                .place("k", &Silent, make)
                .unwrap()
                .environment()
                .to_owned()
        };
        let half = cache.path().join("build-environments/k/lib");
        fs::create_dir_all(half).unwrap();
        let environment = place();
        assert_eq!(environment, place());
        assert_eq!(times.load(Ordering::SeqCst), 1);
        let python = environment.join("bin/python");
        fs::remove_file(&python).unwrap();
        std::os::unix::fs::symlink("/no/such/python3", &python).unwrap();
        place();
        assert_eq!(times.load(Ordering::SeqCst), 2);
        let ready = File::options().write(true).open(environment.join(READY)).unwrap();
        ready.set_modified(SystemTime::now() - LIFETIME).unwrap();
        place();
        assert_eq!(times.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn the_old_are_pruned_unless_they_are_used() {
        let cache = tempfile::tempdir().unwrap();
        let kept = kept(cache.path());
        let age = |place: &Place| {
            let ready = File::options()
                .write(true)
                .open(place.environment().join(READY))
                .unwrap();
            ready.set_modified(SystemTime::now() - LIFETIME).unwrap();
        };
        let (used, unused) = (
            kept.place("used", &Silent, made).unwrap(),
            kept.place("unused", &Silent, made).unwrap(),
        );
        age(&used);
        age(&unused);
        drop(unused);
        kept.place("new", &Silent, made).unwrap();
        let mut left: Vec<_> = fs::read_dir(&kept.directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["new", "new.lock", "used", "used.lock"]);
    }
}
