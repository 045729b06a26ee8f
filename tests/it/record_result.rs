//! The record-result Lambda against an emulator of its services: events come late, twice, and in any order.

use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use sgbuild::aws::CallError;
use sgbuild::lambda::clock::SystemClock;
use sgbuild::lambda::log::JsonLines;
use sgbuild::lambda::notifier::{Notifier, Sns};
use sgbuild::lambda::objects::S3;
use sgbuild::lambda::record_result::{self, Error, Services};
use sgbuild::lambda::training_jobs::SageMaker;
use sgbuild::lambda::{message::Message, start_training};
use sgbuild::record::{DynamoDb, Records as _};
use sgbuild::record::{JobStatus, RunRecord};
use sgbuild::training::Allowed;

use crate::support::emulator::{Emulator, payload};

/// The function with its services.
struct Function {
    training_jobs: SageMaker,
    records: DynamoDb,
    notifier: Sns,
    allowed: Allowed,
}

impl Function {
    fn of(emulator: &Emulator) -> Self {
        Self {
            training_jobs: SageMaker::new(&emulator.config),
            records: emulator.records(),
            notifier: Sns::new(&emulator.config, &emulator.topic),
            allowed: Allowed {
                outputs: Some(vec!["s3://iris-output/".to_owned()]),
                account: Some("123456789012".to_owned()),
                ..Allowed::default()
            },
        }
    }

    fn services(&self) -> Services<'_> {
        Services {
            training_jobs: &self.training_jobs,
            records: &self.records,
            notifier: &self.notifier,
            allowed: &self.allowed,
            region: "eu-west-1",
            clock: &SystemClock,
        }
    }

    async fn handle(&self, event: &Value) -> Result<(), Error> {
        record_result::handle(event, self.services(), &JsonLines::new(std::io::sink())).await
    }
}

/// Starts a run as the pipeline does; its job's name.
async fn started(emulator: &Emulator, run_id: &str) -> String {
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let function = Function::of(emulator);
    let services = start_training::Services {
        objects: &S3::new(&emulator.config),
        training_jobs: &function.training_jobs,
        records: Some(&function.records),
        notifier: Some(&function.notifier),
        project: None,
        synthetic: None,
        allowed: &Allowed::default(),
        region: "eu-west-1",
        clock: &SystemClock,
    };
    let log = JsonLines::new(std::io::sink());
    let run = start_training::handle(&payload(run_id), "request-1", services, &log).await;
    run.unwrap().training_job_name
}

fn state_change(job: &str, status: &str) -> Value {
    json!({
        "version": "0", "id": "8f2c0000-0000-4000-8000-000000000000", "detail-type": "SageMaker Training Job State Change",
        "source": "aws.sagemaker", "account": "123456789012", "time": "2026-11-24T04:20:00Z", "region": "eu-west-1",
        "resources": [format!("arn:aws:sagemaker:eu-west-1:123456789012:training-job/{job}")],
        "detail": { "TrainingJobName": job, "TrainingJobStatus": status },
    })
}

fn artifact(job: &str) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": "2026-11-24T04:19:59.000Z",
        "eventName": "ObjectCreated:CompleteMultipartUpload", "userIdentity": { "principalId": "AWS:A" },
        "requestParameters": { "sourceIPAddress": "10.0.0.1" }, "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "models",
            "bucket": { "name": "iris-output", "ownerIdentity": { "principalId": "A" }, "arn": "arn:aws:s3:::iris-output" },
            "object": { "key": format!("{job}/output/model.tar.gz"), "size": 1, "eTag": "0", "sequencer": "00" },
        },
    }]})
}

fn completed() -> Value {
    json!({
        "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed",
        "TrainingStartTime": "2026-11-24T04:13:00Z", "TrainingEndTime": "2026-11-24T04:20:00Z",
        "TrainingTimeInSeconds": 122, "BillableTimeInSeconds": 61,
        "FinalMetricDataList": [{ "MetricName": "accuracy", "Value": 0.97 }],
    })
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Artifact,
    InProgress,
    Completed,
}

impl Kind {
    fn event(self, job: &str) -> Value {
        match self {
            Self::Artifact => artifact(job),
            Self::InProgress => state_change(job, "InProgress"),
            Self::Completed => state_change(job, "Completed"),
        }
    }
}

/// Each event at least once, some again, in any order; those of one group come at the same time.
fn deliveries() -> impl Strategy<Value = Vec<Vec<Kind>>> {
    let again = prop::collection::vec(
        prop_oneof![Just(Kind::Artifact), Just(Kind::InProgress), Just(Kind::Completed)],
        0..4,
    );
    let all = again.prop_map(|again| [&[Kind::Artifact, Kind::InProgress, Kind::Completed], &again[..]].concat());
    (all.prop_shuffle(), prop::collection::vec(1..4_usize, 7)).prop_map(|(all, sizes)| {
        let mut rest = &all[..];
        let mut groups = Vec::new();
        for size in sizes {
            let (group, left) = rest.split_at(size.min(rest.len()));
            groups.push(group.to_vec());
            rest = left;
        }
        groups
    })
}

#[test]
fn whatever_the_order_there_is_one_record_and_one_message() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let emulator = runtime.block_on(Emulator::start());
    let mut runner = TestRunner::new(Config {
        cases: 24,
        max_shrink_iters: 0,
        ..Config::default()
    });
    let number = std::cell::Cell::new(0);
    let outcome = runner.run(&(deliveries(), 0..3_usize), |(groups, before_the_end)| {
        number.set(number.get() + 1);
        runtime.block_on(check(
            &emulator,
            &format!("run-{}", number.get()),
            &groups,
            before_the_end,
        ));
        Ok(())
    });
    outcome.unwrap();
}

/// Delivers some groups while the job still trains, the rest after its end, and then all again.
async fn check(emulator: &Emulator, run_id: &str, groups: &[Vec<Kind>], before_the_end: usize) {
    let job = started(emulator, run_id).await;
    let function = Function::of(emulator);
    for (number, group) in groups.iter().enumerate() {
        if number == before_the_end {
            emulator.set_job(&job, completed()).await;
        }
        let events: Vec<Value> = group.iter().map(|kind| kind.event(&job)).collect();
        let outcomes = futures_util::future::join_all(events.iter().map(|event| function.handle(event))).await;
        for (kind, outcome) in group.iter().zip(outcomes) {
            // An end that SageMaker does not describe yet is one to be delivered again.
            let too_early = number < before_the_end && matches!(kind, Kind::Completed);
            let expected = too_early.then_some("Unavailable");
            assert_eq!(outcome.err().as_ref().map(Error::error_type), expected);
        }
    }
    // AWS delivers at least once: what came too early comes again, or its successor does.
    function.handle(&Kind::Completed.event(&job)).await.unwrap();

    let record = function.records.get(&job).await.unwrap().unwrap();
    assert_eq!(record.job_status, JobStatus::Completed);
    assert_eq!(record.metrics["accuracy"].to_string(), "0.97");
    assert_eq!(record.billable_seconds, Some(61));
    assert_eq!(record.training_seconds, Some(122));
    assert!(record.metric_times.contains_key("accuracy"), "{record:?}");
    assert_eq!(
        record.artifact,
        Some(format!("s3://iris-output/{job}/output/model.tar.gz"))
    );
    assert!(record.job_end_time.is_some() && record.notified_at.is_some());
    let messages = emulator.messages().await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0].0, format!("Training completed: iris-classifier ({job})"));
}

#[tokio::test]
async fn failed_and_stopped_are_recorded_with_their_reason_and_announced_once() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    for (status, expected, reason) in [
        (
            "Failed",
            JobStatus::Failed,
            Some("AlgorithmError: row 17 is broken, exit code: 1"),
        ),
        ("Stopped", JobStatus::Stopped, None),
    ] {
        let job = started(&emulator, status).await;
        let end = json!({ "TrainingJobStatus": status, "SecondaryStatus": status, "FailureReason": reason,
            "TrainingEndTime": "2026-11-24T04:20:00Z" });
        emulator.set_job(&job, end).await;
        for _ in 0..2 {
            function.handle(&state_change(&job, status)).await.unwrap();
        }
        let record = function.records.get(&job).await.unwrap().unwrap();
        assert_eq!(
            (record.job_status, record.failure_reason.as_deref()),
            (expected, reason)
        );
        let messages = emulator.messages().await;
        let [(subject, text)] = &messages[..] else {
            panic!("one message: {messages:?}")
        };
        assert!(
            subject.starts_with(&format!("Training {}: ", status.to_lowercase())),
            "{subject}"
        );
        assert_eq!(text.contains("row 17 is broken"), reason.is_some());
        assert!(text.contains(&format!("#/jobs/{job}")), "{text}");
    }
}

/// A rule's schedule coming due.
fn due() -> Value {
    json!({
        "version": "0", "id": "8f2c0000-0000-4000-8000-000000000001", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": "2026-11-24T05:00:00Z", "region": "eu-west-1",
        "resources": ["arn:aws:events:eu-west-1:123456789012:rule/iris"], "detail": {},
    })
}

#[tokio::test]
async fn the_schedule_finishes_what_no_event_has_told_of() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    let [failed, completed_one, running, stopping] = [
        started(&emulator, "failed").await,
        started(&emulator, "completed").await,
        started(&emulator, "running").await,
        started(&emulator, "stopping").await,
    ];
    // A job for which there were no instances: it never began, so SageMaker says neither when it ended nor what it costs.
    let no_capacity = json!({ "TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", "FailureReason": "CapacityError: none left" });
    emulator.set_job(&failed, no_capacity).await;
    emulator.set_job(&completed_one, completed()).await;
    emulator
        .set_job(
            &stopping,
            json!({ "TrainingJobStatus": "Stopping", "SecondaryStatus": "Stopping" }),
        )
        .await;
    function.handle(&due()).await.unwrap();
    let messages = emulator.messages().await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    let status = async |job: &str| function.records.get(job).await.unwrap().unwrap().job_status;
    assert_eq!(status(&completed_one).await, JobStatus::Completed);
    assert_eq!(status(&running).await, JobStatus::InProgress);
    assert_eq!(status(&stopping).await, JobStatus::Stopping);
    let record = function.records.get(&failed).await.unwrap().unwrap();
    assert_eq!((record.job_status, record.billable_seconds), (JobStatus::Failed, None));
    assert!(
        record.job_end_time.unwrap() >= record.job_creation_time.unwrap(),
        "{record:?}"
    );

    emulator
        .set_job(
            &stopping,
            json!({ "TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped" }),
        )
        .await;
    for _ in 0..2 {
        function.handle(&due()).await.unwrap();
    }
    assert_eq!(status(&stopping).await, JobStatus::Stopped);
    assert_eq!(emulator.messages().await.len(), 1);
    // The event that came after all.
    function.handle(&state_change(&failed, "Failed")).await.unwrap();
    assert!(emulator.messages().await.is_empty());
}

#[tokio::test]
async fn the_schedule_announces_an_end_whose_message_did_not_go_out() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    let job = started(&emulator, "r").await;
    emulator.set_job(&job, completed()).await;
    let dying = Dying(&function.notifier, false.into());
    let services = Services {
        notifier: &dying,
        ..function.services()
    };
    let log = JsonLines::new(std::io::sink());
    let event = state_change(&job, "Completed");
    record_result::handle(&event, services, &log).await.unwrap_err();
    // One that was to be announced a month ago is not news.
    let old = started(&emulator, "old").await;
    set(&emulator, &old, "job_status", AttributeValue::S("Completed".to_owned())).await;
    set(
        &emulator,
        &old,
        "job_end_time",
        AttributeValue::S("2026-01-02T03:04:05Z".to_owned()),
    )
    .await;
    function.handle(&due()).await.unwrap();
    let messages = emulator.messages().await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].0.contains(&job), "{messages:?}");
}

#[tokio::test]
async fn a_run_without_a_job_is_failed_once_nobody_tries_to_start_it_any_more() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    let hours_ago = |hours: i64| jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
    for (job, status, recorded_at) in [
        ("iris-young", "Requested", hours_ago(1)),
        ("iris-lost", "Requested", hours_ago(8)),
        ("iris-deleted", "InProgress", hours_ago(30)),
    ] {
        let record = json!({
            "training_job_name": job, "run_id": job, "image": "host/iris@sha256:1f", "instance_type": "ml.m5.large",
            "instance_count": 1, "volume_in_gb": 30, "max_runtime_seconds": 60, "input_bucket": "iris-input",
            "recorded_at": recorded_at, "job_status": status,
        });
        let record: RunRecord = serde_json::from_value(record).unwrap();
        assert_eq!(function.records.create(&record).await.unwrap(), None);
    }
    function.handle(&due()).await.unwrap();
    let record = async |job: &str| function.records.get(job).await.unwrap().unwrap();
    assert_eq!(record("iris-young").await.job_status, JobStatus::Requested);
    for job in ["iris-lost", "iris-deleted"] {
        let record = record(job).await;
        assert_eq!(record.job_status, JobStatus::Failed, "{job}");
        let reason = record.failure_reason.unwrap();
        assert!(
            reason.starts_with("SageMaker has no training job of this run: "),
            "{reason}"
        );
    }
    assert_eq!(emulator.messages().await.len(), 2);
    function.handle(&due()).await.unwrap();
    assert!(emulator.messages().await.is_empty());
}

#[tokio::test]
async fn an_end_that_sagemaker_does_not_describe_yet_is_delivered_again() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    let job = started(&emulator, "r").await;
    for end in ["Completed", "Failed", "Stopped"] {
        let error = function.handle(&state_change(&job, end)).await.unwrap_err();
        assert_eq!(error.error_type(), "Unavailable");
        assert_eq!(
            error.to_string(),
            format!("the training job {job} has ended as `{end}`, and SageMaker still describes it as InProgress")
        );
    }
    assert!(emulator.messages().await.is_empty());
    emulator.set_job(&job, completed()).await;
    function.handle(&state_change(&job, "Completed")).await.unwrap();
    // Recorded, so a stale answer keeps nobody waiting.
    emulator
        .set_job(
            &job,
            json!({ "TrainingJobStatus": "InProgress", "SecondaryStatus": "Training" }),
        )
        .await;
    function.handle(&state_change(&job, "Completed")).await.unwrap();
    assert_eq!(emulator.messages().await.len(), 1);
}

#[tokio::test]
async fn an_end_never_regresses() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    let job = started(&emulator, "r").await;
    emulator.set_job(&job, completed()).await;
    function.handle(&artifact(&job)).await.unwrap();
    let ended: RunRecord = function.records.get(&job).await.unwrap().unwrap();
    // What no SageMaker does, and a stale answer would look like.
    for status in ["InProgress", "Stopping", "Failed"] {
        emulator
            .set_job(&job, json!({ "TrainingJobStatus": status, "SecondaryStatus": status }))
            .await;
        function.handle(&state_change(&job, status)).await.unwrap();
        assert_eq!(function.records.get(&job).await.unwrap().unwrap(), ended);
    }
    assert_eq!(emulator.messages().await.len(), 1);
}

#[tokio::test]
async fn a_job_that_is_not_ours_is_left_alone() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    function
        .handle(&state_change("somebody-elses", "Completed"))
        .await
        .unwrap();
    assert!(emulator.records().all().await.unwrap().records.is_empty());
    assert!(emulator.messages().await.is_empty());
}

/// A topic that is not reached the first time, as when the process ends between the claim and the message.
struct Dying<'a>(&'a Sns, std::sync::atomic::AtomicBool);

#[async_trait::async_trait]
impl Notifier for Dying<'_> {
    async fn publish(&self, message: &Message) -> Result<(), CallError> {
        if self.1.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return self.0.publish(message).await;
        }
        Err(CallError::Unreachable("the process was ended".to_owned()))
    }
}

#[tokio::test]
async fn a_message_that_did_not_go_out_goes_out_with_the_next_delivery() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    let job = started(&emulator, "r").await;
    emulator.set_job(&job, completed()).await;
    let dying = Dying(&function.notifier, false.into());
    let services = Services {
        notifier: &dying,
        ..function.services()
    };
    let (event, log) = (state_change(&job, "Completed"), JsonLines::new(std::io::sink()));
    let error = record_result::handle(&event, services, &log).await.unwrap_err();
    assert_eq!(error.error_type(), "Unavailable");
    assert!(emulator.messages().await.is_empty());
    // Lambda delivers again; the lease of the one that died runs out meanwhile.
    record_result::handle(&event, services, &log).await.unwrap();
    assert_eq!(emulator.messages().await.len(), 1);
}

/// Sets an attribute of a record as no function does.
async fn set(emulator: &Emulator, job: &str, name: &str, value: AttributeValue) {
    aws_sdk_dynamodb::Client::new(&emulator.config)
        .update_item()
        .table_name("runs")
        .key("training_job_name", AttributeValue::S(job.to_owned()))
        .update_expression("SET #name = :value")
        .expression_attribute_names("#name", name)
        .expression_attribute_values(":value", value)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_claim_that_never_runs_out_keeps_nobody_waiting() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    for (run, claim) in [
        // In the year 2096, by a clock that is wrong; and by somebody who writes texts.
        ("ahead", AttributeValue::N("4000000000000".to_owned())),
        ("text", AttributeValue::S("tomorrow".to_owned())),
    ] {
        let job = started(&emulator, run).await;
        emulator.set_job(&job, completed()).await;
        set(&emulator, &job, "notification_claimed_ms", claim).await;
        let event = state_change(&job, "Completed");
        let handled = function.handle(&event);
        tokio::time::timeout(std::time::Duration::from_secs(10), handled)
            .await
            .expect("it does not wait for that")
            .unwrap();
        assert_eq!(emulator.messages().await.len(), 1, "{run}");
        function.handle(&event).await.unwrap();
        assert!(emulator.messages().await.is_empty(), "{run}");
    }
}

#[tokio::test]
async fn each_record_of_an_event_is_dealt_with_and_what_failed_is_named() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    let [broken, one, two] = [
        started(&emulator, "broken").await,
        started(&emulator, "one").await,
        started(&emulator, "two").await,
    ];
    set(
        &emulator,
        &broken,
        "job_status",
        AttributeValue::S("Finished".to_owned()),
    )
    .await;
    for job in [&one, &two] {
        emulator.set_job(job, completed()).await;
    }
    let mut foreign = artifact("iris-9");
    foreign["Records"][0]["s3"]["bucket"]["name"] = json!("somebody-elses");
    let parts = [
        artifact(&broken),
        artifact(&one),
        foreign,
        json!({ "Records": [null] }),
        artifact(&two),
        artifact(&one),
    ];
    let records: Vec<Value> = parts.iter().map(|event| event["Records"][0].clone()).collect();
    let event = json!({ "Records": records });
    for _ in 0..2 {
        let error = function.handle(&event).await.unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @r"
            3 of 5 could not be dealt with:
              cannot read the record of iris-classifier-broken: an item of the table is no record: unknown variant `Finished`, expected one of `Requested`, `InProgress`, `Stopping`, `Completed`, `Failed`, `Stopped`
              Records[2].s3.bucket.name: `s3://somebody-elses/iris-9/output/model.tar.gz` is not what SGBUILD_ALLOWED_OUTPUTS allows: it names s3://iris-output/
              Records[3].eventSource: missing
            ");
        }
    }
    for job in [&one, &two] {
        let record = function.records.get(job).await.unwrap().unwrap();
        assert_eq!(record.job_status, JobStatus::Completed);
        assert!(record.notified_at.is_some());
    }
    assert_eq!(emulator.messages().await.len(), 2);
}

#[tokio::test]
async fn ten_thousand_records_are_one_event() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    let job = started(&emulator, "r").await;
    emulator.set_job(&job, completed()).await;
    let record = artifact(&job)["Records"][0].clone();
    let mut records = vec![record; 9_999];
    let mut refused = json!({ "eventSource": "aws:s3" });
    refused["eventName"] = json!("ObjectCreated:Put".repeat(10_000));
    records.push(refused);
    let error = function.handle(&json!({ "Records": records })).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 of 2 could not be dealt with:\n  Records[9999].s3.bucket.name: missing"
    );
    assert_eq!(emulator.messages().await.len(), 1);
}
