//! Blobs: configs and layers, by digest
//! ([the specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs)).

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};

use super::exchange::Request;
use super::{Client, Error};
use crate::oci::Digest;

impl Client {
    /// The size in bytes of the blob `digest`; `None` where the repository does not have it.
    ///
    /// # Errors
    /// Anything but 200 or 404, and an answer that does not say the size.
    pub async fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let request = Request::new(
            Method::HEAD,
            self.api(&format!("{}/blobs/{digest}", self.repository.path))?,
        );
        let answer = self.send(request.clone()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let size = answer.header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
                size.map(Some)
                    .ok_or_else(|| self.protocol(&request.title(), "it does not say the blob's size"))
            }
            _ => Err(self.unexpected(&answer, &request.title())),
        }
    }
}
