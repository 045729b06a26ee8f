//! A small registry client: manifests and blobs of one repository over the
//! [distribution API](https://distribution.github.io/distribution/spec/api/).

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use url::Url;

use super::auth::Credentials;
use super::reference::{DOCKER_HUB, Repository};
use super::{root_cause, with_causes};
use crate::hex::hex;
use crate::secret::Secret;

mod authorization;
mod challenge;
mod error;
mod retry;
mod trust;

use authorization::Authorization;
pub use error::Error;
pub use retry::Retry;
use retry::{is_temporary, retry_after};

/// The media type of a Docker v2 schema 2 manifest, the one SageMaker accepts.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The media type of an OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The media type of an OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The largest manifest registries take, 4 MiB, is the largest answer that is read.
const MAX_MANIFEST: usize = 4 << 20;
/// How much of an error's text is read.
const MAX_ERROR_TEXT: usize = 64 << 10;
/// The registry's account of what it answers with.
const CONTENT_DIGEST: &str = "docker-content-digest";

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
    /// How long nothing may be received before a request counts as broken.
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

/// A manifest as a registry holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Exactly as received: the digest is made of these bytes.
    pub bytes: Bytes,
    /// From `Content-Type`, parameters cut off.
    pub media_type: String,
    /// What the registry says the digest is (`Docker-Content-Digest`); not every registry says it.
    pub answered_digest: Option<String>,
}

impl Manifest {
    /// `sha256:…` of the bytes received.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256_digest(&self.bytes)
    }
}

/// A client for one repository. Cheap to share by reference; requests may run at once.
pub struct Client {
    http: reqwest::Client,
    /// For requests with a body.
    sender: reqwest::Client,
    /// `https://host/`.
    base: Url,
    repository: Repository,
    credentials: Credentials,
    access: Access,
    retry: Retry,
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

/// A whole answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// How often it took.
    tries: u32,
}

impl Answer {
    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request that can be sent more than once.
#[derive(Clone)]
struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// The request as an error names it; a query may hold what should not be shown.
    fn title(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }
}

impl Client {
    /// Connects to the repository's registry: finds out whether it speaks https (or, on this machine only, plain http) and how it
    /// wants to be authenticated to.
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
        let (http, sender) = trust::http_clients(repository, settings)?;
        let mut client = Self {
            http,
            sender,
            base: base_url("https", host)?,
            repository: repository.clone(),
            credentials: credentials.clone(),
            access,
            retry: settings.retry.clone(),
            authorization: Mutex::new(Authorization::default()),
        };
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
        self.http.get(url).send().await.is_ok_and(|answer| {
            answer.status().is_success() || answer.status() == StatusCode::UNAUTHORIZED || is_temporary(answer.status())
        })
    }

    /// The manifest that `reference` (a tag or digest) names; `None` where there is none, or no such repository.
    ///
    /// # Errors
    /// Anything but a manifest or 404.
    pub async fn manifest(&self, reference: &str) -> Result<Option<Manifest>, Error> {
        let request = self.manifest_request(Method::GET, reference)?;
        let answer = self.send(request.clone()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => Ok(Some(Manifest {
                media_type: media_type(&answer),
                answered_digest: answer.header(CONTENT_DIGEST).map(str::to_owned),
                bytes: answer.body,
            })),
            _ => Err(self.unexpected(&answer, &request.title())),
        }
    }

    /// The digest that the registry holds for `reference` (a tag or digest), without the manifest; `None` where there is no
    /// such manifest, or the registry does not name digests.
    ///
    /// # Errors
    /// Anything but 200 or 404.
    pub async fn manifest_digest(&self, reference: &str) -> Result<Option<String>, Error> {
        let request = self.manifest_request(Method::HEAD, reference)?;
        let answer = self.send(request.clone()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => Ok(answer.header(CONTENT_DIGEST).map(str::to_owned)),
            _ => Err(self.unexpected(&answer, &request.title())),
        }
    }

    /// Stores `manifest` under `reference` (a tag or its digest) and returns the digest that the registry answers, `None` where
    /// it names none.
    ///
    /// # Errors
    /// Anything but 201: a manifest whose blobs are not there, an immutable tag.
    pub async fn put_manifest(&self, reference: &str, manifest: &Manifest) -> Result<Option<String>, Error> {
        let mut request = Request::new(
            Method::PUT,
            self.api(&format!("{}/manifests/{reference}", self.repository.path))?,
        );
        let content_type = HeaderValue::from_str(&manifest.media_type)
            .map_err(|_| self.protocol(&request.title(), "the media type cannot be sent as a header"))?;
        request.headers.insert(CONTENT_TYPE, content_type);
        request.body = manifest.bytes.clone();
        let answer = self.send(request.clone()).await?;
        if answer.status.is_success() {
            return Ok(answer.header(CONTENT_DIGEST).map(str::to_owned));
        }
        Err(self.unexpected(&answer, &request.title()))
    }

    /// The size in bytes of the blob `digest`; `None` where the repository does not have it.
    ///
    /// # Errors
    /// Anything but 200 or 404, and an answer that does not say the size.
    pub async fn blob_size(&self, digest: &str) -> Result<Option<u64>, Error> {
        let request = Request::new(
            Method::HEAD,
            self.api(&format!("{}/blobs/{digest}", self.repository.path))?,
        );
        let answer = self.send(request.clone()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let size = answer.header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
                size.map(Some)
                    .ok_or_else(|| self.protocol(&request.title(), "it does not say the blob's size"))
            }
            _ => Err(self.unexpected(&answer, &request.title())),
        }
    }

    fn manifest_request(&self, method: Method, reference: &str) -> Result<Request, Error> {
        let mut request = Request::new(
            method,
            self.api(&format!("{}/manifests/{reference}", self.repository.path))?,
        );
        for accepted in [DOCKER_MANIFEST, OCI_MANIFEST, DOCKER_LIST, OCI_INDEX] {
            request.headers.append(ACCEPT, HeaderValue::from_static(accepted));
        }
        Ok(request)
    }

    /// Sends an authorized request, and once more with fresh authorization if the registry wants it.
    async fn send(&self, mut request: Request) -> Result<Answer, Error> {
        let title = request.title();
        let mut refreshed = false;
        loop {
            let header = self.authorization.lock().await.header(self).await?;
            request.headers.remove(AUTHORIZATION);
            if let Some(header) = header.clone() {
                request.headers.insert(AUTHORIZATION, header);
            }
            let answer = self.exchange(&request).await?;
            if answer.status == StatusCode::UNAUTHORIZED && !refreshed {
                refreshed = true;
                let mut authorization = self.authorization.lock().await;
                authorization.forget(header.as_ref());
                authorization.learn(&answer);
                continue;
            }
            if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || is_temporary(answer.status)
            {
                return Err(self.unexpected(&answer, &title));
            }
            return Ok(answer);
        }
    }

    /// One request and its whole answer, tried again while that may help.
    async fn exchange(&self, request: &Request) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.once(request, tries).await;
            let asked = match &outcome {
                Ok(answer) if is_temporary(answer.status) => retry_after(&answer.headers, jiff::Timestamp::now()),
                Err(Error::Unreachable { .. }) => None,
                _ => return outcome,
            };
            match self.retry.wait(tries, asked) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return outcome,
            }
        }
    }

    async fn once(&self, request: &Request, tries: u32) -> Result<Answer, Error> {
        let http = if request.body.is_empty() {
            &self.http
        } else {
            &self.sender
        };
        let sending = http
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone())
            .send();
        let mut response = sending.await.map_err(|error| self.broken(&error, request, tries))?;
        let status = response.status();
        let mut headers = std::mem::take(response.headers_mut());
        // Credentials go where the registry says, not where one says that it redirected to.
        if response.url().origin() != request.url.origin() {
            headers.remove(WWW_AUTHENTICATE);
        }
        let limit = if status.is_success() {
            MAX_MANIFEST
        } else {
            MAX_ERROR_TEXT
        };
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.broken(&error, request, tries))?
        {
            let room = limit - body.len();
            if chunk.len() > room && status.is_success() {
                return Err(self.protocol(&request.title(), &format!("it is larger than {limit} bytes")));
            }
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room && !status.is_success() {
                break;
            }
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
            tries,
        })
    }

    /// A request without an answer.
    fn broken(&self, error: &reqwest::Error, request: &Request, tries: u32) -> Error {
        let host = request.url.authority().to_owned();
        if let Some(complaint) = error::tls_complaint(error, &host) {
            return complaint;
        }
        if error.is_redirect() || error.is_builder() {
            return self.protocol(&request.title(), &with_causes(error));
        }
        Error::Unreachable {
            host,
            tries,
            reason: root_cause(error),
        }
    }

    /// An answer that the request has no use for.
    fn unexpected(&self, answer: &Answer, request: &str) -> Error {
        let host = self.repository.host.clone();
        let message = error::message(answer.status, &answer.body);
        let is_expired = message.to_ascii_lowercase().contains("expired");
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if is_expired => Error::Expired { host, message },
            StatusCode::UNAUTHORIZED => Error::Unauthorized {
                host,
                anonymous: self.credentials == Credentials::Anonymous,
                message,
            },
            StatusCode::FORBIDDEN => Error::Denied {
                host,
                path: self.repository.path.clone(),
                message,
            },
            status => Error::Status {
                host,
                request: request.to_owned(),
                status: status.as_u16(),
                message,
                tries: answer.tries,
                temporary: is_temporary(status),
            },
        }
    }

    fn protocol(&self, request: &str, reason: &str) -> Error {
        Error::Protocol {
            host: self.repository.host.clone(),
            request: request.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// `/v2/` and what follows it.
    fn api(&self, rest: &str) -> Result<Url, Error> {
        let path = format!("/v2/{rest}");
        self.base
            .join(&path)
            .map_err(|error| self.protocol(&path, &error.to_string()))
    }
}

fn base_url(scheme: &str, host: &str) -> Result<Url, Error> {
    Url::parse(&format!("{scheme}://{host}/")).map_err(|error| Error::Setup {
        reason: format!("`{host}` is not a host: {error}"),
    })
}

fn media_type(answer: &Answer) -> String {
    let text = answer.header(CONTENT_TYPE).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_owned()
}

/// `sha256:…` of `bytes`.
#[must_use]
pub fn sha256_digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
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
