//! An AWS emulator of a test's own, with the account that the functions work in.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use serde_json::{Value, json};
use sgbuild::record::DynamoDb;
use sgbuild::record::RunRecord;

const TABLE: &str = "runs";

/// The emulator; it ends with its test.
pub(crate) struct Emulator {
    _process: EmulatorProcess,
    pub(crate) endpoint: String,
    pub(crate) config: SdkConfig,
    pub(crate) topic: String,
    inbox: String,
}

/// An emulator as it is when it starts, with nothing in it.
pub(crate) struct EmulatorProcess {
    pub(crate) port: u16,
    /// It lives as long as this is open.
    _asked: TcpStream,
}

impl EmulatorProcess {
    /// The testbed's `emulators.py` has one at once.
    pub(crate) fn start() -> Self {
        let address = super::Testbed::get().variable("SGBUILD_TESTBED_EMULATORS");
        let asked = TcpStream::connect(address).expect("an emulator is needed: run `make services`");
        let mut told = String::new();
        BufReader::new(&asked).read_line(&mut told).unwrap();
        let port = told.split(' ').next().and_then(|port| port.parse().ok());
        Self {
            port: port.unwrap_or_else(|| panic!("no emulator came of it, see its log: {told:?}")),
            _asked: asked,
        }
    }
}

impl Emulator {
    /// An account with the buckets `iris-input`, `iris-output` and `synthetic` (all versioned), the table, and the topic with
    /// one subscriber.
    pub(crate) async fn start() -> Self {
        let process = EmulatorProcess::start();
        let endpoint = format!("http://127.0.0.1:{}", process.port);
        let config = SdkConfig::builder()
            .http_client(sgbuild::aws::http_client())
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test", "test", None, None, "test",
            )))
            .timeout_config(TimeoutConfig::builder().read_timeout(Duration::from_secs(30)).build())
            .endpoint_url(&endpoint)
            .build();
        let mut emulator = Self {
            _process: process,
            endpoint,
            config,
            topic: String::new(),
            inbox: String::new(),
        };
        for bucket in ["iris-input", "iris-output", "synthetic"] {
            emulator.create_bucket(bucket).await;
        }
        emulator.create_table().await;
        emulator.create_topic().await;
        emulator
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    pub(crate) fn records(&self) -> DynamoDb {
        DynamoDb::new(&self.config, TABLE)
    }

    /// The one record there is.
    pub(crate) async fn the_record(&self) -> RunRecord {
        let listed = self.records().all().await.unwrap();
        let [record] = &listed.records[..] else {
            panic!("one record: {listed:#?}")
        };
        record.clone()
    }

    /// Every record, in the order of their runs.
    pub(crate) async fn in_order(&self) -> Vec<RunRecord> {
        let mut records = self.records().all().await.unwrap().records;
        records.sort_by_key(|record| record.recorded_at);
        records
    }

    async fn create_bucket(&self, name: &str) {
        let place = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::EuWest1)
            .build();
        let s3 = self.s3();
        let created = s3.create_bucket().bucket(name).create_bucket_configuration(place);
        created.send().await.unwrap();
        let versioning = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let versioned = s3
            .put_bucket_versioning()
            .bucket(name)
            .versioning_configuration(versioning);
        versioned.send().await.unwrap();
    }

    async fn create_table(&self) {
        let key = "training_job_name";
        aws_sdk_dynamodb::Client::new(&self.config)
            .create_table()
            .table_name(TABLE)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(key)
                    .attribute_type(ScalarAttributeType::S)
                    .build()
                    .unwrap(),
            )
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name(key)
                    .key_type(KeyType::Hash)
                    .build()
                    .unwrap(),
            )
            .send()
            .await
            .unwrap();
    }

    async fn create_topic(&mut self) {
        let answer = self
            .query("SQS", &[("Action", "CreateQueue"), ("QueueName", "inbox")])
            .await;
        self.inbox = between(&answer, "<QueueUrl>", "</QueueUrl>");
        let sns = aws_sdk_sns::Client::new(&self.config);
        let topic = sns.create_topic().name("runs").send().await.unwrap();
        topic.topic_arn().unwrap().clone_into(&mut self.topic);
        sns.subscribe()
            .topic_arn(&self.topic)
            .protocol("sqs")
            .endpoint("arn:aws:sqs:eu-west-1:123456789012:inbox")
            .send()
            .await
            .unwrap();
    }

    /// Every message that the subscriber has not yet read: subject and text.
    pub(crate) async fn messages(&self) -> Vec<(String, String)> {
        let mut messages = Vec::new();
        loop {
            let request = [
                ("Action", "ReceiveMessage"),
                ("QueueUrl", &*self.inbox),
                ("MaxNumberOfMessages", "10"),
                ("VisibilityTimeout", "600"),
            ];
            let answer = self.query("SQS", &request).await;
            let bodies: Vec<String> = answer
                .split("<Body>")
                .skip(1)
                .map(|rest| {
                    rest.split("</Body>")
                        .next()
                        .unwrap()
                        .replace("&quot;", "\"")
                        .replace("&amp;", "&")
                })
                .collect();
            if bodies.is_empty() {
                return messages;
            }
            for body in bodies {
                let body: Value = serde_json::from_str(&body).unwrap();
                let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                messages.push((text("Subject"), text("Message")));
            }
        }
    }

    /// A call in the query protocol, for what the product has no client of.
    async fn query(&self, service: &str, parameters: &[(&str, &str)]) -> String {
        let scope = format!(
            "Credential=test/20261124/eu-west-1/{}/aws4_request",
            service.to_lowercase()
        );
        let answer = super::http()
            .build()
            .unwrap()
            .post(&self.endpoint)
            .header(
                "Authorization",
                format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"),
            )
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(
                url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(parameters)
                    .finish(),
            )
            .send()
            .await
            .unwrap();
        answer.text().await.unwrap()
    }

    /// Lays fields over a training job, as SageMaker would come to them.
    pub(crate) async fn set_job(&self, name: &str, fields: Value) {
        self.set("jobs", name, &fields).await;
    }

    /// Lays fields over a build, as CodeBuild would come to them.
    pub(crate) async fn set_build(&self, id: &str, fields: Value) {
        self.set("builds", id, &fields).await;
    }

    async fn set(&self, kind: &str, name: &str, fields: &Value) {
        let answer = super::http()
            .build()
            .unwrap()
            .put(format!("{}/_testbed/{kind}/{name}", self.endpoint))
            .body(fields.to_string())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, text: &str) {
        let put = self
            .s3()
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(text.as_bytes().to_vec().into())
            .send();
        put.await.unwrap();
    }

    pub(crate) async fn delete(&self, bucket: &str, key: &str) {
        self.s3().delete_object().bucket(bucket).key(key).send().await.unwrap();
    }

    /// What the input bucket shows below `prefix`.
    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let listed = self.s3().list_objects_v2().bucket("iris-input").prefix(prefix);
        let listed = listed.send().await.unwrap();
        let keys = listed.contents().iter().filter_map(|object| object.key());
        keys.map(ToOwned::to_owned).collect()
    }

    /// The names of the training jobs.
    pub(crate) async fn jobs(&self) -> Vec<String> {
        let jobs = aws_sdk_sagemaker::Client::new(&self.config)
            .list_training_jobs()
            .send()
            .await
            .unwrap();
        let names = jobs.training_job_summaries().iter();
        names
            .filter_map(|job| job.training_job_name().map(ToOwned::to_owned))
            .collect()
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text
        .split(before)
        .nth(1)
        .unwrap_or_else(|| panic!("{before} in {text}"));
    rest.split(after).next().unwrap().to_owned()
}

/// A payload as `sgbuild push` sends it.
pub(crate) fn payload(run_id: &str) -> Value {
    json!({
        "source_bucket_uri": "s3://iris-input/input/data/training/",
        "destination_bucket_uri": "s3://iris-output/",
        "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f",
        "role": "arn:aws:iam::123456789012:role/training",
        "num_instances": "1",
        "instance_type": "ml.m5.large",
        "vol_in_gb": "30",
        "training_job_name": "iris_classifier",
        "max_runtime_sec": "3600",
        "git_hash": "1f0c2ab",
        "run_id": run_id,
        "package": "iris-classifier",
        "version": "1.0.0",
    })
}
