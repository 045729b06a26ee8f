//! `ImagePlan ─▶ BuiltImage`: the engines that make an image of a plan, keep it, and send it to a registry.

mod auto;
pub mod docker;
mod error;
mod kind;
pub mod native;
pub mod output;
mod prepared;
mod sbom;
mod sent;

pub use auto::Auto;
pub use error::Error;
pub use kind::{EngineKind, UnknownEngine};
pub use output::Output;
pub use prepared::{Prepared, Unprepared, can_prepare};
pub use sbom::{Sbom, UnknownSbom};
pub use sent::{Amounts, Layer, Sent};

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::dist::Dist;
use crate::image::ImagePlan;
use crate::oci::{Digest, Platform, Reference, Repository};
use crate::progress::Progress;
use crate::registry::Credentials;
use crate::registry::auth::AuthSettings;
use crate::registry::client::Client;
use crate::secret::Secret;
use docker::Docker;

/// Something that builds images, keeps them, and sends those that it built.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Refuses a plan that this engine cannot follow, before anybody waits for it.
    ///
    /// # Errors
    /// What the engine lacks.
    fn check(&self, plan: &ImagePlan) -> Result<(), Error>;

    /// Builds the image, with its log as `progress`.
    ///
    /// # Errors
    /// A failing step, with its output; an engine that is absent or went away.
    async fn build(&self, order: &Order<'_>, progress: &dyn Progress) -> Result<BuiltImage, Error>;

    /// Whether the engine still has the image as it was built: then an unchanged context builds nothing.
    ///
    /// # Errors
    /// The engine does not answer.
    async fn holds(&self, image: &BuiltImage) -> Result<bool, Error>;

    /// The manifest that was pushed to a repository last, as far as the engine remembers: where it still is, all that it names is.
    fn last_pushed(&self, _repository: &Repository) -> Option<Digest> {
        None
    }

    /// The manifest that the image has wherever it is, as its digest has it; `None` where the engine makes it anew for each registry.
    fn manifest(&self, _image: &BuiltImage) -> Option<String> {
        None
    }

    /// What is in the image, as an SBOM (`CycloneDX`, JSON); `None` where the engine does not know that exactly.
    ///
    /// # Errors
    /// The engine does not answer.
    async fn sbom(&self, image: &BuiltImage) -> Result<Option<String>, Error>;

    /// Sends the image to a registry, with what each layer comes to as `progress`; what it heard of them.
    ///
    /// # Errors
    /// What the registry or the engine said. What was sent is still verified by [`crate::push`].
    async fn send(
        &self,
        image: &BuiltImage,
        destination: &Destination<'_>,
        progress: &dyn Progress,
    ) -> Result<Sent, Error>;

    /// Writes the image where people take it from; nothing is there before all of it is.
    ///
    /// # Errors
    /// The place does not take it, or the engine does not make what is asked for.
    async fn write(&self, image: &BuiltImage, output: &Output, progress: &dyn Progress) -> Result<(), Error>;

    /// Has the Docker daemon keep the image.
    ///
    /// # Errors
    /// The daemon does not take it.
    async fn load(&self, image: &BuiltImage, daemon: &Docker, progress: &dyn Progress) -> Result<(), Error>;
}

/// What is to be built, and how.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// What is in the image.
    pub plan: &'a ImagePlan,
    /// The files that it is made of.
    pub dist: &'a Dist,
    /// The name by which the image is kept, such as `sgbuild/iris-classifier:1.0.0-3f2a9c1`.
    pub name: String,
    /// Credentials for the base image's registry.
    pub base_credentials: Credentials,
    /// Where the image is going to be pushed to, as far as that is known.
    pub target: Option<Target<'a>>,
    /// Build secrets by id (`pip.conf`, `netrc`, `ca.pem`).
    pub secrets: &'a BTreeMap<String, Secret>,
    /// Ask the registry for a newer base image, even where the engine has one.
    pub pull: bool,
    /// Ask the indexes anew which versions there are, where the engine keeps their answers.
    pub upgrade: bool,
    /// Build every layer anew.
    pub no_cache: bool,
}

/// A repository that is pushed to when the image is built.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The tags that the image gets there.
    pub tags: &'a [String],
    /// Where credentials come from.
    pub auth: &'a AuthSettings,
}

/// Where an image is sent.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// With a tag.
    pub reference: &'a Reference,
    /// For the registry.
    pub credentials: &'a Credentials,
    /// Connected to the repository.
    pub client: &'a Client,
    /// Whether it was just seen to have [`Engine::last_pushed`].
    pub holds_last: bool,
}

/// An image that an engine built and keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltImage {
    /// What its keeper calls the image's id: the digest of its config, or of its manifest in a Docker daemon with containerd's store.
    pub id: Digest,
    /// What machines it runs on.
    pub platform: Platform,
    /// Who keeps it, and where.
    #[serde(flatten)]
    pub kept: Kept,
    /// Size in bytes, as its keeper counts: uncompressed, or compressed in containerd's store.
    pub size: u64,
    /// The digest of the files that it was built of ([`Dist::context_digest`]).
    pub context_digest: Digest,
}

/// Where an engine keeps an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "lowercase")]
pub enum Kept {
    /// A Docker daemon has it.
    Docker {
        /// The tag by which it does, such as `sgbuild/iris-classifier:1.0.0-3f2a9c1`.
        reference: String,
    },
    /// sgbuild's own cache has what it is made of.
    Native {
        /// Its name, in the same form; no daemon knows it.
        reference: String,
    },
}

impl BuiltImage {
    /// The name by which the engine's user finds the image.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.kept {
            Kept::Docker { reference } | Kept::Native { reference } => reference,
        }
    }
}
