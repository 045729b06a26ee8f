//! `BuiltImage ─▶ PushedImage`: the push, verified by what the registry answers.

use serde::{Deserialize, Serialize};

/// An image that a registry confirmed to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedImage {
    /// `host/path` without tag or digest.
    pub repository: String,
    /// The manifest's digest as the registry reports it, `sha256:…`.
    pub digest: String,
    /// The tags that point at it.
    pub tags: Vec<String>,
    /// The manifest's media type; SageMaker wants Docker v2 schema 2.
    pub media_type: String,
    /// The digest of the image config: equals the built image's id.
    pub config_digest: String,
    /// Compressed size of all layers in bytes.
    pub size: u64,
}

impl PushedImage {
    /// `repository@digest`: what is printed and trained.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}
