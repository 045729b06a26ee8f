//! One HTTP/1.1 request on a stream to the daemon, and its answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::header::HOST;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::task::JoinHandle;

use super::Program;
use super::dial::Duplex;
use super::endpoint::Endpoint;
use super::error::Error;
use super::failure::is_disk_full;
use super::words::{LONGEST_MESSAGE, chain, shortened};
use crate::explain;

/// How long the daemon may take to answer a request about itself or an image, in seconds.
pub(super) const ANSWER_TIMEOUT: u64 = 120;

/// The body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An answer whose body is still to come. Dropping it closes the connection, which tells the daemon to stop.
pub(crate) struct Answer {
    pub(crate) body: Incoming,
    pub(super) _connection: Connection,
}

/// The bytes of its body as they come.
impl Stream for Answer {
    type Item = Result<Bytes, hyper::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => return Poll::Ready(Some(Ok(data))),
                // Trailers are no part of it.
                Ok(Err(_)) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        Poll::Ready(None)
    }
}

/// The task that drives a connection; ends with this value.
pub(crate) struct Connection(Option<JoinHandle<()>>);

impl Connection {
    /// Lets the connection live for as long as the response is read.
    pub(super) fn detach(mut self) {
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

/// A request to the daemon at `endpoint`.
pub(super) fn request(endpoint: &Endpoint, method: Method, path: &str, body: Body) -> Result<Request<Body>, Error> {
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
pub(super) async fn send<B>(
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

/// What the daemon answers instead of what was asked.
pub(super) fn refused(during: &str, status: u16, message: &str) -> Error {
    if is_disk_full(message) {
        return Error::DiskFull {
            daemon: Program::default(),
            message: message.to_owned(),
        };
    }
    Error::Refused {
        daemon: Program::default(),
        during: during.to_owned(),
        status,
        message: message.to_owned(),
    }
}

/// A broken connection in our words.
pub(crate) fn lost(during: &str, error: &dyn std::error::Error) -> Error {
    Error::Lost {
        daemon: Program::default(),
        during: during.to_owned(),
        reason: chain(error),
    }
}

/// An answer that ended before its result.
pub(super) fn broken(during: String, reason: String) -> Error {
    Error::Lost {
        daemon: Program::default(),
        during,
        reason,
    }
}

/// The answer, if it is one of success.
pub(super) async fn accepted(response: Response<Incoming>, during: &str) -> Result<Response<Incoming>, Error> {
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
pub(super) fn message_of(text: &str) -> String {
    #[derive(Deserialize)]
    struct Message {
        // podman says some in the form of a build's log.
        #[serde(alias = "error")]
        message: String,
    }
    match serde_json::from_str::<Message>(text) {
        Ok(parsed) => parsed.message.trim().to_owned(),
        Err(_) => text.trim().to_owned(),
    }
}

/// The body's beginning, up to somewhat more than [`LONGEST_MESSAGE`], as far as it comes in time.
pub(super) async fn limited_text(mut body: Incoming) -> String {
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

/// The I/O error below an error, remade with its kind.
pub(super) fn io_cause(error: &(dyn std::error::Error + 'static)) -> Option<io::Error> {
    let mut below = explain::chain(error).skip(1);
    let found = below.find_map(|cause| cause.downcast_ref::<io::Error>())?;
    Some(io::Error::new(found.kind(), found.to_string()))
}
