//! Starts the training job of a run.
//!
//! In this order:
//! 1. the payload is read, and every problem with it told at once; what it names must be allowed here ([`Allowed`]);
//! 2. the data is looked for in the input bucket; where there is none to train on, the synthetic data is copied there, and what was
//!    copied is removed once there is ([`input_data`]);
//! 3. the hyperparameters are read from the input bucket;
//! 4. the run is recorded: commit, image, versions of the input objects;
//! 5. the training job is created, or found created by an earlier delivery of the same run;
//! 6. a run that cannot start is recorded as failed, and announced, unless a build of the stack's own asked for it: that build fails with
//!    it, and a rule of the stack tells of failed builds.
//!
//! Lambda delivers an event at least once. The job's name is made of the run id, so that SageMaker itself refuses a second job for the
//! run, and the record has that name as its key. A failure after which trying again may help leaves the record as it is, and the next
//! delivery goes on from there.

mod error;

pub use error::Error;

use std::collections::BTreeMap;

use serde_json::Value;

use super::announcement::Announcer;
use super::clock::Clock;
use super::input_data::{self, Folders, InputData, SyntheticData};
use super::log::JsonLines;
use super::notifier::Notifier;
use super::objects::Objects;
use super::payload;
use super::training_jobs::TrainingJobs;
use crate::aws::{CallError, s3};
use crate::record::{JobStatus, Progress, Records, RunRecord, digest_of_versions};
use crate::requirements::RequirementList;
use crate::shown::bounded;
use crate::training::Allowed;
use crate::training::hyperparameters;
use crate::training::job::Job;
use crate::training::new_job::NewJob;
use crate::training::{Training, TrainingRun};

/// How much of a record the versions and the list of requirements may take, in bytes. An item of a table has 400 KB at most.
const MAX_VERSIONS: usize = 256 * 1024;
/// The longest reason of a failure that is recorded, in bytes: more than
/// [SageMaker's own](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html) have.
const MAX_REASON: usize = 4096;

/// The services that the function works with, and what it may do with them. Without table, topic or synthetic data it starts trainings
/// all the same.
#[derive(Clone, Copy)]
pub struct Services<'a> {
    /// S3.
    pub objects: &'a dyn Objects,
    /// SageMaker.
    pub training_jobs: &'a dyn TrainingJobs,
    /// The metadata table.
    pub records: Option<&'a dyn Records>,
    /// The topic.
    pub notifier: Option<&'a dyn Notifier>,
    /// What may be trained with.
    pub allowed: &'a Allowed,
    /// The build project whose failed builds are told of anyhow.
    pub project: Option<&'a str>,
    /// What to train on where nobody has uploaded anything.
    pub synthetic: Option<&'a SyntheticData>,
    /// The region, for links into the console.
    pub region: &'a str,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Starts the training job that `payload` asks for, and answers with it.
///
/// The same payload with the same run id (without one: the same `request_id`) gives the same job.
///
/// # Errors
/// See [`Error`]; no job was started then, with one exception: SageMaker's answer may have been lost
/// ([`Error::Unavailable`]), and then another delivery finds the job.
pub async fn handle(
    payload: &Value,
    request_id: &str,
    services: Services<'_>,
    log: &JsonLines,
) -> Result<TrainingRun, Error> {
    let training = payload::read(payload, request_id).map_err(Error::InvalidPayload)?;
    let refused = services.allowed.problems(&training);
    if !refused.is_empty() {
        // Not recorded as a failure: a run of the same name may be somebody else's, and be fine.
        return Err(Error::NotAllowed(refused));
    }
    log.info(
        "run accepted",
        &[("run_id", &training.run_id), ("image", &training.image)],
    );
    let started = start(&training, services, log).await;
    if let Err(error) = &started
        && error.ends_the_run()
    {
        record_failure(&training, error, services, log).await;
    }
    Ok(TrainingRun {
        training_job_arn: started?,
        training_job_name: training.job_name,
        run_id: training.run_id,
    })
}

/// Starts the job, or finds it started; answers with its ARN.
async fn start(training: &Training, services: Services<'_>, log: &JsonLines) -> Result<String, Error> {
    if let Some(arn) = started_before(training, services, log).await? {
        return Ok(arn);
    }
    let data = find_data(training, services, log).await?;
    let (hyperparameters, version) = read_hyperparameters(services.objects, &training.input_bucket, log).await?;
    let mut versions = data.versions.clone();
    versions.extend(version.map(|version| (hyperparameters::KEY.to_owned(), version)));

    let job = NewJob {
        training: training.clone(),
        channels: data.channels.clone(),
        hyperparameters,
    };
    record(&job, &data, versions, services, log).await?;
    let arn = create_once(services.training_jobs, &job, log).await?;
    confirm(&training.job_name, &arn, services, log).await;
    Ok(arn)
}

/// The ARN that an earlier delivery of the run has recorded.
async fn started_before(training: &Training, services: Services<'_>, log: &JsonLines) -> Result<Option<String>, Error> {
    let Some(records) = services.records else {
        return Ok(None);
    };
    let name = &training.job_name;
    let known = records
        .get(name)
        .await
        .map_err(|source| Error::of_record(source, name))?;
    let Some(known) = known else { return Ok(None) };
    check_ours(&known, training)?;
    if known.training_job_arn.is_some() {
        log.info("training job was recorded already", &[("training_job_name", name)]);
        return Ok(known.training_job_arn);
    }
    if known.job_status == JobStatus::Failed {
        return Err(Error::FailedBefore {
            reason: known.failure_reason.unwrap_or_default(),
        });
    }
    Ok(None)
}

fn check_ours(known: &RunRecord, training: &Training) -> Result<(), Error> {
    match known.training.difference(training) {
        None => Ok(()),
        Some(difference) => Err(Error::JobNameTaken {
            name: known.training.job_name.clone(),
            difference,
        }),
    }
}

async fn find_data(training: &Training, services: Services<'_>, log: &JsonLines) -> Result<InputData, Error> {
    let folders = Folders::of(&training.input);
    let found = input_data::find(services.objects, &folders, services.synthetic).await;
    let data = found.map_err(Error::of_data)?.ok_or_else(|| Error::NoData {
        folder: folders.training_uri(),
        synthetic: services
            .synthetic
            .map(|from| format!("s3://{}/{}", from.bucket, from.prefix)),
    })?;
    let channels: Vec<&str> = data.channels.keys().map(String::as_str).collect();
    log.info(
        "data found",
        &[
            ("channels", &channels.join(",")),
            ("objects", &data.versions.len().to_string()),
            ("source", &format!("{:?}", data.source)),
        ],
    );
    Ok(data)
}

/// The hyperparameters, and the version of their file. Where there is no file, the package's own defaults hold.
async fn read_hyperparameters(
    objects: &dyn Objects,
    bucket: &str,
    log: &JsonLines,
) -> Result<(BTreeMap<String, String>, Option<String>), Error> {
    let bucket = bucket.to_owned();
    let content = match objects
        .get(&bucket, hyperparameters::KEY, hyperparameters::MAX_BYTES)
        .await
    {
        Ok(Some(content)) => content,
        Ok(None) => {
            log.info(
                "no hyperparameters",
                &[("bucket", &bucket), ("key", hyperparameters::KEY)],
            );
            return Ok((BTreeMap::new(), None));
        }
        Err(source) => return Err(Error::of_read(source, bucket)),
    };
    let read = hyperparameters::parse(&content.bytes);
    let read = read.map_err(|problems| Error::InvalidHyperparameters { bucket, problems })?;
    Ok((read, Some(content.version)))
}

/// Records the run before its job exists, so that no job is without a record.
async fn record(
    job: &NewJob,
    data: &InputData,
    versions: BTreeMap<String, String>,
    services: Services<'_>,
    log: &JsonLines,
) -> Result<(), Error> {
    let Some(records) = services.records else {
        log.info("not recorded: no table is configured", &[]);
        return Ok(());
    };
    let training = &job.training;
    let refused = |source| Error::of_record(source, &training.job_name);
    let mut record = RunRecord::requested(training.clone(), services.clock.now());
    record.data_source = Some(data.source);
    record.channels = job.channel_names();
    record.hyperparameters = job.hyperparameters.clone();
    record.input_listed_at = Some(data.listed_at);
    record.input_object_count = versions.len();
    record.input_digest = Some(digest_of_versions(&versions));
    let requirements = training.requirements.as_ref().map_or(0, RequirementList::size);
    match item_sized(versions, MAX_VERSIONS.saturating_sub(requirements)) {
        Ok(versions) => record.input_versions = versions,
        Err(json) => {
            let (bucket, prefix) = bucket_and_prefix(&training.output);
            let key = format!("{prefix}records/{}/input-versions.json", training.job_name);
            services.objects.put_json(bucket, &key, json).await.map_err(refused)?;
            record.input_versions_uri = Some(format!("s3://{bucket}/{key}"));
        }
    }
    match records.create(&record).await.map_err(refused)? {
        None => Ok(()),
        Some(known) => check_ours(&known, training),
    }
}

/// The versions where they fit into the `room` in an item, else as JSON.
fn item_sized(versions: BTreeMap<String, String>, room: usize) -> Result<BTreeMap<String, String>, Vec<u8>> {
    // In an item, an attribute takes three bytes beside its name and value.
    let size: usize = versions
        .iter()
        .map(|(key, version)| key.len() + version.len() + 3)
        .sum();
    if size <= room {
        return Ok(versions);
    }
    // A map of strings always serialises.
    Err(serde_json::to_vec(&versions).unwrap_or_default())
}

/// `s3://bucket/prefix` with the prefix empty or ending in `/`.
fn bucket_and_prefix(uri: &str) -> (&str, String) {
    let (bucket, prefix) = s3::bucket_and_key(uri);
    match prefix.trim_end_matches('/') {
        "" => (bucket, String::new()),
        prefix => (bucket, format!("{prefix}/")),
    }
}

/// Records that the job exists. Should that fail, the record follows with the job's next change of state; the training goes on either
/// way.
async fn confirm(name: &str, arn: &str, services: Services<'_>, log: &JsonLines) {
    let Some(records) = services.records else { return };
    let progress = Progress {
        training_job_arn: Some(arn.to_owned()),
        job_creation_time: Some(services.clock.now()),
        ..Progress::to(JobStatus::InProgress)
    };
    if let Err(error) = records.advance(name, &progress).await {
        log.warn("the job's creation is not recorded", &[("why", &error.to_string())]);
    }
}

/// Records a run that cannot start, and announces it. A failure to do so is only logged, since the invoker is to be told why the run
/// failed.
async fn record_failure(training: &Training, error: &Error, services: Services<'_>, log: &JsonLines) {
    let Some(records) = services.records else { return };
    let name = &training.job_name;
    let reason = bounded(&error.to_string(), MAX_REASON).into_owned();
    let failed = RunRecord {
        job_status: JobStatus::Failed,
        failure_reason: Some(reason.clone()),
        job_end_time: Some(services.clock.now()),
        ..RunRecord::requested(training.clone(), services.clock.now())
    };
    let progress = Progress {
        failure_reason: Some(reason),
        job_end_time: failed.job_end_time,
        ..Progress::to(JobStatus::Failed)
    };
    let recorded = match records.create(&failed).await {
        Ok(None) => Ok(true),
        Ok(Some(known)) if check_ours(&known, training).is_err() => {
            log.warn(
                "the failure is not recorded: the record is another run's",
                &[("training_job_name", name)],
            );
            return;
        }
        Ok(Some(_)) => records.advance(name, &progress).await,
        Err(error) => Err(error),
    };
    match (recorded, services.notifier) {
        (Err(error), _) => log.warn("the failure is not recorded", &[("why", &error.to_string())]),
        (Ok(_), Some(_)) if asked_by_a_build(training, services.project) => {
            log.info("not announced: its build fails, which is", &[]);
            // So that nobody announces it later, either.
            if let Err(error) = records.mark_notified(name, services.clock.now()).await {
                log.warn("the failure may be announced twice", &[("why", &error.to_string())]);
            }
        }
        (Ok(_), None) => log.info("not announced: no topic is configured", &[]),
        (Ok(_), Some(notifier)) => {
            let announcer = Announcer {
                records,
                notifier,
                region: services.region,
                clock: services.clock,
            };
            if let Err(error) = announcer.announce(name, log).await {
                log.warn("the failure is not announced", &[("why", &error.to_string())]);
            }
        }
    }
}

/// Whether a build of the stack's own project asked for the run, which then has the
/// [build's id](https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html), `project:…`.
fn asked_by_a_build(training: &Training, project: Option<&str>) -> bool {
    let build = training.run_id.split_once(':');
    build.is_some_and(|(of, _)| Some(of) == project)
}

/// Creates the job; answers with its ARN. A job of that name that exists already is this run's where it was asked to be the same: an
/// earlier delivery has created it, or this one has and SageMaker's answer was lost.
async fn create_once(training_jobs: &dyn TrainingJobs, job: &NewJob, log: &JsonLines) -> Result<String, Error> {
    let name = &job.training.job_name;
    let failure = match training_jobs.create(job).await {
        Ok(arn) => {
            log.info(
                "training job created",
                &[("training_job_name", name), ("training_job_arn", &arn)],
            );
            return Ok(arn);
        }
        Err(failure) => failure,
    };
    let existing = match training_jobs.describe(name).await {
        Ok(existing) => existing,
        Err(unknown) if is_name_taken(&failure) => return Err(Error::of_call(unknown, "look at", job)),
        Err(_) => return Err(Error::of_call(failure, "create", job)),
    };
    if let Some(difference) = difference(&existing, &job.training) {
        return Err(Error::JobNameTaken {
            name: name.clone(),
            difference,
        });
    }
    log.info("training job was there already", &[("training_job_name", name)]);
    Ok(existing.arn)
}

/// Whether a job of that name exists already: `ResourceInUse`, in either of the forms that AWS's error codes have.
fn is_name_taken(failure: &CallError) -> bool {
    matches!(failure.code(), "ResourceInUse" | "ResourceInUseException")
}

/// What tells `existing` from the job that is asked for; `None` where it is that job.
fn difference(existing: &Job, ours: &Training) -> Option<String> {
    if existing.asked.run_id.is_empty() {
        return Some(format!("it carries no run id, ours is {}", ours.run_id));
    }
    existing.asked.difference(ours)
}

#[cfg(test)]
mod tests;
