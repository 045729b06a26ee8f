//! Manifests, by tag or digest
//! ([the specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests)).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, StatusCode};

use super::exchange::{Answer, Request};
use super::{Client, Error};
use crate::oci::{Digest, MediaType};

/// The registry's account of what it answers with.
pub(super) const CONTENT_DIGEST: &str = "docker-content-digest";

/// A manifest as a registry holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Exactly as received: the digest is made of these bytes.
    pub bytes: Bytes,
    /// From `Content-Type`, parameters cut off.
    pub media_type: MediaType,
    /// What the registry says the digest is (`Docker-Content-Digest`); not every registry says it.
    pub answered_digest: Option<Digest>,
}

impl Manifest {
    /// Of the bytes received.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

impl Client {
    /// The manifest that `reference` (a tag or digest) names; `None` where there is none, or no such repository.
    ///
    /// # Errors
    /// Anything but a manifest or 404.
    pub async fn manifest(&self, reference: &str) -> Result<Option<Manifest>, Error> {
        let request = self.manifest_request(Method::GET, reference)?;
        let answer = self.send(request.clone()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => Ok(Some(Manifest {
                media_type: media_type(&answer),
                answered_digest: answered_digest(&answer),
                bytes: answer.body,
            })),
            _ => Err(self.unexpected(&answer, &request.title())),
        }
    }

    /// The digest that the registry holds for `reference` (a tag or digest), without the manifest; `None` where there is no
    /// such manifest, or the registry does not name digests.
    ///
    /// # Errors
    /// Anything but 200 or 404.
    pub async fn manifest_digest(&self, reference: &str) -> Result<Option<Digest>, Error> {
        let request = self.manifest_request(Method::HEAD, reference)?;
        let answer = self.send(request.clone()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => Ok(answered_digest(&answer)),
            _ => Err(self.unexpected(&answer, &request.title())),
        }
    }

    /// Stores `manifest` under `reference` (a tag or its digest) and returns the digest that the registry answers, `None` where
    /// it names none.
    ///
    /// # Errors
    /// Anything but 201: a manifest whose blobs are not there, an immutable tag.
    pub async fn put_manifest(&self, reference: &str, manifest: &Manifest) -> Result<Option<Digest>, Error> {
        Ok(answered_digest(&self.put(reference, manifest, None).await?))
    }

    /// The same with the whole answer, under a condition if there is one.
    pub(super) async fn put(
        &self,
        reference: &str,
        manifest: &Manifest,
        condition: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Answer, Error> {
        let mut request = Request::new(
            Method::PUT,
            self.api(&format!("{}/manifests/{reference}", self.repository.path))?,
        );
        let content_type = HeaderValue::from_str(manifest.media_type.as_str())
            .map_err(|_| self.protocol(&request.title(), "the media type cannot be sent as a header"))?;
        request.headers.insert(CONTENT_TYPE, content_type);
        request.headers.extend(condition);
        request.body = manifest.bytes.clone();
        let answer = self.send(request.clone()).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.unexpected(&answer, &request.title()))
    }

    pub(super) fn manifest_request(&self, method: Method, reference: &str) -> Result<Request, Error> {
        let mut request = Request::new(
            method,
            self.api(&format!("{}/manifests/{reference}", self.repository.path))?,
        );
        for accepted in MediaType::MANIFESTS {
            request
                .headers
                .extend(HeaderValue::from_str(accepted.as_str()).map(|accepted| (ACCEPT, accepted)));
        }
        Ok(request)
    }
}

pub(super) fn media_type(answer: &Answer) -> MediaType {
    let text = answer.header(CONTENT_TYPE).unwrap_or_default();
    MediaType::from(text.split(';').next().unwrap_or_default().trim().to_owned())
}

/// `None` where the registry names none, and where what it names is none: then its manifest's bytes speak for it.
fn answered_digest(answer: &Answer) -> Option<Digest> {
    answer.header(CONTENT_DIGEST)?.parse().ok()
}
