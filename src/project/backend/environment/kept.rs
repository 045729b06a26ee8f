//! The environments kept in the cache directory: each made once, never used half-made, and not for ever.
//!
//! An environment is made where it stays, since it cannot be moved: in `<key>-<random>/`, which no other run ever works in. The last thing made
//! is the file [`READY`] in it; one without it is half-made, and removed when nobody can be writing in it any more. `<key>-<random>.lock` is
//! shared while it is used, exclusive while it is made or removed. `<key>.lock` lets one run at a time make one of that key.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cache::{self, Access, Refused, Staging};
use crate::progress::Progress;
use crate::project::Error;

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

/// Why there is no place with an environment.
#[derive(Debug)]
pub(super) enum NoPlace {
    /// It could not be made, or the user interrupted.
    Failed(Error),
    /// The cache directory cannot be used, and why; another directory may do.
    Unusable(String),
}

impl Kept {
    /// The one in sgbuild's cache directory, or why there can be none.
    pub(super) fn in_cache(cache: &Path) -> Result<Self, String> {
        let directory = cache::directory(cache, "build-environments")?;
        Ok(Self { directory })
    }

    /// The environment `key`; where there is none, `make` makes it in the empty directory it is given. Runs that want the same one wait
    /// for the first to make it.
    pub(super) fn place(
        &self,
        key: &str,
        progress: &dyn Progress,
        make: impl Fn(&Path) -> Result<(), Error>,
    ) -> Result<Place, NoPlace> {
        if let Some(place) = self.ready(key, progress)? {
            return Ok(place);
        }
        let _making = self.lock(&self.directory.join(format!("{key}.lock")), Access::Change, progress)?;
        if let Some(place) = self.ready(key, progress)? {
            return Ok(place);
        }
        cache::prune(&self.directory, is_ready, discard);
        let staging = Staging::new(&self.directory, &format!("{key}-")).map_err(|error| self.unusable(&error))?;
        make(staging.path()).map_err(|error| self.failed(error))?;
        let mark = || {
            File::create_new(staging.path().join(READY))?;
            staging.keep()
        };
        let (environment, lock) = mark().map_err(|error| self.unusable(&error))?;
        Ok(Place {
            environment,
            _lock: lock,
        })
    }

    /// One that is complete.
    fn ready(&self, key: &str, progress: &dyn Progress) -> Result<Option<Place>, NoPlace> {
        let entries = fs::read_dir(&self.directory).map_err(|error| self.unusable(&error))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let random = name.to_str().and_then(|name| name.strip_prefix(key)?.strip_prefix('-'));
            let environment = entry.path();
            if random.is_none() || !is_ready(&environment) {
                continue;
            }
            let lock = self.lock(&cache::lock_file(&environment), Access::Use, progress)?;
            // It may have been removed before it was locked.
            if is_ready(&environment) {
                return Ok(Some(Place {
                    environment,
                    _lock: lock,
                }));
            }
        }
        Ok(None)
    }

    fn lock(&self, file: &Path, access: Access, progress: &dyn Progress) -> Result<File, NoPlace> {
        cache::lock(file, access, progress).map_err(|refused| match refused {
            Refused::Cancelled(cancelled) => NoPlace::Failed(cancelled.into()),
            Refused::System(error) => self.unusable(&error),
        })
    }

    fn failed(&self, error: Error) -> NoPlace {
        if error.tells_of_full_disk() {
            return NoPlace::Unusable(format!("there is no room left in {}", self.directory.display()));
        }
        NoPlace::Failed(error)
    }

    fn unusable(&self, error: &io::Error) -> NoPlace {
        NoPlace::Unusable(format!("cannot use {}: {error}", self.directory.display()))
    }
}

/// Whether the environment is complete, this user's, not too old, and its interpreter still there.
fn is_ready(environment: &Path) -> bool {
    let now = SystemTime::now();
    // Of one that seems to be made later than now, nobody knows how old it is.
    let age = |made: SystemTime| now.duration_since(made).unwrap_or_else(|error| error.duration());
    let made = fs::symlink_metadata(environment.join(READY)).and_then(|ready| ready.modified());
    made.is_ok_and(|made| age(made) < LIFETIME)
        && cache::is_own(environment)
        && environment.join("bin/python").is_file()
}

/// Removes an environment. From the first moment on it is not ready, whatever else is left of it where this run is killed.
fn discard(environment: &Path) -> io::Result<()> {
    if cache::is_own(environment) {
        match fs::remove_file(environment.join(READY)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    cache::remove(environment)
}

#[cfg(test)]
mod tests;
