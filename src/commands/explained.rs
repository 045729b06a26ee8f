//! `sgbuild settings --explain`: everything about one setting.

use clap::CommandFactory as _;
use serde_json::json;

use super::settings::{in_words, without_credentials};
use super::{Checkout, CommandError, json};
use crate::cli::Cli;
use crate::error::Error;
use crate::settings::{DecidedBy, Definition, Kind, Setting};
use crate::shown::{Data, Page};

/// The column of what is said of it.
const LABEL: usize = 10;

pub(super) fn run(name: &str, as_json: bool, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let definition = Definition::called(name).map_err(CommandError::from)?;
    let places = checkout.settings.places(definition);
    if as_json {
        return Ok(of_json(definition, &places));
    }
    let mut page = Page::new();
    page.text(&format!("{}: {}", definition.key, definition.help()));
    for (label, said) in facts(definition) {
        page.row(&["", label, &said].map(ToOwned::to_owned), &[0, LABEL]);
    }
    page.text(&match places.first() {
        None => "It is not set.".to_owned(),
        Some(_) => "It is set here, and the first counts:".to_owned(),
    });
    let rows: Vec<_> = places
        .iter()
        .map(|place| [String::new(), place.origin.to_string(), in_words(&place.value)])
        .collect();
    let [_, widest, _] = Page::widths(&rows, usize::MAX);
    for row in &rows {
        page.row(row, &[0, widest.max(LABEL)]);
    }
    page.text("For example:");
    for line in example(definition) {
        page.row(&[String::new(), line], &[0]);
    }
    Ok(Data::Page(page))
}

/// What there is to say of it wherever it is asked.
fn facts(definition: &Definition) -> Vec<(&'static str, String)> {
    let mut facts = vec![("type", kind(definition))];
    let fixed = definition.default.map(|default| default.to_string());
    let otherwise = definition.documented_default.or(definition.otherwise);
    if let Some(default) = fixed.or(otherwise.map(|words| words.replace('`', ""))) {
        facts.push(("default", default));
    }
    if let Some(flag) = &definition.flag {
        let flag = format!("{} {}", definition.flag(), flag.value_name);
        facts.push((
            "flag",
            format!("{} of {}", flag.trim_end(), commands(definition).join(", ")),
        ));
    }
    let in_codebuild = definition.original.map(|name| format!(", in CodeBuild also {name}"));
    facts.push((
        "variable",
        definition.variable() + in_codebuild.unwrap_or_default().as_str(),
    ));
    facts.push((
        "file",
        match definition.decided_by {
            DecidedBy::Anyone => format!(
                "{} in [tool.sgbuild] of pyproject.toml, or in [sgbuild] of setup.cfg",
                definition.key
            ),
            DecidedBy::Caller { what } => format!("none: no file of the project may say {what}"),
        },
    ));
    if let Some(parameter) = definition.parameter {
        facts.push(("pipeline", format!("the parameter {parameter} of the stack's template")));
    }
    facts
}

/// The commands that have its flag.
fn commands(definition: &Definition) -> Vec<String> {
    let has_it = |command: &&clap::Command| command.get_arguments().any(|flag| flag.get_id() == definition.key);
    let found = Cli::command();
    let found = found.get_subcommands().filter(has_it);
    found.map(|command| command.get_name().to_owned()).collect()
}

fn kind(definition: &Definition) -> String {
    if !definition.choices.is_empty() {
        return format!("one of {}", definition.choices.join(", "));
    }
    let text = match definition.kind {
        Kind::Text => "text",
        Kind::File => "a file, relative to the project's directory",
        Kind::Number if definition.most == u64::MAX => return format!("a whole number, {} or more", definition.least),
        Kind::Number => return format!("a whole number, {} to {}", definition.least, definition.most),
        Kind::Switch => "true or false",
        Kind::List => "a list of texts; in variables and setup.cfg separated by commas or line breaks",
        Kind::Map => "names and texts: a table; in variables and setup.cfg NAME=VALUE, one a line",
        Kind::Fields => "fields of CreateTrainingJob: a table; in variables and setup.cfg a JSON object",
    };
    text.to_owned()
}

/// How it is set, where it may be.
fn example(definition: &Definition) -> Vec<String> {
    match definition.decided_by {
        DecidedBy::Anyone => vec![
            "[tool.sgbuild]".to_owned(),
            format!("{} = {}", definition.key, definition.example()),
        ],
        DecidedBy::Caller { .. } => {
            let value = definition.example();
            let is_plain = !value.starts_with(['[', '{']);
            let value = if is_plain { value.trim_matches('"') } else { "…" };
            vec![format!("export {}={value}", definition.variable())]
        }
    }
}

fn of_json(definition: &Definition, places: &[&Setting]) -> Data {
    let place = |setting: &&Setting| json!({ "origin": setting.origin.to_string(), "value": without_credentials(&setting.value) });
    json(&json!({
        "setting": definition.key,
        "help": definition.help(),
        "type": kind(definition),
        "default": definition.default.map(crate::settings::Value::from),
        "flag": definition.flag.as_ref().map(|_| definition.flag()),
        "commands": commands(definition),
        "variable": definition.variable(),
        "decided_by": match definition.decided_by {
            DecidedBy::Anyone => "anyone",
            DecidedBy::Caller { .. } => "caller",
        },
        "value": places.first().map(|place| without_credentials(&place.value)),
        "places": places.iter().map(place).collect::<Vec<_>>(),
        "example": example(definition).join("\n"),
    }))
}
