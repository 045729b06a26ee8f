//! `sgbuild runs --metric`: what became of some metrics, run by run and over time.

use super::{HEADINGS, row};
use crate::commands::CommandError;
use crate::near::nearest;
use crate::record::RunRecord;
use crate::report::sparkline::sparkline;
use crate::shown::Page;

/// More runs than these do not fit into a line.
const MOST: usize = 60;

/// The runs, the newest first, with a column for each metric; below, how each went from the oldest to the newest.
pub(super) fn table(runs: &[RunRecord], metrics: &[String], is_unicode: bool) -> Result<Page, CommandError> {
    for name in metrics {
        check(runs, name)?;
    }
    // The last heading is that of all metrics together.
    let headings = HEADINGS[..HEADINGS.len() - 1]
        .iter()
        .map(|heading| (*heading).to_owned());
    let mut rows: Vec<Vec<String>> = vec![headings.chain(metrics.iter().cloned()).collect()];
    rows.extend(runs.iter().map(|run| cells(run, metrics)));
    let widths = Page::column_widths(&rows);
    let mut page = Page::new();
    for row in &rows {
        page.row(row, &widths);
    }
    page.text("");
    let lines: Vec<[String; 3]> = metrics.iter().map(|name| over_time(runs, name, is_unicode)).collect();
    let [name, line, _] = Page::widths(&lines, usize::MAX);
    for cells in &lines {
        page.row(cells, &[name, line]);
    }
    Ok(page)
}

fn check(runs: &[RunRecord], name: &str) -> Result<(), CommandError> {
    if runs.iter().any(|run| run.metrics.contains_key(name)) {
        return Ok(());
    }
    let known = runs.iter().flat_map(|run| run.metrics.keys()).map(String::as_str);
    Err(CommandError::NoMetric {
        name: name.to_owned(),
        near: nearest(name, known).map(ToOwned::to_owned),
    })
}

fn cells(run: &RunRecord, metrics: &[String]) -> Vec<String> {
    let mut cells = row(run).to_vec();
    cells.pop();
    let value = |name: &String| run.metrics.get(name).map(ToString::to_string);
    cells.extend(metrics.iter().map(|name| value(name).unwrap_or_default()));
    cells
}

fn over_time(runs: &[RunRecord], name: &str, is_unicode: bool) -> [String; 3] {
    let values = runs.iter().take(MOST).map(|run| run.metrics.get(name).copied());
    let mut values: Vec<Option<f64>> = values.collect();
    values.reverse();
    let known = || values.iter().flatten().copied();
    let lowest = known().fold(f64::INFINITY, f64::min);
    let highest = known().fold(f64::NEG_INFINITY, f64::max);
    let last = known().last().unwrap_or(highest);
    [
        name.to_owned(),
        sparkline(&values, is_unicode),
        format!("from {lowest} to {highest}, the last {last}"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn runs() -> Vec<RunRecord> {
        let values = [Some(0.97), None, Some(0.9), Some(0.8)];
        let run = |(number, value): (usize, &Option<f64>)| {
            let metrics = value.map_or(json!({}), |value| json!({ "accuracy": value, "loss": 1.0 }));
            serde_json::from_value(json!({
                "training_job_name": format!("iris-{number}"), "run_id": "r", "git_hash": "0123456789abcdef",
                "image": "host/iris@sha256:fedcba98765432100", "instance_type": "ml.m5.large", "instance_count": 1,
                "volume_in_gb": 30, "max_runtime_seconds": 60, "input_bucket": "iris",
                "recorded_at": "2026-11-24T04:12:05Z", "job_status": "Completed", "metrics": metrics,
            }))
            .unwrap()
        };
        values.iter().enumerate().map(run).collect()
    }

    #[test]
    fn a_column_for_each_metric_and_a_line_of_how_it_went() {
        let metrics = ["accuracy".to_owned(), "loss".to_owned()];
        insta::assert_snapshot!(table(&runs(), &metrics, true).unwrap(), @r"
        WHEN              COMMIT   IMAGE         DATA  JOB     STATUS     DURATION  accuracy  loss
        2026-11-24 04:12  0123456  fedcba987654        iris-0  Completed            0.97      1
        2026-11-24 04:12  0123456  fedcba987654        iris-1  Completed
        2026-11-24 04:12  0123456  fedcba987654        iris-2  Completed            0.9       1
        2026-11-24 04:12  0123456  fedcba987654        iris-3  Completed            0.8       1

        accuracy  ▁▅ █  from 0.8 to 0.97, the last 0.97
        loss      ▄▄ ▄  from 1 to 1, the last 1
        ");
        let ascii = table(&runs(), &metrics[..1], false).unwrap().to_string();
        assert!(
            ascii.ends_with("accuracy  _= #  from 0.8 to 0.97, the last 0.97\n"),
            "{ascii}"
        );
    }

    #[test]
    fn a_metric_that_nobody_has_is_told_with_one_like_it() {
        let refused = table(&runs(), &["acuracy".to_owned()], true).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "no run has recorded the metric `acuracy`; did you mean `accuracy`?"
        );
    }
}
