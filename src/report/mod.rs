//! `RunRecord ─▶ a page`: all runs as one HTML file that needs nothing else: no network, no server.
//!
//! The table, the charts and the groups of failures are made here, and are there without a script. The script sorts, filters and compares.
//! Everything that others wrote is escaped twice: what a reader cannot see is spelt out (`shown`), and the template escapes for HTML.

mod charts;
mod data;
mod error;
mod failures;
mod prices;
mod rows;
pub(crate) mod sparkline;

pub use error::Error;
pub use prices::{NoPrice, Price, Prices};

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::record::{JobStatus, RunRecord, in_words};
use crate::shown::cell;
use charts::Chart;
use rows::Row;

const TEMPLATE: &str = include_str!("../../templates/report.html.j2");
const STYLE: &str = include_str!("../../templates/report.css");
const SCRIPT: &str = include_str!("../../templates/report.js");

/// The page's numbers.
#[derive(Debug, Serialize)]
struct Totals {
    runs: usize,
    completed: usize,
    failed: usize,
    stopped: usize,
    open: usize,
    billable: String,
    /// Runs of which it is not known how much they are paid for.
    unbilled: usize,
    cost: Option<String>,
    /// Runs that are paid for, and have no price.
    unpriced: usize,
}

/// The page of `runs`, as it was `made_at` that time. Costs are told where `prices` names the instances' types, and are never guessed.
///
/// # Errors
/// [`Error`], which is sgbuild's own fault.
pub fn page(runs: &[RunRecord], prices: &Prices, made_at: Timestamp) -> Result<String, Error> {
    let mut runs: Vec<&RunRecord> = runs.iter().collect();
    runs.sort_by_key(|run| run.recorded_at);
    let names = metrics(&runs);
    let rows: Vec<Row> = runs.iter().rev().map(|run| Row::of(run, &names, prices)).collect();
    let charts: Vec<Chart> = charts::all(&runs, &names);
    let variables = context! {
        policy => policy(),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        data => Value::from_safe_string(data::json(&runs)),
        made_at => made_at.strftime("%Y-%m-%d %H:%M").to_string(),
        version => env!("CARGO_PKG_VERSION"),
        metrics => names.iter().map(|name| cell(name).into_owned()).collect::<Vec<_>>(),
        has_prices => !prices.is_empty(),
        prices => prices.in_words(),
        failures => Serde(failures::groups(&runs)),
        totals => Serde(totals(&runs, prices)),
        statuses => statuses(&runs),
        charts => Serde(charts),
        rows => Serde(rows),
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    let rendered = syntax.and_then(|syntax| {
        environment.set_syntax(syntax);
        environment.render_named_str("report.html.j2", TEMPLATE, variables)
    });
    rendered.map_err(Error)
}

/// What the page may load and run: its own style and script, by their digests, and nothing else
/// ([CSP](https://www.w3.org/TR/CSP3/#grammardef-hash-source)).
fn policy() -> String {
    let digest = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let (style, script) = (digest(STYLE), digest(SCRIPT));
    format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'")
}

/// The names of all metrics that any run has.
fn metrics(runs: &[&RunRecord]) -> Vec<String> {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.metrics.keys()).collect();
    names.into_iter().cloned().collect()
}

fn statuses(runs: &[&RunRecord]) -> Vec<String> {
    let there = |status: &JobStatus| runs.iter().any(|run| run.job_status == *status);
    let there = JobStatus::ALL.into_iter().filter(there);
    there.map(|status| status.to_string()).collect()
}

fn totals(runs: &[&RunRecord], prices: &Prices) -> Totals {
    let count = |status| runs.iter().filter(|run| run.job_status == status).count();
    let billed: Vec<i64> = runs.iter().filter_map(|run| run.billable_of_all()).collect();
    let costs: Vec<f64> = runs.iter().filter_map(|run| prices.cost(run)).collect();
    let ended = runs.iter().filter(|run| run.job_status.is_terminal()).count();
    Totals {
        runs: runs.len(),
        completed: count(JobStatus::Completed),
        failed: count(JobStatus::Failed),
        stopped: count(JobStatus::Stopped),
        open: runs.len() - ended,
        billable: in_words(billed.iter().sum()),
        unbilled: ended.saturating_sub(billed.len()),
        cost: (!prices.is_empty()).then(|| prices::amount(costs.iter().sum())),
        unpriced: billed.len().saturating_sub(costs.len()),
    }
}

#[cfg(test)]
mod tests;
