//! SageMaker's training jobs.

use async_trait::async_trait;
use aws_config::SdkConfig;

use crate::aws::CallError;
use crate::training::job::{self, Job};
use crate::training::new_job::{self, NewJob};

/// What the functions do with training jobs.
#[async_trait]
pub trait TrainingJobs: Send + Sync {
    /// Creates a job and answers with its ARN.
    async fn create(&self, job: &NewJob) -> Result<String, CallError>;
    /// Looks at the job with this name.
    async fn describe(&self, name: &str) -> Result<Job, CallError>;
}

/// The training jobs of SageMaker.
#[derive(Debug, Clone)]
pub struct SageMaker(aws_sdk_sagemaker::Client);

impl SageMaker {
    /// With credentials, region, endpoint and retries of `sdk_config`.
    #[must_use]
    pub fn new(sdk_config: &SdkConfig) -> Self {
        Self(job::client(sdk_config))
    }
}

#[async_trait]
impl TrainingJobs for SageMaker {
    async fn create(&self, job: &NewJob) -> Result<String, CallError> {
        new_job::create(&self.0, job).await
    }

    async fn describe(&self, name: &str) -> Result<Job, CallError> {
        job::describe(&self.0, name).await
    }
}
