//! `POST /build`: the context goes in, the log comes out, and an image remains.

use base64::Engine as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use url::form_urlencoded;

use super::context;
use super::daemon::{ApiVersion, Daemon, cancel_build, header};
use super::endpoint::Endpoint;
use super::error::Error;
use super::failure;
use super::log::BuildLog;
use super::mask::Mask;
use super::messages::Messages;
use super::session::Session;
use crate::engine::{BuildRequest, BuiltImage};
use crate::progress::Progress;
use crate::registry::Credentials;

/// The key of Docker Hub in lists of credentials.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// Which of the daemon's two builders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builder {
    BuildKit,
    Classic,
}

/// Builds `request` and returns what the daemon then holds.
pub(crate) async fn build(
    daemon: &Daemon,
    builder: Builder,
    request: &BuildRequest,
    progress: &dyn Progress,
) -> Result<BuiltImage, Error> {
    check(daemon, builder, request)?;
    let session = match builder {
        Builder::BuildKit => {
            let host = &request.base.repository.host;
            Some(Session::open(daemon, &request.secrets, host, &request.base_credentials).await?)
        }
        Builder::Classic => None,
    };
    let cancel = CancelOnDrop::new(daemon, builder);
    let id = run(daemon, request, session.as_ref(), &cancel.build_id, progress).await;
    // The daemon ended the build, or is gone: only a dropped future leaves one to cancel.
    cancel.disarm();
    drop(session);
    match id {
        Ok(id) => finished(daemon, request, &id).await,
        Err(error) => Err(explained(daemon, request, error).await),
    }
}

/// A base image that is looked for in a registry although the daemon has it: then it has it for another platform.
async fn explained(daemon: &Daemon, request: &BuildRequest, error: Error) -> Error {
    let (Error::BaseImage { message, .. } | Error::BaseRegistry { message, .. }) = &error else {
        return error;
    };
    let base = request.base.to_string();
    let Ok(image) = daemon
        .answer(daemon.images.inspect_image(&base), "inspecting the base image")
        .await
    else {
        return error;
    };
    let platform = format!(
        "{}/{}",
        image.os.unwrap_or_default(),
        image.architecture.unwrap_or_default()
    );
    if request.pull || is_platform(&request.platform, &platform) {
        return error;
    }
    let message = format!("the daemon has {} for {platform} only, and {message}", request.base);
    Error::Platform {
        wanted: request.platform.clone(),
        message,
    }
}

/// Whether an image for `actual` (`os/architecture`) is one for `wanted`, which may carry a variant.
fn is_platform(wanted: &str, actual: &str) -> bool {
    let mut parts = wanted.split('/').zip(actual.split('/'));
    parts.all(|(wanted, actual)| wanted == actual)
}

/// Refuses what this daemon cannot build rightly, before anything is sent.
fn check(daemon: &Daemon, builder: Builder, request: &BuildRequest) -> Result<(), Error> {
    if daemon.facts.containerd_store {
        return Err(Error::ImageStore {
            driver: daemon.facts.storage_driver.clone(),
        });
    }
    if request.secrets.is_empty() || (builder == Builder::BuildKit && daemon.facts.secret_mounts) {
        return Ok(());
    }
    let version = &daemon.facts.version;
    let ids: Vec<&str> = request.secrets.keys().map(String::as_str).collect();
    Err(Error::SecretsUnsupported {
        ids: ids.join(", "),
        builder: match builder {
            Builder::Classic => format!("the classic builder of the Docker daemon {version}"),
            Builder::BuildKit => format!("the BuildKit of the Docker daemon {version}, older than 20.10,"),
        },
    })
}

/// Sends the context and follows the log; the image's id.
async fn run(
    daemon: &Daemon,
    request: &BuildRequest,
    session: Option<&Session>,
    build_id: &str,
    progress: &dyn Progress,
) -> Result<String, Error> {
    let during = format!("building {}", request.tag);
    let mask = Mask::new(&request.secrets);
    let (body, context_failure) = context::stream(&request.context, &request.files, &request.context_digest);
    let path = format!("/build?{}", query(daemon, request, session, build_id));
    let answer = match daemon.post(&path, headers(request, session)?, body, &during).await {
        Ok(answer) => answer,
        Err(error) => return Err(context_failure.take().unwrap_or_else(|| refusal(error, request, &mask))),
    };
    let mut messages = Messages::new(answer);
    let mut log = BuildLog::new(progress, mask.clone());
    loop {
        let message = match messages.next().await {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(reason) => return Err(context_failure.take().unwrap_or(Error::Lost { during, reason })),
        };
        let Some(said) = message.failure() else {
            log.message(&message);
            continue;
        };
        if let Some(error) = context_failure.take() {
            return Err(error);
        }
        let base = request.base.to_string();
        return Err(match log.failed_step(&said) {
            Some(step) => failure::of_step(step.instruction, step.output, step.message, &base, &request.platform),
            None => failure::of_build(&mask.apply(&said), &base, &request.platform),
        });
    }
    log.end_classic();
    if let Some(error) = context_failure.take() {
        return Err(error);
    }
    log.image.ok_or_else(|| Error::Lost {
        during,
        reason: "its answer ended before the image's id".to_owned(),
    })
}

/// A build that the daemon refused before it began, such as for a Dockerfile with a syntax error.
fn refusal(error: Error, request: &BuildRequest, mask: &Mask) -> Error {
    match error {
        Error::Refused { message, status, .. } if status != 429 => {
            failure::of_build(&mask.apply(&message), &request.base.to_string(), &request.platform)
        }
        error => error,
    }
}

fn query(daemon: &Daemon, request: &BuildRequest, session: Option<&Session>, build_id: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("t", &request.tag)
        .append_pair("dockerfile", "Dockerfile");
    match session {
        Some(session) => {
            query
                .append_pair("version", "2")
                .append_pair("session", &session.id)
                .append_pair("buildid", build_id);
        }
        None => {
            query
                .append_pair("version", "1")
                .append_pair("rm", "1")
                .append_pair("forcerm", "1");
        }
    }
    // The classic builder of older daemons takes it in experimental mode only; the image is inspected afterwards anyway.
    if session.is_some() || daemon.facts.secret_mounts {
        query.append_pair("platform", &request.platform);
    }
    if request.pull {
        query.append_pair("pull", "1");
    }
    if request.no_cache {
        query.append_pair("nocache", "1");
    }
    query.finish()
}

fn headers(request: &BuildRequest, session: Option<&Session>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    if session.is_none() && request.base_credentials != Credentials::Anonymous {
        let host = &request.base.repository.host;
        let key = if host == "docker.io" { DOCKER_HUB_KEY } else { host };
        let config = json!({ key: auth_config(&request.base_credentials, key) });
        let (name, mut value) = header(HeaderName::from_static("x-registry-config"), &encoded(&config))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Credentials as the Engine API's `AuthConfig`.
pub(crate) fn auth_config(credentials: &Credentials, server: &str) -> serde_json::Value {
    match credentials {
        Credentials::Anonymous => json!({}),
        Credentials::Basic { username, password } => {
            json!({"username": username, "password": password.expose(), "serveraddress": server})
        }
        Credentials::IdentityToken(token) => json!({"identitytoken": token.expose(), "serveraddress": server}),
    }
}

/// The form in which the Engine API takes JSON in a header.
pub(crate) fn encoded(value: &serde_json::Value) -> String {
    base64::engine::general_purpose::URL_SAFE.encode(value.to_string())
}

/// Inspects the image that has the tag now, and checks that it is the one that was built, and for the platform asked for.
async fn finished(daemon: &Daemon, request: &BuildRequest, id: &str) -> Result<BuiltImage, Error> {
    let during = format!("inspecting {}", request.tag);
    let image = daemon
        .answer(daemon.images.inspect_image(&request.tag), &during)
        .await?;
    // By the tag, as that is what the user is told: another build may have taken it, or the daemon named another image.
    if image.id.as_deref() != Some(id) {
        return Err(Error::Retagged {
            tag: request.tag.clone(),
            built: id.to_owned(),
            held: image.id.unwrap_or_else(|| "an image without an id".to_owned()),
        });
    }
    let platform = format!(
        "{}/{}",
        image.os.unwrap_or_default(),
        image.architecture.unwrap_or_default()
    );
    if !is_platform(&request.platform, &platform) {
        return Err(Error::Platform {
            wanted: request.platform.clone(),
            message: format!("the base image {} made it {platform}", request.base),
        });
    }
    Ok(BuiltImage {
        reference: request.tag.clone(),
        id: id.to_owned(),
        platform: request.platform.clone(),
        engine: "docker".to_owned(),
        size: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        context_digest: request.context_digest.clone(),
    })
}

/// Cancels the build in the daemon when the future that waits for it is dropped (Ctrl-C). Closing the connection says the
/// same; this also reaches the daemon through proxies that keep connections open.
struct CancelOnDrop {
    build_id: String,
    target: Option<(Endpoint, ApiVersion)>,
}

impl CancelOnDrop {
    fn new(daemon: &Daemon, builder: Builder) -> Self {
        let target = (builder == Builder::BuildKit).then(|| (daemon.endpoint().clone(), daemon.facts.api));
        Self {
            build_id: uuid::Uuid::new_v4().simple().to_string(),
            target,
        }
    }

    fn disarm(mut self) {
        self.target = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some((endpoint, api)) = self.target.take() {
            cancel_build(endpoint, api, &self.build_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_platform;

    #[test]
    fn a_variant_may_be_asked_for_but_another_architecture_is_another_platform() {
        assert!(is_platform("linux/amd64", "linux/amd64"));
        assert!(is_platform("linux/arm64/v8", "linux/arm64"));
        assert!(!is_platform("linux/arm64", "linux/amd64"));
        assert!(!is_platform("windows/amd64", "linux/amd64"));
    }
}
