//! Progress of layers that are pulled or pushed, in bytes.

use std::collections::HashMap;

use super::messages::Message;
use crate::progress::{Progress, Task};

/// So many layers are shown at once; an image has at most 127.
const MOST: usize = 1_000;
/// The longest id, in bytes: those of layers and steps are digests, or begin one.
pub(super) const LONGEST_ID: usize = 1024;
/// What came of a layer that the repository did not have.
const PUSHED: &str = "pushed";

/// Turns per-layer statuses into [`Task`]s: one a layer, from its first byte to its end.
pub(crate) struct Layers<'a> {
    progress: &'a dyn Progress,
    /// What they are called, before their ids.
    what: &'static str,
    tasks: HashMap<String, Box<dyn Task>>,
    /// Whether those that are over were pushed, or there.
    ended: HashMap<String, bool>,
}

impl<'a> Layers<'a> {
    /// Shows nothing until the first layer.
    pub(crate) fn new(progress: &'a dyn Progress, what: &'static str) -> Self {
        Self {
            progress,
            what,
            tasks: HashMap::new(),
            ended: HashMap::new(),
        }
    }

    /// Whether a layer is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Whether a layer is shown: those that are, and new ones while there are not more than any image has.
    fn is_shown(&self, id: &str) -> bool {
        id.len() <= LONGEST_ID && (self.tasks.len() < MOST || self.tasks.contains_key(id))
    }

    /// Takes a status of a pull or a push; false when the message is none of a layer.
    pub(crate) fn message(&mut self, message: &Message) -> bool {
        let (Some(id), Some(status)) = (&message.id, &message.status) else {
            return false;
        };
        match status.as_str() {
            "Pushing" | "Downloading" | "Extracting" => {
                let amount = message.progress.as_ref();
                self.amount(
                    id,
                    bytes(amount.and_then(|a| a.current)).unwrap_or(0),
                    bytes(amount.and_then(|a| a.total)),
                );
            }
            "Pushed" | "Pull complete" => self.finish(id, if status == "Pushed" { PUSHED } else { "pulled" }),
            "Layer already exists" | "Already exists" => self.finish(id, "already there"),
            mounted if mounted.starts_with("Mounted from") => self.finish(id, "already there"),
            _ => return !status.starts_with("Pulling from"),
        }
        true
    }

    /// Sets a layer's progress.
    pub(crate) fn amount(&mut self, id: &str, done: u64, total: Option<u64>) {
        let total = total.filter(|total| *total > 0);
        if !self.is_shown(id) {
            return;
        }
        self.task(id, total).set(done, total);
    }

    /// Ends a layer's task.
    pub(crate) fn finish(&mut self, id: &str, outcome: &str) {
        if !self.is_shown(id) {
            return;
        }
        self.task(id, None).finish(outcome);
        self.tasks.remove(id);
        if self.ended.len() < MOST {
            self.ended.insert(short(id).to_owned(), outcome == PUSHED);
        }
    }

    /// The layers that are over, by their short ids: whether they were pushed, or there already.
    pub(crate) fn ended(self) -> HashMap<String, bool> {
        self.ended
    }

    /// Ends a layer's task if it has one.
    pub(crate) fn finish_started(&mut self, id: &str, outcome: &str) {
        if let Some(task) = self.tasks.remove(id) {
            task.finish(outcome);
        }
    }

    fn task(&mut self, id: &str, total: Option<u64>) -> &dyn Task {
        let (progress, what) = (self.progress, self.what);
        let task = self
            .tasks
            .entry(id.to_owned())
            .or_insert_with(|| progress.task(&format!("{what} {}", short(id)), total));
        &**task
    }
}

/// Twelve digits, as the `docker` command shows ids.
pub(crate) fn short(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..12).unwrap_or(digits)
}

/// An amount that the daemon knows.
fn bytes(amount: Option<i64>) -> Option<u64> {
    amount.and_then(|amount| u64::try_from(amount).ok())
}
