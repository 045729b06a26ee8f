//! The training Lambda against an emulator of its services, through the real SDK.

use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use sgbuild::aws::CallError;
use sgbuild::lambda::clock::SystemClock;
use sgbuild::lambda::input_data::SyntheticData;
use sgbuild::lambda::log::JsonLines;
use sgbuild::lambda::notifier::Sns;
use sgbuild::lambda::objects::{Object, Objects as _, S3};
use sgbuild::lambda::start_training::{self, Error, Services};
use sgbuild::lambda::training_jobs::{SageMaker, TrainingJobs};
use sgbuild::record::DynamoDb;
use sgbuild::record::{DataSource, JobStatus, RunRecord};
use sgbuild::requirements::RequirementList;
use sgbuild::training::Allowed;
use sgbuild::training::TrainingRun;
use sgbuild::training::job::Job;
use sgbuild::training::new_job::NewJob;

use crate::support::emulator::{Emulator, payload};
use crate::support::faults::{Fault, Proxy};

const KEY: &str = "input/config/hyperparameters.json";
const RUN: &str = "20261124-041205-1a2b3c4d";

/// The function with its services.
struct Function {
    objects: S3,
    training_jobs: SageMaker,
    records: DynamoDb,
    notifier: Sns,
    synthetic: SyntheticData,
    allowed: Allowed,
}

impl Function {
    fn of(emulator: &Emulator) -> Self {
        Self {
            objects: S3::new(&emulator.config),
            training_jobs: SageMaker::new(&emulator.config),
            records: emulator.records(),
            notifier: Sns::new(&emulator.config, &emulator.topic),
            synthetic: SyntheticData {
                bucket: "synthetic".to_owned(),
                prefix: "iris/".to_owned(),
            },
            allowed: Allowed::default(),
        }
    }

    fn services(&self) -> Services<'_> {
        Services {
            objects: &self.objects,
            training_jobs: &self.training_jobs,
            records: Some(&self.records),
            notifier: Some(&self.notifier),
            project: None,
            synthetic: Some(&self.synthetic),
            allowed: &self.allowed,
            region: "eu-west-1",
            clock: &SystemClock,
        }
    }

    async fn handle(&self, payload: &Value) -> Result<TrainingRun, Error> {
        start_training::handle(payload, "request-1", self.services(), &silent()).await
    }
}

fn silent() -> JsonLines {
    JsonLines::new(io::sink())
}

/// What the log's writer got.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_payload_becomes_a_training_job() {
    let emulator = Emulator::start().await;
    emulator
        .put("iris-input", KEY, r#"{"max_depth": 3, "shuffle": true}"#)
        .await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let function = Function::of(&emulator);
    let written = Written::default();
    let log = JsonLines::new(written.clone()).of_request("request-1");

    let run = start_training::handle(&payload(RUN), "request-1", function.services(), &log)
        .await
        .unwrap();

    assert_eq!(run.training_job_name, "iris-classifier-20261124-041205-1a2b3c4d");
    let sagemaker = aws_sdk_sagemaker::Client::new(&emulator.config);
    let job = sagemaker
        .describe_training_job()
        .training_job_name(&run.training_job_name)
        .send()
        .await
        .unwrap();
    assert_eq!(job.training_job_arn(), Some(run.training_job_arn.as_str()));
    let algorithm = job.algorithm_specification().unwrap();
    assert_eq!(
        algorithm.training_image(),
        Some("123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f")
    );
    assert_eq!(job.hyper_parameters().unwrap()["max_depth"], "3");
    assert_eq!(job.hyper_parameters().unwrap()["shuffle"], "true");
    assert_eq!(job.role_arn(), Some("arn:aws:iam::123456789012:role/training"));
    let [channel] = job.input_data_config() else {
        panic!("one channel: {job:?}")
    };
    let source = channel.data_source().unwrap().s3_data_source().unwrap();
    assert_eq!(channel.channel_name(), Some("training"));
    assert_eq!(source.s3_uri(), Some("s3://iris-input/input/data/training/"));
    assert_eq!(source.s3_data_type().unwrap().as_str(), "S3Prefix");
    assert_eq!(source.s3_data_distribution_type().unwrap().as_str(), "FullyReplicated");
    assert_eq!(
        job.output_data_config().unwrap().s3_output_path(),
        Some("s3://iris-output/")
    );
    let resources = job.resource_config().unwrap();
    assert_eq!(resources.instance_type().unwrap().as_str(), "ml.m5.large");
    assert_eq!(
        (resources.instance_count(), resources.volume_size_in_gb()),
        (Some(1), Some(30))
    );
    assert_eq!(job.stopping_condition().unwrap().max_runtime_in_seconds(), Some(3600));
    let tags = sagemaker
        .list_tags()
        .resource_arn(&run.training_job_arn)
        .send()
        .await
        .unwrap();
    let tags: Vec<_> = tags
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?, tag.value()?)))
        .collect();
    assert!(
        tags.contains(&("sgbuild:run-id", "20261124-041205-1a2b3c4d")),
        "{tags:?}"
    );
    assert!(tags.contains(&("sgbuild:version", "1.0.0")), "{tags:?}");
    let lines = written.lines();
    assert!(lines.iter().all(|line| line["requestId"] == "request-1"), "{lines:?}");
    assert_eq!(lines.last().unwrap()["training_job_arn"], run.training_job_arn.as_str());
}

#[tokio::test]
async fn the_run_is_recorded_with_commit_image_and_versions() {
    let emulator = Emulator::start().await;
    let keys = [
        "input/data/training/a b.csv",
        "input/data/training/a+b.csv",
        "input/data/training/100%41.csv",
        "input/data/training/données/é.csv",
        "input/data/testing/t.csv",
    ];
    for key in keys {
        emulator.put("iris-input", key, "older").await;
        emulator.put("iris-input", key, "newer").await;
    }
    emulator.put("iris-input", "input/data/validation/", "").await;
    emulator.put("iris-input", KEY, r#"{"max_depth": 3}"#).await;
    let asked = jiff::Timestamp::now();
    let requirements = RequirementList::new(true, vec!["numpy==2.1.0".to_owned()]);
    let mut payload = payload(RUN);
    payload["requirements"] = json!(requirements);
    let run = Function::of(&emulator).handle(&payload).await.unwrap();
    // SageMaker downloads later: the record says of when the versions are.
    let late = jiff::Timestamp::now();
    emulator.put("iris-input", keys[0], "too late").await;
    emulator
        .put("iris-input", "input/data/training/late.csv", "too late")
        .await;

    let record = emulator.the_record().await;
    assert_eq!(record.training.job_name, run.training_job_name);
    assert_eq!(
        (record.training.run_id.as_str(), record.training.commit.as_str()),
        (RUN, "1f0c2ab")
    );
    let listed = record.input_listed_at.unwrap();
    assert!(
        asked <= listed && listed <= record.recorded_at && record.recorded_at <= late,
        "{record:?}"
    );
    assert!(record.training.image.ends_with("/iris@sha256:1f"));
    assert_eq!(record.training.requirements, Some(requirements));
    assert_eq!(record.input_digest.as_ref().map(String::len), Some(64));
    assert_eq!(record.channels, ["testing", "training"]);
    assert_eq!(record.data_source, Some(DataSource::Uploaded));
    assert_eq!(record.hyperparameters["max_depth"], "3");
    assert_eq!(record.job_status, JobStatus::InProgress);
    assert_eq!(record.training_job_arn, Some(run.training_job_arn));
    let mut recorded: Vec<&str> = record.input_versions.keys().map(String::as_str).collect();
    let mut expected = [&keys[..], &[KEY]].concat();
    recorded.sort_unstable();
    expected.sort_unstable();
    assert_eq!(recorded, expected);
    for (key, version) in &record.input_versions {
        let object = emulator
            .s3()
            .get_object()
            .bucket("iris-input")
            .key(key)
            .version_id(version);
        let text = object.send().await.unwrap().body.collect().await.unwrap().into_bytes();
        assert_eq!(text == "newer", key != KEY, "{key}");
    }
    assert!(emulator.messages().await.is_empty());
}

#[tokio::test]
async fn the_same_event_three_times_at_once_is_one_job_and_one_record() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let function = Function::of(&emulator);
    let payload = payload(RUN);
    let (a, b, c) = tokio::join!(
        function.handle(&payload),
        function.handle(&payload),
        function.handle(&payload)
    );
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert!(a == b && b == c);
    assert_eq!(emulator.jobs().await, [a.training_job_name]);
    assert_eq!(emulator.the_record().await.job_status, JobStatus::InProgress);
}

/// SageMaker behind a fault.
struct Faulty {
    training_jobs: SageMaker,
    /// What `create` answers, with or without the job created before.
    answer: CallError,
    creates: bool,
}

#[async_trait]
impl TrainingJobs for Faulty {
    async fn create(&self, job: &NewJob) -> Result<String, CallError> {
        if self.creates {
            self.training_jobs.create(job).await?;
            // The process is gone before it can say so.
            std::future::pending::<()>().await;
        }
        Err(self.answer.clone())
    }

    async fn describe(&self, name: &str) -> Result<Job, CallError> {
        self.training_jobs.describe(name).await
    }
}

fn service(code: &str, message: &str) -> CallError {
    CallError::Service {
        code: code.to_owned(),
        message: message.to_owned(),
        status: 400,
    }
}

#[tokio::test]
async fn the_same_run_id_with_another_image_is_refused_and_changes_nothing() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let function = Function::of(&emulator);
    let run = function.handle(&payload(RUN)).await.unwrap();
    let record = emulator.the_record().await;
    let without_table = Services {
        records: None,
        ..function.services()
    };
    let mut said = Vec::new();
    for (field, value) in [
        ("image", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:2e"),
        ("role", "arn:aws:iam::123456789012:role/another"),
        ("destination_bucket_uri", "s3://iris-output/elsewhere/"),
        ("source_bucket_uri", "s3://iris-input/input/data/"),
        ("instance_type", "ml.p4d.24xlarge"),
        ("max_runtime_sec", "60"),
    ] {
        let mut other = payload(RUN);
        other[field] = json!(value);
        let of_record = function.handle(&other).await.unwrap_err();
        assert_eq!(of_record.error_type(), "JobNameTaken", "{of_record}");
        // Without a table it is the job itself that tells.
        let of_job = start_training::handle(&other, "request-1", without_table, &silent()).await;
        assert_eq!(of_job.unwrap_err().to_string(), of_record.to_string());
        said.push(of_record.to_string());
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its image is 123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f, ours is 123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:2e
    the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its role is arn:aws:iam::123456789012:role/training, ours is arn:aws:iam::123456789012:role/another
    the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its output is s3://iris-output/, ours is s3://iris-output/elsewhere/
    the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its input is s3://iris-input/input/data/training/, ours is s3://iris-input/input/data/
    the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its instance type is ml.m5.large, ours is ml.p4d.24xlarge
    the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its longest run is 3600, ours is 60
    ");
    assert_eq!(emulator.the_record().await, record);
    assert_eq!(emulator.jobs().await, std::slice::from_ref(&run.training_job_name));
    assert!(emulator.messages().await.is_empty());
    assert_eq!(function.handle(&payload(RUN)).await.unwrap(), run);
}

#[tokio::test]
async fn a_hostile_payload_fails_nobody_elses_run() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let one = |text: &str| Some(vec![text.to_owned()]);
    let function = Function {
        allowed: Allowed {
            roles: one("arn:aws:iam::123456789012:role/training"),
            inputs: one("s3://iris-input/input/"),
            ..Allowed::default()
        },
        ..Function::of(&emulator)
    };
    let stopped = Faulty {
        training_jobs: SageMaker::new(&emulator.config),
        answer: service("ThrottlingException", "Rate exceeded"),
        creates: false,
    };
    let services = Services {
        training_jobs: &stopped,
        ..function.services()
    };
    start_training::handle(&payload(RUN), "request-1", services, &silent())
        .await
        .unwrap_err();
    let record = emulator.the_record().await;
    assert_eq!(record.job_status, JobStatus::Requested);

    for (field, value, error_type) in [
        ("role", "arn:aws:iam::999999999999:role/admin", "NotAllowed"),
        (
            "source_bucket_uri",
            "s3://iris-output/input/data/training/",
            "NotAllowed",
        ),
        (
            "source_bucket_uri",
            "s3://iris-input/input/nothing/training/",
            "JobNameTaken",
        ),
        ("vol_in_gb", "31", "JobNameTaken"),
    ] {
        let mut hostile = payload(RUN);
        hostile[field] = json!(value);
        let error = function.handle(&hostile).await.unwrap_err();
        assert_eq!(error.error_type(), error_type, "{error}");
        assert_eq!(emulator.the_record().await, record);
    }
    assert!(emulator.messages().await.is_empty() && emulator.jobs().await.is_empty());
    function.handle(&payload(RUN)).await.unwrap();
}

#[tokio::test]
async fn killed_right_after_the_job_was_created_the_next_delivery_finds_it() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let function = Function::of(&emulator);
    let faulty = Faulty {
        training_jobs: SageMaker::new(&emulator.config),
        answer: service("", ""),
        creates: true,
    };
    let services = Services {
        training_jobs: &faulty,
        ..function.services()
    };
    let payload = payload(RUN);
    let log = silent();
    let killed = start_training::handle(&payload, "request-1", services, &log);
    assert!(
        tokio::time::timeout(std::time::Duration::from_secs(5), killed)
            .await
            .is_err()
    );
    let record = emulator.the_record().await;
    assert_eq!(
        (record.job_status, record.training_job_arn),
        (JobStatus::Requested, None)
    );

    let run = function.handle(&payload).await.unwrap();
    assert_eq!(emulator.jobs().await, [run.training_job_name]);
    let record = emulator.the_record().await;
    assert_eq!(
        (record.job_status, record.training_job_arn),
        (JobStatus::InProgress, Some(run.training_job_arn))
    );
}

#[tokio::test]
async fn a_limit_is_recorded_as_failed_and_announced_once() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let function = Function::of(&emulator);
    let faulty = Faulty {
        training_jobs: SageMaker::new(&emulator.config),
        answer: service(
            "ResourceLimitExceeded",
            "The account-level service limit is 0 Instances",
        ),
        creates: false,
    };
    let services = Services {
        training_jobs: &faulty,
        ..function.services()
    };
    let (payload, log) = (payload(RUN), silent());
    for expected in ["ResourceLimitExceeded", "FailedBefore"] {
        let error = start_training::handle(&payload, "request-1", services, &log)
            .await
            .unwrap_err();
        assert_eq!(error.error_type(), expected);
    }
    let record = emulator.the_record().await;
    assert_eq!(record.job_status, JobStatus::Failed);
    assert!(record.failure_reason.unwrap().contains("service limit is 0 Instances"));
    let messages = emulator.messages().await;
    let [(subject, text)] = &messages[..] else {
        panic!("one message: {messages:?}")
    };
    assert!(
        subject.starts_with("Training failed: iris-classifier (iris-classifier-"),
        "{subject}"
    );
    assert!(
        text.contains("Reason:     SageMaker's limit") && text.contains("Commit:     1f0c2ab"),
        "{text}"
    );
}

#[tokio::test]
async fn throttled_the_run_stays_open() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let function = Function::of(&emulator);
    let faulty = Faulty {
        training_jobs: SageMaker::new(&emulator.config),
        answer: service("ThrottlingException", "Rate exceeded"),
        creates: false,
    };
    let services = Services {
        training_jobs: &faulty,
        ..function.services()
    };
    let error = start_training::handle(&payload(RUN), "request-1", services, &silent())
        .await
        .unwrap_err();
    assert_eq!(error.error_type(), "Unavailable");
    assert_eq!(emulator.the_record().await.job_status, JobStatus::Requested);
    assert!(emulator.messages().await.is_empty());
    function.handle(&payload(RUN)).await.unwrap();
}

#[tokio::test]
async fn synthetic_data_stands_in_and_carries_its_origin() {
    let emulator = Emulator::start().await;
    // What a console makes of an empty folder.
    emulator.put("iris-input", "input/data/training/", "").await;
    for key in ["iris/", "iris/a b+%.csv", "iris/deep/é.csv", "other/no.csv"] {
        emulator
            .put("synthetic", key, if key.ends_with('/') { "" } else { "1,2" })
            .await;
    }
    let function = Function::of(&emulator);
    function.handle(&payload(RUN)).await.unwrap();
    let record = emulator.the_record().await;
    assert_eq!(record.data_source, Some(DataSource::Synthetic));
    let keys: Vec<&str> = record.input_versions.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["input/data/training/a b+%.csv", "input/data/training/deep/é.csv"]
    );
    let head = emulator
        .s3()
        .head_object()
        .bucket("iris-input")
        .key(keys[0])
        .send()
        .await
        .unwrap();
    assert_eq!(head.metadata().unwrap()["sgbuild-origin"], "synthetic");
    // The copy stays what it is in the next run, until somebody uploads.
    function.handle(&payload("run-2")).await.unwrap();
    emulator.put("iris-input", "input/data/training/real.csv", "3,4").await;
    function.handle(&payload("run-3")).await.unwrap();
    let records = emulator.in_order().await;
    let sources: Vec<_> = records.iter().filter_map(|record| record.data_source).collect();
    assert_eq!(
        sources,
        [DataSource::Synthetic, DataSource::Synthetic, DataSource::Uploaded]
    );
    // What the folder shows is what is trained on; what was trained on before can still be read.
    assert_eq!(data(&records[2]), ["input/data/training/real.csv"]);
    assert_eq!(
        emulator.keys("input/data/training/").await,
        ["input/data/training/", "input/data/training/real.csv"]
    );
    let (key, version) = records[0].input_versions.first_key_value().unwrap();
    let old = emulator
        .s3()
        .get_object()
        .bucket("iris-input")
        .key(key)
        .version_id(version);
    assert!(old.send().await.is_ok());
}

/// The keys of a run's data.
fn data(record: &RunRecord) -> Vec<&str> {
    record.input_versions.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_copy_that_stopped_half_way_is_completed() {
    let emulator = Emulator::start().await;
    for key in ["iris/a.csv", "iris/b.csv"] {
        emulator.put("synthetic", key, "1,2").await;
    }
    let function = Function::of(&emulator);
    function.handle(&payload("run-1")).await.unwrap();
    // As if the first delivery had been ended before the second object; and data of yesterday that its bucket no longer has.
    emulator.delete("iris-input", "input/data/training/b.csv").await;
    emulator.delete("synthetic", "iris/a.csv").await;
    emulator.put("synthetic", "iris/c.csv", "1,2").await;
    function.handle(&payload("run-2")).await.unwrap();
    let records = emulator.in_order().await;
    assert_eq!(
        data(&records[1]),
        ["a", "b", "c"].map(|name| format!("input/data/training/{name}.csv"))
    );
    assert_eq!(records[1].data_source, Some(DataSource::Synthetic));
    // Idempotent: what is there is not written again.
    function.handle(&payload("run-3")).await.unwrap();
    assert_eq!(emulator.in_order().await[2].input_versions, records[1].input_versions);
    emulator.put("iris-input", "input/data/training/b.csv", "7,8").await;
    function.handle(&payload("run-4")).await.unwrap();
    let records = emulator.in_order().await;
    assert_eq!(data(&records[3]), ["input/data/training/b.csv"]);
    assert_eq!(records[3].data_source, Some(DataSource::Uploaded));
}

#[tokio::test]
async fn the_training_folder_alone_decides_whether_there_is_data() {
    let emulator = Emulator::start().await;
    emulator
        .put("iris-input", "input/data/validation/real.csv", "5,6")
        .await;
    let function = Function::of(&emulator);
    let error = function.handle(&payload("run-1")).await.unwrap_err();
    assert_eq!(error.error_type(), "NoData", "{error}");
    emulator.put("synthetic", "iris/a.csv", "1,2").await;
    function.handle(&payload("run-2")).await.unwrap();
    let record = &emulator.in_order().await[1];
    assert_eq!(record.channels, ["training", "validation"]);
    assert_eq!(record.data_source, Some(DataSource::Synthetic));
    assert_eq!(
        data(record),
        ["input/data/training/a.csv", "input/data/validation/real.csv"]
    );
}

/// The object as it was listed.
async fn listed(objects: &S3, key: &str) -> Object {
    objects.list("iris-input", key).await.unwrap().remove(0)
}

#[tokio::test]
async fn what_somebody_has_put_in_a_copys_place_is_not_removed() {
    let emulator = Emulator::start().await;
    emulator.put("synthetic", "iris/a.csv", "1,2").await;
    let function = Function::of(&emulator);
    function.handle(&payload(RUN)).await.unwrap();
    let (objects, key) = (&function.objects, "input/data/training/a.csv");
    let copy = listed(objects, key).await;
    emulator.put("iris-input", key, "7,8").await;
    let real = listed(objects, key).await;
    for object in [&copy, &real] {
        objects.remove_synthetic("iris-input", object).await.unwrap();
        assert_eq!(listed(objects, key).await, real);
    }
    emulator.delete("iris-input", key).await;
    objects.remove_synthetic("iris-input", &copy).await.unwrap();
}

#[tokio::test]
async fn parts_of_a_copy_that_came_second_are_not_left_behind() {
    let emulator = Emulator::start().await;
    emulator
        .put("synthetic", "iris/large.csv", &"x".repeat(6_000_000))
        .await;
    let objects = S3::with_parts(&emulator.config, 1_000_000, 5 * 1024 * 1024);
    let key = "input/data/training/large.csv";
    emulator.put("iris-input", key, "7,8").await;
    let large = objects.list("synthetic", "iris/").await.unwrap().remove(0);
    objects
        .copy_synthetic(("synthetic", &large), ("iris-input", key))
        .await
        .unwrap();
    assert_eq!(listed(&objects, key).await.size, 3);
    assert_no_upload_is_open(&emulator).await;
}

/// Every upload in parts was completed or aborted.
async fn assert_no_upload_is_open(emulator: &Emulator) {
    let open = emulator.s3().list_multipart_uploads().bucket("iris-input").send();
    let open = open.await.unwrap();
    assert!(open.uploads().is_empty(), "{open:?}");
}

#[test]
fn a_write_that_met_another_one_is_made_again() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = runtime.block_on(Emulator::start());
    let conflict = |matching, times| Fault {
        matching,
        status: 409,
        header: None,
        body: "<Error><Code>ConditionalRequestConflict</Code><Message>A conflicting operation occurred.</Message></Error>",
        times,
    };
    // Whole copies, the end of those in parts, and deletions.
    let proxy = Proxy::start(
        &emulator.endpoint,
        vec![
            conflict("PUT /iris-input/input/data/training/small.csv", 2),
            conflict("POST /iris-input/input/data/training/large.csv?uploadId", 1),
            conflict("DELETE /iris-input/input/data/training/small.csv", 1),
        ],
    );
    let through = emulator.config.to_builder().endpoint_url(proxy.url()).build();
    runtime.block_on(async {
        emulator.put("synthetic", "iris/small.csv", "1,2").await;
        emulator
            .put("synthetic", "iris/large.csv", &"x".repeat(6_000_000))
            .await;
        let function = Function {
            objects: S3::with_parts(&through, 1_000_000, 5 * 1024 * 1024),
            ..Function::of(&emulator)
        };
        function.handle(&payload("run-1")).await.unwrap();
        assert_eq!(emulator.keys("input/data/training/").await.len(), 2);
        assert_no_upload_is_open(&emulator).await;
        emulator.put("iris-input", "input/data/training/real.csv", "3,4").await;
        function.handle(&payload("run-2")).await.unwrap();
        assert_eq!(
            emulator.keys("input/data/training/").await,
            ["input/data/training/real.csv"]
        );
    });
}

#[tokio::test]
async fn a_large_synthetic_object_is_copied_in_parts() {
    let emulator = Emulator::start().await;
    let text = "0123456789abcdef".repeat(800_000);
    emulator.put("synthetic", "iris/large.csv", &text).await;
    let function = Function {
        objects: S3::with_parts(&emulator.config, 6 * 1024 * 1024, 5 * 1024 * 1024),
        ..Function::of(&emulator)
    };
    function.handle(&payload(RUN)).await.unwrap();
    let s3 = emulator.s3();
    let copied = s3
        .get_object()
        .bucket("iris-input")
        .key("input/data/training/large.csv")
        .send()
        .await
        .unwrap();
    assert_eq!(copied.metadata().unwrap()["sgbuild-origin"], "synthetic");
    assert!(
        copied.e_tag().unwrap().trim_matches('"').ends_with("-3"),
        "{:?}",
        copied.e_tag()
    );
    assert_eq!(copied.body.collect().await.unwrap().into_bytes(), text.as_bytes());
}

#[tokio::test]
async fn no_data_at_all_is_recorded_and_announced() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/", "").await;
    let error = Function::of(&emulator).handle(&payload(RUN)).await.unwrap_err();
    assert_eq!(error.error_type(), "NoData");
    assert_eq!(
        error.to_string(),
        "there is no training data: s3://iris-input/input/data/training/ holds none, and there is no synthetic data below \
         s3://synthetic/iris/"
    );
    let record = emulator.the_record().await;
    assert_eq!(
        (record.job_status, record.failure_reason),
        (JobStatus::Failed, Some(error.to_string()))
    );
    assert!(record.notified_at.is_some());
    assert_eq!(emulator.messages().await.len(), 1);
    assert!(emulator.jobs().await.is_empty());
}

#[tokio::test]
async fn thousands_of_objects_are_all_recorded() {
    let emulator = Emulator::start().await;
    let function = Function::of(&emulator);
    // Long keys: 2,500 of them are more than an item holds.
    let folder = "k".repeat(200);
    let s3 = emulator.s3();
    for start in (0..2_500).step_by(50) {
        let puts = (start..start + 50).map(|number| {
            let key = format!("input/data/training/{folder}/{number:04}.csv");
            s3.put_object()
                .bucket("iris-input")
                .key(key)
                .body(b"1".to_vec().into())
                .send()
        });
        futures_util::future::try_join_all(puts).await.unwrap();
    }
    function.handle(&payload(RUN)).await.unwrap();
    let record = emulator.the_record().await;
    assert_eq!(record.input_object_count, 2_500);
    assert!(record.input_versions.is_empty());
    let key = format!("records/{}/input-versions.json", record.training.job_name);
    assert_eq!(record.input_versions_uri, Some(format!("s3://iris-output/{key}")));
    let content = function
        .objects
        .get("iris-output", &key, usize::MAX - 1)
        .await
        .unwrap()
        .unwrap();
    let versions: serde_json::Map<String, Value> = serde_json::from_slice(&content.bytes).unwrap();
    assert_eq!(versions.len(), 2_500);
}

#[tokio::test]
async fn an_original_payload_is_taken() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", "input/data/training/iris.csv", "1,2").await;
    let mut original = payload(RUN);
    original
        .as_object_mut()
        .unwrap()
        .retain(|key, _| !["run_id", "package", "version"].contains(&key.as_str()));
    let function = Function::of(&emulator);
    let run = function.handle(&original).await.unwrap();
    assert_eq!(run.run_id, "request-1");
    assert_eq!(function.handle(&original).await.unwrap(), run);
    assert_eq!(emulator.jobs().await.len(), 1);
}

#[tokio::test]
async fn a_bucket_that_is_gone_is_named() {
    let emulator = Emulator::start().await;
    let mut gone = payload(RUN);
    gone["source_bucket_uri"] = json!("s3://iris-gone/input/data/training/");
    let error = Function::of(&emulator).handle(&gone).await.unwrap_err();
    assert_eq!(error.error_type(), "DataUnreadable", "{error}");
    assert!(
        error
            .to_string()
            .starts_with("cannot list s3://iris-gone/input/data/training/: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_large_object_is_not_read_to_its_end() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", KEY, &" ".repeat(1_000_000)).await;
    let content = S3::new(&emulator.config)
        .get("iris-input", KEY, 1000)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(content.bytes.len(), 1001);
}

#[tokio::test]
async fn an_empty_object_is_read_as_one() {
    let emulator = Emulator::start().await;
    emulator.put("iris-input", KEY, "").await;
    let objects = S3::new(&emulator.config);
    let content = objects.get("iris-input", KEY, 1000).await.unwrap().unwrap();
    assert!(content.bytes.is_empty());
    let head = emulator.s3().head_object().bucket("iris-input").key(KEY);
    assert_eq!(head.send().await.unwrap().version_id(), Some(content.version.as_str()));
    assert_eq!(objects.get("iris-input", "input/none", 1000).await.unwrap(), None);
}
