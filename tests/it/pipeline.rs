//! The closed loop: the template's stack in the emulator, an upload, and everything that follows of it by itself. Every caller in it has
//! its role's permissions, and no others.

mod failures;
mod permissions;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Sandbox, Testbed, python, root};

/// The longest the loop may take; a debug binary on a busy machine needs most of it.
const PATIENCE: Duration = Duration::from_mins(3);

/// boto3 against the emulator: what it prints.
fn boto(script: &str) -> String {
    python(&format!("import boto3, json\n{script}"))
}

/// A call of the testbed's own programs, and its answer.
fn asked(method: &str, url: &str, body: Option<&Value>) -> Value {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail-with-body", "--request", method, url]);
    if let Some(body) = body {
        curl.args(["--data", &body.to_string()]);
    }
    let output = curl.output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{method} {url}: {answer}");
    serde_json::from_str(&answer).unwrap()
}

/// A pipeline that the cloud player plays until it is dropped.
struct Pipeline {
    name: String,
    made: Value,
}

/// What a pipeline is launched of, beside the repository.
struct Launch {
    /// The template's text.
    template: String,
    /// Its parameters, over those of every test.
    parameters: Value,
    /// How long a minute of CodeBuild's lasts, in seconds.
    minute: f64,
}

impl Default for Launch {
    fn default() -> Self {
        Self {
            template: fs::read_to_string(root().join("templates/cicd-pipeline.yaml")).unwrap(),
            parameters: json!({}),
            minute: 60.0,
        }
    }
}

impl Launch {
    /// The template with one text of it replaced, which stands there once.
    fn of_changed_template(text: &str, by: &str) -> Self {
        let mut launch = Self::default();
        assert_eq!(launch.template.matches(text).count(), 1, "{text}");
        launch.template = launch.template.replace(text, by);
        launch
    }
}

impl Pipeline {
    /// The template's stack over the sandbox's repository.
    fn launch(sandbox: &Sandbox) -> Self {
        Self::of(sandbox, Launch::default())
    }

    /// A stack of one's own over the sandbox's repository.
    fn of(sandbox: &Sandbox, launch: Launch) -> Self {
        let name = format!("it-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let directory = tempfile::tempdir().unwrap();
        let template = directory.path().join("template.yaml");
        fs::write(&template, launch.template).unwrap();
        let mut parameters = json!({
            "Email": "someone@example.com",
            "GitHubUser": "example",
            "GitHubRepo": "row-counter",
            "GitHubToken": "not-a-token",
            "DataBatchingSeconds": "2",
        });
        let given = launch.parameters.as_object().unwrap().clone();
        parameters.as_object_mut().unwrap().extend(given);
        let body = json!({
            "template": template,
            "parameters": parameters,
            "binary": env!("CARGO_BIN_EXE_sgbuild"),
            "source": sandbox.project(),
            "minute": launch.minute,
        });
        let mut pipeline = Self { name, made: json!({}) };
        pipeline.made = pipeline.player("PUT", Some(&body));
        pipeline
    }

    /// What the player answers about this pipeline.
    fn player(&self, method: &str, body: Option<&Value>) -> Value {
        let player = Testbed::get().variable("SGBUILD_TESTBED_PLAYER");
        asked(method, &format!("{player}/_pipelines/{}", self.name), body)
    }

    /// Lets the time of every schedule come.
    fn fire_schedules(&self) -> Value {
        let player = Testbed::get().variable("SGBUILD_TESTBED_PLAYER");
        asked(
            "POST",
            &format!("{player}/_pipelines/{}/schedules", self.name),
            Some(&json!({})),
        )
    }

    /// Asks the emulator at its door for tests.
    fn door(method: &str, path: &str, body: Option<&Value>) -> Value {
        let emulator = Testbed::get().variable("AWS_ENDPOINT_URL");
        asked(method, &format!("{emulator}/_testbed/{path}"), body)
    }

    /// What the stack's policies allowed and denied so far.
    fn permissions(&self) -> Value {
        Self::door("GET", &format!("permissions/{}", self.name), None)
    }

    fn made(&self, what: &str) -> &str {
        self.made[what].as_str().unwrap()
    }

    /// Uploads objects, keys as they are.
    fn upload(&self, objects: &[(&str, &str)]) {
        boto(&format!(
            "for key, text in json.loads({:?}):
    boto3.client('s3').put_object(Bucket={:?}, Key=key, Body=text.encode())",
            json!(objects).to_string(),
            self.made("input_bucket"),
        ));
    }

    /// Every record, as plain JSON.
    fn records(&self) -> Vec<Value> {
        let printed = boto(&format!(
            "items = boto3.resource('dynamodb').Table({:?}).scan()['Items']
print(json.dumps(items, default=float))",
            self.made("table")
        ));
        serde_json::from_str(&printed).unwrap()
    }

    /// The texts of the messages that the subscriber has got.
    fn messages(&self) -> Vec<String> {
        let printed = boto(&format!(
            "sqs = boto3.client('sqs')
url = sqs.get_queue_url(QueueName={:?})['QueueUrl']
received, messages = True, []
while received:
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5).get('Messages', [])
    messages += [json.loads(each['Body'])['Message'] for each in received]
print(json.dumps(messages))",
            self.made("inbox")
        ));
        serde_json::from_str(&printed).unwrap()
    }

    /// Waits until a job's record is settled and announced.
    fn settled(&self) -> Value {
        self.all_settled(1).remove(0)
    }

    /// Waits until so many runs are settled and announced; they are the newest first.
    fn all_settled(&self, count: usize) -> Vec<Value> {
        let announced = || {
            let mut records = self.records();
            records.retain(|record| record.get("notified_at").is_some());
            records.sort_by_key(|record| record["recorded_at"].to_string());
            records.reverse();
            (records.len() >= count).then_some(records)
        };
        self.wait("a settled record", true, announced)
    }

    /// Waits until so many builds have ended, however they do; the newest is the last.
    fn ended(&self, count: usize) -> Vec<Value> {
        self.wait("an ended build", false, || {
            let builds = self.player("GET", None)["builds"].as_array().unwrap().clone();
            let ended = builds.iter().filter(|build| build["status"] != "IN_PROGRESS").count();
            (ended >= count).then_some(builds)
        })
    }

    /// Waits for something. What the testbed fails at, and a build that fails while nobody expects it, ends the wait.
    fn wait<T>(&self, what: &str, all_well: bool, found: impl Fn() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = found() {
                return found;
            }
            let history = self.player("GET", None);
            assert_eq!(history["troubles"], json!([]), "{what}: {history:#}");
            if all_well {
                assert_eq!(history["denied"], json!([]), "{what}: {history:#}");
                for build in history["builds"].as_array().unwrap() {
                    let well = build["status"] == "IN_PROGRESS" || build["status"] == "SUCCEEDED";
                    assert!(well, "{what}: {history:#}\n{}", log_of(build));
                }
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}; records: {:#?}\nhistory: {history:#}",
                self.records()
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

/// What a build has written.
fn log_of(build: &Value) -> String {
    fs::read_to_string(build["log"].as_str().unwrap()).unwrap_or_default()
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // A panic here would hide the one that is under way.
        let _ = Command::new("curl")
            .args(["--silent", "--request", "DELETE"])
            .arg(format!(
                "{}/_pipelines/{}",
                Testbed::get().variable("SGBUILD_TESTBED_PLAYER"),
                self.name
            ))
            .output();
    }
}

#[test]
fn uploaded_data_becomes_a_model_a_record_and_one_message() {
    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    sandbox.write("setup.cfg", "[sgbuild]\nmetrics = rows=^rows=([0-9]+)$\n");
    let sandbox = sandbox.committed();
    let pipeline = Pipeline::launch(&sandbox);

    pipeline.upload(&[
        ("input/data/training/", ""),
        ("input/data/training/today + 1 %41 ü.csv", "a,b\n1,2\n3,4\n"),
        ("input/data/training/more/rows.csv", "a,b\n5,6\n"),
        ("input/data/testing/rows.csv", "a,b\n5,6\n"),
        ("input/config/hyperparameters.json", "{\"depth\": 3}"),
    ]);
    let record = pipeline.settled();

    let history = pipeline.player("GET", None);
    let [build] = history["builds"].as_array().unwrap().as_slice() else {
        panic!("one build for a burst of uploads: {history:#}")
    };
    assert_eq!(build["status"], "SUCCEEDED", "{history:#}");
    let [job] = history["jobs"].as_array().unwrap().as_slice() else {
        panic!("one job: {history:#}")
    };
    assert_eq!(record["training_job_name"], job["name"]);
    assert_eq!(record["job_status"], "Completed", "{record:#}");
    assert_eq!(record["image"], job["image"]);
    assert!(record["image"].as_str().unwrap().contains("@sha256:"), "{record:#}");
    assert_eq!(record["data_source"], "uploaded");
    assert_eq!(record["channels"], json!(["testing", "training"]));
    assert_eq!(record["hyperparameters"], json!({"depth": "3"}));
    let versions = record["input_versions"].as_object().unwrap();
    assert!(
        versions.contains_key("input/data/training/today + 1 %41 ü.csv"),
        "{record:#}"
    );
    assert!(!versions.contains_key("input/data/training/"), "{record:#}");
    let artifact = format!(
        "s3://{}/{}/output/model.tar.gz",
        pipeline.made("artifact_bucket"),
        job["name"].as_str().unwrap()
    );
    assert_eq!(record["metrics"], json!({"rows": 3.0}));
    assert_eq!(record["artifact"], artifact.as_str());
    assert!(record["metric_times"]["rows"].is_string(), "{record:#}");
    assert!(record["training_seconds"].as_f64() >= Some(1.0), "{record:#}");
    assert_eq!(record["input_digest"].as_str().unwrap().len(), 64, "{record:#}");
    let requirements = &record["requirements"];
    assert!(
        requirements["digest"].as_str().unwrap().starts_with("sha256:"),
        "{record:#}"
    );
    let table = pipeline.made("table");
    let lineage = sandbox
        .run(&["lineage", &artifact, "--table", table, "--json"])
        .exits(0)
        .json();
    assert_eq!(lineage["runs"][0]["training_job_name"], job["name"], "{lineage:#}");
    assert_eq!(lineage["runs"][0]["git_hash"], record["git_hash"], "{lineage:#}");
    let forward = sandbox
        .run(&["lineage", record["git_hash"].as_str().unwrap(), "--table", table])
        .exits(0);
    assert!(forward.stdout.contains(&artifact), "{}", forward.stdout);
    assert_eq!(model(&artifact), json!({"rows": 3}));

    // Every event has come by now, some of them twice.
    std::thread::sleep(Duration::from_secs(3));
    let messages = pipeline.messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert!(messages[0].contains(job["name"].as_str().unwrap()), "{messages:#?}");
    assert_eq!(pipeline.records().len(), 1);
    let history = pipeline.player("GET", None);
    assert_eq!(history["builds"].as_array().unwrap().len(), 1, "{history:#}");
}

/// `model.json` out of a model's archive.
fn model(artifact: &str) -> Value {
    let printed = boto(&format!(
        "import io, tarfile
bucket, _, key = {artifact:?}.removeprefix('s3://').partition('/')
body = boto3.client('s3').get_object(Bucket=bucket, Key=key)['Body'].read()
print(tarfile.open(fileobj=io.BytesIO(body)).extractfile('model.json').read().decode())"
    ));
    serde_json::from_str(&printed).unwrap()
}
