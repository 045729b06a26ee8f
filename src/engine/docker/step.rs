//! One step of a build, and what it printed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::log::LONGEST_KEPT;
use super::mask::Mask;
use super::told::{End, Key};
use super::words::shortened;
use crate::shown::log_line;

/// The last lines of each step that an error shows.
const TAIL: usize = 30;
/// Of each of them so many bytes are kept: a step may have many such lines, and a build many steps.
const LONGEST_SHOWN: usize = 4 * 1024;
/// Of a line that a step prints, so many bytes are read: nothing promises that it ends.
const LONGEST_LINE: usize = 64 * 1024;
/// So many bytes of a line that was cut are not shown: a secret that is cut in two is not found.
const UNSURE: usize = 8 * 1024;

/// A failed step: what it is, what it printed last, and what the builder said of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FailedStep {
    pub(super) instruction: String,
    pub(super) output: Vec<String>,
    pub(super) message: String,
}

/// A step of the build.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) announced: bool,
    pub(super) ended: bool,
    pub(super) started: Instant,
    pub(super) error: Option<String>,
    /// As what its user is told of it.
    pub(super) told: Option<Key>,
    /// Whether a layer came from a registry.
    pub(super) has_fetched: bool,
    partial: String,
    pub(super) tail: VecDeque<String>,
}

impl Step {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: shortened(&without_mounts(name), LONGEST_KEPT).to_owned(),
            announced: false,
            ended: false,
            started: Instant::now(),
            error: None,
            told: None,
            has_fetched: false,
            partial: String::new(),
            tail: VecDeque::new(),
        }
    }

    /// How it ended.
    pub(super) fn end(&self, took: Duration, is_cached: bool) -> End {
        End {
            took,
            is_cached,
            has_fetched: self.has_fetched,
        }
    }

    /// Adds output; returns the lines that are complete now.
    pub(super) fn print(&mut self, text: &str, mask: &Mask) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in text.split_inclusive('\n') {
            let room = LONGEST_LINE.saturating_sub(self.partial.len());
            self.partial.push_str(shortened(piece, room));
            if piece.ends_with('\n') {
                lines.extend(self.flush(mask));
            }
        }
        lines
    }

    /// What stands after the last line's end, when no more is to come.
    pub(super) fn flush(&mut self, mask: &Mask) -> Option<String> {
        let line = std::mem::take(&mut self.partial);
        self.keep(&line, mask)
    }

    fn keep(&mut self, line: &str, mask: &Mask) -> Option<String> {
        let is_cut = line.len() + 4 > LONGEST_LINE;
        let mut line = mask.apply(&log_line(line));
        if is_cut {
            line = format!("{}…", shortened(&line, line.len().saturating_sub(UNSURE)));
        }
        if line.is_empty() {
            return None;
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(match shortened(&line, LONGEST_SHOWN) {
            whole if whole.len() == line.len() => line.clone(),
            begun => format!("{begun}…"),
        });
        Some(line)
    }

    /// `[internal] …` and the like: bookkeeping that nobody wrote into the Dockerfile.
    pub(super) fn is_internal(&self) -> bool {
        self.name.starts_with("[internal]")
            || self.name.starts_with("copy /context")
            || self.name.starts_with("http://buildkit-session")
    }
}

/// The instruction as people know it: what is mounted into it says nothing of what it does.
fn without_mounts(name: &str) -> String {
    if !name.contains(" --mount=") {
        return name.to_owned();
    }
    let words = name.split_whitespace().filter(|word| !word.starts_with("--mount="));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_the_step_does() {
        for (name, shown) in [
            (
                "[2/4] RUN --mount=type=bind,source=a,target=/tmp/a --mount=type=cache,target=/c     pip  install a",
                "[2/4] RUN pip install a",
            ),
            ("[3/4] RUN echo 'two  spaces'", "[3/4] RUN echo 'two  spaces'"),
        ] {
            assert_eq!(Step::new(name).name, shown);
        }
    }

    #[test]
    fn a_line_without_an_end_is_cut_and_no_part_of_a_secret_shown() {
        let mut step = Step::new("RUN x");
        let mask = Mask::default();
        let url = "https://me:c4nary@host/";
        for before in [LONGEST_LINE - 20, LONGEST_LINE - 9000] {
            step.print(&"x".repeat(before), &mask);
            step.print(url, &mask);
            for _ in 0..100 {
                step.print(&"y".repeat(LONGEST_LINE), &mask);
            }
            assert!(step.partial.len() <= LONGEST_LINE);
            let shown = step.print("\nnext\n", &mask);
            assert!(
                shown[0].ends_with('…') && !shown[0].contains("c4n"),
                "{}",
                &shown[0][before.min(50_000)..]
            );
            assert_eq!(shown[1], "next");
        }
    }

    #[test]
    fn the_last_lines_are_kept_masked_also_when_they_come_in_pieces() {
        let mut step = Step::new("RUN x");
        let mask = Mask::default();
        for number in 0..40 {
            step.print(&format!("line {number}\n"), &mask);
        }
        assert_eq!(step.print("see https://me:can", &mask), Vec::<String>::new());
        assert_eq!(step.print("ary@host/\nrest", &mask), ["see https://***@host/"]);
        assert_eq!(step.flush(&mask).as_deref(), Some("rest"));
        assert_eq!(step.tail.len(), TAIL);
        assert_eq!(step.tail.front().map(String::as_str), Some("line 12"));
    }
}
