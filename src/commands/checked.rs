//! What `check` looks at, and what `push` looks at before it begins.

use std::path::Path;

use super::job::{Job, engine_kind};
use super::{Checkout, CommandError};
use crate::check::{self, Applied, Dockerfile, Found, Request, Rule, Severity, Subject};
use crate::error::Error;
use crate::oci::{Reference, Repository};
use crate::project::{Project, SourceFile};
use crate::requirements::Requirements;
use crate::training::TrainingSettings;

/// What stands in the project's directory beside what the settings name.
const DOCKERFILE: &str = "Dockerfile";

/// Looks at the project before a push; errors end it, and of warnings is told that there are some.
pub(super) fn before_push(job: &Job<'_>) -> Result<(), Error> {
    let checkout = job.checkout;
    engine_kind(checkout)?;
    let training = checkout.settings.training_given();
    let request = request(checkout, &training);
    let dockerfiles = template(checkout, Some(&job.project)).into_iter().collect::<Vec<_>>();
    let subject = Subject {
        root: checkout.settings.root(),
        project: Some(&job.project),
        requirements: job.requirements(),
        dockerfiles: &dockerfiles,
        request: &request,
        is_alone: false,
    };
    // An exception may be for what only `check` looks for.
    let applied = without_exceptions(check::offline(&subject, checkout.progress), checkout, |_| false);
    let errors: Vec<String> = applied
        .findings
        .iter()
        .filter(|one| one.is_error())
        .map(in_full)
        .collect();
    if !errors.is_empty() {
        return Err(CommandError::FoundBeforePush { errors }.into());
    }
    match applied.count(Severity::Warning) {
        0 => {}
        1 => checkout.progress.step("Checked: 1 warning, `sgbuild check` shows it"),
        count => checkout
            .progress
            .step(&format!("Checked: {count} warnings, `sgbuild check` shows them")),
    }
    Ok(())
}

/// A finding with what to do about it.
fn in_full(finding: &check::Finding) -> String {
    format!("{finding}\n{}", finding.advice)
}

/// What is left without what the files and the setting `allow` say is meant.
pub(super) fn without_exceptions(
    found: Found,
    checkout: &Checkout<'_>,
    is_looked_for: impl Fn(Rule) -> bool,
) -> Applied {
    let (entries, origin) = checkout.settings.allowed();
    found.without_exceptions((entries, &origin), is_looked_for)
}

/// The training as the settings have it.
pub(super) fn request<'a>(checkout: &Checkout<'_>, training: &'a TrainingSettings) -> Request<'a> {
    let settings = &checkout.settings;
    let set = settings.image_as_set();
    let template = settings.template_path();
    Request {
        training,
        platform: set.platform.parse().ok(),
        has_own_base: set.base_image.is_some() || template.is_some(),
        repository: repository(settings.destination().repository),
        region: settings.account().region.map(str::to_owned),
        log: None,
        hyperparameters: None,
    }
}

/// The repository, where it is named with its registry.
fn repository(named: Option<&str>) -> Option<Repository> {
    let named = named.filter(|named| super::target::is_with_registry(named))?;
    Some(named.parse::<Reference>().ok()?.repository)
}

/// The template that the settings name.
pub(super) fn template(checkout: &Checkout<'_>, project: Option<&Project>) -> Option<Dockerfile> {
    let name = checkout.settings.template_path()?;
    Some(dockerfile(checkout.settings.root(), name, true, project))
}

/// The Dockerfiles that are looked at: the template, those that a flag names, and the project's own.
pub(super) fn dockerfiles(
    checkout: &Checkout<'_>,
    named: &[std::path::PathBuf],
    project: Option<&Project>,
) -> Vec<Dockerfile> {
    let root = checkout.settings.root();
    let mut all: Vec<Dockerfile> = template(checkout, project).into_iter().collect();
    for file in named {
        let directory = file
            .parent()
            .filter(|above| !above.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let text = crate::reading::text(file, crate::reading::PROJECT_FILE)
            .map_err(|error| format!("it cannot be read: {error}"));
        all.push(Dockerfile {
            name: file.display().to_string(),
            text,
            context: directory.to_owned(),
            is_meant: true,
            brings_train: brings_train(project),
        });
    }
    let is_named = |name: &str| all.iter().any(|one| Path::new(&one.name).ends_with(name));
    if !is_named(DOCKERFILE) && root.join(DOCKERFILE).exists() {
        let own = dockerfile(root, DOCKERFILE, false, project);
        let is_meant = own.text.as_ref().is_ok_and(|text| Dockerfile::is_for_training(text));
        all.push(Dockerfile { is_meant, ..own });
    }
    all
}

fn dockerfile(root: &Path, name: &str, is_meant: bool, project: Option<&Project>) -> Dockerfile {
    let text = match SourceFile::read(root, name) {
        Ok(Some(file)) => Ok(file.text),
        Ok(None) => Err("it is not there".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    Dockerfile {
        name: name.to_owned(),
        text,
        context: root.to_owned(),
        is_meant,
        brings_train: brings_train(project),
    }
}

/// Whether the package installs a program `train`.
fn brings_train(project: Option<&Project>) -> bool {
    let programs = project.and_then(|project| project.metadata.entry_points.get("console_scripts"));
    programs.is_some_and(|programs| programs.contains_key("train"))
}

/// What the file says that the setting `requirements` names.
pub(super) fn requirements(project: &Project, checkout: &Checkout<'_>) -> Result<Option<Requirements>, Error> {
    super::job::read_requirements(project, checkout)
}
