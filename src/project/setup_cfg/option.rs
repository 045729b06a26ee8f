//! What the text of an option in `setup.cfg` stands for.

use crate::project::Error;
use crate::project::ini::IniOption;
use crate::project::value::{Kind, Place, Value};

const FILE: &str = "setup.cfg";

/// The items that are not blank.
pub(super) fn trimmed<'a>(items: impl Iterator<Item = &'a str>, at: Place) -> Value {
    let items = items.map(str::trim).filter(|item| !item.is_empty());
    Value::new(Kind::List(items.map(|item| Value::str(item, at)).collect()), at)
}

/// A line of setup.cfg.
pub(super) fn place(line: usize) -> Place {
    Place { file: FILE, line }
}

/// The key as setuptools normalises it in its own sections.
pub(super) fn key(option: &IniOption) -> String {
    option.key.replace('-', "_").to_lowercase()
}

/// A list's items with their lines: by lines if there are several, otherwise by `separator`.
pub(super) fn items(option: &IniOption, separator: char) -> Vec<(usize, String)> {
    let text = option.text();
    let chunks: Vec<(usize, String)> = if text.contains('\n') {
        option.lines.clone()
    } else {
        text.split(separator)
            .map(|chunk| (option.line, chunk.to_owned()))
            .collect()
    };
    let trimmed = chunks.into_iter().map(|(line, chunk)| (line, chunk.trim().to_owned()));
    trimmed.filter(|(_, chunk)| !chunk.is_empty()).collect()
}

/// A list, as [`items`] has it.
pub(super) fn list(option: &IniOption, separator: char) -> Value {
    let items = items(option, separator)
        .into_iter()
        .map(|(line, text)| Value::str(text, place(line)))
        .collect();
    Value::new(Kind::List(items), place(option.line))
}

/// A dict: items that are `key = value`.
pub(super) fn dict(option: &IniOption) -> Result<Value, Error> {
    let mut entries = Vec::new();
    for (line, text) in items(option, ',') {
        let Some((key, value)) = text.split_once('=') else {
            let message = format!("{} needs `key = value`, not {text:?}", option.key);
            return Err(Error::SetupCfg { line, message });
        };
        entries.push((
            Value::str(key.trim(), place(line)),
            Value::str(value.trim(), place(line)),
        ));
    }
    Ok(Value::new(Kind::Dict(entries), place(option.line)))
}
