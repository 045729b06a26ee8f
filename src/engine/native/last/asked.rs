//! Asks the repository for its last image of ours. Whatever fails is a line of detail: then everything is fetched and made as ever.

use std::time::Duration;

use super::Last;
use crate::engine::native::base::Base;
use crate::engine::native::build::LAYERS;
use crate::engine::native::required::told;
use crate::engine::native::resolve::Resolved;
use crate::engine::native::{Error, Native};
use crate::engine::{Order, Target};
use crate::oci::{ImageManifest, MediaType, Repository};
use crate::progress::Progress;
use crate::registry::auth;
use crate::registry::client::{Access, Client};
use crate::registry::ecr::{self, EcrHost};

/// Of the notes: what the last image of a repository told.
const LAST: &str = "last";
/// The tag that is moved to the newest image where there is one.
const LATEST: &str = "latest";
/// So many images are looked at.
const LOOKED_AT: usize = 3;
/// The largest config that is read.
const LARGEST_CONFIG: u64 = 4 << 20;
/// What is only a help is not waited for long.
const CONNECTING: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);
const TRIES: u32 = 2;

impl Native {
    /// What the last image of the repository tells that `order` is for, where wheels are `missing` in the store: as it told before, or by
    /// asking.
    pub(in crate::engine::native) async fn last(
        &self,
        order: &Order<'_>,
        base: &Base,
        missing: &[&Resolved],
        progress: &dyn Progress,
    ) -> Option<Last> {
        let target = order
            .target
            .as_ref()
            .filter(|_| self.settings.last_image && !order.no_cache)?;
        if missing.is_empty() {
            return None;
        }
        let repository = target.repository.to_string();
        let key = format!("{repository} {} {}", base.manifest_digest, order.plan.platform);
        let kept: Option<Last> = self.store.note(LAST, &key);
        let is_new = |wheel: &&&Resolved| kept.as_ref().is_none_or(|last| told(wheel, last).is_none());
        let new = missing.iter().filter(is_new).count();
        let has_pushed = || self.last_pushed_to(&repository).is_some();
        // One wheel more where the last image is known is this checkout's own: nobody else has pushed it.
        if new == 0 || (new == 1 && (kept.is_some() || has_pushed())) {
            return kept;
        }
        match self.ask(order, target, base, progress).await {
            Ok(Some(last)) => {
                self.store.keep_note(LAST, &key, &last);
                Some(last)
            }
            Ok(None) => kept,
            Err(error) => {
                progress.detail(&format!(
                    "{repository} does not tell what its last image is made of: {error}"
                ));
                kept
            }
        }
    }

    async fn ask(
        &self,
        order: &Order<'_>,
        target: &Target<'_>,
        base: &Base,
        progress: &dyn Progress,
    ) -> Result<Option<Last>, Error> {
        let repository = target.repository;
        let credentials = auth::credentials(repository, target.auth).await?;
        let mut settings = self.settings.client.clone();
        settings.retry.tries = TRIES;
        settings.connect_timeout = CONNECTING;
        settings.answer_timeout = ANSWER;
        let client = Client::connect(repository, &credentials, Access::Pull, &settings).await?;
        let tags = match newest(target).await {
            Some(newest) => chosen(target.tags, &newest),
            None => chosen(target.tags, &by_likeness(target.tags, client.tags().await?)),
        };
        for tag in &tags {
            progress.check()?;
            match self.look_at(tag, &client, order, base, repository).await? {
                Ok(last) => {
                    progress.detail(&format!("{repository}:{tag} tells what its layers are made of"));
                    return Ok(Some(last));
                }
                Err(reason) => progress.detail(&format!("{repository}:{tag} {reason}")),
            }
        }
        Ok(None)
    }

    /// What one image tells, or why nothing.
    async fn look_at(
        &self,
        tag: &str,
        client: &Client,
        order: &Order<'_>,
        base: &Base,
        repository: &Repository,
    ) -> Result<Result<Last, String>, Error> {
        let Some(manifest) = client.manifest(tag).await? else {
            return Ok(Err("is not there any more".to_owned()));
        };
        if manifest.media_type != MediaType::DockerManifest {
            return Ok(Err(format!(
                "is no image of ours: it is of the type {}",
                manifest.media_type
            )));
        }
        let Ok(parsed) = ImageManifest::parse(&manifest.bytes) else {
            return Ok(Err("has a manifest that is not understood".to_owned()));
        };
        if parsed.config.size > LARGEST_CONFIG {
            return Ok(Err(format!("has a config of more than {} MB", LARGEST_CONFIG >> 20)));
        }
        let mut config = Vec::new();
        if !client.read_blob(&parsed.config, &mut config).await? {
            return Ok(Err("has no config".to_owned()));
        }
        let last = match Last::read(&parsed, &config, base, &order.plan.platform) {
            Ok(last) => last,
            Err(reason) => return Ok(Err(reason)),
        };
        if last.is_denied(|key| self.store.note(LAYERS, key)) {
            return Ok(Err(
                "says of a layer what it is not: nothing of it is believed".to_owned()
            ));
        }
        self.note_pushed(&repository.to_string(), &manifest);
        Ok(Ok(last))
    }
}

/// The tags of a repository of Amazon ECR's, which knows when each was pushed; `None` where nobody tells.
async fn newest(target: &Target<'_>) -> Option<Vec<String>> {
    let (host, aws) = (EcrHost::of(target.repository)?, target.auth.aws.as_ref()?);
    let newest = ecr::newest_tags(aws, &host, &target.repository.path).await;
    newest.ok().filter(|tags| !tags.is_empty())
}

/// The tags in the order in which their images are likely to be like the one that is made: the moving one, those of the same version,
/// and others.
fn by_likeness(pushed: &[String], mut there: Vec<String>) -> Vec<String> {
    let version = |tag: &str| {
        tag.rsplit_once('-')
            .map_or_else(|| tag.to_owned(), |(version, _)| version.to_owned())
    };
    let versions: Vec<String> = pushed.iter().map(|tag| version(tag)).collect();
    // Of several that are alike, the registry's last.
    there.reverse();
    there.sort_by_key(|tag| (tag != LATEST, !versions.contains(&version(tag))));
    there
}

/// Those that are looked at: what is pushed anew, and the likeliest of the others.
fn chosen(pushed: &[String], there: &[String]) -> Vec<String> {
    let is_pushed = |tag: &&String| pushed.contains(tag);
    let first = there.iter().filter(is_pushed);
    let others = there.iter().filter(|tag| !is_pushed(tag));
    first.chain(others).take(LOOKED_AT).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{by_likeness, chosen};

    #[test]
    fn the_likeliest_images_are_looked_at_first() {
        let tags = |tags: &[&str]| -> Vec<String> { tags.iter().map(|tag| (*tag).to_owned()).collect() };
        let pushed = tags(&["1.1-aaaaaaa", "main"]);
        let there = tags(&["0.9", "1.0-bbbbbbb", "1.1-ccccccc", "1.1-ddddddd", "latest", "main"]);
        let order = by_likeness(&pushed, there.clone());
        assert_eq!(
            order,
            ["latest", "main", "1.1-ddddddd", "1.1-ccccccc", "1.0-bbbbbbb", "0.9"]
        );
        assert_eq!(chosen(&pushed, &order), ["main", "latest", "1.1-ddddddd"]);
        // Where the registry knows which are the newest, that counts.
        assert_eq!(chosen(&pushed, &there), ["main", "0.9", "1.0-bbbbbbb"]);
        assert!(chosen(&pushed, &[]).is_empty());
    }
}
