//! An image as files: an OCI image layout
//! ([image-layout.md](https://github.com/opencontainers/image-spec/blob/main/image-layout.md)), in a directory or in a tar archive that
//! has, as what `docker save` writes has since Docker 25, a `manifest.json` beside it, by which every Docker, podman and skopeo read it.
//!
//! The manifest is Docker's, byte for byte the one that a push sends: so it has the same digest everywhere.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::contents::Contents;
use super::resumed::Resumed;
use crate::cache::Staging;
use crate::engine::output::{OCI_LAYOUT, beside};
use crate::oci::{Content, Descriptor, Digest, MediaType, held};
use crate::progress::{Progress, Task};

/// When every file was changed: as the files of a layer.
const TIME: u64 = 315_619_200;
/// tar's unit.
const BLOCK: usize = 512;
/// How much is read at a time.
const PIECE: usize = 256 << 10;
/// Where the blobs are.
const BLOBS: &str = "blobs/sha256";
/// Names the images of a layout; written last.
const INDEX: &str = "index.json";

/// Why an image was not written whole.
#[derive(Debug)]
pub(super) enum Failure {
    /// What it is made of cannot be read, or is something else.
    Read(io::Error),
    /// Where it goes does not take it.
    Write(io::Error),
    /// Nobody waits for it any more.
    Stopped,
}

/// Told to whoever works on another thread; dropped, it says stop.
#[derive(Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A file of the image.
struct File {
    path: String,
    content: Arc<dyn Content>,
    task: Option<Box<dyn Task>>,
}

/// An image's files, in the order in which they are written.
pub(super) struct Files {
    listed: Vec<File>,
    index: Vec<u8>,
    for_docker: Vec<u8>,
    stop: Arc<AtomicBool>,
}

impl Files {
    pub(super) fn of(contents: &Contents, stop: &Stop, progress: &dyn Progress) -> Self {
        let documents = [&contents.config, &contents.manifest].map(|content| File {
            path: blob(&content.descriptor().digest),
            content: Arc::clone(content),
            task: None,
        });
        let layers = contents.read.iter().map(|(title, content)| File {
            path: blob(&content.descriptor().digest),
            content: Arc::clone(content),
            task: Some(progress.task(title, Some(content.descriptor().size))),
        });
        Self {
            listed: layers.chain(documents).collect(),
            index: index(contents),
            for_docker: for_docker(contents),
            stop: stop.flag(),
        }
    }

    /// Writes them as an archive.
    pub(super) fn write_archive(&self, sink: &mut impl Write) -> Result<(), Failure> {
        for directory in ["blobs/", "blobs/sha256/"] {
            sink.write_all(&header(directory, 0)?).map_err(Failure::Write)?;
        }
        for file in &self.listed {
            self.append(&file.path, &*file.content, file.task.as_deref(), sink)?;
        }
        for (path, bytes) in [
            (OCI_LAYOUT, layout()),
            (INDEX, self.index.clone()),
            ("manifest.json", self.for_docker.clone()),
        ] {
            self.append(path, &*held(&bytes), None, sink)?;
        }
        sink.write_all(&[0; 2 * BLOCK]).map_err(Failure::Write)?;
        sink.flush().map_err(Failure::Write)
    }

    fn append(
        &self,
        path: &str,
        content: &dyn Content,
        task: Option<&dyn Task>,
        sink: &mut impl Write,
    ) -> Result<(), Failure> {
        let size = content.descriptor().size;
        sink.write_all(&header(path, size)?).map_err(Failure::Write)?;
        self.copy(content, task, sink)?;
        let padding = size.next_multiple_of(BLOCK as u64) - size;
        let padding = usize::try_from(padding).unwrap_or_default();
        sink.write_all(&[0; BLOCK][..padding]).map_err(Failure::Write)
    }

    /// Adds them to the layout in `directory`. What is there already stays; `index.json` comes last.
    pub(super) fn write_layout(&self, directory: &Path) -> Result<(), Failure> {
        let unfinished = Layout::open(directory).map_err(Failure::Write)?;
        // First, so that a directory in which this is interrupted is known for what it is.
        unfinished.put(OCI_LAYOUT, &layout()).map_err(Failure::Write)?;
        fs::create_dir_all(directory.join(BLOBS)).map_err(Failure::Write)?;
        for file in &self.listed {
            if is_there(&directory.join(&file.path), file.content.descriptor()) {
                if let Some(task) = &file.task {
                    task.finish("already there");
                }
                continue;
            }
            let mut blob = unfinished.begin().map_err(Failure::Write)?;
            self.copy(&*file.content, file.task.as_deref(), &mut blob)?;
            unfinished.end(&file.path).map_err(Failure::Write)?;
        }
        let kept = fs::read(directory.join(INDEX)).ok();
        let index = kept.and_then(|kept| added(&kept, &self.index));
        unfinished
            .put(INDEX, index.as_ref().unwrap_or(&self.index))
            .map_err(Failure::Write)
    }

    /// Hands on the bytes of a blob, and makes sure that it is what it says.
    fn copy(&self, content: &dyn Content, task: Option<&dyn Task>, sink: &mut impl Write) -> Result<(), Failure> {
        let Descriptor { digest, size } = content.descriptor();
        let unlike = |what: &str| {
            let reason = format!("what is read of {digest} is {what}");
            Failure::Read(io::Error::new(io::ErrorKind::InvalidData, reason))
        };
        let mut reader = Resumed::open(content).map_err(Failure::Read)?;
        let (mut hash, mut done, mut buffer) = (Sha256::new(), 0, vec![0; PIECE]);
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::Stopped);
            }
            let read = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::Read(error)),
            };
            done += read as u64;
            if done > *size {
                return Err(unlike("longer than it"));
            }
            hash.update(&buffer[..read]);
            sink.write_all(&buffer[..read]).map_err(Failure::Write)?;
            if let Some(task) = task {
                task.set(done, Some(*size));
            }
        }
        if done < *size || Digest::of_sha256(&hash.finalize()) != *digest {
            return Err(unlike("something else"));
        }
        if let Some(task) = task {
            task.finish("written");
        }
        Ok(())
    }
}

fn blob(digest: &Digest) -> String {
    format!("{BLOBS}/{}", digest.as_str().trim_start_matches("sha256:"))
}

fn layout() -> Vec<u8> {
    json!({ "imageLayoutVersion": "1.0.0" }).to_string().into_bytes()
}

/// Names the image as containerd and Docker do
/// ([annotations.md](https://github.com/opencontainers/image-spec/blob/main/annotations.md)).
fn index(contents: &Contents) -> Vec<u8> {
    let Descriptor { digest, size } = contents.manifest.descriptor();
    let tag = contents.name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
    let mut platform = json!({ "architecture": contents.platform.architecture, "os": contents.platform.os });
    if let Some(variant) = &contents.platform.variant {
        platform["variant"] = json!(variant);
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OciIndex.as_str(),
        "manifests": [{
            "mediaType": MediaType::DockerManifest.as_str(),
            "digest": digest,
            "size": size,
            "annotations": {
                "io.containerd.image.name": format!("docker.io/{}", contents.name),
                "org.opencontainers.image.ref.name": tag,
            },
            "platform": platform,
        }],
    });
    index.to_string().into_bytes()
}

/// Docker's own index of an archive
/// ([image/v1.2](https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format)).
fn for_docker(contents: &Contents) -> Vec<u8> {
    let layers: Vec<String> = contents.layers.iter().map(|layer| blob(&layer.digest)).collect();
    let config = blob(&contents.config.descriptor().digest);
    json!([{ "Config": config, "RepoTags": [contents.name], "Layers": layers }])
        .to_string()
        .into_bytes()
}

/// The index `kept` with the image of `ours`, instead of the one that had its name; `None` where it is no index.
fn added(kept: &[u8], ours: &[u8]) -> Option<Vec<u8>> {
    const NAME: &str = "/annotations/io.containerd.image.name";
    let mut index: serde_json::Value = serde_json::from_slice(kept).ok()?;
    let ours: serde_json::Value = serde_json::from_slice(ours).ok()?;
    let image = ours.pointer("/manifests/0")?;
    let listed = index.get_mut("manifests")?.as_array_mut()?;
    listed.retain(|other| other.pointer(NAME) != image.pointer(NAME) && other.get("digest") != image.get("digest"));
    listed.push(image.clone());
    Some(index.to_string().into_bytes())
}

/// Whether a blob is in a layout already, with its own bytes.
fn is_there(path: &Path, blob: &Descriptor) -> bool {
    let hash = || -> io::Result<Digest> {
        let (mut file, mut hash, mut buffer) = (fs::File::open(path)?, Sha256::new(), vec![0; PIECE]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Digest::of_sha256(&hash.finalize())),
                read => hash.update(&buffer[..read]),
            }
        }
    };
    let has_its_size = fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == blob.size);
    has_its_size && hash().is_ok_and(|found| found == blob.digest)
}

/// A layout to which files are added one by one, each as a whole.
struct Layout<'a> {
    directory: &'a Path,
    staging: Staging,
}

impl<'a> Layout<'a> {
    fn open(directory: &'a Path) -> io::Result<Self> {
        let staging = beside(&directory.join(INDEX))?;
        Ok(Self { directory, staging })
    }

    fn place(&self) -> PathBuf {
        self.staging.path().join("file")
    }

    /// A file to write to.
    fn begin(&self) -> io::Result<fs::File> {
        fs::File::create(self.place())
    }

    /// Puts it under its name.
    fn end(&self, path: impl AsRef<Path>) -> io::Result<()> {
        fs::rename(self.place(), self.directory.join(path))
    }

    fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.begin()?.write_all(content)?;
        self.end(name)
    }
}

/// The tar header of a file, or of a directory where the path ends in `/`.
fn header(path: &str, size: u64) -> Result<[u8; 512], Failure> {
    let mut header = tar::Header::new_gnu();
    header.set_path(path).map_err(Failure::Write)?;
    let (kind, mode) = if path.ends_with('/') {
        (tar::EntryType::Directory, 0o755)
    } else {
        (tar::EntryType::Regular, 0o644)
    };
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(TIME);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(*header.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Platform;
    use crate::progress::Silent;

    struct Other(Descriptor, &'static [u8]);

    impl Content for Other {
        fn descriptor(&self) -> &Descriptor {
            &self.0
        }
        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(self.1))
        }
    }

    fn contents(layer: Arc<dyn Content>) -> Contents {
        Contents {
            name: "sgbuild/iris:1".to_owned(),
            manifest: held(b"{}"),
            config: held(b"{\"a\": 1}"),
            layers: vec![layer.descriptor().clone()],
            read: vec![("a layer".to_owned(), layer)],
            platform: Platform {
                os: "linux".to_owned(),
                architecture: "amd64".to_owned(),
                variant: None,
            },
        }
    }

    #[test]
    fn a_layer_that_is_not_what_it_says_is_written_nowhere() {
        let right = held(b"layer").descriptor().clone();
        for wrong in [&b"laier"[..], b"laye", b"layers", b""] {
            let contents = contents(Arc::new(Other(right.clone(), wrong)));
            let files = Files::of(&contents, &Stop::default(), &Silent);
            let files = Files {
                stop: Arc::default(),
                ..files
            };
            let directory = tempfile::tempdir().unwrap();
            let written = files.write_layout(directory.path());
            assert!(matches!(written, Err(Failure::Read(_))), "{wrong:?}: {written:?}");
            assert!(!directory.path().join(INDEX).exists());
            assert_eq!(fs::read_dir(directory.path().join(BLOBS)).unwrap().count(), 0);
            assert!(matches!(files.write_archive(&mut Vec::new()), Err(Failure::Read(_))));
        }
    }

    #[test]
    fn a_layout_keeps_its_other_images_and_has_a_name_once() {
        let directory = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        let mut names = Vec::new();
        for (name, layer) in [("a:1", "one"), ("b:1", "two"), ("a:1", "three"), ("a:1", "three")] {
            let mut contents = contents(held(layer.as_bytes()));
            contents.name = name.to_owned();
            contents.manifest = held(format!("{{\"of\": \"{layer}\"}}").as_bytes());
            Files::of(&contents, &stop, &Silent)
                .write_layout(directory.path())
                .unwrap();
            let index: serde_json::Value =
                serde_json::from_slice(&fs::read(directory.path().join(INDEX)).unwrap()).unwrap();
            let listed = index["manifests"].as_array().unwrap();
            names = listed
                .iter()
                .map(|image| {
                    image["annotations"]["io.containerd.image.name"]
                        .as_str()
                        .unwrap()
                        .to_owned()
                })
                .collect();
        }
        assert_eq!(names, ["docker.io/b:1", "docker.io/a:1"]);
    }

    #[test]
    fn nobody_waits_any_more() {
        let contents = contents(held(b"layer"));
        let stop = Stop::default();
        let files = Files::of(&contents, &stop, &Silent);
        drop(stop);
        assert!(matches!(files.write_archive(&mut Vec::new()), Err(Failure::Stopped)));
    }
}
