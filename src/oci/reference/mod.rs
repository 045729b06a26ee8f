//! Image references, `host/path:tag@digest`, by the grammar of
//! [distribution/reference](https://github.com/distribution/reference/blob/main/reference.go), with Docker Hub's short forms.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod grammar;

use super::Digest;
use crate::explain::{Advice, Code, Explain, Fault};
use grammar::{check_host, check_path, check_tag, split_port};

/// Docker Hub, as references name it.
pub const DOCKER_HUB: &str = "docker.io";

/// The longest repository name, host included, in characters.
const MAX_NAME: usize = 255;
/// The longest tag in characters.
pub(super) const MAX_TAG: usize = 128;

/// A repository: a registry host and a path in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository {
    /// `host` or `host:port`; Docker Hub is `docker.io`.
    pub host: String,
    /// Such as `library/python` or `iris-classifier`.
    pub path: String,
}

/// A repository with an optional tag and an optional digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub struct Reference {
    /// Where the image lives.
    pub repository: Repository,
    /// Such as `3.11-slim`.
    pub tag: Option<String>,
    /// The digest of the image's manifest.
    pub digest: Option<Digest>,
}

/// Why a text is not an image reference, or a name gives none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text does not follow the grammar.
    #[error("`{text}` is not an image reference: {reason}")]
    Reference {
        /// The text as given.
        text: String,
        /// Which part of it, and what that part may be.
        reason: String,
    },
    /// The text names an image where a repository is wanted.
    #[error("`{text}` is not a repository: it carries the {part} `{value}`")]
    NotARepository {
        /// The text as given.
        text: String,
        /// `tag` or `digest`.
        part: &'static str,
        /// The superfluous part.
        value: String,
    },
    /// A tag outside the grammar.
    #[error("`{tag}` is not an image tag: {reason}")]
    Tag {
        /// The tag as given.
        tag: String,
        /// What a tag may be.
        reason: String,
    },
    /// A package name of which no ECR repository name can be made.
    #[error("no ECR repository name can be made of the package name `{name}`: {reason}")]
    PackageName {
        /// The package's name.
        name: String,
        /// What is in the way.
        reason: String,
    },
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Reference { .. } | Self::NotARepository { .. } | Self::Tag { .. } | Self::PackageName { .. } => {
                Code::ImageNameInvalid
            }
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Reference { text, .. } if text.contains("://") => {
                Fault::Usage.hint("Leave out the scheme: write `registry.example.com/team/image`.")
            }
            Self::Reference { text, .. } if text.chars().any(|c| c.is_ascii_uppercase()) => {
                Fault::Usage.hint("Repository names are lower-case; only tags may hold capitals.")
            }
            Self::Reference { .. } => Fault::Usage.alone(),
            Self::NotARepository { .. } => Fault::Usage.hint("Give the repository alone, and tags with `--tag`."),
            Self::Tag { .. } => {
                Fault::Usage.hint("Use letters, digits, `_`, `.` and `-`; a PEP 440 `+` becomes `-` in a tag.")
            }
            Self::PackageName { .. } => Fault::User.hint("Name the repository with `--repository`."),
        }
    }
}

impl Repository {
    /// Parses `host/path`, with Docker Hub's short forms (`python` is `docker.io/library/python`). Pure text: nothing is
    /// asked of any registry.
    ///
    /// # Errors
    /// [`Error::Reference`] for a text outside the grammar, [`Error::NotARepository`] if it carries a tag or digest.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let reference = Reference::parse(text)?;
        let superfluous = reference
            .digest
            .map(|digest| ("digest", digest.to_string()))
            .or(reference.tag.map(|t| ("tag", t)));
        match superfluous {
            None => Ok(reference.repository),
            Some((part, value)) => Err(Error::NotARepository {
                text: text.to_owned(),
                part,
                value,
            }),
        }
    }

    /// This repository with `tag`.
    ///
    /// # Errors
    /// [`Error::Tag`] for a tag outside the grammar.
    pub fn tagged(&self, tag: &str) -> Result<Reference, Error> {
        validate_tag(tag)?;
        Ok(Reference {
            repository: self.clone(),
            tag: Some(tag.to_owned()),
            digest: None,
        })
    }

    /// Whether this is in the [ECR public gallery](https://docs.aws.amazon.com/AmazonECR/latest/public/), which needs no
    /// credentials for pulling.
    #[must_use]
    pub fn is_ecr_public(&self) -> bool {
        matches!(self.host.as_str(), "public.ecr.aws" | "ecr-public.aws.com")
    }

    /// Whether the host is this machine by name or address (`localhost`, `127.0.0.0/8`, `[::1]`): registries that Docker
    /// talks plain HTTP to when they offer no TLS.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let (host, _) = split_port(&self.host);
        if host == "localhost" {
            return true;
        }
        let address = host.trim_start_matches('[').trim_end_matches(']');
        address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
    }

    /// The port of the host, if it names one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        split_port(&self.host).1.and_then(|port| port.parse().ok())
    }
}

impl Reference {
    /// Parses an image reference. A missing host is Docker Hub, a Docker Hub path without `/` is under `library/`, a missing
    /// tag stays missing.
    ///
    /// # Errors
    /// [`Error::Reference`] naming the part that is outside the grammar.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::Reference {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        if text.contains("://") {
            return Err(wrong("a reference has no URL scheme"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash belongs to the host's port.
        let name_end = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[name_end..].split_once(':') {
            Some((last, tag)) => (&rest[..name_end + last.len()], Some(tag)),
            None => (rest, None),
        };
        if is_identifier(name) {
            return Err(wrong("64 hexadecimal digits alone are an image id"));
        }
        let repository = split_host(name);
        check_host(&repository.host).map_err(|reason| wrong(&reason))?;
        check_path(&repository.path).map_err(|reason| wrong(&reason))?;
        if repository.host.len() + 1 + repository.path.len() > MAX_NAME {
            return Err(wrong("the repository's name is longer than 255 characters"));
        }
        if let Some(tag) = tag {
            check_tag(tag).map_err(|reason| wrong(&format!("the tag `{tag}` {reason}")))?;
        }
        let digest = digest.map(Digest::from_str).transpose();
        let digest = digest.map_err(|malformed| wrong(&format!("the digest {malformed}")))?;
        Ok(Self {
            repository,
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// What the registry's API calls this image: the digest if there is one, else the tag, else `latest`.
    #[must_use]
    pub fn api_reference(&self) -> &str {
        let digest = self.digest.as_ref().map(Digest::as_str);
        digest.or(self.tag.as_deref()).unwrap_or("latest")
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl TryFrom<String> for Repository {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.to_string()
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl FromStr for Repository {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// Whether `tag` may be a tag: 1 to 128 of letters, digits, `_`, `.`, `-`, not beginning with `.` or `-`.
///
/// # Errors
/// [`Error::Tag`] saying what is wrong with it.
pub fn validate_tag(tag: &str) -> Result<(), Error> {
    check_tag(tag).map_err(|reason| Error::Tag {
        tag: tag.to_owned(),
        reason: format!("it {reason}"),
    })
}

/// `name` as host and path. The first component is a host only if it looks like one, as Docker decides it.
fn split_host(name: &str) -> Repository {
    let host_like = |first: &str| {
        first.contains(['.', ':']) || first == "localhost" || first.chars().any(|c| c.is_ascii_uppercase())
    };
    let (host, path) = match name.split_once('/') {
        Some((first, path)) if host_like(first) => (first, path),
        _ => (DOCKER_HUB, name),
    };
    let host = if host == "index.docker.io" { DOCKER_HUB } else { host };
    let path = if host == DOCKER_HUB && !path.contains('/') {
        format!("library/{path}")
    } else {
        path.to_owned()
    };
    Repository {
        host: host.to_owned(),
        path,
    }
}

/// Docker refuses names that could be taken for a full image id.
fn is_identifier(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
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

#[cfg(test)]
mod tests;
