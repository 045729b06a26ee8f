//! What S3 tells of objects that were created:
//! [its notification](https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::fields::Fields;

/// An object that was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Created {
    /// Its bucket.
    pub(super) bucket: String,
    /// Its key, decoded.
    pub(super) key: String,
    /// Its version, in a bucket that keeps them.
    pub(super) version: Option<String>,
    /// Its size in bytes.
    pub(super) size: u64,
    /// When that was done.
    pub(super) time: Option<Timestamp>,
    /// Which of the event's records tells of it.
    place: String,
}

impl Created {
    /// `s3://bucket/key`.
    pub(super) fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// What is wrong with a field of its record, such as `s3.bucket.name`.
    pub(super) fn problem(&self, field: &str, what: &str) -> String {
        format!("{}.{field}: {what}", self.place)
    }
}

/// Reads a notification. Each record is read by itself, since what is wrong with one is no reason to drop the others. Records of other
/// events, such as deletions, are left out.
///
/// # Errors
/// It is no notification.
pub(super) fn read(notification: &Value) -> Result<Vec<Result<Created, String>>, String> {
    // S3 sends a test when the notification is set up.
    if notification.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let notification = Fields::of(notification);
    let records = notification.records()?;
    Ok(records.filter_map(|fields| record(&fields).transpose()).collect())
}

fn record(fields: &Fields<'_>) -> Result<Option<Created>, String> {
    fields.must_be("eventSource", "aws:s3")?;
    if !fields.text("eventName")?.starts_with("ObjectCreated:") {
        return Ok(None);
    }
    Ok(Some(Created {
        bucket: fields.text("s3.bucket.name")?.to_owned(),
        key: decoded(fields.text("s3.object.key")?)
            .ok_or_else(|| fields.problem("s3.object.key", "is not UTF-8 when decoded"))?,
        version: fields.optional_text("s3.object.versionId")?.map(ToOwned::to_owned),
        size: fields.optional_number("s3.object.size")?.unwrap_or_default(),
        time: fields.optional_text("eventTime")?.and_then(|time| time.parse().ok()),
        place: fields.place().to_owned(),
    }))
}

/// S3 encodes keys in events as forms do: a blank is `+`.
pub(super) fn decoded(key: &str) -> Option<String> {
    let key = key.replace('+', " ");
    let key = percent_decode_str(&key).decode_utf8().ok()?;
    Some(key.into_owned())
}
