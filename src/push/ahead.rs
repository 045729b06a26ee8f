//! What there is to know of a repository before there is anything to push: found out while the image is built.

use tokio::task::JoinHandle;

use super::{Error, PushSettings, connect, repository};
use crate::progress::Progress;
use crate::registry::Credentials;
use crate::registry::client::Client;
use crate::registry::ecr::TagMutability;

/// A look at the repository, on its way. Nothing is made or changed there, and what fails is done again, with its error, when the
/// image is there.
pub struct Ahead(JoinHandle<Option<Found>>);

/// A repository that can be pushed to.
pub(super) struct Found {
    pub(super) mutability: TagMutability,
    pub(super) client: Client,
    pub(super) credentials: Credentials,
}

impl Ahead {
    /// Begins to look.
    #[must_use]
    pub fn begin(settings: &PushSettings) -> Self {
        let settings = settings.clone();
        Self(tokio::spawn(async move {
            let (mutability, connected) = tokio::join!(repository::described(&settings), connect(&settings));
            let (client, credentials) = connected.ok()?;
            Some(Found {
                mutability: mutability?,
                client,
                credentials,
            })
        }))
    }

    pub(super) async fn found(self) -> Option<Found> {
        self.0.await.ok().flatten()
    }
}

impl Found {
    /// The repository, made where it is missing and that is wanted.
    pub(super) async fn of(settings: &PushSettings, progress: &dyn Progress) -> Result<Self, Error> {
        let mutability = repository::ensure(settings, progress).await?;
        let (client, credentials) = connect(settings).await?;
        Ok(Self {
            mutability,
            client,
            credentials,
        })
    }
}
