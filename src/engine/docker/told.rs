//! A builder's steps as their user is told of them: in the words of the package, or as the user wrote them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::context::{Outline, Purpose};
use super::mask::Mask;
use crate::progress::{Part, Progress, Waiting};

/// The step by which `BuildKit` hands the image to the daemon.
const EXPORTING: &str = "exporting to image";

/// What is told of a step: several may be told as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// An instruction of the Dockerfile, by its number.
    Instruction(usize),
    /// What the Dockerfile does not have.
    Other(String),
}

/// How a step ended.
pub(super) struct End {
    pub(super) took: Duration,
    pub(super) is_cached: bool,
    /// Whether a layer came from a registry.
    pub(super) has_fetched: bool,
}

/// What is told of one build.
pub(super) struct Told<'a> {
    progress: &'a dyn Progress,
    outline: Outline,
    running: HashMap<Key, Running>,
    /// Stages whose base image was told of.
    begun: HashSet<usize>,
    /// What is over, and waits for its stage's base image: `BuildKit` tells of what it has from before in any order.
    waiting: Vec<Running>,
}

struct Running {
    lasting: Lasting,
    /// How many of its steps are not over.
    left: usize,
    took: Duration,
    is_unchanged: bool,
    is_base: bool,
    stage: Option<usize>,
}

enum Lasting {
    Part(Part),
    /// Nobody's words, and soon over.
    Waiting {
        _told: Waiting,
    },
}

impl<'a> Told<'a> {
    pub(super) fn new(progress: &'a dyn Progress, outline: Outline) -> Self {
        Self {
            progress,
            outline,
            running: HashMap::new(),
            begun: HashSet::new(),
            waiting: Vec::new(),
        }
    }

    /// A step of `BuildKit`'s begins.
    pub(super) fn begin_vertex(&mut self, name: &str, is_cached: bool, mask: &Mask) -> Key {
        if name.starts_with(EXPORTING) {
            let key = Key::Other(name.to_owned());
            let told = Waiting::begin(self.progress, "Storing the image");
            self.add(key.clone(), Lasting::Waiting { _told: told }, None);
            return key;
        }
        let purpose = self.outline.of_vertex(name);
        let waits_for_base = self.running.values().any(|running| running.is_base);
        if !is_cached && !waits_for_base && purpose.as_ref().is_none_or(|purpose| !purpose.is_base) {
            self.finish();
        }
        self.begin(name, purpose.as_ref(), mask)
    }

    /// A step of the classic builder's or podman's begins. Those that only change the image's config are none to `BuildKit`, and not told of.
    pub(super) fn begin_classic(&mut self, name: &str, mask: &Mask) -> Option<Key> {
        let purpose = self.outline.of_classic(name);
        if purpose.as_ref().is_some_and(|purpose| !purpose.is_work) {
            return None;
        }
        Some(self.begin(name, purpose.as_ref(), mask))
    }

    fn begin(&mut self, name: &str, purpose: Option<&Purpose>, mask: &Mask) -> Key {
        let key = match purpose {
            Some(purpose) => Key::Instruction(purpose.first),
            None => Key::Other(name.to_owned()),
        };
        if !self.running.contains_key(&key) {
            let words = match purpose {
                Some(purpose) => &purpose.title,
                None => super::log::instruction(name),
            };
            let part = Part::begin(self.progress, &super::log::title(&mask.apply(words)));
            self.add(key.clone(), Lasting::Part(part), purpose);
        }
        key
    }

    fn add(&mut self, key: Key, lasting: Lasting, purpose: Option<&Purpose>) {
        let running = Running {
            lasting,
            left: purpose.map_or(1, |purpose| purpose.steps),
            took: Duration::ZERO,
            is_unchanged: true,
            is_base: purpose.is_some_and(|purpose| purpose.is_base),
            stage: purpose.and_then(|purpose| purpose.stage),
        };
        self.running.insert(key, running);
    }

    /// A step is over.
    pub(super) fn end(&mut self, key: &Key, end: &End) {
        let Some(running) = self.running.get_mut(key) else {
            return;
        };
        // A base image that no layer was fetched of was there.
        running.is_unchanged &= end.is_cached || running.is_base && !end.has_fetched;
        running.took += end.took;
        running.left = running.left.saturating_sub(1);
        if running.left > 0 {
            return;
        }
        let Some(over) = self.running.remove(key) else { return };
        match over.stage {
            Some(stage) if over.is_base => {
                over.tell();
                self.begun.insert(stage);
                let (now, later): (Vec<_>, Vec<_>) =
                    self.waiting.drain(..).partition(|other| other.stage == Some(stage));
                self.waiting = later;
                now.into_iter().for_each(Running::tell);
            }
            Some(stage) if !self.begun.contains(&stage) => self.waiting.push(over),
            _ => over.tell(),
        }
    }

    /// Tells what waits to be told.
    pub(super) fn finish(&mut self) {
        self.waiting.drain(..).for_each(Running::tell);
    }

    /// A step failed, which its error tells.
    pub(super) fn fail(&mut self, key: &Key) {
        self.finish();
        self.running.remove(key);
    }
}

impl Running {
    fn tell(self) {
        if let Lasting::Part(part) = self.lasting {
            part.ended(self.took, self.is_unchanged);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::progress::Task;

    #[derive(Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    struct One(Arc<Mutex<Vec<String>>>, String);

    impl Progress for Heard {
        fn step(&self, _title: &str) {}
        fn detail(&self, _line: &str) {}
        fn warn(&self, _text: &str) {}
        fn task(&self, title: &str, _total: Option<u64>) -> Box<dyn Task> {
            Box::new(One(Arc::clone(&self.0), title.to_owned()))
        }
    }

    impl Task for One {
        fn set(&self, _done: u64, _total: Option<u64>) {}
        fn finish(&self, outcome: &str) {
            self.0.lock().unwrap().push(format!("{} {}", self.1, outcome.trim()));
        }
    }

    const DOCKERFILE: &str = "# sgbuild: Base image a\nFROM a\nRUN own\n# sgbuild: Installing x 1\nCOPY b c\n# sgbuild: Installing x 1\nRUN pip\n";

    fn end(seconds: u64, is_cached: bool) -> End {
        End {
            took: Duration::from_secs(seconds),
            is_cached,
            has_fetched: false,
        }
    }

    #[test]
    fn what_builders_tell_in_any_order_is_told_in_the_dockerfiles() {
        let (heard, mask) = (Heard::default(), Mask::default());
        let mut told = Told::new(&heard, Outline::read(DOCKERFILE));
        let cached = told.begin_vertex("[2/4] RUN own", true, &mask);
        told.end(&cached, &end(0, true));
        assert!(heard.0.lock().unwrap().is_empty());
        let base = told.begin_vertex("[1/4] FROM a", false, &mask);
        told.end(&base, &end(1, false));
        for (step, seconds) in [("[3/4] COPY b c", 1), ("[4/4] RUN pip", 2)] {
            let key = told.begin_vertex(step, false, &mask);
            told.end(&key, &end(seconds, false));
        }
        let unknown = told.begin_vertex("resolve image config for x", false, &mask);
        told.end(&unknown, &end(4, false));
        assert_eq!(
            *heard.0.lock().unwrap(),
            [
                "Base image a unchanged",
                "RUN own unchanged",
                "Installing x 1 3.0 s",
                "resolve image config for x 4.0 s"
            ]
        );
    }

    #[test]
    fn what_failed_has_no_outcome_and_what_is_before_it_has() {
        let (heard, mask) = (Heard::default(), Mask::default());
        let mut told = Told::new(&heard, Outline::read(DOCKERFILE));
        let cached = told.begin_vertex("[2/4] RUN own", true, &mask);
        told.end(&cached, &end(0, true));
        let failed = told.begin_vertex("[4/4] RUN pip", false, &mask);
        told.fail(&failed);
        told.end(&failed, &end(1, false));
        assert_eq!(*heard.0.lock().unwrap(), ["RUN own unchanged"]);
        // What changes only the image's config is no step to BuildKit.
        let mut told = Told::new(&heard, Outline::read("FROM a\nENV A=1\n"));
        assert!(told.begin_classic("[2/2] ENV A=1", &mask).is_none());
    }
}
