//! The build context as a tar stream: only the files named, the same bytes every time, never held in memory.

use std::io::{self, Read, Write};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

use crate::dist::{ContextDigest, Dist, Hashed, open_regular};
use crate::engine::docker::Program;
use crate::engine::docker::error::Error;
use crate::engine::docker::http::Body;
use crate::engine::docker::secret_files::SecretFiles;

/// Bytes per chunk on the wire.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait for the daemon.
const CHUNKS_AHEAD: usize = 4;
/// The modification time of every entry: 1980-01-02, as of the members of the package's wheel.
const MTIME: u64 = 315_619_200;

/// Why the context was not sent whole, for whoever sees the request fail because of it.
#[derive(Clone, Default)]
pub(in crate::engine::docker) struct ContextFailure(Arc<Mutex<Option<Error>>>);

impl ContextFailure {
    /// The failure, if there was one.
    pub(in crate::engine::docker) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, error: Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// The request body with the files of `dist`, and where to look when the request fails. The body ends only if what was read is
/// what `dist` was made with: another sgbuild may have replaced it meanwhile. Files of `secrets` come with it.
pub(in crate::engine::docker) fn stream(dist: &Dist, secrets: &SecretFiles) -> (Body, ContextFailure) {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let failure = ContextFailure::default();
    let (dist, secrets, noted) = (dist.clone(), secrets.clone(), failure.clone());
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write_tar(&dist, &secrets, ChannelWriter(Some(sender.clone()))) {
            let told = io::Error::other(error.to_string());
            // A daemon that stopped reading has said why; that is the failure then, not the broken pipe.
            let is_broken_pipe =
                matches!(&error, Error::Context { source, .. } if source.kind() == io::ErrorKind::BrokenPipe);
            if !is_broken_pipe {
                noted.note(error);
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

fn write_tar(dist: &Dist, secrets: &SecretFiles, writer: ChannelWriter) -> Result<(), Error> {
    let mut archive = tar::Builder::new(io::BufWriter::with_capacity(CHUNK, writer));
    let appended = append_secrets(&mut archive, secrets).and_then(|()| append_all(&mut archive, dist));
    if let Err(error) = appended {
        // Dropped, the archive writes its end: a classic builder would take what came until then for the whole context.
        archive.get_mut().get_mut().close();
        return Err(error);
    }
    let finish = || archive.into_inner().and_then(|mut writer| writer.flush());
    finish().map_err(|source| Error::Context {
        daemon: Program::default(),
        path: dist.directory.clone(),
        source,
    })
}

fn append_secrets(archive: &mut tar::Builder<impl Write>, secrets: &SecretFiles) -> Result<(), Error> {
    for (name, secret) in secrets.files() {
        let content = secret.expose().as_bytes();
        let mut header = header(content.len() as u64, 0o600);
        let appended = archive.append_data(&mut header, name, content);
        appended.map_err(|source| Error::Context {
            daemon: Program::default(),
            path: name.into(),
            source,
        })?;
    }
    Ok(())
}

fn append_all(archive: &mut tar::Builder<impl Write>, dist: &Dist) -> Result<(), Error> {
    let mut sent = ContextDigest::default();
    for name in &dist.context {
        let path = dist.directory.join(name);
        let read = append(archive, name, &path).map_err(|source| Error::Context {
            daemon: Program::default(),
            path,
            source,
        })?;
        sent.add(name, read);
    }
    if sent.finish() == dist.context_digest {
        return Ok(());
    }
    Err(Error::ContextChanged {
        daemon: Program::default(),
        directory: dist.directory.clone(),
    })
}

/// Appends a file, always with the same mode: the digest says all there is to say of a context.
fn append(archive: &mut tar::Builder<impl Write>, name: &str, path: &Path) -> io::Result<Hashed<Exactly>> {
    if Path::new(name)
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path leads out of the build context",
        ));
    }
    let file = open_regular(path)?;
    let length = file.metadata()?.len();
    let mut header = header(length, 0o644);
    let mut content = Hashed::new(Exactly { file, left: length });
    archive.append_data(&mut header, name, &mut content)?;
    Ok(content)
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(MTIME);
    header.set_uid(0);
    header.set_gid(0);
    header
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

/// Writes to the channel until it is closed.
struct ChannelWriter(Option<mpsc::Sender<io::Result<Bytes>>>);

impl ChannelWriter {
    fn close(&mut self) {
        self.0 = None;
    }
}

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let broken = || io::Error::new(io::ErrorKind::BrokenPipe, "the daemon stopped reading");
        let sender = self.0.as_ref().ok_or_else(broken)?;
        let sent = sender.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| broken())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::context_digest;
    use crate::oci::Digest;

    fn names(files: &[&str]) -> Vec<String> {
        files.iter().map(|name| (*name).to_owned()).collect()
    }

    fn digest(root: &Path, files: &[&str]) -> Option<Digest> {
        context_digest(root, &names(files)).ok()
    }

    /// What is sent up to the body's end or failure, and the two.
    async fn sent(root: &Path, files: &[&str], digest: Digest) -> (Vec<u8>, Result<(), io::Error>, ContextFailure) {
        let dist = Dist {
            directory: root.to_owned(),
            files: names(files),
            context: names(files),
            context_digest: digest,
            changed: true,
        };
        let (mut body, failure) = stream(&dist, &SecretFiles::default());
        let mut bytes = Vec::new();
        let mut outcome = Ok(());
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap()),
                Err(error) => outcome = Err(error),
            }
        }
        (bytes, outcome, failure)
    }

    async fn bytes(root: &Path, files: &[&str]) -> (Result<Vec<u8>, io::Error>, ContextFailure) {
        let digest = digest(root, files).unwrap_or_else(|| Digest::of(b"unread"));
        let (bytes, outcome, failure) = sent(root, files, digest).await;
        (outcome.map(|()| bytes), failure)
    }

    #[tokio::test]
    async fn the_same_files_give_the_same_bytes_and_others_are_left_out() {
        let mut archives = Vec::new();
        for mode in [0o644, 0o700] {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("Dockerfile"), "FROM scratch\n").unwrap();
            std::fs::write(directory.path().join("big"), vec![7; 3 * CHUNK + 5]).unwrap();
            std::fs::write(directory.path().join("image.json"), "{}").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(directory.path().join("big"), mode).unwrap();
            archives.push(bytes(directory.path(), &["Dockerfile", "big"]).await.0.unwrap());
        }
        assert_eq!(archives[0], archives[1]);
        let mut archive = tar::Archive::new(&archives[0][..]);
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|e| e.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["Dockerfile", "big"]);
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
    async fn what_is_not_whole_or_not_what_was_written_has_no_end() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("Dockerfile"), "FROM scratch\n").unwrap();
        let written = digest(directory.path(), &["Dockerfile"]).unwrap();
        std::fs::write(directory.path().join("Dockerfile"), "FROM another").unwrap();
        for files in [&["Dockerfile"][..], &["Dockerfile", "gone.txt"]] {
            let (bytes, outcome, failure) = sent(directory.path(), files, written.clone()).await;
            assert!(outcome.is_err() && failure.take().is_some());
            // A tar archive ends with two blocks of zeros.
            assert!(!bytes.ends_with(&[0; 1024]), "{} bytes", bytes.len());
        }
        // Neither is a link or pipe of the same name what was written.
        std::fs::rename(directory.path().join("Dockerfile"), directory.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", directory.path().join("Dockerfile")).unwrap();
        assert!(bytes(directory.path(), &["Dockerfile"]).await.0.is_err());
    }

    #[tokio::test]
    async fn a_path_out_of_the_context_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(bytes(directory.path(), &["../etc/passwd"]).await.0.is_err());
        assert!(bytes(directory.path(), &["/etc/passwd"]).await.0.is_err());
    }
}
