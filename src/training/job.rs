//! A training job as SageMaker describes it.

use std::collections::BTreeMap;
use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::primitives::DateTime;
use aws_sdk_sagemaker::types::{ModelArtifacts, SecondaryStatus, TrainingJobStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::new_job;
use super::vocabulary::Training;
use crate::aws::CallError;

/// How a run stands. Beside [`Requested`](Self::Requested) these are
/// [SageMaker's states](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html) of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobStatus {
    /// Recorded; SageMaker has not yet confirmed the job.
    Requested,
    /// The job starts, trains, or uploads.
    InProgress,
    /// The job was told to stop.
    Stopping,
    /// The job ended well.
    Completed,
    /// The job ended with an error, or could not be created.
    Failed,
    /// The job was stopped.
    Stopped,
}

impl JobStatus {
    /// Every status.
    pub(crate) const ALL: [Self; 6] = [
        Self::Requested,
        Self::InProgress,
        Self::Stopping,
        Self::Completed,
        Self::Failed,
        Self::Stopped,
    ];

    /// Whether the run has ended: no other status comes after it.
    #[must_use]
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Stopped)
    }

    /// Whether a record with this status may be given the status `next`. Events come late and out of order, and a record never goes
    /// back.
    #[must_use]
    pub(crate) fn may_become(self, next: Self) -> bool {
        match next {
            Self::Requested => false,
            Self::InProgress => matches!(self, Self::Requested | Self::InProgress),
            Self::Stopping | Self::Completed | Self::Failed | Self::Stopped => !self.is_terminal(),
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What SageMaker says of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// The job's name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The image it runs.
    pub image: String,
    /// What it was asked to be, as far as SageMaker says it.
    #[serde(skip)]
    pub asked: Training,
    /// How it stands.
    pub status: JobStatus,
    /// What it does at present, such as `Downloading` or `Training`.
    pub phase: Option<String>,
    /// Why it failed: SageMaker's words, with the beginning of the container's `failure` file.
    pub failure_reason: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When its instances began.
    pub started: Option<Timestamp>,
    /// When it ended; of a job that ended before its instances began, when SageMaker last changed it.
    pub ended: Option<Timestamp>,
    /// The last value of each metric.
    pub metrics: BTreeMap<String, f32>,
    /// When each of these values was read in the log.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metric_times: BTreeMap<String, Timestamp>,
    /// The seconds that are paid for, of each instance.
    pub billable_seconds: Option<i32>,
    /// The seconds from its instances being there to its end.
    pub training_seconds: Option<i32>,
    /// `s3://…/model.tar.gz`.
    pub artifact: Option<String>,
}

impl Job {
    /// Whether nothing more happens to it.
    #[must_use]
    pub(crate) fn has_ended(&self) -> bool {
        self.status.is_terminal()
    }

    /// `InProgress (Training)`, or the status alone where the phase says the same.
    #[must_use]
    pub(crate) fn in_words(&self) -> String {
        match &self.phase {
            Some(phase) if *phase != self.status.to_string() => format!("{} ({phase})", self.status),
            _ => self.status.to_string(),
        }
    }
}

/// A client with credentials, region and endpoint of `sdk_config`.
#[must_use]
pub(crate) fn client(sdk_config: &SdkConfig) -> aws_sdk_sagemaker::Client {
    aws_sdk_sagemaker::Client::new(sdk_config)
}

/// Asks SageMaker for the job named `name`.
///
/// # Errors
/// There is no such job, SageMaker refuses, or cannot be reached.
pub(crate) async fn describe(client: &aws_sdk_sagemaker::Client, name: &str) -> Result<Job, CallError> {
    let described = client.describe_training_job().training_job_name(name).send().await;
    described
        .map(|described| read(name, &described))
        .map_err(|error| CallError::from_sdk(&error))
}

fn read(name: &str, described: &DescribeTrainingJobOutput) -> Job {
    let asked = new_job::asked(described);
    let metrics = described.final_metric_data_list();
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    let status = match described.training_job_status() {
        Some(TrainingJobStatus::Completed) => JobStatus::Completed,
        Some(TrainingJobStatus::Failed) => JobStatus::Failed,
        Some(TrainingJobStatus::Stopped) => JobStatus::Stopped,
        Some(TrainingJobStatus::Stopping) => JobStatus::Stopping,
        _ => JobStatus::InProgress,
    };
    let changed = described.last_modified_time().filter(|_| status.is_terminal());
    Job {
        name: name.to_owned(),
        arn: described.training_job_arn().unwrap_or_default().to_owned(),
        image: asked.image.clone(),
        asked,
        status,
        phase: text(described.secondary_status().map(SecondaryStatus::as_str)),
        failure_reason: text(described.failure_reason()),
        created: described.creation_time().and_then(timestamp),
        started: described.training_start_time().and_then(timestamp),
        ended: described.training_end_time().or(changed).and_then(timestamp),
        metrics: metrics
            .iter()
            .filter_map(|metric| Some((metric.metric_name()?.to_owned(), metric.value()?)))
            .collect(),
        metric_times: metrics
            .iter()
            .filter_map(|metric| Some((metric.metric_name()?.to_owned(), timestamp(metric.timestamp()?)?)))
            .collect(),
        billable_seconds: described.billable_time_in_seconds(),
        training_seconds: described.training_time_in_seconds(),
        artifact: text(described.model_artifacts().and_then(ModelArtifacts::s3_model_artifacts)),
    }
}

/// A time of the SDK's.
pub(crate) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_never_goes_back() {
        for ended in [JobStatus::Completed, JobStatus::Failed, JobStatus::Stopped] {
            assert!(JobStatus::ALL.iter().all(|next| !ended.may_become(*next)));
        }
        assert!(!JobStatus::Stopping.may_become(JobStatus::InProgress));
        assert!(!JobStatus::InProgress.may_become(JobStatus::Requested));
        assert!(JobStatus::Requested.may_become(JobStatus::Failed));
        assert!(JobStatus::Stopping.may_become(JobStatus::Stopped));
    }
}
