//! One file from the network: hashed as it comes, continued where the connection breaks, bounded in size.

use std::io::{self, Seek as _, SeekFrom, Write as _};

use http::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use tempfile::NamedTempFile;
use url::Url;

use super::sites::Known;
use super::{Error, Sites, Store};
use crate::engine::native::resolve::Remote;
use crate::explain::{Explain as _, Fault};
use crate::hex::hex;
use crate::oci::Digest;
use crate::progress::{Progress, Task};
use crate::web::{is_temporary, retry_after, root_cause, tls_error, told, with_causes};

/// The largest file that is taken where the index does not say its size, in bytes: the largest wheels there are have some 3 GB.
const LARGEST: u64 = 20_000_000_000;
/// A connection that brought so much was a good one: what broke it is counted anew.
const PROGRESS: u64 = 1_000_000;

/// What is to come.
pub(super) struct Download<'a> {
    pub(super) remote: &'a Remote,
    pub(super) file_name: &'a str,
    /// One of these it must have, where there are any.
    pub(super) hashes: &'a [String],
    pub(super) sites: &'a Sites,
    pub(super) progress: &'a dyn Progress,
}

/// What has come.
struct Arrived {
    file: NamedTempFile,
    size: u64,
    hashers: Hashers,
    /// Of the version that has begun to come.
    etag: Option<String>,
    /// Whether it has been gone on with after a break.
    is_patched: bool,
}

/// SHA-256, and the others where a requirement names one.
struct Hashers {
    sha256: Sha256,
    longer: Option<(Sha384, Sha512)>,
}

impl Download<'_> {
    /// Fills `file`: it, its digest and its size.
    pub(super) async fn run(&self, file: NamedTempFile, store: &Store) -> Result<(NamedTempFile, Digest, u64), Error> {
        let url = Url::parse(&self.remote.url).map_err(|error| self.odd(&format!("it is no URL: {error}")))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(self.odd("it is neither http nor https"));
        }
        let known = self.sites.known(self.progress).await?;
        let task = self.progress.task(self.file_name, self.remote.size);
        let mut arrived = Arrived::nothing(file, self.hashes);
        let mut failed = 0;
        loop {
            let before = arrived.size;
            let came = self.attempt(&url, known, &mut arrived, &*task, store).await;
            // What came in parts may have changed between two of them.
            let is_patched = came.is_ok() && arrived.is_patched;
            let verified = came.and_then(|()| self.verified(&arrived).map_err(Failure::from));
            let (error, asked) = match verified {
                Ok(digest) => {
                    task.finish("fetched");
                    return Ok((arrived.file, digest, arrived.size));
                }
                Err(failure) => failure,
            };
            if !is_patched && error.advice().fault != Fault::Temporary {
                return Err(error);
            }
            failed = if arrived.size >= before + PROGRESS {
                1
            } else {
                failed + 1
            };
            let Some(wait) = self.sites.retry.wait(failed, asked) else {
                return Err(error);
            };
            if is_patched {
                arrived.restart(self.hashes).map_err(|source| store.unwritten(source))?;
            }
            self.progress.check()?;
            if let Some(waits) = told(wait, &error.to_string()) {
                self.progress.detail(&waits);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// One request, for what has not come yet. An error may come with how long the server wishes not to be asked again.
    async fn attempt(
        &self,
        url: &Url,
        known: &Known,
        arrived: &mut Arrived,
        task: &dyn Task,
        store: &Store,
    ) -> Result<(), Failure> {
        let mut request = known.get(url);
        if arrived.size > 0 {
            request = request.header(RANGE, format!("bytes={}-", arrived.size));
            if let Some(etag) = &arrived.etag {
                request = request.header(IF_RANGE, etag);
            }
        }
        let mut response = request.send().await.map_err(|error| self.broken(url, &error))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if continues(response.headers(), arrived.size) => arrived.is_patched = true,
            StatusCode::OK => arrived.restart(self.hashes).map_err(|source| store.unwritten(source))?,
            // What came before is of no use: the next try begins anew.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                arrived.restart(self.hashes).map_err(|source| store.unwritten(source))?;
                return Err((self.cut_off(url, "it was continued elsewhere than it ended"), None));
            }
            status => return Err(self.refused(url, status, response.headers(), known.knows(url))),
        }
        arrived.etag = strong_etag(response.headers());
        loop {
            let chunk = response.chunk().await.map_err(|error| self.broken(url, &error))?;
            self.progress.check().map_err(Error::from)?;
            let Some(chunk) = chunk else { break };
            if arrived.size + chunk.len() as u64 > self.remote.size.unwrap_or(LARGEST) {
                return Err((self.too_large(), None));
            }
            arrived.add(&chunk).map_err(|source| store.unwritten(source))?;
            task.set(arrived.size, self.remote.size);
        }
        match self.remote.size {
            Some(size) if arrived.size < size => Err((self.cut_off(url, "it ended early"), None)),
            _ => Ok(()),
        }
    }

    /// The digest, if it is what the index and the requirement say.
    fn verified(&self, arrived: &Arrived) -> Result<Digest, Error> {
        let found = arrived.hashers.found();
        let digest = Digest::of_sha256(&arrived.hashers.sha256.clone().finalize());
        let is_indexs = self.remote.sha256.as_ref().is_none_or(|expected| *expected == digest);
        let is_allowed = self.hashes.is_empty() || self.hashes.iter().any(|hash| found.contains(&hash.to_lowercase()));
        if is_indexs && is_allowed {
            return Ok(digest);
        }
        let expected = self.remote.sha256.as_ref().filter(|_| !is_indexs);
        Err(Error::OtherDigest {
            file_name: self.file_name.to_owned(),
            place: self.remote.url.clone(),
            expected: expected.map_or_else(|| self.hashes.join(", "), ToString::to_string),
            found: digest.to_string(),
        })
    }

    fn refused(&self, url: &Url, status: StatusCode, headers: &HeaderMap, is_known: bool) -> Failure {
        let host = url.host_str().unwrap_or_default().to_owned();
        let file_name = self.file_name.to_owned();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let anonymous = !is_known;
            return (
                Error::Denied {
                    file_name,
                    host,
                    anonymous,
                },
                None,
            );
        }
        let wait = retry_after(headers, Timestamp::now());
        let temporary = is_temporary(status);
        let status = status.as_u16();
        let error = Error::Status {
            file_name,
            host,
            status,
            temporary,
        };
        (error, wait)
    }

    fn broken(&self, url: &Url, error: &reqwest::Error) -> Failure {
        if let Some(complaint) = tls_error(error) {
            let host = url.host_str().unwrap_or_default().to_owned();
            let reason = complaint.to_string();
            return (Error::Untrusted { host, reason }, None);
        }
        if error.is_redirect() || error.is_builder() {
            return (self.odd(&with_causes(error)), None);
        }
        (self.cut_off(url, &root_cause(error)), None)
    }

    fn cut_off(&self, url: &Url, reason: &str) -> Error {
        Error::Broken {
            file_name: self.file_name.to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn odd(&self, reason: &str) -> Error {
        Error::Odd {
            file_name: self.file_name.to_owned(),
            url: self.remote.url.clone(),
            reason: reason.to_owned(),
        }
    }

    fn too_large(&self) -> Error {
        self.odd(&match self.remote.size {
            Some(size) => format!("it is larger than the {size} bytes that the index says"),
            None => format!("it is larger than {} GB", LARGEST / 1_000_000_000),
        })
    }
}

/// An error, and how long the server wishes not to be asked again.
type Failure = (Error, Option<std::time::Duration>);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        (error, None)
    }
}

impl Arrived {
    fn nothing(file: NamedTempFile, hashes: &[String]) -> Self {
        Self {
            file,
            size: 0,
            hashers: Hashers::new(hashes),
            etag: None,
            is_patched: false,
        }
    }

    fn restart(&mut self, hashes: &[String]) -> io::Result<()> {
        let file = self.file.as_file_mut();
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        self.size = 0;
        self.hashers = Hashers::new(hashes);
        self.is_patched = false;
        Ok(())
    }

    fn add(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.hashers.update(piece);
        self.size += piece.len() as u64;
        Ok(())
    }
}

impl Hashers {
    fn new(hashes: &[String]) -> Self {
        let names_longer = hashes.iter().any(|hash| !hash.starts_with("sha256:"));
        Self {
            sha256: Sha256::new(),
            longer: names_longer.then(|| (Sha384::new(), Sha512::new())),
        }
    }

    fn update(&mut self, piece: &[u8]) {
        self.sha256.update(piece);
        if let Some((sha384, sha512)) = &mut self.longer {
            sha384.update(piece);
            sha512.update(piece);
        }
    }

    /// As a requirement writes them.
    fn found(&self) -> Vec<String> {
        let mut found = vec![format!("sha256:{}", hex(&self.sha256.clone().finalize()))];
        if let Some((sha384, sha512)) = &self.longer {
            found.push(format!("sha384:{}", hex(&sha384.clone().finalize())));
            found.push(format!("sha512:{}", hex(&sha512.clone().finalize())));
        }
        found
    }
}

/// Whether a partial answer goes on where the file ends (<https://www.rfc-editor.org/rfc/rfc9110#field.content-range>).
fn continues(headers: &HeaderMap, size: u64) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let first = range.and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next());
    first.and_then(|first| first.trim().parse().ok()) == Some(size)
}

/// The entity tag, if it stands for exactly these bytes.
fn strong_etag(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(ETAG)?.to_str().ok()?;
    etag.starts_with('"').then(|| etag.to_owned())
}
