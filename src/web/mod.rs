//! What every HTTP client of sgbuild's own holds to: whom it trusts, what it follows, when it tries again, and how it says what failed.

mod retry;

pub use retry::Retry;
pub(crate) use retry::{is_temporary, retry_after, told};

use std::error::Error as StdError;
use std::sync::{Arc, LazyLock};
use std::thread;

use reqwest::redirect::{Action, Attempt};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;

use crate::explain::chain;
use crate::secret::without_url_credentials;

/// How many redirects one request may take.
const MAX_REDIRECTS: usize = 5;

/// Follows a few redirects, but never from TLS to plain text. The `Authorization` header is sent to no other host, port or
/// scheme: the HTTP library takes it off.
pub(crate) fn redirect(attempt: Attempt<'_>) -> Action {
    let leaves_tls =
        attempt.previous().last().is_some_and(|url| url.scheme() == "https") && attempt.url().scheme() != "https";
    if leaves_tls {
        return attempt.error("it redirects from https to http");
    }
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("too many redirects");
    }
    attempt.follow()
}

/// Whom this machine trusts: what `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else the platform's. These are some hundred files, read once.
/// One odd certificate among them does not spoil the others.
static PLATFORM: LazyLock<RootCertStore> = LazyLock::new(|| trusting(rustls_native_certs::load_native_certs().certs));

/// Reads whom this machine trusts, while whoever will ask does something else.
pub(crate) fn prepare() {
    // Where there can be no thread, whoever asks first reads it.
    let _ = thread::Builder::new().spawn(|| LazyLock::force(&PLATFORM));
}

/// The certificates of whom this machine trusts, and `others`.
pub(crate) fn platform_and(others: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut trusted = PLATFORM.clone();
    trusted.add_parsable_certificates(others);
    trusted
}

/// `certificates` alone; what is none of them is passed over.
pub(crate) fn trusting(certificates: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(certificates);
    trusted
}

/// The algorithms of TLS.
pub(crate) fn cryptography() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What every HTTP client is made with: the library would end the process where nobody had said which algorithms it is to use.
pub(crate) fn client() -> reqwest::ClientBuilder {
    // That they are set already is as well.
    let _ = cryptography().as_ref().clone().install_default();
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    reqwest::Client::builder()
}

/// How to speak TLS with whom `trusted` vouch for; clients that share it resume each other's sessions.
///
/// # Errors
/// The TLS library lacks what it is to speak.
pub(crate) fn tls(trusted: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(cryptography()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(trusted).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The error and its causes in one line, each said once, without credentials.
pub(crate) fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for text in chain(error).map(ToString::to_string) {
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    without_url_credentials(&parts.join(": "))
}

/// The innermost cause of a failed connection, such as `Connection refused (os error 111)`: what is around it names layers of
/// software that the user has no hand in.
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let innermost = chain(error).last().unwrap_or(error);
    without_url_credentials(&innermost.to_string())
}

/// The TLS library's complaint, if that is what a request failed on.
pub(crate) fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // An `io::Error` hides what it was made of from `source()`.
        let inner = current
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    None
}
