//! What a daemon says of itself.

use std::io;
use std::time::Duration;

use http::Method;
use serde::Deserialize;

use super::Program;
use super::api_version::ApiVersion;
use super::endpoint::Endpoint;
use super::error::Error;
use super::http::{ANSWER_TIMEOUT, empty, io_cause, limited_text, message_of, request, send};
use super::typed;
use super::words::{LONGEST_MESSAGE, chain};

/// The oldest API that is spoken: `BuildKit` came with 1.39 (Docker 18.09).
const OLDEST_API: ApiVersion = ApiVersion { major: 1, minor: 39 };
/// Since this API (Docker 20.10) the daemon's own Dockerfile frontend knows `RUN --mount`; before, it had to be
/// fetched from a registry.
const MOUNTS_API: ApiVersion = ApiVersion { major: 1, minor: 41 };
/// Podman's API takes a build's secrets since it is this old.
const PODMAN_WITH_MOUNTS: u64 = 4;

/// What the daemon said of itself.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Which program it is.
    pub(crate) program: Program,
    /// The daemon's version, such as `20.10.24`.
    pub(crate) version: String,
    /// The API both sides speak.
    pub(crate) api: ApiVersion,
    /// Whether the daemon has `BuildKit`.
    pub(crate) buildkit: bool,
    /// Whether it mounts secrets and files into a step, without fetching a frontend for `BuildKit` first.
    pub(crate) mounts: bool,
    /// Whether images live in containerd's store, where an image's id is its manifest's digest.
    pub(crate) containerd_store: bool,
}

impl Facts {
    /// Whether layers are kept by themselves, as in Docker's own classic store: what is there need not be sent with an image.
    pub(super) fn keeps_layers(&self) -> bool {
        self.program == Program::Docker && !self.containerd_store
    }
}

/// Asks the daemon what it is and can do; with bollard's client in the API that both speak.
///
/// # Errors
/// [`Error::Absent`], [`Error::TooOld`], [`Error::NotDocker`].
pub(super) async fn ask(endpoint: &Endpoint) -> Result<(Facts, bollard::Docker), Error> {
    let version = first_answer(endpoint).await?;
    let api = ApiVersion::parse(&version.api_version).ok_or_else(|| Error::NotDocker {
        endpoint: endpoint.to_string(),
        reason: "its API version is unreadable".to_owned(),
    })?;
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
    let client = typed::client(endpoint, api)?;
    let info = typed::in_time(client.info(), "asking it about itself").await?;
    let is_podman = |component: &Component| component.name.starts_with("Podman");
    let program = if version.components.iter().any(is_podman) {
        Program::Podman
    } else {
        Program::Docker
    };
    let status = info.driver_status.unwrap_or_default();
    let containerd_store = status
        .iter()
        .flatten()
        .any(|word| word == "io.containerd.snapshotter.v1");
    let facts = Facts {
        program,
        buildkit: program == Program::Docker && version.os != "windows",
        mounts: match program {
            Program::Docker => api >= MOUNTS_API,
            Program::Podman => major(&version.version) >= PODMAN_WITH_MOUNTS,
        },
        version: version.version,
        api,
        containerd_store,
    };
    Ok((facts, client))
}

/// The first number of a version.
fn major(version: &str) -> u64 {
    let digits = version.split('.').next().unwrap_or_default();
    digits.parse().unwrap_or_default()
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
                daemon: Program::default(),
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
