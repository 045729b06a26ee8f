//! `sgbuild train`: the last step alone, for the image pushed last.

use serde_json::json;

use super::job::own_records;
use super::{Checkout, CommandError, json, logs, train_here};
use crate::build_record::BuildRecord;
use crate::cli;
use crate::dist::{DIST, IMAGE_JSON};
use crate::error::Error;
use crate::shown::Data;
use crate::training::{self, Training, TrainingAnswer, TrainingSettings, trigger};

pub(super) async fn run(arguments: &cli::Train, checkout: &Checkout<'_>) -> Result<Data, Error> {
    if let Some(trainer) = arguments.here.trainer {
        return Box::pin(train_here::run(trainer, arguments, checkout)).await;
    }
    checkout.check_build()?;
    let dist = checkout.settings.root().join(DIST);
    let record = BuildRecord::read_any(&dist, &own_records(checkout))?;
    let record = record.and_then(|record| Some((record.source, record.pushed?)));
    let (source, pushed) = record.ok_or_else(|| CommandError::NothingPushed {
        path: dist.join(IMAGE_JSON),
    })?;
    let settings = settings(checkout, source.revision).ok_or(CommandError::NoFunction)?;
    let settings = settings.named_after(&pushed.repository);
    let training = settings.training_of(&pushed, &source.package, &source.version)?;
    if arguments.dry_run.dry_run {
        checkout.progress.step(&format!(
            "Would start the training through {}",
            checkout.settings.function().unwrap_or_default()
        ));
        return Ok(json(&training.payload()));
    }
    let answer = start(&training, checkout).await?;
    if arguments.wait {
        logs::wait(&answer, checkout).await?;
    }
    checkout.done_at_last();
    Ok(if arguments.json.json {
        json(&answer_json(&answer))
    } else {
        Data::name(job_name(&answer))
    })
}

/// How to start the training of an image built from `commit`; `None` where no function is set.
pub(super) fn settings(checkout: &Checkout<'_>, commit: Option<String>) -> Option<TrainingSettings> {
    let random = || uuid::Uuid::new_v4().as_fields().0;
    let new_run_id = || training::new_run_id(jiff::Timestamp::now(), random());
    checkout.settings.training(commit, new_run_id)
}

/// Asks the function for it.
pub(super) async fn start(training: &Training, checkout: &Checkout<'_>) -> Result<TrainingAnswer, training::Error> {
    let function = checkout.settings.function().unwrap_or_default();
    trigger::start(training, function, &checkout.aws().await, checkout.progress).await
}

/// The started job's name; empty where the Lambda does not say.
fn job_name(answer: &TrainingAnswer) -> String {
    answer
        .run()
        .map_or_else(String::new, |run| run.training_job_name.clone())
}

pub(super) fn answer_json(answer: &TrainingAnswer) -> serde_json::Value {
    match answer {
        TrainingAnswer::Started(run) => json!(run),
        TrainingAnswer::Accepted { answer } => json!({ "answer": answer }),
    }
}
