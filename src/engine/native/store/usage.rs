//! What is in the store, and what goes where there is too much: what was used least lately.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{CONTENT, Error, INCOMING, LOCK, NOTES, Store, directory};
use crate::cache::{self, Access, Refused};
use crate::progress::Progress;

/// Of the notes: how much there is.
const COUNTED: &str = "counted";
/// After so long all is counted again.
const COUNTED_LATELY: Duration = Duration::from_hours(24);

/// Something in the store.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    pub(crate) used: SystemTime,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A wheel, or what one is built of.
    File,
    /// A note, and of what.
    Note(String),
}

/// What is in a store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    pub(crate) entries: Vec<Entry>,
}

impl Usage {
    /// Of the store in `cache_dir`; empty where there is none.
    pub(crate) fn of(cache_dir: &Path) -> Self {
        Self::at(&directory(cache_dir))
    }

    fn at(root: &Path) -> Self {
        let mut usage = Self::default();
        for shard in directories(&root.join(CONTENT)) {
            usage.add(&shard, &Kind::File);
        }
        for kind in directories(&root.join(NOTES)) {
            let name = kind.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name == COUNTED {
                continue;
            }
            usage.add(&kind, &Kind::Note(name));
        }
        usage
    }

    /// Bytes in all.
    pub(crate) fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    fn add(&mut self, directory: &Path, kind: &Kind) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            self.entries.push(Entry {
                path: entry.path(),
                kind: kind.clone(),
                size: metadata.len(),
                used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            });
        }
    }
}

fn directories(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.map(|entry| entry.path()).collect()
}

/// What was in the store when it was counted, and came to it since.
#[derive(Serialize, Deserialize)]
struct Counted {
    size: u64,
    at: SystemTime,
}

impl Store {
    /// Sees to it that no more is kept than may be, where `grown` bytes came to it. To count everything takes longer than a small push,
    /// so it is done once in a while, and what came since is added: notes, and what runs add at the same time, wait for the next count.
    pub(super) fn settle(&self, grown: u64) {
        let is_fresh = |counted: &Counted| counted.at.elapsed().is_ok_and(|ago| ago < COUNTED_LATELY);
        let known = self.note::<Counted>(COUNTED, "").filter(is_fresh);
        let counted = known.map(|Counted { size, at }| Counted {
            size: size.saturating_add(grown),
            at,
        });
        let counted = counted.filter(|counted| counted.size <= self.limit).or_else(|| {
            let size = shrink(&self.root, self.limit)?;
            let at = SystemTime::now();
            Some(Counted { size, at })
        });
        if let Some(counted) = counted {
            self.keep_note(COUNTED, "", &counted);
        }
    }
}

/// Removes what killed runs left, and what was used least lately, until no more than `limit` bytes are there. Another run that uses the
/// store will do it at its end. How much is left, where nobody else uses it.
fn shrink(root: &Path, limit: u64) -> Option<u64> {
    let _lock = cache::lock_if_free(&root.join(LOCK))?;
    remove_incoming(root);
    let mut usage = Usage::at(root);
    let mut size = usage.size();
    usage.entries.sort_by_key(|entry| entry.used);
    for entry in usage.entries {
        if size <= limit {
            break;
        }
        if fs::remove_file(&entry.path).is_ok() {
            size -= entry.size;
        }
    }
    Some(size)
}

fn remove_incoming(root: &Path) {
    for entry in fs::read_dir(root.join(INCOMING)).into_iter().flatten().flatten() {
        // What cannot be removed now is removed by a later run.
        let _ = fs::remove_file(entry.path());
    }
}

/// Removes everything from the store in `cache_dir`, when no other run uses it any more: how much it was.
///
/// # Errors
/// Something cannot be removed; the user interrupted.
pub(crate) fn clear(cache_dir: &Path, progress: &dyn Progress) -> Result<Usage, Error> {
    let root = directory(cache_dir);
    if !root.is_dir() {
        return Ok(Usage::default());
    }
    let lock = cache::lock(&root.join(LOCK), Access::Change, progress);
    let unwritten = |source| Error::Write {
        store: root.clone(),
        source,
    };
    let _lock = lock.map_err(|refused| match refused {
        Refused::Cancelled(cancelled) => cancelled.into(),
        Refused::System(source) => unwritten(source),
    })?;
    let usage = Usage::at(&root);
    for name in [CONTENT, INCOMING, NOTES] {
        cache::remove(&root.join(name)).map_err(unwritten)?;
    }
    Ok(usage)
}
