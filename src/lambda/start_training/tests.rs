//! The training Lambda against an input bucket and training jobs in memory, with faults.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::explain::Code;
use crate::lambda::clock::SystemClock;
use crate::lambda::objects::{Content, Object};
use crate::lambda::runtime::Diagnostic;
use crate::training;

const KEY: &str = "input/config/hyperparameters.json";
const ROLE: &str = "arn:aws:iam::123456789012:role/training";

/// A bucket with training data, and at most the hyperparameters.
struct Bucket(Result<Option<&'static str>, CallError>);

#[async_trait]
impl Objects for Bucket {
    async fn get(&self, bucket: &str, key: &str, _limit: usize) -> Result<Option<Content>, CallError> {
        assert_eq!((bucket, key), ("iris-input", KEY));
        let text = self.0.clone()?;
        Ok(text.map(|text| Content {
            bytes: text.as_bytes().to_vec(),
            version: "v1".to_owned(),
        }))
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, CallError> {
        assert_eq!(bucket, "iris-input");
        let object = |name: &str, size| Object {
            key: format!("{prefix}{name}"),
            version: "d1".to_owned(),
            size,
            modified_ms: 1,
        };
        Ok(match prefix {
            "input/data/training/" => vec![object("", 0), object("iris.csv", 10)],
            // A folder marker is no data.
            "input/data/validation/" => vec![object("", 0)],
            _ => Vec::new(),
        })
    }

    async fn copy_synthetic(&self, _from: (&str, &Object), _to: (&str, &str)) -> Result<(), CallError> {
        panic!("there is data")
    }

    async fn remove_synthetic(&self, _bucket: &str, _object: &Object) -> Result<(), CallError> {
        panic!("none of it is synthetic")
    }

    async fn is_synthetic(&self, _bucket: &str, _object: &Object) -> Result<bool, CallError> {
        Ok(false)
    }

    async fn put_json(&self, _bucket: &str, _key: &str, _bytes: Vec<u8>) -> Result<(), CallError> {
        panic!("the versions fit into the record")
    }
}

/// SageMaker as far as names go: a name is taken once.
#[derive(Default)]
struct Jobs {
    created: Mutex<Vec<NewJob>>,
    failure: Option<CallError>,
    lose_environment: bool,
}

impl Jobs {
    fn failing(code: &str, message: &str, status: u16) -> Self {
        Self {
            failure: Some(service(code, message, status)),
            ..Self::default()
        }
    }

    fn created(&self) -> Vec<NewJob> {
        self.created.lock().unwrap().clone()
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:sagemaker:eu-west-1:123456789012:training-job/{name}")
}

#[async_trait]
impl TrainingJobs for Jobs {
    async fn create(&self, job: &NewJob) -> Result<String, CallError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut created = self.created.lock().unwrap();
        if created
            .iter()
            .any(|existing| existing.training.job_name == job.training.job_name)
        {
            return Err(service(
                "ResourceInUse",
                "Training job names must be unique within an AWS account",
                400,
            ));
        }
        created.push(job.clone());
        Ok(arn(&job.training.job_name))
    }

    async fn describe(&self, name: &str) -> Result<Job, CallError> {
        let job = self.created().into_iter().find(|job| job.training.job_name == name);
        let job = job.ok_or_else(|| service("ValidationException", "Requested resource not found.", 400))?;
        let mut asked = job.training;
        if self.lose_environment {
            asked.run_id.clear();
            asked.commit.clear();
        }
        Ok(Job {
            name: asked.job_name.clone(),
            arn: arn(name),
            image: asked.image.clone(),
            asked,
            status: JobStatus::InProgress,
            phase: None,
            failure_reason: None,
            created: None,
            started: None,
            ended: None,
            metrics: BTreeMap::new(),
            metric_times: BTreeMap::new(),
            billable_seconds: None,
            training_seconds: None,
            artifact: None,
        })
    }
}

fn service(code: &str, message: &str, status: u16) -> CallError {
    CallError::Service {
        code: code.to_owned(),
        message: message.to_owned(),
        status,
    }
}

fn payload() -> Value {
    json!({
        "source_bucket_uri": "s3://iris-input/input/data/training/",
        "destination_bucket_uri": "s3://iris-output/",
        "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f",
        "role": ROLE,
        "num_instances": "1",
        "instance_type": "ml.m5.large",
        "vol_in_gb": "30",
        "training_job_name": "iris-classifier",
        "max_runtime_sec": "86400",
        "git_hash": "1f0c2ab",
        "run_id": "20261124-041205-1a2b3c4d",
        "package": "iris-classifier",
        "version": "1.0!2",
    })
}

/// As the stack has it.
fn allowed() -> Allowed {
    let one = |text: &str| Some(vec![text.to_owned()]);
    Allowed {
        roles: one(ROLE),
        images: one("123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris"),
        inputs: one("s3://iris-input/input/"),
        outputs: one("s3://iris-output/"),
        account: Some("123456789012".to_owned()),
        ..Allowed::default()
    }
}

async fn started(payload: &Value, bucket: &Bucket, jobs: &Jobs) -> Result<TrainingRun, Error> {
    let services = Services {
        objects: bucket,
        training_jobs: jobs,
        records: None,
        notifier: None,
        project: None,
        synthetic: None,
        allowed: &allowed(),
        region: "eu-west-1",
        clock: &SystemClock,
    };
    handle(payload, "request-1", services, &JsonLines::new(std::io::sink())).await
}

async fn refused(bucket: &Bucket, jobs: &Jobs) -> Diagnostic {
    Diagnostic::from(started(&payload(), bucket, jobs).await.unwrap_err())
}

fn shown(diagnostic: &Diagnostic) -> String {
    format!("{}: {}", diagnostic.error_type, diagnostic.error_message)
}

#[tokio::test]
async fn the_job_is_what_the_payload_and_the_hyperparameters_say() {
    let jobs = Jobs::default();
    let run = started(
        &payload(),
        &Bucket(Ok(Some(r#"{"max_depth": 3, "shuffle": true}"#))),
        &jobs,
    )
    .await
    .unwrap();
    assert_eq!(run.training_job_name, "iris-classifier-20261124-041205-1a2b3c4d");
    assert_eq!(run.training_job_arn, arn(&run.training_job_name));
    assert_eq!(run.run_id, "20261124-041205-1a2b3c4d");
    let [job] = &jobs.created()[..] else { panic!("one job") };
    insta::assert_debug_snapshot!((job, job.environment(), job.tags()), @r#"
    (
        NewJob {
            training: Training {
                job_name: "iris-classifier-20261124-041205-1a2b3c4d",
                run_id: "20261124-041205-1a2b3c4d",
                commit: "1f0c2ab",
                image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f",
                package: "iris-classifier",
                version: "1.0!2",
                instance_type: "ml.m5.large",
                instance_count: 1,
                volume_gib: 30,
                max_runtime_seconds: 86400,
                input_bucket: "iris-input",
                input: "s3://iris-input/input/data/training/",
                output: "s3://iris-output/",
                role: "arn:aws:iam::123456789012:role/training",
                requirements: None,
                metrics: {},
                further: Some(
                    {},
                ),
            },
            channels: {
                "training": "s3://iris-input/input/data/training/",
            },
            hyperparameters: {
                "max_depth": "3",
                "shuffle": "true",
            },
        },
        {
            "SGBUILD_COMMIT": "1f0c2ab",
            "SGBUILD_RUN_ID": "20261124-041205-1a2b3c4d",
        },
        {
            "sgbuild:commit": "1f0c2ab",
            "sgbuild:package": "iris-classifier",
            "sgbuild:run-id": "20261124-041205-1a2b3c4d",
            "sgbuild:version": "1.0_2",
        },
    )
    "#);
}

#[test]
fn a_build_of_the_stack_is_known_by_the_runs_id() {
    let asked = |run_id: &str, project: Option<&str>| {
        let mut payload = payload();
        payload["run_id"] = json!(run_id);
        asked_by_a_build(&super::payload::read(&payload, "request-1").unwrap(), project)
    };
    assert!(asked("iris-1f:0a1b", Some("iris-1f")));
    for (run_id, project) in [
        ("iris-1f:0a1b", None),
        ("iris-1f:0a1b", Some("iris")),
        ("iris-1f0a1b", Some("iris-1f")),
        ("20261124-041205-1a2b3c4d", Some("iris-1f")),
    ] {
        assert!(!asked(run_id, project), "{run_id}");
    }
}

#[tokio::test]
async fn without_hyperparameters_there_are_none() {
    let jobs = Jobs::default();
    started(&payload(), &Bucket(Ok(None)), &jobs).await.unwrap();
    assert!(jobs.created()[0].hyperparameters.is_empty());
}

#[tokio::test]
async fn the_same_run_delivered_twice_starts_one_job() {
    let jobs = Jobs::default();
    let first = started(&payload(), &Bucket(Ok(None)), &jobs).await.unwrap();
    let second = started(&payload(), &Bucket(Ok(None)), &jobs).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(jobs.created().len(), 1);
}

#[tokio::test]
async fn an_original_payload_is_one_run_a_request() {
    let jobs = Jobs::default();
    let mut payload = payload();
    payload
        .as_object_mut()
        .unwrap()
        .retain(|key, _| !["run_id", "package", "version"].contains(&key.as_str()));
    let run = started(&payload, &Bucket(Ok(None)), &jobs).await.unwrap();
    assert_eq!(run.run_id, "request-1");
    assert_eq!(started(&payload, &Bucket(Ok(None)), &jobs).await.unwrap(), run);
    assert_eq!(jobs.created().len(), 1);
}

#[tokio::test]
async fn a_job_of_the_same_name_but_another_image_is_not_ours() {
    let jobs = Jobs::default();
    started(&payload(), &Bucket(Ok(None)), &jobs).await.unwrap();
    let mut other = payload();
    other["image"] = json!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:2e");
    let error = started(&other, &Bucket(Ok(None)), &jobs).await.unwrap_err();
    assert_eq!(error.error_type(), "JobNameTaken");
    assert!(error.to_string().contains("its image is"), "{error}");
}

#[tokio::test]
async fn whatever_a_run_was_asked_to_be_the_same_run_id_asks_for_no_other() {
    let jobs = Jobs::default();
    started(&payload(), &Bucket(Ok(None)), &jobs).await.unwrap();
    let mut said = Vec::new();
    for (field, value) in [
        ("instance_type", json!("ml.p4d.24xlarge")),
        ("num_instances", json!("2")),
        ("vol_in_gb", json!(31)),
        ("max_runtime_sec", json!("60")),
        ("git_hash", json!("2e1d3bc")),
        ("destination_bucket_uri", json!("s3://iris-output/elsewhere/")),
    ] {
        let mut other = payload();
        other[field] = value;
        let error = started(&other, &Bucket(Ok(None)), &jobs).await.unwrap_err();
        said.push(format!("{}: {error}", error.error_type()));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    JobNameTaken: the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its instance type is ml.m5.large, ours is ml.p4d.24xlarge
    JobNameTaken: the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its number of instances is 1, ours is 2
    JobNameTaken: the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its volume size is 30, ours is 31
    JobNameTaken: the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its longest run is 86400, ours is 60
    JobNameTaken: the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its commit is 1f0c2ab, ours is 2e1d3bc
    JobNameTaken: the training job iris-classifier-20261124-041205-1a2b3c4d exists already and is not this run's: its output is s3://iris-output/, ours is s3://iris-output/elsewhere/
    ");
    assert_eq!(jobs.created().len(), 1);
}

#[tokio::test]
async fn roles_images_and_buckets_of_others_are_refused_by_their_fields() {
    let jobs = Jobs::default();
    let mut other = payload();
    other["role"] = json!("arn:aws:iam::999999999999:role/admin");
    other["image"] = json!("999999999999.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f");
    other["source_bucket_uri"] = json!("s3://somebody-elses/input/data/training/");
    other["destination_bucket_uri"] = json!("s3://iris-output-of-others/");
    let error = started(&other, &Bucket(Ok(None)), &jobs).await.unwrap_err();
    insta::assert_snapshot!(shown(&Diagnostic::from(error)), @r"
    NotAllowed: this function does not train with that:
      source_bucket_uri: `s3://somebody-elses/input/data/training/` is not what SGBUILD_ALLOWED_INPUTS allows: it names s3://iris-input/input/
      destination_bucket_uri: `s3://iris-output-of-others/` is not what SGBUILD_ALLOWED_OUTPUTS allows: it names s3://iris-output/
      image: `999999999999.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f` is not what SGBUILD_ALLOWED_IMAGES allows: it names 123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris
      role: `arn:aws:iam::999999999999:role/admin` is not what SGBUILD_ALLOWED_ROLES allows: it names arn:aws:iam::123456789012:role/training
    Train with the role, repository and buckets of the function's own stack: `sgbuild status` shows them.
    Or let the function's environment name what it may train with besides; its role needs permissions for that too.
    ");
    assert!(jobs.created().is_empty());
}

#[tokio::test]
async fn hostile_payloads_are_refused_and_said_shortly() {
    let jobs = Jobs::default();
    let all = |value: &Value| -> Value {
        let fields = payload()
            .as_object()
            .unwrap()
            .keys()
            .map(|key| (key.clone(), value.clone()))
            .collect::<Vec<_>>();
        Value::Object(fields.into_iter().collect())
    };
    for value in [
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!(-1),
        json!(1e300),
        json!("\n{\"level\": \"INFO\"}"),
        json!("a\u{1b}[2Kb\u{202e}"),
        json!("x".repeat(1_000_000)),
        json!("\u{0}"),
        json!("s3://iris-input/input/../../"),
    ] {
        let error = started(&all(&value), &Bucket(Ok(None)), &jobs).await.unwrap_err();
        assert_eq!(error.error_type(), "InvalidPayload", "{error}");
        let diagnostic = Diagnostic::from(error);
        assert!(
            diagnostic.error_message.len() < 8_000,
            "{}",
            diagnostic.error_message.len()
        );
        assert!(
            !diagnostic.error_message.contains(['\u{1b}', '\u{202e}', '\u{0}']),
            "{}",
            diagnostic.error_message
        );
        assert!(
            !diagnostic.error_message.contains("\n{"),
            "{}",
            diagnostic.error_message
        );
    }
    assert!(jobs.created().is_empty());
}

#[tokio::test]
async fn a_job_of_the_same_name_without_our_run_id_is_not_ours() {
    let jobs = Jobs {
        lose_environment: true,
        ..Jobs::default()
    };
    started(&payload(), &Bucket(Ok(None)), &jobs).await.unwrap();
    let error = started(&payload(), &Bucket(Ok(None)), &jobs).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it carries no run id, ours is 20261124-041205-1a2b3c4d"),
        "{error}"
    );
}

#[tokio::test]
async fn a_wrong_payload_touches_nothing() {
    let jobs = Jobs::default();
    let error = started(&json!({}), &Bucket(Ok(None)), &jobs).await.unwrap_err();
    assert_eq!(error.error_type(), "InvalidPayload");
    assert_eq!(error.to_string().lines().count(), 10, "{error}");
    assert!(jobs.created().is_empty());
}

#[tokio::test]
async fn unusable_hyperparameters_name_bucket_key_and_line() {
    let jobs = Jobs::default();
    let diagnostic = refused(&Bucket(Ok(Some("{\n  \"a\": 1,\n}"))), &jobs).await;
    insta::assert_snapshot!(shown(&diagnostic), @r#"
    InvalidHyperparameters: s3://iris-input/input/config/hyperparameters.json cannot be used:
      it is not valid JSON: trailing comma at line 3 column 1
    Correct the file, upload it to s3://iris-input/input/config/hyperparameters.json again.
    "#);
    assert!(jobs.created().is_empty());
}

#[tokio::test]
async fn every_failed_call_says_what_to_grant_or_wait_for() {
    let denied = |action: &str| {
        format!("User: arn:aws:sts::123456789012:assumed-role/l/f is not authorized to perform: {action}")
    };
    let mut shown_all = Vec::new();
    let s3 = Bucket(Err(service("AccessDenied", "Access Denied", 403)));
    shown_all.push(shown(&refused(&s3, &Jobs::default()).await));
    let gone = Bucket(Err(service("NoSuchBucket", "The specified bucket does not exist", 404)));
    shown_all.push(shown(&refused(&gone, &Jobs::default()).await));
    let slow = Bucket(Err(service("SlowDown", "Please reduce your request rate", 503)));
    assert_eq!(refused(&slow, &Jobs::default()).await.error_type, "Unavailable");
    for jobs in [
        Jobs::failing("AccessDeniedException", &denied("sagemaker:CreateTrainingJob"), 400),
        Jobs::failing(
            "AccessDeniedException",
            &denied("iam:PassRole on resource: training"),
            400,
        ),
        Jobs::failing(
            "ResourceLimitExceeded",
            "The account-level service limit is 0 Instances",
            400,
        ),
        Jobs::failing("ThrottlingException", "Rate exceeded", 400),
        Jobs::failing("ValidationException", "No S3 objects found under S3 URL", 400),
    ] {
        shown_all.push(shown(&refused(&Bucket(Ok(None)), &jobs).await));
    }
    insta::assert_snapshot!(shown_all.join("\n\n"), @r#"
    HyperparametersDenied: not allowed to read s3://iris-input/input/config/hyperparameters.json: Access Denied (AccessDenied)
    Grant the Lambda's role s3:GetObject on arn:aws:s3:::iris-input/input/config/hyperparameters.json.
    If there is no such file, grant it s3:ListBucket on arn:aws:s3:::iris-input: without it S3 says access denied instead.

    HyperparametersUnreadable: cannot read s3://iris-input/input/config/hyperparameters.json: The specified bucket does not exist (NoSuchBucket)
    Check that the bucket iris-input exists and is in the Lambda's region.

    JobDenied: not allowed to create the training job iris-classifier-20261124-041205-1a2b3c4d: User: arn:aws:sts::123456789012:assumed-role/l/f is not authorized to perform: sagemaker:CreateTrainingJob (AccessDeniedException)
    Grant the Lambda's role sagemaker:CreateTrainingJob, sagemaker:DescribeTrainingJob and sagemaker:AddTags.

    PassRoleDenied: not allowed to give SageMaker the role arn:aws:iam::123456789012:role/training: User: arn:aws:sts::123456789012:assumed-role/l/f is not authorized to perform: iam:PassRole on resource: training (AccessDeniedException)
    Grant the Lambda's role iam:PassRole on arn:aws:iam::123456789012:role/training, with the condition iam:PassedToService = sagemaker.amazonaws.com.

    ResourceLimitExceeded: SageMaker's limit for this account is reached: The account-level service limit is 0 Instances (ResourceLimitExceeded)
    Ask for a higher quota of `ml.m5.large for training job usage` in the Service Quotas console, wait for other jobs to end, or choose another instance type.

    Unavailable: cannot create the training job iris-classifier-20261124-041205-1a2b3c4d now: Rate exceeded (ThrottlingException)
    Try again in a minute with the same run id: no second job is started.

    JobRefused: SageMaker did not create the training job iris-classifier-20261124-041205-1a2b3c4d: No S3 objects found under S3 URL (ValidationException)
    "#);
}

#[test]
fn whoever_invokes_the_function_knows_each_of_its_errors() {
    let source = include_str!("error.rs");
    let names = source.split_once("fn error_type").unwrap().1;
    let names = names.split_once("\n    }\n").unwrap().0.split('"').skip(1).step_by(2);
    let unknown: Vec<&str> = names
        .filter(|name| training::failure_code(name) == Code::TrainingLambdaFailed)
        .collect();
    assert_eq!(unknown, Vec::<&str>::new());
    assert_eq!(training::failure_code("NoData"), Code::NoTrainingData);
    assert_eq!(training::failure_code("ValueError"), Code::TrainingLambdaFailed);
}
