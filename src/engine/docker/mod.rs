//! The Docker daemon as an engine.
//!
//! Every request goes over one transport of ours ([`Endpoint`]'s streams with an HTTP/1.1 request each), as builds need
//! things that bollard does not offer together: `BuildKit` with secrets and a log. bollard makes the typed requests about
//! images on the same transport.
//!
//! Images are identified by the digest of their config, which is the image id of the classic image store. A daemon with
//! the containerd image store, whose ids are manifest digests, is refused ([`Error::ImageStore`]).

mod bounded;
mod build;
mod context;
mod daemon;
mod dial;
mod endpoint;
mod error;
mod failure;
mod layers;
mod log;
mod mask;
mod messages;
mod push;
mod session;

use async_trait::async_trait;

use super::{BuildRequest, BuiltImage, BuiltImageState, Engine};
use crate::progress::Progress;
use crate::registry::{Credentials, Reference};
use build::Builder;
use daemon::Daemon;

pub use endpoint::{Address, DockerSettings, Endpoint, SshTarget, TlsMaterial};
pub use error::Error;

/// A Docker daemon that answered.
pub struct Docker {
    daemon: Daemon,
    builder: Builder,
}

/// Finds the daemon as the `docker` command does, and asks what it can do.
///
/// # Errors
/// Nobody answers ([`Error::Absent`]), the daemon is too old ([`Error::TooOld`]), or `DOCKER_HOST`, a context or its TLS
/// material is unusable.
pub async fn connect(settings: &DockerSettings) -> Result<Docker, Error> {
    let daemon = Daemon::connect(settings).await?;
    let builder = match settings.buildkit {
        Some(false) => Builder::Classic,
        _ if daemon.facts.buildkit => Builder::BuildKit,
        _ => Builder::Classic,
    };
    Ok(Docker { daemon, builder })
}

impl Docker {
    /// The daemon's version, such as `20.10.24`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.daemon.facts.version
    }

    /// Where the daemon is, such as `unix:///var/run/docker.sock`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.daemon.endpoint().to_string()
    }
}

#[async_trait]
impl Engine for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    async fn build(&self, request: &BuildRequest, progress: &dyn Progress) -> Result<BuiltImage, Error> {
        build::build(&self.daemon, self.builder, request, progress).await
    }

    async fn find(&self, id: &str) -> Result<Option<BuiltImageState>, Error> {
        let during = format!("looking for the image {id}");
        let image = match self.daemon.answer(self.daemon.images.inspect_image(id), &during).await {
            Ok(image) => image,
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(BuiltImageState {
            tags: image.repo_tags.unwrap_or_default(),
            size: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        }))
    }

    async fn push(
        &self,
        image: &BuiltImage,
        target: &Reference,
        credentials: &Credentials,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        push::push(&self.daemon, image, target, credentials, progress).await
    }
}
