//! One Docker daemon: what it can do, and requests to its [Engine API](https://docs.docker.com/reference/api/engine/).

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};

use super::api_version::ApiVersion;
use super::endpoint::{DockerSettings, Endpoint};
use super::error::Error;
use super::facts::{self, Facts};
use super::http::{Answer, Body, Connection, accepted, empty, lost, request, send};
use super::typed;

/// A daemon that answered.
pub(crate) struct Daemon {
    endpoint: Endpoint,
    /// Whether nothing named it.
    pub(crate) was_found: bool,
    pub(crate) facts: Facts,
    /// Typed requests about images.
    pub(crate) images: bollard::Docker,
}

impl Daemon {
    /// Finds the daemon and asks what it can do.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::TooOld`], [`Error::NotDocker`], and those of [`Endpoint::resolve`].
    pub(crate) async fn connect(settings: &DockerSettings) -> Result<Self, Error> {
        let (endpoint, was_found) = Endpoint::find(settings)?;
        let (facts, images) = facts::ask(&endpoint).await?;
        Ok(Self {
            endpoint,
            was_found,
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
        let answered = typed::in_time(request, during).await;
        answered.map_err(|error| error.by(self.facts.program))
    }

    /// Sends `POST path` and returns the answer once its head is there.
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 2xx, [`Error::Lost`] for a broken connection.
    pub(crate) async fn post(&self, path: &str, headers: HeaderMap, body: Body, during: &str) -> Result<Answer, Error> {
        let request = self.request(path, headers, body)?;
        self.exchange(request, during).await
    }

    /// Sends `PUT path` and returns the answer once its head is there.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn put(&self, path: &str, headers: HeaderMap, body: Body, during: &str) -> Result<Answer, Error> {
        let mut request = self.request(path, headers, body)?;
        *request.method_mut() = Method::PUT;
        self.exchange(request, during).await
    }

    /// Sends `GET path` and returns the answer once its head is there.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn get(&self, path: &str, during: &str) -> Result<Answer, Error> {
        let mut request = self.request(path, HeaderMap::new(), empty())?;
        *request.method_mut() = Method::GET;
        self.exchange(request, during).await
    }

    async fn exchange(&self, request: Request<Body>, during: &str) -> Result<Answer, Error> {
        let (response, connection) = send(self.endpoint.dial().await?, request)
            .await
            .map_err(|error| lost(during, &error).by(self.facts.program))?;
        let accepted = accepted(response, during).await;
        let response = accepted.map_err(|error| error.by(self.facts.program))?;
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
                daemon: self.facts.program,
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
