//! Image registries: references, credentials, Amazon ECR, and a small client for the
//! [distribution API](https://distribution.github.io/distribution/spec/api/).

pub mod auth;
pub mod client;
pub mod ecr;
pub mod reference;

pub use auth::Credentials;
pub use reference::{Reference, Repository};
