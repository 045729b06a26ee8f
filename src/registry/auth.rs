//! Credentials for a registry: ECR's token, or what Docker's own configuration holds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::SdkConfig;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde_json::Value;

use super::ecr;
use super::reference::{DOCKER_HUB, Repository};
use crate::fault::Fault;
use crate::reading::{self, SETTINGS_FILE};
use crate::secret::{Secret, without_url_credentials};

/// What to authenticate to a registry with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// None: a public image, or a registry without authentication.
    Anonymous,
    /// A user name and a password (ECR: `AWS` and the authorization token).
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// An identity token from a credential helper.
    IdentityToken(Secret),
}

/// Where credentials may come from.
#[derive(Debug, Clone, Default)]
pub struct AuthSettings {
    /// The AWS configuration; `None` where AWS is not to be asked.
    pub aws: Option<SdkConfig>,
    /// The directory of Docker's `config.json` (`$DOCKER_CONFIG`, else `~/.docker`); `None` where there is none.
    pub docker_config_dir: Option<PathBuf>,
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

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Ecr(error) => error.hints(),
            Self::DockerConfig { .. } => {
                vec!["Repair the file, or move it away and run `docker login` again.".to_owned()]
            }
            Self::Entry { host, .. } => vec![format!("Run `docker logout {host}` and `docker login {host}`.")],
            Self::Helper { program, host, .. } => vec![format!(
                "See whether `echo {host} | {program} get` works, or take the helper out of Docker's configuration."
            )],
        }
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Ecr(error) => error.fault(),
            _ => Fault::User,
        }
    }
}

/// How long a credential helper may take: it may ask the user to unlock a keychain.
const HELPER_PATIENCE: Duration = Duration::from_mins(2);

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
    let Some(host) = repository.ecr() else {
        return from_docker(repository, settings).await;
    };
    let refused = match &settings.aws {
        Some(config) => match ecr::authorization(config, &host).await {
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
    let program = helper_program(&config, &key);

    // The helper is a program that may ask the user something: off the async threads.
    let lookup = tokio::task::spawn_blocking({
        let key = key.clone();
        move || docker_credential::get_credential_from_reader(text.as_slice(), &key)
    });
    let found = match tokio::time::timeout(HELPER_PATIENCE, lookup).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => Err(CredentialRetrievalError::CredentialDecodingError),
        Err(_) => {
            let reason = format!("did not answer within {} seconds", HELPER_PATIENCE.as_secs());
            return Err(Error::Helper {
                host: key,
                program,
                path,
                reason,
            });
        }
    };
    match found {
        Ok(DockerCredential::IdentityToken(token)) => Ok(Credentials::IdentityToken(Secret::new(token))),
        Ok(DockerCredential::UsernamePassword(username, password)) if username.is_empty() && password.is_empty() => {
            Ok(Credentials::Anonymous)
        }
        Ok(DockerCredential::UsernamePassword(username, password)) => Ok(Credentials::Basic {
            username,
            password: Secret::new(password),
        }),
        Err(error) => not_found(error, &key, program, &path),
    }
}

/// What the lookup's failure means: nothing configured is [`Credentials::Anonymous`].
fn not_found(error: CredentialRetrievalError, key: &str, program: String, path: &Path) -> Result<Credentials, Error> {
    let host = key.to_owned();
    let path = path.to_owned();
    let helper = |reason: &str| Error::Helper {
        host: key.to_owned(),
        program,
        path: path.clone(),
        reason: reason.to_owned(),
    };
    match error {
        CredentialRetrievalError::NoCredentialConfigured | CredentialRetrievalError::ConfigNotFound => {
            Ok(Credentials::Anonymous)
        }
        CredentialRetrievalError::HelperFailure { stdout, stderr, .. } => {
            // The words of Docker's credential-helper protocol for "I have none".
            if stdout.contains("credentials not found") || stderr.contains("credentials not found") {
                return Ok(Credentials::Anonymous);
            }
            // Helpers explain themselves on either stream; a failing one has printed no credentials.
            let said = [stderr, stdout]
                .into_iter()
                .find(|text| !text.trim().is_empty())
                .unwrap_or_default();
            let said = without_url_credentials(said.trim().lines().next().unwrap_or("nothing"));
            Err(helper(&format!("failed: {said}")))
        }
        CredentialRetrievalError::HelperCommunicationError => {
            Err(helper("could not be run: is it installed and on PATH?"))
        }
        CredentialRetrievalError::MalformedHelperResponse => Err(helper("answered something that is not its protocol")),
        CredentialRetrievalError::ConfigReadError => Err(Error::DockerConfig {
            path,
            reason: "a value has an unexpected type".to_owned(),
        }),
        CredentialRetrievalError::CredentialMismatchError => Err(Error::Entry {
            host,
            path,
            reason: "`auth` differs from `username` and `password`".to_owned(),
        }),
        CredentialRetrievalError::CredentialDecodingError => Err(Error::Entry {
            host,
            path,
            reason: "`auth` is not base64 of `user:password`".to_owned(),
        }),
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

/// The program that Docker's configuration names for `key`, for messages.
fn helper_program(config: &Value, key: &str) -> String {
    let own = config.pointer("/credHelpers").and_then(|helpers| helpers.get(key));
    let name = own
        .or_else(|| config.get("credsStore"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    format!("docker-credential-{name}")
}

#[cfg(test)]
mod tests;
