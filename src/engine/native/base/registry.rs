//! A base image in a registry.

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::cache::Cache;
use super::feed;
use super::listing::Listing;
use super::manifest::{self, Document, Layer, Manifest};
use super::{Asked, Base, Described, Error};
use crate::explain::{Explain as _, Fault};
use crate::oci::{Digest, Reference};
use crate::progress::Progress;
use crate::registry::client::{self, Access, Client};

/// As many layers come at once.
pub(super) const AT_ONCE: usize = 4;

/// An image that is asked of its registry.
pub(super) struct Remote<'a> {
    /// As the setting names it.
    image: String,
    client: Client,
    asked: &'a Asked<'a>,
    cache: &'a Cache<'a>,
    progress: &'a dyn Progress,
}

/// Reads the image that `reference` names: now, or when the registry was asked last.
pub(super) async fn read(
    reference: &Reference,
    asked: &Asked<'_>,
    cache: &Cache<'_>,
    progress: &dyn Progress,
) -> Result<Base, Error> {
    if !asked.pull || reference.digest.is_some() {
        let known = cache.tagged(reference, asked.platform);
        if let Some(base) = known.and_then(|digest| cache.base(&digest)) {
            return Ok(base);
        }
    }
    let base = fetched(reference, asked, cache, progress).await?;
    cache.keep_tag(reference, asked.platform, &base.manifest_digest);
    Ok(base)
}

/// The digest of the manifest of the image that `reference` names: now, or when the registry was asked last. No layer is read.
pub(super) async fn digest(
    reference: &Reference,
    asked: &Asked<'_>,
    cache: &Cache<'_>,
    progress: &dyn Progress,
) -> Result<Digest, Error> {
    let may_be_kept = !asked.pull || reference.digest.is_some();
    if let Some(known) = cache.tagged(reference, asked.platform).filter(|_| may_be_kept) {
        return Ok(known);
    }
    let remote = Remote::connect(reference, asked, cache, progress).await?;
    let (digest, _) = remote.named(reference).await?;
    cache.keep_tag(reference, asked.platform, &digest);
    Ok(digest)
}

/// The config of the image that `reference` names, exactly as it is. No layer is read.
pub(super) async fn config(
    reference: &Reference,
    asked: &Asked<'_>,
    cache: &Cache<'_>,
    progress: &dyn Progress,
) -> Result<Value, Error> {
    let remote = Remote::connect(reference, asked, cache, progress).await?;
    let (digest, manifest) = remote.named(reference).await?;
    Ok(remote.described(digest, manifest).await?.config.document)
}

async fn fetched(
    reference: &Reference,
    asked: &Asked<'_>,
    cache: &Cache<'_>,
    progress: &dyn Progress,
) -> Result<Base, Error> {
    let remote = Remote::connect(reference, asked, cache, progress).await?;
    remote.base(reference).await
}

impl<'a> Remote<'a> {
    pub(super) async fn connect(
        reference: &Reference,
        asked: &'a Asked<'a>,
        cache: &'a Cache<'a>,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let image = reference.to_string();
        let client = Client::connect(&reference.repository, asked.credentials, Access::Pull, asked.client);
        let client = client.await.map_err(|source| Error::Registry {
            image: image.clone(),
            source,
        })?;
        Ok(Self {
            image,
            client,
            asked,
            cache,
            progress,
        })
    }
}

impl Remote<'_> {
    /// The manifest of the image for the platform, with its digest.
    pub(super) async fn named(&self, reference: &Reference) -> Result<(Digest, Manifest), Error> {
        let (digest, bytes) = self.document(reference.api_reference()).await?;
        if reference.digest.as_ref().is_some_and(|named| *named != digest) {
            return Err(self.unlike("manifest", "is not the one that was asked for".to_owned()));
        }
        self.manifest(digest, &bytes).await
    }

    async fn base(&self, reference: &Reference) -> Result<Base, Error> {
        let (digest, manifest) = self.named(reference).await?;
        // It may have been read under another name, or is what the tag names still.
        if let Some(base) = self.cache.base(&digest)
            && self.asked.platform.is_met_by(&base.python.target.platform)
        {
            return Ok(base);
        }
        let described = self.described(digest, manifest).await?;
        let layers = described.manifest.layers.clone();
        let mut reading: Vec<BoxFuture<'_, Result<Listing, Error>>> = Vec::new();
        for layer in &layers {
            reading.push(Box::pin(self.listing(layer)));
        }
        let listings = stream::iter(reading).buffered(AT_ONCE);
        let listings: Vec<Listing> = listings.try_collect().await?;
        let base = described.into_base(listings)?;
        self.cache.keep_base(&base.manifest_digest, &base);
        Ok(base)
    }

    /// A manifest or an index, with its digest.
    async fn document(&self, reference: &str) -> Result<(Digest, Vec<u8>), Error> {
        let answered = self.client.manifest(reference).await;
        let manifest = answered
            .map_err(|source| self.failed(source))?
            .ok_or_else(|| Error::Absent {
                image: self.image.clone(),
            })?;
        if !manifest::is_manifest(&manifest.media_type) {
            let reason = format!("is of the unknown kind `{}`", manifest.media_type);
            return Err(self.unlike("manifest", reason));
        }
        Ok((manifest.digest(), manifest.bytes.to_vec()))
    }

    /// The manifest of the image for the platform.
    async fn manifest(&self, digest: Digest, bytes: &[u8]) -> Result<(Digest, Manifest), Error> {
        match self.parsed("manifest", bytes)? {
            Document::Image(manifest) => Ok((digest, manifest)),
            Document::Index(index) => {
                let chosen = index.choose(self.asked.platform).ok_or_else(|| Error::Platform {
                    image: self.image.clone(),
                    wanted: self.asked.platform.clone(),
                    offered: index.offered(),
                })?;
                let wanted = &chosen.descriptor.digest;
                let (digest, bytes) = self.document(wanted.as_str()).await?;
                if digest != *wanted {
                    return Err(self.unlike("manifest", "is not the one that its index names".to_owned()));
                }
                match self.parsed("manifest", &bytes)? {
                    Document::Image(manifest) => Ok((digest, manifest)),
                    Document::Index(_) => Err(self.unlike("index", "leads to another index".to_owned())),
                }
            }
        }
    }

    /// The image with its config.
    async fn described(&self, digest: Digest, manifest: Manifest) -> Result<Described, Error> {
        let config = self.config(&manifest).await?;
        Described::new(&self.image, digest, manifest, &config, self.asked.platform)
    }

    /// The config, as it is.
    pub(super) async fn config(&self, manifest: &Manifest) -> Result<Vec<u8>, Error> {
        let mut config = Vec::new();
        let found = self.client.read_blob(&manifest.config, &mut config).await;
        if !found.map_err(|source| self.failed(source))? {
            return Err(self.unlike("config", "is not in the registry".to_owned()));
        }
        Ok(config)
    }

    fn parsed(&self, document: &'static str, bytes: &[u8]) -> Result<Document, Error> {
        Document::parse(bytes).map_err(|reason| self.unlike(document, reason))
    }

    /// What a layer holds: from the cache, or fetched, again from its beginning while that may help.
    pub(super) async fn listing(&self, layer: &Layer) -> Result<Listing, Error> {
        if let Some(listing) = self.cache.listing(&layer.descriptor.digest) {
            return Ok(listing);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            self.progress.check()?;
            let error = match self.fetch(layer).await {
                Ok(listing) => {
                    self.cache.keep_listing(&layer.descriptor.digest, &listing);
                    return Ok(listing);
                }
                Err(error) => error,
            };
            let may_help = matches!(error, Error::Registry { .. }) && error.advice().fault == Fault::Temporary;
            match self.asked.client.retry.wait(tries, None).filter(|_| may_help) {
                Some(wait) => self.asked.client.retry.pause(wait, &error.to_string()).await,
                None => return Err(error),
            }
        }
    }

    async fn fetch(&self, layer: &Layer) -> Result<Listing, Error> {
        let descriptor = &layer.descriptor;
        let digits = descriptor
            .digest
            .as_str()
            .split_once(':')
            .map_or("", |(_, digits)| digits);
        let title = format!("base layer {}", digits.get(..12).unwrap_or(digits));
        let task = self.progress.task(&title, Some(descriptor.size));
        let (mut sink, comes) = feed::pipe(self.progress, &*task, Some(descriptor.size));
        let size = descriptor.size;
        let reader = tokio::task::spawn_blocking(move || Listing::read(comes, size));
        let came = self.client.read_blob(descriptor, &mut sink).await;
        drop(sink);
        let damaged = |source| Error::Layer {
            image: self.image.clone(),
            layer: descriptor.digest.clone(),
            source,
        };
        let listing = reader.await.map_err(|broken| damaged(std::io::Error::other(broken)))?;
        self.progress.check()?;
        match (came, listing) {
            (Ok(false), _) => Err(damaged(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "the registry does not have it",
            ))),
            // What is wrong with the layer ended its coming.
            (Err(client::Error::Local { .. }) | Ok(true), Err(source)) => Err(damaged(source)),
            (Err(source), _) => Err(self.failed(source)),
            (Ok(true), Ok(listing)) => {
                task.finish("read");
                Ok(listing)
            }
        }
    }

    fn failed(&self, source: client::Error) -> Error {
        Error::Registry {
            image: self.image.clone(),
            source,
        }
    }

    pub(super) fn unlike(&self, document: &'static str, reason: String) -> Error {
        Error::Document {
            image: self.image.clone(),
            document,
            reason,
        }
    }
}
