//! New data starts the pipeline again.
//!
//! S3 sends a notification for every object. A queue gathers those of a minute or so, and hands them over as one event. Many objects
//! become one build:
//! - A build that has not yet begun its last phase will train with whatever is in the bucket by then: none is started.
//! - Otherwise a build is started. Its idempotency token is made of the newest build's id, so that two events that see the same
//!   newest build start one build together.
//!
//! Either build may fail, and then nothing was trained. So the messages stay in the queue, which delivers them again every few minutes, until
//! a build has succeeded whose last phase began after the objects were there. Meanwhile, builds are started anew, but at most
//! [`TRIES`] that fail: what makes those fail is most likely in the repository, and the build of its mend trains with
//! the data too. What waits for that longer than the queue lets it becomes a dead letter, whose alarm tells a person.
//!
//! It does not matter how the newest build ended: new data after a failed build starts a build. Objects that `start_training` copied
//! from the synthetic data do not count, and neither do folder markers and deletions.
//!
//! An object that S3 does not let us look at does not hold up the others: its message stays in the queue as well. A message that is no
//! notification of this pipeline's bucket would be no better the next time: it is logged, and counts as done.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::builds::{Build, Builds};
use super::created::{self, Created};
use super::event_json;
use super::fields::Fields;
use super::log::JsonLines;
use super::objects::{Object, Objects};
use super::runtime::Diagnostic;
use crate::aws::{CallError, Kind};
use crate::explain::{Advice, Code, Explain, Fault};
use crate::hex::hex;
use crate::shown::first_of;
use crate::training::{Allowed, UNAVAILABLE, hyperparameters};

/// Where data is uploaded.
const DATA: &str = "input/data/";
/// How many objects S3 is asked about at one time.
const HEADS: usize = 16;
/// How many builds that began after an upload may fail before no other is started because of it.
const TRIES: usize = 3;
/// The phases of a build in which its training is being started, or is started already:
/// [BuildPhase](https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BuildPhase.html).
const TOO_LATE: [&str; 4] = ["POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"];

/// Why the pipeline could not be started. The variant's name is the Lambda's `errorType`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Error {
    /// The event is no batch of a queue, and no notification.
    #[error("the event is neither a batch of the queue nor an S3 notification: {0}")]
    UnknownEvent(String),
    /// Throttled, or a service is in trouble: it may work later.
    #[error("cannot {what} now: {source}")]
    Unavailable { what: String, source: CallError },
    /// A service refused.
    #[error("cannot {what}: {source}")]
    Refused { what: String, source: CallError },
}

/// The services that the function works with, and what it may do with them.
#[derive(Clone, Copy)]
pub(super) struct Services<'a> {
    pub(super) objects: &'a dyn Objects,
    pub(super) builds: &'a dyn Builds,
    /// The pipeline's project.
    pub(super) project: &'a str,
    /// Where the pipeline's data comes from.
    pub(super) allowed: &'a Allowed,
}

/// What the queue is [told](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting)
/// of a batch: the messages that are to be delivered again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchResponse {
    /// Each once; the others are done.
    pub(super) batch_item_failures: Vec<BatchItemFailure>,
}

/// A message that is to be delivered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchItemFailure {
    pub(super) item_identifier: String,
}

/// Starts a build if `event` tells of new data, unless one is on its way that will train with it. Answers with the messages
/// that are to be delivered again: all that no build has trained with yet.
///
/// # Errors
/// See [`Error`]. Where trying again may help, the answer names the messages instead, and the queue delivers those again.
pub(super) async fn handle(event: &Value, services: Services<'_>, log: &JsonLines) -> Result<BatchResponse, Error> {
    let batch = Batch::read(event, services.allowed)?;
    for why in first_of(batch.refused) {
        log.warn("refused, and not to be delivered again", &[("why", &why)]);
    }
    if batch.uploads.is_empty() {
        return Ok(BatchResponse::default());
    }
    let all: Vec<&Upload> = batch.uploads.iter().collect();
    let builds = match newest(services).await {
        Ok(builds) => builds,
        Err(error) if error.passes() => return deliver_again_all(&all, error, log),
        Err(error) => return Err(error),
    };
    let trained = |upload: &Upload| builds.iter().any(|build| build.succeeded && saw(build, upload.created));
    let open: Vec<&Upload> = all.into_iter().filter(|upload| !trained(upload)).collect();
    let look = look(&open, services.objects, log).await;
    let objects = batch.uploads.len().to_string();
    let Some((upload, unknown)) = look.real.split_first() else {
        log.info("nothing new", &[("objects", &objects)]);
        return deliver_again(look.failed);
    };
    log.info("new data", &[("key", &upload.object.key), ("objects", &objects)]);
    let failed = look.failed.iter().map(|(upload, _)| *upload);
    let waiting: Vec<&Upload> = failed.chain([*upload]).chain(unknown.iter().copied()).collect();
    match start(&builds, &waiting, services, log).await {
        Ok(()) => Ok(BatchResponse::of(messages(&waiting))),
        Err(error) if error.passes() => deliver_again_all(&waiting, error, log),
        Err(error) => Err(error),
    }
}

async fn newest(services: Services<'_>) -> Result<Vec<Build>, Error> {
    let project = services.project;
    let builds = services.builds.newest(project).await;
    builds.map_err(|source| Error::of(format!("list the builds of {project}"), source))
}

/// Starts a build that will train with every upload, unless there is one, or enough have failed.
async fn start(builds: &[Build], uploads: &[&Upload], services: Services<'_>, log: &JsonLines) -> Result<(), Error> {
    let project = services.project;
    let last = uploads.iter().map(|upload| upload.created).max().unwrap_or_default();
    if let Some(build) = builds.iter().find(|build| will_train(build, last)) {
        log.info(
            "a build is on its way",
            &[("build", &build.id), ("phase", &build.phase)],
        );
        return Ok(());
    }
    let failed = builds.iter().filter(|build| has_failed(build, last)).count();
    if failed >= TRIES {
        log.warn(
            "no build is started: the data waits for one that succeeds",
            &[("failed", &failed.to_string())],
        );
        return Ok(());
    }
    let started = services.builds.start(project, &token(project, builds.first())).await;
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

/// Every message that tells of an upload; an event that is no batch fails as a whole.
fn deliver_again_all(uploads: &[&Upload], error: Error, log: &JsonLines) -> Result<BatchResponse, Error> {
    if uploads.iter().any(|upload| upload.message.is_none()) {
        return Err(error);
    }
    log.warn("the batch is to be delivered again", &[("why", &error.to_string())]);
    Ok(BatchResponse::of(messages(uploads)))
}

/// The messages that tell of uploads. An event that is no batch has none: nobody keeps it.
fn messages<'a>(uploads: &[&'a Upload]) -> impl Iterator<Item = &'a str> {
    uploads.iter().filter_map(|upload| upload.message.as_deref())
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

/// Whether a build goes on and trains with what was there at `time`.
fn will_train(build: &Build, time: Timestamp) -> bool {
    build.in_progress && (!TOO_LATE.contains(&build.phase.as_str()) || saw(build, time))
}

/// Whether a build trained with what was there at `time`, if it came to that.
fn saw(build: &Build, time: Timestamp) -> bool {
    build.trains.is_some_and(|trains| trains > time)
}

/// Whether a build that began after `time` came to nothing.
fn has_failed(build: &Build, time: Timestamp) -> bool {
    !build.in_progress && !build.succeeded && build.started.is_some_and(|started| started > time)
}

/// The idempotency token: at most 64 characters, and the same wherever the same build is the newest.
fn token(project: &str, newest: Option<&Build>) -> String {
    let id = newest.map_or("none", |build| build.id.as_str());
    hex(&Sha256::digest(format!("{project}\n{id}")))
}

/// What is known of the uploads, as far as S3 was asked about them.
struct Look<'a> {
    /// The first one that is there and is not a copy of the synthetic data, and those after it; empty where there is none.
    real: &'a [&'a Upload],
    /// Those before it that S3 refused to tell of.
    failed: Vec<(&'a Upload, Error)>,
}

async fn look<'a>(uploads: &'a [&'a Upload], objects: &dyn Objects, log: &JsonLines) -> Look<'a> {
    let mut answers = stream::iter(uploads.iter().enumerate())
        .map(|(number, upload)| async move { (number, objects.is_synthetic(&upload.bucket, &upload.object).await) })
        .buffered(HEADS);
    let mut look = Look {
        real: &[],
        failed: Vec::new(),
    };
    while let Some((number, synthetic)) = answers.next().await {
        match synthetic {
            Ok(false) => {
                look.real = &uploads[number..];
                break;
            }
            // A copy of the synthetic data, or deleted in the meantime.
            Ok(true) | Err(CallError::Service { status: 404, .. }) => {}
            Err(source) => {
                let upload = uploads[number];
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
    /// When it was created.
    created: Timestamp,
    /// The id of the queue's message that tells of it.
    message: Option<String>,
}

/// What an event tells of.
#[derive(Debug, Default)]
struct Batch {
    uploads: Vec<Upload>,
    /// Why each of its other records is not about this pipeline's data.
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

/// The upload, if trainings read it: data, or the hyperparameters.
fn upload(created: Created, allowed: &Allowed, message: Option<&str>) -> Result<Option<Upload>, String> {
    let foreign = |why: String| created.problem("s3.bucket.name", &why);
    allowed.input(&created.uri()).map_err(foreign)?;
    let time = created
        .time
        .ok_or_else(|| created.problem("eventTime", "missing, or no time"))?;
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
            modified_ms: time.as_millisecond(),
        },
        created: time,
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
    pub(super) fn error_type(&self) -> &'static str {
        match self {
            Self::UnknownEvent(_) => "UnknownEvent",
            Self::Unavailable { .. } => UNAVAILABLE,
            Self::Refused { .. } => "Refused",
        }
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::UnknownEvent(_) => Code::LambdaMisconfigured,
            Self::Unavailable { .. } => Code::AwsUnavailable,
            Self::Refused { source, .. } => source.explained(Code::AwsRefused),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Unavailable { .. } => Fault::Temporary.alone(),
            Self::UnknownEvent(_) | Self::Refused { .. } => Fault::User.alone(),
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
