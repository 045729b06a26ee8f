//! The bucket that a data scientist uploads to.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::operation::get_object::GetObjectError;

use crate::training::call::CallError;

/// What the training Lambda reads from the input bucket.
#[async_trait]
pub trait InputBucket: Send + Sync {
    /// The bytes of an object, at most `limit` and one more (which shows that there are more), or `None` where there is no
    /// such object.
    async fn get(&self, bucket: &str, key: &str, limit: usize) -> Result<Option<Vec<u8>>, CallError>;
}

/// The real one.
#[derive(Debug, Clone)]
pub struct S3(aws_sdk_s3::Client);

impl S3 {
    /// With credentials, region and endpoint of `sdk_config`.
    ///
    /// An `endpoint_url` in it means a service at one host, which cannot answer for a host name a bucket: paths are used.
    #[must_use]
    pub fn new(sdk_config: &SdkConfig) -> Self {
        let config = aws_sdk_s3::config::Builder::from(sdk_config)
            .force_path_style(sdk_config.endpoint_url().is_some())
            .build();
        Self(aws_sdk_s3::Client::from_conf(config))
    }
}

#[async_trait]
impl InputBucket for S3 {
    async fn get(&self, bucket: &str, key: &str, limit: usize) -> Result<Option<Vec<u8>>, CallError> {
        let object = match self.0.get_object().bucket(bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
            Err(error) => return Err(CallError::from_sdk(&error)),
        };
        let mut body = object.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| CallError::Unreachable(error.to_string()))?);
            if bytes.len() > limit {
                bytes.truncate(limit + 1);
                break;
            }
        }
        Ok(Some(bytes))
    }
}
