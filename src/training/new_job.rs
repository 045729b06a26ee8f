//! A training job as `CreateTrainingJob` is asked for it, and what a description of a job says that it was asked to be.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::types::{AlgorithmSpecification, OutputDataConfig, ResourceConfig, StoppingCondition};
use aws_smithy_types::body::SdkBody;
use serde_json::{Map, Value, json};

use super::fields;
use super::parts::INPUT_CHANNELS;
use super::vocabulary::Training;
use crate::aws::CallError;

/// The variable in the training container, and in the job, that says which run it is.
pub(super) const RUN_ID_VARIABLE: &str = "SGBUILD_RUN_ID";
/// The variable in the training container that says which commit it is.
pub(super) const COMMIT_VARIABLE: &str = "SGBUILD_COMMIT";
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

    /// The names of its channels.
    #[must_use]
    pub(crate) fn channel_names(&self) -> Vec<String> {
        let request = self.request();
        let channels = request.get("InputDataConfig").and_then(Value::as_array);
        let names = channels
            .into_iter()
            .flatten()
            .filter_map(|channel| channel.get("ChannelName")?.as_str());
        names.map(ToOwned::to_owned).collect()
    }

    /// What `CreateTrainingJob` is asked: what every training says, laid over its further fields.
    #[must_use]
    pub(crate) fn request(&self) -> Map<String, Value> {
        let training = &self.training;
        let mut request = training.further.clone().unwrap_or_default();
        fields::merge(&mut request, self.said_by_every_training());
        request.insert("InputDataConfig".to_owned(), self.channels_of(&request));
        if training.lists_instances() {
            return request;
        }
        let instances = json!({ "InstanceType": training.instance_type, "InstanceCount": training.instance_count });
        fields::merge(&mut request, fields::put("ResourceConfig", instances));
        request
    }

    /// The channels: the folders of the input bucket that have data, and the further ones. Of each everything below its prefix goes to
    /// every instance, unless something else is said.
    fn channels_of(&self, request: &Map<String, Value>) -> Value {
        let further = request
            .get("InputDataConfig")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let has_data = |channel: &Value| match channel.get("ChannelName").and_then(Value::as_str) {
            Some(name) => !INPUT_CHANNELS.contains(&name) || self.channels.contains_key(name),
            None => true,
        };
        let found = self.channels.iter().map(
            |(name, prefix)| json!({ "ChannelName": name, "DataSource": { "S3DataSource": { "S3Uri": prefix } } }),
        );
        let mut channels = fields::put("InputDataConfig", found.collect());
        let further = further.into_iter().filter(has_data).collect();
        fields::merge(&mut channels, fields::put("InputDataConfig", further));
        let mut channels = channels.remove("InputDataConfig").unwrap_or_default();
        for channel in channels.as_array_mut().into_iter().flatten() {
            let source = channel
                .get_mut("DataSource")
                .and_then(|source| source.get_mut("S3DataSource"));
            if let Some(source) = source.and_then(Value::as_object_mut) {
                source.entry("S3DataType").or_insert_with(|| "S3Prefix".into());
                source
                    .entry("S3DataDistributionType")
                    .or_insert_with(|| "FullyReplicated".into());
            }
        }
        channels
    }

    fn said_by_every_training(&self) -> Map<String, Value> {
        let training = &self.training;
        let said = |path: &str| training.further.as_ref().and_then(|further| fields::get(further, path));
        let metrics = training
            .metrics
            .iter()
            .map(|(name, regex)| json!({ "Name": name, "Regex": regex }));
        let tags = self
            .tags()
            .into_iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }));
        let mut request = Map::new();
        let mut say = |path: &str, value: Value| fields::merge(&mut request, fields::put(path, value));
        say("TrainingJobName", training.job_name.as_str().into());
        say("RoleArn", training.role.as_str().into());
        say("AlgorithmSpecification.TrainingImage", training.image.as_str().into());
        let mode = said("AlgorithmSpecification.TrainingInputMode")
            .cloned()
            .unwrap_or_else(|| "File".into());
        say("AlgorithmSpecification.TrainingInputMode", mode);
        if !training.metrics.is_empty() {
            say("AlgorithmSpecification.MetricDefinitions", metrics.collect());
        }
        say("OutputDataConfig.S3OutputPath", training.output.as_str().into());
        say("ResourceConfig.VolumeSizeInGB", training.volume_gib.into());
        say(
            "StoppingCondition.MaxRuntimeInSeconds",
            training.max_runtime_seconds.into(),
        );
        say("Environment", json!(self.environment()));
        say("Tags", tags.collect());
        if !self.hyperparameters.is_empty() {
            say("HyperParameters", json!(self.hyperparameters));
        }
        // Off unless asked for, and then beside the models, as the SageMaker Python SDK has it.
        match said("ProfilerConfig.DisableProfiler") {
            None => say("ProfilerConfig.DisableProfiler", true.into()),
            Some(Value::Bool(false)) if said("ProfilerConfig.S3OutputPath").is_none() => {
                say("ProfilerConfig.S3OutputPath", training.output.as_str().into());
            }
            Some(_) => {}
        }
        request
    }
}

/// Creates a job, and answers with its ARN.
///
/// The request is sent as it is here and not as the SDK's types, which do not know the fields that are newer than they.
///
/// # Errors
/// SageMaker refuses, or cannot be reached.
pub(crate) async fn create(client: &Client, job: &NewJob) -> Result<String, CallError> {
    let body = Value::Object(job.request()).to_string();
    let name = &job.training.job_name;
    let call = client.create_training_job().training_job_name(name).customize();
    let created = call.mutate_request(move |request| {
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body.as_str());
    });
    created
        .send()
        .await
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
