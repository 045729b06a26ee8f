//! Config and manifest of an image: the base's, with what the plan says.
//!
//! Source: [the image config](https://github.com/opencontainers/image-spec/blob/main/config.md), and
//! [Docker's manifest](https://distribution.github.io/distribution/spec/manifest-v2-2/), which SageMaker takes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Error;
use super::base::Base;
use super::last::label;
use super::splice::Measured;
use crate::image::{BaseImage, ImagePlan};
use crate::oci::{Descriptor, Digest, MediaType};

/// When the image was made, where nobody says a time: as its files.
const CREATED: &str = "1980-01-02T00:00:00Z";
/// What the plan's `created` is called.
const CREATED_LABEL: &str = "org.opencontainers.image.created";
/// A config as Docker calls it.
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// A layer in gzip as Docker calls it.
const GZIP_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// What every image's environment has: see `templates/Dockerfile.j2`.
const ENVIRONMENT: [(&str, &str); 2] = [("PYTHONUNBUFFERED", "1"), ("PIP_ROOT_USER_ACTION", "ignore")];

/// An image's two documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Documents {
    pub(crate) config: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
}

impl Documents {
    /// The image's id.
    pub(crate) fn id(&self) -> Digest {
        Digest::of(&self.config)
    }
}

/// Refuses a base image that wants commands run in what is made of it, as `docker build` does
/// (<https://docs.docker.com/reference/dockerfile/#onbuild>).
///
/// # Errors
/// It does.
pub(crate) fn check(base: &BaseImage, config: &Value) -> Result<(), Error> {
    let triggers = config.get("config").and_then(|config| config.get("OnBuild"));
    let lines: Vec<&str> = triggers
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(Error::OnBuild {
        base: base.to_string(),
        lines: lines.join("; "),
    })
}

/// The documents of `plan`'s image: `base` with `layers` on it, each with what is in it, and with the label that tells of them.
///
/// # Errors
/// The base has a layer that Docker's manifest cannot name.
pub(crate) fn documents(
    plan: &ImagePlan,
    base: &Base,
    layers: &[(String, Measured)],
    told: Option<String>,
) -> Result<Documents, Error> {
    let config = bytes(&config(plan, base, layers, told));
    let mut listed = base.layers.iter().map(|layer| {
        if layer.packed.is_some() || layer.media_type.ends_with("gzip") {
            return Ok(described(GZIP_LAYER, layer.in_image()));
        }
        Err(Error::BaseLayer {
            base: plan.native_base().to_string(),
            media_type: layer.media_type.clone(),
        })
    });
    let mut all = listed.by_ref().collect::<Result<Vec<_>, _>>()?;
    all.extend(layers.iter().map(|(_, layer)| {
        described(
            GZIP_LAYER,
            &Descriptor {
                digest: layer.digest.clone(),
                size: layer.size,
            },
        )
    }));
    let of_config = Descriptor {
        digest: Digest::of(&config),
        size: config.len() as u64,
    };
    let manifest = bytes(&json!({
        "schemaVersion": 2,
        "mediaType": MediaType::DockerManifest.as_str(),
        "config": described(CONFIG, &of_config),
        "layers": all,
    }));
    Ok(Documents { config, manifest })
}

fn described(media_type: &str, content: &Descriptor) -> Value {
    json!({ "mediaType": media_type, "size": content.size, "digest": content.digest })
}

fn bytes(document: &impl Serialize) -> Vec<u8> {
    // JSON values can be written.
    serde_json::to_vec(document).unwrap_or_default()
}

/// The config; what the base says of how it was made is left out, as it was not made so.
fn config(plan: &ImagePlan, base: &Base, layers: &[(String, Measured)], told: Option<String>) -> Value {
    let created = plan.labels.get(CREATED_LABEL).map_or(CREATED, String::as_str);
    let of_base = |key: &str| base.config.get(key).cloned();
    let mut diff_ids: Vec<Value> = base.layers.iter().map(|layer| json!(layer.diff_id)).collect();
    diff_ids.extend(layers.iter().map(|(_, layer)| json!(layer.diff_id)));
    let mut history = of_base("history")
        .and_then(|history| history.as_array().cloned())
        .unwrap_or_default();
    history.extend(layers.iter().map(
        |(title, _)| json!({ "created": created, "created_by": format!("sgbuild: {title}"), "comment": "sgbuild" }),
    ));
    let platform = &plan.platform;
    let mut config = json!({
        "architecture": platform.architecture,
        "os": platform.os,
        "created": created,
        "config": run_config(plan, of_base("config"), told),
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": history,
    });
    if let Some(variant) = of_base("variant") {
        config["variant"] = variant;
    }
    config
}

/// How the image is run: the base's, with what the plan says, as the lines of a Dockerfile would have it.
fn run_config(plan: &ImagePlan, base: Option<Value>, told: Option<String>) -> Value {
    let mut config = match base {
        Some(Value::Object(config)) => config,
        _ => Map::new(),
    };
    let of_base = config.get("Env").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut environment: Vec<String> = of_base
        .iter()
        .filter_map(|set| set.as_str().map(ToOwned::to_owned))
        .collect();
    let set = ENVIRONMENT.iter().map(|(name, value)| (*name, *value));
    let planned = plan
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    // A prepared base has them, and the project's own lines may have changed them there.
    let is_missing = plan.only_docker.prepared.is_none();
    for (name, value) in set.chain(planned).filter(|_| is_missing) {
        let text = format!("{name}={value}");
        let is_same = |known: &String| known.split('=').next() == Some(name);
        match environment.iter().position(is_same) {
            Some(at) => environment[at] = text,
            None => environment.push(text),
        }
    }
    config.insert("Env".to_owned(), json!(environment));
    let mut labels: BTreeMap<String, Value> = match config.get("Labels") {
        Some(Value::Object(labels)) => labels.clone().into_iter().collect(),
        _ => BTreeMap::new(),
    };
    labels.extend(plan.labels.iter().map(|(name, value)| (name.clone(), json!(value))));
    // What a base that is ours tells is of its own layers.
    labels.remove(label::NAME);
    labels.extend(told.map(|told| (label::NAME.to_owned(), json!(told))));
    config.insert("Labels".to_owned(), json!(labels));
    config.insert("Entrypoint".to_owned(), json!(plan.entrypoint));
    config.insert("Cmd".to_owned(), json!(plan.command));
    // Whoever runs a base image that is not the official one, root installs, and so stays where the plan names nobody.
    let installs = plan.python.is_none().then_some("root");
    if let Some(user) = plan.user.as_deref().or(installs) {
        config.insert("User".to_owned(), json!(user));
    }
    // What Docker kept of the container that a base was committed from.
    for of_container in [
        "Hostname",
        "Domainname",
        "Image",
        "AttachStdin",
        "AttachStdout",
        "AttachStderr",
        "Tty",
        "OpenStdin",
        "StdinOnce",
    ] {
        config.remove(of_container);
    }
    Value::Object(config)
}
