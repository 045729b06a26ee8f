//! SageMaker's training jobs.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sagemaker::operation::create_training_job::builders::CreateTrainingJobFluentBuilder;
use aws_sdk_sagemaker::types::{
    AlgorithmSpecification, Channel, DataSource, MetricDefinition, OutputDataConfig, ResourceConfig,
    S3DataDistribution, S3DataSource, S3DataType, StoppingCondition, Tag, TrainingInputMode, TrainingInstanceType,
};

use crate::aws::CallError;
use crate::training::job::{self, Job};

/// A training job to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Valid and unique in account and region.
    pub name: String,
    /// The image, by digest.
    pub image: String,
    /// ARN of the role that SageMaker assumes.
    pub role: String,
    /// Each channel's S3 prefix: its data is at `/opt/ml/input/data/<channel>` in the container.
    pub channels: BTreeMap<String, String>,
    /// The S3 prefix for the model artifact.
    pub output: String,
    /// Instances.
    pub instance_count: i32,
    /// Such as `ml.m5.large`.
    pub instance_type: String,
    /// GiB.
    pub volume_gib: i32,
    /// Seconds.
    pub max_runtime_seconds: i32,
    /// `hyperparameters.json` of the container.
    pub hyperparameters: BTreeMap<String, String>,
    /// Metrics by name: the regular expressions that find them in the log.
    pub metrics: BTreeMap<String, String>,
    /// The container's environment.
    pub environment: BTreeMap<String, String>,
    /// Tags of the job.
    pub tags: BTreeMap<String, String>,
}

/// What the functions do with training jobs.
#[async_trait]
pub trait TrainingJobs: Send + Sync {
    /// Creates a job and answers with its ARN.
    async fn create(&self, job: &NewJob) -> Result<String, CallError>;
    /// Looks at the job with this name.
    async fn describe(&self, name: &str) -> Result<Job, CallError>;
}

/// The real ones.
#[derive(Debug, Clone)]
pub struct SageMaker(aws_sdk_sagemaker::Client);

impl SageMaker {
    /// With credentials, region, endpoint and retries of `sdk_config`.
    #[must_use]
    pub fn new(sdk_config: &SdkConfig) -> Self {
        Self(job::client(sdk_config))
    }

    fn request(&self, job: &NewJob) -> CreateTrainingJobFluentBuilder {
        let algorithm = AlgorithmSpecification::builder()
            .training_image(&job.image)
            .training_input_mode(TrainingInputMode::File)
            .set_metric_definitions((!job.metrics.is_empty()).then(|| metric_definitions(&job.metrics)))
            .build();
        let resources = ResourceConfig::builder()
            .instance_type(TrainingInstanceType::from(job.instance_type.as_str()))
            .instance_count(job.instance_count)
            .volume_size_in_gb(job.volume_gib)
            .build();
        let tags = job
            .tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build());
        let request = self
            .0
            .create_training_job()
            .training_job_name(&job.name)
            .algorithm_specification(algorithm)
            .role_arn(&job.role)
            .set_input_data_config(Some(
                job.channels
                    .iter()
                    .map(|(name, prefix)| channel(name, prefix))
                    .collect(),
            ))
            .output_data_config(OutputDataConfig::builder().s3_output_path(&job.output).build())
            .resource_config(resources)
            .stopping_condition(
                StoppingCondition::builder()
                    .max_runtime_in_seconds(job.max_runtime_seconds)
                    .build(),
            )
            .set_environment(Some(job.environment.clone().into_iter().collect()))
            .set_tags(Some(tags.collect()));
        let hyperparameters =
            (!job.hyperparameters.is_empty()).then(|| job.hyperparameters.clone().into_iter().collect());
        request.set_hyper_parameters(hyperparameters)
    }
}

fn metric_definitions(metrics: &BTreeMap<String, String>) -> Vec<MetricDefinition> {
    metrics
        .iter()
        .map(|(name, regex)| MetricDefinition::builder().name(name).regex(regex).build())
        .collect()
}

/// Everything below `prefix`, all of it on every instance.
fn channel(name: &str, prefix: &str) -> Channel {
    let source = S3DataSource::builder()
        .s3_data_type(S3DataType::S3Prefix)
        .s3_uri(prefix)
        .s3_data_distribution_type(S3DataDistribution::FullyReplicated)
        .build();
    Channel::builder()
        .channel_name(name)
        .data_source(DataSource::builder().s3_data_source(source).build())
        .build()
}

#[async_trait]
impl TrainingJobs for SageMaker {
    async fn create(&self, job: &NewJob) -> Result<String, CallError> {
        let created = self
            .request(job)
            .send()
            .await
            .map_err(|error| CallError::from_sdk(&error))?;
        Ok(created.training_job_arn().unwrap_or_default().to_owned())
    }

    async fn describe(&self, name: &str) -> Result<Job, CallError> {
        job::describe(&self.0, name).await
    }
}
