//! Image references, `host/path:tag@digest`, by the grammar of
//! [distribution/reference](https://github.com/distribution/reference/blob/main/reference.go), with Docker Hub's short forms.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

mod ecr_host;
mod naming;

pub use ecr_host::EcrHost;
pub use naming::{repository_name, tag};

/// Docker Hub, as references name it.
pub const DOCKER_HUB: &str = "docker.io";

/// The longest repository name, host included, in characters.
const MAX_NAME: usize = 255;
/// The longest tag in characters.
const MAX_TAG: usize = 128;

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

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Reference { text, .. } if text.contains("://") => {
                vec!["Leave out the scheme: write `registry.example.com/team/image`.".to_owned()]
            }
            Self::Reference { text, .. } if text.chars().any(|c| c.is_ascii_uppercase()) => {
                vec!["Repository names are lower-case; only tags may hold capitals.".to_owned()]
            }
            Self::Reference { .. } => Vec::new(),
            Self::NotARepository { .. } => {
                vec!["Give the repository alone, and tags with `--tag`.".to_owned()]
            }
            Self::Tag { .. } => {
                vec!["Use letters, digits, `_`, `.` and `-`; a PEP 440 `+` becomes `-` in a tag.".to_owned()]
            }
            Self::PackageName { .. } => vec!["Name the repository with `--repository`.".to_owned()],
        }
    }

    /// Whose move it is: always what the user typed or configured.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Reference { .. } | Self::NotARepository { .. } | Self::Tag { .. } => Fault::Usage,
            Self::PackageName { .. } => Fault::User,
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
            .map(|d| ("digest", d))
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

    /// What a private Amazon ECR host says of itself; `None` for every other registry, the ECR public gallery included.
    #[must_use]
    pub fn ecr(&self) -> Option<EcrHost> {
        EcrHost::parse(&self.host)
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
        if let Some(digest) = digest {
            check_digest(digest).map_err(|reason| wrong(&format!("the digest `{digest}` {reason}")))?;
        }
        Ok(Self {
            repository,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// What the registry's API calls this image: the digest if there is one, else the tag, else `latest`.
    #[must_use]
    pub fn api_reference(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
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

/// `host:port` as host and port; an IPv6 host keeps its brackets.
fn split_port(host: &str) -> (&str, Option<&str>) {
    let address_end = host.rfind(']').map_or(0, |bracket| bracket + 1);
    match host[address_end..].split_once(':') {
        Some((name, port)) => (&host[..address_end + name.len()], Some(port)),
        None => (host, None),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let (name, port) = split_port(host);
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(format!("the port of `{host}` is not a number up to 65535"));
    }
    if let Some(address) = name.strip_prefix('[') {
        let inside = address
            .strip_suffix(']')
            .filter(|a| a.parse::<std::net::Ipv6Addr>().is_ok());
        return inside
            .map(|_| ())
            .ok_or_else(|| format!("`{name}` is not an IPv6 address"));
    }
    let valid = |component: &str| {
        let ends = component.as_bytes();
        ends.first().is_some_and(u8::is_ascii_alphanumeric)
            && ends.last().is_some_and(u8::is_ascii_alphanumeric)
            && ends.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-')
    };
    if name.split('.').all(valid) {
        Ok(())
    } else {
        Err(format!("`{name}` is not a host name"))
    }
}

fn check_path(path: &str) -> Result<(), String> {
    let shown = path.strip_prefix("library/").unwrap_or(path);
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(format!("the path `{shown}` must be lower-case"));
    }
    if path.split('/').all(is_path_component) {
        return Ok(());
    }
    Err(format!(
        "each part of the path `{shown}` must be lower-case letters and digits, joined by one `.`, one or two `_`, or `-`"
    ))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !component.starts_with(is_word) || !component.ends_with(is_word) {
        return false;
    }
    component
        .split(is_word)
        .filter(|separator| !separator.is_empty())
        .all(|separator| matches!(separator, "." | "_" | "__") || separator.bytes().all(|c| c == b'-'))
}

fn check_tag(tag: &str) -> Result<(), String> {
    if tag.is_empty() {
        return Err("is empty".to_owned());
    }
    if tag.len() > MAX_TAG {
        return Err(format!("is longer than {MAX_TAG} characters"));
    }
    if tag.starts_with(['.', '-']) {
        return Err("begins with `.` or `-`".to_owned());
    }
    match tag
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-'))
    {
        Some(c) => Err(format!(
            "holds `{c}`; only letters, digits, `_`, `.` and `-` may stand in it"
        )),
        None => Ok(()),
    }
}

fn check_digest(digest: &str) -> Result<(), String> {
    let (algorithm, hex) = digest.split_once(':').ok_or("has no algorithm, as in `sha256:…`")?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(format!("has the unknown algorithm `{algorithm}`")),
    };
    let is_hex = hex.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    if hex.len() == length && is_hex {
        Ok(())
    } else {
        Err(format!("needs {length} lower-case hexadecimal digits"))
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
