//! A project's directory with its settings: what every verb starts from.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

use super::aws_answers;
use crate::error::Error;
use crate::progress::Progress;
use crate::revision::{self, Commit, Revision};
use crate::settings::{Definition, Environment, Settings, Value};

/// How long AWS may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to answer a request, the upload of this program among them.
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// A project's directory, its settings, and whom to tell what happens.
pub(crate) struct Checkout<'a> {
    pub(crate) settings: Settings,
    pub(crate) progress: &'a dyn Progress,
    revision: OnceCell<Option<Revision>>,
}

impl<'a> Checkout<'a> {
    pub(super) fn open(
        directory: &Path,
        flags: Vec<(&'static Definition, Value)>,
        environment: Environment,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let settings = Settings::resolve(directory, flags, environment)?;
        for (name, meant) in settings.misspelt_variables() {
            progress.warn(&format!("there is no setting {name}; did you mean {meant}?"));
        }
        Ok(Self {
            settings,
            progress,
            revision: OnceCell::new(),
        })
    }

    /// What git says; asked once. A checkout that git refuses to read is warned of: the image will not name its commit.
    pub(crate) fn revision(&self) -> Result<Option<&Revision>, Error> {
        if let Some(known) = self.revision.get() {
            return Ok(known.as_ref());
        }
        let environment = self.settings.environment().all();
        let read = match Revision::read(self.settings.root(), environment, self.progress) {
            Ok(read) => read,
            Err(revision::Error::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(refused) => {
                self.progress.warn(&refused.to_string());
                None
            }
        };
        Ok(self.revision.get_or_init(|| read).as_ref())
    }

    /// The commit that an image of this checkout is of.
    pub(super) fn commit(&self) -> Result<Option<Commit>, Error> {
        Ok(self.settings.commit(self.revision()?))
    }

    /// The AWS configuration: environment, profile files, container or instance roles, with the setting `region` over them.
    pub(crate) async fn aws(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .http_client(aws_answers::http_client());
        if let Ok(name) = AppName::new(concat!("sgbuild-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(region) = self.settings.account().region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        loader.load().await
    }
}
