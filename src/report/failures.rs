//! Failures by their reasons: two runs failed alike where the reason is the same but for numbers, names and places.

use std::collections::BTreeMap;

use regex_lite::{Captures, Regex};
use serde::Serialize;

use crate::record::{JobStatus, RunRecord};
use crate::shown::cell;

/// Runs that failed alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Failures {
    /// What their reasons have in common.
    pub(super) reason: String,
    /// The whole reason of the newest of them.
    pub(super) newest: String,
    /// When that ended.
    pub(super) last: String,
    /// Their jobs, the newest first.
    pub(super) jobs: Vec<String>,
}

/// The failed runs in groups, the largest first. `runs` are the oldest first.
pub(super) fn groups(runs: &[&RunRecord]) -> Vec<Failures> {
    let alike = Alike::new();
    let mut groups: BTreeMap<String, Vec<&RunRecord>> = BTreeMap::new();
    for run in runs.iter().rev().filter(|run| run.job_status == JobStatus::Failed) {
        let reason = run.failure_reason.as_deref().unwrap_or_default();
        groups
            .entry(alike.of(reason, &run.training.job_name))
            .or_default()
            .push(run);
    }
    let mut groups: Vec<Failures> = groups
        .into_iter()
        .map(|(reason, runs)| {
            let newest = runs[0];
            let last = newest.job_end_time.unwrap_or(newest.recorded_at);
            Failures {
                reason: cell(&reason).into_owned(),
                newest: cell(newest.failure_reason.as_deref().unwrap_or_default()).into_owned(),
                last: last.strftime("%Y-%m-%d %H:%M").to_string(),
                jobs: runs
                    .iter()
                    .map(|run| cell(&run.training.job_name).into_owned())
                    .collect(),
            }
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.jobs.len()));
    groups
}

/// What tells one failure from another of its kind, and by what it is replaced.
struct Alike(Vec<(Regex, &'static str)>);

impl Alike {
    fn new() -> Self {
        let patterns = [
            (r"\b[a-z][a-z0-9+]*://[^\s'\x22),;]+", "‹uri›"),
            (r"\barn:[^\s'\x22),;]+", "‹arn›"),
            (r"\bsha256:[0-9a-f]{4,}", "‹digest›"),
            (r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "‹id›"),
            (r"\b0x[0-9a-fA-F]+\b", "‹id›"),
            (r"(^|[\s'\x22(=`])(/[^\s'\x22),;:]+)", "$1‹path›"),
            (r"\b[0-9a-f]{7,64}\b", ""),
            (r"\b[0-9]+([.,:][0-9]+)*(e[+-]?[0-9]+)?", "‹n›"),
        ];
        // Patterns of our own are such.
        let compiled = patterns
            .into_iter()
            .filter_map(|(pattern, by)| Some((Regex::new(pattern).ok()?, by)));
        Self(compiled.collect())
    }

    /// What the reason has in common with its like.
    fn of(&self, reason: &str, job: &str) -> String {
        let line = told(reason);
        let mut line = line.replace(job, "‹job›");
        for (pattern, by) in &self.0 {
            line = if by.is_empty() {
                pattern.replace_all(&line, hexadecimal).into_owned()
            } else {
                pattern.replace_all(&line, *by).into_owned()
            };
        }
        match line.trim() {
            "" => "no reason given".to_owned(),
            line => line.to_owned(),
        }
    }
}

/// Digits and letters together are an id; digits alone a number, letters alone a word.
fn hexadecimal(found: &Captures<'_>) -> String {
    let text = &found[0];
    let has = |is: fn(char) -> bool| text.contains(is);
    if has(|c| c.is_ascii_digit()) && has(|c| c.is_ascii_alphabetic()) {
        return "‹id›".to_owned();
    }
    text.to_owned()
}

/// The line that says why: the first, but of a traceback the last that belongs to it.
fn told(reason: &str) -> &str {
    let mut lines = reason.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    if !first.contains("Traceback (most recent call last)") {
        return first;
    }
    let is_of_code = |line: &&str| line.starts_with([' ', '\t']);
    lines.find(|line| !is_of_code(line)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(reason: &str) -> String {
        Alike::new().of(reason, "iris-1")
    }

    #[test]
    fn numbers_names_and_places_do_not_tell_failures_apart() {
        let told = [
            "AlgorithmError: row 17 of 3.5e-7, exit code: 1",
            "ClientError: s3://iris-input/a b.csv, arn:aws:iam::123456789012:role/x",
            "no /opt/ml/input/data/training/a.csv: FileNotFoundError",
            "image host/iris@sha256:0123456789abcdef is too large: 17MB on ml.m5.large",
            "the job iris-1 and 7d6f2f0e-1d2c-4b3a-9f8e-0a1b2c3d4e5f at 0x7f00 of 1f0c2ab differ: deadbeef",
            "AlgorithmError: Traceback (most recent call last):\n  File \"/a.py\", line 3\n    f()\nValueError: 3\nexit code: 1",
            "",
        ];
        insta::assert_snapshot!(told.map(alike).join("\n"), @r"
        AlgorithmError: row ‹n› of ‹n›, exit code: ‹n›
        ClientError: ‹uri› b.csv, ‹arn›
        no ‹path›: FileNotFoundError
        image host/iris@‹digest› is too large: ‹n›MB on ml.m5.large
        the job ‹job› and ‹id› at ‹id› of ‹id› differ: deadbeef
        ValueError: ‹n›
        no reason given
        ");
    }
}
