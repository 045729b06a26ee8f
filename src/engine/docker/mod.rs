//! The Docker daemon as an engine.
//!
//! Every request goes over one transport of ours ([`Endpoint`]'s streams with an HTTP/1.1 request each), as builds need
//! things that bollard does not offer together: `BuildKit` with secrets and a log. bollard makes the typed requests about
//! images on the same transport.
//!
//! Images are identified as the daemon does: in Docker's classic store and in podman's by the digest of the config, in containerd's store
//! by that of the manifest. Either is what the registry is held against after a push.

mod advice;
mod api_version;
mod bounded;
mod build;
mod container;
mod container_files;
mod container_log;
mod container_request;
pub mod context;
mod daemon;
mod dial;
mod endpoint;
mod error;
mod export;
mod facts;
mod failure;
mod http;
mod layers;
mod load;
mod log;
mod mask;
mod messages;
mod program;
mod pull;
mod push;
mod secret_files;
mod session;
mod step;
mod step_hints;
mod told;
mod typed;
mod upload;
mod words;

use async_trait::async_trait;

use super::{BuiltImage, Destination, Engine, Kept, Order, Output, Sent};
use crate::image::ImagePlan;
use crate::progress::Progress;
use build::Builder;
use daemon::Daemon;

pub(crate) use container::{Bind, Container, Ended, Gpus, Limits, NewContainer, Place, Port};
pub(crate) use container_files::Archive;
pub(crate) use container_log::LogStream;
pub use endpoint::{Address, DockerSettings, Endpoint, SshTarget, TlsMaterial, usual_sockets};
pub use error::Error;
pub(crate) use load::archive_body;
pub use program::Program;

/// What is told of a daemon that takes its time to answer.
pub const WAITED_FOR: &str = "Waiting for the Docker daemon";

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
    let builder = match (daemon.facts.program, settings.buildkit) {
        (Program::Podman, _) => Builder::Buildah,
        (Program::Docker, Some(false)) => Builder::Classic,
        (Program::Docker, _) if daemon.facts.buildkit => Builder::BuildKit,
        (Program::Docker, _) => Builder::Classic,
    };
    Ok(Docker { daemon, builder })
}

impl Docker {
    /// Which program the daemon is.
    #[must_use]
    pub fn program(&self) -> Program {
        self.daemon.facts.program
    }

    /// The daemon's version, such as `20.10.24`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.daemon.facts.version
    }

    /// Which daemon it is, where nothing named one: its user may expect another.
    #[must_use]
    pub fn found(&self) -> Option<String> {
        let (program, version, endpoint) = (self.program(), self.version(), self.endpoint());
        let found = || format!("Using {program} ({version}) at {endpoint}");
        self.daemon.was_found.then(found)
    }

    /// Where the daemon is, such as `unix:///var/run/docker.sock`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.daemon.endpoint().to_string()
    }
}

#[async_trait]
impl Engine for Docker {
    fn check(&self, plan: &ImagePlan) -> Result<(), super::Error> {
        Ok(build::check(&self.daemon, self.builder, plan)?)
    }

    async fn build(&self, order: &Order<'_>, progress: &dyn Progress) -> Result<BuiltImage, super::Error> {
        let built = build::build(&self.daemon, self.builder, order, progress).await;
        Ok(built.map_err(|error| error.by(self.program()))?)
    }

    async fn holds(&self, image: &BuiltImage) -> Result<bool, super::Error> {
        let Kept::Docker { reference } = &image.kept else {
            return Ok(false);
        };
        // By its name, as podman has the tags of an image as it likes.
        let held = self.image_id(reference).await?;
        Ok(held.is_some_and(|held| held == image.id.as_str()))
    }

    async fn sbom(&self, _image: &BuiltImage) -> Result<Option<String>, super::Error> {
        // What pip did is in the image, and nowhere else.
        Ok(None)
    }

    async fn send(
        &self,
        image: &BuiltImage,
        destination: &Destination<'_>,
        progress: &dyn Progress,
    ) -> Result<Sent, super::Error> {
        let pushed = push::push(&self.daemon, image, destination, progress).await;
        Ok(pushed.map_err(|error| error.by(self.program()))?)
    }

    async fn write(&self, image: &BuiltImage, output: &Output, progress: &dyn Progress) -> Result<(), super::Error> {
        self.write_archive(image, output, progress).await
    }

    async fn load(&self, _image: &BuiltImage, _daemon: &Docker, _progress: &dyn Progress) -> Result<(), super::Error> {
        // The daemon that built it keeps it.
        Ok(())
    }
}
