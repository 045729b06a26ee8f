//! One tag: what it points at before the push, and what it is pointed at.

use super::{Error, Held, Push};
use crate::oci::{Digest, MediaType, Reference};
use crate::registry::client::Manifest;

/// What a tag is in the registry before the push.
pub(super) enum TagState {
    /// Free, or on an image that may be left behind.
    Free,
    /// On this very image.
    Ours(Held),
}

impl TagState {
    pub(super) fn image(&self) -> Option<&Held> {
        match self {
            Self::Ours(held) => Some(held),
            Self::Free => None,
        }
    }
}

impl Push<'_> {
    /// What each of the tags holds now.
    pub(super) async fn look_up_all(&self, tags: &[Reference]) -> Result<Vec<TagState>, Error> {
        let mut states = Vec::new();
        for tag in tags {
            states.push(self.look_up(tag).await?);
        }
        Ok(states)
    }

    /// What the tags come to that hold `manifests`.
    pub(super) async fn judge_all(
        &self,
        tags: &[Reference],
        manifests: Vec<Option<Manifest>>,
    ) -> Result<Vec<TagState>, Error> {
        let mut states = Vec::new();
        for (tag, manifest) in tags.iter().zip(manifests) {
            states.push(self.judge(tag, manifest).await?);
        }
        Ok(states)
    }

    /// What the tag holds now.
    pub(super) async fn look_up(&self, tag: &Reference) -> Result<TagState, Error> {
        let manifest = self.client.manifest(tag.api_reference()).await?;
        self.judge(tag, manifest).await
    }

    async fn judge(&self, tag: &Reference, manifest: Option<Manifest>) -> Result<TagState, Error> {
        let Some(manifest) = manifest else {
            return Ok(TagState::Free);
        };
        let digest = manifest.digest();
        match Held::read(manifest) {
            Ok(held) if self.is_the_image(&held, tag).await? => Ok(TagState::Ours(held)),
            _ if self.is_immutable(tag).await? => Err(Error::conflict(tag, digest)),
            _ => Ok(TagState::Free),
        }
    }

    /// Whether the image needs not be sent to a tag that holds this.
    async fn is_the_image(&self, held: &Held, tag: &Reference) -> Result<bool, Error> {
        if held.manifest.media_type != MediaType::DockerManifest || !self.is_ours(held) {
            return Ok(false);
        }
        // What an immutable tag holds cannot be put right.
        Ok(self.is_as_made(held) || self.is_alike(held) && self.is_immutable(tag).await?)
    }

    /// Lets `tag` point at the pushed manifest; `false` where an immutable tag stays on an older manifest of the same image.
    pub(super) async fn point(
        &self,
        tag: &Reference,
        state: &TagState,
        pushed: &Manifest,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let name = tag.api_reference();
        if let TagState::Ours(held) = state {
            if held.manifest.bytes == pushed.bytes {
                self.progress.detail(&format!("{name}: already there"));
                return Ok(true);
            }
            if self.is_immutable(tag).await? {
                let stays_on = held.manifest.digest();
                self.progress
                    .detail(&format!("{name}: stays on the same image's manifest {stays_on}"));
                return Ok(false);
            }
        }
        if self.client.manifest_digest(name).await?.as_ref() == Some(digest) {
            return Ok(true);
        }
        let held = self.put(tag, pushed, digest).await?;
        if held.as_ref() == Some(digest) {
            return Ok(true);
        }
        let held = held.map_or_else(|| "nothing".to_owned(), |held| held.to_string());
        Err(Error::not_confirmed(
            tag,
            format!("the tag holds {held} after {digest} was put there"),
        ))
    }

    /// Puts the manifest under the tag, and answers with what the tag then holds.
    async fn put(&self, tag: &Reference, pushed: &Manifest, digest: &Digest) -> Result<Option<Digest>, Error> {
        let name = tag.api_reference();
        let answered = match self.client.put_manifest(name, pushed).await {
            Ok(answered) => answered,
            // As after a failed push: what counts is what the tag holds.
            Err(error) => match self.client.manifest_digest(name).await {
                Ok(Some(held)) if held == *digest => Some(held),
                Ok(Some(held)) if self.is_immutable(tag).await? => return Err(Error::conflict(tag, held)),
                _ => return Err(error.into()),
            },
        };
        match answered {
            Some(answered) => Ok(Some(answered)),
            None => Ok(self.client.manifest(name).await?.map(|manifest| manifest.digest())),
        }
    }
}
