//! What an archive holds that `docker save` wrote
//! ([image/v1.2](https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format)).
//!
//! What names the layers comes last, and the daemon says everything once: so whatever looks like a layer is read when it comes.

use std::collections::HashMap;
use std::io::{self, Cursor, Read};

use serde::Deserialize;
use tar::EntryType;

use super::Error;
use super::archive::{self, damaged};
use super::listing::{Hashed, Listing, inside};
use super::manifest::{LARGEST_CONFIG, Layer};
use crate::oci::Descriptor;

/// So many files and other names has no archive.
const MOST_FILES: usize = 20_000;
/// What is kept in memory of them, in bytes.
const MOST_OF_DOCUMENTS: u64 = 64 << 20;
const BLOCK: usize = 512;
/// How Docker calls layers that are compressed, and that are not.
const GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const PLAIN: &str = "application/vnd.docker.image.rootfs.diff.tar";
const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

/// What an archive holds.
#[derive(Default)]
pub(super) struct Contents {
    /// JSON, by path.
    documents: HashMap<String, Vec<u8>>,
    size_of_documents: u64,
    pub(super) layers: HashMap<String, Found>,
    /// Paths that are other names of layers.
    links: HashMap<String, String>,
}

/// A layer, and what it does to the files below it.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) layer: Layer,
    pub(super) listing: Listing,
}

/// An image of `manifest.json`.
#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Vec<String>,
}

impl Contents {
    /// Reads an archive to its end.
    pub(super) fn read(stream: &mut dyn Read) -> io::Result<Self> {
        let mut contents = Self::default();
        archive::walk(stream, &mut |entry, content| {
            let path = inside(&entry.name)?;
            if contents.documents.len() + contents.layers.len() + contents.links.len() >= MOST_FILES {
                return Err(damaged("it holds more files than any image has layers"));
            }
            match entry.kind {
                EntryType::Symlink => {
                    let (parent, _) = path.rsplit_once('/').unwrap_or_default();
                    let target = format!("{parent}/{}", String::from_utf8_lossy(&entry.link));
                    contents.links.insert(path, inside(target.as_bytes())?);
                }
                EntryType::Link => {
                    contents.links.insert(path, inside(&entry.link)?);
                }
                EntryType::Regular => contents.file(path, entry.offset, entry.size, content)?,
                _ => {}
            }
            Ok(())
        })?;
        // What Docker writes after the end is nothing, but whoever writes wants to be rid of it.
        io::copy(stream, &mut io::sink())?;
        Ok(contents)
    }

    fn file(&mut self, path: String, offset: u64, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let mut head = Vec::new();
        content.take(BLOCK as u64).read_to_end(&mut head)?;
        if matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) && size <= LARGEST_CONFIG {
            self.size_of_documents += size;
            if self.size_of_documents > MOST_OF_DOCUMENTS {
                return Err(damaged("it holds more JSON than any image has"));
            }
            content.read_to_end(&mut head)?;
            self.documents.insert(path, head);
            return Ok(());
        }
        let Some(media_type) = kind_of_layer(&head) else {
            return Ok(());
        };
        let mut bytes = Hashed::new(Cursor::new(head).chain(content), u64::MAX);
        let listing = Listing::read(&mut bytes, size)
            .map_err(|error| io::Error::new(error.kind(), format!("its file {path}: {error}")))?;
        io::copy(&mut bytes, &mut io::sink())?;
        let layer = Layer {
            descriptor: Descriptor {
                digest: bytes.digest(),
                size,
            },
            media_type: media_type.to_owned(),
            offset,
        };
        self.layers.insert(path, Found { layer, listing });
        Ok(())
    }

    /// The config and the layers of the image that has the tag `name`, or of the only one; `image` is what errors call it.
    pub(super) fn image(&self, image: &str, name: Option<&str>) -> Result<(&[u8], Vec<Found>), Error> {
        let unlike = |document, reason: String| Error::Document {
            image: image.to_owned(),
            document,
            reason,
        };
        let list = self.documents.get("manifest.json");
        let list = list.ok_or_else(|| {
            unlike(
                "manifest",
                "is not in the archive: there is no manifest.json".to_owned(),
            )
        })?;
        let mut saved: Vec<Saved> = serde_json::from_slice(list)
            .map_err(|error| unlike("manifest", format!("is not as Docker writes it: {error}")))?;
        let tags = |saved: &Saved| saved.tags.clone().unwrap_or_default();
        if let Some(name) = name {
            saved.retain(|saved| tags(saved).iter().any(|tag| tag == name));
        }
        let saved = match &saved[..] {
            [saved] => saved,
            [] => {
                return Err(Error::Absent {
                    image: image.to_owned(),
                });
            }
            several => {
                return Err(Error::Several {
                    image: image.to_owned(),
                    names: several.iter().flat_map(tags).collect(),
                });
            }
        };
        let config = self.documents.get(&saved.config);
        let config =
            config.ok_or_else(|| unlike("config", format!("is not in the archive: there is no {}", saved.config)))?;
        let missing = |path: &String| unlike("layer", format!("is not in the archive: there is no {path}"));
        let found: Vec<Found> = (saved.layers.iter())
            .map(|path| self.layer(path).ok_or_else(|| missing(path)))
            .collect::<Result<_, _>>()?;
        Ok((config, found))
    }

    /// A layer by its path, or by another name of it.
    fn layer(&self, path: &str) -> Option<Found> {
        let found = self.layers.get(path).or_else(|| self.layers.get(self.links.get(path)?));
        found.cloned()
    }
}

/// What a file that begins so is as a layer; `None` where it is none.
fn kind_of_layer(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some(GZIP),
        [a, b, c, d, ..] if super::zstd::begins(&[*a, *b, *c, *d]) => Some(ZSTD),
        _ if head.len() == BLOCK && (archive::is_header(head) || head.iter().all(|byte| *byte == 0)) => Some(PLAIN),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of so many files, each a document of `size` bytes.
    fn documents(count: usize, size: usize) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let text = [b"{".as_slice(), &vec![b' '; size - 1]].concat();
        for number in 0..count {
            let mut header = tar::Header::new_gnu();
            header.set_size(size as u64);
            archive
                .append_data(&mut header, format!("{number}.json"), &text[..])
                .unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn what_is_kept_of_an_archive_is_bounded() {
        let largest = usize::try_from(LARGEST_CONFIG).unwrap();
        let read = |archive: Vec<u8>| Contents::read(&mut &archive[..]).map(|contents| contents.documents.len());
        assert_eq!(read(documents(4, largest)).unwrap(), 4);
        let many = read(documents(5, largest)).unwrap_err();
        assert!(many.to_string().contains("more JSON"), "{many}");
        let many = read(documents(MOST_FILES + 1, 1)).unwrap_err();
        assert!(many.to_string().contains("more files"), "{many}");
    }
}
