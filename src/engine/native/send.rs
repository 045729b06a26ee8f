//! An image on its way into a repository: what it has already is left alone, the base's layers come from the base's registry.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use super::base::{Asked, Base, BaseLayer};
use super::base_blobs::{BaseBlobs, changed};
use super::build::{Record, scheme};
use super::carrier::Carrier;
use super::layers::{Ground, Recipe};
use super::splice::{Entry, LayerReader, Measured};
use super::{Error, Native};
use crate::engine::{self, BuiltImage, Destination, Sent};
use crate::oci::{Content, Descriptor, Digest, ImageManifest, MediaType, Repository, held};
use crate::progress::{Progress, Task};
use crate::registry::client::{Client, Manifest};
use crate::registry::{Credentials, auth};

/// What was pushed to repositories is kept in the store.
const KEPT: &str = "pushed";
/// How many blobs are on their way at once: a registry takes each of them as one stream.
pub(super) const AT_ONCE: usize = 6;
/// What came of a blob that the repository did not have.
pub(super) const PUSHED: &str = "pushed";
/// What came of one that it had.
pub(super) const THERE: &str = "already there";
/// Bytes that take no longer than a question.
const SMALL: u64 = 128 << 10;

/// The last image that a repository was seen to have whole.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LastPushed {
    pub(super) manifest: Digest,
    pub(super) blobs: Vec<Digest>,
}

/// A blob of the image.
enum Blob<'a> {
    Config(&'a str),
    OfBase(&'a BaseLayer),
    Layer(&'a Recipe, &'a Measured),
}

impl Blob<'_> {
    fn descriptor(&self) -> Descriptor {
        match self {
            Self::Config(text) => Descriptor::of(text.as_bytes()),
            Self::OfBase(layer) => layer.in_image().clone(),
            Self::Layer(_, measured) => measured.descriptor(),
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Config(_) => "config".to_owned(),
            Self::OfBase(layer) => format!("base layer {}", short(&layer.in_image().digest)),
            Self::Layer(recipe, _) => recipe.title.clone(),
        }
    }
}

pub(super) fn short(digest: &Digest) -> &str {
    digest.as_str().get(7..19).unwrap_or_else(|| digest.as_str())
}

impl Native {
    pub(super) async fn send_image(
        &self,
        image: &BuiltImage,
        destination: &Destination<'_>,
        progress: &dyn Progress,
    ) -> Result<Sent, Error> {
        let record = self.record(image)?;
        let base = self.base_of(&record, progress).await?;
        let mut blobs: Vec<Blob<'_>> = base.layers.iter().map(Blob::OfBase).collect();
        blobs.extend(
            record
                .layers
                .iter()
                .map(|(recipe, measured)| Blob::Layer(recipe, measured)),
        );
        blobs.push(Blob::Config(&record.config));
        let sending = Sending {
            native: self,
            record: &record,
            base: &base,
            destination,
            progress,
            of_base: self.base_blobs(record.source(&self.settings.docker)?),
            carrier: self.carried_to(&destination.reference.repository),
            whole: OnceCell::new(),
            sent: Mutex::default(),
        };
        let manifest = Manifest {
            bytes: Bytes::from(record.manifest.clone()),
            media_type: MediaType::DockerManifest,
            answered_digest: None,
        };
        // A registry keeps what a manifest names.
        let held: HashSet<Digest> = match self.last_pushed_to(&destination.reference.repository.to_string()) {
            Some(last) if destination.holds_last => last.blobs.into_iter().collect(),
            _ => HashSet::new(),
        };
        sending.blobs(&blobs, &held).await?;
        let tag = destination.reference.api_reference();
        let put = destination.client.put_manifest(tag, &manifest).await;
        if put.is_err() && !held.is_empty() {
            // What was taken to be there may have been swept up meanwhile.
            sending.blobs(&blobs, &HashSet::new()).await?;
            destination.client.put_manifest(tag, &manifest).await?;
        } else {
            put?;
        }
        self.note_pushed(&destination.reference.repository.to_string(), &manifest);
        let mut sent = sending.sent.into_inner().unwrap_or_else(PoisonError::into_inner);
        sent.manifest = Some(manifest.digest());
        Ok(sent)
    }

    /// The base of an image, as it was when the image was made.
    pub(super) async fn base_of(&self, record: &Record, progress: &dyn Progress) -> Result<Arc<Base>, Error> {
        if let Some(base) = self.remembered_base(&record.base_digest) {
            return Ok(base);
        }
        let source = record.source(&self.settings.docker)?;
        let credentials = match source.image.repository() {
            Some(repository) => auth::credentials(repository, &self.settings.auth).await?,
            None => Credentials::Anonymous,
        };
        let asked = Asked {
            source: &source,
            platform: &record.platform,
            credentials: &credentials,
            client: &self.settings.client,
            cache_dir: &self.settings.cache_dir,
            pull: false,
        };
        let base = self.read_base(&asked, progress).await?;
        if base.manifest_digest != record.base_digest {
            return Err(changed(&source));
        }
        Ok(self.remember_base(base))
    }

    /// What is kept of an image.
    ///
    /// # Errors
    /// Nothing, any more.
    pub(super) fn record(&self, image: &BuiltImage) -> Result<Record, Error> {
        let gone = || Error::ImageGone { id: image.id.clone() };
        Record::read(&self.store, &image.id).ok_or_else(gone)
    }

    /// What the build of an image has on its way to `repository`.
    fn carried_to(&self, repository: &Repository) -> Option<Carrier> {
        let mut carrier = self.carrier.lock().unwrap_or_else(PoisonError::into_inner);
        carrier.take_if(|carrier| carrier.goes_to(repository))
    }

    /// The last image that `repository` was seen to have.
    pub(super) fn last_pushed_to(&self, repository: &str) -> Option<LastPushed> {
        self.store.note(KEPT, repository)
    }

    /// Keeps what the repository has now. Without that note the next push only asks more.
    pub(super) fn note_pushed(&self, repository: &str, manifest: &Manifest) {
        let Ok(parsed) = ImageManifest::parse(&manifest.bytes) else {
            return;
        };
        let last = LastPushed {
            manifest: manifest.digest(),
            blobs: parsed
                .layers
                .iter()
                .chain([&parsed.config])
                .map(|blob| blob.digest.clone())
                .collect(),
        };
        self.store.keep_note(KEPT, repository, &last);
    }
}

/// An image that is being sent.
struct Sending<'a> {
    native: &'a Native,
    record: &'a Record,
    base: &'a Base,
    destination: &'a Destination<'a>,
    progress: &'a dyn Progress,
    of_base: BaseBlobs,
    /// What is on its way already.
    carrier: Option<Carrier>,
    /// The record with what was elsewhere, once that is needed.
    whole: OnceCell<Record>,
    /// What came of the blobs.
    sent: Mutex<Sent>,
}

impl Sending<'_> {
    /// Sees to it that the repository has all of `blobs`; those that it is known to hold are not asked for.
    async fn blobs(&self, blobs: &[Blob<'_>], held: &HashSet<Digest>) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let mut sending: Vec<BoxFuture<'_, Result<(), Error>>> = Vec::new();
        for blob in blobs {
            let digest = blob.descriptor().digest;
            if held.contains(&digest) {
                self.note(&digest, false);
            } else if seen.insert(digest) {
                sending.push(Box::pin(self.blob(blob)));
            }
        }
        let sent = stream::iter(sending).buffer_unordered(AT_ONCE);
        sent.try_collect::<Vec<()>>().await?;
        Ok(())
    }

    fn note(&self, blob: &Digest, is_new: bool) {
        let name = blob.as_str().trim_start_matches("sha256:").to_owned();
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.add(engine::Layer::Named(name), is_new);
    }

    async fn blob(&self, blob: &Blob<'_>) -> Result<(), Error> {
        let outcome = self.blob_sent(blob).await?;
        self.note(&blob.descriptor().digest, outcome == PUSHED);
        Ok(())
    }

    /// Sees to it that the repository has the blob; what came of it, in a word or two.
    async fn blob_sent(&self, blob: &Blob<'_>) -> Result<&'static str, Error> {
        let client = self.destination.client;
        let descriptor = blob.descriptor();
        let task = self.progress.task(&blob.title(), Some(descriptor.size));
        if let Some(carrier) = &self.carrier
            && let Some(outcome) = carrier.arrived(&descriptor, &*task).await
        {
            task.finish(outcome);
            return Ok(outcome);
        }
        // What is small, and here, is sent sooner than it is asked for.
        let is_here = !matches!(blob, Blob::OfBase(_)) && !self.record.elsewhere.layers.contains(&descriptor.digest);
        let is_small = is_here && descriptor.size <= SMALL;
        if !is_small && client.blob_size(&descriptor.digest).await? == Some(descriptor.size) {
            task.finish(THERE);
            return Ok(THERE);
        }
        let task: Arc<dyn Task> = Arc::from(task);
        let outcome = match blob {
            Blob::Config(text) => {
                client.upload_blob(&held(text.as_bytes())).await?;
                PUSHED
            }
            Blob::Layer(recipe, _) => {
                let layer: Arc<dyn Content> = Arc::new(Layer {
                    entries: self.entries(recipe, &descriptor.digest).await?,
                    descriptor,
                    task: Arc::clone(&task),
                });
                client.upload_blob(&layer).await?;
                PUSHED
            }
            Blob::OfBase(layer) => self.base_layer(layer).await?,
        };
        task.finish(outcome);
        Ok(outcome)
    }

    async fn entries(&self, recipe: &Recipe, layer: &Digest) -> Result<Arc<[Entry]>, Error> {
        let mut recipe = recipe;
        if self.record.elsewhere.layers.contains(layer) {
            let bring = || self.native.brought_here(self.record.clone(), self.base, self.progress);
            let whole = self.whole.get_or_try_init(bring).await?;
            let found = whole.layers.iter().find(|(_, measured)| measured.digest == *layer);
            recipe = found.map_or(recipe, |(recipe, _)| recipe);
        }
        let scheme = scheme(self.base);
        let ground = Ground {
            base: self.base,
            scheme: &scheme,
            store: &self.native.store,
        };
        ground.entries(recipe)
    }

    /// A layer of the base: the registry is asked to share it where it has it, else it goes from registry to registry.
    async fn base_layer(&self, layer: &BaseLayer) -> Result<&'static str, Error> {
        let (client, to) = (self.destination.client, &self.destination.reference.repository);
        if let Some(from) = self.of_base.registry()
            && layer.is_shared(client, &from.repository, to).await?
        {
            return Ok("mounted");
        }
        let blob = self.native.base_blob(&self.of_base, layer, self.progress).await?;
        client.upload_blob(&blob).await.map_err(Error::of_passing)?;
        Ok(PUSHED)
    }
}

/// A layer, made of its wheels while it is sent.
pub(super) struct Layer {
    pub(super) entries: Arc<[Entry]>,
    pub(super) descriptor: Descriptor,
    pub(super) task: Arc<dyn Task>,
}

impl Content for Layer {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Counted {
            reader: LayerReader::of(Arc::clone(&self.entries)),
            read: 0,
            total: self.descriptor.size,
            task: Arc::clone(&self.task),
        }))
    }
}

/// Tells how far it was read.
struct Counted {
    reader: LayerReader,
    read: u64,
    total: u64,
    task: Arc<dyn Task>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.read += length as u64;
        self.task.set(self.read, Some(self.total));
        Ok(length)
    }
}

/// A blob of another registry, which passes through here as it comes.
pub(super) struct RemoteBlob {
    /// The base image that it is of.
    pub(super) base: String,
    pub(super) client: Arc<Client>,
    pub(super) descriptor: Descriptor,
}

/// How much of it may wait to be sent.
const AHEAD: usize = 1 << 20;

impl Content for RemoteBlob {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let runtime = Handle::current();
        let (mut written, read) = tokio::io::duplex(AHEAD);
        let (client, blob, base) = (Arc::clone(&self.client), self.descriptor.clone(), self.base.clone());
        let reading = runtime.spawn(async move {
            let read = client.read_blob(&blob, &mut written).await;
            match read {
                Ok(true) => Ok(()),
                Ok(false) => Err(io::Error::other(Error::LayerGone {
                    base,
                    digest: blob.digest,
                })),
                Err(error) => Err(io::Error::other(error)),
            }
        });
        Ok(Box::new(Passing {
            pipe: read,
            reading: Some(reading),
            runtime,
        }))
    }
}

/// What comes of it; the end of the pipe is the end of the blob only where it was read whole.
struct Passing {
    pipe: DuplexStream,
    reading: Option<JoinHandle<io::Result<()>>>,
    runtime: Handle,
}

impl Read for Passing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.runtime.block_on(self.pipe.read(buffer))?;
        if length == 0
            && let Some(reading) = self.reading.take()
        {
            self.runtime.block_on(reading).map_err(io::Error::other)??;
        }
        Ok(length)
    }
}
