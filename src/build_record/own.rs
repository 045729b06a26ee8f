//! Which build records are this user's own. A record lies in the checkout, where whoever contributes to it can put one of theirs:
//! what sgbuild wrote is therefore noted outside of it, in the user's cache.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::cache;
use crate::hex::hex;

/// Where it is noted what sgbuild wrote: a file by record, named by the record's path, with the digest of its content.
#[derive(Debug, Clone)]
pub struct OwnRecords {
    cache: PathBuf,
}

impl OwnRecords {
    /// Those of the user whose cache directory this is.
    #[must_use]
    pub fn of(cache: PathBuf) -> Self {
        Self { cache }
    }

    /// Whether sgbuild wrote these bytes to `record`, and nothing else since.
    pub(super) fn wrote(&self, record: &Path, bytes: &[u8]) -> bool {
        let noted = self.note_of(record).and_then(fs::read_to_string);
        noted.is_ok_and(|noted| noted == digest(bytes))
    }

    /// Notes that these bytes are sgbuild's.
    pub(super) fn note(&self, record: &Path, bytes: &[u8]) -> io::Result<()> {
        let note = self.note_of(record)?;
        let directory = note.parent().unwrap_or(&note);
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(digest(bytes).as_bytes())?;
        file.persist(note)?;
        Ok(())
    }

    fn note_of(&self, record: &Path) -> io::Result<PathBuf> {
        let directory = cache::directory(&self.cache, "records").map_err(io::Error::other)?;
        // By its directory, as the record itself may be a link that the checkout brought.
        let parent = fs::canonicalize(record.parent().unwrap_or(record))?;
        Ok(directory.join(hex(&Sha256::digest(parent.as_os_str().as_encoded_bytes()))))
    }
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
