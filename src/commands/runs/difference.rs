//! `sgbuild runs --diff`: what differs between two runs.

use serde_json::json;

use crate::commands::json as as_json;
use crate::error::Error;
use crate::lineage;
use crate::record::{Difference, RunRecord, differences};
use crate::shown::{Data, Page};

/// Cells wider than this do not widen their column.
const LONGEST: usize = 60;
/// What a run has not.
const NOTHING: &str = "-";

pub(super) fn of(runs: &[RunRecord], a: &str, b: &str, is_json: bool) -> Result<Data, Error> {
    let (a, b) = (lineage::one(runs, a)?, lineage::one(runs, b)?);
    let found = differences(a, b);
    if is_json {
        let name = |run: &RunRecord| run.training.job_name.clone();
        return Ok(as_json(&json!({ "a": name(a), "b": name(b), "differences": found })));
    }
    Ok(Data::Page(page(a, b, &found)))
}

fn page(a: &RunRecord, b: &RunRecord, found: &[Difference]) -> Page {
    let mut page = Page::new();
    for (side, run) in [("A", a), ("B", b)] {
        let when = run.recorded_at.strftime("%Y-%m-%d %H:%M");
        page.entry(side, &format!("{}, {when}, {}", run.training.job_name, run.job_status));
    }
    if found.is_empty() {
        page.text("Nothing that is recorded differs.");
        return page;
    }
    let cells = |one: &Difference| {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| NOTHING.to_owned());
        [format!("  {}", one.name), side(&one.a), side(&one.b)]
    };
    let rows: Vec<[String; 3]> = found.iter().map(cells).collect();
    // A blank line, and which side is which.
    page.text("");
    let [name, of_a, _] = Page::widths(&rows, LONGEST);
    page.row(&["", "A", "B"], &[name, of_a]);
    let mut kind = None;
    for (one, row) in found.iter().zip(&rows) {
        if kind != Some(one.kind) {
            kind = Some(one.kind);
            page.text(&format!("{}:", one.kind.title()));
        }
        page.row(row, &[name, of_a]);
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn run(job: &str, changes: &Value) -> RunRecord {
        let mut record = json!({
            "training_job_name": job, "run_id": job, "git_hash": "1f0c2ab", "image": "host/iris@sha256:1f",
            "instance_type": "ml.m5.large", "instance_count": 1, "volume_in_gb": 30, "max_runtime_seconds": 60,
            "input_bucket": "iris", "recorded_at": "2026-11-24T04:12:05Z", "job_status": "Completed",
            "data_source": "uploaded", "hyperparameters": { "depth": "3" }, "metrics": { "accuracy": 0.9 },
        });
        for (name, value) in changes.as_object().unwrap() {
            record[name] = value.clone();
        }
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn what_differs_stands_side_by_side() {
        let a = run("iris-1", &json!({}));
        let changes = json!({
            "git_hash": "2e0c2ab", "hyperparameters": { "depth": "5", "trees": "10" }, "metrics": { "accuracy": 0.95 },
        });
        let b = run("iris-2", &changes);
        insta::assert_snapshot!(page(&a, &b, &differences(&a, &b)), @r"
        A iris-1, 2026-11-24 04:12, Completed
        B iris-2, 2026-11-24 04:12, Completed

                    A        B
        Code:
          commit    1f0c2ab  2e0c2ab
        Hyperparameters:
          depth     3        5
          trees     -        10
        Metrics:
          accuracy  0.9      0.95
        ");
        insta::assert_snapshot!(page(&a, &a, &differences(&a, &a)), @r"
        A iris-1, 2026-11-24 04:12, Completed
        B iris-1, 2026-11-24 04:12, Completed
        Nothing that is recorded differs.
        ");
    }
}
