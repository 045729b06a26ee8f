//! Starts the training job of a run.
//!
//! In this order:
//! 1. the payload is checked: every problem at once;
//! 2. (later: is there training data below `source_bucket_uri`? else the synthetic data is copied there);
//! 3. the hyperparameters are read from the input bucket;
//! 4. (later: the run is recorded: commit, image, versions of the input objects);
//! 5. the training job is created, or found created by an earlier delivery of the same run;
//! 6. (later: the notification that training began).
//!
//! Lambda delivers at least once. The job's name derives from the run id, so that SageMaker itself refuses a second job.

use std::collections::BTreeMap;

use lambda_runtime::Diagnostic;
use serde_json::Value;

use crate::training::TrainingRun;
use crate::training::call::{CallError, Kind, UNAVAILABLE};

use super::hyperparameters;
use super::input_bucket::InputBucket;
use super::log::JsonLines;
use super::payload::Payload;
use super::training_jobs::{ExistingJob, NewJob, TrainingJobs};

/// The variable in the training container, and in the job, that says which run it is.
pub const RUN_ID_VARIABLE: &str = "SGBUILD_RUN_ID";
/// The variable in the training container that says which commit it is.
pub const COMMIT_VARIABLE: &str = "SGBUILD_COMMIT";
/// The longest value of a tag.
const MAX_TAG_VALUE: usize = 256;

/// Why no training job was started. The variant's name is the Lambda's `errorType`; message and hints are its `errorMessage`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The payload lacks something, or SageMaker would refuse it.
    #[error("the payload is not a training request:\n  {}", .0.join("\n  "))]
    InvalidPayload(Vec<String>),
    /// The hyperparameters may not be read.
    #[error("not allowed to read s3://{bucket}/{}: {source}", hyperparameters::KEY)]
    HyperparametersDenied {
        /// The input bucket.
        bucket: String,
        /// What S3 said.
        source: CallError,
    },
    /// The hyperparameters could not be read.
    #[error("cannot read s3://{bucket}/{}: {source}", hyperparameters::KEY)]
    HyperparametersUnreadable {
        /// The input bucket.
        bucket: String,
        /// What S3 said.
        source: CallError,
    },
    /// The hyperparameters are no flat JSON object, or beyond SageMaker's limits.
    #[error("s3://{bucket}/{} cannot be used:\n  {}", hyperparameters::KEY, .problems.join("\n  "))]
    InvalidHyperparameters {
        /// The input bucket.
        bucket: String,
        /// Every one.
        problems: Vec<String>,
    },
    /// A job with this name exists, and is of another run or image.
    #[error("the training job {name} exists already and is not this run's: {difference}")]
    JobNameTaken {
        /// The job's name.
        name: String,
        /// What tells them apart.
        difference: String,
    },
    /// The Lambda's role may not pass the training role to SageMaker.
    #[error("not allowed to give SageMaker the role {role}: {source}")]
    PassRoleDenied {
        /// The training role.
        role: String,
        /// What SageMaker said.
        source: CallError,
    },
    /// The Lambda's role may not create or describe training jobs.
    #[error("not allowed to {action} the training job {name}: {source}")]
    JobDenied {
        /// `create` or `look at`.
        action: &'static str,
        /// The job's name.
        name: String,
        /// What SageMaker said.
        source: CallError,
    },
    /// The account's quota is used up.
    #[error("SageMaker's limit for this account is reached: {source}")]
    ResourceLimitExceeded {
        /// The instance type asked for.
        instance_type: String,
        /// What SageMaker said.
        source: CallError,
    },
    /// Throttled, or the service is in trouble: it may work later.
    #[error("cannot {what} now: {source}")]
    Unavailable {
        /// What was to be done to which resource.
        what: String,
        /// What the service said.
        source: CallError,
    },
    /// SageMaker refused the job for another reason.
    #[error("SageMaker did not {action} the training job {name}: {source}")]
    JobRefused {
        /// `create` or `look at`.
        action: &'static str,
        /// The job's name.
        name: String,
        /// What SageMaker said.
        source: CallError,
    },
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
    input_bucket: &dyn InputBucket,
    training_jobs: &dyn TrainingJobs,
    log: &JsonLines,
) -> Result<TrainingRun, Error> {
    let payload = Payload::parse(payload, request_id).map_err(Error::InvalidPayload)?;
    log.info(
        "run accepted",
        &[("run_id", &payload.run_id), ("image", &payload.image)],
    );

    let hyperparameters = read_hyperparameters(input_bucket, &payload.source_bucket, log).await?;

    let job = new_job(&payload, hyperparameters);
    let training_job_arn = create_once(training_jobs, &job, log).await?;
    Ok(TrainingRun {
        training_job_name: job.name,
        training_job_arn,
        run_id: payload.run_id,
    })
}

/// None at all is fine: the package's own defaults then hold.
async fn read_hyperparameters(
    input_bucket: &dyn InputBucket,
    bucket: &str,
    log: &JsonLines,
) -> Result<BTreeMap<String, String>, Error> {
    let bucket = bucket.to_owned();
    let bytes = match input_bucket
        .get(&bucket, hyperparameters::KEY, hyperparameters::MAX_BYTES)
        .await
    {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            log.info(
                "no hyperparameters",
                &[("bucket", &bucket), ("key", hyperparameters::KEY)],
            );
            return Ok(BTreeMap::new());
        }
        Err(source) => return Err(Error::of_read(source, bucket)),
    };
    hyperparameters::parse(&bytes).map_err(|problems| Error::InvalidHyperparameters { bucket, problems })
}

fn new_job(payload: &Payload, hyperparameters: BTreeMap<String, String>) -> NewJob {
    NewJob {
        name: payload.training_job_name.clone(),
        image: payload.image.clone(),
        role: payload.role.clone(),
        data: payload.source_bucket_uri.clone(),
        output: payload.destination_bucket_uri.clone(),
        instance_count: payload.num_instances,
        instance_type: payload.instance_type.clone(),
        volume_gib: payload.vol_in_gb,
        max_runtime_seconds: payload.max_runtime_sec,
        hyperparameters,
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

/// Creates the job, or finds it created by an earlier delivery of the same run; answers with its ARN.
async fn create_once(training_jobs: &dyn TrainingJobs, job: &NewJob, log: &JsonLines) -> Result<String, Error> {
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
    if !is_name_taken(&failure) {
        return Err(Error::of_call(failure, "create", job));
    }
    let existing = training_jobs
        .describe(&job.name)
        .await
        .map_err(|failure| Error::of_call(failure, "look at", job))?;
    if let Some(difference) = difference(&existing, job) {
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

/// What says that `existing` is not the job that we wanted to create.
fn difference(existing: &ExistingJob, wanted: &NewJob) -> Option<String> {
    let run_of = |environment: &BTreeMap<String, String>| environment.get(RUN_ID_VARIABLE).cloned().unwrap_or_default();
    let (theirs, ours) = (run_of(&existing.environment), run_of(&wanted.environment));
    if theirs.is_empty() {
        return Some(format!("it carries no run id, ours is {ours}"));
    }
    if theirs != ours {
        return Some(format!("its run id is {theirs}, ours is {ours}"));
    }
    (existing.image != wanted.image).then(|| format!("its image is {}, ours is {}", existing.image, wanted.image))
}

impl Error {
    /// Sorts a failed read of the hyperparameters.
    fn of_read(source: CallError, bucket: String) -> Self {
        match source.kind() {
            Kind::Denied => Self::HyperparametersDenied { bucket, source },
            Kind::Temporary => Self::Unavailable {
                what: format!("read s3://{bucket}/{}", hyperparameters::KEY),
                source,
            },
            Kind::Credentials | Kind::Other => Self::HyperparametersUnreadable { bucket, source },
        }
    }

    /// Sorts a failed call to SageMaker.
    fn of_call(source: CallError, action: &'static str, job: &NewJob) -> Self {
        let name = job.name.clone();
        if source.to_string().contains("iam:PassRole") {
            return Self::PassRoleDenied {
                role: job.role.clone(),
                source,
            };
        }
        if source.code().starts_with("ResourceLimitExceeded") {
            return Self::ResourceLimitExceeded {
                instance_type: job.instance_type.clone(),
                source,
            };
        }
        match source.kind() {
            Kind::Denied => Self::JobDenied { action, name, source },
            Kind::Temporary => Self::Unavailable {
                what: format!("{action} the training job {name}"),
                source,
            },
            Kind::Credentials | Kind::Other => Self::JobRefused { action, name, source },
        }
    }

    /// The variant's name: the Lambda's `errorType`.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::InvalidPayload(_) => "InvalidPayload",
            Self::HyperparametersDenied { .. } => "HyperparametersDenied",
            Self::HyperparametersUnreadable { .. } => "HyperparametersUnreadable",
            Self::InvalidHyperparameters { .. } => "InvalidHyperparameters",
            Self::JobNameTaken { .. } => "JobNameTaken",
            Self::PassRoleDenied { .. } => "PassRoleDenied",
            Self::JobDenied { .. } => "JobDenied",
            Self::ResourceLimitExceeded { .. } => "ResourceLimitExceeded",
            Self::Unavailable { .. } => UNAVAILABLE,
            Self::JobRefused { .. } => "JobRefused",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::InvalidPayload(_) => {
                vec!["Correct the settings that the payload is made of, then start the training again.".to_owned()]
            }
            Self::HyperparametersDenied { bucket, .. } => vec![
                format!("Grant the Lambda's role s3:GetObject on arn:aws:s3:::{bucket}/{}.", hyperparameters::KEY),
                format!(
                    "If there is no such file, grant it s3:ListBucket on arn:aws:s3:::{bucket}: without it S3 says access denied instead."
                ),
            ],
            Self::HyperparametersUnreadable { bucket, .. } => {
                vec![format!("Check that the bucket {bucket} exists and is in the Lambda's region.")]
            }
            Self::InvalidHyperparameters { bucket, .. } => {
                vec![format!("Correct the file, upload it to s3://{bucket}/{} again.", hyperparameters::KEY)]
            }
            Self::JobNameTaken { .. } => vec!["Start the training again with a new run id.".to_owned()],
            Self::PassRoleDenied { role, .. } => vec![format!(
                "Grant the Lambda's role iam:PassRole on {role}, with the condition iam:PassedToService = sagemaker.amazonaws.com."
            )],
            Self::JobDenied { .. } => vec![
                "Grant the Lambda's role sagemaker:CreateTrainingJob, sagemaker:DescribeTrainingJob and sagemaker:AddTags."
                    .to_owned(),
            ],
            Self::ResourceLimitExceeded { instance_type, .. } => vec![format!(
                "Ask for a higher quota of `{instance_type} for training job usage` in the Service Quotas console, wait for other jobs to end, or choose another instance type."
            )],
            Self::Unavailable { .. } => {
                vec!["Try again in a minute with the same run id: no second job is started.".to_owned()]
            }
            Self::JobRefused { .. } => Vec::new(),
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let lines: Vec<String> = std::iter::once(error.to_string()).chain(error.hints()).collect();
        Self {
            error_type: error.error_type().to_owned(),
            error_message: lines.join("\n"),
        }
    }
}

#[cfg(test)]
#[path = "start_training_tests.rs"]
mod tests;
