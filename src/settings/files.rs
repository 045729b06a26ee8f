//! The settings in `pyproject.toml` and `setup.cfg`.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::definition::{DecidedBy, Definition, Kind};
use super::fields;
use super::{Error, Origin, Setting, Value};
use crate::project::{SourceFile, ini};

const PYPROJECT: &str = "pyproject.toml";
const SETUP_CFG: &str = "setup.cfg";

type Found = BTreeMap<&'static str, Setting>;

/// `[tool.sgbuild]` of `pyproject.toml`; empty where there is no such file or table.
pub(super) fn pyproject(root: &Path) -> Result<Found, Error> {
    const NAME: &str = PYPROJECT;
    let Some(text) = read(root, NAME)? else {
        return Ok(Found::new());
    };
    let at = |offset: usize| Origin::File {
        name: NAME,
        line: line_of(&text, offset),
    };
    let document = DeTable::parse(&text).map_err(|error| Error::Malformed {
        origin: at(error.span().map_or(0, |span| span.start)).to_string(),
        reason: error.message().to_owned(),
    })?;
    let table = document
        .get_ref()
        .get("tool")
        .and_then(|tool| tool.get_ref().get("sgbuild"));
    let Some(table) = table else { return Ok(Found::new()) };
    let DeValue::Table(table) = table.get_ref() else {
        return Err(Error::Malformed {
            origin: at(table.span().start).to_string(),
            reason: "`tool.sgbuild` is not a table".to_owned(),
        });
    };
    let mut found = Found::new();
    for (key, value) in table {
        let origin = at(key.span().start);
        let definition = definition(key.get_ref(), &origin)?;
        if found.contains_key(definition.key) {
            return Err(Error::Malformed {
                origin: origin.to_string(),
                reason: format!("`{}` is set twice, with `-` and with `_`", definition.key),
            });
        }
        let value = from_toml(definition, value, &origin, &at)?;
        found.insert(definition.key, Setting { value, origin });
    }
    Ok(found)
}

/// `[sgbuild]` of `setup.cfg`; empty where there is no such file or section.
pub(super) fn setup_cfg(root: &Path) -> Result<Found, Error> {
    const NAME: &str = SETUP_CFG;
    let Some(text) = read(root, NAME)? else {
        return Ok(Found::new());
    };
    let mut found = Found::new();
    let sections = ini::parse(&text).map_err(|error| Error::File(Box::new(error)))?;
    let ours = sections.into_iter().filter(|section| section.name == "sgbuild");
    for option in ours.flat_map(|section| section.options) {
        let origin = Origin::File {
            name: NAME,
            line: option.line,
        };
        let definition = definition(&option.key, &origin)?;
        let value = definition.parse(&option.text(), &origin)?;
        found.insert(definition.key, Setting { value, origin });
    }
    Ok(found)
}

/// Where a file has a section of settings, be it empty.
pub(super) fn section(root: &Path) -> Result<Option<Origin>, Error> {
    if let Some(text) = read(root, PYPROJECT)? {
        let document = DeTable::parse(&text).ok();
        let table = document.as_ref().and_then(|document| {
            let tool = document.get_ref().get("tool")?;
            tool.get_ref().get("sgbuild").map(|table| table.span().start)
        });
        if let Some(start) = table {
            let line = line_of(&text, start);
            return Ok(Some(Origin::File { name: PYPROJECT, line }));
        }
    }
    let Some(text) = read(root, SETUP_CFG)? else {
        return Ok(None);
    };
    let sections = ini::parse(&text).map_err(|error| Error::File(Box::new(error)))?;
    let ours = sections.into_iter().find(|section| section.name == "sgbuild");
    Ok(ours.map(|section| Origin::File {
        name: SETUP_CFG,
        line: section.line,
    }))
}

/// A file's text; `None` where it does not exist.
fn read(root: &Path, name: &str) -> Result<Option<String>, Error> {
    let file = SourceFile::read(root, name).map_err(|error| Error::File(Box::new(error)))?;
    Ok(file.map(|file| file.text))
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..text.floor_char_boundary(offset)].matches('\n').count() + 1
}

/// The setting named `key`, which a file may decide; setup.cfg users may write `_` for `-`, as setuptools lets them.
fn definition(key: &str, origin: &Origin) -> Result<&'static Definition, Error> {
    let kebab = key.replace('_', "-");
    let definition = Definition::of(&kebab).ok_or_else(|| Error::Unknown {
        origin: origin.to_string(),
        key: key.to_owned(),
        nearest: Definition::nearest(&kebab).map(|definition| definition.key),
    })?;
    match definition.decided_by {
        DecidedBy::Anyone => Ok(definition),
        DecidedBy::Caller { what } => Err(Error::NotForFiles {
            origin: origin.to_string(),
            definition,
            what,
        }),
    }
}

fn from_toml(
    definition: &'static Definition,
    value: &Spanned<DeValue<'_>>,
    origin: &Origin,
    line_at: &dyn Fn(usize) -> Origin,
) -> Result<Value, Error> {
    let wrong = |found: &DeValue<'_>| definition.wrong_kind(origin, with_article(found.type_str()));
    let value = value.get_ref();
    match (definition.kind, value) {
        (Kind::Text | Kind::File, DeValue::String(text)) => Ok(Value::Text(text.to_string())),
        // `python-version = 3.11` is a number to TOML, and 3.10 would lose its zero: its text is taken.
        (Kind::Text, DeValue::Float(number)) => Ok(Value::Text(number.as_str().to_owned())),
        (Kind::Number, DeValue::Integer(number)) => u64::from_str_radix(number.as_str(), number.radix())
            .map(Value::Number)
            .map_err(|_| definition.wrong_kind(origin, format!("`{number}`"))),
        (Kind::Switch, DeValue::Boolean(flag)) => Ok(Value::Switch(*flag)),
        (Kind::List, DeValue::String(text)) => Ok(Value::List(vec![text.to_string()])),
        (Kind::List, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| {
                item.get_ref()
                    .as_str()
                    .map(ToOwned::to_owned)
                    .ok_or_else(|| wrong(item.get_ref()))
            });
            Ok(Value::List(texts.collect::<Result<_, _>>()?))
        }
        (Kind::Fields, DeValue::Table(_)) => Ok(Value::Fields(fields::read(value, line_at)?)),
        (Kind::Map, DeValue::Table(table)) => {
            let pairs = table.iter().map(|(name, item)| {
                let text = item.get_ref().as_str().ok_or_else(|| wrong(item.get_ref()))?;
                Ok((name.get_ref().to_string(), text.to_owned()))
            });
            Ok(Value::Map(pairs.collect::<Result<_, Error>>()?))
        }
        _ => Err(wrong(value)),
    }
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}
