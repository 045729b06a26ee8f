//! Objects in S3: the data that a data scientist uploads, and the synthetic data that stands in for it.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, EncodingType};
use url::form_urlencoded::byte_serialize;

use crate::aws::{CallError, s3};

use super::created::decoded;

/// The metadata by which an object is known to be a copy of the synthetic data: it must not start the pipeline again.
const ORIGIN: &str = "sgbuild-origin";
/// The value of [`ORIGIN`].
const SYNTHETIC: &str = "synthetic";

/// `CopyObject` takes no more: [copying objects](https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
const LARGEST_COPY: u64 = 5 * 1024 * 1024 * 1024;
/// A part of a larger copy: at most 10,000 of them make the largest object of 5 TiB, each well below a part's limit.
const PART: u64 = 1024 * 1024 * 1024;

/// How long to wait before a conditional write that met another one is tried again.
const CONFLICT_PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1600),
    Duration::from_millis(6400),
];

/// The latest version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its version; `null` in a bucket that keeps none.
    pub version: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, milliseconds since 1970.
    pub modified_ms: i64,
}

/// An object's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its version; `null` in a bucket that keeps none.
    pub version: String,
}

/// What the functions do with objects.
#[async_trait]
pub trait Objects: Send + Sync {
    /// The content of an object, at most `limit` bytes and one more (which shows that there are more), or `None` where there
    /// is no such object.
    async fn get(&self, bucket: &str, key: &str, limit: usize) -> Result<Option<Content>, CallError>;

    /// The latest versions of all objects whose keys begin with `prefix`, deleted ones left out, in the order of keys.
    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, CallError>;

    /// Copies an object within S3, marked with [`ORIGIN`]; an object that is there by now is left as it is.
    async fn copy_synthetic(&self, from: (&str, &Object), to: (&str, &str)) -> Result<(), CallError>;

    /// Deletes a copy of synthetic data; what somebody has put in its place by now is left as it is.
    async fn remove_synthetic(&self, bucket: &str, object: &Object) -> Result<(), CallError>;

    /// Whether an object is a copy of synthetic data, by its metadata [`ORIGIN`].
    async fn is_synthetic(&self, bucket: &str, object: &Object) -> Result<bool, CallError>;

    /// Writes a JSON object.
    async fn put_json(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), CallError>;
}

/// The objects of S3.
#[derive(Debug, Clone)]
pub struct S3 {
    client: aws_sdk_s3::Client,
    largest_copy: u64,
    part: u64,
}

impl S3 {
    /// With credentials, region and endpoint of `sdk_config`.
    ///
    /// Of the configuration's region.
    #[must_use]
    pub fn new(sdk_config: &SdkConfig) -> Self {
        Self::with_parts(sdk_config, LARGEST_COPY, PART)
    }

    /// The same, with objects larger than `largest_copy` copied in parts of `part` bytes (5 MiB or more).
    #[must_use]
    pub fn with_parts(sdk_config: &SdkConfig, largest_copy: u64, part: u64) -> Self {
        Self {
            client: s3::client(sdk_config),
            largest_copy,
            part,
        }
    }

    async fn copy_whole(&self, source: &str, bucket: &str, key: &str) -> Result<(), CallError> {
        let copied = self
            .client
            .copy_object()
            .copy_source(source)
            .bucket(bucket)
            .key(key)
            .metadata_directive(aws_sdk_s3::types::MetadataDirective::Replace)
            .metadata(ORIGIN, SYNTHETIC)
            .if_none_match("*")
            .send()
            .await;
        copied.map(drop).map_err(|error| CallError::from_sdk(&error))
    }

    async fn copy_in_parts(&self, source: &str, size: u64, bucket: &str, key: &str) -> Result<(), CallError> {
        let upload = self
            .client
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .metadata(ORIGIN, SYNTHETIC)
            .send()
            .await
            .map_err(|error| CallError::from_sdk(&error))?;
        let upload = upload.upload_id().unwrap_or_default();
        let copied = self.copy_parts(source, size, (bucket, key, upload)).await;
        if copied.is_err() {
            // Parts of an upload that is never completed are paid for until the bucket's lifecycle removes them: also those of one that
            // came second, and lost. Should this fail too, the error that came first is told.
            let abort = self.client.abort_multipart_upload().bucket(bucket).key(key);
            let _ = abort.upload_id(upload).send().await;
        }
        copied
    }

    async fn copy_parts(&self, source: &str, size: u64, to: (&str, &str, &str)) -> Result<(), CallError> {
        let (bucket, key, upload) = to;
        let mut parts = Vec::new();
        for (number, start) in (1..).zip((0..size).step_by(usize::try_from(self.part).unwrap_or(usize::MAX))) {
            let end = (start + self.part).min(size) - 1;
            let part = self
                .client
                .upload_part_copy()
                .bucket(bucket)
                .key(key)
                .upload_id(upload)
                .part_number(number)
                .copy_source(source)
                .copy_source_range(format!("bytes={start}-{end}"))
                .send()
                .await
                .map_err(|error| CallError::from_sdk(&error))?;
            let tag = part.copy_part_result().and_then(|result| result.e_tag());
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(tag.map(ToOwned::to_owned))
                    .build(),
            );
        }
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(bucket)
            .key(key)
            .upload_id(upload)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .if_none_match("*")
            .send()
            .await;
        completed.map(drop).map_err(|error| CallError::from_sdk(&error))
    }

    async fn copy(&self, from: (&str, &Object), to: (&str, &str)) -> Result<(), CallError> {
        let source = copy_source(from.0, from.1);
        if from.1.size > self.largest_copy {
            self.copy_in_parts(&source, from.1.size, to.0, to.1).await
        } else {
            self.copy_whole(&source, to.0, to.1).await
        }
    }

    async fn delete_if(&self, bucket: &str, key: &str, tag: &str) -> Result<(), CallError> {
        let deleted = self.client.delete_object().bucket(bucket).key(key).if_match(tag);
        let deleted = deleted.send().await;
        deleted.map(drop).map_err(|error| CallError::from_sdk(&error))
    }
}

#[async_trait]
impl Objects for S3 {
    async fn get(&self, bucket: &str, key: &str, limit: usize) -> Result<Option<Content>, CallError> {
        let request = self.client.get_object().bucket(bucket).key(key);
        // Answers are read whole: of a larger object, no more than that is asked for.
        let asked = request.clone().range(format!("bytes=0-{limit}")).send().await;
        let answer = match asked {
            // An empty object has no first byte.
            Err(error) if error.code() == Some("InvalidRange") => request.send().await,
            answer => answer,
        };
        let object = match answer {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
            Err(error) => return Err(CallError::from_sdk(&error)),
        };
        let version = object.version_id().unwrap_or("null").to_owned();
        let mut body = object.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| CallError::Unreachable(error.to_string()))?);
            if bytes.len() > limit {
                bytes.truncate(limit + 1);
                break;
            }
        }
        Ok(Some(Content { bytes, version }))
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, CallError> {
        let mut objects = Vec::new();
        let (mut next_key, mut next_version) = (None, None);
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(bucket)
                .prefix(prefix)
                // A key may hold characters that XML cannot.
                .encoding_type(EncodingType::Url)
                .set_key_marker(next_key)
                .set_version_id_marker(next_version)
                .send()
                .await
                .map_err(|error| CallError::from_sdk(&error))?;
            let encoded = page.encoding_type() == Some(&EncodingType::Url);
            let latest = page
                .versions()
                .iter()
                .filter(|version| version.is_latest() == Some(true));
            objects.extend(latest.filter_map(|version| {
                Some(Object {
                    key: listed_key(version.key()?, encoded)?,
                    version: version.version_id().unwrap_or("null").to_owned(),
                    modified_ms: version
                        .last_modified()
                        .and_then(|time| time.to_millis().ok())
                        .unwrap_or_default(),
                    size: version
                        .size()
                        .and_then(|size| u64::try_from(size).ok())
                        .unwrap_or_default(),
                })
            }));
            if page.is_truncated() != Some(true) {
                return Ok(objects);
            }
            next_key = page.next_key_marker().and_then(|key| listed_key(key, encoded));
            next_version = page.next_version_id_marker().map(ToOwned::to_owned);
            if next_key.is_none() {
                // Without a place to go on from, the first page would come again and again.
                return Err(CallError::Request("S3 does not say where its list goes on".to_owned()));
            }
        }
    }

    async fn copy_synthetic(&self, from: (&str, &Object), to: (&str, &str)) -> Result<(), CallError> {
        unless_changed(without_conflict(|| self.copy(from, to)).await)
    }

    async fn remove_synthetic(&self, bucket: &str, object: &Object) -> Result<(), CallError> {
        let head = self.client.head_object().bucket(bucket).key(&object.key).send().await;
        let head = match head.map_err(|error| CallError::from_sdk(&error)) {
            Ok(head) => head,
            Err(CallError::Service { status: 404, .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_that_one = head.version_id().unwrap_or("null") == object.version;
        let Some(tag) = head.e_tag().filter(|_| is_that_one && says_synthetic(head.metadata())) else {
            return Ok(());
        };
        // A delete marker in a bucket with versions: what was trained on can still be read. The condition is for an upload that comes in
        // between, as the marker would hide it.
        unless_changed(without_conflict(|| self.delete_if(bucket, &object.key, tag)).await)
    }

    async fn is_synthetic(&self, bucket: &str, object: &Object) -> Result<bool, CallError> {
        let version = Some(object.version.clone()).filter(|version| version != "null");
        let head = self.client.head_object().bucket(bucket).key(&object.key);
        let head = head.set_version_id(version).send().await;
        let head = head.map_err(|error| CallError::from_sdk(&error))?;
        Ok(says_synthetic(head.metadata()))
    }

    async fn put_json(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), CallError> {
        let put = self
            .client
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type("application/json")
            .body(ByteStream::from(bytes))
            .send()
            .await;
        put.map(drop).map_err(|error| CallError::from_sdk(&error))
    }
}

/// A key as a list has it: encoded as forms are, where that was asked for and granted.
fn listed_key(key: &str, encoded: bool) -> Option<String> {
    if encoded { decoded(key) } else { Some(key.to_owned()) }
}

/// The header's value: the key percent-encoded, its slashes kept.
fn copy_source(bucket: &str, object: &Object) -> String {
    let key: Vec<String> = object
        .key
        .split('/')
        .map(|part| byte_serialize(part.as_bytes()).collect::<String>().replace('+', "%20"))
        .collect();
    let key = key.join("/");
    match object.version.as_str() {
        "null" => format!("{bucket}/{key}"),
        version => format!("{bucket}/{key}?versionId={version}"),
    }
}

fn says_synthetic(metadata: Option<&HashMap<String, String>>) -> bool {
    let origin = metadata.and_then(|metadata| metadata.get(ORIGIN));
    origin.is_some_and(|origin| origin == SYNTHETIC)
}

/// A conditional write whose condition does not hold has nothing left to do: the object is there already, was replaced, or is gone.
fn unless_changed(outcome: Result<(), CallError>) -> Result<(), CallError> {
    match outcome {
        Err(error) if ["PreconditionFailed", "NoSuchKey"].contains(&error.code()) => Ok(()),
        outcome => outcome,
    }
}

/// Makes a conditional write, as often as S3 answers 409: another one was under way, and
/// [the whole write is to be made again](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). Only then S3
/// says whether the condition holds.
async fn without_conflict<F>(write: impl Fn() -> F) -> Result<(), CallError>
where
    F: Future<Output = Result<(), CallError>>,
{
    for pause in CONFLICT_PAUSES {
        match write().await {
            Err(error) if error.is_conflict() => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
    }
    write().await
}

#[cfg(test)]
mod tests;
