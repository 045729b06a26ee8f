//! What of a training job not everybody says: from settings to the request that SageMaker gets, and to the record.

use std::io;

use insta::assert_snapshot;
use serde_json::{Value, json};
use sgbuild::lambda::clock::SystemClock;
use sgbuild::lambda::log::JsonLines;
use sgbuild::lambda::objects::S3;
use sgbuild::lambda::start_training::{self, Error, Services};
use sgbuild::lambda::training_jobs::SageMaker;
use sgbuild::training::Allowed;
use sgbuild::training::TrainingRun;

use crate::bad_input::tiny;
use crate::support::emulator::{Emulator, payload};
use crate::support::faults::Proxy;
use crate::support::{Ran, Sandbox};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1a2b";

/// What the training Lambda makes of `further` fields, and what SageMaker was asked for.
async fn started(emulator: &Emulator, further: Value, allowed: &Allowed) -> (Result<TrainingRun, Error>, Vec<Value>) {
    let mut payload = payload("20261124-041205-1a2b3c4d");
    if further["ResourceConfig"].get("InstanceGroups").is_some() {
        payload
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !["num_instances", "instance_type"].contains(&key.as_str()));
    }
    payload["create_training_job"] = further;
    // It has a runtime of its own, which neither begins nor ends in another.
    let upstream = emulator.endpoint.clone();
    let proxy = tokio::task::spawn_blocking(move || Proxy::start(&upstream, Vec::new()));
    let proxy = proxy.await.unwrap();
    let through = emulator.config.to_builder().endpoint_url(proxy.url()).build();
    let (objects, training_jobs, records) = (S3::new(&emulator.config), SageMaker::new(&through), emulator.records());
    let services = Services {
        objects: &objects,
        training_jobs: &training_jobs,
        records: Some(&records),
        notifier: None,
        synthetic: None,
        allowed,
        project: None,
        region: "eu-west-1",
        clock: &SystemClock,
    };
    let outcome = start_training::handle(&payload, "request-1", services, &JsonLines::new(io::sink())).await;
    let asked = proxy.bodies("CreateTrainingJob");
    let asked = asked.iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
    tokio::task::spawn_blocking(move || drop(proxy)).await.unwrap();
    (outcome, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_further_fields_reach_sagemaker_and_the_record() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    emulator.put("iris-input", "input/data/testing/iris.csv", "1,2").await;
    let further = json!({
        "EnableManagedSpotTraining": true,
        "StoppingCondition": { "MaxWaitTimeInSeconds": 7200 },
        "CheckpointConfig": { "S3Uri": "s3://iris-output/checkpoints/", "LocalPath": "/opt/ml/saved" },
        "AlgorithmSpecification": { "TrainingInputMode": "FastFile", "ContainerArguments": ["--fast"] },
        "ResourceConfig": { "VolumeKmsKeyId": KEY },
        "OutputDataConfig": { "KmsKeyId": KEY, "CompressionType": "NONE" },
        "Environment": { "MODE": "fast" },
        "Tags": [{ "Key": "team", "Value": "iris" }],
        "ProfilerConfig": { "DisableProfiler": false, "ProfilingIntervalInMilliseconds": 500 },
        "InputDataConfig": [
            { "ChannelName": "testing", "ContentType": "text/csv", "DataSource": { "S3DataSource": { "S3DataDistributionType": "ShardedByS3Key" } } },
            { "ChannelName": "validation", "InputMode": "Pipe" },
            { "ChannelName": "words", "DataSource": { "S3DataSource": { "S3Uri": "s3://iris-input/input/words/" } } },
        ],
        // Newer than this program's SDK may be: what is sent is not its types.
        "MlflowConfig": { "MlflowResourceArn": "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/a" },
    });
    let (outcome, asked) = started(&emulator, further.clone(), &Allowed::default()).await;
    let name = outcome.unwrap().training_job_name;
    let [asked] = &asked[..] else {
        panic!("one request: {asked:?}")
    };
    assert_snapshot!(serde_json::to_string_pretty(asked).unwrap());
    assert_eq!(emulator.jobs().await, [name]);
    let record = emulator.the_record().await;
    assert_eq!(Value::Object(record.training.further.unwrap()), further);
    assert_eq!(record.channels, ["testing", "training", "words"]);
    let (again, _) = started(
        &emulator,
        json!({ "EnableNetworkIsolation": true }),
        &Allowed::default(),
    )
    .await;
    let again = again.unwrap_err();
    assert_eq!(again.error_type(), "JobNameTaken");
    assert!(
        again
            .to_string()
            .ends_with("its AlgorithmSpecification.ContainerArguments[0] is `\"--fast\"`, ours is not set"),
        "{again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_in_groups() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let groups = json!([{ "InstanceGroupName": "data", "InstanceType": "ml.c5.xlarge", "InstanceCount": 2 }]);
    let further = json!({ "ResourceConfig": { "InstanceGroups": groups } });
    let (outcome, asked) = started(&emulator, further, &Allowed::default()).await;
    outcome.unwrap();
    assert_eq!(
        asked[0]["ResourceConfig"],
        json!({ "InstanceGroups": groups, "VolumeSizeInGB": 30 })
    );
    assert_eq!(emulator.the_record().await.training.instance_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_stacks_is_refused_wherever_it_is() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let allowed = Allowed::read(|name| {
        let list = match name {
            "SGBUILD_ALLOWED_INPUTS" => "s3://iris-input/input/",
            "SGBUILD_ALLOWED_OUTPUTS" => "s3://iris-output/",
            "SGBUILD_ALLOWED_KEYS" => KEY,
            "SGBUILD_ALLOWED_SUBNETS" => "subnet-0a1b2c3d",
            "SGBUILD_ALLOWED_SECURITY_GROUPS" => "sg-0a1b2c3d",
            "SGBUILD_ALLOWED_TRAINING_PLANS" => "none",
            "SGBUILD_ALLOWED_IMAGES" => "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris",
            _ => return None,
        };
        Some(list.to_owned())
    });
    let allowed = allowed.of_function(Some("arn:aws:lambda:eu-west-1:123456789012:function:f"));
    let others = json!({
        "CheckpointConfig": { "S3Uri": "s3://theirs/" },
        "OutputDataConfig": { "KmsKeyId": "alias/theirs" },
        "ResourceConfig": {
            "VolumeKmsKeyId": "arn:aws:kms:eu-west-1:999999999999:key/1a2b",
            "TrainingPlanArn": "arn:aws:sagemaker:eu-west-1:123456789012:training-plan/dear",
        },
        "VpcConfig": { "Subnets": ["subnet-99999999"], "SecurityGroupIds": ["sg-99999999"] },
        "InputDataConfig": [{ "ChannelName": "words", "DataSource": { "S3DataSource": { "S3Uri": "s3://theirs/words/" } } }],
        "DebugHookConfig": { "S3OutputPath": "s3://theirs/", "HookParameters": { "weights": "s3://theirs/weights" } },
        "DebugRuleConfigurations": [{ "RuleConfigurationName": "rule", "RuleEvaluatorImage": "theirs/rule:1" }],
        "MlflowConfig": { "MlflowResourceArn": "arn:aws:sagemaker:eu-west-1:999999999999:mlflow-app/a" },
    });
    let (outcome, asked) = started(&emulator, others, &allowed).await;
    let outcome = outcome.unwrap_err();
    assert_eq!((outcome.error_type(), asked.len()), ("NotAllowed", 0));
    let (nowhere, _) = started(&emulator, json!({ "EnableNetworkIsolation": true }), &allowed).await;
    assert_snapshot!(format!("{outcome}\n{}", nowhere.unwrap_err()));
    let own = json!({
        "CheckpointConfig": { "S3Uri": "s3://iris-output/checkpoints/" },
        "OutputDataConfig": { "KmsKeyId": KEY },
        "VpcConfig": { "Subnets": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"] },
        "Environment": { "PUBLIC": "s3://theirs/and-public" },
    });
    let (outcome, asked) = started(&emulator, own, &allowed).await;
    outcome.unwrap();
    assert_eq!(asked.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_fields_are_refused_and_said_shortly() {
    let emulator = Emulator::start().await;
    for further in [
        json!("x"),
        json!({ "RoleArn": "arn:aws:iam::123456789012:role/admin" }),
        json!({ "TrainingJobName": "another" }),
        json!({ "ServerlessJobConfig": { "BaseModelArn": "x", "JobType": "Evaluation" } }),
        json!({ "a\n{\"level\":\"ERROR\"}": 1 }),
        json!({ "Environment": { "A": "x".repeat(100_000) } }),
        json!({ "Tags": vec![json!({ "Key": "\u{1b}[2K", "Value": "" }); 50] }),
        json!({ "StoppingCondition": { "MaxRuntimeInSeconds": 60 } }),
        json!({ "ResourceConfig": { "InstanceType": "ml.p5.48xlarge" } }),
    ] {
        let (outcome, asked) = started(&emulator, further.clone(), &Allowed::default()).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.error_type(), asked.len()), ("InvalidPayload", 0), "{further}");
        let said = error.to_string();
        assert!(
            said.len() < 4_000 && !said.contains('\u{1b}') && !said.contains("\n{"),
            "{said}"
        );
    }
}

/// What sgbuild says of these lines of pyproject.toml, which begin at its line 2.
fn said(lines: &str, arguments: &[&str]) -> (Sandbox, Ran) {
    let sandbox = tiny();
    sandbox.write("pyproject.toml", &format!("[tool.sgbuild]\n{lines}"));
    let ran = sandbox.run(arguments);
    (sandbox, ran)
}

#[test]
fn a_field_that_sagemaker_does_not_have_is_told_with_its_line() {
    let mut transcript = Vec::new();
    for lines in [
        "[tool.sgbuild.training]\nStopingCondition = { MaxPendingTimeInSeconds = 7200 }\n",
        "[tool.sgbuild.training.RemoteDebugConfig]\nEnableRemoteDebug = true\nEnableRemotDebug = true\n",
        "[[tool.sgbuild.training.InputDataConfig]]\nChannelName = \"training\"\n\n[[tool.sgbuild.training.InputDataConfig]]\nChannelName = \"words\"\nRecordWraperType = \"None\"\n",
        "training.ExperimentConfig.ExperimentName = 7\n",
        "[tool.sgbuild.training]\nRetryStrategy.MaximumRetryAttempts = 3\n",
        "[tool.sgbuild.training]\nRoleArn = \"arn:aws:iam::123456789012:role/admin\"\n",
        "[tool.sgbuild.training]\nSessionChainingConfig.EnableSessionTagChaining = 1979-05-27\n",
        "training = \"x\"\n",
        "spot = 3\n",
    ] {
        // A misspelt field is no training's, so nothing that reads the settings goes on.
        for verb in ["dist", "push", "train", "launch"] {
            let (sandbox, ran) = said(lines, &[verb]);
            assert_eq!(ran.code, 2, "{}", ran.stderr);
            if verb == "push" {
                transcript.push(sandbox.transcript(&ran));
            }
        }
    }
    assert_snapshot!(transcript.join("\n"));
}

#[test]
fn what_does_not_go_together_ends_push_and_launch_before_anything_is_made() {
    let lines = "spot = true\nmax-wait = 60\nkeep-alive = 600\ninput-mode = \"Stream\"\n";
    let flags = [
        "--function",
        "f",
        "--source-bucket",
        "iris-input",
        "--output-bucket",
        "iris-output",
        "--role",
        "arn:aws:iam::123456789012:role/r",
    ];
    let (sandbox, pushed) = said(lines, &[&["push"], &flags[..]].concat());
    assert_snapshot!(sandbox.transcript(&pushed));
    assert!(!sandbox.project().join("dist").exists());
    let (_, launched) = said(lines, &["launch", "--email", "me@example.com"]);
    assert_eq!((launched.code, pushed.code), (2, 2));
    launched.says(&["input-mode (pyproject.toml:5): is `Stream`, and one of Pipe, File, FastFile is expected"]);
    let (_, given) = said("spot = true\nmax-wait = 60\n", &["launch", "--email", "me@example.com"]);
    given.says(&["max-wait (pyproject.toml:3): is 60, and the run alone may take 86400 seconds"]);
}

#[test]
fn a_table_is_json_in_flag_variable_and_setup_cfg() {
    let table = r#"{"RemoteDebugConfig": {"EnableRemoteDebug": true}}"#;
    let of = |ran: Ran| ran.exits(0).json()["training"]["value"].clone();
    let expected: Value = serde_json::from_str(table).unwrap();
    let variable = tiny().with("SGBUILD_TRAINING", table);
    assert_eq!(of(variable.run(&["settings", "--json"])), expected);
    let sandbox = tiny();
    sandbox.write("setup.cfg", &format!("[sgbuild]\ntraining = {table}\n"));
    assert_eq!(of(sandbox.run(&["settings", "--json"])), expected);
    let wrong = tiny().with(
        "SGBUILD_TRAINING",
        r#"{"RemoteDebugConfig": {"EnableRemoteDebugging": true}}"#,
    );
    wrong.run(&["settings"]).exits(2).says(&[
        "SGBUILD_TRAINING: `training`: `RemoteDebugConfig.EnableRemoteDebugging` is no field of CreateTrainingJob; did you mean",
    ]);
    tiny()
        .run(&["push", "--training", "{"])
        .exits(2)
        .says(&["it is no JSON object"]);
}
