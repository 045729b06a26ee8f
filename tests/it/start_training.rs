//! The training Lambda against an emulator of S3 and SageMaker, through the real SDK.

#![cfg(test)]

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde_json::{Value, json};
use sgbuild::lambda::input_bucket::{InputBucket, S3};
use sgbuild::lambda::log::JsonLines;
use sgbuild::lambda::start_training::handle;
use sgbuild::lambda::training_jobs::SageMaker;

const KEY: &str = "input/config/hyperparameters.json";

/// An emulator of this test's own, which ends with it.
struct Emulator {
    process: Child,
    config: SdkConfig,
}

impl Emulator {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = crate::support::moto_server()
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the emulator is needed: run `make services`");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test", "test", None, None, "test",
            )))
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .build();
        let emulator = Self { process, config };
        emulator.wait(port).await;
        emulator
    }

    async fn wait(&self, port: u16) {
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "the emulator did not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    async fn create_bucket(&self, name: &str) {
        let place = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::EuWest1)
            .build();
        self.s3()
            .create_bucket()
            .bucket(name)
            .create_bucket_configuration(place)
            .send()
            .await
            .unwrap();
    }

    async fn put_hyperparameters(&self, bucket: &str, text: &str) {
        self.s3()
            .put_object()
            .bucket(bucket)
            .key(KEY)
            .body(text.as_bytes().to_vec().into())
            .send()
            .await
            .unwrap();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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

fn payload(bucket: &str) -> Value {
    json!({
        "source_bucket_uri": format!("s3://{bucket}/input/data/training/"),
        "destination_bucket_uri": "s3://iris-output/",
        "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f",
        "role": "arn:aws:iam::123456789012:role/training",
        "num_instances": "1",
        "instance_type": "ml.m5.large",
        "vol_in_gb": "30",
        "training_job_name": "iris_classifier",
        "max_runtime_sec": "3600",
        "git_hash": "1f0c2ab",
        "run_id": "20261124-041205-1a2b3c4d",
        "package": "iris-classifier",
        "version": "1.0.0",
    })
}

#[tokio::test]
async fn a_payload_becomes_a_training_job() {
    let emulator = Emulator::start().await;
    emulator.create_bucket("iris-input").await;
    emulator
        .put_hyperparameters("iris-input", r#"{"max_depth": 3, "shuffle": true}"#)
        .await;
    let (bucket, jobs) = (S3::new(&emulator.config), SageMaker::new(&emulator.config));
    let written = Written::default();
    let log = JsonLines::new(written.clone()).of_request("request-1");

    let run = handle(&payload("iris-input"), "request-1", &bucket, &jobs, &log)
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
async fn hyperparameters_are_optional_and_a_bucket_is_not() {
    let emulator = Emulator::start().await;
    emulator.create_bucket("iris-bare").await;
    let (bucket, jobs) = (S3::new(&emulator.config), SageMaker::new(&emulator.config));
    let log = JsonLines::new(std::io::sink());

    let run = handle(&payload("iris-bare"), "request-1", &bucket, &jobs, &log)
        .await
        .unwrap();
    assert_eq!(run.run_id, "20261124-041205-1a2b3c4d");

    let error = handle(&payload("iris-gone"), "request-1", &bucket, &jobs, &log)
        .await
        .unwrap_err();
    assert_eq!(error.error_type(), "HyperparametersUnreadable", "{error}");
}

#[tokio::test]
async fn a_large_object_is_not_read_to_its_end() {
    let emulator = Emulator::start().await;
    emulator.create_bucket("iris-large").await;
    emulator.put_hyperparameters("iris-large", &" ".repeat(1_000_000)).await;
    let bytes = S3::new(&emulator.config)
        .get("iris-large", KEY, 1000)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bytes.len(), 1001);
}
