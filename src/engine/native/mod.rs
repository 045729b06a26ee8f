//! `ImagePlan ─▶ BuiltImage` without a daemon: a base image is referenced, wheels become layers as they are, and only what a registry
//! lacks is sent.
//!
//! ```text
//! what it stands on   base/: what a base image holds
//! what it installs    resolve/: which wheels; store/: wheels by digest; required.rs: which of them are needed here
//! what it makes       archive.rs: a wheel; install/: its files' places; layers.rs: which wheel in which layer; splice.rs: a layer's bytes;
//!                     image.rs: config and manifest; bytecode/, compiled.rs: what Python would compile at every start; sbom/: what is in it
//! what it need not    last/: what the repository's last image tells of its layers; elsewhere.rs: and where that does not do
//! the whole           build.rs, measuring.rs, send.rs; carrier.rs: what is sent while the rest is made; contents.rs: all of it to be read; saved.rs, write.rs: as files, or into the daemon
//! ```

mod archive;
pub mod base;
mod base_blobs;
mod build;
mod bytecode;
mod carrier;
mod compiled;
mod conflicts;
mod contents;
mod elsewhere;
mod error;
mod image;
mod install;
mod last;
mod layers;
mod measuring;
mod platform_tags;
mod removal;
mod required;
pub(crate) mod resolve;
mod resumed;
mod saved;
mod sbom;
mod send;
mod splice;
pub(crate) mod store;
mod target;
mod write;

pub use archive::Malformed;
pub(crate) use error::BASE;
pub use error::Error;
pub(crate) use last::label::NAME as LAYERS_LABEL;
pub use target::{Libc, Target};

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::docker::context::Bound;
use super::docker::{Docker, DockerSettings};
use super::{BuiltImage, Destination, Engine, Order, Output, Sent, Unprepared, can_prepare};
use crate::image::{BaseImage, ImagePlan, OnlyDocker};
use crate::oci::{Digest, Reference, Repository};
use crate::progress::{Progress, Silent};
use crate::registry::auth::AuthSettings;
use crate::registry::client::ClientSettings;
use crate::uv::UvSettings;
use base::{Asked, Base};
use base_blobs::Spool;
use build::Record;
use carrier::Carrier;
use store::{Sites, Store};

/// What the native engine works with.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting that a user knows by its name"
)]
pub struct NativeSettings {
    /// sgbuild's cache directory: wheels, and what is known of bases and layers.
    pub cache_dir: PathBuf,
    /// The program that resolves, and what it is told.
    pub uv: UvSettings,
    /// How to talk to registries.
    pub client: ClientSettings,
    /// Where credentials for the base image's registry come from.
    pub auth: AuthSettings,
    /// The daemon that may have the base image; it is not asked otherwise.
    pub docker: DockerSettings,
    /// Whether no code of what is installed may run here (`--static`).
    pub static_only: bool,
    /// How much the store of wheels may hold, in bytes.
    pub cache_limit: u64,
    /// Whether the requirements' byte code is in an image, where this machine can compile it.
    pub bytecode: bool,
    /// Whether it is listed what is in an image.
    pub sbom: bool,
    /// Whether the last image of a repository is believed what its layers are made of.
    pub last_image: bool,
}

/// The native engine.
pub struct Native {
    settings: NativeSettings,
    store: Store,
    sites: Sites,
    /// The base that was read last: whoever sends an image needs what it was built upon.
    read: std::sync::Mutex<Option<Arc<Base>>>,
    /// What the daemon gave away of a base image of its own.
    spool: Mutex<Option<Arc<Spool>>>,
    /// What of the image that was built last is on its way into its repository.
    carrier: std::sync::Mutex<Option<Carrier>>,
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
            read: std::sync::Mutex::new(None),
            settings,
            spool: Mutex::default(),
            carrier: std::sync::Mutex::default(),
        })
    }

    fn remember_base(&self, base: Base) -> Arc<Base> {
        let base = Arc::new(base);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&base));
        base
    }

    /// The base whose manifest that is, where it was read last.
    fn remembered_base(&self, manifest: &Digest) -> Option<Arc<Base>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.clone().filter(|base| base.manifest_digest == *manifest)
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
        let is_ours = |record: &Record| record.bytecode == self.settings.bytecode && record.is_whole(&self.store);
        let Some(record) = record.filter(is_ours) else {
            return Ok(false);
        };
        if self.settings.sbom && sbom::kept(&self.store, &image.id).is_none() {
            return Ok(false);
        }
        // What is on this machine may be made anew under its name at any time, and costs little to be looked at.
        let is_elsewhere = record.base()?.in_registry().is_some();
        Ok(is_elsewhere || self.base_of(&record, &Silent).await.is_ok())
    }

    fn last_pushed(&self, repository: &Repository) -> Option<Digest> {
        Some(self.last_pushed_to(&repository.to_string())?.manifest)
    }

    fn manifest(&self, image: &BuiltImage) -> Option<String> {
        Some(Record::read(&self.store, &image.id)?.manifest)
    }

    async fn sbom(&self, image: &BuiltImage) -> Result<Option<String>, super::Error> {
        Ok(sbom::kept(&self.store, &image.id))
    }

    async fn send(
        &self,
        image: &BuiltImage,
        destination: &Destination<'_>,
        progress: &dyn Progress,
    ) -> Result<Sent, super::Error> {
        Ok(self.send_image(image, destination, progress).await?)
    }

    async fn write(&self, image: &BuiltImage, output: &Output, progress: &dyn Progress) -> Result<(), super::Error> {
        self.write_image(image, output, progress).await
    }

    async fn load(&self, image: &BuiltImage, daemon: &Docker, progress: &dyn Progress) -> Result<(), super::Error> {
        self.load_image(image, daemon, progress).await
    }
}

/// Refuses to have a base image made of one whose own lines are run in whatever is made of it: they would see the base image's build, and not
/// the whole one's.
///
/// # Errors
/// [`Error::OnBuild`], and an image that cannot be had.
pub async fn check_original(reference: &Reference, asked: &Asked<'_>, progress: &dyn Progress) -> Result<(), Error> {
    let config = base::config(reference, asked, progress).await?;
    image::check(&reference.clone().into(), &config)
}

/// Refuses what only running commands in the image can do.
///
/// # Errors
/// Such a thing, unless a base image has it already.
pub fn check(plan: &ImagePlan) -> Result<(), Error> {
    check_commands(&plan.only_docker, Some(&plan.base))
}

/// The same, of what is known of an image before it is planned.
///
/// # Errors
/// As [`check`].
pub fn check_commands(only: &OnlyDocker, base: Option<&BaseImage>) -> Result<(), Error> {
    if only.prepared.is_some() {
        return Ok(());
    }
    match can_prepare(only, base) {
        Ok(false) => Ok(()),
        Ok(true) if only.system_packages.is_empty() => Err(Error::Unprepared {
            what: "the keyword `dockerlines`",
        }),
        Ok(true) => Err(Error::Unprepared {
            what: "the setting `system-packages`",
        }),
        Err(Unprepared::Base) => Err(Error::LocalBase {
            base: base.map(ToString::to_string).unwrap_or_default(),
        }),
        Err(Unprepared::Template) => Err(Error::Template),
        Err(Unprepared::Line(Bound { line, reason })) => Err(Error::BoundLine { line, reason }),
    }
}

#[cfg(test)]
mod tests;
