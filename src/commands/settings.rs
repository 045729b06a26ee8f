//! `sgbuild settings`: every setting, its value and where it comes from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::{Checkout, explained, json};
use crate::cli;
use crate::error::Error;
use crate::secret::without_url_credentials;
use crate::settings::{self, DecidedBy, Definition, Setting, Value};
use crate::shown::{Data, Page};

/// The column of the keys.
const LONGEST_KEY: usize = 20;
/// A value that is longer does not move the origins of the others.
const LONGEST_VALUE: usize = 44;

#[derive(Serialize)]
struct Row {
    value: Option<Value>,
    origin: Option<String>,
    variable: String,
    decided_by: &'static str,
    help: Cow<'static, str>,
}

/// The JSON schema of `[tool.sgbuild]`.
pub(super) fn schema() -> Data {
    json(&settings::schema())
}

pub(super) fn run(arguments: &cli::Settings, checkout: &Checkout<'_>) -> Result<Data, Error> {
    if let Some(name) = &arguments.explain {
        return explained::run(name, arguments.json.json, checkout);
    }
    let rows = checkout.settings.all();
    if arguments.json.json {
        let rows: BTreeMap<_, _> = rows
            .map(|(definition, setting)| {
                let row = Row {
                    value: setting.map(|setting| without_credentials(&setting.value)),
                    origin: setting.map(|setting| setting.origin.to_string()),
                    variable: definition.variable(),
                    decided_by: match definition.decided_by {
                        DecidedBy::Anyone => "anyone",
                        DecidedBy::Caller { .. } => "caller",
                    },
                    help: definition.help(),
                };
                (definition.key, row)
            })
            .collect();
        return Ok(json(&rows));
    }
    let rows: Vec<_> = rows
        .map(|(definition, setting)| [definition.key.to_owned(), shown(setting), origin(definition, setting)])
        .collect();
    let [_, widest, _] = Page::widths(&rows, LONGEST_VALUE);
    let mut page = Page::new();
    for row in &rows {
        page.row(row, &[LONGEST_KEY, widest]);
    }
    Ok(Data::Page(page))
}

/// The value as it may be shown.
pub(super) fn without_credentials(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(without_url_credentials(text)),
        Value::List(items) => Value::List(items.iter().map(|item| without_url_credentials(item)).collect()),
        Value::Map(pairs) => Value::Map(
            pairs
                .iter()
                .map(|(name, value)| (name.clone(), without_url_credentials(value)))
                .collect(),
        ),
        Value::Number(_) | Value::Switch(_) | Value::Fields(_) => value.clone(),
    }
}

/// Where it comes from, and whether that can be no file.
fn origin(definition: &Definition, setting: Option<&Setting>) -> String {
    let origin = setting.map_or_else(String::new, |setting| setting.origin.to_string());
    match definition.decided_by {
        DecidedBy::Anyone => origin,
        DecidedBy::Caller { .. } => format!("{origin} (flag or variable only)").trim_start().to_owned(),
    }
}

fn shown(setting: Option<&Setting>) -> String {
    setting.map_or_else(|| "-".to_owned(), |setting| in_words(&setting.value))
}

/// A value on one line, as it may be shown.
pub(super) fn in_words(value: &Value) -> String {
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Switch(flag) => flag.to_string(),
        Value::List(items) => items.join(", "),
        Value::Fields(table) => json!(table).to_string(),
        Value::Map(pairs) => pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    without_url_credentials(&text)
}
