//! What is written, held against the specification's own rules.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;

const NOW: &str = "2026-11-24T05:00:00Z";

fn completed() -> RunRecord {
    serde_json::from_value(json!({
        "training_job_name": "iris-1", "run_id": "r", "image": "host/iris@sha256:fe", "package": "iris",
        "instance_type": "ml.m5.large", "instance_count": 2, "volume_in_gb": 30, "max_runtime_seconds": 60,
        "input_bucket": "iris", "recorded_at": "2026-11-24T04:12:05Z", "job_creation_time": "2026-11-24T04:12:06Z",
        "job_end_time": "2026-11-24T04:20:00Z", "job_status": "Completed", "billable_seconds": 61,
        "metrics": { "accuracy": 0.97, "Duration": 3.0, "pr\u{e9}cision\n2": -1.0, " ": 2.0 },
    }))
    .unwrap()
}

fn of(record: &RunRecord) -> Vec<Value> {
    let documents = documents(record, "iris-pipeline", NOW.parse().unwrap());
    documents.into_iter().map(Value::Object).collect()
}

/// The specification's schema, and CloudWatch's own limits of [names and values](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html).
fn check(document: &Value) {
    let directives = document["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    assert!(document["_aws"]["Timestamp"].as_u64().is_some() && !directives.is_empty());
    for directive in directives {
        let namespace = directive["Namespace"].as_str().unwrap();
        assert!(!namespace.is_empty() && !namespace.starts_with("AWS/"));
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            let value = &document[metric["Name"].as_str().unwrap()];
            assert!(value.as_f64().unwrap().is_finite(), "{metric}");
            assert!(matches!(metric["Unit"].as_str(), None | Some("Count" | "Seconds")));
        }
        for dimension in directive["Dimensions"].as_array().unwrap() {
            let keys = dimension.as_array().unwrap();
            assert!((1..=30).contains(&keys.len()));
            for key in keys {
                let value = document[key.as_str().unwrap()].as_str().unwrap();
                let is_printed = |c: char| c.is_ascii_graphic() || c == ' ';
                assert!((1..=1024).contains(&value.len()) && !value.trim().is_empty());
                assert!(value.chars().all(is_printed), "{value:?}");
            }
        }
    }
}

#[test]
fn a_run_is_counted_by_its_end_with_its_times_and_each_of_its_values() {
    let documents = of(&completed());
    documents.iter().for_each(check);
    insta::assert_snapshot!(documents[0], @r#"{"training_job_name":"iris-1","Stack":"iris-pipeline","_aws":{"Timestamp":1795494000000,"CloudWatchMetrics":[{"Namespace":"sgbuild","Dimensions":[["Stack","End"]],"Metrics":[{"Name":"Trainings","Unit":"Count"}]},{"Namespace":"sgbuild","Dimensions":[["Stack"]],"Metrics":[{"Name":"Duration","Unit":"Seconds"},{"Name":"BillableTime","Unit":"Seconds"}]}]},"End":"Completed","Trainings":1,"Duration":474,"BillableTime":122}"#);
    insta::assert_snapshot!(documents[2], @r#"{"training_job_name":"iris-1","Stack":"iris-pipeline","_aws":{"Timestamp":1795494000000,"CloudWatchMetrics":[{"Namespace":"sgbuild","Dimensions":[["Stack","Metric"]],"Metrics":[{"Name":"Value"}]}]},"Metric":"accuracy","Value":0.97}"#);
    let values: Vec<_> = documents[1..]
        .iter()
        .map(|document| (&document["Metric"], &document["Value"]))
        .collect();
    assert_eq!(
        values,
        [
            (&json!("Duration"), &json!(3.0)),
            (&json!("accuracy"), &json!(0.97)),
            (&json!("pr?cision?2"), &json!(-1.0)),
        ]
    );
}

#[test]
fn a_run_that_never_began_has_no_times_and_one_that_failed_no_values() {
    let mut record = completed();
    record.job_status = JobStatus::Failed;
    record.job_creation_time = None;
    record.billable_seconds = None;
    let documents = of(&record);
    let [document] = &documents[..] else {
        panic!("{documents:?}")
    };
    check(document);
    assert_eq!(document["End"], "Failed");
    assert_eq!(document["_aws"]["CloudWatchMetrics"].as_array().unwrap().len(), 1);
    record.job_status = JobStatus::Stopped;
    record.metrics = [("loss".to_owned(), f64::NAN), ("odd".to_owned(), f64::INFINITY)].into();
    assert_eq!(of(&record).len(), 1, "what is no number has no point");
}

#[test]
fn an_end_that_was_learnt_of_late_is_a_point_of_today() {
    let now: Timestamp = NOW.parse().unwrap();
    for (end, expected) in [
        ("2026-11-24T04:20:00Z", "2026-11-24T04:20:00Z"),
        ("2026-11-20T04:20:00Z", NOW),
        ("2026-11-24T05:00:01Z", NOW),
    ] {
        let mut record = completed();
        record.job_end_time = Some(end.parse().unwrap());
        let expected: Timestamp = expected.parse().unwrap();
        for document in documents(&record, "iris-pipeline", now) {
            assert_eq!(document["_aws"]["Timestamp"], json!(expected.as_millisecond()), "{end}");
        }
    }
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_document_is_a_line_of_its_own_and_only_a_stacks_function_writes_any() {
    let now = NOW.parse().unwrap();
    let written = Written::default();
    let log = JsonLines::new(written.clone());
    tell(&completed(), now, &log);
    assert!(written.0.lock().unwrap().is_empty());
    tell(&completed(), now, &log.of_stack(Some("iris-pipeline")).of_request("1"));
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    for line in text.lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        check(&document);
        assert_eq!(
            (&document["level"], &document["requestId"]),
            (&json!("INFO"), &json!("1"))
        );
    }
}
