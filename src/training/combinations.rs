//! What SageMaker takes of the further fields of a training: forms of texts, and which fields go with which.
//!
//! One function a rule, shared by the CLI (before anything is built) and the Lambda. Sources, where a rule names none:
//! [CreateTrainingJob](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html) and what it links to.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::{self, Problem, leaves};
use super::forms;
use super::new_job::{COMMIT_VARIABLE, RUN_ID_VARIABLE};
use super::parts::INPUT_CHANNELS;
use super::rules;
use super::vocabulary::Training;
use crate::shown::quoted;

/// What a text must be, by its field's path.
type Form = fn(&str) -> Result<(), String>;
const FORMS: [(&str, Form); 13] = [
    ("CheckpointConfig.LocalPath", forms::container_path),
    ("CheckpointConfig.S3Uri", |uri| rules::s3_uri(uri).map(drop)),
    ("DebugHookConfig.S3OutputPath", |uri| rules::s3_uri(uri).map(drop)),
    ("InputDataConfig[].ChannelName", forms::channel_name),
    ("InputDataConfig[].DataSource.S3DataSource.S3Uri", |uri| {
        rules::s3_uri(uri).map(drop)
    }),
    ("OutputDataConfig.KmsKeyId", forms::kms_key),
    ("ResourceConfig.InstanceGroups[].InstanceType", rules::instance_type),
    ("ResourceConfig.TrainingPlanArn", forms::training_plan),
    ("ResourceConfig.VolumeKmsKeyId", forms::kms_key),
    ("Tags[].Key", forms::tag_text),
    ("Tags[].Value", forms::tag_text),
    ("VpcConfig.SecurityGroupIds[]", forms::security_group),
    ("VpcConfig.Subnets[]", forms::subnet),
];

/// What one request has room for, beside what sgbuild says itself.
const MOST_VARIABLES: usize = 100 - 2;
const MOST_TAGS: usize = 50 - 4;
const MOST_CHANNELS: usize = 20 - INPUT_CHANNELS.len();

/// Families of instances that bring their own disks, which have their own encryption
/// ([instance store](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/InstanceStorage.html)); besides, those with a `d` behind their number.
const WITH_DISKS: [&str; 8] = ["g5", "g6", "g6e", "g7e", "gr6", "p5", "p6", "trn"];

/// Everything that is wrong with the further fields of `training`, and with how they go with its others.
pub(crate) fn check(training: &Training) -> Vec<Problem> {
    let Some(further) = &training.further else {
        return Vec::new();
    };
    let request = Request { training, further };
    let mut problems = request.forms();
    problems.extend(request.spot());
    problems.extend(request.instances());
    problems.extend(request.network());
    problems.extend(request.channels());
    problems.extend(request.environment_and_tags());
    problems.extend(request.profiler());
    problems
}

struct Request<'a> {
    training: &'a Training,
    further: &'a Map<String, Value>,
}

impl Request<'_> {
    fn has(&self, path: &str) -> bool {
        fields::get(self.further, path).is_some()
    }

    fn is_on(&self, path: &str) -> bool {
        fields::get(self.further, path) == Some(&Value::Bool(true))
    }

    fn items(&self, path: &str) -> &[Value] {
        fields::get(self.further, path)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn forms(&self) -> Vec<Problem> {
        let wrong = leaves(self.further).into_iter().filter_map(|leaf| {
            let (_, form) = FORMS.iter().find(|(path, _)| *path == leaf.path)?;
            Some(Problem::new(leaf.place, form(leaf.value.as_str()?).err()?))
        });
        wrong.collect()
    }

    /// [Managed spot training](https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html).
    fn spot(&self) -> Vec<Problem> {
        const SPOT: &str = "EnableManagedSpotTraining";
        const WAIT: &str = "StoppingCondition.MaxWaitTimeInSeconds";
        let wait = fields::get(self.further, WAIT).and_then(Value::as_u64);
        let run = u64::try_from(self.training.max_runtime_seconds).unwrap_or_default();
        let mut problems = Vec::new();
        match (self.is_on(SPOT), wait) {
            (false, Some(_)) => {
                problems.push(Problem::new(
                    WAIT,
                    "is for managed spot training alone (`spot`): nothing else is waited for",
                ));
            }
            (true, None) => problems.push(Problem::new(
                SPOT,
                "needs the longest wait for instances and training together (`max-wait`, MaxWaitTimeInSeconds)",
            )),
            (true, Some(wait)) if wait < run => {
                problems.push(Problem::new(
                    WAIT,
                    format!("is {wait}, and the run alone may take {run} seconds (`max-runtime`)"),
                ));
            }
            _ => {}
        }
        // https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html#train-warm-pools-considerations
        for (path, what) in [
            (
                "ResourceConfig.KeepAlivePeriodInSeconds",
                "does not go with managed spot training (`spot`): spot instances are not kept",
            ),
            (
                "ResourceConfig.TrainingPlanArn",
                "does not go with managed spot training (`spot`): a plan's instances are reserved ones",
            ),
            (
                "ResourceConfig.InstancePreferences",
                "does not go with managed spot training (`spot`)",
            ),
        ] {
            if self.is_on(SPOT) && self.has(path) {
                problems.push(Problem::new(path, what));
            }
        }
        problems
    }

    fn instances(&self) -> Vec<Problem> {
        const GROUPS: &str = "ResourceConfig.InstanceGroups";
        const PREFERENCES: &str = "ResourceConfig.InstancePreferences";
        let mut problems = Vec::new();
        for path in [GROUPS, "ResourceConfig.InstancePlacementConfig"] {
            if self.has(PREFERENCES) && self.has(path) {
                problems.push(Problem::new(PREFERENCES, format!("does not go with {path}")));
            }
        }
        problems.extend(
            repeated(self.items(GROUPS), "InstanceGroupName")
                .map(|name| Problem::new(GROUPS, format!("names {} twice", quoted(name)))),
        );
        if self.has("ResourceConfig.VolumeKmsKeyId") {
            let mut types = self.training.instances().into_iter().map(|(name, _)| name);
            problems.extend(types.find(|name| has_disks(name)).map(|name| {
                let what = format!("is for volumes, and {name} brings its own disks, which are encrypted anyway");
                Problem::new("ResourceConfig.VolumeKmsKeyId", what)
            }));
        }
        problems
    }

    fn network(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (one, other, missing) in [
            (
                "VpcConfig.Subnets",
                "VpcConfig.SecurityGroupIds",
                "needs security groups as well (`security-groups`)",
            ),
            (
                "VpcConfig.SecurityGroupIds",
                "VpcConfig.Subnets",
                "needs subnets as well (`subnets`)",
            ),
            (
                "CheckpointConfig.LocalPath",
                "CheckpointConfig.S3Uri",
                "needs the place in S3 as well (`checkpoints`)",
            ),
        ] {
            if self.has(one) && !self.has(other) {
                problems.push(Problem::new(one, missing));
            }
        }
        problems
    }

    fn channels(&self) -> Vec<Problem> {
        let channels = self.items("InputDataConfig");
        let mut problems = Vec::new();
        let mut further = 0;
        for (number, channel) in channels.iter().enumerate() {
            let place = format!("InputDataConfig[{number}]");
            let name = channel.get("ChannelName").and_then(Value::as_str).unwrap_or_default();
            let source = channel.get("DataSource");
            let has = |kind: &str| source.and_then(|source| source.get(kind)).is_some();
            let is_s3 = source
                .and_then(|source| source.get("S3DataSource")?.get("S3Uri"))
                .is_some();
            let is_other = has("FileSystemDataSource") || has("DatasetSource");
            let is_input = INPUT_CHANNELS.contains(&name);
            if is_input && (is_s3 || is_other) {
                let what = format!(
                    "says where the data of {} is: that is its folder of the input bucket (`source-bucket`)",
                    quoted(name)
                );
                problems.push(Problem::new(format!("{place}.DataSource.S3DataSource.S3Uri"), what));
            }
            if !is_input && !is_s3 && !is_other {
                problems.push(Problem::new(
                    &place,
                    format!("does not say where the data of {} is (`channels`)", quoted(name)),
                ));
            }
            if has("FileSystemDataSource") && !self.has("VpcConfig") {
                problems.push(Problem::new(
                    &place,
                    "has a file system, which is reached through a network alone (`subnets`)",
                ));
            }
            further += usize::from(!is_input);
        }
        problems.extend(
            repeated(channels, "ChannelName")
                .map(|name| Problem::new("InputDataConfig", format!("names {} twice", quoted(name)))),
        );
        if further > MOST_CHANNELS {
            problems.push(Problem::new(
                "InputDataConfig",
                format!("has {further} further channels: {MOST_CHANNELS} at most"),
            ));
        }
        problems
    }

    fn environment_and_tags(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let environment = fields::get(self.further, "Environment").and_then(Value::as_object);
        for name in environment.into_iter().flat_map(Map::keys) {
            let checked = match name.as_str() {
                RUN_ID_VARIABLE | COMMIT_VARIABLE => Err(format!("{} is sgbuild's own", quoted(name))),
                name => forms::variable_name(name),
            };
            problems.extend(checked.err().map(|what| Problem::new("Environment", what)));
        }
        if environment.is_some_and(|environment| environment.len() > MOST_VARIABLES) {
            problems.push(Problem::new(
                "Environment",
                format!("has too many variables: {MOST_VARIABLES} at most"),
            ));
        }
        let tags = self.items("Tags");
        for key in tags.iter().filter_map(|tag| tag.get("Key")?.as_str()) {
            let lower = key.to_lowercase();
            if lower.starts_with("aws:") || lower.starts_with("sgbuild:") {
                problems.push(Problem::new(
                    "Tags",
                    format!(
                        "{} is a tag of {}'s own",
                        quoted(key),
                        lower.split(':').next().unwrap_or_default()
                    ),
                ));
            }
        }
        problems.extend(repeated(tags, "Key").map(|key| Problem::new("Tags", format!("names {} twice", quoted(key)))));
        if tags.len() > MOST_TAGS {
            problems.push(Problem::new(
                "Tags",
                format!("has {} tags: {MOST_TAGS} at most", tags.len()),
            ));
        }
        problems
    }

    fn profiler(&self) -> Option<Problem> {
        let says_something = self.has("ProfilerConfig") || self.has("ProfilerRuleConfigurations");
        let is_off = fields::get(self.further, "ProfilerConfig.DisableProfiler") != Some(&Value::Bool(false));
        let says_that_alone = self.is_on("ProfilerConfig.DisableProfiler") && !self.has("ProfilerConfig.S3OutputPath");
        (says_something && is_off && !says_that_alone).then(|| {
            Problem::new(
                "ProfilerConfig",
                "is for a training that is profiled: switch on `profiler`",
            )
        })
    }
}

/// The texts at `key` that more than one of `items` has.
fn repeated<'a>(items: &'a [Value], key: &str) -> impl Iterator<Item = &'a str> {
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = items.iter().filter_map(|item| item.get(key)?.as_str()).collect();
    names.into_iter().filter(move |name| !seen.insert(*name))
}

/// Whether instances of this type bring their own disks.
fn has_disks(instance_type: &str) -> bool {
    let family = instance_type.split('.').nth(1).unwrap_or_default();
    let behind_number = family
        .trim_start_matches(|c: char| c.is_ascii_alphabetic())
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let is_of = |listed: &&str| family == *listed || (listed.starts_with(['p', 't']) && family.starts_with(listed));
    WITH_DISKS.iter().any(is_of) || behind_number.contains('d')
}

#[cfg(test)]
mod tests;
