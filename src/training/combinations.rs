//! What SageMaker takes of the further fields of a training: forms of texts, and which fields go with which.
//!
//! One function a rule, shared by the CLI (before anything is built) and the Lambda. Sources, where a rule names none:
//! [CreateTrainingJob](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html) and what it links to.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::{self, Problem, leaves};
use super::new_job::{COMMIT_VARIABLE, RUN_ID_VARIABLE};
use super::parts::INPUT_CHANNELS;
use super::rules;
use super::vocabulary::Training;
use crate::shown::quoted;

/// What a text must be, by its field's path.
type Form = fn(&str) -> Result<(), String>;
const FORMS: [(&str, Form); 13] = [
    ("CheckpointConfig.LocalPath", rules::container_path),
    ("CheckpointConfig.S3Uri", |uri| rules::s3_uri(uri).map(drop)),
    ("DebugHookConfig.S3OutputPath", |uri| rules::s3_uri(uri).map(drop)),
    ("InputDataConfig[].ChannelName", rules::channel_name),
    ("InputDataConfig[].DataSource.S3DataSource.S3Uri", |uri| {
        rules::s3_uri(uri).map(drop)
    }),
    ("OutputDataConfig.KmsKeyId", rules::kms_key),
    ("ResourceConfig.InstanceGroups[].InstanceType", rules::instance_type),
    ("ResourceConfig.TrainingPlanArn", rules::training_plan),
    ("ResourceConfig.VolumeKmsKeyId", rules::kms_key),
    ("Tags[].Key", rules::tag_text),
    ("Tags[].Value", rules::tag_text),
    ("VpcConfig.SecurityGroupIds[]", rules::security_group),
    ("VpcConfig.Subnets[]", rules::subnet),
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
            let listed = self.items(GROUPS).iter().chain(self.items(PREFERENCES));
            let listed = listed.filter_map(|item| item.get("InstanceType")?.as_str());
            let mut types = std::iter::once(self.training.instance_type.as_str()).chain(listed);
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
                name => rules::variable_name(name),
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
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(further: &Value) -> String {
        let training = Training {
            instance_type: "ml.m5.large".to_owned(),
            instance_count: 1,
            max_runtime_seconds: 3600,
            further: further.as_object().cloned(),
            ..Training::default()
        };
        let problems = check(&training);
        let lines = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path, problem.what));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_goes_together_is_fine() {
        let fine = json!({
            "EnableManagedSpotTraining": true,
            "StoppingCondition": { "MaxWaitTimeInSeconds": 3600, "MaxPendingTimeInSeconds": 7200 },
            "CheckpointConfig": { "S3Uri": "s3://models/checkpoints/", "LocalPath": "/opt/ml/checkpoints" },
            "VpcConfig": { "Subnets": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"] },
            "OutputDataConfig": { "KmsKeyId": "alias/models" },
            "ResourceConfig": { "VolumeKmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c" },
            "InputDataConfig": [
                { "ChannelName": "training", "InputMode": "Pipe" },
                { "ChannelName": "vocabulary", "DataSource": { "S3DataSource": { "S3Uri": "s3://iris/vocabulary/" } } },
                { "ChannelName": "shared", "DataSource": { "FileSystemDataSource": { "FileSystemId": "fs-0a1b2c3d" } } },
            ],
            "Tags": [{ "Key": "team", "Value": "iris & co".replace('&', "+") }],
            "Environment": { "OMP_NUM_THREADS": "1" },
            "ProfilerConfig": { "DisableProfiler": true },
        });
        assert_eq!(problems(&fine), "");
        assert_eq!(problems(&Value::Null), "");
    }

    #[test]
    fn each_rule_has_its_words() {
        let place = |name: &str, source: Value| json!({ "ChannelName": name, "DataSource": source });
        let wrong = [
            json!({ "StoppingCondition": { "MaxWaitTimeInSeconds": 7200 } }),
            json!({ "EnableManagedSpotTraining": true, "ResourceConfig": { "KeepAlivePeriodInSeconds": 60, "TrainingPlanArn": "plan" } }),
            json!({ "EnableManagedSpotTraining": true, "StoppingCondition": { "MaxWaitTimeInSeconds": 3599 } }),
            json!({ "ResourceConfig": {
                "InstanceGroups": [
                    { "InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1 },
                    { "InstanceGroupName": "a", "InstanceType": "g5.xlarge", "InstanceCount": 1 },
                ],
                "InstancePreferences": [{ "InstanceType": "ml.m5d.large" }],
                "VolumeKmsKeyId": "my key",
            } }),
            json!({ "VpcConfig": { "Subnets": ["subnet-x"] } }),
            json!({ "VpcConfig": { "SecurityGroupIds": ["0a1b2c3d"] } }),
            json!({ "CheckpointConfig": { "LocalPath": "checkpoints" } }),
            json!({ "CheckpointConfig": { "S3Uri": "/mnt" }, "OutputDataConfig": { "KmsKeyId": "arn:aws:kms:x:1:key/a" } }),
            json!({ "InputDataConfig": [
                place("validation", json!({ "S3DataSource": { "S3Uri": "s3://iris/elsewhere/" } })),
                place("extra", json!({ "S3DataSource": {} })),
                place("extra", json!({ "FileSystemDataSource": {} })),
                place("bad", json!({ "S3DataSource": { "S3Uri": "iris" } })),
            ] }),
            json!({ "Environment": { "SGBUILD_RUN_ID": "mine", "A-B": "" } }),
            json!({ "Tags": [
                { "Key": "aws:x", "Value": "1" }, { "Key": "sgbuild:run-id", "Value": "1" }, { "Key": "a", "Value": "1\n2" }, { "Key": "a", "Value": "" },
            ] }),
            json!({ "ProfilerConfig": { "S3OutputPath": "s3://models/" } }),
        ];
        insta::assert_snapshot!(wrong.map(|further| problems(&further)).join("\n\n"), @r"
        StoppingCondition.MaxWaitTimeInSeconds: is for managed spot training alone (`spot`): nothing else is waited for

        ResourceConfig.TrainingPlanArn: `plan` is not the ARN of a training plan, such as arn:aws:sagemaker:us-west-2:123456789012:training-plan/mine
        EnableManagedSpotTraining: needs the longest wait for instances and training together (`max-wait`, MaxWaitTimeInSeconds)
        ResourceConfig.KeepAlivePeriodInSeconds: does not go with managed spot training (`spot`): spot instances are not kept
        ResourceConfig.TrainingPlanArn: does not go with managed spot training (`spot`): a plan's instances are reserved ones

        StoppingCondition.MaxWaitTimeInSeconds: is 3599, and the run alone may take 3600 seconds (`max-runtime`)

        ResourceConfig.InstanceGroups[1].InstanceType: `g5.xlarge` is not a SageMaker instance type, such as ml.m5.large
        ResourceConfig.VolumeKmsKeyId: `my key` is not a KMS key: its id, its ARN, or alias/NAME
        ResourceConfig.InstancePreferences: does not go with ResourceConfig.InstanceGroups
        ResourceConfig.InstanceGroups: names `a` twice
        ResourceConfig.VolumeKmsKeyId: is for volumes, and ml.g5.xlarge brings its own disks, which are encrypted anyway

        VpcConfig.Subnets[0]: `subnet-x` is not the id of a subnet, such as subnet-0a1b2c3d4e5f60718
        VpcConfig.Subnets: needs security groups as well (`security-groups`)

        VpcConfig.SecurityGroupIds[0]: `0a1b2c3d` is not the id of a security group, such as sg-0a1b2c3d4e5f60718
        VpcConfig.SecurityGroupIds: needs subnets as well (`subnets`)

        CheckpointConfig.LocalPath: `checkpoints` is not a directory of the container: it begins with /
        CheckpointConfig.LocalPath: needs the place in S3 as well (`checkpoints`)

        CheckpointConfig.S3Uri: `/mnt` is not an S3 URI, such as s3://bucket/folder/
        OutputDataConfig.KmsKeyId: `arn:aws:kms:x:1:key/a` is not a KMS key: its id, its ARN, or alias/NAME

        InputDataConfig[3].DataSource.S3DataSource.S3Uri: `iris` is not an S3 URI, such as s3://bucket/folder/
        InputDataConfig[0].DataSource.S3DataSource.S3Uri: says where the data of `validation` is: that is its folder of the input bucket (`source-bucket`)
        InputDataConfig[1]: does not say where the data of `extra` is (`channels`)
        InputDataConfig[2]: has a file system, which is reached through a network alone (`subnets`)
        InputDataConfig: names `extra` twice

        Environment: `SGBUILD_RUN_ID` is sgbuild's own
        Environment: `A-B` is not a variable's name: letters, digits and _

        Tags[2].Value: `1\n2` is not a text of a tag: letters, digits, blanks and _ . : / = + - @
        Tags: `aws:x` is a tag of aws's own
        Tags: `sgbuild:run-id` is a tag of sgbuild's own
        Tags: names `a` twice

        ProfilerConfig: is for a training that is profiled: switch on `profiler`
        ");
    }

    #[test]
    fn disks_of_their_own() {
        for own in [
            "ml.g4dn.xlarge",
            "ml.m5d.large",
            "ml.p4d.24xlarge",
            "ml.m5dn.large",
            "ml.g5.xlarge",
            "ml.c6id.large",
            "ml.trn1.2xlarge",
        ] {
            assert!(has_disks(own), "{own}");
        }
        for none in ["ml.m5.large", "ml.p3.2xlarge", "ml.c5n.xlarge", "ml.m7i.large", ""] {
            assert!(!has_disks(none), "{none}");
        }
    }
}
