//! From settings and the pushed image to the [`Training`] that is asked for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::oci::Repository;
use crate::push::PushedImage;

use super::error::{Error, Invalid, Setting};
use super::parts::{PARTS, Part};
use super::vocabulary::{FIELDS, Field, METRICS, Training};
use super::{combinations, fields, job_name, rules};

/// How long the beginning of a job's name may be: the setuptools-docker pipeline's Lambda appends a timestamp of 20 characters or so.
const MAX_PREFIX: usize = 40;

/// Not a field of the training, but nothing starts without it.
const FUNCTION: Setting = Setting {
    what: "the training Lambda",
    key: "function",
};

/// Why nobody says the type or number of instances.
const LISTED: &str = "the instances are listed already, by `instance-groups` or ResourceConfig.InstancePreferences: take one of the two out";

/// What a setting was set to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Given<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it was set, such as `pyproject.toml:2`; unknown for a value of sgbuild's own.
    pub(crate) origin: Option<String>,
}

/// How a training is to be started, and what the settings say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrainingSettings {
    /// Name or ARN of the training Lambda.
    pub(crate) function: Option<String>,
    /// Those settings of [`setting_keys`] that are set, by their keys, and as texts, since a payload has texts too: a number in digits.
    pub(crate) given: BTreeMap<&'static str, Given<String>>,
    /// Metrics by name: the regular expressions, with one group each, that find them in the training's log.
    pub(crate) metrics: Given<BTreeMap<String, String>>,
    /// Those settings of [`part_keys`] that are set, by their keys.
    pub(crate) parts: BTreeMap<&'static str, Given<Value>>,
    /// What the job's name begins with; the package's name unless set.
    pub(crate) job_name: Option<String>,
    /// The commit that is trained, where known.
    pub(crate) commit: Option<String>,
    /// Where the repository was set, of which the image's URI is made.
    pub(crate) repository_origin: Option<String>,
}

/// What became of the settings.
struct Read {
    training: Training,
    missing: Vec<Setting>,
    refused: Vec<Invalid>,
}

/// The settings that the fields of a training are made of, one each.
pub(crate) fn setting_keys() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().filter_map(|field| Some(field.setting?.key))
}

/// The settings that are a part of the request beyond what every training says.
pub(crate) fn part_keys() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|part| part.setting.key)
}

impl TrainingSettings {
    /// The same, with jobs whose names begin with the repository's, unless something else is set.
    #[must_use]
    pub(crate) fn named_after(mut self, repository: &Repository) -> Self {
        let name = repository.path.rsplit('/').next().unwrap_or_default();
        self.job_name.get_or_insert_with(|| name.to_owned());
        self
    }

    /// Finds what is missing or wrong before there is an image, so that nobody waits for a build first.
    ///
    /// # Errors
    /// As [`training_of`](Self::training_of).
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.read().and_then(|(_, refused)| none_of(refused))
    }

    /// Finds what is wrong with what is set, whatever is missing: the pipeline's stack says that.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check_given(&self) -> Result<(), Error> {
        none_of(self.read_given().refused)
    }

    /// The training of `image`, which holds the package `name` in `version`.
    ///
    /// # Errors
    /// [`Error::Missing`] with every setting that is missing, or [`Error::Invalid`] with every one that is refused.
    pub(crate) fn training_of(&self, image: &PushedImage, name: &str, version: &str) -> Result<Training, Error> {
        let (settings, mut refused) = self.read()?;
        let training = Training {
            job_name: job_name::prefix_part(self.job_name.as_deref().unwrap_or(name), MAX_PREFIX),
            image: image.reference(),
            package: name.to_owned(),
            version: version.to_owned(),
            ..settings
        };
        let image = Setting {
            what: "the image",
            key: "repository",
        };
        let outcome = rules::image_uri(&training.image);
        refused.extend(invalid(image, self.repository_origin.as_ref(), outcome));
        none_of(refused)?;
        Ok(training)
    }

    /// What the settings alone say of the training, and which of them are refused.
    fn read(&self) -> Result<(Training, Vec<Invalid>), Error> {
        let mut read = self.read_given();
        if self.function.as_ref().is_none_or(String::is_empty) {
            read.missing.insert(0, FUNCTION);
        }
        if !read.missing.is_empty() {
            return Err(Error::Missing(read.missing));
        }
        Ok((read.training, read.refused))
    }

    fn read_given(&self) -> Read {
        let mut training = Training {
            commit: self.commit.clone().unwrap_or_default(),
            metrics: self.metrics.value.clone(),
            ..Training::default()
        };
        let (mut missing, mut refused) = (Vec::new(), Vec::new());
        training.further = Some(self.further(&mut refused));
        for field in &FIELDS {
            let Some(setting) = field.setting else { continue };
            let is_required = field.is_required(&training);
            let is_elsewhere = field.is_about_instances() && training.lists_instances();
            match self.given.get(setting.key) {
                // Our own default gives way to what was said; what somebody else said does not.
                Some(given) if is_elsewhere && given.origin.is_some() => {
                    refused.extend(invalid(setting, given.origin.as_ref(), Err(LISTED.to_owned())));
                }
                _ if is_elsewhere => {}
                Some(given) if !(is_required && given.value.is_empty()) => {
                    refused.extend(read(field, setting, given, &mut training));
                }
                _ if is_required => missing.push(setting),
                _ => {}
            }
        }
        let metrics = Setting {
            what: "the metrics",
            key: METRICS,
        };
        let outcome = rules::metrics(&self.metrics.value);
        refused.extend(invalid(metrics, self.metrics.origin.as_ref(), outcome));
        if refused.is_empty() {
            refused.extend(combinations::check(&training).into_iter().map(|problem| {
                let part = Part::to_blame(&problem.path, |part| self.parts.contains_key(part.setting.key));
                self.refusal(part, part.in_words(&problem))
            }));
        }
        Read {
            training,
            missing,
            refused,
        }
    }

    /// What the parts say together.
    fn further(&self, refused: &mut Vec<Invalid>) -> Map<String, Value> {
        let mut further = Map::new();
        for part in &PARTS {
            let Some(given) = self.parts.get(part.setting.key) else {
                continue;
            };
            match part.of(&given.value) {
                Ok(said) => fields::merge(&mut further, said),
                Err(problem) => refused.push(self.refusal(part, problem)),
            }
        }
        further
    }

    fn refusal(&self, part: &Part, problem: String) -> Invalid {
        let given = self.parts.get(part.setting.key);
        Invalid {
            setting: part.setting,
            origin: given.and_then(|given| given.origin.clone()),
            problem,
        }
    }
}

/// Sets the field to what its setting says; answers with what is wrong with that.
fn read(field: &Field, setting: Setting, given: &Given<String>, training: &mut Training) -> Option<Invalid> {
    let outcome = field.read_setting(training, &given.value);
    invalid(setting, given.origin.as_ref(), outcome)
}

fn invalid(setting: Setting, origin: Option<&String>, outcome: Result<(), String>) -> Option<Invalid> {
    outcome.err().map(|problem| Invalid {
        setting,
        origin: origin.cloned(),
        problem,
    })
}

fn none_of(refused: Vec<Invalid>) -> Result<(), Error> {
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(refused))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::explain::Explain as _;
    use crate::oci::MediaType;

    fn image() -> PushedImage {
        PushedImage {
            repository: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris-classifier"
                .parse()
                .unwrap(),
            digest: format!("sha256:{}", "1f".repeat(32)).parse().unwrap(),
            tags: vec!["1.0.0-1f0c2ab".to_owned()],
            media_type: MediaType::DockerManifest,
            config_digest: format!("sha256:{}", "2e".repeat(32)).parse().unwrap(),
            size: 75_000_000,
        }
    }

    fn given(value: &str, origin: Option<&str>) -> Given<String> {
        Given {
            value: value.to_owned(),
            origin: origin.map(ToOwned::to_owned),
        }
    }

    fn settings() -> TrainingSettings {
        TrainingSettings {
            function: Some("start-training".to_owned()),
            given: BTreeMap::from([
                ("source-bucket", given("iris-input", None)),
                ("output-bucket", given("iris-output", None)),
                (
                    "role",
                    given("arn:aws:iam::123456789012:role/training", Some("pyproject.toml:2")),
                ),
                ("instance-count", given("1", None)),
                ("instance-type", given("ml.m5.large", None)),
                ("volume-size", given("30", None)),
                ("max-runtime", given("86400", None)),
                ("run-id", given("20261124-041205-1a2b3c4d", Some("--run-id"))),
            ]),
            commit: Some("1f0c2ab".to_owned()),
            ..TrainingSettings::default()
        }
    }

    /// The settings with other values, from the same places.
    fn with(values: &[(&'static str, &str)]) -> TrainingSettings {
        let mut settings = settings();
        for (key, value) in values {
            let given = settings.given.get_mut(key).unwrap();
            (*value).clone_into(&mut given.value);
        }
        settings
    }

    fn training(settings: &TrainingSettings) -> Result<Training, Error> {
        settings.training_of(&image(), "iris", "1")
    }

    #[test]
    fn the_payload_has_the_original_keys_first_and_all_values_are_strings() {
        let training = settings().training_of(&image(), "iris_classifier", "1.0.0").unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&training.payload()).unwrap(), @r#"
        {
          "source_bucket_uri": "s3://iris-input/input/data/training/",
          "destination_bucket_uri": "s3://iris-output/",
          "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris-classifier@sha256:1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f",
          "role": "arn:aws:iam::123456789012:role/training",
          "num_instances": "1",
          "instance_type": "ml.m5.large",
          "vol_in_gb": "30",
          "training_job_name": "iris-classifier",
          "max_runtime_sec": "86400",
          "git_hash": "1f0c2ab",
          "run_id": "20261124-041205-1a2b3c4d",
          "package": "iris_classifier",
          "version": "1.0.0",
          "image_digest": "sha256:1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f"
        }
        "#);
    }

    #[test]
    fn everything_missing_is_said_at_once() {
        let mut bare = settings();
        bare.function = None;
        bare.given.remove("source-bucket");
        bare.given.remove("output-bucket");
        let error = training(&bare).unwrap_err();
        insta::assert_snapshot!(format!("{error}\n{}", error.advice().hints.join("\n")), @r#"
        starting the training needs settings that are not set:
          --function (SGBUILD_FUNCTION): the training Lambda
          --source-bucket (SGBUILD_SOURCE_BUCKET): the bucket with the training data
          --output-bucket (SGBUILD_OUTPUT_BUCKET): the bucket for the model
        Give each as a flag, in its environment variable, or in [tool.sgbuild] of pyproject.toml (function, source-bucket, output-bucket).
        `sgbuild push --no-train` stops after the push.
        "#);
    }

    #[test]
    fn everything_refused_is_said_at_once() {
        let wrong = with(&[
            ("source-bucket", "s3://iris-input/"),
            ("role", "training"),
            ("instance-count", "0"),
            ("instance-type", "m5.large"),
            ("max-runtime", "2419201"),
            ("run-id", "a b"),
        ]);
        let error = training(&wrong).unwrap_err();
        insta::assert_snapshot!(format!("{error}\n{}", error.advice().hints.join("\n")), @r#"
        SageMaker would refuse the training job:
          source-bucket: `s3://iris-input/` is not a bucket's name: give the name alone, without s3:// and without a folder
          role (pyproject.toml:2): `training` is not the ARN of an IAM role, such as arn:aws:iam::123456789012:role/training
          instance-count: `0` is not a number of instances: a whole number, 1 or more
          instance-type: `m5.large` is not a SageMaker instance type, such as ml.m5.large
          max-runtime: `2419201` is not a run time in seconds, 28 days at most: a whole number from 1 to 2419200
          --run-id: `a b` is not a run id: 1 to 128 letters, digits and _ . : / = + - @
        `sgbuild settings` shows every setting of the files and the environment.
        "#);
    }

    fn part(value: Value, origin: &str) -> Given<Value> {
        Given {
            value,
            origin: Some(origin.to_owned()),
        }
    }

    #[test]
    fn the_further_fields_are_sent_in_sagemakers_words() {
        let mut more = settings();
        more.parts = BTreeMap::from([
            ("spot", part(true.into(), "--spot")),
            ("max-wait", part(90_000.into(), "pyproject.toml:3")),
            ("profiler", part(false.into(), "default")),
            (
                "training",
                part(
                    json!({ "RemoteDebugConfig": { "EnableRemoteDebug": true } }),
                    "pyproject.toml:9",
                ),
            ),
        ]);
        assert_eq!(
            training(&more).unwrap().payload()[super::super::vocabulary::FURTHER],
            json!({
                "EnableManagedSpotTraining": true,
                "StoppingCondition": { "MaxWaitTimeInSeconds": 90_000 },
                "RemoteDebugConfig": { "EnableRemoteDebug": true },
            })
        );
    }

    #[test]
    fn what_does_not_go_together_is_said_where_it_was_set() {
        let mut wrong = settings();
        wrong.parts = BTreeMap::from([
            ("spot", part(true.into(), "--spot")),
            ("max-wait", part(60.into(), "pyproject.toml:3")),
            ("keep-alive", part(60.into(), "SGBUILD_KEEP_ALIVE")),
            ("checkpoints", part("models".into(), "pyproject.toml:4")),
            ("subnets", part(json!(["subnet-0a1b2c3d"]), "--subnet")),
            (
                "training",
                part(
                    json!({ "InputDataConfig": [{ "ChannelName": "extra", "CompressionType": "Gzip" }] }),
                    "pyproject.toml:9",
                ),
            ),
        ]);
        let error = training(&wrong).unwrap_err();
        insta::assert_snapshot!(error, @r"
        SageMaker would refuse the training job:
          checkpoints (pyproject.toml:4): `models` is not an S3 URI, such as s3://bucket/folder/
          max-wait (pyproject.toml:3): is 60, and the run alone may take 86400 seconds (`max-runtime`)
          keep-alive (SGBUILD_KEEP_ALIVE): does not go with managed spot training (`spot`): spot instances are not kept
          --subnet: needs security groups as well (`security-groups`)
          training (pyproject.toml:9): `InputDataConfig[0]` does not say where the data of `extra` is (`channels`)
        ");
        let mut listed = settings();
        listed.given.get_mut("instance-type").unwrap().origin = Some("SGBUILD_INSTANCE_TYPE".to_owned());
        listed.parts = BTreeMap::from([(
            "instance-groups",
            part(json!(["data=ml.c5.xlarge:2"]), "pyproject.toml:3"),
        )]);
        insta::assert_snapshot!(training(&listed).unwrap_err(), @"");
        listed.given.get_mut("instance-type").unwrap().origin = None;
        let training = training(&listed).unwrap();
        assert_eq!((training.instance_type.as_str(), training.instance_count), ("", 0));
    }

    #[test]
    fn the_longest_run_is_28_days() {
        let longest = (28 * 86_400).to_string();
        assert!(training(&with(&[("max-runtime", &longest)])).is_ok());
    }

    #[test]
    fn the_job_name_prefix_leaves_room_for_a_timestamp() {
        let named = TrainingSettings {
            job_name: Some("demand forecast ".repeat(4)),
            ..settings()
        };
        let prefix = training(&named).unwrap().job_name;
        assert!(
            prefix.starts_with("demand-forecast-demand-") && prefix.len() <= 40,
            "{prefix}"
        );
    }
}
