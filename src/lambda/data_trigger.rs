//! New data starts the pipeline again.
//!
//! S3 tells of every object; a queue gathers what comes within a minute or so, and a batch of it is one event here. Many
//! objects become one build:
//! - a build that has not yet begun its last phase will train with what is in the bucket by then, so there is nothing to do;
//! - else a build is started, with a token made of the newest build's id: whoever else saw the same newest build starts the
//!   same one.
//!
//! How the newest build ended plays no part: new data after a failed build starts a build. Objects that `start_training` copied
//! from the synthetic data do not count, nor do folder markers and deletions.

use aws_lambda_events::event::s3::{S3Event, S3EventRecord};
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures_util::{StreamExt as _, stream};
use lambda_runtime::Diagnostic;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::builds::{Build, Builds};
use super::hyperparameters;
use super::log::JsonLines;
use super::objects::{Object, Objects};
use super::record_result::decoded;
use crate::hex::hex;
use crate::training::call::{CallError, Kind, UNAVAILABLE};

/// Where data is uploaded.
const DATA: &str = "input/data/";
/// Questions to S3 at one time.
const HEADS: usize = 16;
/// CodeBuild's phases in which the training is started or behind: [BuildPhase](https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BuildPhase.html).
const TOO_LATE: [&str; 4] = ["POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"];

/// Why the pipeline could not be started. The variant's name is the Lambda's `errorType`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The event is no batch of a queue, and no notification.
    #[error("the event is neither a batch of the queue nor an S3 notification: {0}")]
    UnknownEvent(String),
    /// Throttled, or a service is in trouble: it may work later.
    #[error("cannot {what} now: {source}")]
    Unavailable {
        /// What was to be done.
        what: String,
        /// What the service said.
        source: CallError,
    },
    /// A service refused.
    #[error("cannot {what}: {source}")]
    Refused {
        /// What was to be done.
        what: String,
        /// What the service said.
        source: CallError,
    },
}

/// What the function works with.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// S3.
    pub objects: &'a dyn Objects,
    /// CodeBuild.
    pub builds: &'a dyn Builds,
    /// The pipeline's project.
    pub project: &'a str,
}

/// Starts a build if `event` tells of new data, unless one is on its way that will train with it. Answers with the messages
/// that are to be delivered again: all, or none.
///
/// # Errors
/// See [`Error`]. What passes by itself is an answer instead, since the queue delivers again by itself.
pub async fn handle(event: &Value, account: Account<'_>, log: &JsonLines) -> Result<SqsBatchResponse, Error> {
    let batch = Batch::read(event, log)?;
    match start_if_new(&batch.uploads, account, log).await {
        Ok(()) => Ok(SqsBatchResponse::default()),
        Err(error @ Error::Unavailable { .. }) if !batch.messages.is_empty() => {
            log.warn("the batch is to be delivered again", &[("why", &error.to_string())]);
            let failures = batch.messages.into_iter().map(|item_identifier| {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = item_identifier;
                failure
            });
            let mut answer = SqsBatchResponse::default();
            answer.batch_item_failures = failures.collect();
            Ok(answer)
        }
        Err(error) => Err(error),
    }
}

async fn start_if_new(uploads: &[Upload], account: Account<'_>, log: &JsonLines) -> Result<(), Error> {
    let Some(upload) = first_real(uploads, account.objects).await? else {
        log.info("nothing new", &[("objects", &uploads.len().to_string())]);
        return Ok(());
    };
    log.info(
        "new data",
        &[("key", &upload.object.key), ("objects", &uploads.len().to_string())],
    );
    let project = account.project;
    let builds = account.builds.newest(project).await;
    let builds = builds.map_err(|source| Error::of(format!("list the builds of {project}"), source))?;
    if let Some(build) = builds.iter().find(|build| will_train(build)) {
        log.info(
            "a build is on its way",
            &[("build", &build.id), ("phase", &build.phase)],
        );
        return Ok(());
    }
    let started = account.builds.start(project, &token(project, builds.first())).await;
    let started = started.map_err(|source| Error::of(format!("start a build of {project}"), source))?;
    log.info("build started", &[("build", &started)]);
    Ok(())
}

/// Whether a build starts its training later than now.
fn will_train(build: &Build) -> bool {
    build.in_progress && !TOO_LATE.contains(&build.phase.as_str())
}

/// At most 64 characters, the same for all who see the same newest build.
fn token(project: &str, newest: Option<&Build>) -> String {
    let id = newest.map_or("none", |build| build.id.as_str());
    hex(&Sha256::digest(format!("{project}\n{id}")))
}

/// The first upload that is there and is not a copy of the synthetic data.
async fn first_real<'a>(uploads: &'a [Upload], objects: &dyn Objects) -> Result<Option<&'a Upload>, Error> {
    let mut answers = stream::iter(uploads)
        .map(|upload| async move { (upload, objects.is_synthetic(&upload.bucket, &upload.object).await) })
        .buffered(HEADS);
    while let Some((upload, synthetic)) = answers.next().await {
        match synthetic {
            Ok(false) => return Ok(Some(upload)),
            // A copy, or deleted since.
            Ok(true) | Err(CallError::Service { status: 404, .. }) => {}
            Err(source) => {
                let what = format!("look at s3://{}/{}", upload.bucket, upload.object.key);
                return Err(Error::of(what, source));
            }
        }
    }
    Ok(None)
}

/// An object that was created.
#[derive(Debug, PartialEq, Eq)]
struct Upload {
    bucket: String,
    object: Object,
}

/// What an event tells.
#[derive(Debug, Default)]
struct Batch {
    uploads: Vec<Upload>,
    /// The ids of the queue's messages.
    messages: Vec<String>,
}

impl Batch {
    fn read(event: &Value, log: &JsonLines) -> Result<Self, Error> {
        let records = event.get("Records").and_then(Value::as_array);
        let source = records
            .and_then(|records| records.first())
            .and_then(|record| record.get("eventSource"))
            .and_then(Value::as_str);
        let mut batch = Self::default();
        match source {
            Some("aws:sqs") => {
                let event: SqsEvent =
                    serde_json::from_value(event.clone()).map_err(|error| Error::UnknownEvent(error.to_string()))?;
                for message in event.records {
                    batch.messages.extend(message.message_id);
                    batch.read_message(&message.body.unwrap_or_default(), log);
                }
            }
            _ => batch
                .read_notification(event)
                .map_err(|error| Error::UnknownEvent(error.to_string()))?,
        }
        Ok(batch)
    }

    /// A message that is no notification would be none when delivered again: it is logged and done.
    fn read_message(&mut self, body: &str, log: &JsonLines) {
        let read = serde_json::from_str(body).and_then(|body: Value| self.read_notification(&body));
        if let Err(error) = read {
            log.warn("a message is no S3 notification", &[("why", &error.to_string())]);
        }
    }

    fn read_notification(&mut self, notification: &Value) -> Result<(), serde_json::Error> {
        // S3 sends this once, when the notification is set up.
        if notification.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            return Ok(());
        }
        let event: S3Event = serde_json::from_value(notification.clone())?;
        self.uploads.extend(event.records.into_iter().filter_map(upload));
        Ok(())
    }
}

/// What a record tells, if it is of an object that is trained with.
fn upload(record: S3EventRecord) -> Option<Upload> {
    if !record.event_name?.starts_with("ObjectCreated:") {
        return None;
    }
    let object = record.s3.object;
    let key = decoded(&object.key?);
    let size = object
        .size
        .and_then(|size| u64::try_from(size).ok())
        .unwrap_or_default();
    let is_marker = size == 0 && key.ends_with('/');
    let counts = key == hyperparameters::KEY || key.starts_with(DATA) && !is_marker;
    counts.then_some(Upload {
        bucket: record.s3.bucket.name?,
        object: Object {
            key,
            version: object.version_id.unwrap_or_else(|| "null".to_owned()),
            size,
            modified_ms: 0,
        },
    })
}

impl Error {
    fn of(what: String, source: CallError) -> Self {
        match source.kind() {
            Kind::Temporary => Self::Unavailable { what, source },
            _ => Self::Refused { what, source },
        }
    }

    /// The variant's name: the Lambda's `errorType`.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::UnknownEvent(_) => "UnknownEvent",
            Self::Unavailable { .. } => UNAVAILABLE,
            Self::Refused { .. } => "Refused",
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self {
            error_type: error.error_type().to_owned(),
            error_message: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
