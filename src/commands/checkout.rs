//! A project's directory with its settings: what every verb starts from.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;

use super::CommandError;
use crate::aws;
use crate::error::Error;
use crate::progress::{Abandonable, Progress, seconds};
use crate::revision::{self, Asked, Commit, Revision};
use crate::settings::{Definition, Environment, Settings, Value};

/// After so long people want to know how long it was.
const LONG: Duration = Duration::from_secs(2);

/// A project's directory, its settings, and whom to tell what happens.
pub(crate) struct Checkout<'a> {
    pub(crate) settings: Settings,
    pub(crate) progress: &'a dyn Progress,
    /// When the command began.
    begun: Instant,
    revision: OnceCell<Option<Revision>>,
    aws: tokio::sync::OnceCell<SdkConfig>,
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
            begun: Instant::now(),
            revision: OnceCell::new(),
            aws: tokio::sync::OnceCell::new(),
        })
    }

    /// Says that all is done, in what time, and what it came to.
    pub(super) fn done(&self, outcome: &str) {
        let took = seconds(self.begun.elapsed());
        let colon = if outcome.is_empty() { "" } else { ": " };
        self.progress
            .step(&format!("Done in {}{colon}{outcome}", took.trim_start()));
    }

    /// The same, where it took so long that people ask.
    pub(super) fn done_at_last(&self) {
        if self.begun.elapsed() >= LONG {
            self.done("");
        }
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
        if let Some(known) = self.revision.get() {
            return Ok(known.as_ref());
        }
        let (root, environment) = (self.settings.root(), self.settings.environment().all());
        let asked = Asked::about(root, environment, self.progress);
        self.keep(asked, &[])
    }

    /// Asks git while `work` is done, and what that comes to. `neighbours` are built as well.
    pub(super) fn revision_meanwhile<T>(
        &self,
        work: impl FnOnce() -> Result<T, Error>,
        neighbours: impl FnOnce(&T) -> Vec<PathBuf>,
    ) -> Result<T, Error> {
        let (root, environment) = (self.settings.root(), self.settings.environment().all());
        let asking = Abandonable::new(self.progress);
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| Asked::about(root, environment, &asking));
            let done = work();
            if done.is_err() {
                asking.abandon();
            }
            let asked = asked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let done = done?;
            self.keep(asked, &neighbours(&done))?;
            Ok(done)
        })
    }

    fn keep(
        &self,
        asked: Result<Option<Asked<'_>>, revision::Error>,
        neighbours: &[PathBuf],
    ) -> Result<Option<&Revision>, Error> {
        let said = asked.and_then(|asked| asked.map(|asked| asked.with(neighbours)).transpose());
        let read = match said {
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

    /// The AWS configuration, with the setting `region` over it; read once.
    pub(crate) async fn aws(&self) -> SdkConfig {
        let read = || aws::configuration(self.settings.account().region);
        self.aws.get_or_init(read).await.clone()
    }
}
