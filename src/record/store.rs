//! The records of all runs: one table in `DynamoDB`, the metadata table.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

use super::{JobStatus, KEY, Progress, RunRecord};
use crate::aws::{CallError, MOST_OF_PEOPLE, Pages};
use crate::shown::escaped;
use crate::training::Training;

/// When a delivery claimed the announcement of a run's end: milliseconds since 1970.
const CLAIM: &str = "notification_claimed_ms";
/// When its end was announced.
const NOTIFIED: &str = "notified_at";
const STATUS: &str = "job_status";

type Item = HashMap<String, AttributeValue>;

/// What the functions do with the records. Every write has a condition, since AWS delivers events twice, late and out of order.
#[async_trait]
pub trait Records: Send + Sync {
    /// Writes the record, unless there is one with its key: then answers with that one.
    async fn create(&self, record: &RunRecord) -> Result<Option<RunRecord>, CallError>;

    /// The jobs of the runs that have not ended, and of those that ended after `since` without being announced.
    async fn open(&self, since: Timestamp) -> Result<Vec<String>, CallError>;

    /// The record of a job.
    async fn get(&self, job: &str) -> Result<Option<RunRecord>, CallError>;

    /// Writes what became known, if the record may come to that status ([`JobStatus::may_become`]). Answers whether it did.
    async fn advance(&self, job: &str, progress: &Progress) -> Result<bool, CallError>;

    /// Claims the announcement of a run's end for the time of `lease`, unless it has been announced, or was claimed less than
    /// `lease` ago. Answers whether the claim succeeded.
    async fn claim_notification(&self, job: &str, now: Timestamp, lease: SignedDuration) -> Result<bool, CallError>;

    /// Notes that the end of the run has been announced. Answers whether nobody else had.
    async fn mark_notified(&self, job: &str, now: Timestamp) -> Result<bool, CallError>;
}

/// What the table holds. Others may write to it too, so not every item need be a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// The records.
    pub records: Vec<RunRecord>,
    /// The keys of items that are no records, and why.
    pub unreadable: Vec<(String, String)>,
}

impl Listed {
    fn add(&mut self, item: Item) {
        let key = match item.get(KEY) {
            Some(AttributeValue::S(key)) => key.clone(),
            _ => String::new(),
        };
        match read(item) {
            Ok(record) => self.records.push(record),
            Err(error) => self.unreadable.push((key, error.to_string())),
        }
    }
}

/// The records in a table of `DynamoDB`.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl DynamoDb {
    /// The records in `table`, with credentials, region and endpoint of `sdk_config`.
    #[must_use]
    pub fn new(sdk_config: &SdkConfig, table: &str) -> Self {
        Self {
            client: aws_sdk_dynamodb::Client::new(sdk_config),
            table: table.to_owned(),
        }
    }

    /// Every record, in no order, and every item that is none.
    ///
    /// # Errors
    /// `DynamoDB` refuses or cannot be reached.
    pub async fn all(&self) -> Result<Listed, CallError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .into_paginator()
            .send();
        let mut listed = Listed::default();
        let mut count = Pages::of("records", MOST_OF_PEOPLE);
        while let Some(page) = pages.next().await {
            count.another()?;
            let page = page.map_err(|error| CallError::from_sdk(&error))?;
            for item in page.items.unwrap_or_default() {
                listed.add(item);
            }
        }
        Ok(listed)
    }

    /// An update of one item under a condition; `false` where the condition does not hold.
    async fn update(
        &self,
        job: &str,
        set: &str,
        placeholders: Option<HashMap<String, String>>,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<bool, CallError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(KEY, text(job))
            .update_expression(format!("SET {set}"))
            .set_expression_attribute_names(placeholders)
            .condition_expression(format!("attribute_exists({KEY}) AND ({condition})"))
            .set_expression_attribute_values(Some(
                values
                    .into_iter()
                    .map(|(name, value)| (format!(":{name}"), value))
                    .collect(),
            ))
            .send()
            .await;
        match updated {
            Ok(_) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(CallError::from_sdk(&error)),
        }
    }
}

#[async_trait]
impl Records for DynamoDb {
    async fn create(&self, record: &RunRecord) -> Result<Option<RunRecord>, CallError> {
        let item: Item = serde_dynamo::to_item(record).map_err(|error| CallError::Request(error.to_string()))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(format!("attribute_not_exists({KEY})"))
            .send()
            .await;
        match put {
            Ok(_) => Ok(None),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                self.get(&record.training.job_name).await
            }
            Err(error) => Err(CallError::from_sdk(&error)),
        }
    }

    async fn open(&self, since: Timestamp) -> Result<Vec<String>, CallError> {
        let mut values = HashMap::from([(":since".to_owned(), text(&since.to_string()))]);
        for status in JobStatus::ALL.into_iter().filter(|status| !status.is_terminal()) {
            values.insert(format!(":{status}"), text(&status.to_string()));
        }
        let open: Vec<&str> = values
            .keys()
            .map(String::as_str)
            .filter(|name| *name != ":since")
            .collect();
        let filter = format!(
            "{STATUS} IN ({}) OR (attribute_not_exists({NOTIFIED}) AND job_end_time > :since)",
            open.join(", ")
        );
        // Not the latest of every write: what has begun a moment ago is looked at in an hour.
        let scan = self.client.scan().table_name(&self.table).projection_expression(KEY);
        let mut pages = scan
            .filter_expression(filter)
            .set_expression_attribute_values(Some(values))
            .into_paginator()
            .send();
        let mut jobs = Vec::new();
        let mut count = Pages::of("open runs", MOST_OF_PEOPLE);
        while let Some(page) = pages.next().await {
            count.another()?;
            let page = page.map_err(|error| CallError::from_sdk(&error))?;
            let keys = page
                .items
                .unwrap_or_default()
                .into_iter()
                .filter_map(|mut item| item.remove(KEY));
            jobs.extend(keys.filter_map(|key| match key {
                AttributeValue::S(job) => Some(job),
                _ => None,
            }));
        }
        Ok(jobs)
    }

    async fn get(&self, job: &str) -> Result<Option<RunRecord>, CallError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(KEY, text(job))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| CallError::from_sdk(&error))?;
        answer.item.map(record).transpose()
    }

    async fn advance(&self, job: &str, progress: &Progress) -> Result<bool, CallError> {
        let item: Item = serde_dynamo::to_item(progress).map_err(|error| CallError::Request(error.to_string()))?;
        // Every attribute by a placeholder, as some names may be reserved words of DynamoDB's expressions.
        let set: Vec<String> = item.keys().map(|name| format!("#{name} = :{name}")).collect();
        let placeholders = item.keys().map(|name| (format!("#{name}"), name.clone())).collect();
        let mut values: Vec<(&str, AttributeValue)> = item
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let before: Vec<JobStatus> = JobStatus::ALL
            .into_iter()
            .filter(|status| status.may_become(progress.job_status))
            .collect();
        let names: Vec<String> = before.iter().map(|status| format!("from{status}")).collect();
        for (name, status) in names.iter().zip(&before) {
            values.push((name, text(&status.to_string())));
        }
        let allowed: Vec<String> = names.iter().map(|name| format!(":{name}")).collect();
        let condition = format!("{STATUS} IN ({})", allowed.join(", "));
        self.update(job, &set.join(", "), Some(placeholders), &condition, values)
            .await
    }

    async fn claim_notification(&self, job: &str, now: Timestamp, lease: SignedDuration) -> Result<bool, CallError> {
        let set = format!("{CLAIM} = :now");
        // A claim that lies in the future by more than clocks differ, or that is no number, does not count: waiting until it expires
        // could take for ever.
        let condition = format!(
            "attribute_not_exists({NOTIFIED}) AND (attribute_not_exists({CLAIM}) OR NOT attribute_type({CLAIM}, :number) \
             OR {CLAIM} < :expired OR {CLAIM} > :ahead)"
        );
        let number = |time: Timestamp| AttributeValue::N(time.as_millisecond().to_string());
        let values = vec![
            ("now", number(now)),
            ("expired", number(now - lease)),
            ("ahead", number(now + lease)),
            ("number", text("N")),
        ];
        self.update(job, &set, None, &condition, values).await
    }

    async fn mark_notified(&self, job: &str, now: Timestamp) -> Result<bool, CallError> {
        let set = format!("{NOTIFIED} = :now");
        let condition = format!("attribute_not_exists({NOTIFIED})");
        self.update(job, &set, None, &condition, vec![("now", text(&now.to_string()))])
            .await
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn read(item: Item) -> Result<RunRecord, serde_dynamo::Error> {
    // First without the record around it: serde reads a flattened struct through a buffer, and what is wrong with an attribute would be
    // told in other words.
    let training: Training = serde_dynamo::from_item(item.clone())?;
    let mut record: RunRecord = serde_dynamo::from_item(item)?;
    record.training = training;
    Ok(record)
}

fn record(item: Item) -> Result<RunRecord, CallError> {
    read(item).map_err(|error| {
        let why = escaped(&error.to_string());
        CallError::Request(format!("an item of the table is no record: {why}"))
    })
}

fn is_condition<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error
        .as_service_error()
        .is_some_and(|error| error.code() == Some("ConditionalCheckFailedException"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Everything that a record can hold.
    fn full() -> Value {
        json!({
            "training_job_name": "iris-1", "run_id": "r", "git_hash": "1f0c2ab", "image": "host/iris@sha256:1f",
            "package": "iris", "version": "1.0", "instance_type": "ml.m5.large", "instance_count": 1, "volume_in_gb": 30,
            "max_runtime_seconds": 60, "input_bucket": "iris-input", "input": "s3://iris-input/input/data/training/",
            "output": "s3://iris-output/", "role": "arn:aws:iam::123456789012:role/training",
            "requirements": { "digest": "sha256:1f", "installed": true, "lines": ["numpy==2.1.0"] }, "data_source": "uploaded",
            "channels": ["training"], "input_versions": { "input/data/training/a.csv": "v1" },
            "input_versions_uri": "s3://iris-output/records/iris-1/input-versions.json", "input_digest": "4a0dc92a",
            "input_listed_at": "2026-11-24T04:12:04Z", "input_object_count": 1,
            "hyperparameters": { "max_depth": "3" }, "recorded_at": "2026-11-24T04:12:05Z",
            "training_job_arn": "arn:aws:sagemaker:x", "job_creation_time": "2026-11-24T04:12:06Z",
            "job_end_time": "2026-11-24T04:20:00Z", "job_status": "Failed", "failure_reason": "row 17",
            "metrics": { "accuracy": 0.97 },
            "metric_times": { "accuracy": "2026-11-24T04:19:00Z" }, "artifact": "s3://iris-output/iris-1/output/model.tar.gz",
            "billable_seconds": 61, "training_seconds": 122, "notified_at": "2026-11-24T04:20:01Z",
        })
    }

    /// What the first version of sgbuild wrote.
    fn older() -> Value {
        let first = [
            "training_job_name",
            "run_id",
            "image",
            "instance_type",
            "instance_count",
            "volume_in_gb",
            "max_runtime_seconds",
            "input_bucket",
            "recorded_at",
            "job_status",
        ];
        let full = full();
        let fields = first.map(|name| (name.to_owned(), full[name].clone()));
        Value::Object(fields.into_iter().collect())
    }

    #[test]
    fn a_record_is_written_as_it_was_read() {
        let read: RunRecord = serde_json::from_value(full()).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), full().to_string());
        let read: RunRecord = serde_json::from_value(older()).unwrap();
        insta::assert_snapshot!(
            serde_json::to_string(&read).unwrap(),
            @r#"{"training_job_name":"iris-1","run_id":"r","git_hash":"","image":"host/iris@sha256:1f","instance_type":"ml.m5.large","instance_count":1,"volume_in_gb":30,"max_runtime_seconds":60,"input_bucket":"iris-input","channels":[],"input_object_count":0,"hyperparameters":{},"recorded_at":"2026-11-24T04:12:05Z","job_status":"Failed"}"#
        );
    }

    #[test]
    fn an_item_has_the_same_names_and_values() {
        for json in [full(), older()] {
            let read: RunRecord = serde_json::from_value(json).unwrap();
            let item: Item = serde_dynamo::to_item(&read).unwrap();
            let attributes: Value = serde_dynamo::from_item(item.clone()).unwrap();
            assert_eq!(attributes, json!(read));
            assert_eq!(record(item).unwrap(), read);
        }
    }
}
