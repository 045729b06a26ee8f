//! Images as the daemon gives them away
//! ([`GET /images/{name}/get`](https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageGet)).

use http_body_util::BodyExt as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::error::Error;
use super::http::lost;
use super::{Docker, Output};
use crate::engine::output::{self, Unfinished};
use crate::engine::{self, BuiltImage};
use crate::progress::Progress;

impl Docker {
    /// The id of the image that the daemon knows by `name`; `None` where it knows none.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub(crate) async fn image_id(&self, name: &str) -> Result<Option<String>, Error> {
        let during = format!("looking for the image {name}");
        let inspected = self.daemon.images.inspect_image(name);
        match self.daemon.answer(inspected, &during).await {
            Ok(held) => Ok(held.id),
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the image to `sink` as `docker save` does; false where the sink did not take all of it.
    ///
    /// # Errors
    /// The daemon does not have it, or went away.
    pub(crate) async fn export(&self, id: &str, sink: &mut (impl AsyncWrite + Unpin)) -> Result<bool, Error> {
        let during = format!("reading the image {id}");
        let mut answer = self.daemon.get(&format!("/images/{id}/get"), &during).await?;
        while let Some(frame) = answer.body.frame().await {
            let frame = frame.map_err(|error| lost(&during, &error).by(self.program()))?;
            if let Ok(data) = frame.into_data()
                && sink.write_all(&data).await.is_err()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes the image as `docker save` does.
    ///
    /// # Errors
    /// A layout, which the daemon does not make; the daemon, or the place.
    pub(super) async fn write_archive(
        &self,
        image: &BuiltImage,
        output: &Output,
        progress: &dyn Progress,
    ) -> Result<(), engine::Error> {
        let (place, file) = match output {
            Output::Layout(_) => return Err(output::Error::DockerLayout.into()),
            Output::Archive(place) => (place.clone(), Unfinished::open(place)),
            Output::Stdout => ("standard output".into(), Unfinished::stdout()),
        };
        let task = progress.task(image.name(), None);
        let file = file.map_err(output::Error::write(&place))?;
        let writer = file.writer().map_err(output::Error::write(&place))?;
        let mut sink = tokio::io::BufWriter::new(tokio::fs::File::from_std(writer));
        let is_whole = self.export(image.name(), &mut sink).await?;
        let flushed = sink.flush().await;
        flushed.map_err(output::Error::write(&place))?;
        if !is_whole {
            let source = std::io::ErrorKind::WriteZero.into();
            return Err(output::Error::write(&place)(source).into());
        }
        file.finish().map_err(output::Error::write(&place))?;
        task.finish("written");
        Ok(())
    }
}
