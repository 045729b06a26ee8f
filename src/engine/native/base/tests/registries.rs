//! Registries that answer well, badly, or not to the end.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{Asked, Base, Error, Source, read};
use super::pythons::official;
use super::{Layer, told};
use crate::engine::docker::DockerSettings;
use crate::oci::{Digest, Platform, Reference};
use crate::progress::Silent;
use crate::registry::Credentials;
use crate::registry::client::{ClientSettings, Retry};
use crate::registry::scripted::{Scripted, answer};

const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The documents of an image of one layer.
struct Image {
    layer: String,
    config: String,
    manifest: String,
}

impl Image {
    fn of(layer: &Layer) -> Self {
        let layer = String::from_utf8(layer.bytes()).unwrap();
        let digest = Digest::of(layer.as_bytes());
        let config = json!({ "os": "linux", "architecture": "amd64", "rootfs": { "diff_ids": [digest] } }).to_string();
        let described = |text: &str| json!({ "digest": Digest::of(text.as_bytes()), "size": text.len() });
        let mut in_manifest = described(&layer);
        in_manifest["mediaType"] = Value::from("application/vnd.docker.image.rootfs.diff.tar");
        let manifest = json!({ "config": described(&config), "layers": [in_manifest] }).to_string();
        Self {
            layer,
            config,
            manifest,
        }
    }

    /// The usual answer.
    fn answer(&self, request: &str) -> String {
        let named = |text: &str| request.contains(Digest::of(text.as_bytes()).as_str());
        if request.contains("/manifests/") {
            answer("200 OK", &[("content-type", DOCKER)], &self.manifest)
        } else if named(&self.layer) {
            answer("200 OK", &[], &self.layer)
        } else if named(&self.config) {
            answer("200 OK", &[], &self.config)
        } else {
            answer("200 OK", &[], "")
        }
    }
}

/// A registry, and a cache.
struct Place {
    registry: Scripted,
    cache: TempDir,
}

impl Place {
    async fn new(script: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self {
            registry: Scripted::start(move |request, _| script(request)).await,
            cache: tempfile::tempdir().unwrap(),
        }
    }

    async fn read(&self, name: &str, pull: bool) -> Result<Base, Error> {
        let reference: Reference = format!("{}/base{name}", self.registry.host()).parse().unwrap();
        let client = ClientSettings {
            retry: Retry {
                tries: 3,
                base: Duration::ZERO,
                cap: Duration::ZERO,
                ..Retry::default()
            },
            ..ClientSettings::default()
        };
        let asked = Asked {
            source: &Source::of(reference.into(), &DockerSettings::default()),
            platform: &Platform::new("linux", "amd64"),
            credentials: &Credentials::Anonymous,
            client: &client,
            cache_dir: &self.cache.path().join("sgbuild"),
            pull,
        };
        read(&asked, &Silent).await
    }

    async fn refused(&self, name: &str) -> String {
        told(&self.read(name, false).await.unwrap_err()).replace(&self.registry.host(), "HOST")
    }

    /// What was asked, without the greetings.
    fn asked(&self) -> Vec<String> {
        let seen = self.registry.seen();
        let lines = seen
            .iter()
            .filter_map(|request| request.split(' ').nth(1).map(str::to_owned));
        lines.filter(|path| path != "/v2/").collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_known_is_asked_of_the_registry_on_demand_only() {
    let image = Image::of(&official());
    let digest = Digest::of(image.manifest.as_bytes());
    let place = Place::new(move |request| image.answer(request)).await;
    let base = place.read(":1", false).await.unwrap();
    assert_eq!(base.manifest_digest, digest);
    assert_eq!(place.asked().len(), 3);
    let all = place.registry.seen().len();
    assert_eq!(place.read(":1", false).await.unwrap(), base);
    assert_eq!(place.registry.seen().len(), all);
    // The manifest alone tells that the image is known: by this name, or by another.
    assert_eq!(place.read(":1", true).await.unwrap(), base);
    assert_eq!(place.read(":2", false).await.unwrap(), base);
    assert_eq!(place.asked()[3..], ["/v2/base/manifests/1", "/v2/base/manifests/2"]);
    // A digest cannot mean something else later.
    let pinned = format!("@{digest}");
    assert_eq!(place.read(&pinned, true).await.unwrap(), base);
    let all = place.registry.seen().len();
    assert_eq!(place.read(&pinned, true).await.unwrap(), base);
    assert_eq!(place.registry.seen().len(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_broke_off_is_fetched_again() {
    let image = Image::of(&official());
    let tries = Mutex::new(0);
    let layer = Digest::of(image.layer.as_bytes());
    let place = Place::new(move |request| {
        let whole = image.answer(request);
        let mut tries = tries.lock().unwrap();
        if request.contains(layer.as_str()) {
            *tries += 1;
            if *tries < 3 {
                return whole[..whole.len() * 9 / 10].to_owned();
            }
        }
        whole
    })
    .await;
    place.read(":1", false).await.unwrap();
    assert_eq!(place.asked().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_registry_has_wrong_is_named() {
    let mut said = Vec::new();
    let scripts: [fn(&Image, &str) -> String; 6] = [
        // The layer of another image; one that is not there; one that always breaks off.
        |image, whole| whole.replace(&image.layer, &image.layer.replace("python", "nohtyp")),
        |image, whole| {
            if whole.contains(&image.layer) {
                answer("404 Not Found", &[], "{}")
            } else {
                whole.to_owned()
            }
        },
        |image, whole| {
            if whole.contains(&image.layer) {
                whole[..5000].to_owned()
            } else {
                whole.to_owned()
            }
        },
        // A page in place of a manifest; half a manifest; none.
        |image, whole| {
            let page = answer("200 OK", &[("content-type", "text/html; charset=utf-8")], "<html>");
            if whole.contains(&image.manifest) {
                page
            } else {
                whole.to_owned()
            }
        },
        |image, whole| {
            let half = answer("200 OK", &[("content-type", DOCKER)], &image.manifest[..50]);
            if whole.contains(&image.manifest) {
                half
            } else {
                whole.to_owned()
            }
        },
        |image, whole| {
            if whole.contains(&image.manifest) {
                answer("404 Not Found", &[], "{}")
            } else {
                whole.to_owned()
            }
        },
    ];
    for script in scripts {
        let image = Image::of(&official());
        let place = Place::new(move |request| script(&image, &image.answer(request))).await;
        said.push(place.refused(":1").await);
        // Nothing of it is kept: the next time it is asked for again.
        let before = place.asked().len();
        place.refused(":1").await;
        assert!(place.asked().len() > before);
    }
    insta::assert_snapshot!(said.join("\n\n"));
    // Another image than the one that was asked for by its digest.
    let image = Image::of(&official());
    let place = Place::new(move |request| image.answer(request)).await;
    let said = place.refused(&format!("@{}", Digest::of(b"another"))).await;
    assert!(said.contains("is not the one that was asked for"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_is_damaged_is_named_though_its_digest_is_right() {
    let mut damaged = official();
    damaged.0[0] = b'X';
    let image = Image::of(&damaged);
    let place = Place::new(move |request| image.answer(request)).await;
    let said = place.refused(":1").await;
    assert!(said.contains("cannot be read: it is no tar archive"), "{said}");
}
