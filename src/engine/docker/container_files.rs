//! Files of a container, which it gives away as a tar archive whether or not it runs
//! ([`GET /containers/{id}/archive`](https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerArchive)).
//!
//! What a container's root wrote arrives here as what this user writes: nothing has to be made over to anybody.

use std::io::{self, Read};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;
use url::form_urlencoded;

use super::container::Container;
use super::error::Error;
use super::http::{Answer, lost};
use super::load::{Sink, archive_body};

/// So many pieces may wait to be read.
const AHEAD: usize = 8;

/// An archive that is read by another thread while it comes.
pub(crate) struct Archive {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Archive {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

impl Container<'_> {
    /// Puts what is in a tar archive, which `write` writes on a thread of its own, into its directory `path`; it needs not run.
    ///
    /// # Errors
    /// The daemon refuses, or went away. What `write` fails with is its own.
    pub(crate) async fn put(
        &self,
        path: &str,
        write: impl FnOnce(&mut Sink) -> io::Result<()> + Send + 'static,
    ) -> Result<io::Result<()>, Error> {
        let during = format!("writing {path} of the container {}", self.name());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("path", path)
            .finish();
        let url = format!("/containers/{}/archive?{query}", self.id());
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"))]);
        let (mut sink, body) = archive_body();
        let writing = tokio::task::spawn_blocking(move || {
            let written = write(&mut sink);
            if written.is_err() {
                sink.abandon();
            }
            written
        });
        let answered = self.docker().daemon.put(&url, headers, body, &during).await;
        let written = writing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        match (answered, written) {
            (Ok(_), written) => Ok(written),
            // What could not be written is why the daemon heard no end; but not where it closed the connection itself.
            (Err(_), Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Ok(Err(error)),
            (Err(error), _) => Err(error),
        }
    }

    /// Has `read` read the archive of what is at `path`, on a thread of its own; `None` where there is nothing.
    /// A directory's archive begins with the directory's own name.
    ///
    /// # Errors
    /// The daemon refuses, or went away. What `read` fails with is its own.
    pub(crate) async fn get<T: Send + 'static>(
        &self,
        path: &str,
        read: impl FnOnce(Archive) -> io::Result<T> + Send + 'static,
    ) -> Result<Option<io::Result<T>>, Error> {
        let during = format!("reading {path} of the container {}", self.name());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("path", path)
            .finish();
        let url = format!("/containers/{}/archive?{query}", self.id());
        let daemon = &self.docker().daemon;
        let answer = match daemon.get(&url, &during).await {
            Ok(answer) => answer,
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (sender, pieces) = mpsc::channel(AHEAD);
        let archive = Archive {
            pieces,
            piece: Bytes::new(),
        };
        let reading = tokio::task::spawn_blocking(move || read(archive));
        let sent = pump(answer, sender, &during).await;
        let outcome = reading.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        sent.map_err(|error| error.by(self.docker().program()))?;
        Ok(Some(outcome))
    }
}

/// Hands the pieces on, as long as somebody takes them.
async fn pump(mut answer: Answer, sender: mpsc::Sender<io::Result<Bytes>>, during: &str) -> Result<(), Error> {
    while let Some(piece) = answer.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                let _ = sender.send(Err(io::ErrorKind::UnexpectedEof.into())).await;
                return Err(lost(during, &error));
            }
        };
        if sender.send(Ok(piece)).await.is_err() {
            break;
        }
    }
    Ok(())
}
