//! `sgbuild push`: the whole path, from the project to the started training.

use serde_json::json;

use super::build::{auth_settings, default_tag};
use super::{Checkout, Surroundings, build, dist, json, logs, train};
use crate::cli;
use crate::engine::BuiltImage;
use crate::error::Error;
use crate::handover::Handover;
use crate::progress::Progress;
use crate::project::Project;
use crate::push::{self, PushSettings, PushedImage};
use crate::registry::client::ClientSettings;
use crate::registry::reference::validate_tag;
use crate::registry::{Reference, Repository, ecr};
use crate::shown::Data;
use crate::training::job::Job;
use crate::training::{TrainingAnswer, TrainingSettings};

pub(super) async fn run(arguments: &cli::Push, checkout: &Checkout<'_>) -> Result<Data, Error> {
    build::check_engine(checkout)?;
    let project = checkout.project()?;
    let surroundings = Surroundings::of(&project, checkout)?;
    build::check_trust(&project, checkout, &surroundings)?;
    let source = build::source(&project, checkout, &surroundings);
    let training = training_settings(arguments, checkout, source.revision.clone())?;
    let settings = push_settings(&project, checkout, &surroundings).await?;
    let training = training.map(|training| training.named_after(&settings.target));
    if arguments.dry_run.dry_run {
        let names: Vec<_> = settings
            .tags
            .iter()
            .map(|tag| format!("{}:{tag}", settings.target))
            .collect();
        tell(&names, training.as_ref(), checkout.progress);
        if arguments.json.json {
            return Ok(json(&json!({ "would_push": names })));
        }
        return dist::preview(&project, checkout, &surroundings, false);
    }

    let engine = build::engine(checkout).await?;
    let dist = dist::write(&project, checkout, &surroundings)?;
    let built = build::image(&project, &dist, engine.as_ref(), checkout, &surroundings).await?;
    let pushed = push::push(&built, engine.as_ref(), &settings, checkout.progress).await?;
    let handover = Handover {
        source: source.clone(),
        built: built.clone(),
        pushed: Some(pushed.clone()),
    };
    build::note(&handover, &dist, "`sgbuild train` will not know of this push", checkout);

    let answer = match training {
        None => None,
        Some(training) => {
            let started = async {
                let training = training.training_of(&pushed, &source.package, &source.version)?;
                train::start(&training, checkout).await
            };
            let failed = |source| Error::PushedNotTrained {
                image: pushed.reference(),
                source: Box::new(source),
            };
            Some(started.await.map_err(failed)?)
        }
    };
    let job = match &answer {
        Some(answer) if arguments.wait => Some(logs::wait(answer, checkout).await?),
        _ => None,
    };
    Ok(outcome(arguments, &built, &pushed, answer.as_ref(), job.as_ref()))
}

fn outcome(
    arguments: &cli::Push,
    built: &BuiltImage,
    pushed: &PushedImage,
    answer: Option<&TrainingAnswer>,
    job: Option<&Job>,
) -> Data {
    if !arguments.json.json {
        return Data::name(pushed.reference());
    }
    let mut outcome = json!({
        "image": pushed.reference(),
        "built": built,
        "pushed": pushed,
        "training": answer.map(train::answer_json),
    });
    if let Some(job) = job {
        outcome["job"] = json!(job);
    }
    json(&outcome)
}

/// `--dry-run`: what would happen outside the directory.
fn tell(names: &[String], training: Option<&TrainingSettings>, progress: &dyn Progress) {
    progress.step(&format!("Would build and push {}", names.join(", ")));
    if let Some(function) = training.and_then(|training| training.function.as_deref()) {
        progress.step(&format!("Would start the training through {function}"));
    }
}

/// How to start the training, checked; `None` where it is not to be started.
fn training_settings(
    arguments: &cli::Push,
    checkout: &Checkout<'_>,
    commit: Option<String>,
) -> Result<Option<TrainingSettings>, Error> {
    if arguments.no_train {
        return Ok(None);
    }
    match train::settings(checkout, commit) {
        Some(training) => {
            training.check()?;
            Ok(Some(training))
        }
        None if arguments.wait => Err(Error::NoFunction),
        None => Ok(None),
    }
}

/// Where to push and under which tags. What needs no network is looked at first.
async fn push_settings(
    project: &Project,
    checkout: &Checkout<'_>,
    surroundings: &Surroundings,
) -> Result<PushSettings, Error> {
    let named = named(checkout)?;
    let mut tags = checkout.settings.list("tag");
    if let Some(Named::Registry { tag: Some(tag), .. }) = &named {
        tags.push(tag.clone());
    }
    if tags.is_empty() {
        tags.push(default_tag(project, checkout, surroundings));
    }
    for tag in &tags {
        validate_tag(tag)?;
    }
    let target = match named {
        Some(Named::Registry { repository, .. }) => repository,
        Some(Named::InEcr(name)) => ecr::own_repository(&checkout.aws().await, &name).await?,
        None => ecr::default_repository(&checkout.aws().await, &project.metadata.name).await?,
    };
    Ok(PushSettings {
        auth: auth_settings(checkout, &target).await,
        client: ClientSettings::default(),
        target,
        tags,
        create_repository: checkout.settings.flag("create-repository"),
    })
}

/// The repository that the settings name.
enum Named {
    /// In a registry; with a tag, as the setuptools-docker pipeline's `FULL_NAME` has it.
    Registry {
        repository: Repository,
        tag: Option<String>,
    },
    /// In the account's own ECR.
    InEcr(String),
}

fn named(checkout: &Checkout<'_>) -> Result<Option<Named>, Error> {
    let Some(name) = checkout.settings.text("repository") else {
        return Ok(None);
    };
    // As in `docker push`: a first component with a dot or a port, or `localhost`, is a registry.
    let first = name.split('/').next().unwrap_or_default();
    if !name.contains('/') || !(first.contains(['.', ':']) || first == "localhost") {
        return Ok(Some(Named::InEcr(name.to_owned())));
    }
    let reference = name.parse::<Reference>()?;
    if reference.digest.is_some() {
        return Err(Error::PushToDigest { name: name.to_owned() });
    }
    Ok(Some(Named::Registry {
        repository: reference.repository,
        tag: reference.tag,
    }))
}
