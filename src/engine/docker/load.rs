//! Images that the daemon is given
//! ([`POST /images/load`](https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageLoad)).
//!
//! Docker's classic store keeps layers by themselves: what it has of an image need not be in the archive, which the daemon
//! finds out by looking for each layer with those below it. containerd's store wants the archive whole.

use std::io;

use bollard::query_parameters::ListImagesOptionsBuilder;
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::Docker;
use super::error::Error;
use super::failure::is_disk_full;
use super::http::{Body, broken};
use super::messages::Messages;
use super::push::tag_image_as;

/// Pieces of an archive that may wait for the daemon.
const AHEAD: usize = 4;
/// So many images are looked at for layers that the next one may share.
const LOOKED_AT: usize = 8;

/// Where an archive for the daemon is written.
pub(crate) struct Sink(mpsc::Sender<io::Result<Bytes>>);

impl Sink {
    /// Breaks the request off, instead of ending it.
    pub(crate) fn abandon(&mut self) {
        // A daemon that is gone needs no telling.
        let _ = self.0.blocking_send(Err(io::ErrorKind::UnexpectedEof.into()));
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A request's body that is written on another thread.
pub(crate) fn archive_body() -> (Sink, Body) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let chunks = stream::unfold(receiver, |mut receiver: mpsc::Receiver<io::Result<Bytes>>| async move {
        let chunk = receiver.recv().await?;
        Some((chunk.map(Frame::data), receiver))
    });
    (Sink(sender), StreamBody::new(chunks).boxed_unsync())
}

/// An image of the daemon.
pub(crate) struct Held {
    pub(crate) id: String,
    /// Its layers, unpacked.
    pub(crate) layers: Vec<String>,
}

impl Docker {
    /// The image that the daemon knows by `name`, a name or an id; `None` where it knows none.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub(crate) async fn held(&self, name: &str) -> Result<Option<Held>, Error> {
        let during = format!("looking for the image {name}");
        let inspected = self.daemon.images.inspect_image(name);
        match self.daemon.answer(inspected, &during).await {
            Ok(held) => Ok(Some(Held {
                id: held.id.unwrap_or_default(),
                layers: held.root_fs.and_then(|root| root.layers).unwrap_or_default(),
            })),
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many of `layers`, from the lowest, the daemon has for certain, and may be left out: as many as an image has that is there
    /// with the same lowest ones. Looked at are those of the repository that `name` is in.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub(crate) async fn shared_layers(&self, name: &str, layers: &[String]) -> Result<usize, Error> {
        if !self.daemon.facts.keeps_layers() {
            return Ok(0);
        }
        let repository = name.rsplit_once(':').map_or(name, |(repository, _)| repository);
        let filters = [("reference".to_owned(), vec![repository.to_owned()])].into();
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        let listed = self.daemon.images.list_images(Some(options));
        let mut listed = self.daemon.answer(listed, "listing its images").await?;
        listed.sort_by_key(|image| std::cmp::Reverse(image.created));
        let mut most = 0;
        for image in listed.iter().take(LOOKED_AT) {
            let Some(held) = self.held(&image.id).await? else {
                continue;
            };
            let same = held.layers.iter().zip(layers).take_while(|(its, ours)| its == ours);
            most = most.max(same.count());
        }
        Ok(most)
    }

    /// Has the daemon take the archive `body`.
    ///
    /// # Errors
    /// The daemon does not take it, or went away.
    pub(crate) async fn load(&self, body: Body, name: &str) -> Result<(), Error> {
        let during = format!("loading {name}");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"))]);
        let answer = self.daemon.post("/images/load?quiet=1", headers, body, &during).await?;
        let mut messages = Messages::new(answer);
        loop {
            match messages.next().await {
                Ok(None) => return Ok(()),
                Err(reason) => return Err(broken(during, reason).by(self.program())),
                Ok(Some(message)) => {
                    if let Some(message) = message.failure() {
                        return Err(if is_disk_full(&message) {
                            Error::DiskFull {
                                daemon: self.program(),
                                message,
                            }
                        } else {
                            Error::NotLoaded {
                                daemon: self.program(),
                                image: name.to_owned(),
                                message,
                            }
                        });
                    }
                }
            }
        }
    }

    /// Gives the image `id` the name `name`.
    ///
    /// # Errors
    /// The daemon does not answer, or does not have it.
    pub(crate) async fn tag(&self, id: &str, name: &str) -> Result<(), Error> {
        let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
        let tagged = tag_image_as(&self.daemon, id, repository, tag, name).await;
        tagged.map_err(|error| error.by(self.program()))
    }

    /// Makes sure that `name` is one of the image's two `ids`: of its config in Docker's classic store, of its manifest in containerd's.
    ///
    /// # Errors
    /// It is another image's, or nobody's.
    pub(crate) async fn confirm(&self, name: &str, ids: &[&str; 2]) -> Result<(), Error> {
        let held = self.held(name).await?.map(|held| held.id).unwrap_or_default();
        let digits = |id: &str| id.trim_start_matches("sha256:").to_owned();
        if ids.iter().any(|id| digits(id) == digits(&held)) {
            return Ok(());
        }
        Err(Error::NotLoaded {
            daemon: self.program(),
            image: format!("{name} ({})", ids[0]),
            message: format!("it has `{held}` under this name afterwards"),
        })
    }
}
