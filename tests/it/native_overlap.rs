//! What is sent to a registry while the rest of the image is still on its way here, or being made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::faults::{Registry, log_in};
use crate::native::{native_push, private_base};
use crate::native_faults::missing_of;
use crate::native_wheels::{Index, require};
use crate::support::faults::{Fault, Hold, Proxy};
use crate::support::{Ran, Sandbox};

/// A project of wheels from an index, and its repository, which has the base image already.
struct World {
    index: Index,
    registry: Registry,
    images: Arc<Proxy>,
    repository: String,
}

impl World {
    fn of(kinds: &[&str]) -> Self {
        let mut index = Index::of(kinds);
        let registry = Registry::start();
        let images = Arc::new(Proxy::start(&registry.url(), Vec::new()));
        let host = images.address.to_string();
        log_in(&index.sandbox, &host);
        let sandbox = std::mem::replace(&mut index.sandbox, Sandbox::empty());
        index.sandbox = sandbox.with("PIP_INDEX_URL", format!("http://{}/sized", index.address));
        let world = Self {
            index,
            registry,
            images,
            repository: format!("{host}/team/overlap"),
        };
        require(&world.index.sandbox, &["shared-one"]);
        world.push(&[]).exits(0);
        require(&world.index.sandbox, kinds);
        world
    }

    fn push(&self, more: &[&str]) -> Ran {
        let arguments = native_push(private_base(), &self.repository);
        self.index.sandbox.run(&[&arguments[..], more].concat())
    }

    /// How many blobs of the image the registry lacks.
    fn missing(&self) -> String {
        missing_of(&self.registry, "team/overlap", "1.0")
    }

    /// What the registry was asked, from the request number `from` on.
    fn asked(&self, from: usize) -> Vec<String> {
        self.images.seen().split_off(from)
    }
}

fn is_upload(line: &str) -> bool {
    line.starts_with("PUT /v2/team/overlap/blobs/uploads/")
}

#[test]
fn the_first_layer_is_sent_while_the_last_wheel_still_comes() {
    let world = World::of(&["shared-one", "large-one", "plain-a", "plain-b"]);
    let images = Arc::clone(&world.images);
    let before = images.seen().len();
    let is_sent = move || images.seen().iter().skip(before).any(|line| is_upload(line));
    let index = format!("http://{}", world.index.address);
    let wheels = Proxy::holding(&index, "GET /files/plain_b-1.0-py3-none-any.whl ", is_sent);
    let arguments = native_push(private_base(), &world.repository);
    let mut command = world.index.sandbox.command(&arguments);
    command.env("PIP_INDEX_URL", format!("{}/sized", wheels.url()));
    Ran::new(&arguments, command.output().unwrap()).exits(0);
    assert_eq!(world.missing(), "0");
    // Each layer was sent once.
    let mut digests: Vec<String> = world
        .asked(before)
        .iter()
        .filter(|line| is_upload(line))
        .map(|line| line.rsplit("digest=").next().unwrap().trim().to_owned())
        .collect();
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), all, "{digests:?}");
}

#[test]
fn what_could_not_be_sent_ahead_is_sent_at_the_end() {
    let world = World::of(&["shared-one", "large-one"]);
    let before = world.images.seen().len();
    world.images.fail(Fault {
        matching: "POST /v2/team/overlap/blobs/uploads/",
        status: 503,
        header: None,
        body: "",
        times: 1,
    });
    world.push(&[]).exits(0);
    assert_eq!(world.missing(), "0");
    let asked = world.asked(before);
    assert!(asked.iter().any(|line| is_upload(line)), "{asked:#?}");
}

#[test]
fn a_wheel_that_no_installer_takes_ends_the_fetching_of_the_others() {
    let world = World::of(&["shared-one", "large-one", "by-another-method"]);
    let waited = Arc::new(AtomicU32::new(0));
    let (waits, index) = (Arc::clone(&waited), format!("http://{}", world.index.address));
    let wheels = Proxy::holding(&index, "GET /files/large_one-1.0-py3-none-any.whl ", move || {
        waits.fetch_add(1, Ordering::SeqCst);
        false
    });
    let arguments = native_push(private_base(), &world.repository);
    let mut command = world.index.sandbox.command(&arguments);
    command.env("PIP_INDEX_URL", format!("{}/sized", wheels.url()));
    Ran::new(&arguments, command.output().unwrap())
        .exits(1)
        .says(&["by-another-method"]);
    assert!(
        waited.load(Ordering::SeqCst) < Hold::PATIENCE,
        "nobody waits for the other wheel"
    );
}

#[test]
fn an_image_that_is_not_made_leaves_no_manifest() {
    let world = World::of(&["shared-one", "large-one", "by-another-method"]);
    let before = world.images.seen().len();
    world.push(&[]).exits(1);
    let asked = world.asked(before);
    assert!(
        !asked
            .iter()
            .any(|line| line.starts_with("PUT /v2/team/overlap/manifests/")),
        "{asked:#?}"
    );
}
