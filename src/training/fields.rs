//! The fields of `CreateTrainingJob`: a table of ours, by which what is asked of SageMaker is checked before anybody waits for it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::near::nearest;
use crate::shown::quoted;

/// The table, a line a field; it says itself where it is from.
const TEXT: &str = include_str!("fields/create_training_job.txt");

/// What sgbuild itself says, or [`combinations`](super::combinations) in better words: nobody else need say it.
const SAID: [&str; 10] = [
    "AlgorithmSpecification.TrainingInputMode",
    "CheckpointConfig.S3Uri",
    "InputDataConfig[].DataSource",
    "InputDataConfig[].DataSource.S3DataSource.S3DataType",
    "InputDataConfig[].DataSource.S3DataSource.S3Uri",
    "OutputDataConfig",
    "OutputDataConfig.S3OutputPath",
    "RoleArn",
    "TrainingJobName",
    "VpcConfig",
];

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where it is, such as `InputDataConfig[0].ContentType`.
    pub(crate) path: String,
    /// The part of a sentence that follows it: `has 300 characters: 256 at most`.
    pub(crate) what: String,
}

impl Problem {
    pub(crate) fn new(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            what: what.into(),
        }
    }
}

/// A field of the table.
#[derive(Debug)]
struct Field {
    is_required: bool,
    /// `object`, `list`, `map`, `string`, `number` or `boolean`.
    kind: &'static str,
    least: Option<u64>,
    most: Option<u64>,
    /// The values it can have; empty where it may have others.
    choices: Vec<&'static str>,
}

impl Field {
    fn object() -> Self {
        Self {
            is_required: false,
            kind: "object",
            least: None,
            most: None,
            choices: Vec::new(),
        }
    }
}

/// Every field by its path.
static TABLE: LazyLock<BTreeMap<&'static str, Field>> = LazyLock::new(|| TEXT.lines().filter_map(field).collect());

fn field(line: &'static str) -> Option<(&'static str, Field)> {
    let mut words = line.split(' ');
    let path = words.next().filter(|path| !path.starts_with('#'))?;
    let mut field = Field {
        is_required: path.ends_with('!'),
        kind: words.next()?,
        least: None,
        most: None,
        choices: Vec::new(),
    };
    for word in words {
        match word.split_once("..") {
            Some((least, most)) => (field.least, field.most) = (least.parse().ok(), most.parse().ok()),
            None => field.choices = word.split('|').collect(),
        }
    }
    Some((path.trim_end_matches('!'), field))
}

/// The names of the fields of the object at `path`, which is empty for the request itself.
fn members(path: &str) -> impl Iterator<Item = (&'static str, &'static Field)> {
    TABLE.iter().filter_map(move |(other, field)| {
        let rest = other.strip_prefix(path)?;
        let name = if path.is_empty() { rest } else { rest.strip_prefix('.')? };
        (!name.contains(['.', '[', '{'])).then_some((name, field))
    })
}

/// The JSON schema of what a request may have, without what `is_left_out` by its path.
pub(crate) fn schema(is_left_out: &dyn Fn(&str) -> bool) -> Value {
    schema_of("", &Field::object(), is_left_out)
}

fn schema_of(path: &str, field: &Field, is_left_out: &dyn Fn(&str) -> bool) -> Value {
    let below = |suffix: &str| {
        let path = format!("{path}{suffix}");
        TABLE
            .get(path.as_str())
            .map(|field| schema_of(&path, field, is_left_out))
    };
    let (least, most) = match field.kind {
        "string" => ("minLength", "maxLength"),
        "list" => ("minItems", "maxItems"),
        "map" => ("minProperties", "maxProperties"),
        _ => ("minimum", "maximum"),
    };
    let mut schema = match field.kind {
        "object" => {
            let properties = members(path).map(|(name, field)| (name, join(path, name), field));
            let properties = properties.filter(|(_, path, _)| !is_left_out(path));
            let properties: Map<String, Value> = properties
                .map(|(name, path, field)| (name.to_owned(), schema_of(&path, field, is_left_out)))
                .collect();
            json!({ "type": "object", "additionalProperties": false, "properties": properties })
        }
        "list" => json!({ "type": "array", "items": below("[]") }),
        "map" => json!({ "type": "object", "additionalProperties": below("{}") }),
        "number" => json!({ "type": "integer" }),
        kind => json!({ "type": kind }),
    };
    for (name, limit) in [(least, field.least), (most, field.most)] {
        if let Some(limit) = limit {
            schema[name] = json!(limit);
        }
    }
    if !field.choices.is_empty() {
        schema["enum"] = json!(field.choices);
    }
    schema
}

/// What SageMaker would not understand of a part of `CreateTrainingJob`: fields that it does not have, values of another type or beyond
/// its limits, and objects that lack what they need.
pub(crate) fn check(part: &Map<String, Value>) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_object(part, "", "", &mut problems);
    problems
}

fn check_object(object: &Map<String, Value>, path: &str, place: &str, problems: &mut Vec<Problem>) {
    for (name, value) in object {
        let (path, place) = (join(path, name), join(place, name));
        match TABLE.get(path.as_str()) {
            Some(field) => check_value(field, value, &path, &place, problems),
            None => problems.push(Problem::new(place, unknown(name, &path))),
        }
    }
    // `VpcConfig` is told by its name, as both of its fields are settings.
    let lacking = members(path).filter(|(name, field)| {
        let is_said = || SAID.contains(&path) || SAID.contains(&join(path, name).as_str());
        field.is_required && !object.contains_key(*name) && !is_said()
    });
    problems.extend(lacking.map(|(name, _)| Problem::new(place, format!("lacks {}", quoted(name)))));
}

fn check_value(field: &Field, value: &Value, path: &str, place: &str, problems: &mut Vec<Problem>) {
    match (field.kind, value) {
        ("object", Value::Object(object)) => check_object(object, path, place, problems),
        ("map", Value::Object(entries)) => {
            problems.extend(beyond(field, entries.len() as u64, "entries").map(|what| Problem::new(place, what)));
            check_items(
                &format!("{path}{{}}"),
                entries.iter().map(|(name, value)| (join(place, name), value)),
                problems,
            );
        }
        ("list", Value::Array(items)) => {
            problems.extend(beyond(field, items.len() as u64, "items").map(|what| Problem::new(place, what)));
            let items = items.iter().enumerate();
            check_items(
                &format!("{path}[]"),
                items.map(|(number, item)| (format!("{place}[{number}]"), item)),
                problems,
            );
        }
        ("string", Value::String(text)) => {
            problems.extend(wrong_text(field, text).map(|what| Problem::new(place, what)));
        }
        ("number", Value::Number(number)) if number.is_i64() || number.is_u64() => {
            // No number of a request is below zero.
            let wrong = number
                .as_u64()
                .map_or_else(|| Some("is less than 0".to_owned()), |number| outside(field, number));
            problems.extend(wrong.map(|what| Problem::new(place, what)));
        }
        ("boolean", Value::Bool(_)) => {}
        (expected, other) => {
            problems.push(Problem::new(
                place,
                format!("is {}, and {} is expected", kind(other), with_article(expected)),
            ));
        }
    }
}

fn check_items<'a>(path: &str, items: impl Iterator<Item = (String, &'a Value)>, problems: &mut Vec<Problem>) {
    let Some(field) = TABLE.get(path) else { return };
    for (place, value) in items {
        check_value(field, value, path, &place, problems);
    }
}

fn unknown(name: &str, path: &str) -> String {
    let parent = path.strip_suffix(name).unwrap_or_default().trim_end_matches('.');
    match nearest(name, members(parent).map(|(name, _)| name)) {
        Some(meant) => format!(
            "is no field of CreateTrainingJob; did you mean {}?",
            quoted(&join(parent, meant))
        ),
        None => "is no field of CreateTrainingJob".to_owned(),
    }
}

fn beyond(field: &Field, count: u64, what: &str) -> Option<String> {
    let problem = outside(field, count)?;
    Some(format!(
        "has {count} {what}: {}",
        problem.split_once(": ").map_or("", |(_, limit)| limit)
    ))
}

fn outside(field: &Field, number: u64) -> Option<String> {
    let limit = match (field.least, field.most) {
        (Some(least), _) if number < least => format!("{least} or more"),
        (_, Some(most)) if number > most => format!("{most} at most"),
        _ => return None,
    };
    Some(format!("is {number}: {limit}"))
}

fn wrong_text(field: &Field, text: &str) -> Option<String> {
    if !field.choices.is_empty() && !field.choices.contains(&text) {
        return Some(format!(
            "is {}, and one of {} is expected",
            quoted(text),
            field.choices.join(", ")
        ));
    }
    beyond(field, text.chars().count() as u64, "characters")
}

/// The type of a value, for people.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn with_article(kind: &str) -> &'static str {
    match kind {
        "object" | "map" => "a table",
        "list" => "a list",
        "number" => "a whole number",
        "boolean" => "true or false",
        _ => "a string",
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// A value that is no object, list or map, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf<'a> {
    /// Its path in the table, such as `InputDataConfig[].ContentType`.
    pub(crate) path: String,
    /// Where it is, such as `InputDataConfig[0].ContentType`.
    pub(crate) place: String,
    /// The value.
    pub(crate) value: &'a Value,
}

/// Every value of a part of the request, in the request's order.
pub(crate) fn leaves(part: &Map<String, Value>) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    for (name, value) in part {
        add_leaves(value, name.clone(), name.clone(), &mut found);
    }
    found
}

fn add_leaves<'a>(value: &'a Value, path: String, place: String, found: &mut Vec<Leaf<'a>>) {
    match value {
        Value::Object(object) => {
            let is_map = TABLE.get(path.as_str()).is_some_and(|field| field.kind == "map");
            for (name, value) in object {
                let path = if is_map {
                    format!("{path}{{}}")
                } else {
                    join(&path, name)
                };
                add_leaves(value, path, join(&place, name), found);
            }
        }
        Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                add_leaves(value, format!("{path}[]"), format!("{place}[{number}]"), found);
            }
        }
        value => found.push(Leaf { path, place, value }),
    }
}

/// The value at a path of names, such as `ResourceConfig.InstanceGroups`.
pub(crate) fn get<'a>(part: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = part.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// A part of the request that says `value` at `path`.
pub(crate) fn put(path: &str, value: Value) -> Map<String, Value> {
    let mut names = path.rsplit('.');
    let last = names.next().unwrap_or_default();
    let innermost = Map::from_iter([(last.to_owned(), value)]);
    names.fold(innermost, |inner, name| {
        Map::from_iter([(name.to_owned(), Value::Object(inner))])
    })
}

/// Lays `part` over `request`: objects into one another, the items of channels by the channel's name, other lists behind one another.
pub(crate) fn merge(request: &mut Map<String, Value>, part: Map<String, Value>) {
    for (name, value) in part {
        match (request.get_mut(&name), value) {
            (Some(Value::Object(there)), Value::Object(object)) => merge(there, object),
            (Some(Value::Array(there)), Value::Array(items)) => {
                for item in items {
                    merge_item(there, item);
                }
            }
            (_, value) => drop(request.insert(name, value)),
        }
    }
}

fn merge_item(there: &mut Vec<Value>, item: Value) {
    let name = item.get("ChannelName").cloned();
    let same = name.and_then(|name| there.iter_mut().find(|other| other.get("ChannelName") == Some(&name)));
    match (same, item) {
        (Some(Value::Object(same)), Value::Object(item)) => merge(same, item),
        (_, item) => there.push(item),
    }
}

#[cfg(test)]
mod tests;
