//! The base image that has what only Docker can do for a plan, as `sgbuild base` made it: looked for where a native build needs it.

use std::path::PathBuf;

use super::job::{FEW_TRIES, Job, auth_settings, engine_kind};
use super::target;
use crate::engine::native;
use crate::engine::native::base::{self, Asked, Source};
use crate::engine::native::store::Store;
use crate::engine::{self, EngineKind, Prepared, can_prepare};
use crate::error::Error;
use crate::image::ImagePlan;
use crate::oci::{Platform, Reference};
use crate::push::{self, PushSettings};
use crate::registry::client::ClientSettings;
use crate::registry::{Credentials, auth};
use crate::web::Retry;

/// What of such images is kept in the store: which there was, by its tag.
const PREPARED: &str = "prepared";

impl Job<'_> {
    /// `plan`, on the base image that has what only Docker can do, where there is such a thing and such an image. `target` is where the
    /// plan's image is pushed to, where that is known.
    pub(super) async fn on_base(&self, mut plan: ImagePlan, target: Option<&PushSettings>) -> Result<ImagePlan, Error> {
        let kind = engine_kind(self.checkout)?;
        if kind == EngineKind::Docker || can_prepare(&plan.only_docker, Some(&plan.base)) != Ok(true) {
            return Ok(plan);
        }
        plan.only_docker.prepared = match Box::pin(self.find_base(&plan, kind, target)).await {
            Ok(found) => found,
            Err(error) if kind == EngineKind::Native => return Err(error),
            Err(error) => {
                self.checkout.progress.check()?;
                let text = format!("whether `sgbuild base` has made a base image is not known: {error}");
                self.checkout.progress.detail(&text);
                None
            }
        };
        Ok(plan)
    }

    async fn find_base(
        &self,
        plan: &ImagePlan,
        kind: EngineKind,
        target: Option<&PushSettings>,
    ) -> Result<Option<Reference>, Error> {
        let settings = &self.checkout.settings;
        let tries = match kind {
            EngineKind::Auto => FEW_TRIES,
            _ => Retry::default().tries,
        };
        let prepared = self.prepared(plan, tries).await?;
        let known: Option<String> = self.store()?.note(PREPARED, &prepared.tag());
        let known = known.and_then(|known| known.parse().ok());
        if known.is_some() && !settings.engine().pull {
            return Ok(known);
        }
        let mut target = match target {
            Some(target) => target.clone(),
            // Where nothing is to be pushed, and Docker can do it, AWS is not asked for the name of a repository.
            None if kind == EngineKind::Auto && settings.destination().repository.is_none() => return Ok(known),
            None => target::settings(self).await?,
        };
        target.client.retry.tries = tries;
        let Some(digest) = push::held(&target, &prepared.tag()).await? else {
            return Ok(None);
        };
        let base = Reference {
            repository: target.target,
            tag: None,
            digest: Some(digest),
        };
        self.keep_base(&prepared, &base)?;
        Ok(Some(base))
    }

    /// The base image that can be made for `plan`, on its base image as it is now, or was when the registry was asked last; `tries` says how
    /// often it is asked.
    pub(super) async fn prepared(&self, plan: &ImagePlan, tries: u32) -> Result<Prepared, Error> {
        let reference = in_registry(plan)?;
        let original = Original::of(self, plan, tries).await?;
        let digest = base::digest(reference, &original.asked(), self.checkout.progress).await;
        let digest = digest.map_err(native::Error::from).map_err(engine::Error::from)?;
        Ok(Prepared::of(plan, &reference.repository, digest)?)
    }

    /// Refuses to have a base image made whose original has lines of its own run in it.
    pub(super) async fn check_original(&self, prepared: &Prepared) -> Result<(), Error> {
        let reference = in_registry(&prepared.plan)?;
        let original = Original::of(self, &prepared.plan, Retry::default().tries).await?;
        let checked = native::check_original(reference, &original.asked(), self.checkout.progress).await;
        Ok(checked.map_err(engine::Error::from)?)
    }

    /// For the registry of the plan's base image, where it is in one.
    pub(super) async fn base_credentials(&self, plan: &ImagePlan) -> Result<Credentials, Error> {
        let Some(repository) = plan.base.repository() else {
            return Ok(Credentials::Anonymous);
        };
        Ok(auth::credentials(repository, &auth_settings(self.checkout, Some(repository)).await).await?)
    }

    /// Remembers where a base image is.
    pub(super) fn keep_base(&self, prepared: &Prepared, base: &Reference) -> Result<(), Error> {
        self.store()?.keep_note(PREPARED, &prepared.tag(), &base.to_string());
        Ok(())
    }

    fn store(&self) -> Result<Store, Error> {
        let settings = &self.checkout.settings;
        let (directory, limit) = (settings.environment().cache_dir(), settings.cache_limit());
        let store = Store::open(&directory, limit, self.checkout.progress);
        Ok(store.map_err(native::Error::from).map_err(engine::Error::from)?)
    }
}

/// The image that a base image is made of.
struct Original {
    source: Source,
    platform: Platform,
    credentials: Credentials,
    client: ClientSettings,
    cache_dir: PathBuf,
    pull: bool,
}

impl Original {
    async fn of(job: &Job<'_>, plan: &ImagePlan, tries: u32) -> Result<Self, Error> {
        let settings = &job.checkout.settings;
        let mut client = ClientSettings::default();
        client.retry.tries = tries;
        Ok(Self {
            source: Source::of(plan.base.clone(), &settings.docker()),
            platform: plan.platform.clone(),
            credentials: job.base_credentials(plan).await?,
            client,
            cache_dir: settings.environment().cache_dir(),
            pull: settings.engine().pull,
        })
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            source: &self.source,
            platform: &self.platform,
            credentials: &self.credentials,
            client: &self.client,
            cache_dir: &self.cache_dir,
            pull: self.pull,
        }
    }
}

fn in_registry(plan: &ImagePlan) -> Result<&Reference, Error> {
    let local = || native::Error::LocalBase {
        base: plan.base.to_string(),
    };
    Ok(plan.base.in_registry().ok_or_else(local).map_err(engine::Error::from)?)
}
