//! `sgbuild cache`: what is kept of wheels and of what was found out about them, and clearing it.

use std::collections::BTreeMap;

use indicatif::DecimalBytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Checkout, json};
use crate::cli::{self, Action};
use crate::engine::native::store::{self, Kind, Usage};
use crate::error::Error;
use crate::shown::{Data, Page};

/// What there is of a kind.
#[derive(Debug, Default, Serialize)]
struct Row {
    entries: usize,
    bytes: u64,
    last_used: Option<Timestamp>,
}

#[derive(Serialize)]
struct Shown {
    directory: String,
    bytes: u64,
    limit: u64,
    kinds: BTreeMap<String, Row>,
}

pub(super) fn run(arguments: &cli::Cache, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let cache_dir = checkout.settings.environment().cache_dir();
    if arguments.action == Some(Action::Clear) {
        let removed = store::clear(&cache_dir, checkout.progress)?;
        let (entries, bytes) = (removed.entries.len(), DecimalBytes(removed.size()));
        checkout.progress.step(&format!("Removed {entries} files, {bytes}"));
        return Ok(Data::Nothing);
    }
    let usage = Usage::of(&cache_dir);
    let shown = Shown {
        directory: store::directory(&cache_dir).display().to_string(),
        bytes: usage.size(),
        limit: checkout.settings.cache_limit(),
        kinds: kinds(&usage),
    };
    Ok(if arguments.json.json {
        json(&shown)
    } else {
        Data::Page(page(&shown))
    })
}

fn kinds(usage: &Usage) -> BTreeMap<String, Row> {
    let mut kinds = BTreeMap::<String, Row>::new();
    for entry in &usage.entries {
        let kind = match &entry.kind {
            Kind::File => "wheels",
            Kind::Note(kind) => kind,
        };
        let row = kinds.entry(kind.to_owned()).or_default();
        row.entries += 1;
        row.bytes += entry.size;
        row.last_used = row.last_used.max(Timestamp::try_from(entry.used).ok());
    }
    kinds
}

fn page(shown: &Shown) -> Page {
    let mut page = Page::new();
    let (bytes, limit) = (DecimalBytes(shown.bytes), DecimalBytes(shown.limit));
    page.text(&format!("{}: {bytes} of at most {limit}", shown.directory));
    let rows: Vec<_> = shown.kinds.iter().map(|(kind, row)| cells(kind, row)).collect();
    let [kind, entries, bytes, _] = Page::widths(&rows, usize::MAX);
    for row in &rows {
        page.row(row, &[kind, entries, bytes]);
    }
    page
}

fn cells(kind: &str, row: &Row) -> [String; 4] {
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date().to_string();
    let used = row.last_used.map(|time| format!("last used {}", day(time)));
    [
        kind.to_owned(),
        row.entries.to_string(),
        DecimalBytes(row.bytes).to_string(),
        used.unwrap_or_default(),
    ]
}
