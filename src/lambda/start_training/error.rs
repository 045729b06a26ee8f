//! Why no training job was started, and what to do next.

use crate::aws::{CallError, Kind};
use crate::explain::{Advice, Code, Explain, Fault};
use crate::lambda::input_data;
use crate::lambda::runtime::Diagnostic;
use crate::training::hyperparameters;
use crate::training::new_job::NewJob;
use crate::training::{self, Training, UNAVAILABLE};

/// Why no training job was started. The variant's name is the Lambda's `errorType`; message and hints are its `errorMessage`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The payload lacks something, or SageMaker would refuse it.
    #[error("the payload is not a training request:\n  {}", .0.join("\n  "))]
    InvalidPayload(Vec<String>),
    /// The payload names a role, an image or a bucket that the function was not made for.
    #[error("this function does not train with that:\n  {}", .0.join("\n  "))]
    NotAllowed(Vec<String>),
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
    /// There is nothing to train on.
    #[error("there is no training data: {folder} holds none{}", without_synthetic(.synthetic.as_deref()))]
    NoData {
        /// Where it was looked for.
        folder: String,
        /// Where synthetic data was looked for, as a URI.
        synthetic: Option<String>,
    },
    /// The input data may not be listed, copied or removed.
    #[error("not allowed to {action} {what}: {source}")]
    DataDenied {
        /// `list`, `read`, `copy` or `remove`.
        action: &'static str,
        /// Such as `s3://bucket/prefix`.
        what: String,
        /// What S3 said.
        source: CallError,
    },
    /// The input data could not be listed, copied or removed.
    #[error("cannot {action} {what}: {source}")]
    DataUnreadable {
        /// `list`, `read`, `copy` or `remove`.
        action: &'static str,
        /// Such as `s3://bucket/prefix`.
        what: String,
        /// What S3 said.
        source: CallError,
    },
    /// The run could not be recorded.
    #[error("cannot record the run of {name}: {source}")]
    RecordRefused {
        /// The job's name.
        name: String,
        /// What `DynamoDB` or S3 said.
        source: CallError,
    },
    /// An earlier delivery of this run has failed for good.
    #[error("this run has failed already: {reason}")]
    FailedBefore {
        /// As recorded.
        reason: String,
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
        /// The quotas that the job counts against.
        quotas: Vec<String>,
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

fn without_synthetic(looked: Option<&str>) -> String {
    match looked {
        Some(uri) => format!(", and there is no synthetic data below {uri}"),
        None => ", and no synthetic data is configured".to_owned(),
    }
}

impl Explain for Error {
    /// That which sgbuild makes of it where it invoked the function.
    fn code(&self) -> Code {
        training::failure_code(self.error_type())
    }

    fn advice(&self) -> Advice {
        match self {
            Self::InvalidPayload(_) => {
                Fault::User.hint("Correct the settings that the payload is made of, then start the training again.")
            }
            Self::NotAllowed(_) => Fault::User
                .hint("Train with the role, repository and buckets of the function's own stack: `sgbuild status` shows them.")
                .and("Or let the function's environment name what it may train with besides; its role needs permissions for that too."),
            Self::HyperparametersDenied { bucket, .. } => Fault::User
                .hint(format!(
                    "Grant the Lambda's role s3:GetObject on arn:aws:s3:::{bucket}/{}.",
                    hyperparameters::KEY
                ))
                .and(format!(
                    "If there is no such file, grant it s3:ListBucket on arn:aws:s3:::{bucket}: without it S3 says access denied instead."
                )),
            Self::HyperparametersUnreadable { bucket, .. } => Fault::User.hint(format!(
                "Check that the bucket {bucket} exists and is in the Lambda's region."
            )),
            Self::InvalidHyperparameters { bucket, .. } => Fault::User.hint(format!(
                "Correct the file, upload it to s3://{bucket}/{} again.",
                hyperparameters::KEY
            )),
            Self::NoData { folder, .. } => Fault::User.hint(format!(
                "Upload data to {folder}, then start the training again with a new run id."
            )),
            Self::DataDenied { .. } => Fault::User.hint(
                "Grant the Lambda's role s3:ListBucketVersions, s3:GetObject and s3:GetObjectVersion on the input bucket, and for synthetic data also s3:PutObject and s3:DeleteObject, and the first three on its bucket.",
            ),
            Self::DataUnreadable { .. } => {
                Fault::User.hint("Check that the bucket exists and is in the Lambda's region.")
            }
            Self::RecordRefused { .. } => Fault::User.hint(
                "Check the table SGBUILD_TABLE (its key is training_job_name), and that the Lambda's role has dynamodb:GetItem, PutItem and UpdateItem on it.",
            ),
            Self::FailedBefore { .. } | Self::JobNameTaken { .. } => {
                Fault::User.hint("Start the training again with a new run id.")
            }
            Self::PassRoleDenied { role, .. } => Fault::User.hint(format!(
                "Grant the Lambda's role iam:PassRole on {role}, with the condition iam:PassedToService = sagemaker.amazonaws.com."
            )),
            Self::JobDenied { .. } => Fault::User.hint(
                "Grant the Lambda's role sagemaker:CreateTrainingJob, sagemaker:DescribeTrainingJob and sagemaker:AddTags.",
            ),
            Self::ResourceLimitExceeded { quotas, .. } => Fault::User.hint(format!(
                "Ask for a higher quota of {} in the Service Quotas console, wait for other jobs to end, or choose another instance type.",
                quotas.join(" and ")
            )),
            Self::Unavailable { .. } => {
                Fault::Temporary.hint("Try again in a minute with the same run id: no second job is started.")
            }
            Self::JobRefused { .. } => Fault::User.alone(),
        }
    }
}

impl Error {
    /// Whether the run has failed for good: trying again does not help, and the failure is not that of another run with the same id.
    pub(super) fn ends_the_run(&self) -> bool {
        !matches!(
            self,
            Self::Unavailable { .. }
                | Self::JobNameTaken { .. }
                | Self::FailedBefore { .. }
                | Self::RecordRefused { .. }
        )
    }

    /// The error for a call that failed while data was looked for or copied.
    pub(super) fn of_data(failure: input_data::Failure) -> Self {
        let input_data::Failure { action, what, source } = failure;
        match source.kind() {
            Kind::Denied => Self::DataDenied { action, what, source },
            Kind::Temporary => Self::Unavailable {
                what: format!("{action} {what}"),
                source,
            },
            Kind::Credentials | Kind::Other => Self::DataUnreadable { action, what, source },
        }
    }

    /// The error for a record that could not be written.
    pub(super) fn of_record(source: CallError, name: &str) -> Self {
        match source.kind() {
            Kind::Temporary => Self::Unavailable {
                what: format!("record the run of {name}"),
                source,
            },
            _ => Self::RecordRefused {
                name: name.to_owned(),
                source,
            },
        }
    }

    /// The error for hyperparameters that could not be read.
    pub(super) fn of_read(source: CallError, bucket: String) -> Self {
        match source.kind() {
            Kind::Denied => Self::HyperparametersDenied { bucket, source },
            Kind::Temporary => Self::Unavailable {
                what: format!("read s3://{bucket}/{}", hyperparameters::KEY),
                source,
            },
            Kind::Credentials | Kind::Other => Self::HyperparametersUnreadable { bucket, source },
        }
    }

    /// The error for a call to SageMaker that failed.
    pub(super) fn of_call(source: CallError, action: &'static str, job: &NewJob) -> Self {
        let name = job.training.job_name.clone();
        if source.to_string().contains("iam:PassRole") {
            return Self::PassRoleDenied {
                role: job.training.role.clone(),
                source,
            };
        }
        if source.code().starts_with("ResourceLimitExceeded") {
            return Self::ResourceLimitExceeded {
                quotas: quotas(&job.training),
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
            Self::NotAllowed(_) => "NotAllowed",
            Self::HyperparametersDenied { .. } => "HyperparametersDenied",
            Self::HyperparametersUnreadable { .. } => "HyperparametersUnreadable",
            Self::InvalidHyperparameters { .. } => "InvalidHyperparameters",
            Self::NoData { .. } => "NoData",
            Self::DataDenied { .. } => "DataDenied",
            Self::DataUnreadable { .. } => "DataUnreadable",
            Self::RecordRefused { .. } => "RecordRefused",
            Self::FailedBefore { .. } => "FailedBefore",
            Self::JobNameTaken { .. } => "JobNameTaken",
            Self::PassRoleDenied { .. } => "PassRoleDenied",
            Self::JobDenied { .. } => "JobDenied",
            Self::ResourceLimitExceeded { .. } => "ResourceLimitExceeded",
            Self::Unavailable { .. } => UNAVAILABLE,
            Self::JobRefused { .. } => "JobRefused",
        }
    }
}

/// What the Service Quotas console calls what the job counts against.
fn quotas(training: &Training) -> Vec<String> {
    let kind = if training.is_spot() {
        "spot training job"
    } else {
        "training job"
    };
    let types = training.instances().into_iter().map(|(name, _)| name);
    types.map(|name| format!("`{name} for {kind} usage`")).collect()
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let lines: Vec<String> = std::iter::once(error.to_string()).chain(error.advice().hints).collect();
        Self::new(error.error_type(), &lines.join("\n"))
    }
}
