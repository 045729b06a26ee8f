//! What was read of base images, by digest: so that a layer is read once, and an image that was read before is there at once.
//!
//! In sgbuild's cache, `bases/`: `listing-<digest>` are layers' listings, `image-<digest>` are bases, `name-<digest>` which image a name had. A file
//! is put in place by one rename, and one that is not as it was written is as good as none.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::listing::Listing;
use super::python::Python;
use super::tree::Tree;
use super::{Base, BaseLayer};
use crate::oci::{Digest, Platform, Reference};
use crate::progress::Progress;
use crate::{cache, reading};

/// Changes with what is written, so that another version of sgbuild reads anew.
const VERSION: &str = "4";
/// The largest file that is read back.
const LARGEST: u64 = 1 << 30;
const HASH: usize = 32;
/// So long something is kept.
const OLD: Duration = Duration::from_hours(90 * 24);

/// The cache of base images; where there is none, nothing is kept.
pub(super) struct Cache<'a> {
    directory: Option<PathBuf>,
    progress: &'a dyn Progress,
    /// Whether a base was put into it.
    was_filled: AtomicBool,
}

/// A base without its paths, which have a form of their own.
#[derive(Serialize, Deserialize)]
struct Head {
    manifest_digest: Digest,
    config: Value,
    layers: Vec<BaseLayer>,
    python: Python,
}

impl<'a> Cache<'a> {
    pub(super) fn of(cache_dir: &Path, progress: &'a dyn Progress) -> Self {
        let directory = match cache::directory(cache_dir, "bases") {
            Ok(directory) => Some(directory),
            Err(reason) => {
                progress.warn(&format!("What is read of the base image is not kept: {reason}"));
                None
            }
        };
        Self {
            directory,
            progress,
            was_filled: AtomicBool::new(false),
        }
    }

    /// Whether something was read that was not in it.
    pub(super) fn was_filled(&self) -> bool {
        self.was_filled.load(Ordering::Relaxed)
    }

    /// Which image a name had for a platform when it was asked last.
    pub(super) fn tagged(&self, reference: &Reference, platform: &Platform) -> Option<Digest> {
        let bytes = self.load(&name_of(reference, platform))?;
        std::str::from_utf8(&bytes).ok()?.parse().ok()
    }

    pub(super) fn keep_tag(&self, reference: &Reference, platform: &Platform, digest: &Digest) {
        self.keep(&name_of(reference, platform), digest.as_str().as_bytes());
    }

    /// A base that was read before: by the digest of its manifest, or of what it is known by where it has none.
    pub(super) fn base(&self, key: &Digest) -> Option<Base> {
        let bytes = self.load(&file_of("image", key))?;
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (head, tree) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let head: Head = serde_json::from_slice(head).ok()?;
        Some(Base {
            manifest_digest: head.manifest_digest,
            config: head.config,
            layers: head.layers,
            tree: Tree::from_bytes(tree)?,
            python: head.python,
        })
    }

    /// Keeps a base, and gives up those that were read long ago.
    pub(super) fn keep_base(&self, key: &Digest, base: &Base) {
        self.was_filled.store(true, Ordering::Relaxed);
        self.prune();
        let head = Head {
            manifest_digest: base.manifest_digest.clone(),
            config: base.config.clone(),
            layers: base.layers.clone(),
            python: base.python.clone(),
        };
        let Ok(head) = serde_json::to_vec(&head) else { return };
        let length = (head.len() as u64).to_le_bytes();
        let bytes = [&length[..], &head, &base.tree.to_bytes()].concat();
        self.keep(&file_of("image", key), &bytes);
    }

    /// What a layer holds, by its digest as its source has it.
    pub(super) fn listing(&self, layer: &Digest) -> Option<Listing> {
        let bytes = self.load(&file_of("listing", layer))?;
        let mut text = Vec::new();
        GzDecoder::new(&bytes[..]).take(LARGEST).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) fn keep_listing(&self, layer: &Digest, listing: &Listing) {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let written = serde_json::to_writer(&mut packed, listing).is_ok();
        if let Ok(bytes) = packed.finish()
            && written
        {
            self.keep(&file_of("listing", layer), &bytes);
        }
    }

    /// Removes what was written long ago. Whatever is still used is read and written anew then.
    fn prune(&self) {
        let entries = self
            .directory
            .iter()
            .filter_map(|directory| fs::read_dir(directory).ok());
        for entry in entries.flatten().flatten() {
            if entry.metadata().is_ok_and(|metadata| is_old(&metadata)) {
                // What cannot be removed now is removed by a later run.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The bytes of a file that is as it was written.
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.directory.as_ref()?.join(name);
        let (file, _) = reading::open_with(&path, rustix::fs::OFlags::NOFOLLOW).ok()?;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let content = bytes.split_off(HASH.min(bytes.len()));
        (Sha256::digest(&content)[..] == bytes[..]).then_some(content)
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        let Some(directory) = &self.directory else { return };
        let write = || {
            let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
            file.write_all(&Sha256::digest(bytes))?;
            file.write_all(bytes)?;
            file.persist(directory.join(name)).map_err(|error| error.error)
        };
        if let Err(error) = write() {
            let shown = directory.display();
            self.progress.detail(&format!(
                "What was read of the base image is not kept in {shown}: {error}"
            ));
        }
    }
}

/// Whether a file was written so long ago that it may be read anew.
fn is_old(metadata: &fs::Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|written| written.elapsed().ok());
    age.is_some_and(|age| age > OLD)
}

fn file_of(kind: &str, digest: &Digest) -> String {
    format!("{kind}-{VERSION}-{}", digest.as_str().replace(':', "-"))
}

fn name_of(reference: &Reference, platform: &Platform) -> String {
    file_of("name", &Digest::of(format!("{reference} {platform}").as_bytes()))
}
