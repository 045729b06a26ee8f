//! `sgbuild push`: the whole path, from the project to the started training.

use serde_json::json;

use super::checkout::Checkout;
use super::job::{self, Job};
use super::{CommandError, checked, dist, json, logs, sbom, target, train};
use crate::build_record::Source;
use crate::cli;
use crate::engine::{Amounts, BuiltImage, Sbom};
use crate::error::Error;
use crate::image::ImagePlan;
use crate::progress::size;
use crate::push::{self, Ahead, Attachment, PushSettings, PushedImage};
use crate::requirements::RequirementList;
use crate::shown::Data;
use crate::training::job::Job as TrainingJob;
use crate::training::{TrainingAnswer, TrainingSettings};
use crate::web;

pub(super) async fn run(arguments: &cli::Push, checkout: &Checkout<'_>) -> Result<Data, Error> {
    checkout.check_build()?;
    job::engine_kind(checkout)?;
    web::prepare();
    let attaches = sbom::wanted(checkout)? == Sbom::Attach;
    let job = Job::open(checkout)?;
    job.check_trust()?;
    if !arguments.no_check {
        checked::before_push(&job)?;
    }
    let training = training_settings(arguments, &job)?;
    let plan = job.plan()?;
    let target = target::settings(&job).await?;
    let training = training.map(|training| training.named_after(&target.target));
    if arguments.dry_run.dry_run {
        return preview(&job, &plan, &target, training.as_ref(), arguments.json.json);
    }
    let plan = job.on_base(plan, Some(&target)).await?;
    let engine = job.engine(&plan).await?;
    let ahead = Ahead::begin(&target, engine.last_pushed(&target.target));
    let packed = job.pack(&plan)?;
    let built = job.build(&plan, &packed, engine.as_ref(), Some(&target)).await?;
    let listed = sbom::listed(&job, &packed, engine.as_ref(), &built).await?;
    let before = attaches.then(|| sbom::pushed_before(&job, &packed)).flatten();
    let attachment = listed.as_deref().filter(|_| attaches).map(|sbom| Attachment {
        sbom,
        before: before.as_ref(),
    });
    let pushed = push::push(&built, engine.as_ref(), &target, ahead, attachment, checkout.progress).await?;
    let source = Source {
        requirements: Some(requirements(listed.as_deref(), &plan)),
        ..job.source()
    };
    job.record(
        &packed,
        source.clone(),
        &built,
        Some(&pushed),
        "`sgbuild train` will not know of this push",
    );
    let answer = start(training.as_ref(), &pushed, source, &job).await?;
    let ended = match &answer {
        Some(answer) if arguments.wait => Some(logs::wait(answer, checkout).await?),
        _ => None,
    };
    checkout.done(&in_words(&pushed));
    Ok(outcome(arguments, &built, &pushed, answer.as_ref(), ended.as_ref()))
}

/// What a push came to: how large the image is where it is now, what was sent, and what was there already.
fn in_words(pushed: &PushedImage) -> String {
    let image = format!("image {}", size(pushed.size));
    match pushed.amounts {
        None => image,
        Some(Amounts { sent: 0, .. }) => format!("{image}, all of it was there already"),
        Some(Amounts { sent, there: 0 }) => format!("{image}, {} sent", size(sent)),
        Some(Amounts { sent, there }) => format!("{image}, {} sent, {} were there already", size(sent), size(there)),
    }
}

/// What is installed in the image where that is known exactly, else what was asked for.
fn requirements(sbom: Option<&str>, plan: &ImagePlan) -> RequirementList {
    let installed = sbom.and_then(RequirementList::of_sbom);
    installed.unwrap_or_else(|| RequirementList::asked(&plan.requirements))
}

/// How to start the training, checked; `None` where it is not to be started.
fn training_settings(arguments: &cli::Push, job: &Job<'_>) -> Result<Option<TrainingSettings>, Error> {
    if arguments.no_train {
        return Ok(None);
    }
    match train::settings(job.checkout, job.source().revision) {
        Some(training) => {
            training.check()?;
            Ok(Some(training))
        }
        None if arguments.wait => Err(CommandError::NoFunction.into()),
        None => Ok(None),
    }
}

/// `--dry-run`: what would happen outside the directory, and in it.
fn preview(
    job: &Job<'_>,
    plan: &ImagePlan,
    target: &PushSettings,
    training: Option<&TrainingSettings>,
    as_json: bool,
) -> Result<Data, Error> {
    let tags = target.tags.iter();
    let names: Vec<_> = tags.map(|tag| format!("{}:{tag}", target.target)).collect();
    let progress = job.checkout.progress;
    progress.step(&format!("Would build and push {}", names.join(", ")));
    if let Some(function) = training.and_then(|training| training.function.as_deref()) {
        progress.step(&format!("Would start the training through {function}"));
    }
    if as_json {
        return Ok(json(&json!({ "would_push": names })));
    }
    dist::preview(job, plan, false)
}

/// Starts the training of what was pushed, where one is set.
async fn start(
    training: Option<&TrainingSettings>,
    pushed: &PushedImage,
    source: Source,
    job: &Job<'_>,
) -> Result<Option<TrainingAnswer>, Error> {
    let Some(training) = training else { return Ok(None) };
    let started = async {
        let mut training = training.training_of(pushed, &source.package, &source.version)?;
        training.requirements = source.requirements;
        train::start(&training, job.checkout).await
    };
    let failed = |source| CommandError::PushedNotTrained {
        image: pushed.reference(),
        source: Box::new(source),
    };
    Ok(Some(started.await.map_err(failed)?))
}

fn outcome(
    arguments: &cli::Push,
    built: &BuiltImage,
    pushed: &PushedImage,
    answer: Option<&TrainingAnswer>,
    ended: Option<&TrainingJob>,
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
    if let Some(job) = ended {
        outcome["job"] = json!(job);
    }
    json(&outcome)
}
