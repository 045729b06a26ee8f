//! What runs amount to, as metrics of CloudWatch: lines of the function's log in the
//! [embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html),
//! which need no permission and no call. SageMaker itself has no metric of how many trainings ended how, how long they took, and what of it
//! is paid for.
//!
//! | metric | dimensions | unit |
//! |---|---|---|
//! | `Trainings` | `Stack`, `End`: `Completed`, `Failed`, `Stopped` | one a run |
//! | `Duration` | `Stack` | seconds from the job's creation to its end |
//! | `BillableTime` | `Stack` | seconds, those of every instance together |
//! | `Value` | `Stack`, `Metric`: as the training names it | the last value of a run that did not fail |
//!
//! A training's own metric is a dimension's value and no metric's name: it may be called anything, `Duration` and `level` included.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::log::JsonLines;
use super::message::ascii_line;
use crate::record::{JobStatus, RunRecord};

/// The metrics' namespace.
const NAMESPACE: &str = "sgbuild";
/// How old a point may be that CloudWatch shows soon: older ones take it [up to two
/// days](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html).
const SHOWN_SOON: SignedDuration = SignedDuration::from_hours(24);

/// Logs what a run that has ended amounts to, if the function is one of a stack.
pub(super) fn tell(record: &RunRecord, now: Timestamp, log: &JsonLines) {
    let Some(stack) = log.stack() else { return };
    for document in documents(record, stack, now) {
        log.document("metrics", document);
    }
}

/// One document for the run, and one for each metric of its own.
fn documents(record: &RunRecord, stack: &str, now: Timestamp) -> Vec<Map<String, Value>> {
    let time = record.job_end_time.filter(|end| (now - SHOWN_SOON..=now).contains(end));
    let time = time.unwrap_or(now);
    let mut documents = vec![of_run(record, stack, time)];
    if record.job_status != JobStatus::Failed {
        let values = names(&record.metrics).into_iter();
        documents.extend(values.map(|(name, value)| of_value(record, stack, time, &name, value)));
    }
    documents
}

fn of_run(record: &RunRecord, stack: &str, time: Timestamp) -> Map<String, Value> {
    let end = record.job_status.to_string();
    let billable = record.billable_seconds.map(i64::from);
    let billable = billable.map(|seconds| seconds * i64::from(record.training.instance_count));
    let duration = record.duration().filter(|seconds| *seconds >= 0);
    let times: Vec<_> = [("Duration", duration), ("BillableTime", billable)]
        .into_iter()
        .filter_map(|(name, seconds)| Some((name, seconds?)))
        .collect();
    let mut directives = vec![directive(
        &["Stack", "End"],
        &[json!({ "Name": "Trainings", "Unit": "Count" })],
    )];
    if !times.is_empty() {
        let metrics: Vec<_> = times
            .iter()
            .map(|(name, _)| json!({ "Name": name, "Unit": "Seconds" }))
            .collect();
        directives.push(directive(&["Stack"], &metrics));
    }
    let mut document = document(record, stack, time, &directives);
    document.insert("End".to_owned(), Value::from(end));
    document.insert("Trainings".to_owned(), Value::from(1));
    document.extend(
        times
            .into_iter()
            .map(|(name, seconds)| (name.to_owned(), Value::from(seconds))),
    );
    document
}

fn of_value(record: &RunRecord, stack: &str, time: Timestamp, name: &str, value: f64) -> Map<String, Value> {
    let directive = directive(&["Stack", "Metric"], &[json!({ "Name": "Value" })]);
    let mut document = document(record, stack, time, &[directive]);
    document.insert("Metric".to_owned(), Value::from(name));
    document.insert("Value".to_owned(), Value::from(value));
    document
}

fn directive(dimensions: &[&str], metrics: &[Value]) -> Value {
    json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics })
}

fn document(record: &RunRecord, stack: &str, time: Timestamp, directives: &[Value]) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert(
        "training_job_name".to_owned(),
        Value::from(record.training.job_name.as_str()),
    );
    document.insert("Stack".to_owned(), Value::from(stack));
    document.insert(
        "_aws".to_owned(),
        json!({ "Timestamp": time.as_millisecond(), "CloudWatchMetrics": directives }),
    );
    document
}

/// The values by what CloudWatch takes in a dimension: ASCII that is not blank. A value that is no number has no point.
fn names(metrics: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let named = metrics.iter().filter(|(_, value)| value.is_finite());
    let named = named.map(|(name, value)| (ascii_line(name.trim()), *value));
    named.filter(|(name, _)| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests;
