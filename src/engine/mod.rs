//! `ImagePlan ─▶ BuiltImage`: the engines that turn a build context into an image.

pub mod docker;

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::progress::Progress;
use crate::registry::{Credentials, Reference};
use crate::secret::Secret;

/// An engine, as the setting `engine` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Whichever there is: the Docker daemon.
    Auto,
    /// The Docker daemon.
    Docker,
}

impl EngineKind {
    /// Every name of an engine.
    const NAMES: [(&str, Self); 2] = [("auto", Self::Auto), ("docker", Self::Docker)];

    /// The engine of that name.
    ///
    /// # Errors
    /// [`UnknownEngine`].
    pub fn named(name: &str) -> Result<Self, UnknownEngine> {
        let found = Self::NAMES.into_iter().find(|(known, _)| *known == name);
        found
            .map(|(_, kind)| kind)
            .ok_or_else(|| UnknownEngine { name: name.to_owned() })
    }

    /// What the pipeline's template calls it: in CodeBuild there is a daemon.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Auto | Self::Docker => "docker",
        }
    }
}

/// There is no engine of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no engine `{name}`{}", if .name == "native" { " yet" } else { "" })]
pub struct UnknownEngine {
    /// As set.
    pub name: String,
}

/// An image that an engine built and holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltImage {
    /// The local reference it is tagged with, such as `sgbuild/iris-classifier:1.0.0-3f2a9c1`.
    pub reference: String,
    /// The image id: the digest of the image's config, `sha256:…`.
    pub id: String,
    /// `linux/amd64`.
    pub platform: String,
    /// The engine that holds it: `docker`.
    pub engine: String,
    /// Uncompressed size in bytes.
    pub size: u64,
    /// The digest of the build context it was built from ([`crate::dist::Dist::context_digest`]).
    pub context_digest: String,
}

/// What an engine builds: a complete context and how to tag it.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The directory that is the context; its Dockerfile is `Dockerfile`.
    pub context: PathBuf,
    /// Files of the context that are sent, relative to it, sorted.
    pub files: Vec<String>,
    /// [`crate::dist::Dist::context_digest`], carried into [`BuiltImage`].
    pub context_digest: String,
    /// The local tag.
    pub tag: String,
    /// `linux/amd64`.
    pub platform: String,
    /// The base image that the Dockerfile starts from.
    pub base: Reference,
    /// Credentials for the base image's registry.
    pub base_credentials: Credentials,
    /// Build secrets by id (`pip.conf`, `netrc`, `ca.pem`): mounted by the Dockerfile's `RUN --mount=type=secret,id=…`.
    pub secrets: BTreeMap<String, Secret>,
    /// Try to refresh the base image even if the daemon has it.
    pub pull: bool,
    /// Build without the daemon's cache.
    pub no_cache: bool,
}

/// Something that builds images, and pushes those it built.
#[async_trait]
pub trait Engine: Send + Sync {
    /// A short name for messages and `image.json`, such as `docker`.
    fn name(&self) -> &'static str;

    /// Builds the image, streaming its log to `progress`.
    ///
    /// # Errors
    /// A failing step, with its output; a daemon that is absent or went away.
    async fn build(&self, request: &BuildRequest, progress: &dyn Progress) -> Result<BuiltImage, Error>;

    /// The image with this id, if the engine still has it: then an unchanged context builds nothing.
    async fn find(&self, id: &str) -> Result<Option<BuiltImageState>, Error>;

    /// Pushes the image under `target` (which carries a tag), streaming each layer's progress.
    ///
    /// # Errors
    /// What the registry or daemon said. A push that returned `Ok` is still verified by [`crate::push`].
    async fn push(
        &self,
        image: &BuiltImage,
        target: &Reference,
        credentials: &Credentials,
        progress: &dyn Progress,
    ) -> Result<(), Error>;
}

/// What an engine knows of an image it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImageState {
    /// Every tag it has.
    pub tags: Vec<String>,
    /// Uncompressed size in bytes.
    pub size: u64,
}

pub use docker::Error;
