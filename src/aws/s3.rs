//! How every client of S3 is made, and what an address of S3 names.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;

/// A client's configuration. An `endpoint_url` means a service at one host, such as an emulator or a company's own, which cannot answer for
/// a host name a bucket: paths are used.
pub(crate) fn config(sdk_config: &SdkConfig) -> Builder {
    Builder::from(sdk_config).force_path_style(sdk_config.endpoint_url().is_some())
}

/// A client of the configuration's region.
pub(crate) fn client(sdk_config: &SdkConfig) -> Client {
    Client::from_conf(config(sdk_config).build())
}

/// The bucket and the key, or its beginning, that `s3://bucket/key` names; the key is empty where there is none.
pub(crate) fn bucket_and_key(uri: &str) -> (&str, &str) {
    let path = uri.strip_prefix("s3://").unwrap_or(uri);
    path.split_once('/').unwrap_or((path, ""))
}
