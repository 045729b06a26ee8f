//! What is attached to the pushed image: a list of what is in it, as a manifest that refers to the image's.
//!
//! It is laid out as `oras attach` lays it out, and as `trivy image --sbom-sources oci` and `oras discover` look for it: see the
//! [guidance](https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage).

use bytes::Bytes;
use serde_json::json;

use super::{Push, PushedImage};
use crate::dist;
use crate::oci::{Descriptor, Digest, MediaType, held};
use crate::registry::client::{Error, Manifest};

/// `CycloneDX` in JSON (<https://www.iana.org/assignments/media-types/application/vnd.cyclonedx+json>).
const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
/// A config that says nothing
/// (<https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor>).
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// All of it.
const NOTHING: &[u8] = b"{}";
/// What a file is called by who gets it.
const TITLE: &str = "org.opencontainers.image.title";

/// A list of what is in the image.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// `CycloneDX` in JSON.
    pub sbom: &'a str,
    /// What was pushed before, whose attachment needs not be sent again.
    pub before: Option<&'a PushedImage>,
}

impl Push<'_> {
    /// Attaches the list to `image`, and answers with the digest of the manifest that does so. The image is pushed whether or not it is
    /// taken: a registry that refuses it is told of, and nothing else.
    pub(super) async fn attach(&self, attachment: Attachment<'_>, image: &Manifest) -> Option<Digest> {
        let subject = image.digest();
        let manifest = manifest(attachment.sbom, image);
        let digest = manifest.digest();
        let is_there = attachment.before.is_some_and(|before| {
            before.repository == self.settings.target
                && before.digest == subject
                && before.sbom.as_ref() == Some(&digest)
        });
        if is_there {
            return Some(digest);
        }
        self.progress.step("Attaching the SBOM");
        match self.send_attachment(attachment.sbom, &manifest, &subject).await {
            Ok(()) => Some(digest),
            Err(error) => {
                self.progress
                    .warn(&format!("the SBOM is not attached to the image: {error}"));
                None
            }
        }
    }

    async fn send_attachment(&self, sbom: &str, manifest: &Manifest, subject: &Digest) -> Result<(), Error> {
        tokio::try_join!(self.send_if_missing(NOTHING), self.send_if_missing(sbom.as_bytes()))?;
        self.client.put_referrer(manifest, subject).await
    }

    async fn send_if_missing(&self, bytes: &[u8]) -> Result<(), Error> {
        let content = held(bytes);
        if self.client.blob_size(&content.descriptor().digest).await?.is_some() {
            return Ok(());
        }
        self.client.upload_blob(&content).await
    }
}

/// The manifest that attaches `sbom` to `image`: the same for the same, so that it is there once.
fn manifest(sbom: &str, image: &Manifest) -> Manifest {
    let (config, layer) = (Descriptor::of(NOTHING), Descriptor::of(sbom.as_bytes()));
    let document = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OciManifest.as_str(),
        "artifactType": CYCLONEDX,
        "config": { "mediaType": EMPTY, "digest": config.digest, "size": config.size },
        "layers": [{
            "mediaType": CYCLONEDX,
            "digest": layer.digest,
            "size": layer.size,
            "annotations": { TITLE: dist::SBOM },
        }],
        "subject": { "mediaType": image.media_type, "digest": image.digest(), "size": image.bytes.len() },
    });
    Manifest {
        bytes: Bytes::from(document.to_string()),
        media_type: MediaType::OciManifest,
        answered_digest: None,
    }
}
