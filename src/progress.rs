//! How a stage tells what it is doing and hears that it is to stop, without knowing who listens.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::explain::{Advice, Code, Explain, Fault};

/// Receives a stage's progress. The CLI draws it on stderr; the Lambda and tests are [`Silent`]. Texts may hold anything that
/// others wrote: whoever shows them sees to it that they are safe to be shown.
pub trait Progress: Send + Sync {
    /// A new step of the work began: one short sentence without a full stop, such as `Building the image`.
    fn step(&self, title: &str);
    /// A line of detail below the current step: why something was skipped, what was found.
    fn detail(&self, line: &str);
    /// A line that a tool wrote, such as one of a build's log. It says nothing in the words of the user's package, so it is for those who ask
    /// for it, and for the error of what failed.
    fn raw(&self, line: &str) {
        self.detail(line);
    }
    /// What the user asked to see and is to stay: a line of a training job's log, what will be deleted. It may be of several
    /// lines.
    fn output(&self, text: &str) {
        self.detail(text);
    }
    /// Something the user should know although the work goes on; it may be of several lines.
    fn warn(&self, text: &str);
    /// A measured piece of work, several of which may run at once: a layer's upload, in bytes. `total` may be unknown.
    fn task(&self, title: &str, total: Option<u64>) -> Box<dyn Task>;
    /// A part of the current step, which takes its time and whose outcome stays: [`Part`] tells it.
    fn part(&self, title: &str) -> Box<dyn Task> {
        self.task(title, None)
    }
    /// Something that is waited for. Whoever waits for no longer than a moment need not hear of it: [`Waiting`] tells it.
    fn wait(&self, _title: &str) -> Box<dyn Task> {
        Box::new(Silent)
    }
    /// What tells the user from work that knows nobody to tell.
    fn notices(&self) -> Notices {
        Notices::default()
    }
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

/// A part of the current step, and how long it took. One that is dropped before its end failed, which its error tells.
pub struct Part {
    told: Box<dyn Task>,
    begun: Instant,
}

impl Part {
    /// What came of a part for which nothing had to be done.
    pub const UNCHANGED: &str = "unchanged";

    /// It begins: `title` says what is done with what the user knows, such as `Installing 7 requirements`.
    #[must_use]
    pub fn begin(progress: &dyn Progress, title: &str) -> Self {
        Self {
            told: progress.part(title),
            begun: Instant::now(),
        }
    }

    /// It is done; what it came from was there where it is `unchanged`.
    pub fn end(self, unchanged: bool) {
        let took = self.begun.elapsed();
        self.ended(took, unchanged);
    }

    /// The same, of what took its time elsewhere.
    pub fn ended(self, took: Duration, unchanged: bool) {
        if unchanged {
            self.told.finish(Self::UNCHANGED);
        } else {
            self.told.finish(&seconds(took));
        }
    }
}

/// Something that is waited for as long as this is there.
pub struct Waiting {
    told: Box<dyn Task>,
    begun: Instant,
}

impl Waiting {
    /// It is waited from now on: `title` says for what, such as `Waiting for the Docker daemon`.
    #[must_use]
    pub fn begin(progress: &dyn Progress, title: &str) -> Self {
        Self {
            told: progress.wait(title),
            begun: Instant::now(),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.told.finish(&seconds(self.begun.elapsed()));
    }
}

/// Tells the user of what goes on in tasks that outlive whoever began them, such as a request that is sent again.
#[derive(Clone, Default)]
pub struct Notices(Option<Arc<Tell>>);

type Tell = dyn Fn(&str) + Send + Sync;

impl Notices {
    /// Whatever is told goes to `tell`.
    pub fn to(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// Tells one line.
    pub fn tell(&self, line: &str) {
        if let Some(tell) = &self.0 {
            tell(line);
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Notices")
    }
}

/// How long something took, for people: ` 0.4 s`, `12.3 s`, `2 min 05 s`.
#[must_use]
pub fn seconds(took: Duration) -> String {
    let whole = took.as_secs();
    if whole < 100 {
        return format!("{:>4.1} s", took.as_secs_f64());
    }
    format!("{} min {:02} s", whole / 60, whole % 60)
}

/// How many bytes, for people, to three digits: `14.2 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let mut unit = 1_u64;
    for name in ["bytes", "kB", "MB"] {
        if bytes < unit.saturating_mul(1_000) {
            return in_units(bytes, unit, name);
        }
        unit = unit.saturating_mul(1_000);
    }
    in_units(bytes, unit, "GB")
}

fn in_units(bytes: u64, unit: u64, name: &str) -> String {
    let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
    if unit == 1 || whole >= 100 {
        return format!("{whole} {name}");
    }
    format!("{whole}.{tenth} {name}")
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
    fn raw(&self, line: &str) {
        self.of.raw(line);
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
    fn part(&self, title: &str) -> Box<dyn Task> {
        self.of.part(title)
    }
    fn wait(&self, title: &str) -> Box<dyn Task> {
        self.of.wait(title)
    }
    fn notices(&self) -> Notices {
        self.of.notices()
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
    fn a_time_is_told_as_exactly_as_anybody_wants_it() {
        for (milliseconds, told) in [
            (0, " 0.0 s"),
            (449, " 0.4 s"),
            (12_340, "12.3 s"),
            (99_940, "99.9 s"),
            (100_000, "1 min 40 s"),
            (3_725_000, "62 min 05 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), told);
        }
    }

    #[test]
    fn a_size_has_three_digits() {
        for (bytes, told) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (14_249_000, "14.2 MB"),
            (131_999_999, "131 MB"),
            (1_000, "1.0 kB"),
            (12_345_678_901, "12.3 GB"),
            (u64::MAX, "18446744073 GB"),
        ] {
            assert_eq!(size(bytes), told);
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
