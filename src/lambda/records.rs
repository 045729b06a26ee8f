//! The metadata table.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

use crate::record::{JobStatus, KEY, Progress, RunRecord};
use crate::shown::escaped;
use crate::training::call::CallError;

/// When somebody began to announce the end of a run: milliseconds since 1970.
const CLAIM: &str = "notification_claimed_ms";
/// When its end was announced.
const NOTIFIED: &str = "notified_at";
const STATUS: &str = "job_status";

type Item = HashMap<String, AttributeValue>;

/// What the functions do with the records. Every write is conditional: events repeat, come late, and out of order.
#[async_trait]
pub trait Records: Send + Sync {
    /// Writes the record, unless there is one with its key: then answers with that one.
    async fn create(&self, record: &RunRecord) -> Result<Option<RunRecord>, CallError>;

    /// The record of a job.
    async fn get(&self, job: &str) -> Result<Option<RunRecord>, CallError>;

    /// Writes what became known, if the record may come to that status ([`JobStatus::may_become`]). Answers whether it did.
    async fn advance(&self, job: &str, progress: &Progress) -> Result<bool, CallError>;

    /// Takes the right to announce the end of a run for the time of `lease`, unless it has been announced, or somebody took
    /// that right less than `lease` ago. Answers whether it is ours.
    async fn claim_notification(&self, job: &str, now: Timestamp, lease: SignedDuration) -> Result<bool, CallError>;

    /// The end of the run has been announced.
    async fn mark_notified(&self, job: &str, now: Timestamp) -> Result<(), CallError>;
}

/// What a table holds: others may write to it, too.
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
        match serde_dynamo::from_item(item) {
            Ok(record) => self.records.push(record),
            Err(error) => self.unreadable.push((key, error.to_string())),
        }
    }
}

/// The real ones.
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
        while let Some(page) = pages.next().await {
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
                self.get(&record.training_job_name).await
            }
            Err(error) => Err(CallError::from_sdk(&error)),
        }
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
        // Every name by a placeholder: some, such as `metrics`, are words of DynamoDB's own.
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
        // A claim that lies farther ahead than clocks differ, or that is no time, is nobody's: waiting for it to run out could
        // take for ever.
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

    async fn mark_notified(&self, job: &str, now: Timestamp) -> Result<(), CallError> {
        let set = format!("{NOTIFIED} = :now");
        let condition = format!("attribute_not_exists({NOTIFIED})");
        self.update(job, &set, None, &condition, vec![("now", text(&now.to_string()))])
            .await
            .map(drop)
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn record(item: Item) -> Result<RunRecord, CallError> {
    serde_dynamo::from_item(item).map_err(|error: serde_dynamo::Error| {
        let why = escaped(&error.to_string());
        CallError::Request(format!("an item of the table is no record: {why}"))
    })
}

fn is_condition<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error
        .as_service_error()
        .is_some_and(|error| error.code() == Some("ConditionalCheckFailedException"))
}
