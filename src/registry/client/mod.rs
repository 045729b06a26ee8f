//! A small registry client: manifests and blobs of one repository over the
//! [distribution API](https://distribution.github.io/distribution/spec/api/).

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use tokio::sync::Mutex;
use url::Url;

use super::Credentials;
use super::ecr::EcrHost;
use crate::oci::Repository;
use crate::oci::reference::DOCKER_HUB;
use crate::secret::Secret;
pub use crate::web::Retry;
use crate::web::is_temporary;

mod authorization;
mod blobs;
mod challenge;
mod error;
mod exchange;
mod manifests;
mod referrers;
mod sending;
mod tags;
mod trust;

use authorization::Authorization;
pub use error::Error;
use exchange::Request;
pub use manifests::Manifest;

/// How to talk to registries.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Docker's directory of certificates by registry, in which `<host[:port]>/*.crt` are trusted for that registry
    /// ([Docker's documentation](https://docs.docker.com/engine/security/certificates/)).
    pub docker_certs_dir: PathBuf,
    /// When to try again.
    pub retry: Retry,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long nothing may be received, or taken of what is sent, before a request counts as broken.
    pub stall_timeout: Duration,
    /// How long an answer may take as a whole: none is longer than a manifest.
    pub answer_timeout: Duration,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            docker_certs_dir: PathBuf::from("/etc/docker/certs.d"),
            retry: Retry::default(),
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_mins(1),
            answer_timeout: Duration::from_mins(5),
        }
    }
}

/// What a client is going to do: what a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Pull,
    /// Read and write.
    PullPush,
}

/// A client for one repository. Cheap to share by reference; requests may run at once.
pub struct Client {
    /// For every request: one connection serves them all, and no body goes where a redirect leads.
    direct: reqwest::Client,
    /// For what a registry keeps elsewhere.
    following: reqwest::Client,
    /// `https://host/`.
    base: Url,
    repository: Repository,
    credentials: Credentials,
    access: Access,
    retry: Retry,
    stall_timeout: Duration,
    answer_timeout: Duration,
    authorization: Mutex<Authorization>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .field("repository", &self.repository)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to the repository's registry: finds out whether it speaks https (or, on this machine only, plain http) and how it
    /// wants to be authenticated to. ECR's is [known](https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html), and
    /// first asked when there is something to ask.
    ///
    /// # Errors
    /// A registry that cannot be reached, is not trusted, or does not speak the distribution API.
    pub async fn connect(
        repository: &Repository,
        credentials: &Credentials,
        access: Access,
        settings: &ClientSettings,
    ) -> Result<Self, Error> {
        let host = if repository.host == DOCKER_HUB {
            "registry-1.docker.io"
        } else {
            &repository.host
        };
        let trust::HttpClients { following, direct } = trust::http_clients(repository, settings)?;
        let mut client = Self {
            direct,
            following,
            base: base_url("https", host)?,
            repository: repository.clone(),
            credentials: credentials.clone(),
            access,
            retry: settings.retry.clone(),
            stall_timeout: settings.stall_timeout,
            answer_timeout: settings.answer_timeout,
            authorization: Mutex::new(Authorization::default()),
        };
        if EcrHost::of(repository).is_some() {
            client.authorization.get_mut().presume_basic();
            return Ok(client);
        }
        let plain = base_url("http", host)?;
        if repository.is_loopback() && repository.port() == Some(80) {
            client.base = plain;
        } else if repository.is_loopback() && !client.speaks_here().await {
            let tls = std::mem::replace(&mut client.base, plain);
            if !client.speaks_here().await {
                // Neither: complain about the one that is expected of a registry.
                client.base = tls;
            }
        }
        let ping = client.exchange(&Request::new(Method::GET, client.api("")?)).await?;
        if ping.status != StatusCode::UNAUTHORIZED && !ping.status.is_success() {
            return Err(client.unexpected(&ping, "GET /v2/"));
        }
        client.authorization.get_mut().learn(&ping);
        Ok(client)
    }

    /// Whether anything answers the ping at the present base.
    async fn speaks_here(&self) -> bool {
        let Ok(url) = self.api("") else { return false };
        self.direct
            .get(url)
            .timeout(self.stall_timeout)
            .send()
            .await
            .is_ok_and(|answer| {
                answer.status().is_success()
                    || answer.status() == StatusCode::UNAUTHORIZED
                    || is_temporary(answer.status())
            })
    }
}

fn base_url(scheme: &str, host: &str) -> Result<Url, Error> {
    Url::parse(&format!("{scheme}://{host}/")).map_err(|error| Error::Setup {
        reason: format!("`{host}` is not a host: {error}"),
    })
}

/// `user:password` as the value of a Basic `Authorization` header.
fn basic(username: &str, password: &Secret) -> Option<HeaderValue> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{}", password.expose()));
    sensitive(&format!("Basic {encoded}"))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests;
