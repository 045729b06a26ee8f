//! Blobs: configs and layers, by digest
//! ([the specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs)).

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, LOCATION};
use http::{Method, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use url::Url;

use super::exchange::{Answer, Request};
use super::manifests::CONTENT_DIGEST;
use super::sending::Sent;
use super::{Client, Error};
use crate::explain::{Explain as _, Fault};
use crate::oci::{Content, Descriptor, Digest};

impl Client {
    /// The size in bytes of the blob `digest`; `None` where the repository does not have it.
    ///
    /// # Errors
    /// Anything but 200 or 404, and an answer that does not say the size.
    pub async fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let request = Request::new(Method::HEAD, self.blob(digest)?);
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

    /// Writes the blob to `sink` as it comes; `false` where the repository does not have it.
    ///
    /// # Errors
    /// What came is not what `blob` describes, and then `sink` holds some of it; a connection that broke; a sink that takes no more.
    pub async fn read_blob(&self, blob: &Descriptor, sink: &mut (impl AsyncWrite + Unpin)) -> Result<bool, Error> {
        let request = Request::new(Method::GET, self.blob(&blob.digest)?);
        let Some(mut response) = self.open(&request, blob.size).await? else {
            return Ok(false);
        };
        let unlike = |what: &str| self.protocol(&request.title(), &format!("{what} the blob that was asked for"));
        let (mut hash, mut left) = (Sha256::new(), blob.size);
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.broken(&error, &request, 1))?
        {
            left = left
                .checked_sub(chunk.len() as u64)
                .ok_or_else(|| unlike("it is longer than"))?;
            hash.update(&chunk);
            let written = sink.write_all(&chunk).await;
            written.map_err(|source| Error::Local {
                digest: blob.digest.clone(),
                source,
            })?;
        }
        if left > 0 {
            return Err(unlike("it is shorter than"));
        }
        if Digest::of_sha256(&hash.finalize()) != blob.digest {
            return Err(unlike("it is not"));
        }
        Ok(true)
    }

    /// Lets this repository have the blob that the repository `from` of the same registry has; `false` where the registry would rather
    /// have it sent.
    ///
    /// # Errors
    /// Anything but 201 or 202.
    pub async fn mount_blob(&self, digest: &Digest, from: &str) -> Result<bool, Error> {
        self.authorization.lock().await.also_pull(from);
        let mut url = self.uploads()?;
        url.query_pairs_mut()
            .append_pair("mount", digest.as_str())
            .append_pair("from", from);
        let request = Request::new(Method::POST, url);
        let answer = self.send(request.clone()).await?;
        match answer.status {
            StatusCode::CREATED => Ok(true),
            // An upload was begun instead, which the registry forgets by itself.
            StatusCode::ACCEPTED => Ok(false),
            _ => Err(self.unexpected(&answer, &request.title())),
        }
    }

    /// Sends a blob, again from its beginning while that may help.
    ///
    /// # Errors
    /// The content cannot be read or is not what it says; a registry that refuses it, or fails for good.
    pub async fn upload_blob(&self, content: &Arc<dyn Content>) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            // Which was tried as often as it may help.
            let place = self.begin_upload().await?;
            let error = match self.upload_to(place, content, tries).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let wait = self
                .retry
                .wait(tries, None)
                .filter(|_| error.advice().fault == Fault::Temporary);
            match wait {
                Some(wait) => self.retry.pause(wait, &error.to_string()).await,
                None => return Err(error),
            }
        }
    }

    /// Begins an upload: where it goes on
    /// ([the specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#post-then-put)).
    async fn begin_upload(&self) -> Result<Url, Error> {
        let begin = Request::new(Method::POST, self.uploads()?);
        let session = self.send(begin.clone()).await?;
        self.place(&session, &begin)
    }

    /// One upload: sent as one piece with its digest.
    async fn upload_to(&self, mut place: Url, content: &Arc<dyn Content>, tries: u32) -> Result<(), Error> {
        let digest = &content.descriptor().digest;
        place.query_pairs_mut().append_pair("digest", digest.as_str());
        let whole = Request::new(Method::PUT, place);
        let sent = self.send_content(&whole, content, tries).await;
        if let Err(error @ Error::Local { .. }) = sent {
            return Err(error);
        }
        let says_so = |answer: &Answer| {
            answer.status == StatusCode::CREATED && answer.header(CONTENT_DIGEST) == Some(digest.as_str())
        };
        if sent.as_ref().is_ok_and(says_so) {
            return Ok(());
        }
        // What counts is what the repository has: the answer may have been lost on its way.
        if self.blob_size(digest).await? == Some(content.descriptor().size) {
            return Ok(());
        }
        let sent = sent?;
        if sent.status.is_success() {
            return Err(self.protocol(&whole.title(), "it does not have the blob that it took"));
        }
        Err(self.unexpected(&sent, &whole.title()))
    }

    /// Sends the bytes themselves.
    async fn send_content(&self, piece: &Request, content: &Arc<dyn Content>, tries: u32) -> Result<Answer, Error> {
        let sent = Sent::of(Arc::clone(content));
        let answered = tokio::select! {
            answered = self.stream(piece, &sent, tries) => answered,
            () = sent.stalled(self.stall_timeout, self.answer_timeout) => Err(Error::Unreachable {
                host: piece.url.authority().to_owned(),
                tries,
                reason: format!("nothing was taken of {} for a while", content.descriptor().digest),
            }),
        };
        // What is wrong here broke the connection: it is the cause.
        match sent.failure() {
            Some(source) => Err(Error::Local {
                digest: content.descriptor().digest.clone(),
                source,
            }),
            None => answered,
        }
    }

    /// Where the upload goes on, which the registry says anew with each answer.
    fn place(&self, answer: &Answer, request: &Request) -> Result<Url, Error> {
        if answer.status != StatusCode::ACCEPTED {
            return Err(self.unexpected(answer, &request.title()));
        }
        let place = answer.header(LOCATION).and_then(|place| request.url.join(place).ok());
        let place = place.ok_or_else(|| self.protocol(&request.title(), "it does not say where to upload to"))?;
        if self.base.scheme() == "https" && place.scheme() != "https" {
            return Err(self.protocol(&request.title(), "it has the upload leave TLS"));
        }
        Ok(place)
    }

    fn blob(&self, digest: &Digest) -> Result<Url, Error> {
        self.api(&format!("{}/blobs/{digest}", self.repository.path))
    }

    fn uploads(&self) -> Result<Url, Error> {
        self.api(&format!("{}/blobs/uploads/", self.repository.path))
    }
}
