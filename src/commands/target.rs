//! Where `sgbuild push` pushes to, and under which tags.

use super::CommandError;
use super::checkout::Checkout;
use super::job::{Job, auth_settings};
use crate::error::Error;
use crate::oci::reference::validate_tag;
use crate::oci::{Reference, Repository};
use crate::push::PushSettings;
use crate::registry::client::ClientSettings;
use crate::registry::ecr;

/// Where to push and under which tags. What needs no network is looked at first.
pub(super) async fn settings(job: &Job<'_>) -> Result<PushSettings, Error> {
    let checkout = job.checkout;
    let set = checkout.settings.destination();
    let named = named(set.repository)?;
    let mut tags = set.tags.to_vec();
    if let Some(Named::Registry { tag: Some(tag), .. }) = &named {
        tags.push(tag.clone());
    }
    if tags.is_empty() {
        tags.push(job.tag());
    }
    for tag in &tags {
        validate_tag(tag)?;
    }
    let target = match named {
        Some(Named::Registry { repository, .. }) => repository,
        Some(Named::InEcr(name)) => ecr::own_repository(&checkout.aws().await, &name).await?,
        None => ecr::default_repository(&checkout.aws().await, &job.project.metadata.name).await?,
    };
    Ok(PushSettings {
        auth: auth_settings(checkout, Some(&target)).await,
        client: client(checkout),
        target,
        tags,
        create_repository: set.create_repository,
    })
}

/// How registries are spoken to: whoever waits for one is told.
pub(super) fn client(checkout: &Checkout<'_>) -> ClientSettings {
    let mut settings = ClientSettings::default();
    settings.retry.notices = checkout.progress.notices();
    settings
}

/// The same where the settings name a registry: then nobody has to be asked which it is. `None` where they do not, or where they are wrong, which
/// `sgbuild push` says.
pub(super) async fn named_whole(job: &Job<'_>) -> Option<PushSettings> {
    let set = job.checkout.settings.destination();
    match named(set.repository) {
        Ok(Some(Named::Registry { .. })) => settings(job).await.ok(),
        _ => None,
    }
}

/// The image that `text` names: in the registry that it names, or, where it is named as `repository` may be, in the account's own ECR.
pub(super) async fn image(text: &str, checkout: &Checkout<'_>) -> Result<Reference, Error> {
    if is_with_registry(text) {
        return Ok(text.parse()?);
    }
    let end = text.find(['@', ':']).unwrap_or(text.len());
    let (name, which) = text.split_at(end);
    let repository = ecr::own_repository(&checkout.aws().await, name).await?;
    Ok(format!("{repository}{which}").parse()?)
}

/// As in `docker push`: a first component with a dot or a port, or `localhost`, is a registry.
pub(super) fn is_with_registry(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or_default();
    name.contains('/') && (first.contains(['.', ':']) || first == "localhost")
}

/// The repository that the settings name.
enum Named {
    /// In a registry; with a tag, as the setuptools-docker pipeline's `FULL_NAME` has it.
    Registry {
        repository: Repository,
        tag: Option<String>,
    },
    /// In the account's own ECR.
    InEcr(String),
}

fn named(repository: Option<&str>) -> Result<Option<Named>, Error> {
    let Some(name) = repository else { return Ok(None) };
    if !is_with_registry(name) {
        return Ok(Some(Named::InEcr(name.to_owned())));
    }
    let reference = name.parse::<Reference>()?;
    if reference.digest.is_some() {
        return Err(CommandError::PushToDigest { name: name.to_owned() }.into());
    }
    Ok(Some(Named::Registry {
        repository: reference.repository,
        tag: reference.tag,
    }))
}
