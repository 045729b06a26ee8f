//! How a stage tells what it is doing and hears that it is to stop, without knowing who listens.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::explain::{Advice, Code, Explain, Fault};

/// Receives a stage's progress. The CLI draws it on stderr; the Lambda and tests are [`Silent`]. Texts may hold anything that
/// others wrote: whoever shows them sees to it that they are safe to be shown.
pub trait Progress: Send + Sync {
    /// A new step of the work began: one short sentence without a full stop, such as `Building the image`.
    fn step(&self, title: &str);
    /// A line of detail below the current step: a line of a build's log, or why something was skipped.
    fn detail(&self, line: &str);
    /// What the user asked to see and is to stay: a line of a training job's log, what will be deleted. It may be of several
    /// lines.
    fn output(&self, text: &str) {
        self.detail(text);
    }
    /// Something the user should know although the work goes on; it may be of several lines.
    fn warn(&self, text: &str);
    /// A measured piece of work, several of which may run at once: a layer's upload, in bytes. `total` may be unknown.
    fn task(&self, title: &str, total: Option<u64>) -> Box<dyn Task>;
    /// Whether the user asked to stop. Work that waits for something else than a future looks here now and then.
    fn cancelled(&self) -> bool {
        false
    }
    /// Ends the work with `?` where the user asked to stop.
    ///
    /// # Errors
    /// [`Cancelled`].
    fn check(&self) -> Result<(), Cancelled> {
        if self.cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

/// The user asked to stop, and the work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Cancelled;

impl Explain for Cancelled {
    fn code(&self) -> Code {
        Code::Interrupted
    }

    fn advice(&self) -> Advice {
        Fault::Interrupted.alone()
    }
}

/// One measured piece of work; it is over when dropped.
pub trait Task: Send + Sync {
    /// Sets how much of the total is done, in bytes.
    fn set(&self, done: u64, total: Option<u64>);
    /// The work ended well; `outcome` is a word or two, such as `pushed` or `already there`.
    fn finish(&self, outcome: &str);
}

/// A [`Progress`] that tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _title: &str) {}
    fn detail(&self, _line: &str) {}
    fn warn(&self, _text: &str) {}
    fn task(&self, _title: &str, _total: Option<u64>) -> Box<dyn Task> {
        Box::new(Silent)
    }
}

impl Task for Silent {
    fn set(&self, _done: u64, _total: Option<u64>) {}
    fn finish(&self, _outcome: &str) {}
}

/// Another's [`Progress`], for work beside other work: once nobody waits for it any more, it ends as if the user had asked for that.
pub struct Abandonable<'a> {
    of: &'a dyn Progress,
    abandoned: AtomicBool,
}

impl<'a> Abandonable<'a> {
    /// What is told is told `of`.
    #[must_use]
    pub fn new(of: &'a dyn Progress) -> Self {
        Self {
            of,
            abandoned: AtomicBool::new(false),
        }
    }

    /// Nobody waits for the work any more.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}

impl Progress for Abandonable<'_> {
    fn step(&self, title: &str) {
        self.of.step(title);
    }
    fn detail(&self, line: &str) {
        self.of.detail(line);
    }
    fn output(&self, text: &str) {
        self.of.output(text);
    }
    fn warn(&self, text: &str) {
        self.of.warn(text);
    }
    fn task(&self, title: &str, total: Option<u64>) -> Box<dyn Task> {
        self.of.task(title, total)
    }
    fn cancelled(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) || self.of.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stopped;

    impl Progress for Stopped {
        fn step(&self, _title: &str) {}
        fn detail(&self, _line: &str) {}
        fn warn(&self, _text: &str) {}
        fn task(&self, _title: &str, _total: Option<u64>) -> Box<dyn Task> {
            Box::new(Silent)
        }
        fn cancelled(&self) -> bool {
            true
        }
    }

    #[test]
    fn an_interrupt_exits_as_shells_do() {
        assert_eq!(Silent.check(), Ok(()));
        let cancelled = Stopped.check().unwrap_err();
        assert_eq!(cancelled.to_string(), "interrupted");
        assert_eq!(cancelled.advice().fault.exit_code(), 130);
    }
}
