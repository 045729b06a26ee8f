//! One Docker daemon: what it can do, and requests to its [Engine API](https://docs.docker.com/reference/api/engine/).

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HOST, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Incoming};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::task::JoinHandle;

use super::bounded::{Bounded, TooLong};
use super::dial::Duplex;
use super::endpoint::{DockerSettings, Endpoint};
use super::error::Error;

/// The oldest API that is spoken: `BuildKit` came with 1.39 (Docker 18.09).
const OLDEST_API: ApiVersion = ApiVersion { major: 1, minor: 39 };
/// Since this API (Docker 20.10) the daemon's own Dockerfile frontend knows `RUN --mount=type=secret`; before, it had to be
/// fetched from a registry.
const SECRETS_API: ApiVersion = ApiVersion { major: 1, minor: 41 };
/// How long the daemon may take to answer a request about itself or an image, in seconds.
const ANSWER_TIMEOUT: u64 = 120;
/// How many bytes it may say about itself or an image: `/info` of a busy daemon has some ten thousand.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;
/// An error's body is read up to this many bytes.
pub(crate) const LONGEST_MESSAGE: usize = 64 * 1024;

/// The body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A version of the Engine API, such as 1.41.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion {
    major: usize,
    minor: usize,
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl ApiVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

/// What the daemon said of itself.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The daemon's version, such as `20.10.24`.
    pub(crate) version: String,
    /// The API both sides speak.
    pub(crate) api: ApiVersion,
    /// Whether the daemon has `BuildKit`.
    pub(crate) buildkit: bool,
    /// Whether its `BuildKit` mounts secrets without fetching a frontend first.
    pub(crate) secret_mounts: bool,
    /// The storage driver, such as `overlay2`.
    pub(crate) storage_driver: String,
    /// Whether images live in containerd's store, where an image's id is its manifest's digest.
    pub(crate) containerd_store: bool,
}

/// A daemon that answered.
pub(crate) struct Daemon {
    endpoint: Endpoint,
    pub(crate) facts: Facts,
    /// Typed requests about images.
    pub(crate) images: bollard::Docker,
}

/// An answer whose body is still to come. Dropping it closes the connection, which tells the daemon to stop.
pub(crate) struct Answer {
    pub(crate) body: Incoming,
    _connection: Connection,
}

/// The task that drives a connection; ends with this value.
pub(crate) struct Connection(Option<JoinHandle<()>>);

impl Connection {
    /// Lets the connection live for as long as the response is read.
    fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(driver) = &self.0 {
            driver.abort();
        }
    }
}

impl Daemon {
    /// Finds the daemon and asks what it can do.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::TooOld`], [`Error::NotDocker`], and those of [`Endpoint::resolve`].
    pub(crate) async fn connect(settings: &DockerSettings) -> Result<Self, Error> {
        let endpoint = Endpoint::resolve(settings)?;
        let version: VersionAnswer = first_answer(&endpoint).await?;
        let not_docker = |reason: &str| Error::NotDocker {
            endpoint: endpoint.to_string(),
            reason: reason.to_owned(),
        };
        let api = ApiVersion::parse(&version.api_version).ok_or_else(|| not_docker("its API version is unreadable"))?;
        if api < OLDEST_API {
            return Err(Error::TooOld {
                version: version.version,
                api: api.to_string(),
                needed: OLDEST_API.to_string(),
            });
        }
        let ours = bollard::API_DEFAULT_VERSION;
        let api = api.min(ApiVersion {
            major: ours.major_version,
            minor: ours.minor_version,
        });
        let images = bollard_client(&endpoint, api)?;
        let info = in_time(images.info(), "asking it about itself").await?;
        let status = info.driver_status.unwrap_or_default();
        let docker = !version
            .components
            .iter()
            .any(|component| component.name.starts_with("Podman"));
        let facts = Facts {
            buildkit: docker && version.os != "windows",
            secret_mounts: api >= SECRETS_API,
            version: version.version,
            api,
            storage_driver: info.driver.unwrap_or_default(),
            containerd_store: status
                .iter()
                .flatten()
                .any(|word| word == "io.containerd.snapshotter.v1"),
        };
        Ok(Self {
            endpoint,
            facts,
            images,
        })
    }

    /// What a typed request is answered with: whole, and in time.
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 2xx, [`Error::TooLong`], [`Error::Lost`] for a broken connection.
    pub(crate) async fn answer<T>(
        &self,
        request: impl Future<Output = Result<T, bollard::errors::Error>>,
        during: &str,
    ) -> Result<T, Error> {
        in_time(request, during).await
    }

    /// Sends `POST path` and returns the answer once its head is there.
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 2xx, [`Error::Lost`] for a broken connection.
    pub(crate) async fn post(&self, path: &str, headers: HeaderMap, body: Body, during: &str) -> Result<Answer, Error> {
        let request = self.request(path, headers, body)?;
        let (response, connection) = send(self.endpoint.dial().await?, request)
            .await
            .map_err(|error| lost(during, &error))?;
        let response = accepted(response, during).await?;
        Ok(Answer {
            body: response.into_body(),
            _connection: connection,
        })
    }

    /// Sends `POST path` asking to continue in another protocol, and returns the raw stream.
    ///
    /// # Errors
    /// [`Error::Refused`] when the daemon does not switch, [`Error::Lost`] for a broken connection.
    pub(crate) async fn upgrade(
        &self,
        path: &str,
        mut headers: HeaderMap,
        protocol: &'static str,
        during: &str,
    ) -> Result<(hyper::upgrade::Upgraded, Connection), Error> {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static(protocol));
        let request = self.request(path, headers, empty())?;
        let (response, connection) = send(self.endpoint.dial().await?, request)
            .await
            .map_err(|error| lost(during, &error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status();
            accepted(response, during).await?;
            return Err(Error::Refused {
                during: during.to_owned(),
                status: status.as_u16(),
                message: format!("it does not switch to {protocol}"),
            });
        }
        let stream = hyper::upgrade::on(response)
            .await
            .map_err(|error| lost(during, &error))?;
        Ok((stream, connection))
    }

    /// A second handle for a request after this one is gone.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn request(&self, path: &str, headers: HeaderMap, body: Body) -> Result<Request<Body>, Error> {
        let mut request = request(
            &self.endpoint,
            Method::POST,
            &format!("/v{}{path}", self.facts.api),
            body,
        )?;
        request.headers_mut().extend(headers);
        Ok(request)
    }
}

/// No body.
pub(crate) fn empty() -> Body {
    Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync()
}

/// A header value from text that may come from outside.
pub(crate) fn header(name: HeaderName, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let value = HeaderValue::from_str(value).map_err(|_| Error::Build {
        message: format!("{name} has characters that HTTP cannot carry"),
    })?;
    Ok((name, value))
}

/// Asks the daemon, through a connection of its own, to cancel a build; nobody waits for the answer.
pub(crate) fn cancel_build(endpoint: Endpoint, api: ApiVersion, build_id: &str) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    let path = format!("/v{api}/build/cancel?id={build_id}");
    runtime.spawn(async move {
        let request = request(&endpoint, Method::POST, &path, empty())?;
        let (response, _connection) = send(endpoint.dial().await?, request)
            .await
            .map_err(|error| lost("cancelling", &error))?;
        accepted(response, "cancelling").await.map(drop)
    });
}

fn request(endpoint: &Endpoint, method: Method, path: &str, body: Body) -> Result<Request<Body>, Error> {
    let host = match endpoint {
        Endpoint::Tcp(address) | Endpoint::Tls(address, _) => address.to_string(),
        Endpoint::Unix(_) | Endpoint::Ssh(_) => "docker".to_owned(),
    };
    let (name, value) = header(HOST, &host)?;
    Request::builder()
        .method(method)
        .uri(path)
        .header(name, value)
        .body(body)
        .map_err(|error| Error::Build {
            message: format!("{path} is no request path: {error}"),
        })
}

/// One HTTP/1.1 request on a fresh stream: the daemon's streams are long and few, so nothing is pooled.
async fn send<B>(
    stream: impl Duplex + 'static,
    request: Request<B>,
) -> Result<(Response<Incoming>, Connection), hyper::Error>
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = Connection(Some(tokio::spawn(async move {
        // Its error, if any, also reaches whoever reads the response.
        let _ = connection.with_upgrades().await;
    })));
    Ok((sender.send_request(request).await?, driver))
}

/// `GET /version`, which every daemon answers whatever API it speaks.
async fn first_answer(endpoint: &Endpoint) -> Result<VersionAnswer, Error> {
    let ask = async {
        let request = request(endpoint, Method::GET, "/version", empty())?;
        let (response, connection) = send(endpoint.dial().await?, request)
            .await
            .map_err(|error| endpoint.absent(io_cause(&error).unwrap_or_else(|| io::Error::other(chain(&error)))))?;
        let status = response.status();
        let text = limited_text(response.into_body()).await;
        drop(connection);
        if text.len() > LONGEST_MESSAGE {
            return Err(Error::TooLong {
                during: "asking its version".to_owned(),
                limit: LONGEST_MESSAGE,
            });
        }
        if !status.is_success() {
            return Err(Error::NotDocker {
                endpoint: endpoint.to_string(),
                reason: format!("GET /version answers {status} {}", message_of(&text)),
            });
        }
        serde_json::from_str(&text).map_err(|error| Error::NotDocker {
            endpoint: endpoint.to_string(),
            reason: format!("its version is unreadable: {error}"),
        })
    };
    match tokio::time::timeout(Duration::from_secs(ANSWER_TIMEOUT), ask).await {
        Ok(result) => result,
        Err(_) => Err(endpoint.absent(io::Error::new(
            io::ErrorKind::TimedOut,
            "it accepts connections but does not answer",
        ))),
    }
}

/// bollard on our transport. bollard 0.21 leaves the version out of the path, so it is put in here.
fn bollard_client(endpoint: &Endpoint, api: ApiVersion) -> Result<bollard::Docker, Error> {
    let target = endpoint.clone();
    let prefix = format!("/v{api}");
    let transport = move |mut request: bollard::BollardRequest| {
        let (endpoint, prefix) = (target.clone(), prefix.clone());
        async move {
            let path = request
                .uri()
                .path_and_query()
                .map_or("/", http::uri::PathAndQuery::as_str);
            let path = if path.starts_with("/v1.") {
                path.to_owned()
            } else {
                format!("{prefix}{path}")
            };
            *request.uri_mut() = path.parse().map_err(|error: http::uri::InvalidUri| other(&error))?;
            request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
            let stream = endpoint.dial().await;
            let stream = stream
                .map(|stream| Bounded::new(stream, LONGEST_ANSWER))
                .map_err(|error| match error {
                    Error::Absent { source, .. } => bollard::errors::Error::from(source),
                    error => other(&error),
                })?;
            let (response, connection) = send(stream, request).await?;
            connection.detach();
            Ok(response)
        }
    };
    let version = bollard::ClientVersion {
        major_version: api.major,
        minor_version: api.minor,
    };
    bollard::Docker::connect_with_custom_transport(transport, Some("http://docker"), ANSWER_TIMEOUT, &version)
        .map_err(|error| from_bollard(error, "preparing requests"))
}

fn other(error: &dyn std::error::Error) -> bollard::errors::Error {
    bollard::errors::Error::from(io::Error::other(chain(error)))
}

/// What a request of bollard's is answered with; its own time limit ends with the answer's head.
async fn in_time<T>(
    request: impl Future<Output = Result<T, bollard::errors::Error>>,
    during: &str,
) -> Result<T, Error> {
    match tokio::time::timeout(Duration::from_secs(ANSWER_TIMEOUT), request).await {
        Ok(answered) => answered.map_err(|error| from_bollard(error, during)),
        Err(_) => Err(Error::Lost {
            during: during.to_owned(),
            reason: format!("no whole answer within {ANSWER_TIMEOUT} s"),
        }),
    }
}

/// An error of bollard in our words.
fn from_bollard(error: bollard::errors::Error, during: &str) -> Error {
    if TooLong::is_cause_of(&error) {
        return Error::TooLong {
            during: during.to_owned(),
            limit: LONGEST_ANSWER,
        };
    }
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, message } => {
            refused(during, status_code, &message)
        }
        error => Error::Lost {
            during: during.to_owned(),
            reason: chain(&error),
        },
    }
}

fn refused(during: &str, status: u16, message: &str) -> Error {
    if super::failure::is_disk_full(message) {
        return Error::DiskFull {
            message: message.to_owned(),
        };
    }
    Error::Refused {
        during: during.to_owned(),
        status,
        message: message.to_owned(),
    }
}

/// A broken connection in our words.
pub(crate) fn lost(during: &str, error: &dyn std::error::Error) -> Error {
    Error::Lost {
        during: during.to_owned(),
        reason: chain(error),
    }
}

async fn accepted(response: Response<Incoming>, during: &str) -> Result<Response<Incoming>, Error> {
    let status = response.status();
    if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response);
    }
    let text = limited_text(response.into_body()).await;
    Err(refused(
        during,
        status.as_u16(),
        shortened(&message_of(&text), LONGEST_MESSAGE),
    ))
}

/// The daemon's `{"message": …}`, or the text itself.
fn message_of(text: &str) -> String {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    match serde_json::from_str::<Message>(text) {
        Ok(parsed) => parsed.message.trim().to_owned(),
        Err(_) => text.trim().to_owned(),
    }
}

/// The body's beginning, up to somewhat more than [`LONGEST_MESSAGE`], as far as it comes in time.
async fn limited_text(mut body: Incoming) -> String {
    let mut bytes = BytesMut::new();
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(data) = frame.into_data() {
                bytes.extend_from_slice(&data);
            }
            if bytes.len() > LONGEST_MESSAGE {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(ANSWER_TIMEOUT), read).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The beginning of `text`, of at most so many bytes.
pub(crate) fn shortened(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = text + ": " + &said;
        }
        cause = inner.source();
    }
    text
}

/// The I/O error below an error, remade with its kind.
fn io_cause(error: &dyn std::error::Error) -> Option<io::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref::<io::Error>() {
            return Some(io::Error::new(found.kind(), found.to_string()));
        }
        cause = inner.source();
    }
    None
}

/// `GET /version`.
#[derive(Deserialize)]
struct VersionAnswer {
    #[serde(rename = "Version", default)]
    version: String,
    #[serde(rename = "ApiVersion")]
    api_version: String,
    #[serde(rename = "Os", default)]
    os: String,
    #[serde(rename = "Components", default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "Name", default)]
    name: String,
}
