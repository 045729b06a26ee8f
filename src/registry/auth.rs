//! Credentials for a registry: ECR's token, or what Docker's own configuration holds.

mod helper;

use std::path::PathBuf;

use aws_config::SdkConfig;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde_json::Value;

use super::Credentials;
use super::ecr::{self, EcrHost};
use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::Repository;
use crate::oci::reference::DOCKER_HUB;
use crate::reading::{self, SETTINGS_FILE};
use crate::secret::Secret;

/// Where credentials may come from.
#[derive(Debug, Clone, Default)]
pub struct AuthSettings {
    /// The AWS configuration; `None` where AWS is not to be asked.
    pub aws: Option<SdkConfig>,
    /// The directory of Docker's `config.json` (`$DOCKER_CONFIG`, else `~/.docker`); `None` where there is none.
    pub docker_config_dir: Option<PathBuf>,
    /// sgbuild's cache directory, where ECR's passwords are kept; `None` where nothing is to be kept.
    pub cache: Option<PathBuf>,
    /// `PATH`, by whose absolute entries credential helpers are found.
    pub path: Option<String>,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// ECR gave no token.
    #[error(transparent)]
    Ecr(#[from] ecr::Error),
    /// Docker's configuration cannot be read.
    #[error("Docker's configuration {} cannot be read: {reason}", path.display())]
    DockerConfig {
        /// The `config.json`.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What Docker's configuration holds for the registry is damaged.
    #[error("the entry for `{host}` in {} is not usable: {reason}", path.display())]
    Entry {
        /// The registry's host.
        host: String,
        /// The `config.json`.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The credential helper that Docker's configuration names did not do its work.
    #[error("the credential helper `{program}`, which {} names for `{host}`, {reason}", path.display())]
    Helper {
        /// The registry's host.
        host: String,
        /// The program, such as `docker-credential-pass`.
        program: String,
        /// The `config.json`.
        path: PathBuf,
        /// What it did instead.
        reason: String,
    },
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Ecr(error) => error.code(),
            Self::DockerConfig { .. } | Self::Entry { .. } | Self::Helper { .. } => Code::DockerConfigUnusable,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Ecr(error) => error.advice(),
            Self::DockerConfig { .. } => {
                Fault::User.hint("Repair the file, or move it away and run `docker login` again.")
            }
            Self::Entry { host, .. } => {
                Fault::User.hint(format!("Run `docker logout {host}` and `docker login {host}`."))
            }
            Self::Helper { program, host, .. } => Fault::User.hint(format!(
                "See whether `echo {host} | {program} get` works, or take the helper out of Docker's configuration."
            )),
        }
    }
}

/// The credentials for `repository`'s registry.
///
/// A private ECR host gets a token from ECR, asked in the host's region; where AWS has no credentials, what Docker's
/// configuration holds for the host serves. Any other registry gets what Docker's configuration holds (`auths`, `credHelpers`,
/// `credsStore`), else [`Credentials::Anonymous`]; AWS is not asked for it.
///
/// # Errors
/// ECR refusing, a damaged Docker configuration, a credential helper that fails. A helper that knows of no credentials is
/// no error.
pub async fn credentials(repository: &Repository, settings: &AuthSettings) -> Result<Credentials, Error> {
    let Some(host) = EcrHost::of(repository) else {
        return from_docker(repository, settings).await;
    };
    let refused = match &settings.aws {
        Some(config) => match ecr::authorization(config, &host, settings.cache.as_deref()).await {
            Ok(credentials) => return Ok(credentials),
            Err(error) if error.lacks_credentials() => error,
            Err(error) => return Err(error.into()),
        },
        None => ecr::Error::NoCredentials {
            action: "ecr:GetAuthorizationToken",
        },
    };
    // The helper for ECR needs the AWS credentials that are missing: its complaint would hide the cause.
    match from_docker(repository, settings).await {
        Ok(Credentials::Anonymous) | Err(_) => Err(refused.into()),
        Ok(credentials) => Ok(credentials),
    }
}

/// Forgets what was kept of `repository`'s registry, which refused it; whether there is anybody to give new credentials.
pub async fn forget(repository: &Repository, settings: &AuthSettings) -> bool {
    let (Some(host), Some(aws)) = (EcrHost::of(repository), &settings.aws) else {
        return false;
    };
    if let Some(cache) = &settings.cache {
        ecr::forget(aws, &host, cache).await;
    }
    true
}

/// The credentials that Docker itself would use.
async fn from_docker(repository: &Repository, settings: &AuthSettings) -> Result<Credentials, Error> {
    let Some(directory) = &settings.docker_config_dir else {
        return Ok(Credentials::Anonymous);
    };
    let path = directory.join("config.json");
    let text = match reading::bytes(&path, SETTINGS_FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Credentials::Anonymous),
        Err(error) => {
            return Err(Error::DockerConfig {
                path,
                reason: error.to_string(),
            });
        }
    };
    let config: Value = serde_json::from_slice(&text).map_err(|error| Error::DockerConfig {
        path: path.clone(),
        reason: format!("not JSON: {error}"),
    })?;
    let key = config_key(&repository.host);
    let asked = async |program: String| {
        let answered = helper::ask(&program, &key, settings.path.as_deref()).await;
        answered
            .map(|found| found.unwrap_or(Credentials::Anonymous))
            .map_err(|reason| Error::Helper {
                host: key.clone(),
                program,
                path: path.clone(),
                reason,
            })
    };
    if let Some(program) = own_helper(&config, &key) {
        return asked(program).await;
    }
    // What stands in the file itself; programs are ours to run.
    let mut stored = config.clone();
    if let Some(stored) = stored.as_object_mut() {
        stored.retain(|name, _| !["credHelpers", "credsStore"].contains(&name.as_str()));
    }
    let stored = stored.to_string();
    match docker_credential::get_credential_from_reader(stored.as_bytes(), &key) {
        Ok(DockerCredential::IdentityToken(token)) => Ok(Credentials::IdentityToken(Secret::new(token))),
        Ok(DockerCredential::UsernamePassword(username, password)) if username.is_empty() && password.is_empty() => {
            Ok(Credentials::Anonymous)
        }
        Ok(DockerCredential::UsernamePassword(username, password)) => Ok(Credentials::Basic {
            username,
            password: Secret::new(password),
        }),
        Err(CredentialRetrievalError::NoCredentialConfigured) => match store(&config) {
            Some(program) => asked(program).await,
            None => Ok(Credentials::Anonymous),
        },
        Err(error) => Err(unusable(&error, key, path)),
    }
}

/// What is wrong with what the file holds.
fn unusable(error: &CredentialRetrievalError, host: String, path: PathBuf) -> Error {
    let reason = match error {
        CredentialRetrievalError::CredentialMismatchError => "`auth` differs from `username` and `password`",
        CredentialRetrievalError::CredentialDecodingError => "`auth` is not base64 of `user:password`",
        _ => {
            let reason = "a value has an unexpected type".to_owned();
            return Error::DockerConfig { path, reason };
        }
    };
    Error::Entry {
        host,
        path,
        reason: reason.to_owned(),
    }
}

/// The name under which `docker login` stores credentials for `host`.
fn config_key(host: &str) -> String {
    if host == DOCKER_HUB {
        "https://index.docker.io/v1/".to_owned()
    } else {
        host.to_owned()
    }
}

/// The program that Docker's configuration names for `key` alone.
fn own_helper(config: &Value, key: &str) -> Option<String> {
    program(config.get("credHelpers")?.get(key)?)
}

/// The program that it names for every registry.
fn store(config: &Value) -> Option<String> {
    program(config.get("credsStore")?)
}

fn program(name: &Value) -> Option<String> {
    let name = name.as_str().filter(|name| !name.is_empty())?;
    Some(format!("docker-credential-{name}"))
}

#[cfg(test)]
mod tests;
