//! The `BuildKit` session: the daemon calls back over it for secrets and for the base image's credentials.
//!
//! `POST /session` is upgraded to HTTP/2 in the other direction: the daemon is the gRPC client, we are the server. Services
//! are announced in headers, as the daemon asks only for what was announced. See
//! [moby/buildkit `session`](https://github.com/moby/buildkit/tree/master/session).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::filesync::v1::auth_server::{Auth, AuthServer};
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use bollard_buildkit_proto::moby::upload::v1::upload_server::UploadServer;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};
use tower::util::MapResponseLayer;

use super::daemon::Daemon;
use super::error::Error;
use super::http::{Body as Sent, Connection, header};
use super::upload;
use crate::registry::Credentials;
use crate::secret::Secret;

/// The most bytes of one secret: `BuildKit` refuses larger ones (`secrets.MaxSecretSize`, 500 KB).
const LARGEST_SECRET: usize = 500 * 1024;
/// How much of an answer the daemon gets before [`BREATH`], in bytes: the length of its message, and far less than the
/// 64 KB that HTTP/2 lets every stream send.
const BEGINNING: usize = 16 * 1024;
/// The time that the daemon has to read an answer's length.
const BREATH: Duration = Duration::from_millis(20);
/// What is announced. The token methods of `Auth` are not: with `Credentials` alone the daemon fetches tokens itself.
const METHODS: [&str; 3] = [
    "/grpc.health.v1.Health/Check",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.filesync.v1.Auth/Credentials",
];

/// An open session; the daemon can call until it is dropped.
pub(crate) struct Session {
    /// What a build names to be connected with this session.
    pub(crate) id: String,
    _stop: oneshot::Sender<()>,
    _connection: Connection,
}

impl Session {
    /// Opens a session that answers with these secrets, with `credentials` for `host` only, and with a build's context where there is one.
    ///
    /// # Errors
    /// [`Error::SecretTooLarge`], and those of the connection.
    pub(crate) async fn open(
        daemon: &Daemon,
        secrets: &BTreeMap<String, Secret>,
        host: &str,
        credentials: &Credentials,
        context: Option<Sent>,
    ) -> Result<Self, Error> {
        check_sizes(secrets)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-docker-expose-session-uuid", id.as_str()),
            ("x-docker-expose-session-name", "sgbuild"),
        ] {
            let (name, value) = header(HeaderName::from_static(name), value)?;
            headers.insert(name, value);
        }
        let uploads = context.is_some().then_some(upload::METHOD);
        for method in METHODS.into_iter().chain(uploads) {
            let (name, value) = header(HeaderName::from_static("x-docker-expose-session-grpc-method"), method)?;
            headers.append(name, value);
        }
        let (stream, connection) = daemon
            .upgrade("/session", headers, "h2c", "opening a build session")
            .await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = futures_util::stream::once(async { Ok::<_, Infallible>(Wire(TokioIo::new(stream))) })
            .chain(futures_util::stream::pending());
        let server = tonic::transport::Server::builder()
            .layer(MapResponseLayer::new(|answer: http::Response<Body>| answer.map(paced)))
            .add_service(HealthServer::new(Alive))
            .add_service(SecretsServer::new(MemorySecrets(Arc::new(secrets.clone()))))
            .add_service(AuthServer::new(OneRegistry {
                host: auth_host(host),
                credentials: credentials.clone(),
            }))
            .add_optional_service(context.map(|context| UploadServer::new(upload::Context::new(context))))
            .serve_with_incoming_shutdown(incoming.boxed(), async {
                let _ = stopped.await;
            });
        tokio::spawn(server);
        Ok(Self {
            id,
            _stop: stop,
            _connection: connection,
        })
    }
}

/// An answer whose first frame, if it has more than [`BEGINNING`], comes in two, the second after a [`BREATH`].
///
/// Daemons with grpc-go before 1.48 (Docker 20.10 among them) fail a build now and then with "unexpected EOF" when two steps
/// ask for a CA bundle at once: a stream that is opened while the daemon widens its windows keeps its narrow one, though we
/// are told of the wide one. Once the daemon has read how long the message is, it makes room for it in any case. See
/// [grpc-go#5358](https://github.com/grpc/grpc-go/issues/5358).
fn paced(body: Body) -> StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, Status>>> {
    StreamBody::new(stream::unfold(
        (body, None, true),
        async |(mut body, rest, is_first)| {
            if let Some(rest) = rest {
                tokio::time::sleep(BREATH).await;
                return Some((Ok(Frame::data(rest)), (body, None, false)));
            }
            let frame = body.frame().await?;
            let (frame, rest) = match frame.map(Frame::into_data) {
                Ok(Ok(mut data)) => {
                    let is_long = is_first && data.len() > BEGINNING;
                    let rest = is_long.then(|| data.split_off(BEGINNING));
                    (Ok(Frame::data(data)), rest)
                }
                Ok(Err(trailers)) => (Ok(trailers), None),
                Err(status) => (Err(status), None),
            };
            Some((frame, (body, rest, false)))
        },
    ))
}

fn check_sizes(secrets: &BTreeMap<String, Secret>) -> Result<(), Error> {
    match secrets
        .iter()
        .find(|(_, secret)| secret.expose().len() > LARGEST_SECRET)
    {
        None => Ok(()),
        Some((id, secret)) => Err(Error::SecretTooLarge {
            id: id.clone(),
            size: secret.expose().len(),
            limit: LARGEST_SECRET,
        }),
    }
}

/// The name under which the daemon asks for a registry's credentials: Docker Hub's API is at another host.
fn auth_host(host: &str) -> String {
    match host {
        "docker.io" | "index.docker.io" => "registry-1.docker.io".to_owned(),
        host => host.to_owned(),
    }
}

struct MemorySecrets(Arc<BTreeMap<String, Secret>>);

#[async_trait]
impl Secrets for MemorySecrets {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        match self.0.get(&id) {
            Some(secret) => Ok(Response::new(GetSecretResponse {
                data: secret.expose().as_bytes().to_vec(),
            })),
            None => Err(Status::not_found(format!("secret {id} not found"))),
        }
    }
}

struct OneRegistry {
    host: String,
    credentials: Credentials,
}

#[async_trait]
impl Auth for OneRegistry {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let answer = if request.into_inner().host == self.host {
            match &self.credentials {
                Credentials::Anonymous => CredentialsResponse::default(),
                Credentials::Basic { username, password } => CredentialsResponse {
                    username: username.clone(),
                    secret: password.expose().to_owned(),
                },
                Credentials::IdentityToken(token) => CredentialsResponse {
                    username: String::new(),
                    secret: token.expose().to_owned(),
                },
            }
        } else {
            CredentialsResponse::default()
        };
        Ok(Response::new(answer))
    }

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(not_announced())
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(not_announced())
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(not_announced())
    }
}

/// The daemon falls back to [`Auth::credentials`] on this status.
fn not_announced() -> Status {
    Status::unimplemented("this session answers with credentials, not with tokens")
}

/// The daemon's check that the session lives.
struct Alive;

#[async_trait]
impl Health for Alive {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse {
            status: ServingStatus::Serving.into(),
        }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Ok(Response::new(HealthListResponse::default()))
    }

    type WatchStream = futures_util::stream::Pending<Result<HealthCheckResponse, Status>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("the health of a session is polled"))
    }
}

/// The upgraded stream, in the form that tonic takes.
struct Wire(TokioIo<hyper::upgrade::Upgraded>);

impl Connected for Wire {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn credentials_are_given_for_the_base_images_registry_only() {
        let credentials = Credentials::Basic {
            username: "me".to_owned(),
            password: Secret::new("canary"),
        };
        let auth = OneRegistry {
            host: auth_host("docker.io"),
            credentials,
        };
        let ask = |host: &str| auth.credentials(Request::new(CredentialsRequest { host: host.to_owned() }));
        assert_eq!(ask("registry-1.docker.io").await.unwrap().into_inner().secret, "canary");
        assert_eq!(
            ask("elsewhere.example").await.unwrap().into_inner(),
            CredentialsResponse::default()
        );
    }

    #[tokio::test]
    async fn a_large_answer_comes_in_two_and_whole() {
        let large = Bytes::from("x".repeat(200_000));
        let frames = [
            Ok::<_, Status>(Frame::data(large.clone())),
            Ok(Frame::trailers(HeaderMap::from_iter([(
                HeaderName::from_static("grpc-status"),
                "0".parse().unwrap(),
            )]))),
        ];
        let mut answer = Box::pin(paced(Body::new(StreamBody::new(stream::iter(frames)))));
        let mut sizes = Vec::new();
        let trailers = loop {
            match answer.frame().await.unwrap().unwrap().into_data() {
                Ok(data) => sizes.push(data.len()),
                Err(trailers) => break trailers.into_trailers().unwrap(),
            }
        };
        assert_eq!(sizes, [BEGINNING, large.len() - BEGINNING]);
        assert_eq!(trailers["grpc-status"], "0");
        assert!(answer.frame().await.is_none());
    }

    #[test]
    fn a_secret_beyond_the_limit_is_refused_by_name() {
        let secrets = BTreeMap::from([("ca.pem".to_owned(), Secret::new("x".repeat(LARGEST_SECRET + 1)))]);
        let error = check_sizes(&secrets).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the build secret ca.pem is 512001 bytes long, but BuildKit accepts at most 512000"
        );
    }
}
