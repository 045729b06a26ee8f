//! Records how a training job ended, and announces it.
//!
//! Two kinds of events say that a job may have ended: its artifact arrived in S3, and `EventBridge`'s
//! [state change](https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-training).
//! Only the second comes for jobs that fail or are stopped. Both come at least once and in any order: an event only names the
//! job, what holds is asked of SageMaker, and the record goes forward only. An event with several records is dealt with one by
//! one: what fails with one job is told, and keeps no other one waiting.

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use crate::record::Progress;
use crate::training::call::{CallError, Kind, UNAVAILABLE};
use crate::training::job::Job;
use crate::training::rules;

use super::allowed::Allowed;
use super::announcement::announce;
use super::created::{self, Created};
use super::fields::Fields;
use super::log::JsonLines;
use super::notifier::Notifier;
use super::records::Records;
use super::runtime::Diagnostic;
use super::training_jobs::TrainingJobs;
use crate::shown::first_of;

/// `EventBridge`'s name of the event.
const STATE_CHANGE: &str = "SageMaker Training Job State Change";
/// Where SageMaker writes a job's model, below `<prefix>/<job>`.
const ARTIFACT: &str = "/output/model.tar.gz";

/// Jobs that are dealt with at one time.
const AT_ONCE: usize = 16;

/// Why an event could not be dealt with. The variant's name is the Lambda's `errorType`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The event is neither of the two.
    #[error("the event is neither an S3 notification nor a `{STATE_CHANGE}`: {0}")]
    UnknownEvent(String),
    /// A record that is of no job of this pipeline.
    #[error("{0}")]
    RefusedRecord(String),
    /// Some of the event's records could not be dealt with; the others are.
    #[error("{} of {all} could not be dealt with:\n  {}", .failures.len(), lines(.failures))]
    Several {
        /// Each.
        failures: Vec<Error>,
        /// How many records there were.
        all: usize,
    },
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

fn lines(failures: &[Error]) -> String {
    first_of(failures.iter().map(ToString::to_string).collect()).join("\n  ")
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
    /// Where the pipeline's models are, and in which account.
    pub allowed: &'a Allowed,
    /// The region, for links into the console.
    pub region: &'a str,
}

/// Brings the records of the jobs that `event` names to what SageMaker says, and announces each that has ended.
///
/// # Errors
/// See [`Error`]; the event may be delivered again then, which repeats nothing that was done.
pub async fn handle(event: &Value, account: Account<'_>, log: &JsonLines) -> Result<(), Error> {
    let Named { jobs, refused } = Named::of(event, account.allowed).map_err(Error::UnknownEvent)?;
    let all = jobs.len() + refused.len();
    let outcomes = stream::iter(&jobs)
        .map(|job| record(job, account, log))
        .buffered(AT_ONCE);
    let failed = outcomes.filter_map(|outcome| std::future::ready(outcome.err()));
    let mut failures: Vec<Error> = failed.collect().await;
    failures.extend(refused.into_iter().map(Error::RefusedRecord));
    match failures.len() {
        0 => Ok(()),
        1 if all == 1 => Err(failures.remove(0)),
        _ => Err(Error::Several { failures, all }),
    }
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
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    /// Each once.
    jobs: Vec<String>,
    /// What of it is of no job of this pipeline, and why.
    refused: Vec<String>,
}

impl Named {
    /// What an event names, or why it is none of ours.
    fn of(event: &Value, allowed: &Allowed) -> Result<Self, String> {
        if event.get("detail-type").is_some() {
            return Ok(Self {
                jobs: vec![state_change(&Fields::of(event), allowed)?],
                refused: Vec::new(),
            });
        }
        let mut named = Self::default();
        let mut known = HashSet::new();
        for record in created::read(event)? {
            match record.and_then(|created| artifact(&created, allowed)) {
                Ok(job) => named.jobs.extend(job.filter(|job| known.insert(job.clone()))),
                Err(why) => named.refused.push(why),
            }
        }
        Ok(named)
    }
}

fn state_change(event: &Fields<'_>, allowed: &Allowed) -> Result<String, String> {
    event.must_be("detail-type", STATE_CHANGE)?;
    event.must_be("source", "aws.sagemaker")?;
    if let Some(account) = &allowed.account {
        event.must_be("account", account)?;
    }
    let job = event.text("detail.TrainingJobName")?;
    rules::training_job_name(job).map_err(|why| event.problem("detail.TrainingJobName", &why))?;
    Ok(job.to_owned())
}

/// The job whose model an object is, `<prefix>/<job>/output/model.tar.gz`; nothing where it is no model.
fn artifact(created: &Created, allowed: &Allowed) -> Result<Option<String>, String> {
    let Some(path) = created.key.strip_suffix(ARTIFACT) else {
        return Ok(None);
    };
    let foreign = |why: String| created.problem("s3.bucket.name", &why);
    allowed.output(&created.uri()).map_err(foreign)?;
    let job = path.rsplit('/').next().unwrap_or_default();
    rules::training_job_name(job).map_err(|why| created.problem("s3.object.key", &why))?;
    Ok(Some(job.to_owned()))
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
            Self::RefusedRecord(_) => "RefusedRecord",
            // What may work later is what a retry is for.
            Self::Several { failures, .. } if failures.iter().any(|each| each.error_type() == UNAVAILABLE) => {
                UNAVAILABLE
            }
            Self::Several { .. } => "Several",
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

    const OWN: &str = "123456789012";

    fn allowed() -> Allowed {
        Allowed {
            outputs: Some(vec!["s3://models/".to_owned()]),
            account: Some(OWN.to_owned()),
            ..Allowed::default()
        }
    }

    fn job_names(event: &Value) -> Result<Vec<String>, String> {
        let named = Named::of(event, &allowed())?;
        if named.refused.is_empty() {
            Ok(named.jobs)
        } else {
            Err(named.refused.join("\n"))
        }
    }

    fn change() -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": STATE_CHANGE, "source": "aws.sagemaker", "account": OWN,
            "time": "2026-11-24T04:12:05Z", "region": "us-west-2", "resources": [],
            "detail": { "TrainingJobName": "iris-1", "TrainingJobStatus": "Failed" },
        })
    }

    #[test]
    fn an_artifact_names_its_job() {
        let event = notification(&[
            "iris-20261124-1a2b/output/model.tar.gz",
            "some+folder/caf%C3%A9/iris-2/output/model.tar.gz",
            "iris-3/output/output.tar.gz",
            "iris-2/output/model.tar.gz",
        ]);
        assert_eq!(job_names(&event).unwrap(), ["iris-20261124-1a2b", "iris-2"]);
        assert_eq!(created::decoded("a+b%2Bc%25d").as_deref(), Some("a b+c%d"));
    }

    #[test]
    fn a_state_change_names_its_job() {
        let mut event = change();
        assert_eq!(job_names(&event).unwrap(), ["iris-1"]);
        event["detail"] = json!({});
        assert_eq!(job_names(&event).unwrap_err(), "detail.TrainingJobName: missing");
    }

    #[test]
    fn other_events_are_refused_by_their_field_and_the_test_event_is_not() {
        assert!(
            job_names(&json!({ "Event": "s3:TestEvent", "Bucket": "b" }))
                .unwrap()
                .is_empty()
        );
        let changed = |pointer: &str, value: Value| {
            let mut event = change();
            *event.pointer_mut(pointer).unwrap() = value;
            job_names(&event).unwrap_err()
        };
        let artifact = |key: &str, bucket: &str| {
            let mut event = notification(&[key]);
            event["Records"][0]["s3"]["bucket"]["name"] = json!(bucket);
            job_names(&event).unwrap_err()
        };
        let refused = [
            job_names(&json!({ "hello": 1 })).unwrap_err(),
            job_names(&json!([[[]]])).unwrap_err(),
            changed("/detail-type", json!("SageMaker Endpoint State Change")),
            changed("/detail-type", json!({})),
            changed("/source", json!("com.example")),
            changed("/account", json!("999999999999")),
            changed("/detail", json!("iris-1")),
            changed("/detail/TrainingJobName", json!(["iris-1"])),
            changed("/detail/TrainingJobName", json!("iris\n1")),
            changed("/detail/TrainingJobName", json!("i".repeat(1_000_000))),
            artifact("iris-1/output/model.tar.gz", "somebody-elses"),
            artifact("iris%0A1/output/model.tar.gz", "models"),
            artifact("/output/model.tar.gz", "models"),
            artifact("../output/model.tar.gz", "models"),
        ];
        insta::assert_snapshot!(refused.join("\n"), @r"
        Records: missing; its fields are `hello`
        Records: missing; the event is a list
        detail-type: `SageMaker Endpoint State Change` is not SageMaker Training Job State Change
        detail-type: must be a string, and is an object
        source: `com.example` is not aws.sagemaker
        account: `999999999999` is not 123456789012
        detail.TrainingJobName: missing
        detail.TrainingJobName: must be a string, and is a list
        detail.TrainingJobName: `iris\n1` is not a training job's name: 1 to 63 letters, digits and hyphens
        detail.TrainingJobName: `iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii… (1000000 bytes)` is not a training job's name: 1 to 63 letters, digits and hyphens
        Records[0].s3.bucket.name: `s3://somebody-elses/iris-1/output/model.tar.gz` is not what SGBUILD_ALLOWED_OUTPUTS allows: it names s3://models/
        Records[0].s3.object.key: `iris\n1` is not a training job's name: 1 to 63 letters, digits and hyphens
        Records[0].s3.object.key: `` is not a training job's name: 1 to 63 letters, digits and hyphens
        Records[0].s3.object.key: `..` is not a training job's name: 1 to 63 letters, digits and hyphens
        ");
    }

    #[test]
    fn of_many_failures_the_first_are_told_and_one_that_passes_is_worth_a_retry() {
        let failures = |count: usize| {
            (0..count)
                .map(|n| Error::RefusedRecord(format!("Records[{n}].eventSource: missing")))
                .collect()
        };
        let mut error = Error::Several {
            failures: failures(3),
            all: 4,
        };
        insta::assert_snapshot!(error, @r"
        3 of 4 could not be dealt with:
          Records[0].eventSource: missing
          Records[1].eventSource: missing
          Records[2].eventSource: missing
        ");
        assert_eq!(error.error_type(), "Several");
        if let Error::Several { failures, .. } = &mut error {
            failures.push(Error::Unavailable {
                what: "look".to_owned(),
                source: CallError::Unreachable(String::new()),
            });
        }
        assert_eq!(error.error_type(), UNAVAILABLE);
        let many = Error::Several {
            failures: failures(10_000),
            all: 10_000,
        };
        assert!(many.to_string().len() < 2_000);
    }
}
