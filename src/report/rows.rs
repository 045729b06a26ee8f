//! A run as a row of the page's table.

use serde::Serialize;

use super::prices::{Prices, amount};
use crate::record::{RunRecord, in_words};
use crate::shown::cell;
use crate::training::vocabulary::digest_of;

/// A cell: what is read, and what it is sorted by where that is another.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Cell {
    text: String,
    by: Option<f64>,
}

impl Cell {
    fn number(value: Option<f64>, text: impl FnOnce(f64) -> String) -> Self {
        Self {
            text: value.map(text).unwrap_or_default(),
            by: value,
        }
    }
}

/// A run; every text is safe to be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    job: String,
    when: String,
    commit: String,
    version: String,
    image: String,
    data: String,
    status: String,
    reason: String,
    duration: Cell,
    billable: Cell,
    cost: Cell,
    metrics: Vec<Cell>,
}

impl Row {
    pub(super) fn of(run: &RunRecord, metrics: &[String], prices: &Prices) -> Self {
        let training = &run.training;
        let digest = digest_of(&training.image).and_then(|digest| digest.split_once(':'));
        let seconds =
            |seconds: Option<i64>| Cell::number(seconds.map(as_number), |_| in_words(seconds.unwrap_or_default()));
        let reason = run.failure_reason.as_deref().and_then(|reason| reason.lines().next());
        let metric = |name: &String| Cell::number(run.metrics.get(name).copied(), |value| value.to_string());
        let text = |text: &str| cell(text).into_owned();
        Self {
            job: text(&training.job_name),
            when: run.recorded_at.strftime("%Y-%m-%d %H:%M").to_string(),
            commit: text(&short(&training.commit)),
            version: text(&training.version),
            image: text(&start(digest.map_or("", |(_, hex)| hex), 12)),
            data: run
                .data_digest()
                .map(|digest| text(&start(&digest, 8)))
                .unwrap_or_default(),
            status: run.job_status.to_string(),
            reason: text(reason.unwrap_or_default()),
            duration: seconds(run.duration()),
            billable: seconds(run.billable_of_all()),
            cost: Cell::number(prices.cost(run), amount),
            metrics: metrics.iter().map(metric).collect(),
        }
    }
}

/// Of a commit enough to know it, and whether the tree differed from it.
pub(super) fn short(commit: &str) -> String {
    let dirty = if commit.ends_with("-dirty") { "-dirty" } else { "" };
    start(commit, 7) + dirty
}

fn start(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

/// Seconds of a run are far from what a float cannot hold.
#[expect(clippy::cast_precision_loss, reason = "some thousand years")]
pub(super) fn as_number(seconds: i64) -> f64 {
    seconds as f64
}
