//! `PushedImage` and settings to [`TrainingRequest`].

use std::collections::BTreeMap;

use crate::oci::Repository;
use crate::push::PushedImage;

use super::error::{Error, Invalid, Setting};
use super::{TrainingRequest, job_name, rules};

/// The folder of the input bucket that is the training channel, as in the setuptools-docker pipeline.
const TRAINING_DATA: &str = "input/data/training/";
/// The room a job name's prefix has: the setuptools-docker pipeline's Lambda appends a timestamp of 20 characters or so.
const MAX_PREFIX: usize = 40;

/// `--function`.
pub const FUNCTION: Setting = Setting {
    what: "the training Lambda",
    key: "function",
};
/// `--source-bucket`.
pub const SOURCE_BUCKET: Setting = Setting {
    what: "the bucket with the training data",
    key: "source-bucket",
};
/// `--output-bucket`.
pub const OUTPUT_BUCKET: Setting = Setting {
    what: "the bucket for the model",
    key: "output-bucket",
};
/// `--role`.
pub const ROLE: Setting = Setting {
    what: "the role the training job assumes",
    key: "role",
};
/// `--instance-count`.
pub const INSTANCE_COUNT: Setting = Setting {
    what: "the number of instances",
    key: "instance-count",
};
/// `--instance-type`.
pub const INSTANCE_TYPE: Setting = Setting {
    what: "the instance type",
    key: "instance-type",
};
/// `--volume-size`.
pub const VOLUME_SIZE: Setting = Setting {
    what: "the volume size in GiB",
    key: "volume-size",
};
/// `--max-runtime`.
pub const MAX_RUNTIME: Setting = Setting {
    what: "the longest run in seconds",
    key: "max-runtime",
};
/// `--metric`.
pub const METRICS: Setting = Setting {
    what: "the metrics",
    key: "metrics",
};
/// `--run-id`.
pub const RUN_ID: Setting = Setting {
    what: "the run id",
    key: "run-id",
};
/// `--repository`: what the image's URI is made of.
pub const IMAGE: Setting = Setting {
    what: "the image",
    key: "repository",
};

/// What starting a training job needs beside the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSettings {
    /// Name or ARN of the training Lambda.
    pub function: Option<String>,
    /// Name of the bucket that holds `input/data/training/` and `input/config/hyperparameters.json`.
    pub source_bucket: Option<String>,
    /// Name of the bucket that the model artifact goes to.
    pub output_bucket: Option<String>,
    /// ARN of the role that SageMaker assumes.
    pub role: Option<String>,
    /// How many instances train.
    pub instance_count: u64,
    /// Such as `ml.m5.large`.
    pub instance_type: String,
    /// Volume size in GiB.
    pub volume_gib: u64,
    /// The longest the job may run, in seconds.
    pub max_runtime_seconds: u64,
    /// Metrics by name: the regular expressions, with one group each, that find them in the training's log.
    pub metrics: BTreeMap<String, String>,
    /// Identifies the run, see [`super::new_run_id`]: sending one run id again starts no second job.
    pub run_id: String,
    /// The commit that is trained, where known.
    pub commit: Option<String>,
    /// What the job's name begins with; the package's name unless set.
    pub job_name_prefix: Option<String>,
    /// Where each setting was set, by its key, for what is said of a refused one.
    pub origins: BTreeMap<&'static str, String>,
}

impl TrainingSettings {
    /// The same, with jobs whose names begin with the repository's, unless something else is set.
    #[must_use]
    pub fn named_after(mut self, repository: &Repository) -> Self {
        let name = repository.path.rsplit('/').next().unwrap_or_default();
        self.job_name_prefix.get_or_insert_with(|| name.to_owned());
        self
    }

    /// Finds what is missing or wrong before there is an image, so that nobody waits for a build first.
    ///
    /// # Errors
    /// As [`TrainingRequest::new`].
    pub fn check(&self) -> Result<(), Error> {
        refuse(problems(self, &Required::of(self)?))
    }
}

fn refuse(problems: Vec<Invalid>) -> Result<(), Error> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}

impl TrainingSettings {
    /// What is to be said of a setting whose rule had this outcome.
    fn invalid<T>(&self, setting: Setting, outcome: Result<T, String>) -> Option<Invalid> {
        let origin = self.origins.get(setting.key).cloned();
        outcome.err().map(|problem| Invalid {
            setting,
            origin,
            problem,
        })
    }
}

impl TrainingRequest {
    /// The request to train `image`, which holds the package `name` in `version`.
    ///
    /// # Errors
    /// [`Error::Missing`] with every setting that is missing, or [`Error::Invalid`] with every one that is refused.
    pub fn new(settings: &TrainingSettings, image: &PushedImage, name: &str, version: &str) -> Result<Self, Error> {
        let required = Required::of(settings)?;
        let request = Self {
            source_bucket_uri: format!("s3://{}/{TRAINING_DATA}", required.source_bucket),
            destination_bucket_uri: format!("s3://{}/", required.output_bucket),
            image: image.reference(),
            role: required.role.to_owned(),
            num_instances: settings.instance_count.to_string(),
            instance_type: settings.instance_type.clone(),
            vol_in_gb: settings.volume_gib.to_string(),
            training_job_name: job_name::prefix_part(settings.job_name_prefix.as_deref().unwrap_or(name), MAX_PREFIX),
            max_runtime_sec: settings.max_runtime_seconds.to_string(),
            git_hash: settings.commit.clone().unwrap_or_default(),
            run_id: Some(settings.run_id.clone()),
            package: Some(name.to_owned()),
            version: Some(version.to_owned()),
            image_digest: Some(image.digest.to_string()),
            metrics: settings.metrics.clone(),
        };
        let image = settings.invalid(IMAGE, rules::image_uri(&request.image));
        refuse([problems(settings, &required), image.into_iter().collect()].concat())?;
        Ok(request)
    }
}

/// The settings without which there is no request.
struct Required<'a> {
    source_bucket: &'a str,
    output_bucket: &'a str,
    role: &'a str,
}

impl<'a> Required<'a> {
    fn of(settings: &'a TrainingSettings) -> Result<Self, Error> {
        let mut missing = Vec::new();
        let mut take = |value: &'a Option<String>, setting: Setting| {
            let value = value.as_deref().unwrap_or_default();
            if value.is_empty() {
                missing.push(setting);
            }
            value
        };
        take(&settings.function, FUNCTION);
        let required = Self {
            source_bucket: take(&settings.source_bucket, SOURCE_BUCKET),
            output_bucket: take(&settings.output_bucket, OUTPUT_BUCKET),
            role: take(&settings.role, ROLE),
        };
        if missing.is_empty() {
            Ok(required)
        } else {
            Err(Error::Missing(missing))
        }
    }
}

/// Every setting that SageMaker or S3 would refuse.
fn problems(settings: &TrainingSettings, required: &Required<'_>) -> Vec<Invalid> {
    let checks = [
        (SOURCE_BUCKET, rules::bucket_name(required.source_bucket)),
        (OUTPUT_BUCKET, rules::bucket_name(required.output_bucket)),
        (ROLE, rules::role_arn(required.role)),
        number(INSTANCE_COUNT, settings.instance_count),
        (INSTANCE_TYPE, rules::instance_type(&settings.instance_type)),
        number(VOLUME_SIZE, settings.volume_gib),
        number(MAX_RUNTIME, settings.max_runtime_seconds),
        (METRICS, rules::metrics(&settings.metrics)),
        (RUN_ID, rules::run_id(&settings.run_id)),
    ];
    checks
        .into_iter()
        .filter_map(|(setting, outcome)| settings.invalid(setting, outcome))
        .collect()
}

/// Whether SageMaker takes `number` for one of the settings that are numbers.
fn number(setting: Setting, number: u64) -> (Setting, Result<(), String>) {
    let text = number.to_string();
    let outcome = match setting {
        INSTANCE_COUNT => rules::count(&text, "a number of instances", i32::MAX),
        VOLUME_SIZE => rules::count(&text, "a volume size in GiB", i32::MAX),
        _ => rules::max_runtime(&text),
    };
    (setting, outcome.map(drop))
}

/// What SageMaker would refuse of numbers that are kept for later trainings: `value` is that of a setting, and where it was set.
///
/// # Errors
/// [`Error::Invalid`] with every one that is refused.
pub fn check_numbers<'a>(value: impl Fn(&str) -> Option<(u64, &'a str)>) -> Result<(), Error> {
    let problem = |setting: Setting| {
        let (given, origin) = value(setting.key)?;
        let problem = number(setting, given).1.err()?;
        Some(Invalid {
            setting,
            origin: Some(origin.to_owned()),
            problem,
        })
    };
    refuse(
        [INSTANCE_COUNT, VOLUME_SIZE, MAX_RUNTIME]
            .into_iter()
            .filter_map(problem)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
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

    fn settings() -> TrainingSettings {
        TrainingSettings {
            function: Some("start-training".to_owned()),
            source_bucket: Some("iris-input".to_owned()),
            output_bucket: Some("iris-output".to_owned()),
            role: Some("arn:aws:iam::123456789012:role/training".to_owned()),
            instance_count: 1,
            instance_type: "ml.m5.large".to_owned(),
            volume_gib: 30,
            max_runtime_seconds: 86_400,
            metrics: BTreeMap::new(),
            run_id: "20261124-041205-1a2b3c4d".to_owned(),
            commit: Some("1f0c2ab".to_owned()),
            job_name_prefix: None,
            origins: BTreeMap::from([
                ("role", "pyproject.toml:2".to_owned()),
                ("run-id", "--run-id".to_owned()),
            ]),
        }
    }

    #[test]
    fn the_payload_has_the_original_keys_first_and_all_values_are_strings() {
        let request = TrainingRequest::new(&settings(), &image(), "iris_classifier", "1.0.0").unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&request).unwrap(), @r#"
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
        let bare = TrainingSettings {
            function: None,
            source_bucket: None,
            output_bucket: None,
            ..settings()
        };
        let error = TrainingRequest::new(&bare, &image(), "iris", "1").unwrap_err();
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
        let wrong = TrainingSettings {
            source_bucket: Some("s3://iris-input/".to_owned()),
            role: Some("training".to_owned()),
            instance_count: 0,
            instance_type: "m5.large".to_owned(),
            max_runtime_seconds: 2_419_201,
            run_id: "a b".to_owned(),
            ..settings()
        };
        let error = TrainingRequest::new(&wrong, &image(), "iris", "1").unwrap_err();
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

    #[test]
    fn the_longest_run_is_28_days() {
        let longest = TrainingSettings {
            max_runtime_seconds: 28 * 86_400,
            ..settings()
        };
        assert!(TrainingRequest::new(&longest, &image(), "iris", "1").is_ok());
    }

    #[test]
    fn the_job_name_prefix_leaves_room_for_a_timestamp() {
        let named = TrainingSettings {
            job_name_prefix: Some("demand forecast ".repeat(4)),
            ..settings()
        };
        let prefix = TrainingRequest::new(&named, &image(), "iris", "1")
            .unwrap()
            .training_job_name;
        assert!(
            prefix.starts_with("demand-forecast-demand-") && prefix.len() <= 40,
            "{prefix}"
        );
    }
}
