//! What lasts, and stays to be seen with what came of it: a part of a step, something that is waited for.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar};

use super::{DIM, Drawing, line, style, told, write_stderr};
use crate::progress::Task;

/// So long a log says nothing of what goes on: then it says that it does.
const SILENT: Duration = Duration::from_secs(10);
/// How often the seconds are drawn.
const DRAWN: Duration = Duration::from_millis(120);

/// One of them, from its beginning to its end.
pub(super) struct Lasting {
    title: String,
    begun: Instant,
    /// What lasts less long is not worth a line.
    at_least: Duration,
    shown: Shown,
}

enum Shown {
    /// The seconds run.
    Drawn { bars: MultiProgress, line: ProgressBar },
    /// In a log. What listens there stops once this is gone.
    Logged { _over: Option<Sender<()>> },
}

impl Lasting {
    /// It begins. `title` is safe to be shown.
    pub(super) fn begin(title: String, at_least: Duration, drawing: Option<&Drawing>) -> Self {
        let shown = match drawing {
            Some(drawing) => {
                let bar = drawing.bars.insert_before(&drawing.detail, ProgressBar::new_spinner());
                bar.set_style(style("  {spinner} {msg:42} {elapsed}"));
                bar.set_message(title.clone());
                bar.enable_steady_tick(DRAWN);
                Shown::Drawn {
                    bars: drawing.bars.clone(),
                    line: bar,
                }
            }
            None => Shown::Logged {
                _over: tells_that_it_goes_on(&title, if at_least.is_zero() { SILENT } else { at_least }),
            },
        };
        Self {
            title,
            begun: Instant::now(),
            at_least,
            shown,
        }
    }
}

/// Has a log say that it goes on, if it still does after a while. A log has no running seconds, and nothing at all looks like the end.
fn tells_that_it_goes_on(title: &str, after: Duration) -> Option<Sender<()>> {
    let (over, hears) = mpsc::channel::<()>();
    let text = format!("    {title} {DIM}…{DIM:#}\n");
    let tell = move || {
        if hears.recv_timeout(after) == Err(RecvTimeoutError::Timeout) {
            write_stderr(&text);
        }
    };
    // Where there is no room for a thread, there is more to say than this.
    thread::Builder::new().spawn(tell).ok().map(|_| over)
}

impl Task for Lasting {
    fn set(&self, _done: u64, _total: Option<u64>) {}

    fn finish(&self, outcome: &str) {
        let is_told = self.begun.elapsed() >= self.at_least;
        let text = told(&self.title, &line(outcome));
        match &self.shown {
            Shown::Drawn { bars, line } => {
                line.finish_and_clear();
                if is_told {
                    bars.suspend(|| write_stderr(&text));
                }
            }
            Shown::Logged { .. } if is_told => write_stderr(&text),
            Shown::Logged { .. } => {}
        }
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        if let Shown::Drawn { line, .. } = &self.shown {
            line.finish_and_clear();
        }
    }
}
