//! A training job as SageMaker describes it.

use std::collections::BTreeMap;
use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::primitives::DateTime;
use aws_sdk_sagemaker::types::{ModelArtifacts, SecondaryStatus, TrainingJobStatus};
use jiff::Timestamp;
use serde::Serialize;

use super::call::CallError;

/// How a job stands: [TrainingJobStatus](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Status {
    /// It starts, trains, or uploads.
    InProgress,
    /// It was told to stop.
    Stopping,
    /// It ended well.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was stopped.
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What SageMaker says of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: Status,
    /// What it does at present, such as `Downloading` or `Training`.
    pub phase: Option<String>,
    /// Why it failed: SageMaker's words, with the beginning of the container's `failure` file.
    pub failure_reason: Option<String>,
    /// When its instances began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The last value of each metric.
    pub metrics: BTreeMap<String, f32>,
    /// The seconds that are paid for, of each instance.
    pub billable_seconds: Option<i32>,
    /// `s3://…/model.tar.gz`.
    pub artifact: Option<String>,
}

impl Job {
    /// Whether nothing more happens to it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Failed | Status::Stopped)
    }

    /// `InProgress (Training)`, or the status alone where the phase says the same.
    #[must_use]
    pub fn in_words(&self) -> String {
        match &self.phase {
            Some(phase) if *phase != self.status.to_string() => format!("{} ({phase})", self.status),
            _ => self.status.to_string(),
        }
    }
}

/// A client with credentials, region and endpoint of `sdk_config`.
#[must_use]
pub fn client(sdk_config: &SdkConfig) -> aws_sdk_sagemaker::Client {
    aws_sdk_sagemaker::Client::new(sdk_config)
}

/// Asks SageMaker for the job named `name`.
///
/// # Errors
/// There is no such job, SageMaker refuses, or cannot be reached.
pub async fn describe(client: &aws_sdk_sagemaker::Client, name: &str) -> Result<Job, CallError> {
    let described = client.describe_training_job().training_job_name(name).send().await;
    described
        .map(|described| read(name, &described))
        .map_err(|error| CallError::from_sdk(&error))
}

fn read(name: &str, described: &DescribeTrainingJobOutput) -> Job {
    let metrics = described.final_metric_data_list().iter();
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    Job {
        name: name.to_owned(),
        status: match described.training_job_status() {
            Some(TrainingJobStatus::Completed) => Status::Completed,
            Some(TrainingJobStatus::Failed) => Status::Failed,
            Some(TrainingJobStatus::Stopped) => Status::Stopped,
            Some(TrainingJobStatus::Stopping) => Status::Stopping,
            _ => Status::InProgress,
        },
        phase: text(described.secondary_status().map(SecondaryStatus::as_str)),
        failure_reason: text(described.failure_reason()),
        started: described.training_start_time().and_then(timestamp),
        ended: described.training_end_time().and_then(timestamp),
        metrics: metrics
            .filter_map(|metric| Some((metric.metric_name()?.to_owned(), metric.value()?)))
            .collect(),
        billable_seconds: described.billable_time_in_seconds(),
        artifact: text(described.model_artifacts().and_then(ModelArtifacts::s3_model_artifacts)),
    }
}

fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
