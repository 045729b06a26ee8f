//! The data trigger against objects and builds in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::lambda::objects::Content;

/// Objects whose keys tell what they are.
struct Uploaded;

#[async_trait]
impl Objects for Uploaded {
    async fn get(&self, _: &str, _: &str, _: usize) -> Result<Option<Content>, CallError> {
        panic!("no content is read")
    }

    async fn list(&self, _: &str, _: &str) -> Result<Vec<Object>, CallError> {
        panic!("nothing is listed")
    }

    async fn copy_synthetic(&self, _: (&str, &Object), _: (&str, &str)) -> Result<(), CallError> {
        panic!("nothing is copied")
    }

    async fn remove_synthetic(&self, _: &str, _: &Object) -> Result<(), CallError> {
        panic!("nothing is removed")
    }

    async fn is_synthetic(&self, bucket: &str, object: &Object) -> Result<bool, CallError> {
        assert_eq!(bucket, "iris-input");
        match object.key.as_str() {
            key if key.contains("gone") => Err(service("NotFound", 404)),
            key if key.contains("slow") => Err(service("SlowDown", 503)),
            key if key.contains("secret") => Err(service("AccessDenied", 403)),
            key => Ok(key.contains("synthetic")),
        }
    }

    async fn put_json(&self, _: &str, _: &str, _: Vec<u8>) -> Result<(), CallError> {
        panic!("nothing is written")
    }
}

fn service(code: &str, status: u16) -> CallError {
    CallError::Service {
        code: code.to_owned(),
        message: String::new(),
        status,
    }
}

/// A project whose builds start in their first phase; a token starts one.
#[derive(Default)]
struct Project {
    builds: Mutex<Vec<(Build, String)>>,
    throttled: bool,
}

/// When every upload of these tests was there.
const UPLOADED: &str = "2026-11-24T04:12:05Z";

/// So many seconds after the uploads.
fn after(seconds: i64) -> Timestamp {
    let uploaded: Timestamp = UPLOADED.parse().unwrap();
    uploaded + jiff::SignedDuration::from_secs(seconds)
}

/// A build that was started a minute before the uploads.
fn earlier(phase: &str, in_progress: bool) -> Build {
    Build {
        id: "iris:0".to_owned(),
        in_progress,
        phase: phase.to_owned(),
        succeeded: false,
        started: Some(after(-60)),
        trains: TOO_LATE.contains(&phase).then(|| after(-1)),
    }
}

impl Project {
    fn with(phase: &str, in_progress: bool) -> Self {
        Self::of(vec![earlier(phase, in_progress)])
    }

    /// The oldest first.
    fn of(builds: Vec<Build>) -> Self {
        Self {
            builds: Mutex::new(builds.into_iter().map(|build| (build, "webhook".to_owned())).collect()),
            throttled: false,
        }
    }

    /// Changes the newest build.
    fn newest_is(&self, change: impl Fn(&mut Build)) {
        change(&mut self.builds.lock().unwrap().last_mut().unwrap().0);
    }

    fn count(&self) -> usize {
        self.builds.lock().unwrap().len()
    }
}

#[async_trait]
impl Builds for Project {
    async fn newest(&self, project: &str) -> Result<Vec<Build>, CallError> {
        assert_eq!(project, "iris");
        let builds = self.builds.lock().unwrap().clone();
        tokio::task::yield_now().await;
        Ok(builds.into_iter().rev().map(|(build, _)| build).collect())
    }

    async fn start(&self, _: &str, token: &str) -> Result<String, CallError> {
        if self.throttled {
            return Err(service("ThrottlingException", 400));
        }
        assert!(token.len() <= 64);
        let mut builds = self.builds.lock().unwrap();
        if !builds.iter().any(|(_, known)| known == token) {
            let build = Build {
                id: format!("iris:{}", builds.len()),
                in_progress: true,
                phase: "QUEUED".to_owned(),
                succeeded: false,
                started: Some(after(60 * i64::try_from(builds.len()).unwrap())),
                trains: None,
            };
            builds.push((build, token.to_owned()));
        }
        Ok("iris:new".to_owned())
    }
}

fn notification(key: &str, event: &str, size: i64) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-west-2", "eventTime": "2026-11-24T04:12:05.000Z",
        "eventName": event, "userIdentity": { "principalId": "AWS:A" },
        "requestParameters": { "sourceIPAddress": "10.0.0.1" }, "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "data",
            "bucket": { "name": "iris-input", "ownerIdentity": { "principalId": "A" }, "arn": "arn:aws:s3:::iris-input" },
            "object": { "key": key, "size": size, "eTag": "0", "versionId": "v1", "sequencer": "00" },
        },
    }]})
}

fn batch(bodies: &[String]) -> Value {
    let message = |(number, body): (usize, &String)| {
        json!({
            "messageId": format!("m{number}"), "receiptHandle": "r", "body": body, "attributes": {}, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-west-2:123456789012:data", "awsRegion": "us-west-2",
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(message).collect::<Vec<_>>() })
}

fn created(keys: &[&str]) -> Value {
    let bodies = keys
        .iter()
        .map(|key| notification(key, "ObjectCreated:Put", 3).to_string());
    batch(&bodies.collect::<Vec<_>>())
}

fn allowed() -> Allowed {
    Allowed {
        inputs: Some(vec!["s3://iris-input/input/".to_owned()]),
        ..Allowed::default()
    }
}

async fn answer(event: &Value, project: &Project) -> Result<BatchResponse, Error> {
    let allowed = allowed();
    let services = Services {
        objects: &Uploaded,
        builds: project,
        project: "iris",
        allowed: &allowed,
    };
    handle(event, services, &JsonLines::new(std::io::sink())).await
}

/// The messages that an event leaves to be delivered again, and how many builds there are after it.
async fn left_after(event: &Value, project: &Project) -> (Vec<String>, usize) {
    let answer = answer(event, project).await.unwrap();
    let left = answer
        .batch_item_failures
        .into_iter()
        .map(|failure| failure.item_identifier);
    (left.collect(), project.count())
}

/// How many builds there are after an event.
async fn builds_after(event: &Value, project: Project) -> usize {
    left_after(event, &project).await.1
}

#[tokio::test]
async fn new_data_starts_a_build() {
    let data = created(&["input/data/training/a+b%2B%25%C3%A9.csv"]);
    assert_eq!(builds_after(&data, Project::default()).await, 1);
    let hyperparameters = created(&["input/config/hyperparameters.json"]);
    assert_eq!(builds_after(&hyperparameters, Project::default()).await, 1);
    let direct = notification("input/data/testing/t.csv", "ObjectCreated:CompleteMultipartUpload", 3);
    assert_eq!(builds_after(&direct, Project::default()).await, 1);
    let mixed = created(&["input/data/training/synthetic.csv", "input/data/training/real.csv"]);
    assert_eq!(builds_after(&mixed, Project::default()).await, 1);
}

#[tokio::test]
async fn a_build_before_its_last_phase_trains_with_the_data() {
    let data = created(&["input/data/training/a.csv"]);
    for phase in ["SUBMITTED", "QUEUED", "PROVISIONING", "INSTALL", "PRE_BUILD", "BUILD"] {
        assert_eq!(builds_after(&data, Project::with(phase, true)).await, 1, "{phase}");
    }
    for phase in TOO_LATE {
        assert_eq!(builds_after(&data, Project::with(phase, true)).await, 2, "{phase}");
    }
}

#[tokio::test]
async fn data_stays_in_the_queue_until_a_build_that_saw_it_has_succeeded() {
    let data = created(&["input/data/training/a.csv", "input/data/training/b.csv"]);
    let all = || vec!["m0".to_owned(), "m1".to_owned()];
    // It arrives while a build runs, and that build fails.
    let project = Project::with("BUILD", true);
    assert_eq!(left_after(&data, &project).await, (all(), 1));
    project.newest_is(|build| {
        build.in_progress = false;
        build.phase = "COMPLETED".to_owned();
        build.trains = Some(after(30));
    });
    assert_eq!(left_after(&data, &project).await, (all(), 2));
    // The next one: on its way, in its last phase, and done.
    assert_eq!(left_after(&data, &project).await, (all(), 2));
    project.newest_is(|build| {
        build.phase = "POST_BUILD".to_owned();
        build.trains = Some(after(300));
    });
    assert_eq!(left_after(&data, &project).await, (all(), 2));
    project.newest_is(|build| {
        build.phase = "COMPLETED".to_owned();
        (build.in_progress, build.succeeded) = (false, true);
    });
    assert_eq!(left_after(&data, &project).await, (Vec::new(), 2));
}

#[tokio::test]
async fn a_build_that_succeeded_without_the_data_is_not_enough() {
    let data = created(&["input/data/training/a.csv"]);
    let blind = Build {
        succeeded: true,
        ..earlier("COMPLETED", false)
    };
    assert_eq!(
        left_after(&data, &Project::of(vec![blind.clone()])).await,
        (vec!["m0".to_owned()], 2)
    );
    // An older one than the newest counts, whatever came of the newest.
    let saw = Build {
        trains: Some(after(1)),
        ..blind
    };
    let project = Project::of(vec![saw, earlier("BUILD", false)]);
    assert_eq!(left_after(&data, &project).await, (Vec::new(), 2));
}

#[tokio::test]
async fn builds_that_fail_are_not_started_for_ever_and_the_data_waits_for_the_mend() {
    let old = created(&["input/data/training/a.csv"]);
    let waiting = vec!["m0".to_owned()];
    let project = Project::default();
    let failing = |build: &mut Build| {
        build.in_progress = false;
        build.phase = "COMPLETED".to_owned();
        build.started = Some(after(60));
    };
    for builds in 1..=TRIES {
        assert_eq!(left_after(&old, &project).await, (waiting.clone(), builds));
        project.newest_is(failing);
    }
    assert_eq!(left_after(&old, &project).await, (waiting.clone(), TRIES));
    // What comes later is new data.
    let mut later = notification("input/data/training/b.csv", "ObjectCreated:Put", 3);
    later["Records"][0]["eventTime"] = json!(after(3600).to_string());
    let later = batch(&[later.to_string()]);
    assert_eq!(left_after(&later, &project).await, (waiting, TRIES + 1));
    project.newest_is(|build| {
        (build.in_progress, build.succeeded) = (false, true);
        build.trains = Some(after(4000));
    });
    for event in [&old, &later] {
        assert_eq!(left_after(event, &project).await, (Vec::new(), TRIES + 1));
    }
}

#[tokio::test]
async fn an_event_without_a_queue_starts_its_build_and_is_done() {
    let direct = notification("input/data/training/a.csv", "ObjectCreated:Put", 3);
    assert_eq!(
        left_after(&direct, &Project::with("BUILD", true)).await,
        (Vec::new(), 1)
    );
    assert_eq!(left_after(&direct, &Project::default()).await, (Vec::new(), 1));
}

#[tokio::test]
async fn however_the_last_build_ended_new_data_starts_one() {
    // A failed build's phase is COMPLETED, a stopped one's may be any.
    for phase in ["COMPLETED", "BUILD"] {
        let data = created(&["input/data/training/a.csv"]);
        assert_eq!(builds_after(&data, Project::with(phase, false)).await, 2);
    }
}

#[tokio::test]
async fn what_is_no_new_data_starts_nothing() {
    let marker = batch(&[notification("input/data/training/", "ObjectCreated:Put", 0).to_string()]);
    let removed = batch(&[notification("input/data/training/a.csv", "ObjectRemoved:Delete", 0).to_string()]);
    let test = batch(&[json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" }).to_string()]);
    let malformed = batch(&["{not json".to_owned(), "{}".to_owned()]);
    for event in [
        created(&["input/data/training/synthetic.csv"]),
        created(&["input/data/training/gone.csv"]),
        created(&["input/config/other.json"]),
        created(&["elsewhere/a.csv"]),
        marker,
        removed,
        test,
        malformed,
    ] {
        assert_eq!(
            left_after(&event, &Project::default()).await,
            (Vec::new(), 0),
            "{event}"
        );
    }
}

#[tokio::test]
async fn a_batch_that_meets_trouble_is_delivered_again() {
    let throttled = Project {
        throttled: true,
        ..Project::default()
    };
    let two = created(&["input/data/training/a.csv", "input/data/training/b.csv"]);
    assert_eq!(left_after(&two, &throttled).await.0, ["m0", "m1"]);
    let slow = created(&["input/data/training/slow.csv"]);
    assert_eq!(left_after(&slow, &Project::default()).await.0, ["m0"]);
    assert_eq!(
        answer(&json!([1]), &Project::default()).await.unwrap_err().error_type(),
        "UnknownEvent"
    );
}

#[tokio::test]
async fn an_object_that_cannot_be_looked_at_fails_its_own_message_only() {
    // The others are done: copies, deleted ones, and what is no notification.
    let mut bodies: Vec<String> = ["secret", "synthetic", "gone", "slow"]
        .map(|name| notification(&format!("input/data/training/{name}.csv"), "ObjectCreated:Put", 3).to_string())
        .to_vec();
    bodies.push("{not json".to_owned());
    assert_eq!(
        left_after(&batch(&bodies), &Project::default()).await,
        (vec!["m0".to_owned(), "m3".to_owned()], 0)
    );
    // New data beside it starts its build, and waits for that as well.
    bodies.push(notification("input/data/training/real.csv", "ObjectCreated:Put", 3).to_string());
    assert_eq!(
        left_after(&batch(&bodies), &Project::default()).await,
        (["m0", "m3", "m5"].map(ToOwned::to_owned).to_vec(), 1)
    );
    // Without a queue there is nobody to tell of one.
    let direct = notification("input/data/training/secret.csv", "ObjectCreated:Put", 3);
    assert_eq!(
        answer(&direct, &Project::default()).await.unwrap_err().error_type(),
        "Refused"
    );
}

#[tokio::test]
async fn one_bad_object_in_ten_thousand_fails_alone() {
    let keys: Vec<String> = (0..10_000)
        .map(|number| match number {
            17 => "input/data/training/secret.csv".to_owned(),
            9_999 => "input/data/training/real.csv".to_owned(),
            _ => format!("input/data/training/synthetic-{number}.csv"),
        })
        .collect();
    let event = created(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(
        left_after(&event, &Project::default()).await,
        (["m17", "m9999"].map(ToOwned::to_owned).to_vec(), 1)
    );
}

#[tokio::test]
async fn a_message_of_several_records_is_named_once() {
    let mut several = notification("input/data/training/secret.csv", "ObjectCreated:Put", 3);
    let record = several["Records"][0].clone();
    several["Records"].as_array_mut().unwrap().extend([json!(7), record]);
    let event = batch(&[several.to_string()]);
    assert_eq!(
        left_after(&event, &Project::default()).await,
        (vec!["m0".to_owned()], 0)
    );
}

/// Why what is in an event is refused.
fn refusals(event: &Value) -> Vec<String> {
    Batch::read(event, &allowed()).unwrap().refused
}

#[tokio::test]
async fn what_is_none_of_ours_is_refused_by_its_field_and_starts_nothing() {
    let changed = |pointer: &str, value: Value| {
        let mut event = notification("input/data/training/a.csv", "ObjectCreated:Put", 3);
        *event.pointer_mut(pointer).unwrap() = value;
        event.to_string()
    };
    let sns = json!({ "Type": "Notification", "TopicArn": "arn:aws:sns:us-west-2:123456789012:t",
        "Message": notification("input/data/training/a.csv", "ObjectCreated:Put", 3).to_string() });
    let deep = format!("{{\"Records\": {}", "[".repeat(200_000));
    let mut foreign = batch(&[
        changed("/Records/0/s3/bucket/name", json!("somebody-elses")),
        changed("/Records/0/s3/bucket/name", json!("iris-input2")),
        changed("/Records/0/s3/bucket", json!("iris-input")),
        changed("/Records/0/s3/object/key", json!(["input/data/training/a.csv"])),
        changed("/Records/0/s3/object/key", json!("input/../elsewhere/a.csv")),
        changed("/Records/0/s3/object/key", json!("%FF")),
        changed("/Records/0/s3/object/size", json!(-1)),
        changed("/Records/0/eventSource", json!("aws:s3\n{\"level\": \"INFO\"}")),
        changed("/Records/0/eventName", json!(null)),
        changed("/Records/0/eventTime", json!("yesterday")),
        sns.to_string(),
        deep,
        "\u{0}".to_owned(),
        "x".repeat(1_000_000),
    ]);
    let mut own = foreign["Records"][0].clone();
    own["eventSource"] = json!("aws:kinesis");
    let no_id = json!({ "eventSource": "aws:sqs", "body": "{}" });
    foreign["Records"]
        .as_array_mut()
        .unwrap()
        .extend([own, no_id, json!(null)]);
    assert_eq!(left_after(&foreign, &Project::default()).await, (Vec::new(), 0));
    insta::assert_snapshot!(refusals(&foreign).join("\n"), @r#"
    Records[0].body: Records[0].s3.bucket.name: `s3://somebody-elses/input/data/training/a.csv` is not what SGBUILD_ALLOWED_INPUTS allows: it names s3://iris-input/input/
    Records[1].body: Records[0].s3.bucket.name: `s3://iris-input2/input/data/training/a.csv` is not what SGBUILD_ALLOWED_INPUTS allows: it names s3://iris-input/input/
    Records[2].body: Records[0].s3.bucket.name: missing
    Records[3].body: Records[0].s3.object.key: must be a string, and is a list
    Records[5].body: Records[0].s3.object.key: is not UTF-8 when decoded
    Records[6].body: Records[0].s3.object.size: must be a whole number
    Records[7].body: Records[0].eventSource: `aws:s3\n{"level": "INFO"}` is not aws:s3
    Records[8].body: Records[0].eventName: missing
    Records[9].body: Records[0].eventTime: missing, or no time
    Records[10].body: Records: missing; its fields are `Type`, `TopicArn`, `Message`
    Records[11].body: it is not valid JSON: recursion limit exceeded at line 1 column 139
    Records[12].body: it is not valid JSON: expected value at line 1 column 1
    Records[13].body: it is not valid JSON: expected value at line 1 column 1
    Records[14].eventSource: `aws:kinesis` is not aws:sqs
    Records[15].messageId: missing
    Records[16].eventSource: missing
    "#);
}

#[tokio::test]
async fn keys_of_every_kind_are_looked_at_as_they_are() {
    for key in [
        "a\u{1}b",
        "../../etc/passwd",
        "a\nb",
        "%2e%2e/%00",
        &"k".repeat(1024 - DATA.len()),
    ] {
        let encoded = key.replace('%', "%25").replace('\n', "%0A");
        let event = created(&[&format!("{DATA}{encoded}")]);
        assert_eq!(builds_after(&event, Project::default()).await, 1, "{key:?}");
    }
}

#[tokio::test]
async fn a_thousand_uploads_at_once_are_one_build() {
    let project = Project::with("COMPLETED", false);
    let batches: Vec<Value> = (0..100)
        .map(|batch| {
            let keys: Vec<String> = (0..10)
                .map(|number| format!("input/data/training/{batch}-{number}.csv"))
                .collect();
            created(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .collect();
    let answers = futures_util::future::join_all(batches.iter().map(|event| answer(event, &project))).await;
    assert!(
        answers
            .into_iter()
            .all(|answer| answer.unwrap().batch_item_failures.len() == 10)
    );
    assert_eq!(project.count(), 2);
}
