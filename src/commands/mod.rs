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
use std::pin::Pin;

use aws_config::SdkConfig;
use serde::Serialize;

use crate::aws;
use crate::cli::{AsSettings as _, Command};
use crate::error::Error;
use crate::progress::Progress;
use crate::project::{self, Project};
use crate::requirements::{self, Named, Requirements};
use crate::revision::{self, Revision};
use crate::secret::Secret;
use crate::settings::{Environment, Settings};
use crate::shown::Data;

/// Prints on stdout at once: for a command whose data comes over hours.
pub type Print<'a> = dyn Fn(&Data) -> io::Result<()> + Send + Sync + 'a;

/// What a command does while services answer; its output is what it prints on stdout at its end.
pub type Work<'a> = Pin<Box<dyn Future<Output = Result<Data, Error>> + 'a>>;

/// A command that was begun.
pub enum Begun<'a> {
    /// It only reads and writes files, and is over, with what it prints: it needs no runtime, which takes longer to make
    /// than a project takes to be read.
    Over(Data),
    /// It talks to services, on a runtime of several threads.
    Waits(Work<'a>),
}

/// Begins a command.
///
/// # Errors
/// Whatever stage failed; see [`Error`].
pub fn begin<'a>(
    command: &'a Command,
    progress: &'a dyn Progress,
    print: &'a Print<'a>,
    environment: Environment,
) -> Result<Begun<'a>, Error> {
    let open = move || Checkout::open(command.directory(), command.settings(), environment, progress);
    let work: Work<'a> = match command {
        Command::Inspect(arguments) => return inspect::run(arguments, &open()?).map(Begun::Over),
        Command::Dist(arguments) => return dist::run(arguments, &open()?).map(Begun::Over),
        Command::Settings(arguments) => return Ok(Begun::Over(settings::run(arguments, &open()?))),
        Command::Completions(arguments) => return Ok(Begun::Over(completions::script(arguments.shell))),
        Command::Build(arguments) => Box::pin(async move { build::run(arguments, &open()?).await }),
        // The longest path keeps the most between its steps.
        Command::Push(arguments) => Box::pin(async move { Box::pin(push::run(arguments, &open()?)).await }),
        Command::Train(arguments) => Box::pin(async move { train::run(arguments, &open()?).await }),
        Command::Runs(arguments) => Box::pin(async move { runs::run(arguments, &open()?).await }),
        Command::Logs(arguments) => Box::pin(async move { logs::run(arguments, &open()?, print).await }),
        Command::Launch(arguments) => Box::pin(async move { launch::run(arguments, &open()?).await }),
        Command::Status(arguments) => Box::pin(async move { status::run(arguments, &open()?).await }),
        Command::Destroy(arguments) => Box::pin(async move { destroy::run(arguments, &open()?).await }),
    };
    Ok(Begun::Waits(work))
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
        let project = project::load(self.settings.root(), &self.settings.project(), self.progress)?;
        for warning in &project.warnings {
            self.progress.warn(warning);
        }
        Ok(project)
    }

    /// What the file says that the setting `requirements` names.
    fn requirements(&self, project: &Project) -> Result<Option<Requirements>, Error> {
        const KEY: &str = "requirements";
        let Some(file) = self.settings.text(KEY) else {
            return Ok(None);
        };
        let named = Named {
            file,
            by_project_at: self.settings.is_the_projects(KEY).then(|| self.settings.origin(KEY)),
        };
        let (extras, uv) = (self.settings.list("extras"), self.settings.uv());
        Ok(Some(requirements::read(project, named, &extras, &uv, self.progress)?))
    }

    /// What git says; asked once. A checkout that git refuses to read is warned of: the image will not name its commit.
    pub(crate) fn revision(&self) -> Result<Option<&Revision>, Error> {
        if let Some(known) = self.revision.get() {
            return Ok(known.as_ref());
        }
        let environment = self.settings.environment().all();
        let read = match Revision::read(self.settings.root(), environment, self.progress) {
            Ok(read) => read,
            Err(revision::Error::Interrupted) => return Err(Error::Interrupted),
            Err(refused) => {
                self.progress.warn(&refused.to_string());
                None
            }
        };
        Ok(self.revision.get_or_init(|| read).as_ref())
    }

    /// The AWS configuration, with the setting `region` over it.
    pub(crate) async fn aws(&self) -> SdkConfig {
        aws::configuration(self.settings.text("region")).await
    }
}

/// The user's requirements file, the build secrets by id, and what git says: each is asked once a command.
pub(crate) struct Surroundings {
    pub(crate) requirements: Option<Requirements>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) revision: Option<Revision>,
}

impl Surroundings {
    pub(crate) fn of(project: &Project, checkout: &Checkout<'_>) -> Result<Self, Error> {
        let requirements = checkout.requirements(project)?;
        let secrets = checkout.settings.build_secrets(project, requirements.as_ref())?;
        for warning in &secrets.kept_back {
            checkout.progress.warn(warning);
        }
        Ok(Self {
            secrets: secrets.by_id,
            requirements,
            revision: checkout.revision()?.cloned(),
        })
    }
}

/// JSON in lines.
pub(crate) fn json(value: &impl Serialize) -> Data {
    // Plain structs with string keys always serialise.
    Data::Json(serde_json::to_string_pretty(value).unwrap_or_default())
}
