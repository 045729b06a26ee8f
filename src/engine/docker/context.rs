//! The build context as a tar stream: only the files named, the same bytes every time, never held in memory.

use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::daemon::Body;
use crate::reading;
use super::error::Error;

/// Bytes per chunk on the wire.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait for the daemon.
const CHUNKS_AHEAD: usize = 4;
/// The modification time of every entry: 1980-01-02, which zip files (wheels built from these sources) can express.
const MTIME: u64 = 315_619_200;

/// Why reading the context failed, for whoever sees the request fail because of it.
#[derive(Clone, Default)]
pub(crate) struct ContextFailure(Arc<Mutex<Option<(PathBuf, io::Error)>>>);

impl ContextFailure {
    /// The failure, if there was one.
    pub(crate) fn take(&self) -> Option<Error> {
        let (path, source) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Error::Context { path, source })
    }
}

/// The request body with `files` (relative to `root`), and where to look when the request fails.
pub(crate) fn stream(root: &Path, files: &[String]) -> (Body, ContextFailure) {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let failure = ContextFailure::default();
    let (root, files, noted) = (root.to_owned(), files.to_vec(), failure.clone());
    tokio::task::spawn_blocking(move || {
        let writer = io::BufWriter::with_capacity(CHUNK, ChannelWriter(sender.clone()));
        if let Err((path, error)) = write_tar(&root, &files, writer) {
            let told = io::Error::new(error.kind(), error.to_string());
            // A daemon that stopped reading has said why; that is the failure then, not the broken pipe.
            if error.kind() != io::ErrorKind::BrokenPipe {
                *noted.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((path, error));
            }
            let _ = sender.blocking_send(Err(told));
        }
    });
    let chunks = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let chunk: io::Result<Bytes> = receiver.recv().await?;
        Some((chunk.map(Frame::data), receiver))
    });
    (StreamBody::new(chunks).boxed_unsync(), failure)
}

fn write_tar(root: &Path, files: &[String], writer: impl Write) -> Result<(), (PathBuf, io::Error)> {
    let mut archive = tar::Builder::new(writer);
    for name in files {
        let path = root.join(name);
        append(&mut archive, name, &path).map_err(|error| (path, error))?;
    }
    let finish = || archive.into_inner().and_then(|mut writer| writer.flush());
    finish().map_err(|error| (root.to_owned(), error))
}

fn append(archive: &mut tar::Builder<impl Write>, name: &str, path: &Path) -> io::Result<()> {
    if Path::new(name)
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path leads out of the build context",
        ));
    }
    let (file, metadata) = reading::open(path)?;
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(metadata.len());
    header.set_mode(if is_executable(&metadata) { 0o755 } else { 0o644 });
    header.set_mtime(MTIME);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(
        &mut header,
        name,
        Exactly {
            file,
            left: metadata.len(),
        },
    )
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &std::fs::Metadata) -> bool {
    false
}

/// The length that the header promised, or an error: a file may be changed while it is read.
struct Exactly {
    file: std::fs::File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.file.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file shrank while it was read",
            ));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

struct ChannelWriter(mpsc::Sender<io::Result<Bytes>>);

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the daemon stopped reading"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bytes(root: &Path, files: &[&str]) -> (Result<Bytes, io::Error>, ContextFailure) {
        let files: Vec<String> = files.iter().map(|name| (*name).to_owned()).collect();
        let (body, failure) = stream(root, &files);
        (body.collect().await.map(http_body_util::Collected::to_bytes), failure)
    }

    #[tokio::test]
    async fn the_same_files_give_the_same_bytes_and_others_are_left_out() {
        let mut archives = Vec::new();
        for _ in 0..2 {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("Dockerfile"), "FROM scratch\n").unwrap();
            std::fs::write(directory.path().join("big"), vec![7; 3 * CHUNK + 5]).unwrap();
            std::fs::write(directory.path().join("image.json"), "{}").unwrap();
            archives.push(bytes(directory.path(), &["Dockerfile", "big"]).await.0.unwrap());
        }
        assert_eq!(archives[0], archives[1]);
        let mut archive = tar::Archive::new(&archives[0][..]);
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|e| e.unwrap().path().unwrap().into_owned())
            .collect();
        assert_eq!(names, [PathBuf::from("Dockerfile"), PathBuf::from("big")]);
    }

    #[tokio::test]
    async fn a_missing_file_breaks_the_body_and_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let (body, failure) = bytes(directory.path(), &["gone.txt"]).await;
        assert!(body.is_err());
        let error = failure.take().unwrap().to_string();
        assert!(
            error.starts_with("cannot send ") && error.contains("gone.txt to the Docker daemon: No such file"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_path_out_of_the_context_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(bytes(directory.path(), &["../etc/passwd"]).await.0.is_err());
        assert!(bytes(directory.path(), &["/etc/passwd"]).await.0.is_err());
    }
}
