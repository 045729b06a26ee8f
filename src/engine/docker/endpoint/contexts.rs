//! Docker's contexts: daemons by name, in files of the `docker` command
//! ([documentation](https://docs.docker.com/engine/manage-resources/contexts/)).

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{DEFAULT_SOCKET, Endpoint, TlsMaterial, address};
use crate::engine::docker::error::Error;
use crate::hex::hex;
use crate::reading::{self, SETTINGS_FILE};

/// The daemon of the context `name`, which `origin` named.
pub(super) fn endpoint(config_dir: Option<&Path>, name: &str, origin: &str) -> Result<Endpoint, Error> {
    if name == "default" {
        return Ok(Endpoint::Unix(PathBuf::from(DEFAULT_SOCKET)));
    }
    let id = hex(&Sha256::digest(name.as_bytes()));
    let missing = || Error::ContextMissing {
        name: name.to_owned(),
        origin: origin.to_owned(),
    };
    let contexts = config_dir.ok_or_else(missing)?.join("contexts");
    let path = contexts.join("meta").join(&id).join("meta.json");
    let text = read_if_present(&path)?.ok_or_else(missing)?;
    let meta: ContextMeta = parse_json(&path, &text)?;
    let Some(docker) = meta.endpoints.docker else {
        return Err(Error::Configuration {
            path,
            reason: "the context has no docker endpoint".to_owned(),
        });
    };
    let directory = contexts.join("tls").join(&id).join("docker");
    let tls = (docker.skip_tls_verify || directory.is_dir()).then_some(TlsMaterial {
        directory,
        skip_verify: docker.skip_tls_verify,
    });
    match docker.host.filter(|host| !host.is_empty()) {
        Some(host) => address::parse(&host, &format!("context {name}"), tls),
        None => Ok(Endpoint::Unix(PathBuf::from(DEFAULT_SOCKET))),
    }
}

/// The context that the `docker` command uses when none is named.
pub(super) fn current(config_dir: &Path) -> Result<Option<String>, Error> {
    let path = config_dir.join("config.json");
    let Some(text) = read_if_present(&path)? else {
        return Ok(None);
    };
    let config: ConfigFile = parse_json(&path, &text)?;
    Ok(config.current_context.filter(|name| !name.is_empty()))
}

fn read_if_present(path: &Path) -> Result<Option<String>, Error> {
    match reading::text(path, SETTINGS_FILE) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Configuration {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}

fn parse_json<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Configuration {
        path: path.to_owned(),
        reason: format!("not valid JSON: {error}"),
    })
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Endpoints", default)]
    endpoints: ContextEndpoints,
}

#[derive(Deserialize, Default)]
struct ContextEndpoints {
    docker: Option<ContextDocker>,
}

#[derive(Deserialize)]
struct ContextDocker {
    #[serde(rename = "Host")]
    host: Option<String>,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}
