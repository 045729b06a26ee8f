//! The engine for who names none: sgbuild itself where it can make the image, else the Docker daemon.

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::docker::{self, Docker, DockerSettings};
use super::native::Native;
use super::{BuiltImage, Destination, Engine, Error, Kept, Order, Output, Sent};
use crate::image::ImagePlan;
use crate::oci::{Digest, Repository};
use crate::progress::{Progress, Waiting};

/// Builds natively, and with Docker what turns out to need it. No daemon is looked for before that.
pub struct Auto {
    native: Native,
    docker: DockerSettings,
    connected: OnceCell<Docker>,
}

impl Auto {
    /// Of `native`, and the daemon that `docker` names.
    #[must_use]
    pub fn new(native: Native, docker: DockerSettings) -> Self {
        Self {
            native,
            docker,
            connected: OnceCell::new(),
        }
    }

    async fn docker(&self) -> Result<&Docker, Error> {
        let connected = self.connected.get_or_try_init(|| docker::connect(&self.docker)).await;
        Ok(connected?)
    }
}

#[async_trait]
impl Engine for Auto {
    fn check(&self, plan: &ImagePlan) -> Result<(), Error> {
        self.native.check(plan)
    }

    async fn build(&self, order: &Order<'_>, progress: &dyn Progress) -> Result<BuiltImage, Error> {
        match self.native.build(order, progress).await {
            Err(Error::Native(error)) if error.is_for_docker() && order.plan.base.in_dockerfile().is_some() => {
                progress.step(&format!("Engine docker: {error}"));
                let waiting = Waiting::begin(progress, docker::WAITED_FOR);
                let docker = self.docker().await?;
                drop(waiting);
                if let Some(found) = docker.found() {
                    progress.step(&found);
                }
                docker.check(order.plan)?;
                docker.build(order, progress).await
            }
            other => other,
        }
    }

    async fn holds(&self, image: &BuiltImage) -> Result<bool, Error> {
        match image.kept {
            Kept::Native { .. } => self.native.holds(image).await,
            // Without a daemon it is built anew, natively.
            Kept::Docker { .. } => match self.docker().await {
                Ok(docker) => docker.holds(image).await,
                Err(_) => Ok(false),
            },
        }
    }

    fn last_pushed(&self, repository: &Repository) -> Option<Digest> {
        self.native.last_pushed(repository)
    }

    fn manifest(&self, image: &BuiltImage) -> Option<String> {
        match image.kept {
            Kept::Native { .. } => self.native.manifest(image),
            Kept::Docker { .. } => None,
        }
    }

    async fn sbom(&self, image: &BuiltImage) -> Result<Option<String>, Error> {
        match image.kept {
            Kept::Native { .. } => self.native.sbom(image).await,
            // As with every daemon: no need to look for it.
            Kept::Docker { .. } => Ok(None),
        }
    }

    async fn send(
        &self,
        image: &BuiltImage,
        destination: &Destination<'_>,
        progress: &dyn Progress,
    ) -> Result<Sent, Error> {
        match image.kept {
            Kept::Native { .. } => self.native.send(image, destination, progress).await,
            Kept::Docker { .. } => self.docker().await?.send(image, destination, progress).await,
        }
    }

    async fn write(&self, image: &BuiltImage, output: &Output, progress: &dyn Progress) -> Result<(), Error> {
        match image.kept {
            Kept::Native { .. } => self.native.write(image, output, progress).await,
            Kept::Docker { .. } => self.docker().await?.write(image, output, progress).await,
        }
    }

    async fn load(&self, image: &BuiltImage, daemon: &Docker, progress: &dyn Progress) -> Result<(), Error> {
        match image.kept {
            Kept::Native { .. } => self.native.load(image, daemon, progress).await,
            Kept::Docker { .. } => Ok(()),
        }
    }
}
