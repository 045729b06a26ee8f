//! docs/configuration.md says what the table says: every setting with its variable, flag and default, and nothing else.

use super::definition::{DecidedBy, Definition};
use super::table::TABLE;

const DOCUMENT: &str = include_str!("../../docs/configuration.md");

/// The heads of its tables: of the settings, and of the setuptools-docker pipeline's variables.
const SETTINGS: &str = "| setting | variable | flag | default | meaning |";
const ORIGINALS: &str = "| variable in CodeBuild | setting |";

/// A setting's row of the tables of settings.
fn setting(definition: &Definition) -> String {
    let key = match definition.decided_by {
        DecidedBy::Anyone => format!("`{}`", definition.key),
        DecidedBy::Caller { .. } => format!("`{}` †", definition.key),
    };
    let flag = definition.flag.as_ref().map(|_| format!("`{}`", definition.flag()));
    let fixed = definition.default.map(|default| format!("`{default}`"));
    let in_words = definition.documented_default.or(definition.otherwise);
    row([
        &key,
        &format!("`{}`", definition.variable()),
        &flag.unwrap_or_default(),
        &fixed.or(in_words.map(ToOwned::to_owned)).unwrap_or_default(),
        definition.documented.unwrap_or(definition.help),
    ])
}

/// Its row of the table of the setuptools-docker pipeline's variables, if it has such a variable.
fn original(definition: &Definition) -> Option<String> {
    let variable = format!("`{}`", definition.original?);
    Some(row([&variable, &format!("`{}`", definition.key)]))
}

fn row<const N: usize>(cells: [&str; N]) -> String {
    let cells = cells.map(|cell| {
        if cell.is_empty() {
            " ".to_owned()
        } else {
            format!(" {cell} ")
        }
    });
    format!("|{}|", cells.join("|"))
}

/// The rows of the document's tables with this head.
fn documented(head: &str) -> Vec<&'static str> {
    let mut rows = Vec::new();
    let mut lines = DOCUMENT.lines();
    while lines.by_ref().any(|line| line == head) {
        rows.extend(lines.by_ref().skip(1).take_while(|line| line.starts_with('|')));
    }
    rows
}

#[track_caller]
fn assert_documented(head: &str, expected: &[String]) {
    let found = documented(head);
    let missing: Vec<_> = expected.iter().filter(|row| !found.contains(&row.as_str())).collect();
    let more: Vec<_> = found
        .iter()
        .filter(|row| !expected.iter().any(|other| other == *row))
        .collect();
    assert!(
        found == expected,
        "docs/configuration.md is not what src/settings/table.rs says.\nMissing: {missing:#?}\nToo much: {more:#?}\nIts rows should be:\n{}",
        expected.join("\n")
    );
}

#[test]
fn every_setting_is_documented_as_the_table_has_it() {
    let expected: Vec<_> = TABLE.iter().map(|definition| setting(definition)).collect();
    assert_documented(SETTINGS, &expected);
}

#[test]
fn every_variable_of_the_original_pipeline_is_documented() {
    let expected: Vec<_> = TABLE.iter().filter_map(|definition| original(definition)).collect();
    assert_documented(ORIGINALS, &expected);
}
