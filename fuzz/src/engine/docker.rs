//! What the Docker daemon answers a build or a push with, without what talks to it.

#[path = "context.rs"]
pub mod context;
#[path = "../../../src/engine/docker/layers.rs"]
mod layers;
#[path = "../../../src/engine/docker/log.rs"]
mod log;
#[path = "../../../src/engine/docker/mask.rs"]
mod mask;
#[path = "../../../src/engine/docker/messages.rs"]
mod messages;
#[path = "../../../src/engine/docker/step.rs"]
mod step;
#[path = "../../../src/engine/docker/told.rs"]
mod told;
#[path = "../../../src/engine/docker/words.rs"]
mod words;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;

use base64::Engine as _;
use bytes::Bytes;
use context::Outline;
use futures_util::{FutureExt as _, stream};
use layers::Layers;
use log::BuildLog;
use mask::Mask;
use messages::Messages;

use crate::progress::{Progress, Silent, Task};
use crate::secret::Secret;

/// The Dockerfile that is said to be built.
const DOCKERFILE: &str = "# sgbuild: Base image a\nFROM a\nRUN b\n# sgbuild: Installing c 1\nCOPY c d\n# sgbuild: Installing c 1\nRUN pip\n";
/// A password that the build was given.
const CANARY: &str = "c4nary";

/// What was told of an answer, in its order.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn hear(&self, line: &str) {
        assert!(!line.contains(CANARY), "a secret is told: {line:?}");
        self.0.lock().expect("one thread").push(line.to_owned());
    }
}

impl Progress for Heard {
    fn step(&self, title: &str) {
        self.hear(title);
    }

    fn detail(&self, line: &str) {
        self.hear(line);
    }

    fn warn(&self, text: &str) {
        self.hear(text);
    }

    fn task(&self, title: &str, _total: Option<u64>) -> Box<dyn Task> {
        // A layer's name is the daemon's own word, and goes past the mask.
        if !title.starts_with("base layer ") {
            self.hear(title);
        }
        Box::new(Silent)
    }
}

/// The answer to a build that comes in pieces of these `lengths`, over and over: told as if it came at once, and no secret with it.
///
/// # Panics
/// It is not.
pub fn answer(bytes: &[u8], lengths: &[u8]) {
    let whole = told(vec![Bytes::copy_from_slice(bytes)]);
    let mut pieces = Vec::new();
    let (mut rest, mut lengths) = (bytes, lengths.iter().cycle());
    while !rest.is_empty() {
        // Mostly pieces of some bytes each; an empty one is none at the end.
        let length = lengths.next().map_or(1, |length| usize::from(*length)).min(rest.len());
        pieces.push(Bytes::copy_from_slice(&rest[..length]));
        if length == 0 {
            pieces.push(Bytes::copy_from_slice(&rest[..1]));
        }
        rest = &rest[length.max(1)..];
    }
    assert_eq!(told(pieces), whole);
}

/// A build's trace, as `BuildKit` sends it: the protocol's messages, each a line.
pub fn traces<'a>(messages: impl Iterator<Item = &'a [u8]>) {
    let lines = messages.map(|message| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(message);
        Bytes::from(format!("{{\"id\":\"moby.buildkit.trace\",\"aux\":\"{encoded}\"}}\n"))
    });
    told(lines.collect());
}

/// What a build and a push tell of an answer, and how it ends.
fn told(pieces: Vec<Bytes>) -> (Vec<String>, String) {
    let heard = Heard::default();
    let secrets = BTreeMap::from([("netrc".to_owned(), Secret::new(format!("machine h password {CANARY}\n")))]);
    let mut log = BuildLog::new(&heard, Mask::new(&secrets), Outline::read(DOCKERFILE));
    let mut layers = Layers::new(&Silent, "layer");
    let mut messages = Messages::new(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)));
    let end = loop {
        match messages.next().now_or_never().expect("nothing is waited for") {
            Ok(None) => break "its end".to_owned(),
            Err(reason) => break reason,
            Ok(Some(message)) => {
                layers.message(&message);
                match message.failure() {
                    None => log.message(&message),
                    Some(said) => break failure(&mut log, &said),
                }
            }
        }
    };
    log.end();
    let image = log.image.take();
    drop(log);
    // How long something took is another thing each time.
    let lines = heard.0.into_inner().expect("one thread").into_iter();
    let lines = lines.filter(|line| !line.contains("done in ")).collect();
    (lines, format!("{end}, {image:?}, {:?}", layers.ended().len()))
}

fn failure(log: &mut BuildLog<'_>, said: &str) -> String {
    let failed = format!("{:?}", log.failed_step(said));
    assert!(!failed.contains(CANARY), "a secret is told: {failed}");
    failed
}
