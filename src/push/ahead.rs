//! What there is to know of a repository before there is anything to push: found out while the image is built.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::{Error, PushSettings, connect, references, repository};
use crate::oci::Digest;
use crate::progress::Progress;
use crate::registry::Credentials;
use crate::registry::client::{Client, Manifest};
use crate::registry::ecr::TagMutability;

/// How long what was seen of a tag counts: a build may take its time, and others push too.
const FRESH: Duration = Duration::from_secs(10);

/// A look at the repository, on its way. Nothing is made or changed there, and what fails is done again, with its error, when the
/// image is there.
pub struct Ahead(JoinHandle<Option<Found>>);

/// A repository that can be pushed to.
pub(super) struct Found {
    pub(super) client: Client,
    pub(super) credentials: Credentials,
    /// `None` where it was not asked for.
    pub(super) mutability: Option<TagMutability>,
    /// Whether the manifest that an engine pushed there last is still there.
    pub(super) holds_last: bool,
    tags: Option<Tags>,
}

/// What the tags held at a time.
struct Tags {
    manifests: Vec<Option<Manifest>>,
    at: Instant,
}

impl Ahead {
    /// Begins to look. `last` is what an engine remembers of the repository ([`crate::engine::Engine::last_pushed`]).
    #[must_use]
    pub fn begin(settings: &PushSettings, last: Option<Digest>) -> Self {
        let settings = settings.clone();
        Self(tokio::spawn(async move { Found::look(&settings, last.as_ref()).await }))
    }

    pub(super) async fn found(self) -> Option<Found> {
        self.0.await.ok().flatten()
    }
}

impl Found {
    /// The repository as it is; `None` where it is missing, or something failed.
    async fn look(settings: &PushSettings, last: Option<&Digest>) -> Option<Self> {
        let tags = references(settings).ok()?;
        let described = async {
            match last {
                // A repository that was pushed to is there, unless it shows otherwise.
                Some(_) => Some(None),
                None => repository::described(settings).await.map(Some),
            }
        };
        let looked = async {
            let (client, credentials) = connect(settings).await.ok()?;
            let held = async {
                let last = last?;
                let found = client.manifest_digest(last.as_str()).await.ok()?;
                Some(found.as_ref() == Some(last))
            };
            let manifests = join_all(tags.iter().map(|tag| client.manifest(tag.api_reference())));
            let (held, manifests) = tokio::join!(held, manifests);
            let manifests: Option<Vec<_>> = manifests.into_iter().map(Result::ok).collect();
            Some((client, credentials, held.unwrap_or_default(), manifests?))
        };
        let (described, looked) = tokio::join!(described, looked);
        let (client, credentials, holds_last, manifests) = looked?;
        let mut mutability = described?;
        if mutability.is_none() && !holds_last {
            mutability = Some(repository::described(settings).await?);
        }
        Some(Self {
            client,
            credentials,
            mutability,
            holds_last,
            tags: Some(Tags {
                manifests,
                at: Instant::now(),
            }),
        })
    }

    /// The repository, made where it is missing and that is wanted.
    pub(super) async fn of(settings: &PushSettings, progress: &dyn Progress) -> Result<Self, Error> {
        let mutability = repository::ensure(settings, progress).await?;
        let (client, credentials) = connect(settings).await?;
        Ok(Self {
            client,
            credentials,
            mutability: Some(mutability),
            holds_last: false,
            tags: None,
        })
    }

    /// What the tags held, in the order of the settings', where they were looked at lately.
    pub(super) fn fresh_tags(&mut self) -> Option<Vec<Option<Manifest>>> {
        let tags = self.tags.take()?;
        (tags.at.elapsed() < FRESH).then_some(tags.manifests)
    }
}
