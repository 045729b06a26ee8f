//! `PushedImage ─▶ TrainingRun`: the request the CLI sends, and the training Lambda reads.
//!
//! [`TrainingRequest::new`] makes the request of a pushed image and the settings, [`trigger::start`] sends it to the training
//! Lambda and reads its answer. The other end is [`crate::lambda::start_training`]; both ends check fields by the same rules
//! and share the job's name ([`training_job_name`]).

pub mod asked;
pub mod error;
pub mod follow;
pub mod job;
pub mod job_log;
pub mod job_name;
pub mod request;
pub(crate) mod rules;
pub mod run_id;
pub mod trigger;

pub use error::Error;
pub use job_name::training_job_name;
pub use request::TrainingSettings;
pub use run_id::new_run_id;
pub use trigger::TrainingAnswer;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The `errorType` by which a function of the pipeline says that the same invocation may work later.
pub const UNAVAILABLE: &str = "Unavailable";

/// The payload of the training Lambda. The first ten keys are the setuptools-docker pipeline's, all of them strings, so that an
/// existing Lambda accepts it; the rest is sgbuild's and absent from a payload of that pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRequest {
    /// `s3://bucket/input/data/training/`.
    pub source_bucket_uri: String,
    /// `s3://bucket/`, where SageMaker writes the model artifact.
    pub destination_bucket_uri: String,
    /// The training image, by digest.
    pub image: String,
    /// ARN of the role that SageMaker assumes.
    pub role: String,
    /// A number of instances.
    pub num_instances: String,
    /// Such as `ml.m5.large`.
    pub instance_type: String,
    /// Volume size in GiB.
    pub vol_in_gb: String,
    /// The repository's name; the Lambda makes a job name of it and the run id.
    pub training_job_name: String,
    /// Seconds.
    pub max_runtime_sec: String,
    /// The commit trained; empty where unknown.
    pub git_hash: String,
    /// Identifies this run: at most one training job comes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The package's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The package's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `sha256:…` of the image's manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// Metrics by name: the regular expressions that find them in the training's log.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, String>,
}

/// What the training Lambda answers: the job it started (or found started by an earlier delivery of the same run).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRun {
    /// The SageMaker training job's name.
    pub training_job_name: String,
    /// Its ARN.
    pub training_job_arn: String,
    /// The run it belongs to.
    pub run_id: String,
}
