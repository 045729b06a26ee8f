//! Image registries: credentials, Amazon ECR, and a small client for the
//! [distribution API](https://distribution.github.io/distribution/spec/api/).

pub mod auth;
pub mod client;
mod credentials;
pub mod ecr;
#[cfg(test)]
pub(crate) mod scripted;

pub use credentials::Credentials;

use std::error::Error as StdError;

use crate::explain::chain;
use crate::secret::without_url_credentials;

/// The error and its causes in one line, each said once, without credentials.
fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for text in chain(error).map(ToString::to_string) {
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    without_url_credentials(&parts.join(": "))
}

/// The innermost cause of a failed connection, such as `Connection refused (os error 111)`: what is around it names layers of
/// software that the user has no hand in.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let innermost = chain(error).last().unwrap_or(error);
    without_url_credentials(&innermost.to_string())
}
