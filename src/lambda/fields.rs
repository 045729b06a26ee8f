//! The fields of an event: looked up by their path, so that what is missing or of another type is told by its name.
//!
//! Anybody who may invoke a function can write an event, and of each record only four or five fields matter. A type with all of AWS's
//! fields would refuse a record because of one that nobody reads, and with it every other record of the event.

use serde_json::Value;

use crate::shown::quoted;
pub(super) use crate::training::fields::kind;

/// How many keys are named of an object that is not understood.
const KEYS: usize = 8;

/// A part of an event, and where it is in it.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    value: &'a Value,
    /// Such as `Records[3]`; empty for the event itself.
    place: String,
}

impl<'a> Fields<'a> {
    /// The whole of an event.
    pub(super) fn of(event: &'a Value) -> Self {
        Self {
            value: event,
            place: String::new(),
        }
    }

    /// Each of the event's `Records`.
    ///
    /// # Errors
    /// The event has none; the text says what it has instead.
    pub(super) fn records(&self) -> Result<impl Iterator<Item = Self>, String> {
        match self.value.get("Records") {
            Some(Value::Array(records)) => Ok(records.iter().enumerate().map(|(number, value)| Self {
                value,
                place: format!("Records[{number}]"),
            })),
            Some(other) => Err(format!("Records: must be a list, and is {}", kind(other))),
            None => Err(format!("Records: missing; {}", in_words(self.value))),
        }
    }

    /// The text at `path`, such as `s3.bucket.name`; an empty text counts as missing.
    pub(super) fn text(&self, path: &str) -> Result<&'a str, String> {
        let text = self.optional_text(path)?;
        text.ok_or_else(|| self.problem(path, "missing"))
    }

    /// The text at `path`; `None` where it is missing, null or empty.
    pub(super) fn optional_text(&self, path: &str) -> Result<Option<&'a str>, String> {
        match self.at(path) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(other) => Err(self.problem(path, &format!("must be a string, and is {}", kind(other)))),
        }
    }

    /// The whole number at `path`, where there is one.
    pub(super) fn optional_number(&self, path: &str) -> Result<Option<u64>, String> {
        match self.at(path) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.problem(path, "must be a whole number")),
            },
        }
    }

    /// Refuses an event whose text at `path` is another.
    pub(super) fn must_be(&self, path: &str, expected: &str) -> Result<(), String> {
        match self.text(path)? {
            text if text == expected => Ok(()),
            other => Err(self.problem(path, &format!("{} is not {expected}", quoted(other)))),
        }
    }

    /// Where it is in the event, such as `Records[3]`.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong with the field at `path`.
    pub(super) fn problem(&self, path: &str, what: &str) -> String {
        match self.place.as_str() {
            "" => format!("{path}: {what}"),
            place => format!("{place}.{path}: {what}"),
        }
    }

    fn at(&self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.value, |value, name| value.get(name))
    }
}

/// Describes an event that is not understood.
fn in_words(value: &Value) -> String {
    let Value::Object(fields) = value else {
        return format!("the event is {}", kind(value));
    };
    let mut keys: Vec<String> = fields.keys().take(KEYS).map(|key| quoted(key)).collect();
    if fields.len() > KEYS {
        keys.push(format!("and {} more", fields.len() - KEYS));
    }
    if keys.is_empty() {
        return "the event is an empty object".to_owned();
    }
    format!("its fields are {}", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_told_by_its_path() {
        let event =
            json!({ "Records": [{ "s3": { "bucket": { "name": "b" }, "object": { "key": ["k"], "size": -1 } } }, 7] });
        let fields = Fields::of(&event);
        let records: Vec<Fields<'_>> = fields.records().unwrap().collect();
        assert_eq!(records[0].text("s3.bucket.name"), Ok("b"));
        let problems = [
            records[0].text("s3.object.key").unwrap_err(),
            records[0].optional_number("s3.object.size").unwrap_err(),
            records[0].must_be("s3.bucket.name", "c").unwrap_err(),
            records[1].text("eventSource").unwrap_err(),
        ];
        insta::assert_snapshot!(problems.join("\n"), @r"
        Records[0].s3.object.key: must be a string, and is a list
        Records[0].s3.object.size: must be a whole number
        Records[0].s3.bucket.name: `b` is not c
        Records[1].eventSource: missing
        ");
    }

    #[test]
    fn what_has_no_records_is_described() {
        let many: Value = (0..10_000)
            .map(|n| (format!("k\n{n}"), json!(1)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let described = |event: &Value| Fields::of(event).records().err().unwrap();
        let all = [json!([]), json!("x"), json!({}), json!({ "Records": {} }), many].map(|event| described(&event));
        insta::assert_snapshot!(all.join("\n"), @r"
        Records: missing; the event is a list
        Records: missing; the event is a string
        Records: missing; the event is an empty object
        Records: must be a list, and is an object
        Records: missing; its fields are `k\n0`, `k\n1`, `k\n2`, `k\n3`, `k\n4`, `k\n5`, `k\n6`, `k\n7`, and 9992 more
        ");
    }
}
