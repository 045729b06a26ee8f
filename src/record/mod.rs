//! The record of a run: what was trained, from which commit and data, and what came of it. One item of the metadata table.
//!
//! The key and the attributes that the setuptools-docker pipeline wrote keep its names: `training_job_name`, `git_hash`,
//! `hyperparameters`, `job_creation_time`, `job_end_time`, `job_status`.

mod comparison;
mod facts;
mod store;

pub(crate) use comparison::{Difference, differences};
pub(crate) use facts::{Group, Kind};

pub use store::{DynamoDb, Listed, Records};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::training::Training;
pub use crate::training::job::JobStatus;

/// The table's key.
const KEY: &str = "training_job_name";

/// Where the training data came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataSource {
    /// Somebody uploaded it.
    Uploaded,
    /// There was none: the synthetic data was copied.
    Synthetic,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// What it was asked to be; the training job's name is the table's key.
    #[serde(flatten)]
    pub training: Training,
    /// Whether somebody uploaded the data; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source: Option<DataSource>,
    /// The job's channels.
    #[serde(default)]
    pub channels: Vec<String>,
    /// The version id of every input object, by key, as they were listed; empty where there were too many for an item.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input_versions: BTreeMap<String, String>,
    /// Where the versions are when there were too many: a JSON object like `input_versions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_versions_uri: Option<String>,
    /// SHA-256 of all the versions, in hexadecimal digits: the same digest is the same data. Older records lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<String>,
    /// When the input objects were listed. SageMaker downloads what is there when the job has its instances, some minutes later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_listed_at: Option<Timestamp>,
    /// How many input objects there were.
    #[serde(default)]
    pub input_object_count: usize,
    /// The hyperparameters that the job got.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, String>,
    /// When the run was recorded.
    pub recorded_at: Timestamp,
    /// The job's ARN, once SageMaker has confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_job_arn: Option<String>,
    /// When SageMaker created the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_creation_time: Option<Timestamp>,
    /// When the job ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_end_time: Option<Timestamp>,
    /// How the run stands.
    pub job_status: JobStatus,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The last value of each metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// When SageMaker read each of these values in the log.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metric_times: BTreeMap<String, Timestamp>,
    /// `s3://…/model.tar.gz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// The seconds that are paid for, of each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable_seconds: Option<i32>,
    /// The seconds from the job's instances being there to its end; on spot instances more than are paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_seconds: Option<i32>,
    /// When its end was announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified_at: Option<Timestamp>,
}

impl RunRecord {
    /// The record of a run that is to start `now`.
    #[must_use]
    pub(crate) fn requested(training: Training, now: Timestamp) -> Self {
        Self {
            training,
            data_source: None,
            channels: Vec::new(),
            input_versions: BTreeMap::new(),
            input_versions_uri: None,
            input_digest: None,
            input_listed_at: None,
            input_object_count: 0,
            hyperparameters: BTreeMap::new(),
            recorded_at: now,
            training_job_arn: None,
            job_creation_time: None,
            job_end_time: None,
            job_status: JobStatus::Requested,
            failure_reason: None,
            metrics: BTreeMap::new(),
            metric_times: BTreeMap::new(),
            artifact: None,
            billable_seconds: None,
            training_seconds: None,
            notified_at: None,
        }
    }

    /// The seconds from the job's creation to its end, the wait for instances included; `None` before its end.
    #[must_use]
    pub(crate) fn duration(&self) -> Option<i64> {
        Some(self.job_end_time?.as_second() - self.job_creation_time?.as_second())
    }

    /// The seconds that are paid for, of all instances together. `None` before the end, and where SageMaker chose among instances of
    /// which there would be different numbers.
    #[must_use]
    pub(crate) fn billable_of_all(&self) -> Option<i64> {
        let instances = self.training.instances_used()?;
        let count: i64 = instances.iter().map(|(_, count)| count).sum();
        Some(i64::from(self.billable_seconds?) * count)
    }

    /// What stands for all versions of the data: the same digest is the same data. `None` where the data is not known, or an older
    /// record does not have the versions.
    #[must_use]
    pub(crate) fn data_digest(&self) -> Option<String> {
        let known = self.input_digest.clone();
        let is_recorded = self.data_source.is_some() && self.input_versions_uri.is_none();
        known.or_else(|| is_recorded.then(|| digest_of_versions(&self.input_versions)))
    }
}

/// What became known of a run: absent fields are left as they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// How it stands now.
    pub job_status: JobStatus,
    /// See [`RunRecord::training_job_arn`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_job_arn: Option<String>,
    /// See [`RunRecord::job_creation_time`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_creation_time: Option<Timestamp>,
    /// See [`RunRecord::job_end_time`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_end_time: Option<Timestamp>,
    /// See [`RunRecord::failure_reason`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// See [`RunRecord::metrics`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// See [`RunRecord::metric_times`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metric_times: BTreeMap<String, Timestamp>,
    /// See [`RunRecord::artifact`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// See [`RunRecord::billable_seconds`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billable_seconds: Option<i32>,
    /// See [`RunRecord::training_seconds`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_seconds: Option<i32>,
}

impl Progress {
    /// The status, and nothing else known.
    #[must_use]
    pub(crate) fn to(job_status: JobStatus) -> Self {
        Self {
            job_status,
            training_job_arn: None,
            job_creation_time: None,
            job_end_time: None,
            failure_reason: None,
            metrics: BTreeMap::new(),
            metric_times: BTreeMap::new(),
            artifact: None,
            billable_seconds: None,
            training_seconds: None,
        }
    }
}

/// SHA-256 of all versions of a run's data, in hexadecimal digits.
#[must_use]
pub(crate) fn digest_of_versions(versions: &BTreeMap<String, String>) -> String {
    let mut digest = Sha256::new();
    for (key, version) in versions {
        digest.update(format!("{key}\0{version}\0"));
    }
    hex(&digest.finalize())
}

/// A duration for people: `1 h 5 min 3 s`.
pub(crate) fn in_words(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min {rest} s"),
    }
}
