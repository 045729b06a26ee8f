//! What is seen of the log of all hosts while they train.

use std::sync::{Mutex, PoisonError};

use super::metrics::Metrics;
use crate::progress::Progress;
use crate::shown::log_line;

/// Shows each line, and looks for metrics in it.
pub(super) struct Watch<'a> {
    metrics: Mutex<Metrics>,
    /// Whether lines say which host they are of.
    has_hosts: bool,
    progress: &'a dyn Progress,
}

impl<'a> Watch<'a> {
    pub(super) fn new(metrics: Metrics, has_hosts: bool, progress: &'a dyn Progress) -> Self {
        Self {
            metrics: Mutex::new(metrics),
            has_hosts,
            progress,
        }
    }

    /// Takes a line of `host`.
    pub(super) fn line(&self, host: &str, line: &str) {
        let line = log_line(line);
        if self.has_hosts {
            self.progress.output(&format!("{host} | {line}"));
        } else {
            self.progress.output(&line);
        }
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        if metrics.take(&line, &|text| self.progress.warn(text)) {
            self.progress.raw(&metrics.last_values());
        }
    }

    /// What was found.
    pub(super) fn metrics(self) -> Metrics {
        self.metrics.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
