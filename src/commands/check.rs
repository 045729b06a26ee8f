//! `sgbuild check`: what can be known to go wrong before anything is paid for.

use serde_json::json;

use super::checked::{self, without_exceptions};
use super::job::{auth_settings, own_records};
use super::{Checkout, CommandError, Print, json, target};
use crate::build_record::BuildRecord;
use crate::check::{self, Applied, Finding, Found, Group, Rule, Severity, Subject, account, declared, image};
use crate::cli::{self, Format};
use crate::dist::{DIST, IMAGE_JSON};
use crate::engine::Kept;
use crate::engine::native::base::{self, Anatomy, Source};
use crate::error::Error;
use crate::image::BaseImage;
use crate::project::{self, ProjectSettings};
use crate::registry::{Credentials, auth};
use crate::shown::{Data, Page};
use crate::training::TrainingSettings;

/// What only files are read for.
pub(super) fn run(arguments: &cli::Check, checkout: &Checkout<'_>, print: &Print<'_>) -> Result<Data, Error> {
    let training = checkout.settings.training_given();
    let found = offline(arguments, checkout, &training);
    finish(arguments, checkout, print, found)
}

/// The same where a registry or AWS is asked.
pub(super) async fn ask(arguments: &cli::Check, checkout: &Checkout<'_>, print: &Print<'_>) -> Result<Data, Error> {
    let training = checkout.settings.training_given();
    let mut found = offline(arguments, checkout, &training);
    if let Some(named) = &arguments.image {
        found.findings.extend(of_image(named, checkout, &training).await?);
    }
    if arguments.aws {
        found.findings.extend(of_account(checkout, &training).await);
    }
    finish(arguments, checkout, print, found)
}

fn offline(arguments: &cli::Check, checkout: &Checkout<'_>, training: &TrainingSettings) -> Found {
    let settings = ProjectSettings {
        // A check runs no code of the project.
        static_only: true,
        ..checkout.settings.project()
    };
    let mut unread = Vec::new();
    let mut keep = |error: Error| unread.push(declared::of_report(&error.report()));
    let loaded = project::load(checkout.settings.root(), &settings, checkout.progress);
    let project = loaded.map_err(|error| keep(error.into())).ok();
    for warning in project.iter().flat_map(|project| &project.warnings) {
        checkout.progress.warn(warning);
    }
    let requirements = project
        .as_ref()
        .and_then(|project| checked::requirements(project, checkout).map_err(&mut keep).ok()?);
    let mut request = checked::request(checkout, training);
    request.log.clone_from(&arguments.log);
    request.hyperparameters.clone_from(&arguments.hyperparameters);
    let dockerfiles = checked::dockerfiles(checkout, &arguments.dockerfile, project.as_ref());
    let subject = Subject {
        root: checkout.settings.root(),
        project: project.as_ref(),
        requirements: requirements.as_ref(),
        dockerfiles: &dockerfiles,
        request: &request,
        is_alone: true,
    };
    let mut found = check::offline(&subject, checkout.progress);
    found.findings.extend(unread);
    found
}

/// Mends what is to be mended, prints what is left, and fails where that are errors.
fn finish(arguments: &cli::Check, checkout: &Checkout<'_>, print: &Print<'_>, found: Found) -> Result<Data, Error> {
    let is_looked_for = |rule: Rule| match rule.group() {
        Group::Image => arguments.image.is_some(),
        Group::Aws => arguments.aws,
        _ => match rule {
            Rule::MetricFindsNothing => arguments.log.is_some(),
            Rule::HyperparametersInvalid => arguments.hyperparameters.is_some(),
            _ => true,
        },
    };
    let mut applied = without_exceptions(found, checkout, is_looked_for);
    if arguments.fix {
        let mended = check::mend(checkout.settings.root(), &applied.findings).map_err(CommandError::NotMended)?;
        for line in &mended.done {
            checkout.progress.step(&format!("Mended {line}"));
        }
        applied.findings.retain(|finding| !mended.has(finding));
    }
    let (errors, warnings) = (applied.count(Severity::Error), applied.count(Severity::Warning));
    let shown = match arguments.format {
        Format::Text => Data::Page(page(&applied)),
        Format::Json => json(&for_programs(&applied)),
        Format::Sarif => json(&check::sarif(&applied, env!("CARGO_PKG_VERSION"))),
    };
    if errors > 0 || (arguments.strict && warnings > 0) {
        print(&shown).map_err(CommandError::Stdout)?;
        return Err(CommandError::Found { errors, warnings }.into());
    }
    let outcome = match warnings {
        0 => "Nothing found".to_owned(),
        1 => "1 warning".to_owned(),
        count => format!("{count} warnings"),
    };
    checkout.progress.step(&outcome);
    Ok(shown)
}

fn page(applied: &Applied) -> Page {
    let mut page = Page::new();
    for finding in &applied.findings {
        page.text(&finding.to_string());
        if !finding.advice.is_empty() {
            page.text(&format!("  {}", finding.advice));
        }
    }
    page
}

fn for_programs(applied: &Applied) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "rule": finding.rule.id(),
            "name": finding.rule.name(),
            "severity": finding.severity,
            "place": finding.place,
            "message": finding.message,
            "advice": finding.advice,
            "fixable": finding.fix.is_some(),
        })
    };
    let allowed = applied.allowed.iter().map(|(one, reason)| {
        let mut shown = finding(one);
        shown["reason"] = json!(reason);
        shown
    });
    json!({
        "findings": applied.findings.iter().map(finding).collect::<Vec<_>>(),
        "allowed": allowed.collect::<Vec<_>>(),
        "errors": applied.count(Severity::Error),
        "warnings": applied.count(Severity::Warning),
    })
}

/// The image that is named, or the one that was built last.
async fn of_image(named: &str, checkout: &Checkout<'_>, training: &TrainingSettings) -> Result<Vec<Finding>, Error> {
    let named = if named.is_empty() {
        built_last(checkout)?
    } else {
        named.to_owned()
    };
    let is_placed = ["oci:", "docker-archive:", "docker-daemon:"]
        .iter()
        .any(|place| named.starts_with(place));
    let wanted: BaseImage = if is_placed {
        named.parse()?
    } else {
        target::image(&named, checkout).await?.into()
    };
    let request = checked::request(checkout, training);
    let Some(platform) = request.platform.clone() else {
        return Ok(Vec::new());
    };
    let source = Source::of(wanted, &checkout.settings.docker());
    let auth = auth_settings(checkout, source.image.repository()).await;
    let credentials = match source.image.repository() {
        Some(repository) => auth::credentials(repository, &auth).await?,
        None => Credentials::Anonymous,
    };
    let asked = base::Asked {
        source: &source,
        platform: &platform,
        credentials: &credentials,
        client: &target::client(checkout),
        cache_dir: &checkout.settings.environment().cache_dir(),
        pull: true,
    };
    let (image, installed) = match base::read_as_part(&asked, &format!("Reading {named}"), checkout.progress).await {
        Ok(base) => {
            let (config, layers, tree) = (base.config, base.layers, base.tree);
            (Anatomy { config, layers, tree }, base.python.installed)
        }
        // It may train in R, or by a Python that nothing can be installed to.
        Err(base::Error::Pythonless { image, .. }) => (*image, Vec::new()),
        Err(base::Error::Platform { image, wanted, offered }) => {
            return Ok(vec![image::other_platform(&image, &wanted, &offered)]);
        }
        Err(source) => {
            return Err(CommandError::ImageUnread {
                image: named,
                source: Box::new(source),
            }
            .into());
        }
    };
    let seen = image::Seen {
        name: &named,
        image: &image,
        installed: &installed,
        is_in_registry: source.image.in_registry().is_some(),
        request: &request,
    };
    Ok(image::look(&seen))
}

/// What `dist/image.json` names: where it was pushed, else what the daemon calls it.
fn built_last(checkout: &Checkout<'_>) -> Result<String, Error> {
    let root = checkout.settings.root();
    let nothing = || CommandError::NothingPushed {
        path: root.join(DIST).join(IMAGE_JSON),
    };
    let record = BuildRecord::read_any(&root.join(DIST), &own_records(checkout))?.ok_or_else(nothing)?;
    if let Some(pushed) = record.pushed {
        return Ok(pushed.reference());
    }
    match record.built.kept {
        Kept::Docker { reference } => Ok(format!("docker-daemon:{reference}")),
        Kept::Native { .. } => Err(nothing().into()),
    }
}

async fn of_account(checkout: &Checkout<'_>, training: &TrainingSettings) -> Vec<Finding> {
    let request = checked::request(checkout, training);
    let mut buckets = Vec::new();
    for setting in ["source-bucket", "output-bucket"] {
        let given = training.given.get(setting).filter(|given| !given.value.is_empty());
        buckets.extend(given.map(|given| (setting, given.value.as_str())));
    }
    let config = checkout.aws().await;
    let own = checkout
        .settings
        .destination()
        .repository
        .filter(|name| !target::is_with_registry(name));
    let in_ecr = match own {
        Some(name) => crate::registry::ecr::own_repository(&config, name).await.ok(),
        None => None,
    };
    let repository = request.repository.as_ref().or(in_ecr.as_ref());
    // A tag or digest comes with the push.
    let image = repository.map(ToString::to_string).unwrap_or_default();
    let asked_for = training.training_here(&image, "", "").ok();
    let asked = account::Asked {
        function: training.function.as_deref().filter(|function| !function.is_empty()),
        buckets,
        repository,
        creates_repository: checkout.settings.destination().create_repository,
        training: asked_for.as_ref(),
        names_instances: request.names_instances(),
    };
    account::look(&asked, &config).await
}
