//! What events are taken to name.

use serde_json::json;

use super::*;

/// A notification as [S3 sends it](https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
fn notification(keys: &[&str]) -> Value {
    let record = |key: &&str| {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-west-2", "eventTime": "2026-11-24T04:12:05.000Z",
            "eventName": "ObjectCreated:CompleteMultipartUpload", "userIdentity": { "principalId": "AWS:A" },
            "requestParameters": { "sourceIPAddress": "10.0.0.1" },
            "responseElements": { "x-amz-request-id": "1", "x-amz-id-2": "2" },
            "s3": {
                "s3SchemaVersion": "1.0", "configurationId": "models",
                "bucket": { "name": "models", "ownerIdentity": { "principalId": "A" }, "arn": "arn:aws:s3:::models" },
                "object": { "key": key, "size": 1, "eTag": "0", "versionId": "1", "sequencer": "00" },
            },
        })
    };
    json!({ "Records": keys.iter().map(record).collect::<Vec<_>>() })
}

const OWN: &str = "123456789012";

fn allowed() -> Allowed {
    Allowed {
        outputs: Some(vec!["s3://models/".to_owned()]),
        account: Some(OWN.to_owned()),
        ..Allowed::default()
    }
}

fn job_names(event: &Value) -> Result<Vec<String>, String> {
    let Asked::Named(named) = Asked::of(event, &allowed())? else {
        return Err("every run that is open".to_owned());
    };
    if named.refused.is_empty() {
        Ok(named.jobs.into_iter().map(|job| job.name).collect())
    } else {
        Err(named.refused.join("\n"))
    }
}

fn change() -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": STATE_CHANGE, "source": "aws.sagemaker", "account": OWN,
        "time": "2026-11-24T04:12:05Z", "region": "us-west-2", "resources": [],
        "detail": { "TrainingJobName": "iris-1", "TrainingJobStatus": "Failed" },
    })
}

#[test]
fn an_artifact_names_its_job() {
    let event = notification(&[
        "iris-20261124-1a2b/output/model.tar.gz",
        "some+folder/caf%C3%A9/iris-2/output/model.tar.gz",
        "iris-3/output/output.tar.gz",
        "iris-2/output/model.tar.gz",
    ]);
    assert_eq!(job_names(&event).unwrap(), ["iris-20261124-1a2b", "iris-2"]);
    assert_eq!(created::decoded("a+b%2Bc%25d").as_deref(), Some("a b+c%d"));
}

#[test]
fn a_state_change_names_its_job() {
    let mut event = change();
    assert_eq!(job_names(&event).unwrap(), ["iris-1"]);
    event["detail"] = json!({});
    assert_eq!(job_names(&event).unwrap_err(), "detail.TrainingJobName: missing");
}

#[test]
fn a_schedule_asks_for_open_runs_and_is_one_of_our_account() {
    let mut event = json!({
        "version": "0", "id": "1", "detail-type": SCHEDULED, "source": "aws.events", "account": OWN, "detail": {},
        "time": "2026-11-24T04:12:05Z", "region": "us-west-2", "resources": ["arn:aws:events:us-west-2:123456789012:rule/r"],
    });
    assert_eq!(Asked::of(&event, &allowed()), Ok(Asked::Open));
    event["account"] = json!("999999999999");
    assert_eq!(
        Asked::of(&event, &allowed()).unwrap_err(),
        "account: `999999999999` is not 123456789012"
    );
    event["source"] = json!("com.example");
    assert_eq!(
        Asked::of(&event, &allowed()).unwrap_err(),
        "source: `com.example` is not aws.events"
    );
}

#[test]
fn other_events_are_refused_by_their_field_and_the_test_event_is_not() {
    assert!(
        job_names(&json!({ "Event": "s3:TestEvent", "Bucket": "b" }))
            .unwrap()
            .is_empty()
    );
    let changed = |pointer: &str, value: Value| {
        let mut event = change();
        *event.pointer_mut(pointer).unwrap() = value;
        job_names(&event).unwrap_err()
    };
    let artifact = |key: &str, bucket: &str| {
        let mut event = notification(&[key]);
        event["Records"][0]["s3"]["bucket"]["name"] = json!(bucket);
        job_names(&event).unwrap_err()
    };
    let refused = [
        job_names(&json!({ "hello": 1 })).unwrap_err(),
        job_names(&json!([[[]]])).unwrap_err(),
        changed("/detail-type", json!("SageMaker Endpoint State Change")),
        changed("/detail-type", json!({})),
        changed("/source", json!("com.example")),
        changed("/account", json!("999999999999")),
        changed("/detail", json!("iris-1")),
        changed("/detail/TrainingJobName", json!(["iris-1"])),
        changed("/detail/TrainingJobName", json!("iris\n1")),
        changed("/detail/TrainingJobName", json!("i".repeat(1_000_000))),
        artifact("iris-1/output/model.tar.gz", "somebody-elses"),
        artifact("iris%0A1/output/model.tar.gz", "models"),
        artifact("/output/model.tar.gz", "models"),
        artifact("../output/model.tar.gz", "models"),
    ];
    insta::assert_snapshot!(refused.join("\n"), @r"
    Records: missing; its fields are `hello`
    Records: missing; the event is a list
    detail-type: `SageMaker Endpoint State Change` is not SageMaker Training Job State Change
    detail-type: must be a string, and is an object
    source: `com.example` is not aws.sagemaker
    account: `999999999999` is not 123456789012
    detail.TrainingJobName: missing
    detail.TrainingJobName: must be a string, and is a list
    detail.TrainingJobName: `iris\n1` is not a training job's name: 1 to 63 letters, digits and hyphens
    detail.TrainingJobName: `iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii… (1000000 bytes)` is not a training job's name: 1 to 63 letters, digits and hyphens
    Records[0].s3.bucket.name: `s3://somebody-elses/iris-1/output/model.tar.gz` is not what SGBUILD_ALLOWED_OUTPUTS allows: it names s3://models/
    Records[0].s3.object.key: `iris\n1` is not a training job's name: 1 to 63 letters, digits and hyphens
    Records[0].s3.object.key: `` is not a training job's name: 1 to 63 letters, digits and hyphens
    Records[0].s3.object.key: `..` is not a training job's name: 1 to 63 letters, digits and hyphens
    ");
}

#[test]
fn of_many_failures_the_first_are_told_and_one_that_passes_is_worth_a_retry() {
    let failures = |count: usize| {
        (0..count)
            .map(|n| Error::RefusedRecord(format!("Records[{n}].eventSource: missing")))
            .collect()
    };
    let mut error = Error::Several {
        failures: failures(3),
        all: 4,
    };
    insta::assert_snapshot!(error, @r"
    3 of 4 could not be dealt with:
      Records[0].eventSource: missing
      Records[1].eventSource: missing
      Records[2].eventSource: missing
    ");
    assert_eq!(error.error_type(), "Several");
    if let Error::Several { failures, .. } = &mut error {
        failures.push(Error::Unavailable {
            what: "look".to_owned(),
            source: CallError::Unreachable(String::new()),
        });
    }
    assert_eq!(error.error_type(), UNAVAILABLE);
    let many = Error::Several {
        failures: failures(10_000),
        all: 10_000,
    };
    assert!(many.to_string().len() < 2_000);
}

#[test]
fn a_metric_that_is_no_number_does_not_keep_a_run_from_being_recorded() {
    let job = Job {
        name: "iris-1".to_owned(),
        arn: String::new(),
        image: String::new(),
        asked: crate::training::Training::default(),
        status: JobStatus::Completed,
        phase: None,
        failure_reason: None,
        created: None,
        started: None,
        ended: None,
        metrics: [("loss", f32::NAN), ("odd", f32::INFINITY), ("accuracy", 0.97)]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        metric_times: [("loss", 1), ("accuracy", 2)]
            .map(|(name, second)| (name.to_owned(), Timestamp::from_second(second).unwrap()))
            .into(),
        billable_seconds: None,
        training_seconds: Some(122),
        artifact: None,
    };
    let progress = progress(&job);
    assert_eq!(progress.metrics, [("accuracy".to_owned(), 0.97)].into());
    let time = Timestamp::from_second(2).unwrap();
    assert_eq!(progress.metric_times, [("accuracy".to_owned(), time)].into());
    assert_eq!(progress.training_seconds, Some(122));
}
