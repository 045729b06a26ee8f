//! Image registries: credentials, Amazon ECR, and a small client for the
//! [distribution API](https://distribution.github.io/distribution/spec/api/).

pub mod auth;
pub mod client;
mod credentials;
pub mod ecr;
#[cfg(test)]
pub(crate) mod scripted;

pub use credentials::Credentials;
