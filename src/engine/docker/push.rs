//! `POST /images/{name}/push`.

use std::collections::HashMap;

use bollard::query_parameters::TagImageOptionsBuilder;
use http::{HeaderMap, HeaderName};
use url::form_urlencoded;

use super::Program;
use super::build::{auth_config, encoded};
use super::daemon::Daemon;
use super::error::Error;
use super::failure;
use super::http::{broken, empty, header};
use super::layers::{Layers, short};
use super::messages::{Message, Messages};
use crate::engine::{BuiltImage, Destination, Layer, Sent};
use crate::oci::Digest;
use crate::progress::Progress;
use crate::secret::without_url_credentials;

/// Tags the image as its destination and pushes that tag. The tag stays in the daemon, as after `docker push`: it keeps the
/// image from being pruned as dangling, and the next push replaces it.
pub(crate) async fn push(
    daemon: &Daemon,
    image: &BuiltImage,
    destination: &Destination<'_>,
    progress: &dyn Progress,
) -> Result<Sent, Error> {
    let target = destination.reference;
    let name = target.repository.to_string();
    let Some(tag) = target.tag.as_deref() else {
        return Err(Error::Target {
            target: name,
            reason: format!("{} pushes tags, and none is given", daemon.facts.program),
        });
    };
    tag_image(daemon, image, &name, tag).await?;
    let shown = format!("{name}:{tag}");
    let during = format!("pushing {shown}");
    let mut headers = HeaderMap::new();
    let auth = auth_config(destination.credentials, &target.repository.host);
    let (header_name, mut value) = header(HeaderName::from_static("x-registry-auth"), &encoded(&auth))?;
    value.set_sensitive(true);
    headers.insert(header_name, value);
    let posted = daemon.post(&path(daemon, &name, tag), headers, empty(), &during).await;
    let mut messages = Messages::new(posted.map_err(|error| refusal(error, &shown))?);
    let mut layers = Layers::new(progress, "layer");
    let mut manifest = None;
    loop {
        match messages.next().await {
            Ok(None) => {
                let mut sent = sent(daemon, image, layers.ended()).await;
                sent.manifest = manifest;
                return Ok(sent);
            }
            Err(reason) => return Err(broken(during, reason)),
            Ok(Some(message)) => {
                if let Some(said) = message.failure() {
                    return Err(failure::of_push(&without_url_credentials(&said), &shown));
                }
                layers.message(&message);
                manifest = put(&message).or(manifest);
            }
        }
    }
}

/// The manifest that the daemon says it put under the tag, in the last line but one
/// ([`PushResult`](https://github.com/moby/moby/blob/v26.1.5/api/types/types.go)).
fn put(message: &Message) -> Option<Digest> {
    message.aux.as_ref()?.get("Digest")?.as_str()?.parse().ok()
}

/// What the daemon said of the layers: by the digests of the manifest with containerd's store, else by those that the layers have unpacked.
async fn sent(daemon: &Daemon, image: &BuiltImage, ended: HashMap<String, bool>) -> Sent {
    let mut sent = Sent::default();
    let inspected = daemon.images.inspect_image(image.id.as_str());
    // Without an answer there is less to tell, and nothing else.
    let inspected = daemon.answer(inspected, "inspecting what was pushed").await.ok();
    let unpacked = inspected.and_then(|image| image.root_fs?.layers).unwrap_or_default();
    for (at, layer) in unpacked.iter().enumerate() {
        if let Some(is_new) = ended.get(short(layer)) {
            sent.add(Layer::At(at), *is_new);
        }
    }
    for (id, is_new) in ended {
        sent.add(Layer::Named(id), is_new);
    }
    sent
}

fn path(daemon: &Daemon, name: &str, tag: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("tag", tag);
    if daemon.facts.program == Program::Podman {
        // It would send layers of a base in zstd where it has seen such, and then an OCI manifest, as Docker's has no word for them.
        query
            .append_pair("format", "v2s2")
            .append_pair("compressionFormat", "gzip")
            .append_pair("forceCompressionFormat", "true");
    }
    format!("/images/{name}/push?{}", query.finish())
}

async fn tag_image(daemon: &Daemon, image: &BuiltImage, name: &str, tag: &str) -> Result<(), Error> {
    let shown = format!("{} ({})", image.name(), image.id);
    tag_image_as(daemon, image.id.as_str(), name, tag, &shown).await
}

/// Gives the image `id`, which people know as `shown`, another name.
pub(super) async fn tag_image_as(daemon: &Daemon, id: &str, name: &str, tag: &str, shown: &str) -> Result<(), Error> {
    let options = TagImageOptionsBuilder::new().repo(name).tag(tag).build();
    let during = format!("tagging {name}:{tag}");
    let tagged = daemon.answer(daemon.images.tag_image(id, Some(options)), &during).await;
    tagged.map_err(|error| match error {
        Error::Refused { status: 404, .. } => Error::ImageMissing {
            daemon: Program::default(),
            image: shown.to_owned(),
        },
        error => error,
    })
}

/// A push that the daemon refused before it began.
fn refusal(error: Error, target: &str) -> Error {
    match error {
        Error::Refused { message, status, .. } if status < 500 && status != 429 => {
            failure::of_push(&without_url_credentials(&message), target)
        }
        // podman's status is the same for whatever the registry said.
        Error::Refused { ref message, .. } => match failure::of_push(&without_url_credentials(message), target) {
            Error::Push { .. } => error,
            known => known,
        },
        error => error,
    }
}
