//! The bucket that AWS fetches the program from, and a template that is too long for a request. A stack's functions name an object in it, so
//! it is there before the stack.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use serde_json::json;

use super::{Error, Upload};
use crate::aws::region::partition;
use crate::aws::{CallError, s3};
use crate::progress::Progress;

/// The region whose buckets are created without naming it.
const FIRST_REGION: &str = "us-east-1";
/// How long a signature would be valid that nobody sees.
const UNUSED: Duration = Duration::from_secs(1);

/// Which bucket it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// The account that must own the bucket, twelve digits.
    pub account: String,
    /// The region of the stack; Lambda takes code from buckets of its own region only.
    pub region: String,
    /// A bucket that exists; else one named after account and region is made, and kept as it should be.
    pub bucket: Option<String>,
}

impl BucketSettings {
    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> String {
        let own = || format!("sgbuild-{}-{}", self.account, self.region);
        self.bucket.clone().unwrap_or_else(own)
    }
}

/// The folders of the input bucket, as people look for them in the console: zero-byte objects whose keys end in `/`, which
/// the pipeline does not take for data.
///
/// # Errors
/// A call to S3 failed.
pub async fn make_folders(sdk_config: &SdkConfig, bucket: &str, folders: &[&str]) -> Result<(), Error> {
    let client = client(sdk_config);
    for folder in folders {
        let put = client
            .put_object()
            .bucket(bucket)
            .key(*folder)
            .if_none_match("*")
            .send();
        match put.await.map_err(|error| CallError::from_sdk(&error)) {
            Ok(_) => {}
            Err(failure) if failure.code() == "PreconditionFailed" => {}
            Err(source) => {
                return Err(Error::Call {
                    action: "s3:PutObject",
                    object: format!("{bucket}/{folder}"),
                    source,
                });
            }
        }
    }
    Ok(())
}

/// A client of S3. With an `endpoint_url`, a bucket is named in the path: a service at one address does not answer for a host name for
/// each bucket.
fn client(sdk_config: &SdkConfig) -> Client {
    s3::client(sdk_config)
}

fn plain_client(sdk_config: &SdkConfig) -> Client {
    Client::from_conf(s3::config(sdk_config).use_fips(false).use_dual_stack(false).build())
}

/// The bucket, made sure of.
#[derive(Debug, Clone)]
pub struct CodeBucket {
    client: Client,
    /// For addresses that are told to others: of the region's plain endpoint, whichever this machine prefers.
    plain: Client,
    name: String,
    account: String,
}

impl CodeBucket {
    /// Makes sure of the bucket: it is the account's own, and there. Without a name of the user's it is created where it is missing, and closed.
    ///
    /// # Errors
    /// The bucket is another account's or missing; a call to S3 failed.
    pub async fn open(
        sdk_config: &SdkConfig,
        settings: &BucketSettings,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let bucket = Self {
            client: client(sdk_config),
            plain: plain_client(sdk_config),
            name: settings.name(),
            account: settings.account.clone(),
        };
        match (bucket.exists().await?, &settings.bucket) {
            (true, Some(_)) => {}
            (false, Some(_)) => return Err(Error::BucketMissing { bucket: bucket.name }),
            (exists, None) => {
                if !exists {
                    progress.detail(&format!("creating the bucket {}", bucket.name));
                    bucket.create(settings).await?;
                }
                bucket.harden(settings).await?;
            }
        }
        Ok(bucket)
    }

    /// Makes sure that `upload` is in the bucket, under the key of its content.
    ///
    /// # Errors
    /// A call to S3 failed.
    pub async fn put(&self, upload: &Upload<'_>, progress: &dyn Progress) -> Result<(), Error> {
        let key = &upload.key;
        let head = self.client.head_object().bucket(&self.name).key(key);
        let head = head.expected_bucket_owner(&self.account).send().await;
        let length = head.ok().and_then(|object| object.content_length());
        // The key has the digest of the content, so an object of this key is the one that is meant.
        if length == i64::try_from(upload.bytes.len()).ok() {
            progress.detail(&format!("s3://{}/{key} is there already", self.name));
            return Ok(());
        }
        let request = self.client.put_object().bucket(&self.name).key(key);
        let put = request
            .expected_bucket_owner(&self.account)
            .content_type(upload.content_type)
            .body(ByteStream::from(upload.bytes.to_vec()))
            .send()
            .await;
        put.map_err(|error| self.failed("s3:PutObject", CallError::from_sdk(&error)))?;
        progress.detail(&format!("s3://{}/{key} uploaded", self.name));
        Ok(())
    }

    /// Copies what was [`put`](Self::put) to the key that always has the latest.
    ///
    /// # Errors
    /// A call to S3 failed.
    pub async fn make_latest(&self, upload: &Upload<'_>) -> Result<(), Error> {
        let request = self
            .client
            .copy_object()
            .bucket(&self.name)
            .key(&upload.latest_key)
            .copy_source(format!("{}/{}", self.name, upload.key))
            .expected_bucket_owner(&self.account)
            .expected_source_bucket_owner(&self.account);
        let copied = request.send().await;
        copied
            .map(drop)
            .map_err(|error| self.failed("s3:PutObject", CallError::from_sdk(&error)))
    }

    /// The object's address as CloudFormation takes it, `https://bucket.s3.region.amazonaws.com/key`: the SDK's rules know the domain of each
    /// region ([`TemplateURL`](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html)). It is no
    /// pre-signed one: whoever uses it must be allowed to read the object.
    ///
    /// # Errors
    /// There are no credentials, or the region has no endpoint.
    pub async fn url(&self, key: &str) -> Result<String, Error> {
        let request = self.plain.get_object().bucket(&self.name).key(key);
        let unused = PresigningConfig::expires_in(UNUSED).map_err(|error| CallError::Request(error.to_string()));
        let unused = unused.map_err(|source| self.failed("s3:GetObject", source))?;
        let signed = request.presigned(unused).await;
        let signed = signed.map_err(|error| self.failed("s3:GetObject", CallError::from_sdk(&error)))?;
        let address = signed.uri().split('?').next().unwrap_or_default();
        Ok(address.to_owned())
    }

    fn failed(&self, action: &'static str, source: CallError) -> Error {
        Error::Call {
            action,
            object: self.name.clone(),
            source,
        }
    }

    /// Whether the bucket exists. The name of a bucket may be taken by any account in the world, and the program must not go to a
    /// stranger's: a bucket of another account is refused.
    async fn exists(&self) -> Result<bool, Error> {
        let head = self
            .client
            .head_bucket()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account);
        match head.send().await.map_err(|error| CallError::from_sdk(&error)) {
            Ok(_) => Ok(true),
            Err(CallError::Service { status: 404, .. }) => Ok(false),
            Err(CallError::Service { status: 403, .. }) => Err(Error::BucketTaken {
                bucket: self.name.clone(),
            }),
            Err(failure) => Err(self.failed("s3:ListBucket", failure)),
        }
    }

    async fn create(&self, settings: &BucketSettings) -> Result<(), Error> {
        let place = (settings.region != FIRST_REGION).then(|| {
            let region = BucketLocationConstraint::from(settings.region.as_str());
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let request = self.client.create_bucket().bucket(&self.name);
        let created = request.set_create_bucket_configuration(place).send().await;
        match created.map_err(|error| CallError::from_sdk(&error)) {
            Ok(_) => Ok(()),
            // Another launch in this account was faster.
            Err(failure) if failure.code() == "BucketAlreadyOwnedByYou" => Ok(()),
            Err(failure) if failure.code() == "BucketAlreadyExists" => Err(Error::BucketTaken {
                bucket: self.name.clone(),
            }),
            Err(failure) => Err(self.failed("s3:CreateBucket", failure)),
        }
    }

    /// Nothing is public, everything is encrypted, at rest and on its way, and every version is kept: whoever can change the program in
    /// this bucket can do what the pipeline's roles may do.
    async fn harden(&self, settings: &BucketSettings) -> Result<(), Error> {
        let closed = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .block_public_policy(true)
            .ignore_public_acls(true)
            .restrict_public_buckets(true)
            .build();
        let request = self.client.put_public_access_block().bucket(&self.name);
        let done = request.public_access_block_configuration(closed).send().await;
        done.map_err(|error| self.failed("s3:PutBucketPublicAccessBlock", CallError::from_sdk(&error)))?;

        let request = self.client.put_bucket_ownership_controls().bucket(&self.name);
        let done = request.set_ownership_controls(ownership()).send().await;
        done.map_err(|error| self.failed("s3:PutBucketOwnershipControls", CallError::from_sdk(&error)))?;

        let request = self.client.put_bucket_encryption().bucket(&self.name);
        let done = request
            .set_server_side_encryption_configuration(encryption())
            .send()
            .await;
        done.map_err(|error| self.failed("s3:PutEncryptionConfiguration", CallError::from_sdk(&error)))?;

        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
        let request = self.client.put_bucket_versioning().bucket(&self.name);
        let done = request.versioning_configuration(enabled.build()).send().await;
        done.map_err(|error| self.failed("s3:PutBucketVersioning", CallError::from_sdk(&error)))?;

        let request = self.client.put_bucket_policy().bucket(&self.name);
        let done = request.policy(tls_only(&self.name, &settings.region)).send().await;
        done.map(|_| ())
            .map_err(|error| self.failed("s3:PutBucketPolicy", CallError::from_sdk(&error)))
    }
}

fn ownership() -> Option<OwnershipControls> {
    let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced);
    OwnershipControls::builder().rules(rule.build().ok()?).build().ok()
}

fn encryption() -> Option<ServerSideEncryptionConfiguration> {
    let aes = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(aes.build().ok()?);
    ServerSideEncryptionConfiguration::builder()
        .rules(rule.build())
        .build()
        .ok()
}

fn tls_only(bucket: &str, region: &str) -> String {
    let arn = format!("arn:{}:s3:::{bucket}", partition(region));
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};

    use super::*;

    fn of(region: &str) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .http_client(crate::aws::http_client())
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    async fn url(sdk_config: &SdkConfig) -> String {
        let bucket = CodeBucket {
            client: client(sdk_config),
            plain: plain_client(sdk_config),
            name: "code".to_owned(),
            account: "123456789012".to_owned(),
        };
        bucket.url("sgbuild/0.template").await.unwrap()
    }

    #[tokio::test]
    async fn an_objects_address_is_that_of_its_region() {
        for (region, domain) in [
            ("us-east-1", "s3.us-east-1.amazonaws.com"),
            ("eu-west-1", "s3.eu-west-1.amazonaws.com"),
            ("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "s3.eusc-de-east-1.amazonaws.eu"),
        ] {
            let expected = format!("https://code.{domain}/sgbuild/0.template");
            assert_eq!(url(&of(region)).await, expected);
            // CloudFormation is told of the plain endpoint, whichever this machine prefers.
            let preferring = of(region).into_builder().use_fips(true).use_dual_stack(true).build();
            assert_eq!(url(&preferring).await, expected);
        }
        let emulated = of("eu-west-1")
            .into_builder()
            .endpoint_url("http://127.0.0.1:1")
            .build();
        assert_eq!(url(&emulated).await, "http://127.0.0.1:1/code/sgbuild/0.template");
    }
}
