//! The settings that are a part of `CreateTrainingJob` beyond what every training says, and what may be said of it besides.
//!
//! Each becomes a part of the request in SageMaker's own words ([`fields`]), and all of them together are sent to the training Lambda as
//! such: [`Training::further`](super::Training::further). What is no setting is said in the table `[tool.sgbuild.training]` in these words.

use serde_json::{Map, Value, json};

use super::error::Setting;
use super::fields::{self, Leaf, Problem};
use super::forms;
use super::rules;
use crate::shown::quoted;

/// The setting that is the table: any further field.
pub(crate) const TABLE: &str = "training";
/// The channels that are folders of the input bucket: the training Lambda looks which of them have data.
pub(crate) const INPUT_CHANNELS: [&str; 3] = ["training", "validation", "testing"];

/// A setting that is a part of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// The setting.
    pub(crate) setting: Setting,
    /// What it says in the request, with `[]` for an item of a list.
    pub(crate) path: &'static str,
    /// The part that the setting's value says; null where it says nothing.
    of_setting: fn(&Value) -> Result<Value, String>,
}

/// Every one.
pub(crate) static PARTS: [Part; 24] = [
    part("spot", "EnableManagedSpotTraining", if_on),
    part("max-wait", "StoppingCondition.MaxWaitTimeInSeconds", as_it_is),
    part("max-pending", "StoppingCondition.MaxPendingTimeInSeconds", as_it_is),
    part("retry-attempts", "RetryStrategy.MaximumRetryAttempts", as_it_is),
    part("checkpoints", "CheckpointConfig.S3Uri", as_it_is),
    part("checkpoint-path", "CheckpointConfig.LocalPath", as_it_is),
    part("input-mode", "AlgorithmSpecification.TrainingInputMode", as_it_is),
    part("channels", "InputDataConfig[].DataSource.S3DataSource.S3Uri", |value| {
        of_channels(
            value,
            |uri| json!({ "DataSource": { "S3DataSource": { "S3Uri": uri } } }),
        )
    }),
    part("channel-modes", "InputDataConfig[].InputMode", |value| {
        of_channels(value, |mode| json!({ "InputMode": mode }))
    }),
    part("content-types", "InputDataConfig[].ContentType", |value| {
        of_channels(value, |content_type| json!({ "ContentType": content_type }))
    }),
    part("instance-groups", "ResourceConfig.InstanceGroups", instance_groups),
    part("keep-alive", "ResourceConfig.KeepAlivePeriodInSeconds", as_it_is),
    part("training-plan", "ResourceConfig.TrainingPlanArn", as_it_is),
    part("infrastructure-check", "InfraCheckConfig.EnableInfraCheck", if_on),
    part("subnets", "VpcConfig.Subnets", as_it_is),
    part("security-groups", "VpcConfig.SecurityGroupIds", as_it_is),
    part("encrypt-traffic", "EnableInterContainerTrafficEncryption", if_on),
    part("network-isolation", "EnableNetworkIsolation", if_on),
    part("output-key", "OutputDataConfig.KmsKeyId", as_it_is),
    part("volume-key", "ResourceConfig.VolumeKmsKeyId", as_it_is),
    part("job-tags", "Tags", tags),
    part("training-environment", "Environment", as_it_is),
    part("profiler", "ProfilerConfig.DisableProfiler", |value| {
        Ok(if *value == json!(true) {
            json!(false)
        } else {
            Value::Null
        })
    }),
    // The last: what it says of a channel is laid over what settings say.
    part(TABLE, "", as_it_is),
];

/// What every training says, and the setting, or what else, that says it.
const OURS: [(&str, &str); 12] = [
    (
        "AlgorithmSpecification.AlgorithmName",
        "sgbuild trains the image that it pushed",
    ),
    (
        "AlgorithmSpecification.MetricDefinitions",
        "the setting `metrics` says it",
    ),
    (
        "AlgorithmSpecification.TrainingImage",
        "sgbuild trains the image that it pushed",
    ),
    (
        "HyperParameters",
        "input/config/hyperparameters.json of the input bucket says it",
    ),
    ("OutputDataConfig.S3OutputPath", "the setting `output-bucket` says it"),
    ("ResourceConfig.InstanceCount", "the setting `instance-count` says it"),
    ("ResourceConfig.InstanceType", "the setting `instance-type` says it"),
    ("ResourceConfig.VolumeSizeInGB", "the setting `volume-size` says it"),
    ("RoleArn", "the setting `role` says it"),
    ("ServerlessJobConfig", "sgbuild trains the image that it pushed"),
    (
        "StoppingCondition.MaxRuntimeInSeconds",
        "the setting `max-runtime` says it",
    ),
    ("TrainingJobName", "the setting `job-name` says what it begins with"),
];

const fn part(key: &'static str, path: &'static str, of_setting: fn(&Value) -> Result<Value, String>) -> Part {
    let setting = Setting { what: "", key };
    Part {
        setting,
        path,
        of_setting,
    }
}

impl Part {
    /// The part of the request that the setting's value says, as far as its form goes; empty where it says nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of(&self, value: &Value) -> Result<Map<String, Value>, String> {
        let said = match (self.of_setting)(value)? {
            Value::Null => return Ok(Map::new()),
            Value::Object(table) if self.path.is_empty() => table,
            said => fields::put(self.path.split("[]").next().unwrap_or_default(), said),
        };
        let problems = fields::check(&said);
        let Some(problem) = problems.first() else {
            return Ok(said);
        };
        Err(self.in_words(problem))
    }

    /// A problem with the part, as what follows the setting's name.
    pub(crate) fn in_words(&self, problem: &Problem) -> String {
        if problem.path == self.path || problem.what.starts_with('`') {
            return problem.what.clone();
        }
        format!("{} {}", quoted(&problem.path), problem.what)
    }

    /// The setting to blame for a problem with the field at `place`: of those that are given the one that says it, else the table.
    pub(crate) fn to_blame(place: &str, is_given: impl Fn(&Self) -> bool) -> &'static Self {
        let path = without_numbers(place);
        let says = |part: &&Self| is_at(&path, part.path) || is_at(part.path, &path);
        let [settings @ .., table] = &PARTS;
        settings
            .iter()
            .filter(says)
            .find(|part| is_given(part))
            .unwrap_or(table)
    }
}

/// What is wrong with the table of further fields: those that SageMaker does not have or take, and those that a setting says.
pub(crate) fn check_table(table: &Map<String, Value>) -> Vec<Problem> {
    let mut problems = fields::check(table);
    problems.extend(said_elsewhere(table));
    problems
}

/// The JSON schema of the table of further fields.
pub(crate) fn table_schema() -> Value {
    let by_setting = |path: &str| PARTS.iter().any(|part| !part.path.is_empty() && is_at(path, part.path));
    fields::schema(&|path| by_setting(path) || OURS.iter().any(|(ours, _)| is_at(path, ours)))
}

/// Fields that no part of the request may say: every training says them.
pub(crate) fn said_by_every_training(part: &Map<String, Value>) -> Vec<Problem> {
    let leaves = fields::leaves(part);
    leaves.iter().filter_map(ours).collect()
}

fn said_elsewhere(table: &Map<String, Value>) -> Vec<Problem> {
    let by_setting = |leaf: &Leaf<'_>| {
        let part = PARTS
            .iter()
            .find(|part| !part.path.is_empty() && is_at(&leaf.path, part.path))?;
        let key = part.setting.key;
        Some(Problem::new(
            &leaf.place,
            format!("is not for this table: the setting `{key}` says it"),
        ))
    };
    let leaves = fields::leaves(table);
    leaves
        .iter()
        .filter_map(|leaf| ours(leaf).or_else(|| by_setting(leaf)))
        .collect()
}

fn ours(leaf: &Leaf<'_>) -> Option<Problem> {
    let (_, who) = OURS.iter().find(|(path, _)| is_at(&leaf.path, path))?;
    Some(Problem::new(&leaf.place, format!("is not for this table: {who}")))
}

/// Whether `path` is `root` or in it.
fn is_at(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{']))
}

/// `InputDataConfig[0].InputMode` as `InputDataConfig[].InputMode`.
fn without_numbers(place: &str) -> String {
    let mut parts = place.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| {
        path + "[" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

#[expect(clippy::unnecessary_wraps, reason = "others can fail")]
fn as_it_is(value: &Value) -> Result<Value, String> {
    Ok(value.clone())
}

/// A switch that is off says nothing.
#[expect(clippy::unnecessary_wraps, reason = "others can fail")]
fn if_on(value: &Value) -> Result<Value, String> {
    Ok(if *value == json!(true) {
        json!(true)
    } else {
        Value::Null
    })
}

/// Names and texts.
fn pairs(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    let entries = value.as_object().into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

fn of_channels(value: &Value, says: impl Fn(&str) -> Value) -> Result<Value, String> {
    let mut channels = Vec::new();
    for (name, text) in pairs(value) {
        forms::channel_name(name)?;
        let mut channel = says(text);
        channel["ChannelName"] = name.into();
        channels.push(channel);
    }
    Ok(Value::Array(channels))
}

/// `name=type:count` each.
fn instance_groups(value: &Value) -> Result<Value, String> {
    let mut groups = Vec::new();
    for text in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let parts = text
            .split_once('=')
            .and_then(|(name, rest)| Some((name, rest.split_once(':')?)));
        let Some((name, (instance_type, count))) = parts else {
            return Err(format!(
                "{} is not an instance group, such as workers=ml.g5.xlarge:2",
                quoted(text)
            ));
        };
        rules::instance_type(instance_type)?;
        groups.push(json!({
            "InstanceGroupName": name,
            "InstanceType": instance_type,
            "InstanceCount": rules::instance_count(count)?,
        }));
    }
    Ok(Value::Array(groups))
}

#[expect(clippy::unnecessary_wraps, reason = "others can fail")]
fn tags(value: &Value) -> Result<Value, String> {
    Ok(pairs(value)
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_says_a_field_of_its_own() {
        for part in &PARTS[..PARTS.len() - 1] {
            let path = part.path;
            assert_eq!(Part::to_blame(path, |_| true).setting.key, part.setting.key, "{path}");
            assert!(
                !OURS.iter().any(|(ours, _)| is_at(path, ours) || is_at(ours, path)),
                "{path}"
            );
        }
        assert_eq!(
            Part::to_blame("RemoteDebugConfig.EnableRemoteDebug", |_| true)
                .setting
                .key,
            TABLE
        );
        assert_eq!(
            Part::to_blame("InputDataConfig[12].InputMode", |_| true).setting.key,
            "channel-modes"
        );
        assert_eq!(Part::to_blame("Tags[3].Key", |_| true).setting.key, "job-tags");
        assert_eq!(Part::to_blame("Tags[3].Key", |_| false).setting.key, TABLE);
    }

    #[test]
    fn the_table_does_not_say_what_a_setting_says() {
        let table = json!({
            "RoleArn": "arn:aws:iam::123456789012:role/mine",
            "StoppingCondition": { "MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60 },
            "InputDataConfig": [{ "ChannelName": "training", "InputMode": "Pipe", "CompressionType": "Gzip" }],
            "Tags": [{ "Key": "team", "Value": "iris" }],
            "VpcConfig": { "Subnets": ["subnet-1"] },
            "TensorBoardOutputConfig": { "S3OutputPath": "s3://models/" },
        });
        let problems = check_table(table.as_object().unwrap());
        let lines = problems
            .iter()
            .map(|problem| format!("{} {}", problem.path, problem.what));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
        RoleArn is not for this table: the setting `role` says it
        StoppingCondition.MaxRuntimeInSeconds is not for this table: the setting `max-runtime` says it
        StoppingCondition.MaxWaitTimeInSeconds is not for this table: the setting `max-wait` says it
        InputDataConfig[0].InputMode is not for this table: the setting `channel-modes` says it
        Tags[0].Key is not for this table: the setting `job-tags` says it
        Tags[0].Value is not for this table: the setting `job-tags` says it
        VpcConfig.Subnets[0] is not for this table: the setting `subnets` says it
        ");
    }

    #[test]
    fn what_a_setting_says_is_told_in_its_own_words() {
        let said = |key: &str, value: Value| {
            let part = PARTS.iter().find(|part| part.setting.key == key).unwrap();
            match part.of(&value) {
                Ok(said) => Value::Object(said).to_string(),
                Err(problem) => format!("{key}: {problem}"),
            }
        };
        let all = [
            said("spot", json!(true)),
            said("spot", json!(false)),
            said("profiler", json!(true)),
            said("profiler", json!(false)),
            said("input-mode", json!("Files")),
            said("channels", json!({ "vocabulary": "s3://iris/vocabulary/" })),
            said("channel-modes", json!({ "training": "Stream" })),
            said("channel-modes", json!({ "a b": "File" })),
            said(
                "instance-groups",
                json!(["data=ml.c5.xlarge:2", "train=ml.g5.xlarge:1"]),
            ),
            said("instance-groups", json!(["ml.c5.xlarge"])),
            said("instance-groups", json!(["data=c5.xlarge:2"])),
            said("instance-groups", json!(["data=ml.c5.xlarge:0"])),
            said("job-tags", json!({ "team": "iris" })),
            said("job-tags", json!({ "team": "x".repeat(257) })),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        {"EnableManagedSpotTraining":true}
        {}
        {"ProfilerConfig":{"DisableProfiler":false}}
        {}
        input-mode: is `Files`, and one of Pipe, File, FastFile is expected
        {"InputDataConfig":[{"DataSource":{"S3DataSource":{"S3Uri":"s3://iris/vocabulary/"}},"ChannelName":"vocabulary"}]}
        channel-modes: `InputDataConfig[0].InputMode` is `Stream`, and one of Pipe, File, FastFile is expected
        channel-modes: `a b` is not a channel's name: 1 to 64 letters, digits and . _ -
        {"ResourceConfig":{"InstanceGroups":[{"InstanceGroupName":"data","InstanceType":"ml.c5.xlarge","InstanceCount":2},{"InstanceGroupName":"train","InstanceType":"ml.g5.xlarge","InstanceCount":1}]}}
        instance-groups: `ml.c5.xlarge` is not an instance group, such as workers=ml.g5.xlarge:2
        instance-groups: `c5.xlarge` is not a SageMaker instance type, such as ml.m5.large
        instance-groups: `0` is not a number of instances: a whole number, 1 or more
        {"Tags":[{"Key":"team","Value":"iris"}]}
        job-tags: `Tags[0].Value` has 257 characters: 256 at most
        "#);
    }
}
