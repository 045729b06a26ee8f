//! A machine that knows nothing yet, and a repository whose last image tells what its layers are made of.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sgbuild::oci::{Content, Descriptor, Digest, ImageManifest, MediaType, Repository};
use sgbuild::registry::Credentials;
use sgbuild::registry::client::{Access, Client, ClientSettings, Manifest};
use sgbuild::secret::Secret;

use crate::faults::{Registry, log_in};
use crate::native::{native_push, private_base};
use crate::native_wheels::{Index, require};
use crate::support::faults::{Fault, Proxy};
use crate::support::{Ran, Sandbox, copy};

/// Wheels in layers of their own: one that is large, and small ones in several shared ones.
const KINDS: [&str; 4] = ["large-one", "plain-a", "plain-b", "shared-one"];
/// What an image tells of its layers.
const LABEL: &str = "sgbuild.layers";

/// A package, its index and its registry, both of which remember what they were asked.
struct World {
    index: Index,
    wheels: Proxy,
    registry: Registry,
    images: Proxy,
    caches: PathBuf,
}

impl World {
    fn of(kinds: &[&str]) -> Self {
        Self::with_faults(kinds, Vec::new())
    }

    /// One whose registry answers so.
    fn with_faults(kinds: &[&str], faults: Vec<Fault>) -> Self {
        let mut index = Index::of(kinds);
        let wheels = Proxy::start(&format!("http://{}", index.address), Vec::new());
        let registry = Registry::start();
        let images = Proxy::start(&registry.url(), faults);
        let sandbox = std::mem::replace(&mut index.sandbox, Sandbox::empty());
        log_in(&sandbox, &images.address.to_string());
        let caches = sandbox.home().join("caches");
        fs::create_dir(&caches).unwrap();
        index.sandbox = sandbox
            .with("PIP_INDEX_URL", format!("{}/simple", wheels.url()))
            .with("SGBUILD_REPOSITORY", format!("{}/team/odd", images.address))
            .with("SGBUILD_UV", uv().display().to_string())
            .with("SOURCE_DATE_EPOCH", "1700000000");
        Self {
            index,
            wheels,
            registry,
            images,
            caches,
        }
    }

    /// One that has pushed to its repository, and what it pushed.
    fn pushed(kinds: &[&str]) -> (Self, Ran) {
        let world = Self::of(kinds);
        let ran = world.push("first", &[]);
        (world, ran)
    }

    fn repository(&self) -> String {
        format!("{}/team/odd", self.images.address)
    }

    /// Runs with a cache of that name: the base image is read once, and nothing else is known in a new one.
    fn run(&self, cache: &str, arguments: &[&str]) -> Ran {
        let directory = self.caches.join(cache);
        let (bases, of_first) = (directory.join("sgbuild/bases"), self.caches.join("first/sgbuild/bases"));
        if of_first.exists() && !bases.exists() {
            copy(&of_first, &bases);
        }
        let mut command = self.index.sandbox.command(arguments);
        command.env("XDG_CACHE_HOME", &directory);
        fs::create_dir_all(&directory).unwrap();
        private(&directory);
        Ran::new(arguments, command.output().unwrap())
    }

    fn build(&self, cache: &str, more: &[&str]) -> Ran {
        let native = [
            "build",
            "--engine",
            "native",
            "--base-image",
            private_base(),
            "--verbose",
        ];
        self.run(cache, &[&native[..], more].concat()).exits(0)
    }

    fn push(&self, cache: &str, more: &[&str]) -> Ran {
        let repository = self.repository();
        let arguments = native_push(private_base(), &repository);
        self.run(cache, &[&arguments[..], &["--verbose"], more].concat())
            .exits(0)
    }

    /// The wheels that the index was asked for by what `act` does.
    fn fetched<T>(&self, act: impl FnOnce() -> T) -> (Vec<String>, T) {
        let before = self.wheels.seen().len();
        let came = act();
        let asked = self.wheels.seen().split_off(before);
        let whole = asked.iter().filter_map(|line| line.trim().strip_suffix(".whl"));
        let mut names: Vec<String> = whole
            .filter_map(|line| line.strip_prefix("GET /files/"))
            .map(name)
            .collect();
        names.sort();
        names.dedup();
        (names, came)
    }

    /// What the registry was asked by what `act` does.
    fn asked<T>(&self, act: impl FnOnce() -> T) -> (Vec<String>, T) {
        let before = self.images.seen().len();
        let came = act();
        (self.images.seen().split_off(before), came)
    }

    /// Puts another image in the place of the pushed one: of the same blobs, with its documents as `change` makes them.
    fn plant(&self, change: impl FnOnce(&mut Value, &mut Value, &mut String)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let client = self.client().await;
            let manifest = client.manifest("1.0").await.unwrap().unwrap();
            let parsed = ImageManifest::parse(&manifest.bytes).unwrap();
            let mut config = Vec::new();
            assert!(client.read_blob(&parsed.config, &mut config).await.unwrap());
            let mut config: Value = serde_json::from_slice(&config).unwrap();
            let mut document: Value = serde_json::from_slice(&manifest.bytes).unwrap();
            let mut label = config["config"]["Labels"][LABEL].as_str().unwrap().to_owned();
            change(&mut document, &mut config, &mut label);
            if config["config"]["Labels"].get(LABEL).is_some() {
                config["config"]["Labels"][LABEL] = json!(label);
            }
            let blob = Blob::of(config.to_string().into_bytes());
            document["config"]["digest"] = json!(blob.0.digest.as_str());
            document["config"]["size"] = json!(blob.0.size);
            client.upload_blob(&(Arc::new(blob) as Arc<dyn Content>)).await.unwrap();
            let media_type = MediaType::from(document["mediaType"].as_str().unwrap().to_owned());
            let planted = Manifest {
                bytes: document.to_string().into_bytes().into(),
                media_type,
                answered_digest: None,
            };
            client.put_manifest("1.0", &planted).await.unwrap();
        });
    }

    async fn client(&self) -> Client {
        let repository: Repository = Repository::parse(&self.repository()).unwrap();
        let credentials = Credentials::Basic {
            username: "me".to_owned(),
            password: Secret::new("secret"),
        };
        let settings = ClientSettings::default();
        Client::connect(&repository, &credentials, Access::PullPush, &settings)
            .await
            .unwrap()
    }
}

/// The uv that tests share: the index of a world has none.
fn uv() -> PathBuf {
    let shared = crate::support::cache().join("sgbuild/uv");
    let find = || {
        let files = walkdir::WalkDir::new(&shared).into_iter().flatten();
        let mut programs = files.filter(|entry| entry.file_type().is_file() && entry.file_name() == "uv");
        programs.next().map(walkdir::DirEntry::into_path)
    };
    if let Some(found) = find() {
        return found;
    }
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nsetup(name='any', version='1.0', py_modules=['any_'], install_requires=['six==1.16.0'], entry_points={'console_scripts': ['train = any_:train']})\n",
    );
    sandbox.write("any_.py", "def train():\n    pass\n");
    let native = ["build", "--engine", "native", "--base-image", private_base()];
    sandbox.run(&native).exits(0);
    find().expect("what resolves without a uv fetches one")
}

/// A wheel's project.
fn name(file: &str) -> String {
    file.split('-').next().unwrap().replace('_', "-")
}

fn private(directory: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in walkdir::WalkDir::new(directory) {
        let entry = entry.unwrap();
        let mode = if entry.file_type().is_dir() { 0o700 } else { 0o600 };
        if !entry.path_is_symlink() && entry.depth() < 3 {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}

/// What a test uploads.
struct Blob(Descriptor, Vec<u8>);

impl Blob {
    fn of(bytes: Vec<u8>) -> Self {
        let descriptor = Descriptor {
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
        };
        Self(descriptor, bytes)
    }
}

impl Content for Blob {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        Ok(Box::new(std::io::Cursor::new(self.1.clone())))
    }
}

fn digest(ran: &Ran) -> &str {
    ran.stdout.trim_end().rsplit('@').next().unwrap()
}

#[test]
fn what_is_in_the_repository_is_neither_fetched_nor_sent() {
    let (world, first) = World::pushed(&KINDS);
    let (fetched, second) = world.fetched(|| world.push("second", &[]));
    assert!(fetched.is_empty(), "{fetched:?}");
    second.says(&["4 of 4 wheels are not fetched"]);

    let (fetched, told_nothing) = world.fetched(|| world.push("third", &["--no-last-image"]));
    assert_eq!(fetched, KINDS);
    assert_eq!(digest(&first), digest(&told_nothing));

    // Another shell goes on with what one was told, and a changed line asks nobody again.
    let (fetched, ran) = world.fetched(|| world.build("fourth", &[]));
    ran.says(&["4 of 4 wheels are not fetched"]);
    let (more, fourth) = world.fetched(|| world.push("fourth", &[]));
    assert!(fetched.is_empty() && more.is_empty(), "{fetched:?} {more:?}");
    assert_eq!(digest(&first), digest(&fourth));
    world.index.sandbox.write("odd.py", "def train():\n    return 1\n");
    let (asked, _) = world.asked(|| world.push("first", &[]));
    let (by_the_told, changed) = world.asked(|| world.push("fourth", &[]));
    assert!(
        !changed.stderr.contains("tells what its layers are made of"),
        "{}",
        changed.stderr
    );
    assert!(by_the_told.len() <= asked.len(), "{by_the_told:#?} {asked:#?}");
}

#[test]
fn what_is_told_and_what_is_known_come_to_one_digest() {
    let (world, first) = World::pushed(&KINDS);
    let second = world.push("second", &[]);
    assert_eq!(digest(&first), digest(&second));
    // What was never here is had where the image goes to another place, and is what was told.
    let other = format!("{}/team/another", world.images.address);
    let (fetched, third) = world.fetched(|| {
        let arguments = native_push(private_base(), &other);
        world.run("second", &arguments).exits(0)
    });
    assert_eq!(fetched, KINDS);
    assert_eq!(digest(&first), digest(&third));
    let file = world.caches.join("image.tar");
    world.build("third", &["--output", file.to_str().unwrap()]);
    assert!(fs::metadata(&file).unwrap().len() > 8 << 20);
}

#[test]
fn one_requirement_more_is_one_wheel() {
    let (world, _) = World::pushed(&[&KINDS[..], &["plain-c", "plain-d"]].concat());
    let before = world.push("first", &[]);
    // In a layer of its own, and in one with others, which is made anew of all of them.
    require(&world.index.sandbox, &KINDS);
    world.push("first", &[]);
    require(&world.index.sandbox, &[&KINDS[..], &["plain-d"]].concat());
    let (fetched, more) = world.fetched(|| world.push("second", &[]));
    assert_eq!(fetched, ["plain-d"]);
    require(&world.index.sandbox, &[&KINDS[..], &["plain-c", "plain-d"]].concat());
    let (fetched, all) = world.fetched(|| world.push("third", &[]));
    assert_eq!(fetched, ["plain-c", "shared-one"]);
    assert_eq!(digest(&before), digest(&all));
    assert_ne!(digest(&before), digest(&more));
}

#[test]
fn conflicts_are_found_with_wheels_that_are_not_here() {
    let all = ["plain-a", "clashes-one", "clashes-two", "shared-one", "shared-three"];
    let world = World::of(&all);
    require(&world.index.sandbox, &["plain-a", "clashes-one", "shared-one"]);
    world.push("first", &[]);
    require(&world.index.sandbox, &all);
    let (fetched, ran) = world.fetched(|| world.push("second", &[]));
    // What shares a place with a new one is looked into.
    assert_eq!(fetched, ["clashes-one", "clashes-two", "shared-one", "shared-three"]);
    let conflict = "clashes-one and clashes-two both bring";
    let ran = ran.says(&[conflict]);
    // What was in conflict is looked into each time.
    let (fetched, again) = world.fetched(|| world.push("third", &[]));
    assert_eq!(fetched, ["clashes-one", "clashes-two"]);
    assert_eq!(digest(&ran), digest(&again.says(&[conflict])));
}

/// A change of an image's documents: manifest, config, label.
type Change = fn(&mut Value, &mut Value, &mut String);

#[test]
fn an_image_that_is_not_believed_changes_nothing() {
    let (world, first) = World::pushed(&KINDS);
    let changes: [(&str, Change); 11] = [
        ("does not tell of its layers", |_, config, _| {
            config["config"]["Labels"].as_object_mut().unwrap().remove(LABEL);
        }),
        ("does not tell of its layers", |_, config, _| {
            config["config"] = Value::Null;
        }),
        ("has a label that is not understood", |_, _, label| label.truncate(100)),
        ("has a label that is of the format 99", |_, _, label| {
            *label = label.replacen("\"format\":1", "\"format\":99", 1);
        }),
        ("has a label that is longer than", |_, _, label| {
            label.push_str(&" ".repeat(200_000));
        }),
        ("is for linux/arm64", |_, config, _| {
            config["architecture"] = json!("arm64");
        }),
        ("is made of another base image", |manifest, config, _| {
            manifest["layers"].as_array_mut().unwrap().remove(0);
            config["rootfs"]["diff_ids"].as_array_mut().unwrap().remove(0);
        }),
        ("has a config of another number of layers", |_, config, _| {
            config["rootfs"]["diff_ids"].as_array_mut().unwrap().pop();
        }),
        ("tells of layers that it does not have", |_, _, label| {
            *label = label.replacen(
                "]],\"wheels\"",
                "],[\"k\",1,null],[\"k2\",1,null],[\"k3\",1,null],[\"k4\",1,[90,1]]],\"wheels\"",
                1,
            );
        }),
        ("has a config that is not understood", |_, config, _| {
            config["rootfs"] = json!([]);
        }),
        ("is no image of ours", |manifest, _, _| {
            manifest["mediaType"] = json!(MediaType::OciManifest.as_str());
        }),
    ];
    for (number, (reason, change)) in changes.into_iter().enumerate() {
        world.plant(change);
        let (fetched, ran) = world.fetched(|| world.push(&format!("cache-{number}"), &[]));
        assert_eq!(fetched, KINDS, "{reason}");
        assert_eq!(digest(&first), digest(&ran.says(&[reason])), "{reason}");
    }
}

#[test]
fn a_lie_is_found_where_this_machine_knows_better() {
    let (world, first) = World::pushed(&KINDS);
    // One of two layers is said to be the other.
    let swap: Change = |_, _, label| {
        let mut told: Value = serde_json::from_str(label).unwrap();
        let (one, other) = (told["layers"][0][0].clone(), told["layers"][1][0].clone());
        told["layers"][0][0] = other;
        told["layers"][1][0] = one;
        *label = told.to_string();
    };
    world.plant(swap);
    copy(&world.caches.join("first"), &world.caches.join("notes"));
    fs::remove_dir_all(world.caches.join("notes/sgbuild/wheels/content")).unwrap();
    // What is there under the tag is no image of this run's.
    world.index.sandbox.write("odd.py", "def train():\n    return 2\n");
    let (fetched, ran) = world.fetched(|| world.push("notes", &[]));
    assert_eq!(fetched, KINDS);
    let ran = ran.says(&["says of a layer what it is not: nothing of it is believed"]);
    let known = world.push("first", &[]);
    assert_eq!(digest(&ran), digest(&known));
    assert_ne!(digest(&ran), digest(&first));
}

#[test]
fn a_size_that_the_index_denies_is_not_believed() {
    let (mut world, first) = World::pushed(&KINDS);
    let sandbox = std::mem::replace(&mut world.index.sandbox, Sandbox::empty());
    world.index.sandbox = sandbox.with("PIP_INDEX_URL", format!("{}/sized", world.wheels.url()));
    let (fetched, told) = world.fetched(|| world.push("honest", &[]));
    assert!(fetched.is_empty(), "{fetched:?}");
    assert_eq!(digest(&first), digest(&told));
    world.plant(|_, _, label| {
        let mut told: Value = serde_json::from_str(label).unwrap();
        for (_, wheel) in told["wheels"].as_object_mut().unwrap() {
            wheel[0] = json!(wheel[0].as_u64().unwrap() + 1);
        }
        *label = told.to_string();
    });
    let (fetched, ran) = world.fetched(|| world.push("lied-to", &[]));
    assert_eq!(fetched, KINDS);
    assert_eq!(digest(&first), digest(&ran));
}

#[test]
fn a_repository_that_may_not_be_read_is_done_without() {
    for (matching, status) in [
        ("/tags/list", 403),
        ("/tags/list", 500),
        ("GET /v2/team/odd/manifests", 403),
    ] {
        let (world, first) = World::pushed(&KINDS);
        let fault = Fault {
            matching,
            status,
            header: None,
            body: "denied",
            // The push itself reads what it pushed.
            times: 1,
        };
        let proxy = Proxy::start(&world.registry.url(), vec![fault]);
        log_in(&world.index.sandbox, &proxy.address.to_string());
        let repository = format!("{}/team/odd", proxy.address);
        let arguments = [&native_push(private_base(), &repository)[..], &["--verbose"]].concat();
        let (_, ran) = world.fetched(|| world.run("second", &arguments).exits(0));
        assert_eq!(digest(&first), digest(&ran), "{matching}");
    }
}
