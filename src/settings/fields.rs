//! `[tool.sgbuild.training]`: fields of `CreateTrainingJob` in TOML, each held against SageMaker's where it stands.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::definition::check_fields;
use super::{Error, Origin};

/// Reads a table; `line_at` says where an offset of the file is.
///
/// # Errors
/// A field that SageMaker does not have or take, or that a setting says, with its own line.
pub(super) fn read(value: &DeValue<'_>, line_at: &dyn Fn(usize) -> Origin) -> Result<Map<String, Value>, Error> {
    let mut reader = Reader {
        line_at,
        places: BTreeMap::new(),
    };
    let table = match value {
        DeValue::Table(table) => reader.table(table, "")?,
        _ => Map::new(),
    };
    let place = |path: &str| reader.places.get(path).map(Origin::to_string).unwrap_or_default();
    check_fields(&table, place)?;
    Ok(table)
}

struct Reader<'a> {
    line_at: &'a dyn Fn(usize) -> Origin,
    /// Where each field stands, by its path.
    places: BTreeMap<String, Origin>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &str) -> Result<Map<String, Value>, Error> {
        let mut read = Map::new();
        for (name, value) in table {
            let separator = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{separator}{}", name.get_ref());
            self.places.insert(path.clone(), (self.line_at)(name.span().start));
            read.insert(name.get_ref().to_string(), self.value(value, &path)?);
        }
        Ok(read)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, path: &str) -> Result<Value, Error> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(Value::Object(self.table(table, path)?)),
            DeValue::Array(items) => {
                let mut read = Vec::new();
                for (number, item) in items.iter().enumerate() {
                    let path = format!("{path}[{number}]");
                    self.places.insert(path.clone(), (self.line_at)(item.span().start));
                    read.push(self.value(item, &path)?);
                }
                Ok(Value::Array(read))
            }
            DeValue::String(text) => Ok(Value::String(text.to_string())),
            DeValue::Boolean(on) => Ok(Value::Bool(*on)),
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                number
                    .map(Value::from)
                    .map_err(|_| self.no_field(path, "is no number that SageMaker takes"))
            }
            DeValue::Float(_) => Err(self.no_field(path, "is no whole number, and SageMaker has no others here")),
            DeValue::Datetime(_) => Err(self.no_field(path, "is a time, and SageMaker has none here")),
        }
    }

    fn no_field(&self, path: &str, what: &str) -> Error {
        Error::Field {
            origin: self.places.get(path).map(Origin::to_string).unwrap_or_default(),
            path: path.to_owned(),
            what: what.to_owned(),
        }
    }
}
