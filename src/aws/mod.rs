//! What every use of AWS has in common: the configuration of its clients, regions, and how a call can fail.

mod answers;
mod failure;
mod pages;
pub(crate) mod region;
pub(crate) mod s3;

pub use answers::http_client;
pub use failure::{CallError, Kind};
pub(crate) use failure::{Refusal, credentials_error};
pub(crate) use pages::{MOST, MOST_OF_PEOPLE, Pages};

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

/// How long AWS may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to answer a request, the upload of this program among them.
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// Whether this is the id of an AWS account: twelve digits.
#[must_use]
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
}

/// What every AWS client is made of: credentials and region as the environment, the profile files, or the role of the container
/// or machine have them, with `region` over theirs; and answers that are bounded in time and length.
pub async fn configuration(region: Option<&str>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .http_client(http_client());
    if let Ok(name) = AppName::new(concat!("sgbuild-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    loader.load().await
}
