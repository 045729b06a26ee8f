//! `dist/image.json`: what one phase tells the next, so that `build` and `push` may run in different shells.

#[cfg(unix)]
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::dist::{Dist, IMAGE_JSON};
use crate::engine::BuiltImage;
use crate::fault::Fault;
use crate::push::PushedImage;
use crate::reading::{self, SETTINGS_FILE};

/// The content of `dist/image.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// What the image was built from.
    pub source: Source,
    /// The image as the engine holds it.
    pub built: BuiltImage,
    /// The image as the registry confirmed it; absent before the push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<PushedImage>,
}

/// What an image was built from: the training's record names it, whatever the checkout holds by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The package's name.
    pub package: String,
    /// The package's version.
    pub version: String,
    /// The commit, ending in `-dirty` where the tree differed from it; absent where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// Why the file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", .path.display())]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        vec!["Make dist/ writable and free some disk space, then run the command again.".to_owned()]
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::User
    }
}

impl Handover {
    /// What an earlier phase left for exactly this `dist`; `None` when there is nothing, or it belongs to other contents.
    #[must_use]
    pub fn read(dist: &Dist) -> Option<Self> {
        let handover = Self::read_any(&dist.directory)?;
        (handover.built.context_digest == dist.context_digest).then_some(handover)
    }

    /// What an earlier phase left in the directory `dist`, whatever it was built from.
    #[must_use]
    pub fn read_any(dist: &Path) -> Option<Self> {
        serde_json::from_slice(&reading::bytes(&dist.join(IMAGE_JSON), SETTINGS_FILE).ok()?).ok()
    }

    /// Writes the file into the directory `dist`, whole or not at all.
    ///
    /// # Errors
    /// The directory is gone, full, or not writable.
    pub fn write(&self, dist: &Path) -> Result<(), Error> {
        let path = dist.join(IMAGE_JSON);
        let written = || -> io::Result<()> {
            let mut file = tempfile::Builder::new()
                .prefix(".image-")
                .permissions(readable())
                .tempfile_in(dist)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.persist(&path)?;
            Ok(())
        };
        written().map_err(|source| Error {
            path: path.clone(),
            source,
        })
    }
}

#[cfg(unix)]
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o644)
}
