//! A base image as `docker save` writes it, to a file or from the daemon
//! ([image/v1.2](https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format)).
//!
//! What names the layers comes last, and the daemon says everything once: so whatever looks like a layer is read when it comes.

use std::collections::HashMap;
use std::io::{self, BufReader, Cursor, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::Deserialize;
use tar::EntryType;

use super::archive::{self, damaged};
use super::cache::Cache;
use super::listing::{Hashed, Listing, inside};
use super::manifest::{LARGEST_CONFIG, Layer, Manifest};
use super::{Asked, Base, Described, Error, Source, feed, layout};
use crate::engine::docker::{self, DockerSettings};
use crate::oci::{Descriptor, Digest};
use crate::progress::Progress;

/// So many documents has no archive.
const MOST_DOCUMENTS: usize = 20_000;
const BLOCK: usize = 512;
/// How Docker calls layers that are compressed, and that are not.
const GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const PLAIN: &str = "application/vnd.docker.image.rootfs.diff.tar";
const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

/// What an archive holds.
#[derive(Default)]
struct Contents {
    /// JSON, by path.
    documents: HashMap<String, Vec<u8>>,
    layers: HashMap<String, Found>,
    /// Paths that are other names of layers.
    links: HashMap<String, String>,
}

#[derive(Clone)]
struct Found {
    layer: Layer,
    listing: Listing,
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

/// Reads the image of a file that has the tag `name`, or the only one; from the cache while the file is the same.
pub(super) async fn read(path: &Path, name: Option<&str>, asked: &Asked<'_>, cache: &Cache<'_>) -> Result<Base, Error> {
    let image = asked.source.to_string();
    let unreadable = |source| Error::Unreadable {
        image: image.clone(),
        source,
    };
    let (file, metadata) = layout::open(path).map_err(unreadable)?;
    let place = (metadata.dev(), metadata.ino(), metadata.size());
    let changed = (
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    );
    let key = Digest::of(format!("{image} {place:?} {changed:?} {}", asked.platform).as_bytes());
    if let Some(base) = cache.base(&key) {
        return Ok(base);
    }
    let contents = tokio::task::spawn_blocking(move || Contents::read(&mut BufReader::new(file))).await;
    let contents = contents.map_err(io::Error::other).flatten().map_err(unreadable)?;
    let base = contents.into_base(&image, name, asked)?;
    cache.keep_base(&key, &base);
    Ok(base)
}

/// Reads an image of the Docker daemon, from the cache while the name has the same image there.
pub(super) async fn read_from_daemon(
    name: &str,
    settings: &DockerSettings,
    asked: &Asked<'_>,
    cache: &Cache<'_>,
    progress: &dyn Progress,
) -> Result<Base, Error> {
    let image = asked.source.to_string();
    let failed = |source: docker::Error| Error::Daemon {
        image: image.clone(),
        source: Box::new(source),
    };
    let docker = docker::connect(settings).await.map_err(failed)?;
    let id = docker
        .image_id(name)
        .await
        .map_err(failed)?
        .ok_or_else(|| Error::Absent { image: image.clone() })?;
    let key = Digest::of(format!("{id} {}", asked.platform).as_bytes());
    if let Some(base) = cache.base(&key) {
        return Ok(base);
    }
    let task = progress.task(name, None);
    let (mut sink, mut comes) = feed::pipe(progress, &*task, None);
    let reader = tokio::task::spawn_blocking(move || Contents::read(&mut comes));
    let came = docker.export(&id, &mut sink).await;
    drop(sink);
    let contents = reader.await.map_err(io::Error::other).flatten();
    progress.check()?;
    let contents = contents.map_err(|source| Error::Unreadable {
        image: image.clone(),
        source,
    });
    let contents = match (came, contents) {
        (Err(lost), Err(_)) => return Err(failed(lost)),
        (_, contents) => contents?,
    };
    task.finish("read");
    let base = contents.into_base(&image, None, asked)?;
    cache.keep_base(&key, &base);
    Ok(base)
}

/// A layer in a file that the daemon wrote.
#[derive(Debug, Clone)]
pub(in crate::engine::native) struct SavedLayer {
    pub(in crate::engine::native) descriptor: Descriptor,
    /// Where it begins.
    pub(in crate::engine::native) offset: u64,
}

/// Has the daemon of `source` write the image `name` to a file, and finds its layers there.
///
/// # Errors
/// The daemon is not there or does not have it; the file does not take it.
pub(in crate::engine::native) async fn save(
    name: &str,
    source: &Source,
    file: &Path,
) -> Result<Vec<SavedLayer>, Error> {
    let image = source.to_string();
    let failed = |error: docker::Error| Error::Daemon {
        image: image.clone(),
        source: Box::new(error),
    };
    let unreadable = |source| Error::Unreadable {
        image: image.clone(),
        source,
    };
    let docker = docker::connect(&source.docker).await.map_err(failed)?;
    let id = docker.image_id(name).await.map_err(failed)?;
    let id = id.ok_or_else(|| Error::Absent { image: image.clone() })?;
    let mut sink = tokio::fs::File::create(file).await.map_err(unreadable)?;
    if !docker.export(&id, &mut sink).await.map_err(failed)? {
        return Err(unreadable(io::ErrorKind::StorageFull.into()));
    }
    tokio::io::AsyncWriteExt::flush(&mut sink).await.map_err(unreadable)?;
    let (file, _) = layout::open(file).map_err(unreadable)?;
    let contents = tokio::task::spawn_blocking(move || Contents::read(&mut BufReader::new(file))).await;
    let contents = contents.map_err(io::Error::other).flatten().map_err(unreadable)?;
    let saved = contents.layers.into_values().map(|found| SavedLayer {
        descriptor: found.layer.descriptor,
        offset: found.layer.offset,
    });
    Ok(saved.collect())
}

impl Contents {
    fn read(stream: &mut dyn Read) -> io::Result<Self> {
        let mut contents = Self::default();
        archive::walk(stream, &mut |entry, content| {
            let path = inside(&entry.name)?;
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
        if self.documents.len() + self.layers.len() >= MOST_DOCUMENTS {
            return Err(damaged("it holds more files than any image has layers"));
        }
        if matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) && size <= LARGEST_CONFIG {
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

    /// The base that an image of the archive is.
    fn into_base(self, image: &str, name: Option<&str>, asked: &Asked<'_>) -> Result<Base, Error> {
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
        let digest = Digest::of(config);
        let manifest = Manifest {
            config: Descriptor {
                digest: digest.clone(),
                size: config.len() as u64,
            },
            layers: found.iter().map(|found| found.layer.clone()).collect(),
        };
        let described = Described::new(image, digest, manifest, config, asked.platform)?;
        described.into_base(found.into_iter().map(|found| found.listing).collect())
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
