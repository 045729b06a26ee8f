//! Image references: `host/path:tag@digest`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A repository: a registry host and a path in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repository {
    /// `host` or `host:port`; Docker Hub is `docker.io`.
    pub host: String,
    /// Such as `library/python` or `iris-classifier`.
    pub path: String,
}

/// A repository with an optional tag and an optional digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// Where the image lives.
    pub repository: Repository,
    /// Such as `3.11-slim`.
    pub tag: Option<String>,
    /// `sha256:…`.
    pub digest: Option<String>,
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}
