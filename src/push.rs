//! `BuiltImage ─▶ PushedImage`: the push, verified by what the registry answers.

use serde::{Deserialize, Serialize};

use crate::engine::{BuiltImage, Engine};
use crate::explain::{Explain as _, Fault};
use crate::progress::Progress;
use crate::registry::auth::{self, AuthSettings, Credentials};
use crate::registry::client::{Access, Client, ClientSettings, DOCKER_MANIFEST, Manifest};
use crate::registry::ecr::{self, TagMutability};
use crate::registry::reference::{Reference, Repository};

mod error;
mod manifest;

pub use error::Error;
use manifest::ImageManifest;

/// An image that a registry confirmed to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedImage {
    /// `host/path` without tag or digest.
    pub repository: String,
    /// The manifest's digest as the registry reports it, `sha256:…`.
    pub digest: String,
    /// The tags that point at it.
    pub tags: Vec<String>,
    /// The manifest's media type; SageMaker wants Docker v2 schema 2.
    pub media_type: String,
    /// The digest of the image config: equals the built image's id.
    pub config_digest: String,
    /// Compressed size of all layers in bytes.
    pub size: u64,
}

impl PushedImage {
    /// `repository@digest`: what is printed and trained.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}

/// Where and how to push.
#[derive(Debug, Clone)]
pub struct PushSettings {
    /// The repository.
    pub target: Repository,
    /// The tags the image gets there, at least one.
    pub tags: Vec<String>,
    /// Create a missing ECR repository rather than refuse. Other registries create repositories by themselves.
    pub create_repository: bool,
    /// Where credentials come from.
    pub auth: AuthSettings,
    /// How to talk to the registry.
    pub client: ClientSettings,
}

/// What a tag is in the registry before the push.
enum TagState {
    /// Free, or on an image that may be left behind.
    Free,
    /// On this very image.
    Ours(ImageManifest),
}

/// Pushes `image` under every tag, and returns what the registry confirmed. A tag that already holds the image is left as
/// it is; if one does, no layer is sent at all.
///
/// # Errors
/// A missing repository or permission, an immutable tag on another image ([`Error::TagConflict`]), an engine or registry that
/// failed for good, a manifest that SageMaker rejects, anything that the registry did not confirm.
pub async fn push(
    image: &BuiltImage,
    engine: &dyn Engine,
    settings: &PushSettings,
    progress: &dyn Progress,
) -> Result<PushedImage, Error> {
    let tags = references(settings)?;
    progress.step(&format!("Pushing to {}", settings.target));
    let mutability = ensure_repository(settings, progress).await?;
    let credentials = auth::credentials(&settings.target, &settings.auth).await?;
    let client = Client::connect(&settings.target, &credentials, Access::PullPush, &settings.client).await?;

    let mut states = Vec::new();
    for tag in &tags {
        states.push(look_up(&client, image, tag, &mutability).await?);
    }
    let present = states.iter().find_map(|state| match state {
        TagState::Ours(manifest) => Some(manifest.clone()),
        TagState::Free => None,
    });
    let pushed = if let Some(manifest) = present {
        manifest
    } else {
        let sent = push_layers(image, engine, &tags[0], &credentials, settings, progress).await;
        if let Err(error) = sent {
            after_failure(&client, image, &tags[0], &mutability, error).await?;
        }
        verified(&client, image, &tags[0]).await?
    };
    let digest = confirmed_digest(&client, &tags[0], &pushed.raw).await?;

    let mut confirmed = Vec::new();
    for (tag, state) in tags.iter().zip(&states) {
        if point_at(&client, tag, state, &pushed, &digest, &mutability, progress).await? {
            confirmed.push(name_of(tag).to_owned());
        }
    }
    Ok(PushedImage {
        repository: settings.target.to_string(),
        digest,
        tags: confirmed,
        media_type: pushed.raw.media_type.clone(),
        config_digest: pushed.config_digest,
        size: pushed.layers_size,
    })
}

/// The tags as references, each once; nothing is sent if one is not a tag.
fn references(settings: &PushSettings) -> Result<Vec<Reference>, Error> {
    let mut references: Vec<Reference> = Vec::new();
    for tag in &settings.tags {
        let reference = settings.target.tagged(tag)?;
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    if references.is_empty() {
        Err(Error::NoTag {
            repository: settings.target.to_string(),
        })
    } else {
        Ok(references)
    }
}

/// The tag's own name.
fn name_of(tag: &Reference) -> &str {
    tag.api_reference()
}

/// ECR wants a repository to exist before a push; other registries make it of the push.
async fn ensure_repository(settings: &PushSettings, progress: &dyn Progress) -> Result<TagMutability, Error> {
    let (Some(host), Some(aws)) = (settings.target.ecr(), &settings.auth.aws) else {
        return Ok(TagMutability::default());
    };
    let path = &settings.target.path;
    match ecr::ensure_repository(aws, &host, path, settings.create_repository).await {
        Ok(state) => {
            if state.created {
                progress.detail(&format!(
                    "created the ECR repository {path} (scan on push) in {}",
                    host.region
                ));
            }
            Ok(state.tags)
        }
        // Without AWS credentials a `docker login` may still do: then the repository must be there.
        Err(error) if error.lacks_credentials() && logged_in(settings).await => {
            progress.warn(&format!("{error}: the repository {path} is taken to exist"));
            Ok(TagMutability::default())
        }
        Err(error) => Err(error.into()),
    }
}

async fn logged_in(settings: &PushSettings) -> bool {
    auth::credentials(&settings.target, &settings.auth).await.is_ok()
}

/// What the tag holds now.
async fn look_up(
    client: &Client,
    image: &BuiltImage,
    tag: &Reference,
    mutability: &TagMutability,
) -> Result<TagState, Error> {
    let Some(raw) = client.manifest(name_of(tag)).await? else {
        return Ok(TagState::Free);
    };
    let digest = raw.digest();
    match ImageManifest::parse(raw) {
        Ok(manifest) if manifest.is_for_sagemaker() && manifest.holds(image) => Ok(TagState::Ours(manifest)),
        _ if mutability.is_immutable(name_of(tag)) => Err(Error::TagConflict {
            repository: tag.repository.to_string(),
            tag: name_of(tag).to_owned(),
            digest,
        }),
        _ => Ok(TagState::Free),
    }
}

/// The engine's push, tried again while its failure is a passing one.
async fn push_layers(
    image: &BuiltImage,
    engine: &dyn Engine,
    tag: &Reference,
    credentials: &Credentials,
    settings: &PushSettings,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let retry = &settings.client.retry;
    let mut tries = 0;
    loop {
        let Err(error) = engine.push(image, tag, credentials, progress).await else {
            return Ok(());
        };
        tries += 1;
        if error.advice().fault != Fault::Temporary {
            return Err(error.into());
        }
        let Some(wait) = retry.wait(tries, None) else {
            return Err(error.into());
        };
        progress.warn(&format!("{error}; trying again ({} of {})", tries + 1, retry.tries));
        tokio::time::sleep(wait).await;
    }
}

/// A failure may be the answer to a second try whose first one arrived, or to one that came after somebody else's: the tag
/// then holds the image, or an immutable one is taken.
async fn after_failure(
    client: &Client,
    image: &BuiltImage,
    tag: &Reference,
    mutability: &TagMutability,
    error: Error,
) -> Result<(), Error> {
    if !mutability.is_immutable(name_of(tag)) {
        return Err(error);
    }
    match look_up(client, image, tag, mutability).await {
        Ok(TagState::Ours(_)) => Ok(()),
        Err(conflict @ Error::TagConflict { .. }) => Err(conflict),
        _ => Err(error),
    }
}

/// The manifest that the registry holds under `tag` after the push, if it is the image's and one that SageMaker takes.
async fn verified(client: &Client, image: &BuiltImage, tag: &Reference) -> Result<ImageManifest, Error> {
    let unconfirmed = |reason: String| Error::NotConfirmed {
        reference: tag.to_string(),
        reason,
    };
    let raw = client.manifest(name_of(tag)).await?;
    let raw = raw.ok_or_else(|| unconfirmed("the registry has no manifest under this tag".to_owned()))?;
    if raw.media_type != DOCKER_MANIFEST {
        return Err(Error::MediaType {
            reference: tag.to_string(),
            media_type: raw.media_type,
        });
    }
    let manifest = ImageManifest::parse(raw).map_err(unconfirmed)?;
    if !manifest.holds(image) {
        let held = &manifest.config_digest;
        return Err(unconfirmed(format!("the tag holds the image {held}, not {}", image.id)));
    }
    Ok(manifest)
}

/// The digest that the registry itself answers for the manifest, checked against the bytes it sent.
async fn confirmed_digest(client: &Client, tag: &Reference, raw: &Manifest) -> Result<String, Error> {
    let unconfirmed = |reason: String| Error::NotConfirmed {
        reference: tag.to_string(),
        reason,
    };
    let computed = raw.digest();
    match &raw.answered_digest {
        Some(answered) if *answered == computed => Ok(computed),
        Some(answered) => Err(unconfirmed(format!(
            "the registry calls the manifest {answered}, its bytes are {computed}"
        ))),
        // A registry that names no digests confirms this one by serving it.
        None => match client.manifest(&computed).await? {
            Some(served) if served.bytes == raw.bytes => Ok(computed),
            _ => Err(unconfirmed(format!(
                "the registry does not serve the manifest as {computed}"
            ))),
        },
    }
}

/// Lets `tag` point at the pushed manifest; `false` where an immutable tag stays on an older manifest of the same image.
async fn point_at(
    client: &Client,
    tag: &Reference,
    state: &TagState,
    pushed: &ImageManifest,
    digest: &str,
    mutability: &TagMutability,
    progress: &dyn Progress,
) -> Result<bool, Error> {
    let name = name_of(tag);
    if let TagState::Ours(held) = state {
        if held.raw.bytes == pushed.raw.bytes {
            progress.detail(&format!("{name}: already there"));
            return Ok(true);
        }
        if mutability.is_immutable(name) {
            progress.detail(&format!(
                "{name}: stays on the same image's manifest {}",
                held.raw.digest()
            ));
            return Ok(false);
        }
    }
    if client.manifest_digest(name).await?.as_deref() == Some(digest) {
        return Ok(true);
    }
    let answered = match client.put_manifest(name, &pushed.raw).await {
        Ok(answered) => answered,
        // As after a failed push: what counts is what the tag holds.
        Err(error) => match client.manifest_digest(name).await {
            Ok(Some(held)) if held == digest => Some(held),
            Ok(Some(held)) if mutability.is_immutable(name) => {
                return Err(Error::TagConflict {
                    repository: tag.repository.to_string(),
                    tag: name.to_owned(),
                    digest: held,
                });
            }
            _ => return Err(error.into()),
        },
    };
    let held = match answered {
        Some(answered) => Some(answered),
        None => client.manifest(name).await?.map(|manifest| manifest.digest()),
    };
    if held.as_deref() == Some(digest) {
        return Ok(true);
    }
    let held = held.unwrap_or_else(|| "nothing".to_owned());
    Err(Error::NotConfirmed {
        reference: tag.to_string(),
        reason: format!("the tag holds {held} after {digest} was put there"),
    })
}

#[cfg(test)]
mod tests;
