//! The list of what is in the image, beside what it was built of: it is no part of the build context, and of one image only.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::written::is_regular;
use super::{Dist, Error, IMAGE_JSON_UNFINISHED, SBOM};
use crate::progress::Progress;
use crate::reading::{self, ANSWER};

impl Dist {
    /// Puts the list there, whole or not at all; where there is none, an older one goes. Nothing is done where another sgbuild has
    /// replaced `dist/` meanwhile.
    ///
    /// # Errors
    /// A file of somebody else's has its name; the directory is full or not writable.
    pub fn put_sbom(&self, text: Option<&str>, progress: &dyn Progress) -> Result<(), Error> {
        let path = self.directory.join(SBOM);
        let is_there = fs::symlink_metadata(&path).is_ok();
        let is_right = match text {
            Some(text) => {
                is_there && is_regular(&path) && reading::text(&path, ANSWER).is_ok_and(|there| there == text)
            }
            None => !is_there,
        };
        if is_right {
            return Ok(());
        }
        let Some(_held) = self.lock_unchanged(progress)? else {
            return Ok(());
        };
        if is_there && !is_ours(&path) {
            // Whoever wants none of ours does not mind another's.
            return text.map_or(Ok(()), |_| Err(Error::NotOurs { paths: vec![path] }));
        }
        match text {
            Some(text) => write(&self.directory, &path, text).map_err(Error::io("write", &path)),
            None => fs::remove_file(&path).map_err(Error::io("remove", &path)),
        }
    }
}

fn write(directory: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(IMAGE_JSON_UNFINISHED)
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Whether the file is a list that sgbuild wrote, of whatever image: it names the tool that made it.
pub(super) fn is_ours(path: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Listed {
        metadata: Metadata,
    }
    #[derive(serde::Deserialize)]
    struct Metadata {
        tools: Tools,
    }
    #[derive(serde::Deserialize)]
    struct Tools {
        components: Vec<Tool>,
    }
    #[derive(serde::Deserialize)]
    struct Tool {
        name: String,
    }
    if !is_regular(path) {
        return false;
    }
    let bytes = reading::bytes(path, ANSWER).unwrap_or_default();
    let listed: Option<Listed> = serde_json::from_slice(&bytes).ok();
    listed.is_some_and(|listed| {
        listed
            .metadata
            .tools
            .components
            .iter()
            .any(|tool| tool.name == "sgbuild")
    })
}
