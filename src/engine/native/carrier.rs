//! Layers on their way into the repository while the rest of the image is still being made.
//!
//! A registry shows nobody a blob that no manifest names, so an image that is never finished leaves nothing but what the registry sweeps up.
//! Whatever fails here is done again, with its error, when the image is sent.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinHandle;

use super::base::{Base, BaseLayer};
use super::base_blobs::BaseBlobs;
use super::send::{AT_ONCE, Layer, PUSHED, THERE};
use super::splice::{self, Measured};
use super::{Error, Native};
use crate::engine::Target;
use crate::oci::{Content, Descriptor, Digest, Repository};
use crate::progress::Task;
use crate::registry::auth::{self, AuthSettings};
use crate::registry::client::{Access, Client, ClientSettings};

/// How often it is shown how far a blob is.
const SHOWN: Duration = Duration::from_millis(100);

/// See the module. What is under way ends with it.
pub(super) struct Carrier {
    to: Arc<To>,
    runtime: Handle,
    /// What the repository was seen to have.
    held: HashSet<Digest>,
    begun: Mutex<HashMap<Digest, UnderWay>>,
}

/// Where it carries.
struct To {
    repository: Repository,
    auth: AuthSettings,
    settings: ClientSettings,
    /// `None` where the registry does not let us in.
    client: OnceCell<Option<Client>>,
    permits: Semaphore,
    /// Whether one failed: the others wait until somebody finds out why.
    has_failed: AtomicBool,
}

/// A blob on its way.
struct UnderWay {
    /// Bytes that were read of it.
    read: Arc<Read>,
    sent: Sent,
}

/// How it ended, in a word or two; `None` where it is to be done again. Nobody waits for it any more when it is dropped.
struct Sent(JoinHandle<Option<&'static str>>);

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How far something is, for whoever looks later.
#[derive(Default)]
struct Read(AtomicU64);

impl Task for Read {
    fn set(&self, done: u64, _total: Option<u64>) {
        self.0.store(done, Ordering::Relaxed);
    }

    fn finish(&self, _outcome: &str) {}
}

impl Native {
    /// One for the repository that an image is built for, if that is known.
    pub(super) fn carrier(&self, target: Option<&Target<'_>>) -> Option<Carrier> {
        let target = target?;
        let last = self.last_pushed_to(&target.repository.to_string());
        let mut settings = self.settings.client.clone();
        // It is tried again when the image is sent.
        settings.retry.tries = 1;
        Some(Carrier {
            to: Arc::new(To {
                repository: target.repository.clone(),
                auth: target.auth.clone(),
                settings,
                client: OnceCell::new(),
                permits: Semaphore::new(AT_ONCE),
                has_failed: AtomicBool::new(false),
            }),
            runtime: Handle::current(),
            held: last.map(|last| last.blobs.into_iter().collect()).unwrap_or_default(),
            begun: Mutex::default(),
        })
    }
}

impl Carrier {
    /// Whether it goes to `repository`.
    pub(super) fn goes_to(&self, repository: &Repository) -> bool {
        self.to.repository == *repository
    }

    /// Whether the repository may lack the blob, and it is not on its way.
    pub(super) fn wants(&self, digest: &Digest) -> bool {
        !self.held.contains(digest) && !self.begun().contains_key(digest)
    }

    /// Sends a layer that is made of `entries`.
    pub(super) fn layer(&self, entries: &Arc<[splice::Entry]>, measured: &Measured) {
        let read = Arc::new(Read::default());
        let layer: Arc<dyn Content> = Arc::new(Layer {
            entries: Arc::clone(entries),
            descriptor: measured.descriptor(),
            task: Arc::clone(&read) as Arc<dyn Task>,
        });
        self.begin(&measured.descriptor(), read, move |to| async move {
            to.client().await?.upload_blob(&layer).await.ok()?;
            Some(PUSHED)
        });
    }

    /// Has the base's layers sent whose source is a registry.
    pub(super) fn base(&self, base: &Base, blobs: &Arc<BaseBlobs>) {
        if blobs.registry().is_none() {
            return;
        }
        for layer in &base.layers {
            let (layer, blobs) = (layer.clone(), Arc::clone(blobs));
            let blob = layer.in_image().clone();
            self.begin(&blob, Arc::default(), move |to| async move {
                to.base_layer(&layer, &blobs).await.ok()?
            });
        }
    }

    fn begin<F>(&self, blob: &Descriptor, read: Arc<Read>, send: impl FnOnce(Arc<To>) -> F + Send + 'static)
    where
        F: Future<Output = Option<&'static str>> + Send,
    {
        let mut begun = self.begun();
        let (false, Entry::Vacant(place)) = (self.held.contains(&blob.digest), begun.entry(blob.digest.clone())) else {
            return;
        };
        let (to, blob) = (Arc::clone(&self.to), blob.clone());
        let task = self.runtime.spawn(async move {
            // It is closed by nobody.
            let _permit = to.permits.acquire().await;
            if to.has_failed.load(Ordering::Relaxed) {
                return None;
            }
            let ended = match to.has(&blob).await {
                Some(true) => Some(THERE),
                Some(false) => send(Arc::clone(&to)).await,
                None => None,
            };
            to.has_failed.fetch_or(ended.is_none(), Ordering::Relaxed);
            ended
        });
        place.insert(UnderWay { read, sent: Sent(task) });
    }

    /// Waits for a blob that is on its way, and says how it ended; `None` where it is not, or to be done again.
    pub(super) async fn arrived(&self, blob: &Descriptor, task: &dyn Task) -> Option<&'static str> {
        let UnderWay { read, mut sent } = self.begun().remove(&blob.digest)?;
        loop {
            tokio::select! {
                ended = &mut sent.0 => return ended.ok().flatten(),
                () = tokio::time::sleep(SHOWN) => task.set(read.0.load(Ordering::Relaxed), Some(blob.size)),
            }
        }
    }

    fn begun(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, UnderWay>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl To {
    async fn client(&self) -> Option<&Client> {
        let connected = self.client.get_or_init(|| async {
            let credentials = auth::credentials(&self.repository, &self.auth).await.ok()?;
            let connected = Client::connect(&self.repository, &credentials, Access::PullPush, &self.settings).await;
            connected.ok()
        });
        connected.await.as_ref()
    }

    async fn has(&self, blob: &Descriptor) -> Option<bool> {
        let size = self.client().await?.blob_size(&blob.digest).await.ok()?;
        Some(size == Some(blob.size))
    }

    async fn base_layer(&self, layer: &BaseLayer, blobs: &BaseBlobs) -> Result<Option<&'static str>, Error> {
        let (Some(client), Some(from)) = (self.client().await, blobs.registry()) else {
            return Ok(None);
        };
        if layer.is_shared(client, &from.repository, &self.repository).await? {
            return Ok(Some("mounted"));
        }
        client.upload_blob(&blobs.remote(from, layer).await?).await?;
        Ok(Some(PUSHED))
    }
}
