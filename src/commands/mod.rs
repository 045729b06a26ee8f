//! The verbs, one file each: settings, then the library, then what is printed.

mod build;
mod completions;
mod destroy;
mod dist;
mod github;
mod inspect;
mod launch;
mod logs;
mod push;
mod runs;
mod settings;
mod status;
mod train;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use serde::Serialize;

use crate::cli::{AsSettings as _, Command};
use crate::error::Error;
use crate::progress::Progress;
use crate::project::{self, Project};
use crate::revision::Revision;
use crate::secret::Secret;
use crate::settings::{Environment, Settings};

/// How long AWS may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to answer a request, the upload of this program among them.
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// Prints on stdout at once: for a command whose data comes over hours.
pub type Print<'a> = dyn Fn(&str) -> io::Result<()> + Send + Sync + 'a;

/// Runs a command and returns what it prints on stdout at its end.
///
/// # Errors
/// Whatever stage failed; see [`Error`].
pub async fn run(
    command: &Command,
    progress: &dyn Progress,
    print: &Print<'_>,
    environment: Environment,
) -> Result<String, Error> {
    let flags = command.settings();
    let open = |directory: &Path| Checkout::open(directory, flags, environment, progress);
    match command {
        Command::Inspect(arguments) => inspect::run(arguments, &open(&arguments.directory.directory)?),
        Command::Dist(arguments) => dist::run(arguments, &open(&arguments.directory.directory)?),
        Command::Build(arguments) => build::run(arguments, &open(&arguments.directory.directory)?).await,
        Command::Push(arguments) => Box::pin(push::run(arguments, &open(&arguments.directory.directory)?)).await,
        Command::Train(arguments) => train::run(arguments, &open(&arguments.directory.directory)?).await,
        Command::Runs(arguments) => runs::run(arguments, &open(&arguments.directory.directory)?).await,
        Command::Logs(arguments) => logs::run(arguments, &open(Path::new("."))?, print).await,
        Command::Launch(arguments) => launch::run(arguments, &open(&arguments.directory.directory)?).await,
        Command::Status(arguments) => status::run(arguments, &open(&arguments.directory.directory)?).await,
        Command::Destroy(arguments) => destroy::run(arguments, &open(&arguments.directory.directory)?).await,
        Command::Settings(arguments) => Ok(settings::run(arguments, &open(&arguments.directory.directory)?)),
        Command::Completions(arguments) => Ok(completions::script(arguments.shell)),
    }
}

/// A project's directory with its settings: what every verb starts from.
pub(crate) struct Checkout<'a> {
    pub(crate) settings: Settings,
    pub(crate) progress: &'a dyn Progress,
    revision: OnceCell<Option<Revision>>,
}

impl<'a> Checkout<'a> {
    fn open(
        directory: &Path,
        flags: Vec<(&'static str, crate::settings::Value)>,
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

    pub(crate) fn project(&self) -> Result<Project, Error> {
        let project = tokio::task::block_in_place(|| {
            project::load(self.settings.root(), &self.settings.project(), self.progress)
        })?;
        for warning in &project.warnings {
            self.progress.warn(warning);
        }
        Ok(project)
    }

    /// What git says; asked once. A checkout that git refuses to read is warned of: the image will not name its commit.
    pub(crate) fn revision(&self) -> Option<&Revision> {
        let read = || {
            Revision::read(self.settings.root()).unwrap_or_else(|refused| {
                self.progress.warn(&refused.to_string());
                None
            })
        };
        self.revision.get_or_init(read).as_ref()
    }

    /// The AWS configuration: environment, profile files, container or instance roles, with the setting `region` over them.
    pub(crate) async fn aws(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
        if let Ok(name) = AppName::new(concat!("sgbuild-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(region) = self.settings.text("region") {
            loader = loader.region(Region::new(region.to_owned()));
        }
        loader.load().await
    }
}

/// The build secrets by id, and what git says: both are asked once a command.
pub(crate) struct Surroundings {
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) revision: Option<Revision>,
}

impl Surroundings {
    pub(crate) fn of(project: &Project, checkout: &Checkout<'_>) -> Result<Self, Error> {
        Ok(Self {
            secrets: checkout.settings.build_secrets(project)?,
            revision: checkout.revision().cloned(),
        })
    }
}

/// JSON as people read it.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Plain structs with string keys always serialise.
    serde_json::to_string_pretty(value).unwrap_or_default()
}
