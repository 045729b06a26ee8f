//! Images in files, and what is kept of them.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{Asked, Base, Error, Source, read};
use super::pythons::official;
use super::{Layer, told};
use crate::engine::docker::DockerSettings;
use crate::oci::{Digest, Platform};
use crate::progress::Silent;
use crate::registry::Credentials;
use crate::registry::client::ClientSettings;

/// A directory with an image in it, and with a cache.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    async fn read(&self, text: &str, platform: &str) -> Result<Base, Error> {
        let text = text.replace("HERE", self.path().to_str().unwrap());
        let source = Source::parse(&text, &DockerSettings::default()).unwrap();
        let asked = Asked {
            source: &source,
            platform: &platform.parse::<Platform>().unwrap(),
            credentials: &Credentials::Anonymous,
            client: &ClientSettings::default(),
            cache_dir: &self.path().join("cache/sgbuild"),
            pull: false,
        };
        read(&asked, &Silent).await
    }

    async fn refused(&self, text: &str, platform: &str) -> String {
        let error = self.read(text, platform).await.unwrap_err();
        told(&error).replace(self.path().to_str().unwrap(), "HERE")
    }

    /// Writes a blob of a layout: what names it.
    fn blob(&self, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        let directory = self.path().join("blobs/sha256");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(digest.as_str().replace("sha256:", "")), bytes).unwrap();
        json!({ "digest": digest, "size": bytes.len() })
    }

    fn index(&self, manifests: &[Value]) {
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        fs::write(self.path().join("index.json"), index.to_string()).unwrap();
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object.as_object_mut().unwrap().insert(name.to_owned(), value);
    object
}

fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
    let config = json!({ "os": "linux", "architecture": "amd64", "rootfs": { "diff_ids": diff_ids } });
    config.to_string().into_bytes()
}

/// The manifest of an official image's blobs.
fn manifest(place: &Place) -> Vec<u8> {
    let layer = official().bytes();
    let config = place.blob(&config(std::slice::from_ref(&layer)));
    let layer = with(
        place.blob(&layer),
        "mediaType",
        json!("application/vnd.oci.image.layer.v1.tar"),
    );
    json!({ "schemaVersion": 2, "config": config, "layers": [layer] })
        .to_string()
        .into_bytes()
}

#[tokio::test]
async fn a_layout_leads_through_indexes_to_the_image_for_the_platform() {
    let place = Place::new();
    let manifest = manifest(&place);
    let listed = |architecture: &str, document: &[u8]| {
        let platform = json!({ "os": "linux", "architecture": architecture });
        with(place.blob(document), "platform", platform)
    };
    let index = json!({ "manifests": [listed("arm64", b"{}"), listed("amd64", &manifest)] }).to_string();
    let named = |document: &[u8], name: &str| {
        with(
            place.blob(document),
            "annotations",
            json!({ "org.opencontainers.image.ref.name": name }),
        )
    };
    place.index(&[named(index.as_bytes(), "1.0"), named(b"{}", "2.0")]);
    let base = place.read("oci:HERE:1.0", "linux/amd64").await.unwrap();
    assert_eq!(base.manifest_digest, Digest::of(&manifest));
    assert_eq!(base.python.executable, "/usr/local/bin/python");
    let docker = DockerSettings::default();
    let source = Source::parse(&format!("oci:{}", place.path().display()), &docker).unwrap();
    assert_eq!(content(&source, &base), official().bytes());
    assert_eq!(place.read("oci:HERE:1.0", "linux/amd64").await.unwrap(), base);

    insta::assert_snapshot!(
        [
            place.refused("oci:HERE", "linux/amd64").await,
            place.refused("oci:HERE:3.0", "linux/amd64").await,
            place.refused("oci:HERE:1.0", "linux/s390x").await,
            place.refused("oci:HERE:2.0", "linux/amd64").await,
            place.refused("oci:HERE/none", "linux/amd64").await,
        ]
        .join("\n\n")
    );
}

fn content(source: &Source, base: &Base) -> Vec<u8> {
    let mut bytes = Vec::new();
    source
        .open(&base.layers[0])
        .unwrap()
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[tokio::test]
async fn a_layout_that_was_changed_is_refused() {
    let place = Place::new();
    let manifest = manifest(&place);
    place.index(&[place.blob(&manifest)]);
    let layer = Digest::of(&official().bytes());
    let file = place.path().join("blobs").join(layer.as_str().replace(':', "/"));
    fs::write(&file, Layer::default().bytes()).unwrap();
    let said = place.refused("oci:HERE", "linux/amd64").await;
    assert!(said.contains("its file is not what its name says"), "{said}");
    fs::remove_file(&file).unwrap();
    let said = place.refused("oci:HERE", "linux/amd64").await;
    assert!(
        said.contains("cannot be read") && said.contains("No such file"),
        "{said}"
    );

    // Round and round.
    let round = |document: &[u8]| json!({ "manifests": [place.blob(document)] }).to_string().into_bytes();
    let index = (0..5).fold(manifest, |document, _| round(&document));
    place.index(&[place.blob(&index)]);
    let said = place.refused("oci:HERE", "linux/amd64").await;
    assert!(said.contains("one index after the other"), "{said}");
}

/// As Docker 20.10 saves: a directory a layer, one of them a link to another, and names at the end.
fn saved(images: &Value) -> Vec<u8> {
    let layer = official().bytes();
    let config = config(&[layer.clone(), layer.clone()]);
    Layer::default()
        .directory("a/")
        .file("a/VERSION", "1.0")
        .file("a/json", "{}")
        .file("a/layer.tar", &layer)
        .link("b/layer.tar", "../a/layer.tar")
        .file("config.json", &config)
        .file("manifest.json", images.to_string())
        .bytes()
}

fn image(tags: &[&str]) -> Value {
    json!({ "Config": "config.json", "RepoTags": tags, "Layers": ["a/layer.tar", "b/layer.tar"] })
}

#[tokio::test]
async fn an_archive_of_docker_save_is_read_once_while_it_is_the_same() {
    let place = Place::new();
    let file = place.path().join("base.tar");
    fs::write(&file, saved(&json!([image(&["base:1"])]))).unwrap();
    let base = place.read("docker-archive:HERE/base.tar", "linux/amd64").await.unwrap();
    let layer = official().bytes();
    assert_eq!(
        base.manifest_digest,
        Digest::of(&config(&[layer.clone(), layer.clone()]))
    );
    assert_eq!(base.layers.len(), 2);
    assert_eq!(base.layers[1].descriptor.digest, Digest::of(&layer));
    assert_eq!(
        base.layers[1].media_type,
        "application/vnd.docker.image.rootfs.diff.tar"
    );
    let docker = DockerSettings::default();
    let source = Source::parse(&format!("docker-archive:{}", file.display()), &docker).unwrap();
    assert_eq!(content(&source, &base), layer);
    assert_eq!(
        place.read("docker-archive:HERE/base.tar", "linux/amd64").await.unwrap(),
        base
    );

    // Another file of the same name.
    fs::write(&file, saved(&json!([image(&["x:1"]), image(&["y:2"])]))).unwrap();
    assert!(
        place
            .read("docker-archive:HERE/base.tar:y:2", "linux/amd64")
            .await
            .is_ok()
    );
    let without = json!([{ "Config": "config.json", "Layers": ["c/layer.tar", "a/layer.tar"] }]);
    fs::write(place.path().join("incomplete.tar"), saved(&without)).unwrap();
    fs::write(place.path().join("text.tar"), "no archive".repeat(100)).unwrap();
    fs::write(place.path().join("cut.tar"), &saved(&without)[..5000]).unwrap();
    fs::write(place.path().join("layer.tar"), &layer).unwrap();
    let mut said = Vec::new();
    for name in [
        "base.tar",
        "base.tar:z:3",
        "incomplete.tar",
        "text.tar",
        "cut.tar",
        "layer.tar",
        "none.tar",
        "",
    ] {
        said.push(
            place
                .refused(&format!("docker-archive:HERE/{name}"), "linux/amd64")
                .await,
        );
    }
    insta::assert_snapshot!(said.join("\n\n"));
}

#[tokio::test]
async fn what_is_kept_is_read_anew_where_it_is_damaged() {
    let place = Place::new();
    let manifest = manifest(&place);
    place.index(&[place.blob(&manifest)]);
    let base = place.read("oci:HERE", "linux/amd64").await.unwrap();
    let cache = place.path().join("cache/sgbuild/bases");
    let files = || fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(files().count(), 2);
    for file in files() {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    assert_eq!(place.read("oci:HERE", "linux/amd64").await.unwrap(), base);
    for file in files() {
        fs::write(&file, "").unwrap();
    }
    assert_eq!(place.read("oci:HERE", "linux/amd64").await.unwrap(), base);
    // Where nothing can be kept, nothing is.
    fs::remove_dir_all(&cache).unwrap();
    fs::write(&cache, "").unwrap();
    assert_eq!(place.read("oci:HERE", "linux/amd64").await.unwrap(), base);
}

#[test]
fn a_source_is_written_as_skopeo_writes_it() {
    let docker = DockerSettings::default();
    for text in [
        "oci:/images/base:1.0",
        "oci:relative",
        "docker-archive:/tmp/base.tar:team/base:1.0",
        "docker-daemon:team/base:1.0",
        "docker.io/library/python:3.11-slim",
    ] {
        assert_eq!(Source::parse(text, &docker).unwrap().to_string(), text);
    }
    assert!(Source::parse("Not A Reference", &docker).is_err());
}
