//! What is asked of a training on this machine: the job that the settings describe, so that what SageMaker would refuse is refused here,
//! with data and limits of this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::channels::{Channel, Mode};
use super::error::Error;
use super::opt_ml;
use crate::engine::docker::Limits;
use crate::training::fields;
use crate::training::new_job::NewJob;

/// Where a channel's data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A directory or file of this machine.
    Here(PathBuf),
    /// `s3://bucket/prefix`.
    S3(String),
}

/// A channel as a flag gives it: `training=data/` or `training=s3://bucket/prefix/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// The channel's name.
    pub(crate) channel: String,
    /// Its data.
    pub(crate) source: Source,
}

impl Input {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (channel, place) = text
            .split_once('=')
            .ok_or_else(|| "a channel is NAME=DIR or NAME=s3://BUCKET/PREFIX".to_owned())?;
        crate::training::channel_name(channel)?;
        let source = if place.starts_with("s3://") {
            crate::training::rules::s3_uri(place)?;
            Source::S3(place.to_owned())
        } else if place.is_empty() {
            return Err(format!("the channel {channel} has no directory"));
        } else {
            Source::Here(place.into())
        };
        Ok(Self {
            channel: channel.to_owned(),
            source,
        })
    }
}

/// What only a training on this machine is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// In place of what the job would read from S3.
    pub(crate) inputs: Vec<Input>,
    /// How many containers train together.
    pub(crate) instances: u16,
    /// What each may use.
    pub(crate) limits: Limits,
    /// How long after SIGTERM it is killed.
    pub(crate) stop_timeout: Duration,
    /// Where what is left of it goes.
    pub(crate) output: PathBuf,
    /// The AWS region, where one is set.
    pub(crate) region: Option<String>,
}

/// A training to run here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LocalJob {
    pub(crate) name: String,
    /// The image, by a name or id that the daemon knows.
    pub(crate) image: String,
    pub(crate) hyperparameters: BTreeMap<String, String>,
    /// By name.
    pub(crate) channels: BTreeMap<String, Channel>,
    /// The user's variables and the platform's.
    pub(crate) environment: BTreeMap<String, String>,
    /// In place of the image's entry point, and of `train` behind it.
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) command: Vec<String>,
    pub(crate) groups: Vec<Group>,
    pub(crate) metrics: BTreeMap<String, String>,
    pub(crate) max_runtime: Duration,
    /// The directory of the container whose files are kept and found again.
    pub(crate) checkpoints: String,
    /// Whether the containers reach nothing but each other.
    pub(crate) is_isolated: bool,
    pub(crate) asked: Asked,
}

/// Instances of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) instance_type: String,
    /// Sorted.
    pub(crate) hosts: Vec<String>,
}

/// The group of a job that names none.
const ONE_GROUP: &str = "homogeneousCluster";
/// Where SageMaker looks for checkpoints unless something else is said.
const CHECKPOINTS: &str = "/opt/ml/checkpoints";

impl LocalJob {
    /// The training `job`, run here.
    ///
    /// # Errors
    /// Data that cannot be had here.
    pub(crate) fn of(job: &NewJob, asked: Asked) -> Result<Self, Error> {
        let request = job.request();
        let said = |path: &str| fields::get(&request, path);
        let texts = |path: &str| {
            let items = said(path).and_then(Value::as_array)?;
            Some(
                items
                    .iter()
                    .filter_map(|item| Some(item.as_str()?.to_owned()))
                    .collect(),
            )
        };
        let entrypoint: Option<Vec<String>> = texts("AlgorithmSpecification.ContainerEntrypoint");
        let command: Option<Vec<String>> = texts("AlgorithmSpecification.ContainerArguments");
        let seconds = u64::try_from(job.training.max_runtime_seconds).unwrap_or_default();
        let name = job.training.job_name.clone();
        Ok(Self {
            image: job.training.image.clone(),
            hyperparameters: job.hyperparameters.clone(),
            channels: channels(&request, &asked.inputs)?,
            environment: environment(&request, &name, asked.region.as_deref()),
            // SageMaker gives `train` only where nothing else is said.
            command: command.unwrap_or_else(|| match entrypoint {
                Some(_) => Vec::new(),
                None => vec!["train".to_owned()],
            }),
            entrypoint,
            groups: groups(&request, asked.instances),
            metrics: job.training.metrics.clone(),
            max_runtime: Duration::from_secs(seconds),
            checkpoints: said("CheckpointConfig.LocalPath")
                .and_then(Value::as_str)
                .unwrap_or(CHECKPOINTS)
                .to_owned(),
            is_isolated: said("EnableNetworkIsolation") == Some(&Value::Bool(true)),
            name,
            asked,
        })
    }

    /// What its first host finds: the files of `/opt/ml/input/config`, and its environment.
    pub(crate) fn seen(&self) -> Value {
        let host = self.hosts().into_iter().next().unwrap_or_default();
        let mut seen: Map<_, _> = opt_ml::config(self, &host)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        seen.insert("environment".to_owned(), json!(self.environment));
        seen.insert("command".to_owned(), json!(self.command));
        Value::Object(seen)
    }

    /// Every host, sorted as SageMaker sorts them: as texts.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<_> = self.groups.iter().flat_map(|group| group.hosts.clone()).collect();
        hosts.sort();
        hosts
    }
}

/// What SageMaker sets, and what the job's request says.
fn environment(request: &Map<String, Value>, name: &str, region: Option<&str>) -> BTreeMap<String, String> {
    let said = request.get("Environment").and_then(Value::as_object);
    let said = said.into_iter().flatten();
    let mut environment: BTreeMap<_, _> = said
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    // There is no account in which it could be looked up.
    let arn = format!(
        "arn:aws:sagemaker:{}:000000000000:training-job/{name}",
        region.unwrap_or("local")
    );
    environment.insert("TRAINING_JOB_NAME".to_owned(), name.to_owned());
    environment.insert("TRAINING_JOB_ARN".to_owned(), arn);
    if let Some(region) = region {
        environment.insert("AWS_REGION".to_owned(), region.to_owned());
    }
    environment
}

/// The instances by their groups: of a job with groups, the first `count` of theirs.
fn groups(request: &Map<String, Value>, count: u16) -> Vec<Group> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut hosts = (1..=count).map(|number| format!("algo-{number}"));
    let mut groups = Vec::new();
    let listed = fields::get(request, "ResourceConfig.InstanceGroups").and_then(Value::as_array);
    for group in listed.into_iter().flatten() {
        let size = group.get("InstanceCount").and_then(Value::as_u64).unwrap_or_default();
        let size = usize::try_from(size).unwrap_or_default();
        groups.push(Group {
            name: text(group, "InstanceGroupName"),
            instance_type: text(group, "InstanceType"),
            hosts: hosts.by_ref().take(size).collect(),
        });
    }
    groups.retain(|group| !group.hosts.is_empty());
    let rest: Vec<_> = hosts.collect();
    if !rest.is_empty() {
        let resources = request.get("ResourceConfig").cloned().unwrap_or_default();
        groups.push(Group {
            name: ONE_GROUP.to_owned(),
            instance_type: text(&resources, "InstanceType"),
            hosts: rest,
        });
    }
    for group in &mut groups {
        group.hosts.sort();
    }
    groups
}

/// The job's channels, with the data that is given for them here.
fn channels(request: &Map<String, Value>, inputs: &[Input]) -> Result<BTreeMap<String, Channel>, Error> {
    let usual = fields::get(request, "AlgorithmSpecification.TrainingInputMode").and_then(Value::as_str);
    let listed = request.get("InputDataConfig").and_then(Value::as_array);
    let mut channels = BTreeMap::new();
    for channel in listed.into_iter().flatten() {
        let text = |name: &str| channel.get(name).and_then(Value::as_str);
        let name = text("ChannelName").unwrap_or_default().to_owned();
        let s3 = channel.get("DataSource").and_then(|source| source.get("S3DataSource"));
        let of_s3 = |key: &str| s3.and_then(|source| source.get(key)).and_then(Value::as_str);
        let given = inputs.iter().find(|input| input.channel == name);
        let refused = |reason: &str| Error::ChannelKind {
            channel: name.clone(),
            reason: reason.to_owned(),
        };
        let source = match (given, of_s3("S3Uri"), of_s3("S3DataType")) {
            (Some(input), ..) => input.source.clone(),
            (None, Some(uri), Some("S3Prefix")) => Source::S3(uri.to_owned()),
            (None, Some(_), _) => return Err(refused("its data is a manifest's, not what is below a prefix")),
            (None, None, _) => return Err(refused("its data is not in S3")),
        };
        let distribution = of_s3("S3DataDistributionType").unwrap_or("FullyReplicated");
        let mode = Mode::of(text("InputMode").or(usual).unwrap_or("File"));
        channels.insert(
            name.clone(),
            Channel {
                source,
                mode: mode.ok_or_else(|| refused("its input mode is none of File, FastFile and Pipe"))?,
                is_sharded: distribution == "ShardedByS3Key",
                content_type: text("ContentType").map(ToOwned::to_owned),
                record_wrapper: text("RecordWrapperType").unwrap_or("None").to_owned(),
            },
        );
    }
    Ok(channels)
}
