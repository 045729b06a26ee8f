//! Notes of what was found out, such as which wheels a set of requirements comes to: small, and never missed.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use super::{INCOMING, NOTES, Store, make, used};
use crate::oci::Digest;
use crate::reading::{self, ANSWER};

impl Store {
    /// The note of that kind under `key`, if there is one that is understood.
    pub(crate) fn note<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Option<T> {
        let path = self.note_path(kind, key);
        let (file, metadata) = reading::open_with(&path, OFlags::NOFOLLOW).ok()?;
        let mut bytes = Vec::new();
        file.take(ANSWER).read_to_end(&mut bytes).ok()?;
        used(&path, metadata.modified().ok());
        serde_json::from_slice(&bytes).ok()
    }

    /// Keeps a note of that kind under `key`. One that cannot be kept is found out again.
    pub(crate) fn keep_note<T: Serialize>(&self, kind: &str, key: &str, note: &T) {
        let path = self.note_path(kind, key);
        let write = || -> std::io::Result<()> {
            if let Some(directory) = path.parent() {
                make(directory)?;
            }
            let mut file = NamedTempFile::new_in(self.root.join(INCOMING))?;
            file.write_all(&serde_json::to_vec(note)?)?;
            file.persist(&path)?;
            Ok(())
        };
        let _ = write();
    }

    /// A file for what is not kept: it goes with the value, or with a later run where this one is killed.
    ///
    /// # Errors
    /// The cache takes no file.
    pub(in crate::engine::native) fn scratch(&self) -> std::io::Result<NamedTempFile> {
        NamedTempFile::new_in(self.root.join(INCOMING))
    }

    fn note_path(&self, kind: &str, key: &str) -> PathBuf {
        let digest = Digest::of(key.as_bytes());
        let name = format!("{}.json", super::hex_of(&digest));
        self.root.join(NOTES).join(kind).join(name)
    }
}
