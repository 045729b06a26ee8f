//! What a layer holds: its paths, and the few small files that say what is installed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use super::archive::{self, Entry, damaged};
use super::excerpt::{self, Excerpt};
use super::tree::Owner;
use super::zstd::{self, Frames};
use crate::oci::Digest;

/// The most entries of one layer. The largest images that AWS offers have some 300,000 in all.
const MOST_ENTRIES: usize = 2_000_000;
/// The most bytes that are kept of one layer's files.
const MOST_KEPT: usize = 256 << 20;
/// The most bytes of one layer's names, and of where its links lead. Those of the largest images have some 30 MB.
const MOST_NAMED: usize = 512 << 20;
/// The most bytes of a layer when it is unpacked, and by how much it may grow then: real ones grow to twice or thrice their size, some
/// with holes in their files to many times that.
const MOST_UNPACKED: u64 = 256 << 30;
const MOST_GROWTH: u64 = 250;
/// So much may be in any layer.
const SMALL: u64 = 256 << 20;

/// A layer, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listing {
    /// The digest of the layer unpacked.
    pub(crate) diff_id: Digest,
    /// Its size unpacked, in bytes.
    pub(crate) unpacked: u64,
    /// What it holds, in its order.
    pub(crate) items: Vec<Item>,
}

/// An entry of a layer, or what it removes of those below ([layer.md](https://github.com/opencontainers/image-spec/blob/main/layer.md)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// Relative to the root, without `.` and `..`; empty for the root itself.
    pub(crate) path: String,
    /// What is there.
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    Directory {
        mode: u16,
        #[serde(default, skip_serializing_if = "Owner::is_root")]
        owner: Owner,
    },
    File {
        mode: u16,
        /// In bytes.
        size: u64,
        /// Of its content.
        digest: Digest,
        /// What is kept of its content.
        kept: Option<String>,
    },
    /// A symbolic link, and where it leads.
    Link(String),
    /// Another name of the file at this path.
    Same(String),
    /// A device, pipe or socket.
    Other,
    /// What layers below have at this path is not there.
    Removed,
    /// What layers below have in this directory is not there.
    Emptied,
}

impl Listing {
    /// Reads a layer of `size` bytes to its end: gzip, zstd, or not compressed, as its first bytes say.
    ///
    /// # Errors
    /// It is damaged, no tar archive, or larger than any layer.
    pub(super) fn read(mut layer: impl Read, size: u64) -> io::Result<Self> {
        let mut magic = Vec::new();
        layer.by_ref().take(4).read_to_end(&mut magic)?;
        let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
        let is_zstd = zstd::begins(&magic);
        let layer = io::Cursor::new(magic).chain(layer);
        if is_gzip {
            Self::unpacked(MultiGzDecoder::new(layer), size)
        } else if is_zstd {
            Self::unpacked(Frames::new(layer), size)
        } else {
            Self::unpacked(layer, size)
        }
    }

    fn unpacked(tar: impl Read, size: u64) -> io::Result<Self> {
        let most = size.saturating_mul(MOST_GROWTH).clamp(SMALL, MOST_UNPACKED);
        let mut stream = Hashed::new(tar, most);
        let mut found = Found::default();
        archive::walk(&mut stream, &mut |entry, content| found.entry(&entry, content))?;
        // What follows the archive's end is a part of the layer too.
        io::copy(&mut stream, &mut io::sink())?;
        Ok(Self {
            unpacked: most - stream.left,
            diff_id: stream.digest(),
            items: found.items,
        })
    }
}

#[derive(Default)]
struct Found {
    items: Vec<Item>,
    kept: usize,
    named: usize,
}

impl Found {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        if self.items.len() >= MOST_ENTRIES {
            return Err(damaged(&format!("it has more than {MOST_ENTRIES} entries")));
        }
        self.named += entry.name.len() + entry.link.len();
        if self.named > MOST_NAMED {
            return Err(damaged("the names in it have no end"));
        }
        let path = inside(&entry.name)?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let is_of_aufs = |part: &str| part.starts_with(".wh..wh.") && part != ".wh..wh..opq";
        if path.split('/').any(is_of_aufs) {
            // What that file system notes for itself.
            return Ok(());
        }
        if let Some(hidden) = name.strip_prefix(".wh.") {
            let (path, what) = match hidden {
                ".wh..opq" => (parent.to_owned(), What::Emptied),
                hidden => (joined(parent, hidden), What::Removed),
            };
            self.items.push(Item { path, what });
            return Ok(());
        }
        let mode = u16::try_from(entry.mode & 0o7777).unwrap_or_default();
        let what = match entry.kind {
            EntryType::Directory => What::Directory {
                mode,
                owner: entry.owner,
            },
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut content = Hashed::new(content, entry.size);
                let kept = self.kept(&path, &mut content)?;
                io::copy(&mut content, &mut io::sink())?;
                What::File {
                    mode,
                    size: entry.size,
                    digest: content.digest(),
                    kept,
                }
            }
            EntryType::Symlink => What::Link(text(&entry.link)),
            EntryType::Link => What::Same(inside(&entry.link)?),
            _ => What::Other,
        };
        self.items.push(Item { path, what });
        Ok(())
    }

    fn kept(&mut self, path: &str, content: &mut dyn Read) -> io::Result<Option<String>> {
        let Some(excerpt) = Excerpt::of(path) else {
            return Ok(None);
        };
        let kept = excerpt::read(excerpt, content)?;
        self.kept += kept.as_ref().map_or(0, String::len);
        if self.kept > MOST_KEPT {
            return Err(damaged("the metadata of what is installed in it has no end"));
        }
        Ok(kept)
    }
}

/// A name of an archive as a path from the root: one that is absolute is below the root all the same, and one that leads out is refused,
/// [as Docker does](https://github.com/moby/moby/blob/v28.0.0/pkg/archive/diff.go).
pub(super) fn inside(name: &[u8]) -> io::Result<String> {
    let name = text(name);
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts
                    .pop()
                    .ok_or_else(|| damaged(&format!("it has the path `{name}`, which leads out of the image")))?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// A name that is not UTF-8 is none that anything here asks for.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn joined(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}/{name}")
    }
}

/// A stream whose bytes are hashed and counted.
pub(super) struct Hashed<R> {
    inner: R,
    hash: Sha256,
    /// How many more bytes are read.
    left: u64,
}

impl<R> Hashed<R> {
    /// Up to `most` bytes are read of it.
    pub(super) fn new(inner: R, most: u64) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            left: most,
        }
    }

    /// Of what was read.
    pub(super) fn digest(self) -> Digest {
        Digest::of_sha256(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.left = (self.left)
            .checked_sub(count as u64)
            .ok_or_else(|| damaged("it unpacks to more than any layer holds"))?;
        Ok(count)
    }
}
