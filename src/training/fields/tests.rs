use serde_json::json;

use super::*;

fn problems(part: &Value) -> String {
    let problems = check(part.as_object().unwrap());
    let lines = problems
        .iter()
        .map(|problem| format!("{} {}", problem.path, problem.what));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_line_of_the_table_is_a_field_of_another() {
    let lines = TEXT.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.count(), TABLE.len());
    for (path, field) in TABLE.iter() {
        let parent = path.strip_suffix("[]").or(path.strip_suffix("{}"));
        let parent = parent.or_else(|| Some(path.rsplit_once('.')?.0));
        assert!(parent.is_none_or(|parent| TABLE.contains_key(parent)), "{path}");
        assert!(
            ["object", "list", "map", "string", "number", "boolean"].contains(&field.kind),
            "{path}"
        );
    }
    for said in SAID {
        assert!(TABLE.contains_key(said), "{said}");
    }
}

#[test]
fn what_sagemaker_has_is_fine() {
    let fine = json!({
        "AlgorithmSpecification": { "ContainerArguments": ["--fast"], "EnableSageMakerMetricsTimeSeries": true },
        "InputDataConfig": [{ "ChannelName": "training", "ShuffleConfig": { "Seed": 7 } }],
        "DebugHookConfig": { "S3OutputPath": "s3://b/", "HookParameters": { "save_interval": "10" } },
        "OutputDataConfig": { "CompressionType": "NONE" },
        "RetryStrategy": { "MaximumRetryAttempts": 30 },
    });
    assert_eq!(problems(&fine), "");
}

#[test]
fn what_it_does_not_have_is_told_with_what_was_meant() {
    let wrong = json!({
        "StopingCondition": {},
        "Zebra": 1,
        "RemoteDebugConfig": { "EnableRemoteDebugging": true, "EnableRemoteDebug": "yes" },
        "OutputDataConfig": { "CompressionType": "gzip" },
        "RetryStrategy": {},
        "AlgorithmSpecification": { "ContainerArguments": [], "ContainerEntrypoint": ["a", 1, "x".repeat(257)] },
        "ResourceConfig": { "KeepAlivePeriodInSeconds": 21_601, "VolumeSizeInGB": 1.5, "InstanceCount": -1 },
        "DebugHookConfig": { "S3OutputPath": "s3://b/", "HookParameters": { "a": 1 } },
        "InputDataConfig": [{ "ContentTyp": "text/csv" }],
        "Environment": "A=B",
    });
    insta::assert_snapshot!(problems(&wrong), @r"
    StopingCondition is no field of CreateTrainingJob; did you mean `StoppingCondition`?
    Zebra is no field of CreateTrainingJob
    RemoteDebugConfig.EnableRemoteDebugging is no field of CreateTrainingJob; did you mean `RemoteDebugConfig.EnableRemoteDebug`?
    RemoteDebugConfig.EnableRemoteDebug is a string, and true or false is expected
    OutputDataConfig.CompressionType is `gzip`, and one of GZIP, NONE is expected
    RetryStrategy lacks `MaximumRetryAttempts`
    AlgorithmSpecification.ContainerArguments has 0 items: 1 or more
    AlgorithmSpecification.ContainerEntrypoint[1] is a number, and a string is expected
    AlgorithmSpecification.ContainerEntrypoint[2] has 257 characters: 256 at most
    ResourceConfig.KeepAlivePeriodInSeconds is 21601: 21600 at most
    ResourceConfig.VolumeSizeInGB is a number, and a whole number is expected
    ResourceConfig.InstanceCount is less than 0
    DebugHookConfig.HookParameters.a is a number, and a string is expected
    InputDataConfig[0].ContentTyp is no field of CreateTrainingJob; did you mean `InputDataConfig[].ContentType`?
    InputDataConfig[0] lacks `ChannelName`
    Environment is a string, and a table is expected
    ");
}

#[test]
fn parts_are_laid_over_each_other() {
    let mut request = put("ResourceConfig.KeepAlivePeriodInSeconds", json!(60));
    merge(&mut request, put("ResourceConfig.VolumeKmsKeyId", json!("key")));
    merge(
        &mut request,
        put("InputDataConfig", json!([{ "ChannelName": "a", "InputMode": "Pipe" }])),
    );
    merge(
        &mut request,
        put(
            "InputDataConfig",
            json!([{ "ChannelName": "b" }, { "ChannelName": "a", "ContentType": "text/csv" }]),
        ),
    );
    assert_eq!(
        Value::Object(request),
        json!({
            "ResourceConfig": { "KeepAlivePeriodInSeconds": 60, "VolumeKmsKeyId": "key" },
            "InputDataConfig": [{ "ChannelName": "a", "InputMode": "Pipe", "ContentType": "text/csv" }, { "ChannelName": "b" }],
        })
    );
}
