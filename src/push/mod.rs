//! `BuiltImage ─▶ PushedImage`: the push, verified by what the registry answers.

mod ahead;
mod attachment;
mod error;
mod repository;
mod tag;

pub use ahead::Ahead;
pub use attachment::Attachment;
pub use error::Error;

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::engine::{Amounts, BuiltImage, Destination, Engine, Sent};
use crate::explain::{Explain as _, Fault};
use crate::oci::{Digest, ImageManifest, MediaType, Reference, Repository};
use crate::progress::Progress;
use crate::registry::Credentials;
use crate::registry::auth::{self, AuthSettings};
use crate::registry::client::{Access, Client, ClientSettings, Manifest};
use crate::registry::ecr::TagMutability;
use ahead::Found;
use tag::TagState;

/// An image that a registry confirmed to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedImage {
    /// Where it is.
    pub repository: Repository,
    /// The manifest's digest as the registry reports it.
    pub digest: Digest,
    /// The tags that point at it.
    pub tags: Vec<String>,
    /// The manifest's media type; SageMaker wants Docker v2 schema 2.
    pub media_type: MediaType,
    /// The digest of the image config: the built image's id, unless that is the manifest's.
    pub config_digest: Digest,
    /// Compressed size of all layers in bytes.
    pub size: u64,
    /// The digest of the manifest that attaches a list of what is in it, where one is attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sbom: Option<Digest>,
    /// What of the layers was sent, and what was there already, where that is known for certain.
    #[serde(skip)]
    pub amounts: Option<Amounts>,
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

/// Pushes `image` under every tag, and returns what the registry confirmed. A tag that already holds the image is left as
/// it is; if one does, no layer is sent at all. `ahead` is what was found out of the repository meanwhile. An `attachment` that the registry
/// does not take is warned of.
///
/// # Errors
/// A missing repository or permission, an immutable tag on another image ([`Error::TagConflict`]), an engine or registry that
/// failed for good, a manifest that SageMaker rejects, anything that the registry did not confirm.
pub async fn push(
    image: &BuiltImage,
    engine: &dyn Engine,
    settings: &PushSettings,
    ahead: Ahead,
    attachment: Option<Attachment<'_>>,
    progress: &dyn Progress,
) -> Result<PushedImage, Error> {
    let tags = references(settings)?;
    progress.step(&format!("Pushing to {}", settings.target));
    let mut found = match ahead.found().await {
        Some(found) => found,
        None => Found::of(settings, progress).await?,
    };
    let seen = found.fresh_tags();
    let mut push = Push {
        image,
        made: engine.manifest(image).and_then(|text| Made::read(&text)),
        client: found.client,
        credentials: found.credentials,
        mutability: OnceCell::new_with(found.mutability),
        holds_last: found.holds_last,
        settings,
        progress,
    };
    let looked_up = match seen {
        Some(seen) => push.judge_all(&tags, seen).await,
        None => push.look_up_all(&tags).await,
    };
    let states = match looked_up {
        // A password that was kept may have been withdrawn meanwhile.
        Err(error) if error.is_refused() && auth::forget(&settings.target, &settings.auth).await => {
            (push.client, push.credentials) = connect(settings).await?;
            push.look_up_all(&tags).await?
        }
        looked_up => looked_up?,
    };
    let (held, sent) = if let Some(held) = states.iter().find_map(TagState::image) {
        (held.clone(), None)
    } else {
        let (held, sent) = push.send(engine, &tags[0]).await?;
        (held, Some(sent))
    };
    let digest = push.confirmed_digest(&tags[0], &held.manifest).await?;
    let mut confirmed = Vec::new();
    for (at, (tag, state)) in tags.iter().zip(&states).enumerate() {
        // The first tag was read after the image was sent to it.
        if sent.is_some() && at == 0 || push.point(tag, state, &held.manifest, &digest).await? {
            confirmed.push(tag.api_reference().to_owned());
        }
    }
    let sbom = match attachment {
        Some(attachment) => push.attach(attachment, &held.manifest).await,
        None => None,
    };
    let size = held.image.layers_size();
    Ok(PushedImage {
        amounts: match sent {
            Some(sent) => sent.amounts(&held.image),
            None => Some(Amounts { sent: 0, there: size }),
        },
        repository: settings.target.clone(),
        digest,
        tags: confirmed,
        media_type: held.manifest.media_type,
        size,
        config_digest: held.image.config.digest,
        sbom,
    })
}

/// The digest of the manifest that the repository has under `tag`; `None` where it has none. Nothing is made or changed there.
///
/// # Errors
/// The registry does not answer, or not to these credentials.
pub async fn held(settings: &PushSettings, tag: &str) -> Result<Option<Digest>, Error> {
    let (client, _) = connect(settings).await?;
    Ok(client.manifest(tag).await?.map(|manifest| manifest.digest()))
}

/// A client for the repository, with the credentials that it uses.
async fn connect(settings: &PushSettings) -> Result<(Client, Credentials), Error> {
    let credentials = auth::credentials(&settings.target, &settings.auth).await?;
    let client = Client::connect(&settings.target, &credentials, Access::PullPush, &settings.client).await?;
    Ok((client, credentials))
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
        return Err(Error::NoTag {
            repository: settings.target.to_string(),
        });
    }
    Ok(references)
}

/// One push: an image on its way into one repository.
struct Push<'a> {
    image: &'a BuiltImage,
    /// Where the engine knows it.
    made: Option<Made>,
    client: Client,
    credentials: Credentials,
    /// Asked for when a tag is in the way.
    mutability: OnceCell<TagMutability>,
    /// See [`Destination`].
    holds_last: bool,
    settings: &'a PushSettings,
    progress: &'a dyn Progress,
}

/// The manifest that the engine has of the image.
struct Made {
    digest: Digest,
    /// How many layers it names.
    layers: usize,
}

impl Made {
    fn read(text: &str) -> Option<Self> {
        let image = ImageManifest::parse(text.as_bytes()).ok()?;
        Some(Self {
            digest: Digest::of(text.as_bytes()),
            layers: image.layers.len(),
        })
    }
}

/// A manifest in the registry, read as one image's.
#[derive(Debug, Clone)]
struct Held {
    /// As received.
    manifest: Manifest,
    /// What it says.
    image: ImageManifest,
}

impl Held {
    /// The error says why the manifest is not one image's (an index, say).
    fn read(manifest: Manifest) -> Result<Self, String> {
        let image = ImageManifest::parse(&manifest.bytes);
        let image = image.map_err(|error| format!("its manifest is not an image manifest: {error}"))?;
        Ok(Self { manifest, image })
    }
}

impl Push<'_> {
    /// Whether a manifest is that of the image: by its config, or, where an engine's image ids are manifest digests, by itself.
    fn is_ours(&self, held: &Held) -> bool {
        held.image.config.digest == self.image.id || held.manifest.digest() == self.image.id
    }

    /// Whether it is the very one that the engine has, where that is known: a config alone does not say which layers the registry has.
    fn is_as_made(&self, held: &Held) -> bool {
        let made = self.made.as_ref();
        made.is_none_or(|made| made.digest == held.manifest.digest())
    }

    /// Whether it may be the same image's, compressed otherwise, as by an earlier release.
    fn is_alike(&self, held: &Held) -> bool {
        let made = self.made.as_ref();
        made.is_none_or(|made| made.layers == held.image.layers.len())
    }

    /// Whether the tag, if it exists, stays with its image.
    async fn is_immutable(&self, tag: &Reference) -> Result<bool, Error> {
        let ensured = || repository::ensure(self.settings, self.progress);
        let mutability = self.mutability.get_or_try_init(ensured).await?;
        Ok(mutability.is_immutable(tag.api_reference()))
    }

    /// Has the engine send the image under `tag`, and answers with what the registry then holds, and what came of the layers.
    async fn send(&mut self, engine: &dyn Engine, tag: &Reference) -> Result<(Held, Sent), Error> {
        let sent = match self.send_layers(engine, tag).await {
            Ok(sent) => sent,
            Err(error) => {
                self.after_failure(tag, error).await?;
                Sent::default()
            }
        };
        let held = self.verified(tag).await?;
        let is_another = |put: &&Digest| **put != held.manifest.digest();
        if let Some(put) = sent.manifest.as_ref().filter(is_another) {
            let holds = held.manifest.digest();
            let reason = format!("the tag holds the manifest {holds}, and {put} was put there");
            return Err(Error::not_confirmed(tag, reason));
        }
        Ok((held, sent))
    }

    /// Tries again while a failure is a passing one, and once with a new password where one ended on the way: ECR's are good for twelve
    /// hours, and a kept one for as little as one more.
    async fn send_layers(&mut self, engine: &dyn Engine, tag: &Reference) -> Result<Sent, Error> {
        let retry = &self.settings.client.retry;
        let mut is_renewed = false;
        let mut tries = 0;
        loop {
            let destination = Destination {
                reference: tag,
                credentials: &self.credentials,
                client: &self.client,
                holds_last: self.holds_last,
            };
            let error = match engine.send(self.image, &destination, self.progress).await {
                // What was there now may have been sent by a try that failed.
                Ok(sent) if tries == 0 && !is_renewed => return Ok(sent),
                Ok(sent) => return Ok(sent.without_layers()),
                Err(error) => error,
            };
            if error.is_refused() && !is_renewed && auth::forget(&self.settings.target, &self.settings.auth).await {
                is_renewed = true;
                (self.client, self.credentials) = connect(self.settings).await?;
                continue;
            }
            tries += 1;
            if error.advice().fault != Fault::Temporary || error.is_tried_again() {
                return Err(error.into());
            }
            let Some(wait) = retry.wait(tries, None) else {
                return Err(error.into());
            };
            self.progress
                .warn(&format!("{error}; trying again ({} of {})", tries + 1, retry.tries));
            tokio::time::sleep(wait).await;
        }
    }

    /// A failure may be the answer to a second try whose first one arrived, or to one that came after somebody else's: the tag
    /// then holds the image, or an immutable one is taken.
    async fn after_failure(&self, tag: &Reference, error: Error) -> Result<(), Error> {
        if !self.is_immutable(tag).await? {
            return Err(error);
        }
        match self.look_up(tag).await {
            Ok(TagState::Ours(_)) => Ok(()),
            Err(conflict @ Error::TagConflict { .. }) => Err(conflict),
            _ => Err(error),
        }
    }

    /// The manifest that the registry holds under `tag` after the push, if it is the image's and one that SageMaker takes.
    async fn verified(&self, tag: &Reference) -> Result<Held, Error> {
        let unconfirmed = |reason: String| Error::not_confirmed(tag, reason);
        let manifest = self.client.manifest(tag.api_reference()).await?;
        let manifest = manifest.ok_or_else(|| unconfirmed("the registry has no manifest under this tag".to_owned()))?;
        if manifest.media_type != MediaType::DockerManifest {
            return Err(Error::MediaType {
                reference: tag.to_string(),
                media_type: manifest.media_type,
            });
        }
        let held = Held::read(manifest).map_err(unconfirmed)?;
        if self.is_ours(&held) {
            return Ok(held);
        }
        let other = &held.image.config.digest;
        Err(unconfirmed(format!(
            "the tag holds the image {other}, not {}",
            self.image.id
        )))
    }

    /// The digest that the registry itself answers for the manifest, checked against the bytes it sent.
    async fn confirmed_digest(&self, tag: &Reference, manifest: &Manifest) -> Result<Digest, Error> {
        let computed = manifest.digest();
        match &manifest.answered_digest {
            Some(answered) if *answered == computed => Ok(computed),
            Some(answered) => Err(Error::not_confirmed(
                tag,
                format!("the registry calls the manifest {answered}, its bytes are {computed}"),
            )),
            // A registry that names no digests confirms this one by serving it.
            None => match self.client.manifest(computed.as_str()).await? {
                Some(served) if served.bytes == manifest.bytes => Ok(computed),
                _ => Err(Error::not_confirmed(
                    tag,
                    format!("the registry does not serve the manifest as {computed}"),
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests;
