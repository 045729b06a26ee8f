//! `ImagePlan ─▶ BuiltImage` without a daemon: a base image is referenced, wheels become layers as they are, and only what a registry
//! lacks is sent.
//!
//! ```text
//! what it stands on   base/: what a base image holds
//! what it installs    resolve/: which wheels; store/: wheels by digest; required.rs: which of them are needed here
//! what it makes       archive.rs: a wheel; install/: its files' places; layers.rs: which wheel in which layer; splice.rs: a layer's bytes;
//!                     image.rs: config and manifest; bytecode/, compiled.rs: what Python would compile at every start
//! what it need not    last/: what the repository's last image tells of its layers; elsewhere.rs: and where that does not do
//! the whole           build.rs, send.rs; contents.rs: all of it to be read; saved.rs, write.rs: as files, or into the daemon
//! ```

mod archive;
pub mod base;
mod build;
mod bytecode;
mod compiled;
mod conflicts;
mod contents;
mod elsewhere;
mod error;
mod image;
mod install;
mod last;
mod layers;
mod platform_tags;
mod removal;
mod required;
pub(crate) mod resolve;
mod saved;
mod send;
mod splice;
pub(crate) mod store;
mod target;
mod write;

pub use archive::Malformed;
pub use error::Error;
pub use target::{Libc, Target};

use std::path::PathBuf;

use async_trait::async_trait;

use super::docker::Docker;
use super::{BuiltImage, Destination, Engine, Order, Output};
use crate::image::{ImagePlan, OnlyDocker};
use crate::progress::Progress;
use crate::registry::auth::AuthSettings;
use crate::registry::client::ClientSettings;
use crate::uv::UvSettings;
use build::Record;
use store::{Sites, Store};

/// What the native engine works with.
#[derive(Debug, Clone)]
pub struct NativeSettings {
    /// sgbuild's cache directory: wheels, and what is known of bases and layers.
    pub cache_dir: PathBuf,
    /// The program that resolves, and what it is told.
    pub uv: UvSettings,
    /// How to talk to registries.
    pub client: ClientSettings,
    /// Where credentials for the base image's registry come from.
    pub auth: AuthSettings,
    /// Whether no code of what is installed may run here (`--static`).
    pub static_only: bool,
    /// How much the store of wheels may hold, in bytes.
    pub cache_limit: u64,
    /// Whether the requirements' byte code is in an image, where this machine can compile it.
    pub bytecode: bool,
    /// Whether the last image of a repository is believed what its layers are made of.
    pub last_image: bool,
}

/// The native engine.
pub struct Native {
    settings: NativeSettings,
    store: Store,
    sites: Sites,
}

impl Native {
    /// An engine that works with `settings`. Nothing but this machine is asked.
    ///
    /// # Errors
    /// The cache cannot be used; settings of indexes that are not understood.
    pub fn open(settings: NativeSettings, progress: &dyn Progress) -> Result<Self, Error> {
        Ok(Self {
            store: Store::open(&settings.cache_dir, settings.cache_limit, progress)?,
            sites: Sites::of(&settings.uv),
            settings,
        })
    }
}

#[async_trait]
impl Engine for Native {
    fn check(&self, plan: &ImagePlan) -> Result<(), super::Error> {
        Ok(check(plan)?)
    }

    async fn build(&self, order: &Order<'_>, progress: &dyn Progress) -> Result<BuiltImage, super::Error> {
        Ok(self.build_image(order, progress).await?)
    }

    async fn holds(&self, image: &BuiltImage) -> Result<bool, super::Error> {
        let record = Record::read(&self.store, &image.id);
        Ok(record.is_some_and(|record| record.bytecode == self.settings.bytecode && record.is_whole(&self.store)))
    }

    async fn send(
        &self,
        image: &BuiltImage,
        destination: &Destination<'_>,
        progress: &dyn Progress,
    ) -> Result<(), super::Error> {
        Ok(self.send_image(image, destination, progress).await?)
    }

    async fn write(&self, image: &BuiltImage, output: &Output, progress: &dyn Progress) -> Result<(), super::Error> {
        self.write_image(image, output, progress).await
    }

    async fn load(&self, image: &BuiltImage, daemon: &Docker, progress: &dyn Progress) -> Result<(), super::Error> {
        self.load_image(image, daemon, progress).await
    }
}

/// Refuses what only running commands in the image can do.
///
/// # Errors
/// [`Error::OnlyDocker`], with the first such thing.
pub fn check(plan: &ImagePlan) -> Result<(), Error> {
    check_without_docker(&plan.only_docker)
}

/// The same, of what is known of an image before it is planned.
///
/// # Errors
/// As [`check`].
pub fn check_without_docker(only: &OnlyDocker) -> Result<(), Error> {
    let what = if only.template.is_some() {
        "a Dockerfile template of your own"
    } else if !only.system_packages.is_empty() {
        "the setting `system-packages`"
    } else if !only.docker_lines.is_empty() {
        "the keyword `dockerlines`"
    } else {
        return Ok(());
    };
    Err(Error::OnlyDocker { what })
}

#[cfg(test)]
mod tests;
