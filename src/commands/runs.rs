//! `sgbuild runs`: what was trained from which commit and data, and what came of it.

mod difference;
mod metrics;

use std::cmp::Reverse;

use super::{Checkout, CommandError, json};
use crate::cli;
use crate::error::Error;
use crate::record::{DataSource, DynamoDb, RunRecord, in_words};
use crate::settings::Environment;
use crate::shown::{Data, Page, escaped, first_of, quoted};
use crate::training::vocabulary::digest_of;

pub(super) async fn run(arguments: &cli::Runs, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let mut runs = newest_first(checkout).await?;
    if let [a, b] = arguments.diff.as_slice() {
        return difference::of(&runs, a, b, arguments.json.json);
    }
    runs.truncate(arguments.limit);
    if arguments.json.json {
        return Ok(json(&runs));
    }
    if runs.is_empty() {
        checkout.progress.step("No run is recorded yet");
        return Ok(Data::Nothing);
    }
    if arguments.metrics.is_empty() {
        return Ok(Data::Page(table(&runs)));
    }
    let is_unicode = is_unicode(checkout.settings.environment());
    Ok(Data::Page(metrics::table(&runs, &arguments.metrics, is_unicode)?))
}

/// Whether what is printed may hold more than ASCII: the first of these that is set decides
/// ([POSIX](https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_02)).
fn is_unicode(environment: &Environment) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| environment.get(name));
    locale.is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// The job of the run that was recorded last.
pub(super) async fn newest_job(checkout: &Checkout<'_>) -> Result<String, Error> {
    let runs = newest_first(checkout).await?;
    let newest = runs.into_iter().next().ok_or(CommandError::NoRuns)?;
    Ok(newest.training.job_name)
}

/// The newest run of an id, or of a training job's name.
pub(super) async fn find(id: &str, checkout: &Checkout<'_>) -> Result<Option<RunRecord>, Error> {
    let is_it = |run: &RunRecord| run.training.run_id == id || run.training.job_name == id;
    Ok(newest_first(checkout).await?.into_iter().find(is_it))
}

pub(super) async fn newest_first(checkout: &Checkout<'_>) -> Result<Vec<RunRecord>, Error> {
    let table = checkout.settings.account().runs_table.ok_or(CommandError::NoTable)?;
    let listed = DynamoDb::new(&checkout.aws().await, table).all().await;
    let listed = listed.map_err(|source| CommandError::Runs {
        table: table.to_owned(),
        source,
    })?;
    for warning in warnings(listed.unreadable) {
        checkout.progress.warn(&warning);
    }
    let mut runs = listed.records;
    runs.sort_by_key(|run| Reverse(run.recorded_at));
    Ok(runs)
}

/// What is in the table and no record of ours; the others are listed all the same.
fn warnings(mut unreadable: Vec<(String, String)>) -> Vec<String> {
    unreadable.sort();
    let lines = unreadable
        .into_iter()
        .map(|(key, why)| format!("{}: {}", quoted(&key), escaped(&why)));
    let lines = first_of(lines.collect());
    let warning = |line| format!("an item of the table is no record of a run and is left out: {line}");
    lines.into_iter().map(warning).collect()
}

const HEADINGS: [&str; 8] = [
    "WHEN", "COMMIT", "IMAGE", "DATA", "JOB", "STATUS", "DURATION", "METRICS",
];

fn table(runs: &[RunRecord]) -> Page {
    let rows: Vec<[String; 8]> = std::iter::once(HEADINGS.map(ToOwned::to_owned))
        .chain(runs.iter().map(row))
        .collect();
    let widths = Page::widths(&rows, usize::MAX);
    let mut page = Page::new();
    for (row, run) in rows.iter().zip(std::iter::once(None).chain(runs.iter().map(Some))) {
        page.row(row, &widths);
        let reason = run.and_then(|run| run.failure_reason.as_deref());
        if let Some(line) = reason.and_then(|reason| reason.lines().next()) {
            page.entry("   ", line);
        }
    }
    page
}

fn row(run: &RunRecord) -> [String; 8] {
    let digest = digest_of(&run.training.image).and_then(|digest| digest.split_once(':'));
    let digest = digest.map_or("", |(_, hex)| hex);
    let metrics: Vec<String> = run
        .metrics
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    [
        run.recorded_at.strftime("%Y-%m-%d %H:%M").to_string(),
        start(&run.training.commit, 7),
        start(digest, 12),
        data(run),
        run.training.job_name.clone(),
        run.job_status.to_string(),
        run.duration().map(in_words).unwrap_or_default(),
        metrics.join(" "),
    ]
}

fn start(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

/// How many objects, and four bytes of what stands for all their versions: the same digits are the same data.
fn data(run: &RunRecord) -> String {
    let source = match run.data_source {
        Some(DataSource::Synthetic) => "synthetic ",
        Some(DataSource::Uploaded) => "",
        None => return String::new(),
    };
    let digest = start(&run.data_digest().unwrap_or_default(), 8);
    format!("{source}{} {digest}", run.input_object_count)
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(job: &str, status: &str) -> RunRecord {
        serde_json::from_value(json!({
            "training_job_name": job, "run_id": "r", "git_hash": "0123456789abcdef", "image": "host/iris@sha256:fedcba98765432100",
            "instance_type": "ml.m5.large", "instance_count": 1, "volume_in_gb": 30, "max_runtime_seconds": 60,
            "input_bucket": "iris", "recorded_at": "2026-11-24T04:12:05Z", "job_status": status,
        }))
        .unwrap()
    }

    #[test]
    fn a_table_with_the_reason_of_a_failure() {
        let mut completed = run("iris-1", "Completed");
        completed.data_source = Some(DataSource::Uploaded);
        completed.input_object_count = 1;
        completed.input_versions = [("input/data/training/a.csv".to_owned(), "v1".to_owned())].into();
        completed.job_creation_time = Some("2026-11-24T04:12:05Z".parse().unwrap());
        completed.job_end_time = Some("2026-11-24T04:14:06Z".parse().unwrap());
        completed.metrics = [("accuracy".to_owned(), 0.97)].into();
        let mut failed = run("iris-22", "Failed");
        failed.failure_reason = Some("AlgorithmError: row 17\nexit code: 1".to_owned());
        insta::assert_snapshot!(table(&[completed, failed]), @r#"
        WHEN              COMMIT   IMAGE         DATA        JOB      STATUS     DURATION   METRICS
        2026-11-24 04:12  0123456  fedcba987654  1 4a0dc92a  iris-1   Completed  2 min 1 s  accuracy=0.97
        2026-11-24 04:12  0123456  fedcba987654              iris-22  Failed
            AlgorithmError: row 17
        "#);
    }
}
