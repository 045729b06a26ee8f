//! The build's log: `BuildKit`'s vertexes or the classic builder's lines become parts of the build in its user's words, raw lines, and the
//! failing step.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use base64::Engine as _;
use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex, VertexStatus};
use prost::Message as _;

use super::context::Outline;
use super::layers::{LONGEST_ID, Layers};
use super::mask::Mask;
use super::messages::Message;
use super::step::{FailedStep, Step};
use super::told::Told;
use super::words::{LONGEST_MESSAGE, shortened};
use crate::progress::Progress;
use crate::shown::log_line;

/// A step without output that took less is not said to be done.
const WORTH_TELLING: Duration = Duration::from_millis(100);
/// A step's title is cut to this many characters.
const TITLE: usize = 110;
/// So many steps, and so many warnings, are told apart; no build has more.
const MOST: usize = 2_000;
/// Of a step's name and of a warning so many bytes are kept. Together with [`MOST`] it bounds what a build's log takes of memory.
pub(super) const LONGEST_KEPT: usize = 16 * 1024;

/// Follows one build.
pub(crate) struct BuildLog<'a> {
    progress: &'a dyn Progress,
    mask: Mask,
    layers: Layers<'a>,
    told: Told<'a>,
    /// `BuildKit`'s steps by vertex digest.
    steps: HashMap<String, Step>,
    /// The classic builder's only running step.
    current: Option<Step>,
    warned: HashSet<Vec<u8>>,
    /// The image's id, once the builder told it.
    pub(crate) image: Option<String>,
}

impl<'a> BuildLog<'a> {
    /// A log that shows nothing of what `mask` hides, of a build of the Dockerfile that `outline` is of.
    pub(crate) fn new(progress: &'a dyn Progress, mask: Mask, outline: Outline) -> Self {
        Self {
            progress,
            mask,
            layers: Layers::new(progress, "base layer"),
            told: Told::new(progress, outline),
            steps: HashMap::new(),
            current: None,
            warned: HashSet::new(),
            image: None,
        }
    }

    /// Takes one message of the build's answer; one that is no progress is ignored.
    pub(crate) fn message(&mut self, message: &Message) {
        if let Some(aux) = &message.aux {
            if message.id.as_deref() == Some("moby.buildkit.trace") {
                self.trace(aux);
            } else if let Some(id) = aux.get("ID").and_then(serde_json::Value::as_str) {
                self.image = Some(id.to_owned());
            }
            return;
        }
        if let Some(text) = &message.stream {
            self.classic(text);
        } else if self.layers.message(message) {
            if let Some(step) = &mut self.current {
                step.has_fetched |= self.layers.is_busy();
            }
        } else if let Some(status) = &message.status {
            self.progress.raw(&self.mask.apply(&log_line(status)));
        }
    }

    /// The step that failed, after the builder said `message`; `None` when it failed outside of the steps.
    pub(crate) fn failed_step(&mut self, message: &str) -> Option<FailedStep> {
        let mask = &self.mask;
        let step = match &mut self.current {
            Some(step) => Some(step),
            None => self.steps.values_mut().find(|step| step.error.is_some()),
        }?;
        if let Some(line) = step.flush(mask) {
            self.progress.raw(&line);
        }
        let said = step.error.clone().unwrap_or_else(|| message.to_owned());
        Some(FailedStep {
            instruction: told(&mask.apply(instruction(&step.name))),
            output: step.tail.iter().cloned().collect(),
            message: mask.apply(&outcome(&said)),
        })
    }

    fn trace(&mut self, aux: &serde_json::Value) {
        let bytes = aux
            .as_str()
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        let Some(status) = bytes.and_then(|bytes| StatusResponse::decode(bytes.as_slice()).ok()) else {
            return;
        };
        for vertex in &status.vertexes {
            self.vertex(vertex);
        }
        for log in &status.logs {
            let text = String::from_utf8_lossy(&log.msg);
            if let Some(step) = self.steps.get_mut(&log.vertex) {
                for line in step.print(&text, &self.mask) {
                    self.progress.raw(&line);
                }
            }
        }
        for status in &status.statuses {
            self.transfer(status);
        }
        for vertex in &status.vertexes {
            self.ended(vertex);
        }
        for mut warning in status.warnings {
            let text = self.mask.apply(&log_line(&String::from_utf8_lossy(&warning.short)));
            warning.short.truncate(LONGEST_KEPT);
            if self.warned.len() < MOST && self.warned.insert(warning.short) {
                self.progress.warn(&text);
            }
        }
    }

    fn vertex(&mut self, vertex: &Vertex) {
        let is_one_more = self.steps.len() >= MOST && !self.steps.contains_key(&vertex.digest);
        if is_one_more || vertex.digest.len() > LONGEST_ID {
            return;
        }
        let step = self
            .steps
            .entry(vertex.digest.clone())
            .or_insert_with(|| Step::new(&vertex.name));
        if vertex.started.is_none() || step.announced || step.is_internal() {
            return;
        }
        step.announced = true;
        step.started = Instant::now();
        let cached = if vertex.cached { " (cached)" } else { "" };
        self.progress
            .raw(&format!("{}{cached}", self.mask.apply(&title(&step.name))));
        step.told = Some(self.told.begin_vertex(&step.name, vertex.cached, &self.mask));
        step.ended = vertex.cached;
        if let Some(key) = step.told.as_ref().filter(|_| vertex.cached) {
            self.told.end(key, &step.end(Duration::ZERO, true));
        }
    }

    fn ended(&mut self, vertex: &Vertex) {
        let Some(step) = self.steps.get_mut(&vertex.digest) else {
            return;
        };
        if !vertex.error.is_empty() && !vertex.error.contains("context canceled") {
            step.error = Some(shortened(&vertex.error, LONGEST_MESSAGE).to_owned());
        }
        if vertex.completed.is_none() || step.ended {
            return;
        }
        step.ended = true;
        if let Some(line) = step.flush(&self.mask) {
            self.progress.raw(&line);
        }
        if !step.announced {
            return;
        }
        if !vertex.error.is_empty() {
            if let Some(key) = &step.told {
                self.told.fail(key);
            }
            return;
        }
        let number = self.mask.apply(number(&step.name));
        let duration = elapsed(vertex.started, vertex.completed).unwrap_or_else(|| step.started.elapsed());
        if let Some(key) = &step.told {
            self.told.end(key, &step.end(duration, vertex.cached));
        }
        if vertex.cached {
            self.progress.raw(&format!("{number}cached"));
            return;
        }
        if duration < WORTH_TELLING && step.tail.is_empty() {
            return;
        }
        self.progress
            .raw(&format!("{number}done in {:.1} s", duration.as_secs_f64()));
    }

    /// A layer of the base image on its way.
    fn transfer(&mut self, status: &VertexStatus) {
        if !status.id.starts_with("sha256:") && !status.name.starts_with("sha256:") {
            return;
        }
        let id = if status.id.starts_with("sha256:") {
            &status.id
        } else {
            &status.name
        };
        let total = u64::try_from(status.total).ok().filter(|total| *total > 0);
        if let Some(step) = self.steps.get_mut(&status.vertex) {
            step.has_fetched |= total.is_some();
        }
        if status.completed.is_some() {
            self.layers.finish_started(id, "pulled");
        } else if let Some(total) = total {
            self.layers
                .amount(id, u64::try_from(status.current).unwrap_or(0), Some(total));
        }
    }

    fn classic(&mut self, text: &str) {
        if let Some(name) = classic_step(text) {
            self.end_classic();
            let mut step = Step::new(&name);
            self.progress.raw(&self.mask.apply(&title(&step.name)));
            step.told = self.told.begin_classic(&step.name, &self.mask);
            self.current = Some(step);
            return;
        }
        // podman's name of a layer, which is of no use to anybody.
        let is_name = |rest: &str| rest.len() >= 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.strip_prefix("--> ").map(str::trim_end).is_some_and(is_name) {
            return;
        }
        let Some(step) = &mut self.current else {
            self.progress.raw(&self.mask.apply(&log_line(text)));
            return;
        };
        for line in step.print(text, &self.mask) {
            self.progress.raw(&line);
        }
    }

    /// The build is over.
    pub(crate) fn end(&mut self) {
        self.end_classic();
        self.told.finish();
    }

    /// Ends the classic builder's step: the next one began, or the build is over.
    fn end_classic(&mut self) {
        let Some(mut step) = self.current.take() else { return };
        if let Some(line) = step.flush(&self.mask) {
            self.progress.raw(&line);
        }
        let is_said = |line: &String| {
            let said = line.trim_start();
            // Docker's, and podman's.
            said.starts_with("---> Using cache") || said.starts_with("--> Using cache")
        };
        let cached = step.tail.iter().any(is_said);
        let took = step.started.elapsed();
        if let Some(key) = &step.told {
            self.told.end(key, &step.end(took, cached));
        }
        let how = if cached {
            "cached".to_owned()
        } else {
            format!("done in {:.1} s", took.as_secs_f64())
        };
        let number = self.mask.apply(number(&step.name));
        self.progress.raw(&format!("{number}{how}"));
    }
}

/// `Step 2/5 : RUN x`, or podman's `STEP 2/5: RUN x`, as `[2/5] RUN x`, the form that `BuildKit` uses.
fn classic_step(text: &str) -> Option<String> {
    let dockers = || text.strip_prefix("Step ")?.split_once(" : ");
    let podmans = || text.strip_prefix("STEP ")?.split_once(": ");
    let (number, instruction) = dockers().or_else(podmans)?;
    Some(format!("[{number}] {}", instruction.trim_end()))
}

/// The instruction without its number: `RUN x` of `[2/5] RUN x`.
pub(super) fn instruction(name: &str) -> &str {
    match name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((number, instruction)) if number.contains('/') => instruction,
        _ => name,
    }
}

/// `[2/5] `, or nothing for a step without a number.
fn number(name: &str) -> &str {
    &name[..name.len() - instruction(name).len()]
}

/// A failed step's instruction in one line: its mounts say nothing about the failure.
fn told(instruction: &str) -> String {
    let words = instruction.split_whitespace();
    let told: Vec<&str> = words
        .filter(|word| !word.starts_with("--mount=") && *word != "\\")
        .collect();
    title(&told.join(" "))
}

/// A step's name in one line of a bearable length.
pub(super) fn title(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= TITLE {
        return line;
    }
    let mut short: String = line.chars().take(TITLE - 1).collect();
    short.push('…');
    short
}

/// The end of a builder's message that says how the command ended; the command itself is shown as the step.
fn outcome(message: &str) -> String {
    let podmans = message.starts_with("building at STEP ").then(|| message.trim_end());
    let status = podmans.and_then(|message| message.rsplit_once(": exit status "));
    if let Some((_, code)) = status {
        return format!("exit code: {code}");
    }
    for mark in ["exit code: ", "returned a non-zero code: "] {
        if let Some((before, after)) = message.rsplit_once(mark)
            && let code = after.trim_end()
            && !code.is_empty()
            && code.bytes().all(|byte| byte.is_ascii_digit())
            && (before.contains("executor failed running")
                || before.contains("process \"")
                || before.contains("The command"))
        {
            return format!("exit code: {code}");
        }
    }
    message.to_owned()
}

fn elapsed(started: Option<Timestamp>, completed: Option<Timestamp>) -> Option<Duration> {
    let seconds = |stamp: Timestamp| {
        Some(Duration::new(
            u64::try_from(stamp.seconds).ok()?,
            u32::try_from(stamp.nanos).ok()?,
        ))
    };
    seconds(completed?)?.checked_sub(seconds(started?)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use crate::progress::{Silent, Task};
    use crate::secret::Secret;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Progress for Heard {
        fn step(&self, _title: &str) {}
        fn detail(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
        fn warn(&self, _text: &str) {}
        fn task(&self, _title: &str, _total: Option<u64>) -> Box<dyn Task> {
            Box::new(Silent)
        }
    }

    #[test]
    fn no_part_of_a_steps_name_goes_past_the_mask() {
        let heard = Heard::default();
        let netrc = Secret::new("machine h login me password c4nary\n");
        let mask = Mask::new(&BTreeMap::from([("netrc".to_owned(), netrc)]));
        let mut log = BuildLog::new(&heard, mask, Outline::read("FROM a\n"));
        let message =
            |text: &str| -> Message { serde_json::from_value(serde_json::json!({ "stream": text })).unwrap() };
        log.message(&message("Step c4nary 1/2 : RUN c4nary\n"));
        log.message(&message(" ---> Using cache\n"));
        let vertex = |completed: Option<i64>| Vertex {
            digest: "sha256:0".to_owned(),
            name: "[c4nary 2/2] RUN c4nary".to_owned(),
            started: Some(Timestamp { seconds: 1, nanos: 0 }),
            completed: completed.map(|seconds| Timestamp { seconds, nanos: 0 }),
            ..Vertex::default()
        };
        for completed in [None, Some(9)] {
            log.vertex(&vertex(completed));
            log.ended(&vertex(completed));
        }
        log.end();
        let heard = heard.0.into_inner().unwrap();
        assert!(!heard.iter().any(|line| line.contains("c4nary")), "{heard:?}");
        assert!(heard.contains(&"[*** 1/2] cached".to_owned()), "{heard:?}");
        assert!(heard.contains(&"[*** 2/2] done in 8.0 s".to_owned()), "{heard:?}");
    }

    #[test]
    fn what_a_build_tells_without_end_is_not_kept() {
        let heard = Heard::default();
        let mut log = BuildLog::new(&heard, Mask::new(&BTreeMap::new()), Outline::read("FROM a\n"));
        let endless = "x".repeat(1 << 20);
        for number in 0..MOST + 10 {
            log.vertex(&Vertex {
                digest: format!("sha256:{number}"),
                name: endless[..LONGEST_KEPT * 2].to_owned(),
                ..Vertex::default()
            });
        }
        log.vertex(&Vertex {
            digest: endless.clone(),
            ..Vertex::default()
        });
        assert_eq!(log.steps.len(), MOST);
        assert!(log.steps.values().all(|step| step.name.len() <= LONGEST_KEPT));
        let step = log.steps.get_mut("sha256:0").unwrap();
        step.print(
            &format!("{}\n", &endless[..60_000]).repeat(100),
            &Mask::new(&BTreeMap::new()),
        );
        let kept: usize = step.tail.iter().map(String::len).sum();
        assert!(kept < 200_000, "{kept}");
    }

    #[test]
    fn a_step_is_named_by_its_instruction() {
        assert_eq!(instruction("[2/5] RUN pip install x"), "RUN pip install x");
        assert_eq!(instruction("[build 2/5] COPY a b"), "COPY a b");
        assert_eq!(
            instruction("[internal] load metadata for x"),
            "[internal] load metadata for x"
        );
        assert_eq!(number("[2/5] RUN x"), "[2/5] ");
        assert_eq!(classic_step("Step 2/5 : RUN x\n").as_deref(), Some("[2/5] RUN x"));
        assert_eq!(
            classic_step("STEP 2/5: RUN x : y\n").as_deref(),
            Some("[2/5] RUN x : y")
        );
    }

    #[test]
    fn how_a_command_ended_is_said_without_repeating_the_command() {
        assert_eq!(
            outcome("executor failed running [/bin/sh -c exit 3]: exit code: 3"),
            "exit code: 3"
        );
        assert_eq!(
            outcome("process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3"),
            "exit code: 3"
        );
        assert_eq!(
            outcome("The command '/bin/sh -c exit 3' returned a non-zero code: 3"),
            "exit code: 3"
        );
        assert_eq!(
            outcome("process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3\n"),
            "exit code: 3"
        );
        assert_eq!(
            outcome("building at STEP \"RUN exit 3\": while running runtime: exit status 3\n"),
            "exit code: 3"
        );
        assert_eq!(outcome("network bridge not found"), "network bridge not found");
    }

    #[test]
    fn a_failed_step_is_told_in_one_short_line() {
        let mounted = "RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=netrc,target=/root/.netrc \\\n    python -m pip install six";
        assert_eq!(told(mounted), "RUN python -m pip install six");
        let long = told(&format!("RUN echo {}", "x".repeat(1_000)));
        assert_eq!(long.chars().count(), TITLE);
        assert!(long.ends_with('…'));
    }
}
