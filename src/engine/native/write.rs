//! An image on its way into a file, a directory or the Docker daemon.

use std::io::{self, BufWriter};

use super::saved::{Failure, Files, Stop};
use super::{Error, Native};
use crate::engine::docker::{Docker, archive_body};
use crate::engine::output::{self, Output, Unfinished, UnfinishedDirectory};
use crate::engine::{self, BuiltImage};
use crate::oci::Digest;
use crate::progress::Progress;

/// How much is handed to the system at a time.
const BUFFER: usize = 256 << 10;

impl Native {
    /// Writes the image as `output` says; nothing is there before all of it is.
    pub(super) async fn write_image(
        &self,
        image: &BuiltImage,
        output: &Output,
        progress: &dyn Progress,
    ) -> Result<(), engine::Error> {
        let contents = self.contents(image, 0, progress).await?;
        let stop = Stop::default();
        let files = Files::of(&contents, &stop, progress);
        match output {
            Output::Layout(place) => {
                let unwritten = output::Error::write;
                let directory = UnfinishedDirectory::open(place).map_err(unwritten(place))?;
                let path = directory.path();
                on_a_thread(move || files.write_layout(&path))
                    .await
                    .map_err(|failure| failed(failure, place))?;
                directory.finish().map_err(unwritten(place))?;
            }
            Output::Archive(place) => archive(files, Unfinished::open(place), place).await?,
            Output::Stdout => archive(files, Unfinished::stdout(), "standard output".as_ref()).await?,
        }
        Ok(())
    }

    /// Puts the image into the daemon: nothing where it is there, only the layers that are missing where the daemon says which it has
    /// and takes an image in parts, else all of it.
    pub(super) async fn load_image(
        &self,
        image: &BuiltImage,
        docker: &Docker,
        progress: &dyn Progress,
    ) -> Result<(), engine::Error> {
        let name = image.name();
        progress.step(&format!("Loading {name} into {}", docker.program()));
        let contents = self.contents(image, usize::MAX, progress).await?;
        let ids = [&image.id, &contents.manifest.descriptor().digest].map(Digest::as_str);
        for id in ids {
            if docker.held(id).await?.is_some() {
                docker.tag(id, name).await?;
                progress.detail(&format!("{name}: the daemon has it already"));
                return Ok(());
            }
        }
        let config = contents
            .config
            .open()
            .and_then(io::read_to_string)
            .map_err(Error::Layer)?;
        let layers = diff_ids(&config);
        let known = docker.shared_layers(name, &layers).await?;
        if known > 0 {
            match self.load_above(image, known, docker, progress).await {
                Ok(()) => return Ok(docker.confirm(name, &ids).await?),
                // What was there may be gone by now, or not be taken for what it is.
                Err(engine::Error::Docker(error)) => progress.detail(&format!("{error}; all layers are sent")),
                Err(error) => return Err(error),
            }
        }
        self.load_above(image, 0, docker, progress).await?;
        Ok(docker.confirm(name, &ids).await?)
    }

    async fn load_above(
        &self,
        image: &BuiltImage,
        known: usize,
        docker: &Docker,
        progress: &dyn Progress,
    ) -> Result<(), engine::Error> {
        let contents = self.contents(image, known, progress).await?;
        let stop = Stop::default();
        let files = Files::of(&contents, &stop, progress);
        let (sink, body) = archive_body();
        let writing = on_a_thread(move || {
            let mut sink = BufWriter::with_capacity(BUFFER, sink);
            let written = files.write_archive(&mut sink);
            if written.is_err() {
                // Without its end it is not taken for an archive.
                sink.get_mut().abandon();
            }
            written
        });
        let (loaded, written) = tokio::join!(docker.load(body, image.name()), writing);
        match written {
            // A daemon that reads no more says why.
            Ok(()) | Err(Failure::Write(_)) => Ok(loaded?),
            Err(failure) => Err(failed(failure, docker.program().to_string().as_ref())),
        }
    }
}

async fn archive(files: Files, file: io::Result<Unfinished>, place: &std::path::Path) -> Result<(), engine::Error> {
    let file = file.map_err(output::Error::write(place))?;
    let writer = file.writer().map_err(output::Error::write(place))?;
    on_a_thread(move || files.write_archive(&mut BufWriter::with_capacity(BUFFER, writer)))
        .await
        .map_err(|failure| failed(failure, place))?;
    Ok(file.finish().map_err(output::Error::write(place))?)
}

/// Reading a layer waits for a registry, and so needs a thread of its own.
async fn on_a_thread(work: impl FnOnce() -> Result<(), Failure> + Send + 'static) -> Result<(), Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::Read(io::Error::other(error))).flatten()
}

fn failed(failure: Failure, place: &std::path::Path) -> engine::Error {
    match failure {
        Failure::Write(source) => output::Error::write(place)(source).into(),
        Failure::Stopped => Error::Cancelled(crate::progress::Cancelled).into(),
        Failure::Read(source) => Error::of_reading(source).into(),
    }
}

/// What a config says that its layers are, unpacked.
fn diff_ids(config: &str) -> Vec<String> {
    #[derive(serde::Deserialize, Default)]
    struct Config {
        rootfs: RootFs,
    }
    #[derive(serde::Deserialize, Default)]
    struct RootFs {
        diff_ids: Vec<String>,
    }
    let config: Config = serde_json::from_str(config).unwrap_or_default();
    config.rootfs.diff_ids
}
