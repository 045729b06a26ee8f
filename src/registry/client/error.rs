//! Why a registry did not do what it was asked.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::Digest;
use crate::registry::ecr::EcrHost;
use crate::secret::without_url_credentials;
use crate::web::tls_error;

/// Why a registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be set up: {reason}")]
    Setup {
        /// What the library said.
        reason: String,
    },
    /// A certificate file of Docker's directory for the registry is damaged.
    #[error("the registry's CA file {} cannot be used: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection, or one that broke or stalled, on every try.
    #[error("the registry {host} could not be reached ({tries} tries): {reason}")]
    Unreachable {
        /// The registry's host.
        host: String,
        /// How often it was tried.
        tries: u32,
        /// What the connection failed on.
        reason: String,
    },
    /// The registry's certificate is not trusted.
    #[error("the certificate of the registry {host} is not trusted: {reason}")]
    Certificate {
        /// The registry's host.
        host: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// What listens there does not speak TLS, or not as this client does.
    #[error("the registry {host} does not take a TLS connection: {reason}")]
    Tls {
        /// The registry's host.
        host: String,
        /// What the connection failed on.
        reason: String,
    },
    /// 401: the registry wants other credentials, or any.
    #[error("the registry {host} does not accept {}: {message}", if *.anonymous { "requests without credentials" } else { "the credentials" })]
    Unauthorized {
        /// The registry's host.
        host: String,
        /// No credentials were sent.
        anonymous: bool,
        /// What the registry said.
        message: String,
    },
    /// 403: the credentials are known and may not do this.
    #[error("the registry {host} does not permit access to `{path}`: {message}")]
    Denied {
        /// The registry's host.
        host: String,
        /// The repository's path.
        path: String,
        /// What the registry said.
        message: String,
    },
    /// The credentials were good once (ECR: longer than twelve hours ago).
    #[error("the credentials for the registry {host} have expired: {message}")]
    Expired {
        /// The registry's host.
        host: String,
        /// What the registry said.
        message: String,
    },
    /// Another answer than the API has for the request.
    #[error("the registry {host} answered {status} to {request}{}: {message}", tried(*.tries))]
    Status {
        /// The registry's host.
        host: String,
        /// The method and path.
        request: String,
        /// The answer's status.
        status: u16,
        /// What the registry said.
        message: String,
        /// How often it was tried.
        tries: u32,
        /// Trying later may help.
        temporary: bool,
    },
    /// What is sent cannot be read or is not what it says, or what is received cannot be kept.
    #[error("the blob {digest} cannot be passed on: {source}")]
    Local {
        /// The blob's digest.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// An answer outside the distribution API.
    #[error("the registry {host} answered {request} with something that is not the registry API: {reason}")]
    Protocol {
        /// The registry's host.
        host: String,
        /// The method and path.
        request: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Setup { .. } | Self::CaFile { .. } | Self::Certificate { .. } => Code::CertificateNotTrusted,
            Self::Unreachable { .. } | Self::Status { temporary: true, .. } => Code::RegistryUnreachable,
            Self::Unauthorized { .. } | Self::Expired { .. } => Code::RegistryLogin,
            Self::Denied { .. } => Code::RegistryDenied,
            Self::Tls { .. } | Self::Status { .. } | Self::Protocol { .. } => Code::RegistryAnswerOdd,
            Self::Local { source, .. } => Code::of_unwritten(source, Code::CacheUnusable),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Setup { .. } | Self::Status { temporary: false, .. } => Fault::User.alone(),
            Self::CaFile { .. } => Fault::User.hint("Replace the file by a PEM certificate, or remove it."),
            Self::Unreachable { .. } => Fault::Temporary.hint(
                "Check the registry's name, the network, and HTTPS_PROXY / NO_PROXY; then try again.",
            ),
            Self::Tls { .. } => Fault::User.hint(
                "Check the port. A registry on plain HTTP is spoken to on loopback only; one that asks for client certificates \
                 is not supported.",
            ),
            Self::Certificate { host, reason } => {
                let advice = Fault::User.hint(format!(
                    "Put the CA that issued it in /etc/docker/certs.d/{host}/ca.crt, or in the file SSL_CERT_FILE names."
                ));
                if reason.contains("CaUsedAsEndEntity") {
                    return advice
                        .and("The server uses a CA certificate as its own; have the CA issue a separate one.");
                }
                advice
            }
            Self::Unauthorized { host, .. } | Self::Expired { host, .. } if EcrHost::parse(host).is_some() => Fault::User
                .hint("Renew the AWS session (`aws sso login`), or the `docker login` that stands in for it."),
            Self::Unauthorized { host, .. } => Fault::User.hint(format!("Log in with `docker login {host}`.")),
            Self::Denied { host, path, .. } if EcrHost::parse(host).is_some() => {
                Fault::User.hint(ecr_permissions(host, path))
            }
            Self::Denied { .. } => Fault::User.hint(
                "Ask for the right to pull and push there, or name another repository with `--repository`.",
            ),
            Self::Expired { host, .. } => Fault::User.hint(format!("Log in again with `docker login {host}`.")),
            Self::Status { temporary: true, .. } => Fault::Temporary.hint("Try again in a minute."),
            Self::Local { .. } => Fault::User.hint(
                "Make sure that there is room on the disk and that nothing else changes it, and run the command again.",
            ),
            Self::Protocol { host, .. } => Fault::User.hint(format!(
                "Check that {host} is a registry, and that no proxy or login page answers in its place."
            )),
        }
    }
}

/// What a principal needs for pushing and for reading back what was pushed
/// ([IAM permissions for pushing](https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html)).
fn ecr_permissions(host: &str, path: &str) -> String {
    let arn = EcrHost::parse(host).map_or_else(|| path.to_owned(), |host| host.repository_arn(path));
    format!(
        "Allow ecr:BatchCheckLayerAvailability, ecr:InitiateLayerUpload, ecr:UploadLayerPart, ecr:CompleteLayerUpload, \
         ecr:PutImage, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on `{arn}`."
    )
}

fn tried(tries: u32) -> String {
    if tries > 1 {
        format!(" ({tries} tries)")
    } else {
        String::new()
    }
}

/// The longest that is shown of an error answer, in characters.
const LONGEST_MESSAGE: usize = 300;

/// What an error answer says, in one line of a bearable length: the messages of the API's error document, else its first line of text, else the status.
/// See [errors](https://distribution.github.io/distribution/spec/api/#errors).
pub(super) fn message(status: StatusCode, body: &Bytes) -> String {
    let documented: Vec<String> = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|document| document.get("errors")?.as_array().cloned())
        .unwrap_or_default()
        .iter()
        .filter_map(|error| {
            let text = |key| error.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            match (text("code"), text("message")) {
                (Some(code), Some(message)) => Some(format!("{code}: {message}")),
                (code, message) => message.or(code).map(str::to_owned),
            }
        })
        .collect();
    if !documented.is_empty() {
        let said = documented.join("; ");
        let words: Vec<&str> = said.split_whitespace().collect();
        return shortened(&words.join(" "));
    }
    let text = String::from_utf8_lossy(body);
    let line = text.trim().lines().next().unwrap_or_default();
    let is_page = line.starts_with('<');
    if line.is_empty() || is_page {
        return status.canonical_reason().unwrap_or("no explanation").to_owned();
    }
    shortened(line)
}

/// Masked before it is cut: half a URL would no longer show where its password ends.
fn shortened(text: &str) -> String {
    without_url_credentials(text).chars().take(LONGEST_MESSAGE).collect()
}

/// The TLS library's complaint, if that is what a request to `host` failed on: no retry will change it.
pub(super) fn tls_complaint(error: &(dyn StdError + 'static), host: &str) -> Option<Error> {
    let host = host.to_owned();
    match tls_error(error)? {
        rustls::Error::InvalidCertificate(complaint) => Some(Error::Certificate {
            host,
            reason: complaint.to_string(),
        }),
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => Some(Error::Tls {
            host,
            reason: "its answer is not TLS".to_owned(),
        }),
        refused @ (rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_)) => Some(Error::Tls {
            host,
            reason: refused.to_string(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_depends_on_whose_registry_it_is() {
        let host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com".to_owned();
        let denied = Error::Denied {
            host: host.clone(),
            path: "iris".to_owned(),
            message: "no".to_owned(),
        };
        assert!(denied.advice().hints[0].ends_with("on `arn:aws:ecr:eu-central-1:123456789012:repository/iris`."));
        let expired = Error::Expired {
            host,
            message: "late".to_owned(),
        };
        assert!(expired.advice().hints[0].contains("AWS session"));
        let expired = Error::Expired {
            host: "a.example".to_owned(),
            message: "late".to_owned(),
        };
        assert_eq!(expired.advice().hints, ["Log in again with `docker login a.example`."]);
    }

    #[test]
    fn the_registrys_own_words_are_found() {
        let said = |body: &str| message(StatusCode::FORBIDDEN, &Bytes::copy_from_slice(body.as_bytes()));
        assert_eq!(
            said(r#"{"errors":[{"code":"DENIED","message":"not yours","detail":null},{"code":"UNKNOWN"}]}"#),
            "DENIED: not yours; UNKNOWN"
        );
        assert_eq!(
            said("Your authorization token has expired.\n\nmore"),
            "Your authorization token has expired."
        );
        assert_eq!(said("<html>"), "Forbidden");
        assert_eq!(said(""), "Forbidden");
        assert_eq!(said("see https://u:p@h/x"), "see https://***@h/x");
        assert_eq!(said(&"x".repeat(9999)).len(), 300);
        let many = format!(
            r#"{{"errors":[{{"code":"DENIED","message":"a\nb{}"}}]}}"#,
            " c".repeat(9999)
        );
        assert_eq!(said(&many).len(), 300);
        assert!(said(&many).starts_with("DENIED: a b c c"));
        let cut = format!(
            "{}https://user:secret@host/",
            "x".repeat(300 - "https://user:secret".len())
        );
        assert!(!said(&cut).contains("secret"));
    }
}
