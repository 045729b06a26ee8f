//! A training job as `CreateTrainingJob` is asked for it, and what a description of a job says that it was asked to be.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::operation::create_training_job::builders::CreateTrainingJobFluentBuilder;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::types::{
    AlgorithmSpecification, Channel, DataSource, MetricDefinition, OutputDataConfig, ResourceConfig,
    S3DataDistribution, S3DataSource, S3DataType, StoppingCondition, Tag, TrainingInputMode, TrainingInstanceType,
};

use super::vocabulary::Training;
use crate::aws::CallError;

/// The variable in the training container, and in the job, that says which run it is.
const RUN_ID_VARIABLE: &str = "SGBUILD_RUN_ID";
/// The variable in the training container that says which commit it is.
const COMMIT_VARIABLE: &str = "SGBUILD_COMMIT";
/// The channel that every run has, unless there is data for the others alone.
const TRAINING_CHANNEL: &str = "training";
/// The longest value of a tag.
const MAX_TAG_VALUE: usize = 256;

/// A training job to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What it is asked to be; its name is valid, and unique in account and region.
    pub training: Training,
    /// Each channel's S3 prefix: its data is at `/opt/ml/input/data/<channel>` in the container.
    pub channels: BTreeMap<String, String>,
    /// `hyperparameters.json` of the container.
    pub hyperparameters: BTreeMap<String, String>,
}

impl NewJob {
    /// The container's environment: which run and commit it is.
    #[must_use]
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        known([
            (RUN_ID_VARIABLE, self.training.run_id.clone()),
            (COMMIT_VARIABLE, self.training.commit.clone()),
        ])
    }

    /// The job's tags, by which it is found in the console.
    #[must_use]
    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        known([
            ("sgbuild:run-id", tag_value(&self.training.run_id)),
            ("sgbuild:commit", tag_value(&self.training.commit)),
            ("sgbuild:package", tag_value(&self.training.package)),
            ("sgbuild:version", tag_value(&self.training.version)),
        ])
    }

    fn request(&self, client: &Client) -> CreateTrainingJobFluentBuilder {
        let training = &self.training;
        let metrics = training
            .metrics
            .iter()
            .map(|(name, regex)| MetricDefinition::builder().name(name).regex(regex).build());
        let algorithm = AlgorithmSpecification::builder()
            .training_image(&training.image)
            .training_input_mode(TrainingInputMode::File)
            .set_metric_definitions((!training.metrics.is_empty()).then(|| metrics.collect()));
        let resources = ResourceConfig::builder()
            .instance_type(TrainingInstanceType::from(training.instance_type.as_str()))
            .instance_count(training.instance_count)
            .volume_size_in_gb(training.volume_gib);
        let output = OutputDataConfig::builder().s3_output_path(&training.output);
        let stopping = StoppingCondition::builder().max_runtime_in_seconds(training.max_runtime_seconds);
        let channels = self.channels.iter().map(|(name, prefix)| channel(name, prefix));
        let hyperparameters = self.hyperparameters.clone().into_iter();
        let tags = self.tags().into_iter();
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        client
            .create_training_job()
            .training_job_name(&training.job_name)
            .algorithm_specification(algorithm.build())
            .role_arn(&training.role)
            .set_input_data_config(Some(channels.collect()))
            .output_data_config(output.build())
            .resource_config(resources.build())
            .stopping_condition(stopping.build())
            .set_environment(Some(self.environment().into_iter().collect()))
            .set_tags(Some(tags.collect()))
            .set_hyper_parameters((!self.hyperparameters.is_empty()).then(|| hyperparameters.collect()))
    }
}

/// Creates a job, and answers with its ARN.
///
/// # Errors
/// SageMaker refuses, or cannot be reached.
pub(crate) async fn create(client: &Client, job: &NewJob) -> Result<String, CallError> {
    let created = job.request(client).send().await;
    created
        .map(|created| created.training_job_arn().unwrap_or_default().to_owned())
        .map_err(|error| CallError::from_sdk(&error))
}

/// What a job was asked to be, as far as its description says it.
pub(super) fn asked(described: &DescribeTrainingJobOutput) -> Training {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let algorithm = described.algorithm_specification();
    let resources = described.resource_config();
    let variable = |name: &str| {
        text(
            described
                .environment()
                .and_then(|all| all.get(name).map(String::as_str)),
        )
    };
    let mut training_channels = described
        .input_data_config()
        .iter()
        .filter(|channel| channel.channel_name() == Some(TRAINING_CHANNEL));
    let input = training_channels.find_map(|channel| channel.data_source()?.s3_data_source()?.s3_uri());
    Training {
        job_name: text(described.training_job_name()),
        run_id: variable(RUN_ID_VARIABLE),
        commit: variable(COMMIT_VARIABLE),
        image: text(algorithm.and_then(AlgorithmSpecification::training_image)),
        role: text(described.role_arn()),
        input: text(input),
        output: text(
            described
                .output_data_config()
                .and_then(OutputDataConfig::s3_output_path),
        ),
        instance_type: text(resources.and_then(|resources| Some(resources.instance_type()?.as_str()))),
        instance_count: resources.and_then(ResourceConfig::instance_count).unwrap_or_default(),
        volume_gib: resources
            .and_then(ResourceConfig::volume_size_in_gb)
            .unwrap_or_default(),
        max_runtime_seconds: described
            .stopping_condition()
            .and_then(StoppingCondition::max_runtime_in_seconds)
            .unwrap_or_default(),
        ..Training::default()
    }
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

/// The pairs that have a value.
fn known<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    let known = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(key, value)| (key.to_owned(), value)).collect()
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
