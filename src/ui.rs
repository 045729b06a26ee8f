//! What a person sees: progress on stderr, data on stdout, errors with cause and hints.
//!
//! Every text that comes in may be somebody else's: it passes through [`shown`](crate::shown), and only then gets our styles.

mod lasting;

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::explain::Report;
use crate::progress::{Notices, Progress, Silent, Task};
use crate::shown::{Data, block, line, message};
use lasting::Lasting;

const STEP: Style = AnsiColor::Green.on_default().bold();
const DIM: Style = Style::new().dimmed();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The column of what came of a part of a step.
const OUTCOMES: usize = 42;
/// Whoever waits for less need not know for what.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and errors (`-q`).
    Quiet,
    /// Steps and their parts; details pass by on a terminal, and are printed in a log. What tools write passes by too, and is in no log.
    Normal,
    /// Every detail, also on a terminal, and what tools write (`-v`).
    Verbose,
}

/// The process's stderr and stdout.
pub struct Ui {
    verbosity: Verbosity,
    /// Bars and the current detail are drawn; otherwise plain lines are printed.
    drawn: Option<Drawing>,
    cancelled: Arc<AtomicBool>,
}

struct Drawing {
    bars: MultiProgress,
    detail: ProgressBar,
}

impl Ui {
    /// Looks at stderr: bars where it is a terminal, plain lines elsewhere. Colours follow `anstream`'s global choice, which
    /// honours `NO_COLOR`, `CLICOLOR_FORCE` and `--color`.
    #[must_use]
    pub fn new(verbosity: Verbosity) -> Self {
        let drawn = (verbosity == Verbosity::Normal && io::stderr().is_terminal()).then(|| {
            let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            let detail = bars.add(ProgressBar::new_spinner());
            detail.set_style(style("  {spinner} {elapsed:>3} {wide_msg}"));
            Drawing { bars, detail }
        });
        Self {
            verbosity,
            drawn,
            cancelled: Arc::default(),
        }
    }

    /// What a signal handler sets: work that looks at [`Progress::cancelled`] stops.
    #[must_use]
    pub fn cancelled_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Ends the drawing: the last detail goes.
    pub fn finish(&self) {
        if let Some(drawing) = &self.drawn {
            drawing.detail.finish_and_clear();
            // A bar that cannot be cleared is only an eyesore.
            let _ = drawing.bars.clear();
        }
    }

    /// Prints data on stdout.
    ///
    /// # Errors
    /// Stdout is closed or full.
    pub fn data(&self, data: &Data) -> io::Result<()> {
        self.finish();
        let mut stdout = io::stdout().lock();
        stdout.write_all(&data.bytes(stdout.is_terminal()))?;
        stdout.flush()
    }

    /// Prints an error: what failed, why, what to do next.
    pub fn error(&self, report: &Report) {
        self.finish();
        let code = report.code.name();
        let mut text = format!("{ERROR}error[{code}]{ERROR:#}: {}\n", message(&report.title, 7));
        for cause in &report.causes {
            let _ = writeln!(text, "  {DIM}because{DIM:#} {}", message(cause, 10));
        }
        if let Some(log) = &report.log {
            let _ = writeln!(text, "  {DIM}log{DIM:#}: {}", block(log, 7));
        }
        for hint in &report.advice.hints {
            let _ = writeln!(text, "  {HINT}hint{HINT:#}: {}", message(hint, 8));
        }
        write_stderr(&text);
    }

    fn line(&self, text: &str) {
        match &self.drawn {
            Some(drawing) => drawing.bars.suspend(|| write_stderr(text)),
            None => write_stderr(text),
        }
    }
}

fn write_stderr(text: &str) {
    // Nobody is left to tell when stderr is closed.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Progress for Ui {
    fn step(&self, title: &str) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        self.line(&format!("{STEP}==>{STEP:#} {}\n", line(title)));
        if let Some(drawing) = &self.drawn {
            drawing.detail.set_message("");
            drawing.detail.reset_elapsed();
            drawing.detail.enable_steady_tick(Duration::from_millis(120));
        }
    }

    fn detail(&self, text: &str) {
        let text = line(text.trim_end());
        match (&self.drawn, self.verbosity) {
            (_, Verbosity::Quiet) => {}
            (Some(drawing), _) => drawing.detail.set_message(text.into_owned()),
            (None, _) => self.line(&format!("    {DIM}{text}{DIM:#}\n")),
        }
    }

    fn raw(&self, text: &str) {
        if self.drawn.is_some() || self.verbosity == Verbosity::Verbose {
            self.detail(text);
        }
    }

    fn output(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.line(&format!("    {}\n", block(text, 6)));
        }
    }

    fn warn(&self, text: &str) {
        self.line(&format!("{WARNING}warning{WARNING:#}: {}\n", message(text, 9)));
    }

    fn notices(&self) -> Notices {
        if self.verbosity == Verbosity::Quiet {
            return Notices::default();
        }
        let bars = self.drawn.as_ref().map(|drawing| drawing.bars.clone());
        Notices::to(move |text| {
            let text = format!("    {DIM}{}{DIM:#}\n", line(text));
            match &bars {
                Some(bars) => bars.suspend(|| write_stderr(&text)),
                None => write_stderr(&text),
            }
        })
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn task(&self, title: &str, total: Option<u64>) -> Box<dyn Task> {
        let Some(drawing) = &self.drawn else {
            return Box::new(Line {
                title: line(title).into_owned(),
                quiet: self.verbosity == Verbosity::Quiet,
            });
        };
        let bar = drawing.bars.insert_before(&drawing.detail, ProgressBar::no_length());
        bar.set_style(style("  {msg:16} {bar:30} {bytes:>10} / {total_bytes:10}"));
        bar.set_message(line(title).into_owned());
        bar.set_length(total.unwrap_or(0));
        Box::new(Bar { bar: Arc::new(bar) })
    }

    fn part(&self, title: &str) -> Box<dyn Task> {
        self.lasting(title, Duration::ZERO)
    }

    fn wait(&self, title: &str) -> Box<dyn Task> {
        self.lasting(title, WORTH_TELLING)
    }
}

impl Ui {
    /// A part of a step, which is told of where it lasts `at_least` so long.
    fn lasting(&self, title: &str, at_least: Duration) -> Box<dyn Task> {
        if self.verbosity == Verbosity::Quiet {
            return Box::new(Silent);
        }
        Box::new(Lasting::begin(line(title).into_owned(), at_least, self.drawn.as_ref()))
    }
}

/// A line with its outcome in the column of outcomes.
fn told(title: &str, outcome: &str) -> String {
    format!("    {title:OUTCOMES$} {DIM}{outcome}{DIM:#}\n")
}

/// A task drawn as a bar.
struct Bar {
    bar: Arc<ProgressBar>,
}

impl Task for Bar {
    fn set(&self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }

    fn finish(&self, _outcome: &str) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A task in a log: one line when it ends.
struct Line {
    title: String,
    quiet: bool,
}

impl Task for Line {
    fn set(&self, _done: u64, _total: Option<u64>) {}

    fn finish(&self, outcome: &str) {
        if !self.quiet {
            write_stderr(&told(&self.title, &line(outcome)));
        }
    }
}
