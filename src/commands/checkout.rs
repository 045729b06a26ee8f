//! A project's directory with its settings: what every verb starts from.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use aws_config::SdkConfig;

use super::CommandError;
use crate::aws;
use crate::error::Error;
use crate::progress::Progress;
use crate::revision::{self, Commit, Revision};
use crate::settings::{Definition, Environment, Settings, Value};

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

    /// Ends a push or training in a build of CodeBuild's that has failed already: a build of an image of one's own reaches its last
    /// phase in spite of `on-failure: ABORT`, and what `dist/image.json` names then may be of an earlier build. See `CODEBUILD_BUILD_SUCCEEDING`
    /// among the [variables](https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html).
    pub(super) fn check_build(&self) -> Result<(), CommandError> {
        let environment = self.settings.environment();
        let fails = environment.get("CODEBUILD_BUILD_SUCCEEDING") == Some("0");
        if fails && environment.get("CODEBUILD_BUILD_ID").is_some() {
            return Err(CommandError::BuildFailed);
        }
        Ok(())
    }

    /// What git says; asked once. A checkout that git refuses to read is warned of: the image will not name its commit.
    pub(crate) fn revision(&self) -> Result<Option<&Revision>, Error> {
        self.revision_with(&[])
    }

    /// The same, where `neighbours` are built as well: whoever asks first says so.
    pub(super) fn revision_with(&self, neighbours: &[PathBuf]) -> Result<Option<&Revision>, Error> {
        if let Some(known) = self.revision.get() {
            return Ok(known.as_ref());
        }
        let environment = self.settings.environment().all();
        let read = match Revision::read(self.settings.root(), neighbours, environment, self.progress) {
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

    /// The AWS configuration, with the setting `region` over it.
    pub(crate) async fn aws(&self) -> SdkConfig {
        aws::configuration(self.settings.account().region).await
    }
}
