//! `POST /build`: the context goes in, the log comes out, and an image remains.

use base64::Engine as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use url::form_urlencoded;

use super::Program;
use super::api_version::ApiVersion;
use super::context::{self, ContextFailure, Outline};
use super::daemon::{Daemon, cancel_build};
use super::endpoint::Endpoint;
use super::error::Error;
use super::failure;
use super::http::{Body, broken, empty, header};
use super::log::BuildLog;
use super::mask::Mask;
use super::messages::Messages;
use super::secret_files::SecretFiles;
use super::session::Session;
use super::upload;
use crate::engine::{BuiltImage, Kept, Order};
use crate::image::ImagePlan;
use crate::oci::{Digest, Platform};
use crate::progress::Progress;
use crate::reading;
use crate::registry::Credentials;

/// The key of Docker Hub in lists of credentials.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// What builds in the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builder {
    BuildKit,
    Classic,
    /// Podman's.
    Buildah,
}

/// Builds what is ordered and returns what the daemon then holds.
pub(crate) async fn build(
    daemon: &Daemon,
    builder: Builder,
    order: &Order<'_>,
    progress: &dyn Progress,
) -> Result<BuiltImage, Error> {
    check(daemon, builder, order.plan)?;
    let cancel = CancelOnDrop::new(daemon, builder);
    let id = match Sent::prepare(daemon, builder, order, &cancel.build_id).await {
        Ok(sent) => run(daemon, order, sent, progress).await,
        Err(error) => Err(error),
    };
    // The daemon ended the build, or is gone: only a dropped future leaves one to cancel.
    cancel.disarm();
    match id {
        Ok(id) => finished(daemon, order, &id).await,
        Err(error) => Err(explained(daemon, order, error).await),
    }
}

/// A base image that is looked for in a registry although the daemon has it: then it has it for another platform.
async fn explained(daemon: &Daemon, order: &Order<'_>, error: Error) -> Error {
    let (Error::BaseImage { message, .. } | Error::BaseRegistry { message, .. }) = &error else {
        return error;
    };
    let base = order.plan.base.in_dockerfile().unwrap_or_default();
    let inspected = daemon.images.inspect_image(&base);
    let Ok(image) = daemon.answer(inspected, "inspecting the base image").await else {
        return error;
    };
    let actual = platform(image.os, image.architecture);
    if order.pull || order.plan.platform.is_met_by(&actual) {
        return error;
    }
    Error::Platform {
        daemon: daemon.facts.program,
        wanted: order.plan.platform.to_string(),
        message: format!("the daemon has {base} for {actual} only, and {message}"),
    }
}

/// What the daemon says of an image.
fn platform(os: Option<String>, architecture: Option<String>) -> Platform {
    Platform::new(&os.unwrap_or_default(), &architecture.unwrap_or_default())
}

/// Refuses what this daemon cannot build rightly, before anything is sent.
pub(crate) fn check(daemon: &Daemon, builder: Builder, plan: &ImagePlan) -> Result<(), Error> {
    context::check(plan)?;
    if builder != Builder::Classic && daemon.facts.mounts {
        return Ok(());
    }
    let is_oci = builder == Builder::Classic && daemon.facts.containerd_store;
    let version = &daemon.facts.version;
    let builder = match builder {
        Builder::Classic => format!("the classic builder of the Docker daemon {version}"),
        Builder::BuildKit => format!("the BuildKit of the Docker daemon {version}, older than 20.10,"),
        Builder::Buildah => format!("podman {version}, older than 4.0,"),
    };
    if is_oci {
        return Err(Error::ImageStore { builder });
    }
    if !plan.secrets.is_empty() {
        let ids: Vec<&str> = plan.secrets.iter().map(String::as_str).collect();
        let ids = ids.join(", ");
        return Err(Error::SecretsUnsupported { ids, builder });
    }
    if plan.only_docker.classic_builder || plan.only_docker.template.is_some() {
        return Ok(());
    }
    Err(Error::MountsUnsupported { builder })
}

/// What a build is asked with.
struct Sent {
    path: String,
    headers: HeaderMap,
    body: Body,
    /// Open as long as the daemon may call back.
    _session: Option<Session>,
    failure: ContextFailure,
}

impl Sent {
    async fn prepare(daemon: &Daemon, builder: Builder, order: &Order<'_>, build_id: &str) -> Result<Self, Error> {
        let secrets = match builder {
            Builder::Buildah => SecretFiles::new(order.secrets),
            Builder::BuildKit | Builder::Classic => SecretFiles::default(),
        };
        // Read once the daemon is asked: what is in the directory then is built.
        let context = || context::stream(order.dist, &secrets);
        let is_uploaded = builder == Builder::BuildKit && daemon.facts.containerd_store;
        let (session, body, failure) = if is_uploaded {
            let (context, failure) = context();
            let session = session(daemon, order, Some(context)).await?;
            (Some(session), empty(), failure)
        } else {
            let session = match builder {
                Builder::BuildKit => Some(session(daemon, order, None).await?),
                Builder::Classic | Builder::Buildah => None,
            };
            let (context, failure) = context();
            (session, context, failure)
        };
        let mut query = query(daemon, order);
        if let Some(session) = &session {
            query
                .append_pair("version", "2")
                .append_pair("session", &session.id)
                .append_pair("buildid", build_id);
        } else {
            query
                .append_pair("version", "1")
                .append_pair("rm", "1")
                .append_pair("forcerm", "1");
        }
        if let Some(session) = session.as_ref().filter(|_| is_uploaded) {
            query
                .append_pair("remote", &upload::address(&session.id))
                .append_pair("outputs", &dockers_image().to_string());
        }
        if builder == Builder::Buildah {
            // Its own name is no label of the image's.
            query.append_pair("identitylabel", "0");
        }
        if let Some(secrets) = secrets.query() {
            query.append_pair("secrets", &secrets);
        }
        Ok(Self {
            path: format!("/build?{}", query.finish()),
            headers: headers(order, session.as_ref())?,
            body,
            _session: session,
            failure,
        })
    }
}

async fn session(daemon: &Daemon, order: &Order<'_>, context: Option<Body>) -> Result<Session, Error> {
    let host = order.plan.base.repository().map_or("", |base| &base.host);
    Session::open(daemon, order.secrets, host, &order.base_credentials, context).await
}

/// Sends the context and follows the log; the image's id.
async fn run(daemon: &Daemon, order: &Order<'_>, sent: Sent, progress: &dyn Progress) -> Result<String, Error> {
    let during = format!("building {}", order.name);
    let mask = Mask::new(order.secrets);
    let context_failure = sent.failure;
    let answer = match daemon.post(&sent.path, sent.headers, sent.body, &during).await {
        Ok(answer) => answer,
        Err(error) => return Err(context_failure.take().unwrap_or_else(|| refusal(error, order, &mask))),
    };
    let mut messages = Messages::new(answer);
    let mut log = BuildLog::new(progress, mask.clone(), outline(order));
    loop {
        let message = match messages.next().await {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(reason) => return Err(context_failure.take().unwrap_or_else(|| broken(during, reason))),
        };
        let Some(said) = message.failure() else {
            log.message(&message);
            continue;
        };
        if let Some(error) = context_failure.take() {
            return Err(error);
        }
        return Err(match log.failed_step(&said) {
            Some(step) => failure::of_step(step.instruction, step.output, step.message, order.plan),
            None => failure::of_build(&mask.apply(&said), order.plan),
        });
    }
    log.end();
    if let Some(error) = context_failure.take() {
        return Err(error);
    }
    log.image
        .ok_or_else(|| broken(during, "its answer ended before the image's id".to_owned()))
}

/// What the Dockerfile says of its instructions; nothing, where it cannot be read any more.
fn outline(order: &Order<'_>) -> Outline {
    let dockerfile = order.dist.directory.join(context::DOCKERFILE);
    let text = reading::text(&dockerfile, reading::PROJECT_FILE).unwrap_or_default();
    Outline::read(&text)
}

/// A build that the daemon refused before it began, such as for a Dockerfile with a syntax error.
fn refusal(error: Error, order: &Order<'_>, mask: &Mask) -> Error {
    match error {
        Error::Refused { message, status, .. } if status != 429 => failure::of_build(&mask.apply(&message), order.plan),
        error => error,
    }
}

fn query(daemon: &Daemon, order: &Order<'_>) -> form_urlencoded::Serializer<'static, String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("t", &order.name)
        .append_pair("dockerfile", context::DOCKERFILE);
    // The classic builder of older daemons takes it in experimental mode only; the image is inspected afterwards anyway.
    if daemon.facts.mounts {
        query.append_pair("platform", &order.plan.platform.to_string());
    }
    // What the daemon has under a name of its own is in no registry.
    if order.pull && order.plan.base.in_registry().is_some() {
        query.append_pair("pull", "1");
    }
    if order.no_cache {
        query.append_pair("nocache", "1");
    }
    query
}

/// Has containerd's store make an image as SageMaker takes it, with gzip layers also of a base that has others, and nothing attached to it
/// ([attributes](https://github.com/moby/buildkit#imageregistry)). Docker's classic store does so by itself, when it pushes.
fn dockers_image() -> serde_json::Value {
    let attributes = json!({"oci-mediatypes": "false", "compression": "gzip", "force-compression": "true"});
    json!([{"Type": "moby", "Attrs": attributes}])
}

fn headers(order: &Order<'_>, session: Option<&Session>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    if session.is_none() && order.base_credentials != Credentials::Anonymous {
        let host = order.plan.base.repository().map_or("", |base| &base.host);
        let key = if host == "docker.io" { DOCKER_HUB_KEY } else { host };
        let config = json!({ key: auth_config(&order.base_credentials, key) });
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
async fn finished(daemon: &Daemon, order: &Order<'_>, id: &str) -> Result<BuiltImage, Error> {
    let during = format!("inspecting {}", order.name);
    let image = daemon.answer(daemon.images.inspect_image(&order.name), &during).await?;
    // By the tag, as that is what the user is told: another build may have taken it, or the daemon named another image.
    if image.id.as_deref() != Some(id) {
        return Err(Error::Retagged {
            tag: order.name.clone(),
            built: id.to_owned(),
            held: image.id.unwrap_or_else(|| "an image without an id".to_owned()),
        });
    }
    let actual = platform(image.os, image.architecture);
    if !order.plan.platform.is_met_by(&actual) {
        return Err(Error::Platform {
            daemon: daemon.facts.program,
            wanted: order.plan.platform.to_string(),
            message: format!("the base image {} made it {actual}", order.plan.base),
        });
    }
    if daemon.facts.containerd_store || daemon.facts.program == Program::Podman {
        check_base(
            daemon,
            order,
            image.root_fs.unwrap_or_default().layers.unwrap_or_default(),
        )
        .await?;
    }
    let id = id
        .parse::<Digest>()
        .map_err(|malformed| broken(during, format!("the image's id {malformed}")))?;
    Ok(BuiltImage {
        id,
        platform: order.plan.platform.clone(),
        kept: Kept::Docker {
            reference: order.name.clone(),
        },
        size: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        context_digest: order.dist.context_digest.clone(),
    })
}

/// Refuses an image of `layers` that begins with those of a base for another platform: podman, and `BuildKit` with containerd's store, take
/// what they have under the base's name, and call the result what they were asked for.
async fn check_base(daemon: &Daemon, order: &Order<'_>, layers: Vec<String>) -> Result<(), Error> {
    let name = order.plan.base.in_dockerfile().unwrap_or_default();
    let inspected = daemon.images.inspect_image(&name);
    let base = match daemon.answer(inspected, "inspecting the base image").await {
        Ok(base) => base,
        Err(Error::Refused { status: 404, .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let below = base.root_fs.unwrap_or_default().layers.unwrap_or_default();
    let actual = platform(base.os, base.architecture);
    if order.plan.platform.is_met_by(&actual) || !layers.starts_with(&below) {
        return Ok(());
    }
    Err(Error::Platform {
        daemon: daemon.facts.program,
        wanted: order.plan.platform.to_string(),
        message: format!("the daemon has {name} for {actual} only"),
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
