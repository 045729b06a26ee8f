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
//!
//! What S3 does not let us look at keeps no other object waiting: the messages that tell of it fail alone. The queue delivers
//! them again, and after some times hands them to the dead letters, where a person hears of them. What is no notification of
//! this pipeline's bucket would be none the next time: it is logged, and done.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::allowed::Allowed;
use super::builds::{Build, Builds};
use super::created::{self, Created};
use super::event_json;
use super::fields::Fields;
use super::hyperparameters;
use super::log::JsonLines;
use super::objects::{Object, Objects};
use super::runtime::Diagnostic;
use crate::hex::hex;
use crate::shown::first_of;
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
    /// Where the pipeline's data comes from.
    pub allowed: &'a Allowed,
}

/// What the queue is [told](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting)
/// of a batch: the messages that are to be delivered again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// Each once; the others are done.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A message that is to be delivered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its id.
    pub item_identifier: String,
}

/// Starts a build if `event` tells of new data, unless one is on its way that will train with it. Answers with the messages
/// that are to be delivered again.
///
/// # Errors
/// See [`Error`]. What passes by itself is an answer instead, since the queue delivers again by itself.
pub async fn handle(event: &Value, account: Account<'_>, log: &JsonLines) -> Result<BatchResponse, Error> {
    let batch = Batch::read(event, account.allowed)?;
    for why in first_of(batch.refused) {
        log.warn("refused, and not to be delivered again", &[("why", &why)]);
    }
    let look = look(&batch.uploads, account.objects, log).await;
    let Some(upload) = look.real else {
        log.info("nothing new", &[("objects", &batch.uploads.len().to_string())]);
        return deliver_again(look.failed);
    };
    log.info(
        "new data",
        &[
            ("key", &upload.object.key),
            ("objects", &batch.uploads.len().to_string()),
        ],
    );
    match start(account, log).await {
        // The build trains with whatever is there by then: trouble that passes needs no second look.
        Ok(()) => Ok(
            deliver_again(look.failed.into_iter().filter(|(_, error)| !error.passes()).collect()).unwrap_or_default(),
        ),
        Err(error) if error.passes() => deliver_again_all(&batch.uploads, error, log),
        Err(error) => Err(error),
    }
}

async fn start(account: Account<'_>, log: &JsonLines) -> Result<(), Error> {
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

/// The messages of the uploads that could not be looked at; an event that is no batch fails as a whole.
fn deliver_again(failed: Vec<(&Upload, Error)>) -> Result<BatchResponse, Error> {
    let mut answer = Vec::new();
    for (upload, error) in failed {
        answer.push(upload.message.as_deref().ok_or(error)?);
    }
    Ok(BatchResponse::of(answer))
}

/// Every message that tells of an upload.
fn deliver_again_all(uploads: &[Upload], error: Error, log: &JsonLines) -> Result<BatchResponse, Error> {
    let messages: Option<Vec<&str>> = uploads.iter().map(|upload| upload.message.as_deref()).collect();
    let Some(messages) = messages else { return Err(error) };
    log.warn("the batch is to be delivered again", &[("why", &error.to_string())]);
    Ok(BatchResponse::of(messages))
}

impl BatchResponse {
    fn of<'a>(messages: impl IntoIterator<Item = &'a str>) -> Self {
        let messages: BTreeSet<&str> = messages.into_iter().collect();
        let failure = |message: &str| BatchItemFailure {
            item_identifier: message.to_owned(),
        };
        Self {
            batch_item_failures: messages.into_iter().map(failure).collect(),
        }
    }
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

/// What the uploads are, as far as was looked.
struct Look<'a> {
    /// The first one that is there and is not a copy of the synthetic data.
    real: Option<&'a Upload>,
    /// Those before it that could not be looked at.
    failed: Vec<(&'a Upload, Error)>,
}

async fn look<'a>(uploads: &'a [Upload], objects: &dyn Objects, log: &JsonLines) -> Look<'a> {
    let mut answers = stream::iter(uploads)
        .map(|upload| async move { (upload, objects.is_synthetic(&upload.bucket, &upload.object).await) })
        .buffered(HEADS);
    let mut look = Look {
        real: None,
        failed: Vec::new(),
    };
    while let Some((upload, synthetic)) = answers.next().await {
        match synthetic {
            Ok(false) => {
                look.real = Some(upload);
                break;
            }
            // A copy, or deleted since.
            Ok(true) | Err(CallError::Service { status: 404, .. }) => {}
            Err(source) => {
                let error = Error::of(format!("look at s3://{}/{}", upload.bucket, upload.object.key), source);
                look.failed.push((upload, error));
            }
        }
    }
    let failures = look.failed.iter().map(|(_, error)| error.to_string());
    for why in first_of(failures.collect()) {
        log.warn("an object cannot be looked at", &[("why", &why)]);
    }
    look
}

/// An object that was created.
#[derive(Debug, PartialEq, Eq)]
struct Upload {
    bucket: String,
    object: Object,
    /// The id of the queue's message that tells of it.
    message: Option<String>,
}

/// What an event tells.
#[derive(Debug, Default)]
struct Batch {
    uploads: Vec<Upload>,
    /// What in it tells of nothing of this pipeline, and why.
    refused: Vec<String>,
}

impl Batch {
    fn read(event: &Value, allowed: &Allowed) -> Result<Self, Error> {
        let source = event.pointer("/Records/0/eventSource").and_then(Value::as_str);
        let mut batch = Self::default();
        if source == Some("aws:sqs") {
            for message in Fields::of(event).records().map_err(Error::UnknownEvent)? {
                if let Err(why) = batch.read_message(&message, allowed) {
                    batch.refused.push(why);
                }
            }
        } else {
            batch
                .read_notification(event, allowed, None)
                .map_err(Error::UnknownEvent)?;
            if batch.uploads.is_empty() && !batch.refused.is_empty() {
                return Err(Error::UnknownEvent(first_of(batch.refused).join("; ")));
            }
        }
        Ok(batch)
    }

    fn read_message(&mut self, message: &Fields<'_>, allowed: &Allowed) -> Result<(), String> {
        message.must_be("eventSource", "aws:sqs")?;
        let id = message.text("messageId")?;
        let in_body = |why: String| message.problem("body", &why);
        let body = event_json::read(message.text("body")?.as_bytes()).map_err(in_body)?;
        let known = self.refused.len();
        self.read_notification(&body, allowed, Some(id)).map_err(in_body)?;
        for why in &mut self.refused[known..] {
            *why = in_body(std::mem::take(why));
        }
        Ok(())
    }

    fn read_notification(&mut self, event: &Value, allowed: &Allowed, message: Option<&str>) -> Result<(), String> {
        for record in created::read(event)? {
            match record.and_then(|created| upload(created, allowed, message)) {
                Ok(upload) => self.uploads.extend(upload),
                Err(why) => self.refused.push(why),
            }
        }
        Ok(())
    }
}

/// What is trained with, or nothing.
fn upload(created: Created, allowed: &Allowed, message: Option<&str>) -> Result<Option<Upload>, String> {
    let foreign = |why: String| created.problem("s3.bucket.name", &why);
    allowed.input(&created.uri()).map_err(foreign)?;
    let Created {
        bucket,
        key,
        version,
        size,
        ..
    } = created;
    let is_marker = size == 0 && key.ends_with('/');
    let counts = key == hyperparameters::KEY || key.starts_with(DATA) && !is_marker;
    Ok(counts.then(|| Upload {
        bucket,
        object: Object {
            key,
            version: version.unwrap_or_else(|| "null".to_owned()),
            size,
            modified_ms: 0,
        },
        message: message.map(ToOwned::to_owned),
    }))
}

impl Error {
    fn of(what: String, source: CallError) -> Self {
        match source.kind() {
            Kind::Temporary => Self::Unavailable { what, source },
            _ => Self::Refused { what, source },
        }
    }

    /// Whether it may work later.
    fn passes(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
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
        Self::new(error.error_type(), &error.to_string())
    }
}

#[cfg(test)]
mod tests;
