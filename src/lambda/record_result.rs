//! Records how a training job ended, and announces it.
//!
//! Two kinds of events say that a job may have ended: its artifact arrived in S3, and `EventBridge`'s
//! [state change](https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-training).
//! Only the second comes for jobs that fail or are stopped. Both come late, twice and in any order, so an event is only taken to name
//! the job: how the job stands is asked of SageMaker, and the record never goes back. The records of one event are dealt with
//! independently: what fails for one job is told, and holds up no other.
//!
//! SageMaker's events are [best effort](https://docs.aws.amazon.com/eventbridge/latest/ref/events.html): some never come. A rule's schedule
//! therefore names every run that is still open, once an hour.

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::aws::{CallError, Kind};
use crate::explain::{Advice, Code, Explain, Fault};
use crate::record::{JobStatus, Progress};
use crate::training::UNAVAILABLE;
use crate::training::job::Job;
use crate::training::rules;

use super::announcement::Announcer;
use super::clock::Clock;
use super::created::{self, Created};
use super::fields::Fields;
use super::log::JsonLines;
use super::notifier::Notifier;
use super::runtime::Diagnostic;
use super::training_jobs::TrainingJobs;
use crate::record::Records;
use crate::shown::first_of;
use crate::training::Allowed;

/// `EventBridge`'s name of the event.
const STATE_CHANGE: &str = "SageMaker Training Job State Change";
/// `EventBridge`'s name of a rule's
/// [schedule](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html) coming due.
const SCHEDULED: &str = "Scheduled Event";
/// How old a run is before it counts that SageMaker knows no job of it: Lambda tries to start one for
/// [six hours](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html) at most.
const STARTED_BY: SignedDuration = SignedDuration::from_hours(7);
/// How long an announcement that failed is tried again: as long as an event that was lost over it is kept.
const ANNOUNCED_BY: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Where SageMaker writes a job's model, below `<prefix>/<job>`.
const ARTIFACT: &str = "/output/model.tar.gz";

/// How many jobs are dealt with at one time.
const AT_ONCE: usize = 16;

/// Why an event could not be dealt with. The variant's name is the Lambda's `errorType`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The event is none of the three that are expected.
    #[error("the event is neither an S3 notification nor a `{STATE_CHANGE}` nor a `{SCHEDULED}`: {0}")]
    UnknownEvent(String),
    /// A record of the event that is about no job of this pipeline.
    #[error("{0}")]
    RefusedRecord(String),
    /// Some of the event's records could not be dealt with; the others are.
    #[error("{} of {all} could not be dealt with:\n  {}", .failures.len(), lines(.failures))]
    Several {
        /// What went wrong with each of them.
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
    /// `EventBridge` has heard of the job's end, and SageMaker does not say so yet: Lambda delivers the event again.
    #[error("the training job {job} has ended as `{told}`, and SageMaker still describes it as {described}")]
    NotYet {
        /// The job's name.
        job: String,
        /// How it ended.
        told: JobStatus,
        /// How it stands according to SageMaker.
        described: JobStatus,
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

/// The services that the function works with, and what it may do with them.
#[derive(Clone, Copy)]
pub struct Services<'a> {
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
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Brings the records of the jobs that `event` names to what SageMaker says, and announces each that has ended. A schedule's event names
/// every run that is open.
///
/// # Errors
/// See [`Error`]; the event may be delivered again then, which repeats nothing that was done.
pub async fn handle(event: &Value, services: Services<'_>, log: &JsonLines) -> Result<(), Error> {
    let Named { jobs, refused } = match Asked::of(event, services.allowed).map_err(Error::UnknownEvent)? {
        Asked::Named(named) => named,
        Asked::Open => open(services, log).await?,
    };
    let all = jobs.len() + refused.len();
    let outcomes = stream::iter(&jobs)
        .map(|job| record(job, services, log))
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

/// The runs that have not ended as far as is recorded, and those whose end is not announced.
async fn open(services: Services<'_>, log: &JsonLines) -> Result<Named, Error> {
    let since = services.clock.now() - ANNOUNCED_BY;
    let open = services.records.open(since).await;
    let open = open.map_err(|source| Error::of("look for open runs".to_owned(), source))?;
    log.info("open runs", &[("count", &open.len().to_string())]);
    let jobs = open.into_iter().map(|name| Told { name, end: None });
    Ok(Named {
        jobs: jobs.collect(),
        refused: Vec::new(),
    })
}

async fn record(job: &Told, services: Services<'_>, log: &JsonLines) -> Result<(), Error> {
    let name = &job.name;
    let known = services.records.get(name).await;
    let known = known.map_err(|source| Error::of(format!("read the record of {name}"), source))?;
    let Some(known) = known else {
        log.info("not a run of this pipeline", &[("training_job_name", name)]);
        return Ok(());
    };
    let progress = match services.training_jobs.describe(name).await {
        Ok(described) => progress(&described),
        Err(source) if is_unknown(&source) && known.job_status.is_terminal() => Progress::to(known.job_status),
        Err(source) if is_unknown(&source) && known.recorded_at < services.clock.now() - STARTED_BY => {
            never_started(&source, services.clock.now())
        }
        Err(source) if is_unknown(&source) && job.end.is_none() && known.job_status == JobStatus::Requested => {
            log.info("not started yet", &[("training_job_name", name)]);
            return Ok(());
        }
        Err(source) => return Err(Error::of(format!("look at the training job {name}"), source)),
    };
    let status = progress.job_status;
    let advanced = services.records.advance(name, &progress).await;
    let advanced = advanced.map_err(|source| Error::of(format!("record the state of {name}"), source))?;
    log.info(
        if advanced { "recorded" } else { "known already" },
        &[("training_job_name", name), ("status", &status.to_string())],
    );
    if status.is_terminal() {
        let announcer = Announcer {
            records: services.records,
            notifier: services.notifier,
            region: services.region,
            clock: services.clock,
        };
        return announcer
            .announce(name, log)
            .await
            .map_err(|source| Error::of(format!("announce the end of {name}"), source));
    }
    match job.end {
        Some(told) if !known.job_status.is_terminal() => Err(Error::NotYet {
            job: name.clone(),
            told,
            described: status,
        }),
        _ => Ok(()),
    }
}

/// Whether SageMaker knows no such job. It says so by a `ValidationException`; its documentation, by a `ResourceNotFound`.
fn is_unknown(refusal: &CallError) -> bool {
    let CallError::Service { code, message, .. } = refusal else {
        return false;
    };
    let message = message.to_lowercase();
    code.starts_with("ResourceNotFound")
        || code.starts_with("Validation") && (message.contains("not found") || message.contains("could not find"))
}

/// What the record is to say of a run that has no job.
fn never_started(refusal: &CallError, now: Timestamp) -> Progress {
    Progress {
        failure_reason: Some(format!(
            "SageMaker has no training job of this run: it was never created, or has been deleted. It says: {refusal}"
        )),
        job_end_time: Some(now),
        ..Progress::to(JobStatus::Failed)
    }
}

/// What the record is to say of a job.
fn progress(job: &Job) -> Progress {
    Progress {
        job_status: job.status,
        training_job_arn: Some(job.arn.clone()).filter(|arn| !arn.is_empty()),
        job_creation_time: job.created,
        job_end_time: job.ended,
        failure_reason: job.failure_reason.clone(),
        // Through text: SageMaker keeps 32-bit floats, and 0.97 would become 0.9700000286102295 as a 64-bit one. What is no number is none
        // to DynamoDB either, and the whole record would be refused.
        metrics: job
            .metrics
            .iter()
            .filter(|(_, value)| value.is_finite())
            .filter_map(|(name, value)| Some((name.clone(), value.to_string().parse().ok()?)))
            .collect(),
        metric_times: job
            .metric_times
            .iter()
            .filter(|(name, _)| job.metrics.get(*name).is_some_and(|value| value.is_finite()))
            .map(|(name, time)| (name.clone(), *time))
            .collect(),
        artifact: job.artifact.clone(),
        billable_seconds: job.billable_seconds,
        training_seconds: job.training_seconds,
    }
}

/// What an event asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// To look at these jobs.
    Named(Named),
    /// To look at every run that is open.
    Open,
}

/// A job that an event is about.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    name: String,
    /// How it ended, where the event says that it did.
    end: Option<JobStatus>,
}

/// The jobs that an event is about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    /// Each once.
    jobs: Vec<Told>,
    /// Why each of its other records is about no job of this pipeline.
    refused: Vec<String>,
}

impl Asked {
    /// Reads what an event asks for.
    ///
    /// # Errors
    /// Why the event is none of those that are expected.
    fn of(event: &Value, allowed: &Allowed) -> Result<Self, String> {
        let fields = Fields::of(event);
        match event.get("detail-type").map(Value::as_str) {
            None => Named::of_notification(event, allowed).map(Self::Named),
            Some(Some(SCHEDULED)) => schedule(&fields, allowed).map(|()| Self::Open),
            Some(_) => Ok(Self::Named(Named {
                jobs: vec![state_change(&fields, allowed)?],
                refused: Vec::new(),
            })),
        }
    }
}

impl Named {
    fn of_notification(event: &Value, allowed: &Allowed) -> Result<Self, String> {
        let mut named = Self::default();
        let mut known = HashSet::new();
        for record in created::read(event)? {
            match record.and_then(|created| artifact(&created, allowed)) {
                Ok(job) => {
                    let new = job.filter(|name| known.insert(name.clone()));
                    named.jobs.extend(new.map(|name| Told { name, end: None }));
                }
                Err(why) => named.refused.push(why),
            }
        }
        Ok(named)
    }
}

fn schedule(event: &Fields<'_>, allowed: &Allowed) -> Result<(), String> {
    event.must_be("source", "aws.events")?;
    of_our_account(event, allowed)
}

fn of_our_account(event: &Fields<'_>, allowed: &Allowed) -> Result<(), String> {
    match &allowed.account {
        Some(account) => event.must_be("account", account),
        None => Ok(()),
    }
}

fn state_change(event: &Fields<'_>, allowed: &Allowed) -> Result<Told, String> {
    event.must_be("detail-type", STATE_CHANGE)?;
    event.must_be("source", "aws.sagemaker")?;
    of_our_account(event, allowed)?;
    let name = event.text("detail.TrainingJobName")?;
    rules::training_job_name(name).map_err(|why| event.problem("detail.TrainingJobName", &why))?;
    let status = event.optional_text("detail.TrainingJobStatus")?;
    let mut ends = JobStatus::ALL.into_iter().filter(|end| end.is_terminal());
    Ok(Told {
        name: name.to_owned(),
        end: ends.find(|end| status == Some(&end.to_string())),
    })
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
            // If trying again may help with one of them, the whole event is worth another delivery.
            Self::Several { failures, .. } if failures.iter().any(|each| each.error_type() == UNAVAILABLE) => {
                UNAVAILABLE
            }
            Self::Several { .. } => "Several",
            Self::Unavailable { .. } | Self::NotYet { .. } => UNAVAILABLE,
            Self::Refused { .. } => "Refused",
        }
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::UnknownEvent(_) | Self::RefusedRecord(_) => Code::LambdaMisconfigured,
            Self::Several { .. } if self.error_type() == UNAVAILABLE => Code::AwsUnavailable,
            Self::Several { failures, .. } => failures.first().map_or(Code::LambdaMisconfigured, Explain::code),
            Self::Unavailable { .. } | Self::NotYet { .. } => Code::AwsUnavailable,
            Self::Refused { source, .. } => source.explained(Code::AwsRefused),
        }
    }

    fn advice(&self) -> Advice {
        match self.error_type() {
            UNAVAILABLE => Fault::Temporary.alone(),
            _ => Fault::User.alone(),
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
