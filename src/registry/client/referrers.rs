//! What is attached to an image: manifests that name it as their subject
//! ([the specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests-with-subject)).

use bytes::Bytes;
use http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::exchange::Answer;
use super::manifests::{Manifest, media_type};
use super::{Client, Error};
use crate::oci::{Digest, MediaType};

/// What a registry answers that lists by itself what refers to an image.
const OCI_SUBJECT: &str = "oci-subject";
/// How often a list is written that somebody else writes at the same time.
const TRIES: u32 = 5;

/// A list of what refers to an image, where the registry keeps none: an index under a tag of its own
/// ([referrers tag schema](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema)).
struct List {
    document: Value,
    /// Under what condition it may be replaced: that it is still the one that was read.
    unchanged: Option<(HeaderName, HeaderValue)>,
}

impl Client {
    /// Stores `manifest`, which names `subject`, so that who asks what refers to that finds it. All that is listed there already stays.
    ///
    /// # Errors
    /// The registry does not take it, or what is under the list's tag is none.
    pub async fn put_referrer(&self, manifest: &Manifest, subject: &Digest) -> Result<(), Error> {
        let digest = manifest.digest();
        let answer = self.put(digest.as_str(), manifest, None).await?;
        if answer.header(OCI_SUBJECT).is_some() {
            return Ok(());
        }
        let tag = tag_of(subject);
        let mut tries = 0;
        while let Some(list) = self.list_without(&tag, &digest).await? {
            tries += 1;
            let changed = Manifest {
                bytes: Bytes::from(list.with(&digest, manifest).to_string()),
                media_type: MediaType::OciIndex,
                answered_digest: None,
            };
            match self.put(&tag, &changed, list.unchanged).await {
                // Read once more: whoever wrote at the same time may have had the last word.
                Ok(_) if tries < TRIES => {}
                Err(Error::Status { status, .. }) if status == StatusCode::PRECONDITION_FAILED && tries < TRIES => {}
                Ok(_) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The list under `tag`, if `digest` is not in it.
    async fn list_without(&self, tag: &str, digest: &Digest) -> Result<Option<List>, Error> {
        let request = self.manifest_request(Method::GET, tag)?;
        let answer = self.send(request.clone()).await?;
        let list = match answer.status {
            StatusCode::NOT_FOUND => List::empty(),
            StatusCode::OK => List::read(&answer)
                .ok_or_else(|| self.protocol(&request.title(), "it is no list of what refers to an image"))?,
            _ => return Err(self.unexpected(&answer, &request.title())),
        };
        let names = |entry: &Value| entry.get("digest").and_then(Value::as_str) == Some(digest.as_str());
        let is_listed = list.entries().iter().any(names);
        Ok((!is_listed).then_some(list))
    }
}

/// Under which tag the list for an image is.
fn tag_of(subject: &Digest) -> String {
    subject.as_str().replacen(':', "-", 1)
}

impl List {
    fn empty() -> Self {
        Self {
            document: json!({
                "schemaVersion": 2,
                "mediaType": MediaType::OciIndex.as_str(),
                "manifests": [],
            }),
            unchanged: Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
        }
    }

    fn read(answer: &Answer) -> Option<Self> {
        if media_type(answer) != MediaType::OciIndex {
            return None;
        }
        let document: Value = serde_json::from_slice(&answer.body).ok()?;
        document.get("manifests")?.as_array()?;
        Some(Self {
            document,
            unchanged: answer.headers.get(ETAG).map(|etag| (IF_MATCH, etag.clone())),
        })
    }

    fn entries(&self) -> &[Value] {
        let entries = self.document.get("manifests").and_then(Value::as_array);
        entries.map(Vec::as_slice).unwrap_or_default()
    }

    /// The list with one more entry.
    fn with(&self, digest: &Digest, manifest: &Manifest) -> Value {
        let said: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
        let mut entry = json!({
            "mediaType": manifest.media_type,
            "digest": digest,
            "size": manifest.bytes.len(),
        });
        for key in ["artifactType", "annotations"] {
            if let Some(value) = said.get(key) {
                entry[key] = value.clone();
            }
        }
        let mut list = self.document.clone();
        if let Some(entries) = list.get_mut("manifests").and_then(Value::as_array_mut) {
            entries.push(entry);
        }
        list
    }
}
