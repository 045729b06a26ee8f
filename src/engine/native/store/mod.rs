//! The store of wheels: each file once, by its digest, in sgbuild's own part of the user's cache; and notes of what was found out.
//!
//! ```text
//! content/ab/<hex>-<bytes>    a file, complete: it gets its name when its digest is verified
//! notes/<kind>/<hex>.json     what was found out, by what it depends on
//! incoming/                   what is being written
//! lock                        shared by the runs that use the store, and held by the one that removes something
//! ```
//!
//! Getting files is in fetch.rs, and download.rs for one of them; sites.rs says who one is to which host. What is removed when there is
//! too much, and what there is, is in usage.rs.

mod download;
mod error;
mod fetch;
mod notes;
mod sites;
mod usage;

pub(crate) use error::Error;
pub(in crate::engine::native) use fetch::is_wheel;
pub(crate) use sites::Sites;
pub(crate) use usage::{Kind, Usage, clear};

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use crate::cache::{self, Access, Refused, Staging};
use crate::oci::Digest;
use crate::progress::Progress;
use crate::reading;

/// The store's directory in sgbuild's part of the cache.
const NAME: &str = "wheels";
const CONTENT: &str = "content";
const INCOMING: &str = "incoming";
const NOTES: &str = "notes";
const LOCK: &str = "lock";
/// How many files are fetched at once.
const AT_ONCE: usize = 8;
/// A use is noted once in so long: that is exact enough to tell which was used last.
const USED_LATELY: Duration = Duration::from_hours(1);
/// Read, and hashed, at once.
const PIECE: usize = 1 << 16;

/// See the module.
pub(crate) struct Store {
    root: PathBuf,
    /// In bytes.
    limit: u64,
    permits: Semaphore,
    /// By how many bytes, in this run.
    grown: AtomicU64,
    /// Nothing is removed while it is held.
    lock: Option<File>,
    /// Holds it where the cache directory cannot.
    _scratch: Option<Staging>,
}

/// A wheel in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wheel {
    /// In its normal form.
    pub(crate) name: String,
    /// See `name`.
    pub(crate) version: String,
    /// Its own, which the store does not keep it under.
    pub(crate) file_name: String,
    /// SHA-256.
    pub(crate) digest: Digest,
    /// Bytes.
    pub(crate) size: u64,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Whether the requirements name it themselves.
    pub(crate) requested: bool,
}

/// A file in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) path: PathBuf,
}

impl Store {
    /// The store in `cache_dir`, of at most `limit` bytes. Where that directory cannot be used, one for this run.
    ///
    /// # Errors
    /// There is no place for it at all; the user interrupted while another run removed something.
    pub(crate) fn open(cache_dir: &Path, limit: u64, progress: &dyn Progress) -> Result<Self, Error> {
        let root = match cache::directory(cache_dir, NAME) {
            Ok(root) => root,
            Err(reason) => return Self::for_this_run(limit, &reason, progress),
        };
        let lock = match cache::lock(&root.join(LOCK), Access::Use, progress) {
            Ok(lock) => lock,
            Err(Refused::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(Refused::System(error)) => return Self::for_this_run(limit, &error.to_string(), progress),
        };
        match prepare(&root) {
            Ok(()) => Ok(Self::at(root, limit, Some(lock), None)),
            Err(error) => Self::for_this_run(limit, &error.to_string(), progress),
        }
    }

    fn for_this_run(limit: u64, reason: &str, progress: &dyn Progress) -> Result<Self, Error> {
        progress.detail(&format!("Wheels are kept for this run only: {reason}"));
        let scratch = cache::scratch().map_err(Error::Scratch)?;
        let root = scratch.path().to_owned();
        prepare(&root).map_err(Error::Scratch)?;
        Ok(Self::at(root, limit, None, Some(scratch)))
    }

    fn at(root: PathBuf, limit: u64, lock: Option<File>, scratch: Option<Staging>) -> Self {
        Self {
            root,
            limit,
            permits: Semaphore::new(AT_ONCE),
            grown: AtomicU64::new(0),
            lock,
            _scratch: scratch,
        }
    }

    /// The file with that digest. One that was cut off since, as by a machine that lost its power, is removed.
    pub(crate) fn get(&self, digest: &Digest) -> Option<PathBuf> {
        self.find(digest).map(|stored| stored.path)
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<Stored> {
        let hex = hex_of(digest);
        let begin = format!("{hex}-");
        for entry in fs::read_dir(self.shard(hex)).ok()?.flatten() {
            let name = entry.file_name();
            let Some(size) = name.to_str().and_then(|name| name.strip_prefix(&begin)) else {
                continue;
            };
            let path = entry.path();
            let found = fs::symlink_metadata(&path).ok()?;
            let size: u64 = size.parse().ok()?;
            if found.is_file() && found.len() == size {
                used(&path, found.modified().ok());
                return Some(Stored {
                    digest: digest.clone(),
                    size,
                    path,
                });
            }
            // What cannot be removed is found again, and not used again.
            let _ = fs::remove_file(&path);
        }
        None
    }

    /// Takes a file out: whoever read it found that it is not what its digest says.
    pub(crate) fn discard(&self, digest: &Digest) {
        if let Some(path) = self.get(digest) {
            // What is still there is found out again.
            let _ = fs::remove_file(path);
        }
    }

    /// Keeps a copy of the wheel `file`, such as the user's own in `dist/`.
    ///
    /// # Errors
    /// It cannot be read or kept; its name is no wheel's.
    pub(crate) fn put(&self, file: &Path, requested: bool) -> Result<Wheel, Error> {
        let file_name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut parts = file_name.strip_suffix(".whl").unwrap_or_default().split('-');
        let (Some(name), Some(version)) = (parts.next(), parts.next()) else {
            return Err(Error::NoWheel { file: file.to_owned() });
        };
        let (name, version) = (normal(name), version.replace('_', "-"));
        let stored = self.copy(file)?;
        Ok(Wheel {
            name,
            version,
            file_name,
            digest: stored.digest,
            size: stored.size,
            path: stored.path,
            requested,
        })
    }

    /// Keeps a copy of `file`.
    ///
    /// # Errors
    /// It cannot be read or kept.
    pub(in crate::engine::native) fn copy(&self, file: &Path) -> Result<Stored, Error> {
        let read = |source| Error::Read {
            file: file.to_owned(),
            source,
        };
        let (mut from, _) = reading::open(file).map_err(read)?;
        let mut incoming = self.incoming()?;
        let mut hasher = Sha256::new();
        let (mut size, mut piece) = (0, vec![0; PIECE]);
        loop {
            let length = match io::Read::read(&mut from, &mut piece) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(read(error)),
            };
            hasher.update(&piece[..length]);
            io::Write::write_all(&mut incoming, &piece[..length]).map_err(|source| self.unwritten(source))?;
            size += length as u64;
        }
        self.keep(incoming, Digest::of_sha256(&hasher.finalize()), size)
    }

    /// A new file, in which something arrives.
    fn incoming(&self) -> Result<NamedTempFile, Error> {
        let made = NamedTempFile::new_in(self.root.join(INCOMING));
        made.map_err(|source| self.unwritten(source))
    }

    /// Gives what has arrived its name.
    fn keep(&self, incoming: NamedTempFile, digest: Digest, size: u64) -> Result<Stored, Error> {
        if let Some(there) = self.find(&digest) {
            return Ok(there);
        }
        let hex = hex_of(&digest);
        let shard = self.shard(hex);
        make(&shard).map_err(|source| self.unwritten(source))?;
        let path = shard.join(format!("{hex}-{size}"));
        incoming.persist(&path).map_err(|failed| self.unwritten(failed.error))?;
        self.grown.fetch_add(size, Ordering::Relaxed);
        Ok(Stored { digest, size, path })
    }

    fn shard(&self, hex: &str) -> PathBuf {
        self.root.join(CONTENT).join(hex.get(..2).unwrap_or("__"))
    }

    fn unwritten(&self, source: io::Error) -> Error {
        Error::Write {
            store: self.root.clone(),
            source,
        }
    }
}

impl Drop for Store {
    /// Another run would find more than there may be.
    fn drop(&mut self) {
        let grown = self.grown.load(Ordering::Relaxed);
        if grown > 0 && self.lock.take().is_some() {
            self.settle(grown);
        }
    }
}

fn prepare(root: &Path) -> io::Result<()> {
    [CONTENT, INCOMING, NOTES]
        .iter()
        .try_for_each(|name| make(&root.join(name)))
}

/// Where the store is in sgbuild's own directory of the cache.
pub(crate) fn directory(cache_dir: &Path) -> PathBuf {
    cache_dir.join(NAME)
}

/// Makes a directory of the store's, if it is missing.
fn make(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Notes that a file was used, so that it goes later than others.
fn used(path: &Path, before: Option<SystemTime>) {
    let lately = before.and_then(|before| before.elapsed().ok());
    if lately.is_some_and(|ago| ago < USED_LATELY) {
        return;
    }
    if let Ok((file, _)) = reading::open_with(path, OFlags::NOFOLLOW) {
        // Of one that cannot be noted, it is only forgotten sooner.
        let _ = file.set_modified(SystemTime::now());
    }
}

fn hex_of(digest: &Digest) -> &str {
    digest.as_str().split_once(':').map_or("", |(_, hex)| hex)
}

/// A wheel's name in its normal form (<https://packaging.python.org/en/latest/specifications/name-normalization/>).
fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests;
