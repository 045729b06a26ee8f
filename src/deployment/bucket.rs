//! The bucket that AWS fetches the program from. A stack's functions name an object in it, so it is there before the stack.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use serde_json::json;

use super::{DeploymentPackage, Error};
use crate::aws::CallError;
use crate::aws::region::partition;
use crate::progress::Progress;

/// The region whose buckets are created without naming it.
const FIRST_REGION: &str = "us-east-1";

/// Where the program is, or goes.
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

/// Makes sure of the bucket, and that the program is in it. Answers with the bucket's name.
///
/// # Errors
/// The bucket is another account's or missing; a call to S3 failed.
pub async fn upload(
    sdk_config: &SdkConfig,
    settings: &BucketSettings,
    package: &DeploymentPackage,
    progress: &dyn Progress,
) -> Result<String, Error> {
    let store = Store::new(sdk_config, settings);
    match (store.exists().await?, &settings.bucket) {
        (true, Some(_)) => {}
        (false, Some(_)) => return Err(Error::BucketMissing { bucket: store.bucket }),
        (exists, None) => {
            if !exists {
                progress.detail(&format!("creating the bucket {}", store.bucket));
                store.create(settings).await?;
            }
            store.harden(settings).await?;
        }
    }
    store.put(package, progress).await?;
    Ok(store.bucket)
}

/// Copies a program that was uploaded to where the template looks for the latest.
///
/// # Errors
/// A call to S3 failed.
pub async fn make_latest(
    sdk_config: &SdkConfig,
    settings: &BucketSettings,
    package: &DeploymentPackage,
) -> Result<(), Error> {
    let store = Store::new(sdk_config, settings);
    let request = store
        .client
        .copy_object()
        .bucket(&store.bucket)
        .key(package.latest_key());
    let copied = request
        .copy_source(format!("{}/{}", store.bucket, package.key()))
        .expected_bucket_owner(&store.account)
        .expected_source_bucket_owner(&store.account)
        .send()
        .await;
    copied
        .map(|_| ())
        .map_err(|error| store.failed("s3:PutObject", CallError::from_sdk(&error)))
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
    let config = aws_sdk_s3::config::Builder::from(sdk_config).force_path_style(sdk_config.endpoint_url().is_some());
    Client::from_conf(config.build())
}

struct Store {
    client: Client,
    bucket: String,
    account: String,
}

impl Store {
    fn new(sdk_config: &SdkConfig, settings: &BucketSettings) -> Self {
        Self {
            client: client(sdk_config),
            bucket: settings.name(),
            account: settings.account.clone(),
        }
    }

    fn failed(&self, action: &'static str, source: CallError) -> Error {
        Error::Call {
            action,
            object: self.bucket.clone(),
            source,
        }
    }

    /// Whether the bucket exists. The name of a bucket may be taken by any account in the world, and the program must not go to a
    /// stranger's: a bucket of another account is refused.
    async fn exists(&self) -> Result<bool, Error> {
        let head = self
            .client
            .head_bucket()
            .bucket(&self.bucket)
            .expected_bucket_owner(&self.account);
        match head.send().await.map_err(|error| CallError::from_sdk(&error)) {
            Ok(_) => Ok(true),
            Err(CallError::Service { status: 404, .. }) => Ok(false),
            Err(CallError::Service { status: 403, .. }) => Err(Error::BucketTaken {
                bucket: self.bucket.clone(),
            }),
            Err(failure) => Err(self.failed("s3:ListBucket", failure)),
        }
    }

    async fn create(&self, settings: &BucketSettings) -> Result<(), Error> {
        let place = (settings.region != FIRST_REGION).then(|| {
            let region = BucketLocationConstraint::from(settings.region.as_str());
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let request = self.client.create_bucket().bucket(&self.bucket);
        let created = request.set_create_bucket_configuration(place).send().await;
        match created.map_err(|error| CallError::from_sdk(&error)) {
            Ok(_) => Ok(()),
            // Another launch in this account was faster.
            Err(failure) if failure.code() == "BucketAlreadyOwnedByYou" => Ok(()),
            Err(failure) if failure.code() == "BucketAlreadyExists" => Err(Error::BucketTaken {
                bucket: self.bucket.clone(),
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
        let request = self.client.put_public_access_block().bucket(&self.bucket);
        let done = request.public_access_block_configuration(closed).send().await;
        done.map_err(|error| self.failed("s3:PutBucketPublicAccessBlock", CallError::from_sdk(&error)))?;

        let request = self.client.put_bucket_ownership_controls().bucket(&self.bucket);
        let done = request.set_ownership_controls(ownership()).send().await;
        done.map_err(|error| self.failed("s3:PutBucketOwnershipControls", CallError::from_sdk(&error)))?;

        let request = self.client.put_bucket_encryption().bucket(&self.bucket);
        let done = request
            .set_server_side_encryption_configuration(encryption())
            .send()
            .await;
        done.map_err(|error| self.failed("s3:PutEncryptionConfiguration", CallError::from_sdk(&error)))?;

        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
        let request = self.client.put_bucket_versioning().bucket(&self.bucket);
        let done = request.versioning_configuration(enabled.build()).send().await;
        done.map_err(|error| self.failed("s3:PutBucketVersioning", CallError::from_sdk(&error)))?;

        let request = self.client.put_bucket_policy().bucket(&self.bucket);
        let done = request.policy(tls_only(&self.bucket, &settings.region)).send().await;
        done.map(|_| ())
            .map_err(|error| self.failed("s3:PutBucketPolicy", CallError::from_sdk(&error)))
    }

    async fn put(&self, package: &DeploymentPackage, progress: &dyn Progress) -> Result<(), Error> {
        let key = package.key();
        let head = self.client.head_object().bucket(&self.bucket).key(&key);
        let head = head.expected_bucket_owner(&self.account).send().await;
        let length = head.ok().and_then(|object| object.content_length());
        // The key has the digest of the content, so an object of this key is the program.
        if length == i64::try_from(package.packed).ok() {
            progress.detail(&format!("s3://{}/{key} is there already", self.bucket));
            return Ok(());
        }
        let request = self.client.put_object().bucket(&self.bucket).key(&key);
        let put = request
            .expected_bucket_owner(&self.account)
            .content_type("application/zip")
            .body(ByteStream::from(package.zip.clone()))
            .send()
            .await;
        put.map_err(|error| self.failed("s3:PutObject", CallError::from_sdk(&error)))?;
        progress.detail(&format!("s3://{}/{key} uploaded", self.bucket));
        Ok(())
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
