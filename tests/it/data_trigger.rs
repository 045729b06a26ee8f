//! The data-trigger Lambda, as a process, against an emulator of its services.

use serde_json::{Value, json};

use crate::runtime_api::{Function, Next, RuntimeApi};
use crate::support::emulator::Emulator;

const KEY: &str = "input/data/training/iris.csv";
/// Before any build of this test.
const UPLOADED: &str = "2026-11-24T04:12:05.000Z";

async fn create_project(emulator: &Emulator) {
    use aws_sdk_codebuild::types::{
        ArtifactsType, ComputeType, EnvironmentType, ProjectArtifacts, ProjectEnvironment, ProjectSource, SourceType,
    };
    let source = ProjectSource::builder()
        .r#type(SourceType::Github)
        .location("https://example.com/iris");
    let artifacts = ProjectArtifacts::builder().r#type(ArtifactsType::NoArtifacts);
    let environment = ProjectEnvironment::builder()
        .r#type(EnvironmentType::LinuxContainer)
        .image("x")
        .compute_type(ComputeType::BuildGeneral1Small);
    aws_sdk_codebuild::Client::new(&emulator.config)
        .create_project()
        .name("iris")
        .source(source.build().unwrap())
        .artifacts(artifacts.build().unwrap())
        .environment(environment.build().unwrap())
        .service_role("arn:aws:iam::123456789012:role/build")
        .send()
        .await
        .unwrap();
}

/// The ids of the builds, the newest first.
async fn builds(emulator: &Emulator) -> Vec<String> {
    let codebuild = aws_sdk_codebuild::Client::new(&emulator.config);
    let listed = codebuild.list_builds_for_project().project_name("iris").send().await;
    listed.unwrap().ids().to_vec()
}

/// A message of the queue that tells of the upload.
fn message() -> Value {
    let notification = json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": UPLOADED,
        "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": "iris-input" }, "object": { "key": KEY, "size": 3 } },
    }]});
    json!({ "Records": [{ "messageId": "m0", "eventSource": "aws:sqs", "body": notification.to_string() }] })
}

#[test]
fn data_that_arrives_before_a_build_fails_is_built_again_and_done_with_once_one_has_succeeded() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = runtime.block_on(Emulator::start());
    runtime.block_on(create_project(&emulator));
    runtime.block_on(emulator.put("iris-input", KEY, "1,2"));
    let api = RuntimeApi::start();
    let variables = [("SGBUILD_PROJECT", "iris"), ("AWS_ENDPOINT_URL", &*emulator.endpoint)];
    let _function = Function::start("data_trigger", &api, &variables);
    let deliver = || {
        let (path, answer) = api.send(&Next::of(message().to_string()));
        assert!(path.ends_with("/response"), "{path}: {answer}");
        let left = answer["batchItemFailures"].as_array().unwrap().len();
        (left, runtime.block_on(builds(&emulator)))
    };
    // When a build's last phase began, in seconds since 1970: an hour after the upload, or before it.
    let uploaded: jiff::Timestamp = UPLOADED.parse().unwrap();
    let end = |status: &str, last_phase: i64| {
        json!({
            "buildStatus": status, "currentPhase": "COMPLETED",
            "phases": [{ "phaseType": "POST_BUILD", "startTime": uploaded.as_second() + last_phase }],
        })
    };

    let (left, first) = deliver();
    assert_eq!((left, first.len()), (1, 1));
    assert_eq!(deliver(), (1, first.clone()), "it is on its way");
    runtime.block_on(emulator.set_build(&first[0], end("FAILED", 3600)));
    let (left, second) = deliver();
    assert_eq!((left, second.len()), (1, 2), "the data is still to be trained on");
    runtime.block_on(emulator.set_build(&second[0], end("SUCCEEDED", -1)));
    let (left, third) = deliver();
    assert_eq!((left, third.len()), (1, 3), "it trained without the data");
    runtime.block_on(emulator.set_build(&third[0], end("SUCCEEDED", 3600)));
    assert_eq!(deliver(), (0, third));
}
