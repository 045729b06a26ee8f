//! Records how a training job ended, and announces it.
//!
//! Two kinds of events say that a job may have ended: its artifact arrived in S3, and `EventBridge`'s
//! [state change](https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-training).
//! Only the second comes for jobs that fail or are stopped. Both come at least once and in any order: an event only names the
//! job, what holds is asked of SageMaker, and the record goes forward only.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::s3::S3Event;
use lambda_runtime::Diagnostic;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::record::Progress;
use crate::training::call::{CallError, Kind, UNAVAILABLE};
use crate::training::job::Job;

use super::announcement::announce;
use super::log::JsonLines;
use super::notifier::Notifier;
use super::records::Records;
use super::training_jobs::TrainingJobs;

/// `EventBridge`'s name of the event.
const STATE_CHANGE: &str = "SageMaker Training Job State Change";
/// Where SageMaker writes a job's model, below `<prefix>/<job>`.
const ARTIFACT: &str = "/output/model.tar.gz";

/// Why an event could not be dealt with. The variant's name is the Lambda's `errorType`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The event is neither of the two.
    #[error("the event is neither an S3 notification nor a `{STATE_CHANGE}`: {0}")]
    UnknownEvent(String),
    /// Throttled, or a service is in trouble: Lambda delivers the event again.
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
    /// SageMaker.
    pub training_jobs: &'a dyn TrainingJobs,
    /// The metadata table.
    pub records: &'a dyn Records,
    /// The topic.
    pub notifier: &'a dyn Notifier,
    /// The region, for links into the console.
    pub region: &'a str,
}

/// Brings the records of the jobs that `event` names to what SageMaker says, and announces each that has ended.
///
/// # Errors
/// See [`Error`]; the event may be delivered again then, which repeats nothing that was done.
pub async fn handle(event: &Value, account: Account<'_>, log: &JsonLines) -> Result<(), Error> {
    for job in job_names(event)? {
        record(&job, account, log).await?;
    }
    Ok(())
}

async fn record(job: &str, account: Account<'_>, log: &JsonLines) -> Result<(), Error> {
    let known = account.records.get(job).await;
    let known = known.map_err(|source| Error::of(format!("read the record of {job}"), source))?;
    if known.is_none() {
        log.info("not a run of this pipeline", &[("training_job_name", job)]);
        return Ok(());
    }
    let described = account.training_jobs.describe(job).await;
    let described = described.map_err(|source| Error::of(format!("look at the training job {job}"), source))?;
    let advanced = account.records.advance(job, &progress(&described)).await;
    let advanced = advanced.map_err(|source| Error::of(format!("record the state of {job}"), source))?;
    log.info(
        if advanced { "recorded" } else { "known already" },
        &[("training_job_name", job), ("status", &described.status.to_string())],
    );
    if !described.has_ended() {
        return Ok(());
    }
    announce(job, account.region, account.records, account.notifier, log)
        .await
        .map_err(|source| Error::of(format!("announce the end of {job}"), source))
}

/// What the record is to say.
fn progress(job: &Job) -> Progress {
    Progress {
        job_status: job.status,
        training_job_arn: Some(job.arn.clone()).filter(|arn| !arn.is_empty()),
        job_creation_time: job.created,
        job_end_time: job.ended,
        failure_reason: job.failure_reason.clone(),
        // A float's shortest text is what the training wrote; widened, 0.97 would become 0.9700000286102295.
        metrics: job
            .metrics
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.to_string().parse().ok()?)))
            .collect(),
        artifact: job.artifact.clone(),
        billable_seconds: job.billable_seconds,
    }
}

/// The jobs that an event is about.
fn job_names(event: &Value) -> Result<Vec<String>, Error> {
    if event.get("detail-type").and_then(Value::as_str) == Some(STATE_CHANGE) {
        return state_change(event).map(|job| vec![job]);
    }
    if event.get("Records").is_some() {
        return artifacts(event);
    }
    // S3 sends this once, when the notification is set up.
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let keys = event
        .as_object()
        .map(|fields| fields.keys().cloned().collect::<Vec<_>>());
    Err(Error::UnknownEvent(format!(
        "its fields are {}",
        keys.unwrap_or_default().join(", ")
    )))
}

fn state_change(event: &Value) -> Result<String, Error> {
    let unknown = |why: String| Error::UnknownEvent(why);
    let event: EventBridgeEvent<Value> =
        serde_json::from_value(event.clone()).map_err(|error| unknown(error.to_string()))?;
    let name = event.detail.get("TrainingJobName").and_then(Value::as_str);
    name.map(ToOwned::to_owned)
        .ok_or_else(|| unknown("its detail has no TrainingJobName".to_owned()))
}

fn artifacts(event: &Value) -> Result<Vec<String>, Error> {
    let event: S3Event =
        serde_json::from_value(event.clone()).map_err(|error| Error::UnknownEvent(error.to_string()))?;
    let keys = event.records.into_iter().filter_map(|record| record.s3.object.key);
    Ok(keys.filter_map(|key| job_of(&decoded(&key))).collect())
}

/// The job whose model an object is: `<prefix>/<job>/output/model.tar.gz`.
fn job_of(key: &str) -> Option<String> {
    let path = key.strip_suffix(ARTIFACT)?;
    let job = path.rsplit('/').next()?;
    (!job.is_empty()).then(|| job.to_owned())
}

/// S3 encodes keys in events as forms do: a blank is `+`.
pub(crate) fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
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
mod tests {
    use serde_json::json;

    use super::*;

    /// A notification as [S3 sends it](https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
    fn notification(keys: &[&str]) -> Value {
        let record = |key: &&str| {
            json!({
                "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-west-2", "eventTime": "2026-11-24T04:12:05.000Z",
                "eventName": "ObjectCreated:CompleteMultipartUpload", "userIdentity": { "principalId": "AWS:A" },
                "requestParameters": { "sourceIPAddress": "10.0.0.1" },
                "responseElements": { "x-amz-request-id": "1", "x-amz-id-2": "2" },
                "s3": {
                    "s3SchemaVersion": "1.0", "configurationId": "models",
                    "bucket": { "name": "models", "ownerIdentity": { "principalId": "A" }, "arn": "arn:aws:s3:::models" },
                    "object": { "key": key, "size": 1, "eTag": "0", "versionId": "1", "sequencer": "00" },
                },
            })
        };
        json!({ "Records": keys.iter().map(record).collect::<Vec<_>>() })
    }

    #[test]
    fn an_artifact_names_its_job() {
        let event = notification(&[
            "iris-20261124-1a2b/output/model.tar.gz",
            "some+folder/caf%C3%A9/iris-2/output/model.tar.gz",
            "iris-3/output/output.tar.gz",
            "output/model.tar.gz",
        ]);
        assert_eq!(job_names(&event).unwrap(), ["iris-20261124-1a2b", "iris-2"]);
        assert_eq!(decoded("a+b%2Bc%25d"), "a b+c%d");
    }

    #[test]
    fn a_state_change_names_its_job() {
        let mut event = json!({
            "version": "0", "id": "1", "detail-type": STATE_CHANGE, "source": "aws.sagemaker", "account": "123456789012",
            "time": "2026-11-24T04:12:05Z", "region": "us-west-2", "resources": [],
            "detail": { "TrainingJobName": "iris-1", "TrainingJobStatus": "Failed" },
        });
        assert_eq!(job_names(&event).unwrap(), ["iris-1"]);
        event["detail"] = json!({});
        assert!(
            job_names(&event)
                .unwrap_err()
                .to_string()
                .contains("no TrainingJobName")
        );
    }

    #[test]
    fn other_events_are_refused_and_the_test_event_is_not() {
        assert!(
            job_names(&json!({ "Event": "s3:TestEvent", "Bucket": "b" }))
                .unwrap()
                .is_empty()
        );
        let refused = job_names(&json!({ "hello": 1 })).unwrap_err();
        assert!(refused.to_string().ends_with("its fields are hello"), "{refused}");
    }
}
