//! ECR's passwords, kept until they are about to expire, as Docker's own helper for ECR keeps them: in a file of the user's alone.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::EcrHost;
use crate::cache;
use crate::oci::Digest;
use crate::reading::{self, SETTINGS_FILE};

/// The directory in sgbuild's cache.
const NAME: &str = "ecr";
/// How long a password must be good still: a push of gigabytes takes its time.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// ECR's answer, as it came.
#[derive(Serialize, Deserialize)]
struct Entry {
    token: String,
    expires_at: Timestamp,
}

/// The place of one password: that of a registry, for whoever asks.
pub(super) struct Place(PathBuf);

impl Place {
    /// In the directory `cache`; `None` where nothing can be kept. Other AWS credentials have another place.
    pub(super) async fn of(cache: &Path, config: &SdkConfig, host: &EcrHost) -> Option<Self> {
        let directory = cache::directory(cache, NAME).ok()?;
        let credentials = config.credentials_provider()?.provide_credentials().await.ok()?;
        let asked = [
            &host.account,
            &host.region,
            credentials.access_key_id(),
            config.endpoint_url().unwrap_or_default(),
        ];
        let name = Digest::of(asked.join("\n").as_bytes());
        Some(Self(directory.join(name.as_str().trim_start_matches("sha256:"))))
    }

    /// The token that is kept, while it is good for long enough.
    pub(super) fn token(&self) -> Option<String> {
        let entry: Entry = serde_json::from_slice(&reading::bytes(&self.0, SETTINGS_FILE).ok()?).ok()?;
        let is_good = entry.expires_at.duration_since(Timestamp::now()) > MARGIN;
        is_good.then_some(entry.token)
    }

    /// Keeps a token. Where that cannot be, the next run asks again.
    pub(super) fn keep(&self, token: &str, expires_at: Timestamp) {
        let entry = Entry {
            token: token.to_owned(),
            expires_at,
        };
        let _ = self.write(&entry);
    }

    fn write(&self, entry: &Entry) -> std::io::Result<()> {
        // It is made for its owner alone: https://docs.rs/tempfile.
        let mut file = NamedTempFile::new_in(self.0.parent().unwrap_or(&self.0))?;
        file.write_all(&serde_json::to_vec(entry)?)?;
        file.persist(&self.0)?;
        Ok(())
    }

    /// Forgets it: the registry refused it.
    pub(super) fn forget(&self) {
        // What is still there is refused again.
        let _ = fs::remove_file(&self.0);
    }
}
