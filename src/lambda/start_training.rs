//! Starts the training job of a run.
//!
//! In this order:
//! 1. the payload is checked: every problem at once; and what it names must be allowed here ([`Allowed`]);
//! 2. is there data in the input bucket? Else the synthetic data is copied there;
//! 3. the hyperparameters are read from the input bucket;
//! 4. the run is recorded: commit, image, versions of the input objects;
//! 5. the training job is created, or found created by an earlier delivery of the same run;
//! 6. a run that cannot start is recorded as failed, and announced.
//!
//! Lambda delivers at least once. The job's name derives from the run id, so that SageMaker itself refuses a second job, and
//! the record is keyed by that name. Trouble that passes leaves the record as it is: the next delivery goes on from there.

mod error;

pub use error::Error;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::record::{JobStatus, Progress, RunRecord};
use crate::training::TrainingRun;
use crate::training::call::CallError;
use crate::training::job::{COMMIT_VARIABLE, Job, RUN_ID_VARIABLE};

use super::allowed::Allowed;
use super::announcement::announce;
use super::hyperparameters;
use super::input_data::{self, Folders, InputData, SyntheticData};
use super::log::JsonLines;
use super::notifier::Notifier;
use super::objects::Objects;
use super::payload::Payload;
use super::records::Records;
use super::training_jobs::{NewJob, TrainingJobs};
use crate::shown::bounded;

/// What the versions may take of an item's 400 KB, in bytes.
const MAX_VERSIONS: usize = 256 * 1024;
/// As long as [SageMaker's own](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html) reasons are, and more.
const MAX_REASON: usize = 4096;
/// The longest value of a tag.
const MAX_TAG_VALUE: usize = 256;

/// What the function works with. Without table, topic or synthetic data it starts trainings all the same.
#[derive(Clone, Copy)]
pub struct Account<'a> {
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
    /// What to train on where nobody has uploaded anything.
    pub synthetic: Option<&'a SyntheticData>,
    /// The region, for links into the console.
    pub region: &'a str,
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
    account: Account<'_>,
    log: &JsonLines,
) -> Result<TrainingRun, Error> {
    let payload = Payload::parse(payload, request_id).map_err(Error::InvalidPayload)?;
    let refused = account.allowed.problems(&payload);
    if !refused.is_empty() {
        // Nothing is recorded: the run may be somebody else's.
        return Err(Error::NotAllowed(refused));
    }
    log.info(
        "run accepted",
        &[("run_id", &payload.run_id), ("image", &payload.image)],
    );
    let started = start(&payload, account, log).await;
    if let Err(error) = &started
        && error.ends_the_run()
    {
        record_failure(&payload, error, account, log).await;
    }
    Ok(TrainingRun {
        training_job_arn: started?,
        training_job_name: payload.training_job_name,
        run_id: payload.run_id,
    })
}

/// Answers with the job's ARN.
async fn start(payload: &Payload, account: Account<'_>, log: &JsonLines) -> Result<String, Error> {
    if let Some(arn) = started_before(payload, account, log).await? {
        return Ok(arn);
    }
    let data = find_data(payload, account, log).await?;
    let (hyperparameters, version) = read_hyperparameters(account.objects, &payload.source_bucket, log).await?;
    let mut versions = data.versions.clone();
    versions.extend(version.map(|version| (hyperparameters::KEY.to_owned(), version)));

    let job = new_job(payload, data.channels.clone(), hyperparameters);
    record(payload, &data, versions, &job, account, log).await?;
    let arn = create_once(account.training_jobs, &job, payload, log).await?;
    confirm(&job.name, &arn, account, log).await;
    Ok(arn)
}

/// The ARN that an earlier delivery of the run has recorded.
async fn started_before(payload: &Payload, account: Account<'_>, log: &JsonLines) -> Result<Option<String>, Error> {
    let Some(records) = account.records else {
        return Ok(None);
    };
    let name = &payload.training_job_name;
    let known = records
        .get(name)
        .await
        .map_err(|source| Error::of_record(source, name))?;
    let Some(known) = known else { return Ok(None) };
    check_ours(&known, payload)?;
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

fn check_ours(known: &RunRecord, payload: &Payload) -> Result<(), Error> {
    let difference = if known.run_id == payload.run_id {
        known.asked().difference(&payload.asked())
    } else {
        Some(format!("its run id is {}, ours is {}", known.run_id, payload.run_id))
    };
    match difference {
        None => Ok(()),
        Some(difference) => Err(Error::JobNameTaken {
            name: known.training_job_name.clone(),
            difference,
        }),
    }
}

async fn find_data(payload: &Payload, account: Account<'_>, log: &JsonLines) -> Result<InputData, Error> {
    let folders = Folders::of(&payload.source_bucket_uri);
    let found = input_data::find(account.objects, &folders, account.synthetic).await;
    let data = found.map_err(Error::of_data)?.ok_or_else(|| Error::NoData {
        folders: folders.in_words(),
        synthetic: account
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

/// None at all is fine: the package's own defaults then hold. With the file's version.
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
    payload: &Payload,
    data: &InputData,
    versions: BTreeMap<String, String>,
    job: &NewJob,
    account: Account<'_>,
    log: &JsonLines,
) -> Result<(), Error> {
    let Some(records) = account.records else {
        log.info("not recorded: no table is configured", &[]);
        return Ok(());
    };
    let refused = |source| Error::of_record(source, &job.name);
    let mut record = new_record(payload);
    record.data_source = Some(data.source);
    record.channels = job.channels.keys().cloned().collect();
    record.hyperparameters = job.hyperparameters.clone();
    record.input_object_count = versions.len();
    match item_sized(versions) {
        Ok(versions) => record.input_versions = versions,
        Err(json) => {
            let (bucket, prefix) = bucket_and_prefix(&payload.destination_bucket_uri);
            let key = format!("{prefix}records/{}/input-versions.json", job.name);
            account.objects.put_json(bucket, &key, json).await.map_err(refused)?;
            record.input_versions_uri = Some(format!("s3://{bucket}/{key}"));
        }
    }
    match records.create(&record).await.map_err(refused)? {
        None => Ok(()),
        Some(known) => check_ours(&known, payload),
    }
}

/// The versions where they fit into an item, else as JSON.
fn item_sized(versions: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Vec<u8>> {
    // Three bytes are what an attribute costs beside its name and value.
    let size: usize = versions
        .iter()
        .map(|(key, version)| key.len() + version.len() + 3)
        .sum();
    if size <= MAX_VERSIONS {
        return Ok(versions);
    }
    // A map of strings always serialises.
    Err(serde_json::to_vec(&versions).unwrap_or_default())
}

/// `s3://bucket/prefix` with the prefix empty or ending in `/`.
fn bucket_and_prefix(uri: &str) -> (&str, String) {
    let path = uri.strip_prefix("s3://").unwrap_or(uri);
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    match prefix.trim_end_matches('/') {
        "" => (bucket, String::new()),
        prefix => (bucket, format!("{prefix}/")),
    }
}

/// What the payload alone says of a run.
fn new_record(payload: &Payload) -> RunRecord {
    RunRecord {
        training_job_name: payload.training_job_name.clone(),
        run_id: payload.run_id.clone(),
        git_hash: payload.git_hash.clone(),
        image: payload.image.clone(),
        package: payload.package.clone(),
        version: payload.version.clone(),
        instance_type: payload.instance_type.clone(),
        instance_count: payload.num_instances,
        volume_in_gb: payload.vol_in_gb,
        max_runtime_seconds: payload.max_runtime_sec,
        input_bucket: payload.source_bucket.clone(),
        input: payload.asked().input,
        output: Some(payload.destination_bucket_uri.clone()),
        role: Some(payload.role.clone()),
        data_source: None,
        channels: Vec::new(),
        input_versions: BTreeMap::new(),
        input_versions_uri: None,
        input_object_count: 0,
        hyperparameters: BTreeMap::new(),
        recorded_at: Timestamp::now(),
        training_job_arn: None,
        job_creation_time: None,
        job_end_time: None,
        job_status: JobStatus::Requested,
        failure_reason: None,
        metrics: BTreeMap::new(),
        artifact: None,
        billable_seconds: None,
        notified_at: None,
    }
}

/// The job exists. Should this not be recorded, its state changes will: the training goes on either way.
async fn confirm(name: &str, arn: &str, account: Account<'_>, log: &JsonLines) {
    let Some(records) = account.records else { return };
    let progress = Progress {
        training_job_arn: Some(arn.to_owned()),
        job_creation_time: Some(Timestamp::now()),
        ..Progress::to(JobStatus::InProgress)
    };
    if let Err(error) = records.advance(name, &progress).await {
        log.warn("the job's creation is not recorded", &[("why", &error.to_string())]);
    }
}

/// Records a run that cannot start, and announces it. What fails here is logged: the invoker is told why the run failed.
async fn record_failure(payload: &Payload, error: &Error, account: Account<'_>, log: &JsonLines) {
    let Some(records) = account.records else { return };
    let name = &payload.training_job_name;
    let reason = bounded(&error.to_string(), MAX_REASON).into_owned();
    let failed = RunRecord {
        job_status: JobStatus::Failed,
        failure_reason: Some(reason.clone()),
        job_end_time: Some(Timestamp::now()),
        ..new_record(payload)
    };
    let progress = Progress {
        failure_reason: Some(reason),
        job_end_time: failed.job_end_time,
        ..Progress::to(JobStatus::Failed)
    };
    let recorded = match records.create(&failed).await {
        Ok(None) => Ok(true),
        Ok(Some(known)) if check_ours(&known, payload).is_err() => {
            log.warn(
                "the failure is not recorded: the record is another run's",
                &[("training_job_name", name)],
            );
            return;
        }
        Ok(Some(_)) => records.advance(name, &progress).await,
        Err(error) => Err(error),
    };
    match (recorded, account.notifier) {
        (Err(error), _) => log.warn("the failure is not recorded", &[("why", &error.to_string())]),
        (Ok(_), None) => log.info("not announced: no topic is configured", &[]),
        (Ok(_), Some(notifier)) => {
            if let Err(error) = announce(name, account.region, records, notifier, log).await {
                log.warn("the failure is not announced", &[("why", &error.to_string())]);
            }
        }
    }
}

fn new_job(payload: &Payload, channels: BTreeMap<String, String>, hyperparameters: BTreeMap<String, String>) -> NewJob {
    NewJob {
        name: payload.training_job_name.clone(),
        image: payload.image.clone(),
        role: payload.role.clone(),
        channels,
        output: payload.destination_bucket_uri.clone(),
        instance_count: payload.num_instances,
        instance_type: payload.instance_type.clone(),
        volume_gib: payload.vol_in_gb,
        max_runtime_seconds: payload.max_runtime_sec,
        hyperparameters,
        metrics: payload.metrics.clone(),
        environment: known([
            (RUN_ID_VARIABLE, &*payload.run_id),
            (COMMIT_VARIABLE, &payload.git_hash),
        ]),
        tags: known([
            ("sgbuild:run-id", &*tag_value(&payload.run_id)),
            ("sgbuild:commit", &tag_value(&payload.git_hash)),
            (
                "sgbuild:package",
                &tag_value(payload.package.as_deref().unwrap_or_default()),
            ),
            (
                "sgbuild:version",
                &tag_value(payload.version.as_deref().unwrap_or_default()),
            ),
        ]),
    }
}

/// The pairs that have a value.
fn known<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    let known = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A [tag's value](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html) is at most 256 letters, digits,
/// blanks and `_.:/=+-@`; a version like `1.0!2` is still to be found by what is left.
fn tag_value(text: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    text.chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .take(MAX_TAG_VALUE)
        .collect()
}

/// Creates the job, or finds it created by an earlier delivery of the same run, or by this one with the answer lost; answers
/// with its ARN.
async fn create_once(
    training_jobs: &dyn TrainingJobs,
    job: &NewJob,
    payload: &Payload,
    log: &JsonLines,
) -> Result<String, Error> {
    let failure = match training_jobs.create(job).await {
        Ok(arn) => {
            log.info(
                "training job created",
                &[("training_job_name", &job.name), ("training_job_arn", &arn)],
            );
            return Ok(arn);
        }
        Err(failure) => failure,
    };
    let existing = match training_jobs.describe(&job.name).await {
        Ok(existing) => existing,
        Err(unknown) if is_name_taken(&failure) => return Err(Error::of_call(unknown, "look at", job)),
        Err(_) => return Err(Error::of_call(failure, "create", job)),
    };
    if let Some(difference) = difference(&existing, payload) {
        return Err(Error::JobNameTaken {
            name: job.name.clone(),
            difference,
        });
    }
    log.info("training job was there already", &[("training_job_name", &job.name)]);
    Ok(existing.arn)
}

/// SageMaker's code is `ResourceInUse`; its shape in the API model is the same.
fn is_name_taken(failure: &CallError) -> bool {
    matches!(failure.code(), "ResourceInUse" | "ResourceInUseException")
}

/// What says that `existing` is not the job that was asked for.
fn difference(existing: &Job, payload: &Payload) -> Option<String> {
    let ours = &payload.run_id;
    match existing.environment.get(RUN_ID_VARIABLE) {
        None => Some(format!("it carries no run id, ours is {ours}")),
        Some(theirs) if theirs != ours => Some(format!("its run id is {theirs}, ours is {ours}")),
        Some(_) => existing.asked.difference(&payload.asked()),
    }
}

#[cfg(test)]
mod tests;
