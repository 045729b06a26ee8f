//! bollard's typed requests, on our transport and within bounds.

use std::io;
use std::time::Duration;

use http::HeaderValue;
use http::header::HOST;

use super::Program;
use super::api_version::ApiVersion;
use super::bounded::{Bounded, TooLong};
use super::endpoint::Endpoint;
use super::error::Error;
use super::http::{ANSWER_TIMEOUT, refused, send};
use super::words::chain;

/// How many bytes it may say about itself or an image: `/info` of a busy daemon has some ten thousand.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// bollard on our transport.
pub(super) fn client(endpoint: &Endpoint, api: ApiVersion) -> Result<bollard::Docker, Error> {
    client_within(endpoint, api, LONGEST_ANSWER)
}

/// The same, for an answer that goes on for as long as a container runs, and is never kept as a whole.
pub(super) fn unbounded(endpoint: &Endpoint, api: ApiVersion) -> Result<bollard::Docker, Error> {
    client_within(endpoint, api, usize::MAX)
}

/// bollard 0.21 leaves the version out of the path, so it is put in here.
fn client_within(endpoint: &Endpoint, api: ApiVersion, longest: usize) -> Result<bollard::Docker, Error> {
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
                .map(|stream| Bounded::new(stream, longest))
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
pub(super) async fn in_time<T>(
    request: impl Future<Output = Result<T, bollard::errors::Error>>,
    during: &str,
) -> Result<T, Error> {
    match tokio::time::timeout(Duration::from_secs(ANSWER_TIMEOUT), request).await {
        Ok(answered) => answered.map_err(|error| from_bollard(error, during)),
        Err(_) => Err(Error::Lost {
            daemon: Program::default(),
            during: during.to_owned(),
            reason: format!("no whole answer within {ANSWER_TIMEOUT} s"),
        }),
    }
}

/// An error of bollard in our words.
pub(super) fn from_bollard(error: bollard::errors::Error, during: &str) -> Error {
    if TooLong::is_cause_of(&error) {
        return Error::TooLong {
            daemon: Program::default(),
            during: during.to_owned(),
            limit: LONGEST_ANSWER,
        };
    }
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, message } => {
            refused(during, status_code, &message)
        }
        error => Error::Lost {
            daemon: Program::default(),
            during: during.to_owned(),
            reason: chain(&error),
        },
    }
}
