//! `sgbuild train`: the last step alone, for the image pushed last.

use serde_json::json;

use super::job::own_records;
use super::{Checkout, CommandError, json, logs};
use crate::build_record::BuildRecord;
use crate::cli;
use crate::dist::{DIST, IMAGE_JSON};
use crate::error::Error;
use crate::shown::Data;
use crate::training::{self, TrainingAnswer, TrainingRequest, TrainingSettings, trigger};

pub(super) async fn run(arguments: &cli::Train, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let dist = checkout.settings.root().join(DIST);
    let record = BuildRecord::read_any(&dist, &own_records(checkout))?;
    let record = record.and_then(|record| Some((record.source, record.pushed?)));
    let (source, pushed) = record.ok_or_else(|| CommandError::NothingPushed {
        path: dist.join(IMAGE_JSON),
    })?;
    let settings = settings(checkout, source.revision).ok_or(CommandError::NoFunction)?;
    let settings = settings.named_after(&pushed.repository);
    let request = TrainingRequest::new(&settings, &pushed, &source.package, &source.version)?;
    if arguments.dry_run.dry_run {
        checkout.progress.step(&format!(
            "Would start the training through {}",
            checkout.settings.text("function").unwrap_or_default()
        ));
        return Ok(json(&request));
    }
    let answer = start(&request, checkout).await?;
    if arguments.wait {
        logs::wait(&answer, checkout).await?;
    }
    Ok(if arguments.json.json {
        json(&answer_json(&answer))
    } else {
        Data::name(job_name(&answer))
    })
}

/// How to start the training of an image built from `commit`; `None` where no function is set.
pub(super) fn settings(checkout: &Checkout<'_>, commit: Option<String>) -> Option<TrainingSettings> {
    let text = |key| checkout.settings.text(key).map(ToOwned::to_owned);
    let number = |key| checkout.settings.number(key);
    Some(TrainingSettings {
        function: Some(text("function")?),
        source_bucket: text("source-bucket"),
        output_bucket: text("output-bucket"),
        role: text("role"),
        instance_count: number("instance-count"),
        instance_type: text("instance-type").unwrap_or_default(),
        volume_gib: number("volume-size"),
        max_runtime_seconds: number("max-runtime"),
        metrics: checkout.settings.map("metrics"),
        run_id: text("run-id").unwrap_or_else(|| training::new_run_id(jiff::Timestamp::now(), random())),
        commit,
        job_name_prefix: text("job-name"),
        origins: checkout
            .settings
            .all()
            .filter_map(|(definition, setting)| Some((definition.key, setting?.origin.to_string())))
            .collect(),
    })
}

fn random() -> u32 {
    uuid::Uuid::new_v4().as_fields().0
}

/// Sends the request.
pub(super) async fn start(
    request: &TrainingRequest,
    checkout: &Checkout<'_>,
) -> Result<TrainingAnswer, training::Error> {
    let function = checkout.settings.text("function").unwrap_or_default();
    trigger::start(request, function, &checkout.aws().await, checkout.progress).await
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
