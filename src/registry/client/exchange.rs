//! One request and its whole answer: sent with what the registry wants to see, again where that may help, and read to a bound.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use super::sending::Sent;
use super::{Client, Error, error};
use crate::explain::{Explain as _, Fault};
use crate::registry::Credentials;
use crate::web::{is_temporary, retry_after, root_cause, with_causes};

/// The largest manifest registries take, 4 MiB, is the largest answer that is read.
pub(super) const MAX_MANIFEST: usize = 4 << 20;
/// The slowest that a blob may come on the whole, in bytes a second.
const SLOWEST: u64 = 64 << 10;
/// How much of an error's text is read.
const MAX_ERROR_TEXT: usize = 64 << 10;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// How often it took.
    pub(super) tries: u32,
}

impl Answer {
    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request that can be sent more than once.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// The request as an error names it; a query may hold what should not be shown.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }
}

/// Whether the request changes nothing.
fn is_read(request: &Request) -> bool {
    request.method == Method::GET || request.method == Method::HEAD
}

impl Client {
    /// Sends an authorized request, and once more with fresh authorization if the registry wants it.
    pub(super) async fn send(&self, mut request: Request) -> Result<Answer, Error> {
        let title = request.title();
        let mut refreshed = false;
        loop {
            let header = self.header_for(&request.url).await?;
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

    /// What authorizes a request; nothing where the registry has it sent elsewhere, as to a store of its own.
    async fn header_for(&self, url: &Url) -> Result<Option<HeaderValue>, Error> {
        if url.origin() != self.base.origin() {
            return Ok(None);
        }
        self.authorization.lock().await.header(self).await
    }

    /// Sends what is too long to be held, once, and reads the answer.
    pub(super) async fn stream(&self, request: &Request, sent: &Sent, tries: u32) -> Result<Answer, Error> {
        let mut sending = self
            .direct
            .request(request.method.clone(), request.url.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, sent.size())
            .body(reqwest::Body::wrap_stream(sent.pieces()));
        if let Some(header) = self.header_for(&request.url).await? {
            sending = sending.header(AUTHORIZATION, header);
        }
        let response = sending
            .send()
            .await
            .map_err(|error| self.broken(&error, request, tries))?;
        let answer = self.whole(response, request, tries).await?;
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || is_temporary(answer.status) {
            return Err(self.unexpected(&answer, &request.title()));
        }
        Ok(answer)
    }

    /// Opens an answer of `size` bytes, which are too many to be held; `None` for 404.
    pub(super) async fn open(&self, request: &Request, size: u64) -> Result<Option<reqwest::Response>, Error> {
        let longest = self.answer_timeout + Duration::from_secs(size / SLOWEST);
        let mut tries = 0;
        loop {
            tries += 1;
            let mut asking = self.following.get(request.url.clone()).timeout(longest);
            if let Some(header) = self.header_for(&request.url).await? {
                asking = asking.header(AUTHORIZATION, header);
            }
            let outcome = match asking.send().await {
                Ok(response) if response.status().is_success() => return Ok(Some(response)),
                Ok(response) => self.whole(response, request, tries).await,
                Err(error) => Err(self.broken(&error, request, tries)),
            };
            let error = match outcome {
                Ok(answer) if answer.status == StatusCode::NOT_FOUND => return Ok(None),
                Ok(answer) => self.unexpected(&answer, &request.title()),
                Err(error) => error,
            };
            match self
                .retry
                .wait(tries, None)
                .filter(|_| error.advice().fault == Fault::Temporary)
            {
                Some(wait) => self.retry.pause(wait, &error.to_string()).await,
                None => return Err(error),
            }
        }
    }

    /// One request and its whole answer, tried again while that may help.
    pub(super) async fn exchange(&self, request: &Request) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.once(request, tries).await;
            let asked = match &outcome {
                Ok(answer) if is_temporary(answer.status) => retry_after(&answer.headers, jiff::Timestamp::now()),
                Err(Error::Unreachable { .. }) => None,
                _ => return outcome,
            };
            let Some(wait) = self.retry.wait(tries, asked) else {
                return outcome;
            };
            match &outcome {
                Ok(answer) => {
                    let why = format!("{} answered {}", request.url.authority(), answer.status.as_u16());
                    self.retry.pause(wait, &why).await;
                }
                Err(error) => self.retry.pause(wait, &error.to_string()).await,
            }
        }
    }

    async fn once(&self, request: &Request, tries: u32) -> Result<Answer, Error> {
        let answered = self.ask(&self.direct, request, tries).await?;
        let response = if is_read(request) && answered.status().is_redirection() {
            self.ask(&self.following, request, tries).await?
        } else {
            answered
        };
        self.whole(response, request, tries).await
    }

    /// The beginning of an answer. What only reads is answered soon, or not at all.
    async fn ask(&self, http: &reqwest::Client, request: &Request, tries: u32) -> Result<reqwest::Response, Error> {
        let sending = http
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .timeout(self.answer_timeout)
            .body(request.body.clone())
            .send();
        let patience = if is_read(request) {
            self.stall_timeout
        } else {
            self.answer_timeout
        };
        let answered = self.within(patience, request, tries, sending).await?;
        answered.map_err(|error| self.broken(&error, request, tries))
    }

    /// What `doing` comes to, unless it takes longer than `patience`.
    async fn within<T>(
        &self,
        patience: Duration,
        request: &Request,
        tries: u32,
        doing: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let done = tokio::time::timeout(patience, doing).await;
        done.map_err(|_| Error::Unreachable {
            host: request.url.authority().to_owned(),
            tries,
            reason: format!("nothing came for {} s", patience.as_secs()),
        })
    }

    /// An answer, read to its end or to its bound.
    async fn whole(&self, mut response: reqwest::Response, request: &Request, tries: u32) -> Result<Answer, Error> {
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
        while let Some(chunk) = self
            .within(self.stall_timeout, request, tries, response.chunk())
            .await?
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
    pub(super) fn broken(&self, error: &reqwest::Error, request: &Request, tries: u32) -> Error {
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
    pub(super) fn unexpected(&self, answer: &Answer, request: &str) -> Error {
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

    pub(super) fn protocol(&self, request: &str, reason: &str) -> Error {
        Error::Protocol {
            host: self.repository.host.clone(),
            request: request.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// `/v2/` and what follows it.
    pub(super) fn api(&self, rest: &str) -> Result<Url, Error> {
        let path = format!("/v2/{rest}");
        self.base
            .join(&path)
            .map_err(|error| self.protocol(&path, &error.to_string()))
    }
}
