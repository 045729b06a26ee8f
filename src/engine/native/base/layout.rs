//! A base image in a directory, as the OCI specification lays it out
//! ([image-layout.md](https://github.com/opencontainers/image-spec/blob/main/image-layout.md)).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::archive::damaged;
use super::cache::Cache;
use super::listing::{Hashed, Listing};
use super::manifest::{Document, Index, LARGEST_CONFIG, Layer, Listed, Manifest};
use super::{Asked, Base, Described, Error};
use crate::oci::{Descriptor, Digest, Platform};
use crate::reading;

/// As many layers are read at once.
const AT_ONCE: usize = 4;
/// So many indexes may lead to one another.
const DEEPEST: usize = 4;
/// The annotation that names an image
/// ([annotations.md](https://github.com/opencontainers/image-spec/blob/main/annotations.md)).
const NAME: &str = "org.opencontainers.image.ref.name";

/// A layout that is looked through for an image.
struct Layout<'a> {
    /// As the setting names it.
    image: String,
    directory: &'a Path,
    platform: &'a Platform,
}

/// The file of a blob.
pub(super) fn blob(directory: &Path, digest: &Digest) -> PathBuf {
    let (algorithm, digits) = digest.as_str().split_once(':').unwrap_or_default();
    directory.join("blobs").join(algorithm).join(digits)
}

/// Reads the image that `name` is, or the only one for the platform.
pub(super) async fn read(
    directory: &Path,
    name: Option<&str>,
    asked: &Asked<'_>,
    cache: &Cache<'_>,
) -> Result<Base, Error> {
    let layout = Layout {
        image: asked.source.to_string(),
        directory,
        platform: asked.platform,
    };
    let (digest, manifest) = layout.manifest(name)?;
    let config = layout.document("config", &manifest.config)?;
    let described = Described::new(&layout.image, digest, manifest, &config, asked.platform)?;
    if let Some(base) = cache.base(&described.digest) {
        return Ok(base);
    }
    let layers = described.manifest.layers.clone();
    let mut reading: Vec<BoxFuture<'_, Result<Listing, Error>>> = Vec::new();
    for layer in &layers {
        reading.push(Box::pin(layout.listing(layer, cache)));
    }
    let listings: Vec<Listing> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
    let base = described.into_base(listings)?;
    cache.keep_base(&base.manifest_digest, &base);
    Ok(base)
}

impl Layout<'_> {
    fn manifest(&self, name: Option<&str>) -> Result<(Digest, Manifest), Error> {
        let path = self.directory.join("index.json");
        let bytes = limited(&path).map_err(|source| self.unreadable(source))?;
        let mut index = match self.parsed("index", &bytes)? {
            Document::Index(index) => index,
            Document::Image(_) => return Err(self.unlike("index", "is an image's manifest".to_owned())),
        };
        if let Some(name) = name {
            index
                .manifests
                .retain(|listed| listed.annotations.get(NAME).is_some_and(|its| its == name));
        }
        for _ in 0..DEEPEST {
            let listed = self.choose(&index)?;
            let bytes = self.document("manifest", &listed.descriptor)?;
            match self.parsed("manifest", &bytes)? {
                Document::Image(manifest) => return Ok((listed.descriptor.digest.clone(), manifest)),
                Document::Index(next) => index = next,
            }
        }
        Err(self.unlike("index", "leads to one index after the other".to_owned()))
    }

    /// The image for the platform; one alone need not say what it is for, as its config does.
    fn choose<'i>(&self, index: &'i Index) -> Result<&'i Listed, Error> {
        match &index.manifests[..] {
            [] => Err(Error::Absent {
                image: self.image.clone(),
            }),
            [only] if only.platform().is_none() => Ok(only),
            several if several.iter().all(|listed| listed.platform().is_none()) => {
                let names = several
                    .iter()
                    .filter_map(|listed| listed.annotations.get(NAME))
                    .cloned();
                Err(Error::Several {
                    image: self.image.clone(),
                    names: names.collect(),
                })
            }
            _ => index.choose(self.platform).ok_or_else(|| Error::Platform {
                image: self.image.clone(),
                wanted: self.platform.clone(),
                offered: index.offered(),
            }),
        }
    }

    /// A small blob, which is what its descriptor says.
    fn document(&self, document: &'static str, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let bytes = limited(&blob(self.directory, &descriptor.digest)).map_err(|source| self.unreadable(source))?;
        if Digest::of(&bytes) != descriptor.digest {
            return Err(self.unlike(document, format!("is not {}, as its file is called", descriptor.digest)));
        }
        Ok(bytes)
    }

    async fn listing(&self, layer: &Layer, cache: &Cache<'_>) -> Result<Listing, Error> {
        let descriptor = layer.descriptor.clone();
        if let Some(listing) = cache.listing(&descriptor.digest) {
            return Ok(listing);
        }
        let path = blob(self.directory, &descriptor.digest);
        let read = tokio::task::spawn_blocking(move || listed(&path, &descriptor)).await;
        let listing = read
            .map_err(io::Error::other)
            .flatten()
            .map_err(|source| Error::Layer {
                image: self.image.clone(),
                layer: layer.descriptor.digest.clone(),
                source,
            })?;
        cache.keep_listing(&layer.descriptor.digest, &listing);
        Ok(listing)
    }

    fn parsed(&self, document: &'static str, bytes: &[u8]) -> Result<Document, Error> {
        Document::parse(bytes).map_err(|reason| self.unlike(document, reason))
    }

    fn unlike(&self, document: &'static str, reason: String) -> Error {
        Error::Document {
            image: self.image.clone(),
            document,
            reason,
        }
    }

    fn unreadable(&self, source: io::Error) -> Error {
        Error::Unreadable {
            image: self.image.clone(),
            source,
        }
    }
}

/// What the layer in a file holds, if the file is what its name says.
fn listed(path: &Path, descriptor: &Descriptor) -> io::Result<Listing> {
    let (file, _) = open(path)?;
    let mut bytes = Hashed::new(file, u64::MAX);
    let listing = Listing::read(&mut bytes, descriptor.size)?;
    io::copy(&mut bytes, &mut io::sink())?;
    if bytes.digest() == descriptor.digest {
        Ok(listing)
    } else {
        Err(damaged("its file is not what its name says"))
    }
}

fn limited(path: &Path) -> io::Result<Vec<u8>> {
    let (file, _) = open(path)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_CONFIG + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_CONFIG {
        return Err(damaged(&format!("{} is larger than any such file", path.display())));
    }
    Ok(bytes)
}

/// Opens a regular file; an error names it.
pub(super) fn open(path: &Path) -> io::Result<(File, std::fs::Metadata)> {
    reading::open(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
