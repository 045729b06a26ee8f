//! `sgbuild explain`: what there is to say of an error, beyond its message. It needs no project, network or configuration.

use serde::Serialize;
use serde_json::json;

use super::{CommandError, json};
use crate::check::Rule;
use crate::cli;
use crate::error::Error;
use crate::explain::{Code, Summary, plain};
use crate::near::nearest;
use crate::shown::{Data, Page};

/// A page for programs.
#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    summary: Summary,
    /// The page, in Markdown.
    text: &'static str,
}

pub(super) fn run(arguments: &cli::Explain) -> Result<Data, Error> {
    let as_json = arguments.json.json;
    let Some(given) = &arguments.code else {
        return Ok(if as_json { json(&summaries()) } else { list() });
    };
    if let Some(rule) = rule(given) {
        return Ok(of_rule(rule, as_json));
    }
    let code = read(given)?;
    if as_json {
        return Ok(json(&Explained {
            summary: code.summary(),
            text: code.page(),
        }));
    }
    Ok(Data::File(code.plain_page()))
}

/// The rule of `sgbuild check` that is meant: alone, or as a finding has it.
fn rule(given: &str) -> Option<Rule> {
    let name = given.trim().trim_end_matches([':', ']']);
    Rule::find(name.rsplit('[').next().unwrap_or(name)).filter(|rule| Code::find(name).is_none() || name == rule.id())
}

fn of_rule(rule: Rule, as_json: bool) -> Data {
    if !as_json {
        return Data::File(plain(rule.page()));
    }
    json(&json!({
        "rule": rule.id(),
        "name": rule.name(),
        "group": rule.group(),
        "severity": rule.severity(),
        "title": rule.summary(),
        "text": rule.page(),
    }))
}

/// The code that is meant: alone, or as the message has it.
fn read(given: &str) -> Result<Code, CommandError> {
    let name = given.trim().trim_end_matches([':', ']']);
    let name = name.strip_prefix("error").unwrap_or(name).trim_start_matches('[');
    Code::find(name).ok_or_else(|| CommandError::UnknownCode {
        given: given.to_owned(),
        near: near(name),
    })
}

/// What was probably meant: one with nearly these letters, or all that have the word.
fn near(name: &str) -> Vec<&'static str> {
    let names = || Code::ALL.iter().map(|code| code.name());
    if let Some(nearest) = nearest(name, names()) {
        return vec![nearest];
    }
    let has_it = |code: &&str| {
        name.split('-')
            .any(|word| code.split('-').any(|of_code| of_code == word))
    };
    names().filter(has_it).collect()
}

fn summaries() -> Vec<Summary> {
    Code::ALL.iter().map(|code| code.summary()).collect()
}

fn list() -> Data {
    let mut page = Page::new();
    let rows: Vec<[&str; 2]> = Code::ALL.iter().map(|code| [code.name(), code.title()]).collect();
    let [width, _] = Page::widths(&rows, usize::MAX);
    let mut subject = "";
    for code in Code::ALL {
        if code.subject() != subject {
            if !subject.is_empty() {
                page.text("");
            }
            subject = code.subject();
            page.text(&format!("{subject}:"));
        }
        page.row(&["", code.name(), code.title()], &[0, width]);
    }
    Data::Page(page)
}
