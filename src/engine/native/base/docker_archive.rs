//! A base image as `docker save` writes it, to a file or from the daemon.

use std::io::{self, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::cache::Cache;
use super::contents::Contents;
use super::manifest::Manifest;
use super::{Asked, Base, Described, Error, Source, feed, layout};
use crate::engine::docker::{self, DockerSettings};
use crate::oci::{Descriptor, Digest};
use crate::progress::Progress;

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
    let base = base_of(&contents, &image, name, asked)?;
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
    let base = base_of(&contents, &image, None, asked)?;
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

/// The base that an image of an archive is.
fn base_of(contents: &Contents, image: &str, name: Option<&str>, asked: &Asked<'_>) -> Result<Base, Error> {
    let (config, found) = contents.image(image, name)?;
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
