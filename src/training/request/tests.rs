use serde_json::json;

use super::*;
use crate::explain::Explain as _;
use crate::oci::MediaType;

fn image() -> PushedImage {
    PushedImage {
        amounts: None,
        repository: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris-classifier"
            .parse()
            .unwrap(),
        digest: format!("sha256:{}", "1f".repeat(32)).parse().unwrap(),
        tags: vec!["1.0.0-1f0c2ab".to_owned()],
        media_type: MediaType::DockerManifest,
        config_digest: format!("sha256:{}", "2e".repeat(32)).parse().unwrap(),
        sbom: None,
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
    insta::assert_snapshot!(training(&listed).unwrap_err(), @r"
    SageMaker would refuse the training job:
      instance-type (SGBUILD_INSTANCE_TYPE): the instances are listed already, by `instance-groups` or ResourceConfig.InstancePreferences: take one of the two out
    ");
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
