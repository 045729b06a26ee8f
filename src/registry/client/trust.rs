//! The HTTP client under the registry client: whose certificates it trusts, and what it follows.

use std::path::Path;

use reqwest::redirect::Policy;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{ClientSettings, Error};
use crate::oci::Repository;
use crate::reading::{self, SETTINGS_FILE};
use crate::web::{self, platform_and, redirect, tls, with_causes};

/// The HTTP clients for one registry.
pub(super) struct HttpClients {
    /// Follows redirects.
    pub(super) following: reqwest::Client,
    /// Does not, and takes as long as a body takes: what is sent in one is for this host alone.
    pub(super) direct: reqwest::Client,
}

/// The HTTP clients for the registry of `repository`. They trust the platform's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` where they are
/// set) and, as Docker does, the `*.crt` files of the registry's own directory.
pub(super) fn http_clients(repository: &Repository, settings: &ClientSettings) -> Result<HttpClients, Error> {
    let own = registry_certificates(&settings.docker_certs_dir.join(&repository.host))?;
    let tls = tls(platform_and(own)).map_err(|error| Error::Setup {
        reason: error.to_string(),
    })?;
    let client = |redirects, is_short| {
        let mut client = web::client();
        if repository.is_loopback() {
            // As Docker does: no proxy knows what listens here.
            client = client.no_proxy();
        }
        if is_short {
            client = client
                .read_timeout(settings.stall_timeout)
                .timeout(settings.answer_timeout);
        }
        client
            .tls_backend_preconfigured(tls.clone())
            .user_agent(concat!("sgbuild/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .redirect(redirects)
            .build()
            .map_err(|error| Error::Setup {
                reason: with_causes(&error),
            })
    };
    Ok(HttpClients {
        following: client(Policy::custom(redirect), true)?,
        direct: client(Policy::none(), false)?,
    })
}

/// The certificates in `directory/*.crt`; none where there is no such directory.
fn registry_certificates(directory: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Ok(Vec::new());
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "crt"))
        .collect();
    files.sort();
    let mut certificates = Vec::new();
    for file in files {
        let found = reading::bytes(&file, SETTINGS_FILE).map_err(|error| error.to_string());
        let found = found.and_then(|pem| {
            let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            parsed.map_err(|error| error.to_string())
        });
        match found {
            Ok(found) if !found.is_empty() => certificates.extend(found),
            Ok(_) => {
                return Err(Error::CaFile {
                    path: file,
                    reason: "it holds no PEM certificate".to_owned(),
                });
            }
            Err(reason) => return Err(Error::CaFile { path: file, reason }),
        }
    }
    Ok(certificates)
}
