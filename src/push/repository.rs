//! The repository that is pushed to.

use super::{Error, PushSettings};
use crate::progress::Progress;
use crate::registry::auth;
use crate::registry::ecr::{self, EcrHost, TagMutability};

/// ECR wants a repository to exist before a push; other registries make it of the push.
pub(super) async fn ensure(settings: &PushSettings, progress: &dyn Progress) -> Result<TagMutability, Error> {
    let (Some(host), Some(aws)) = (EcrHost::of(&settings.target), &settings.auth.aws) else {
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
        Err(error) if error.lacks_credentials() && is_logged_in(settings).await => {
            progress.warn(&format!("{error}: the repository {path} is taken to exist"));
            Ok(TagMutability::default())
        }
        Err(error) => Err(error.into()),
    }
}

/// Which tags of the repository may be moved; `None` where it is missing or cannot be asked for.
pub(super) async fn described(settings: &PushSettings) -> Option<TagMutability> {
    let (Some(host), Some(aws)) = (EcrHost::of(&settings.target), &settings.auth.aws) else {
        return Some(TagMutability::default());
    };
    ecr::describe(aws, &host, &settings.target.path).await.ok().flatten()
}

async fn is_logged_in(settings: &PushSettings) -> bool {
    auth::credentials(&settings.target, &settings.auth).await.is_ok()
}
