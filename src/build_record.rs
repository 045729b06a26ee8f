//! The build record, `dist/image.json`: what one phase tells the next, so that `build` and `push` may run in different shells.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::dist::{self, Dist, IMAGE_JSON};
use crate::engine::BuiltImage;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::progress::Progress;
use crate::push::PushedImage;
use crate::reading::{self, SETTINGS_FILE};
use crate::requirements::RequirementList;

mod own;

pub use own::OwnRecords;

/// The content of `dist/image.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRecord {
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
    /// What is installed in the image, or was asked to be; absent before the push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirements: Option<RequirementList>,
}

/// Why the file was not written, or is not believed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `dist/` is another's by now: the file would claim that this image was built of it.
    #[error("{} was changed meanwhile, so the image is not noted in it", .directory.display())]
    Replaced {
        /// `dist/`.
        directory: PathBuf,
    },
    /// It could not be made sure that nobody changes `dist/`.
    #[error(transparent)]
    Dist(#[from] dist::Error),
    /// The file is there, and sgbuild did not write it, or not on this machine.
    #[error("{} is not what sgbuild last wrote there, so the image that it names is not trusted", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Write { source, .. } => Code::of_unwritten(source, Code::NotWritable),
            Self::Replaced { .. } => Code::ChangedMeanwhile,
            Self::Dist(error) => error.code(),
            Self::Foreign { .. } => Code::NothingPushed,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Dist(error) => error.advice(),
            Self::Write { .. } => {
                Fault::User.hint("Make dist/ writable and free some disk space, then run the command again.")
            }
            Self::Replaced { .. } => Fault::Temporary.hint("Run the command again."),
            Self::Foreign { .. } => Fault::User
                .hint(
                    "Run `sgbuild push` here: it sends only what the registry does not have, and starts the training.",
                )
                .and("If the file came with the checkout, take it out of git: git rm --cached dist/image.json"),
        }
    }
}

impl BuildRecord {
    /// What an earlier phase left for exactly this `dist`; `None` when there is nothing, it belongs to other contents, or sgbuild
    /// did not write it.
    #[must_use]
    pub fn read(dist: &Dist, own: &OwnRecords) -> Option<Self> {
        let record = Self::read_any(&dist.directory, own).ok()??;
        (record.built.context_digest == dist.context_digest).then_some(record)
    }

    /// What an earlier phase left in the directory `dist`, whatever it was built from.
    ///
    /// # Errors
    /// [`Error::Foreign`] where somebody else left something.
    pub fn read_any(dist: &Path, own: &OwnRecords) -> Result<Option<Self>, Error> {
        let path = dist.join(IMAGE_JSON);
        let bytes = match reading::bytes(&path, SETTINGS_FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(Error::Foreign { path }),
        };
        if !own.wrote(&path, &bytes) {
            return Err(Error::Foreign { path });
        }
        Ok(serde_json::from_slice(&bytes).ok())
    }

    /// Writes the file into the directory of `dist`, whole or not at all, if that still holds what the image was built of.
    ///
    /// # Errors
    /// The directory is gone, full, not writable, or another's by now.
    pub fn write(&self, dist: &Dist, own: &OwnRecords, progress: &dyn Progress) -> Result<(), Error> {
        let Some(_held) = dist.lock_unchanged(progress)? else {
            return Err(Error::Replaced {
                directory: dist.directory.clone(),
            });
        };
        let path = dist.directory.join(IMAGE_JSON);
        let written = || -> io::Result<Vec<u8>> {
            let mut bytes = serde_json::to_vec_pretty(self)?;
            bytes.push(b'\n');
            let mut file = tempfile::Builder::new()
                .prefix(dist::IMAGE_JSON_UNFINISHED)
                .permissions(readable())
                .tempfile_in(&dist.directory)?;
            file.write_all(&bytes)?;
            file.persist(&path)?;
            Ok(bytes)
        };
        let bytes = written().map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
        // Without the note the next phase does again what this one did.
        if let Err(error) = own.note(&path, &bytes) {
            progress.warn(&format!(
                "the next command will not trust {}, as it could not be noted that sgbuild wrote it: {error}",
                path.display()
            ));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o644)
}
