//! `json`.

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::effort;
use super::super::object::{Content, Form, Object, Position};
use super::super::shared::Shared;
use super::super::weight::size_of_items;

/// Characters of JSON that are read: of brackets alone, each becomes a list.
const MAX_JSON: usize = 1_000_000;

/// `json.loads(s)`.
pub(super) fn loads(arguments: &Arguments, place: Place) -> Option<Form> {
    if !arguments.named.iter().all(is_ordered_hook) {
        return None;
    }
    arguments.text(0, "s").and_then(|text| parsed(text, place))
}

/// `json.load(file)`.
pub(super) fn load(arguments: &Arguments, place: Place) -> Option<Form> {
    if !arguments.named.iter().all(is_ordered_hook) {
        return None;
    }
    let Some(Form::File(file)) = arguments.positional.first().map(|file| &file.form) else {
        return None;
    };
    match &file.content {
        Content::Text(text) if file.position.replace(Position::End) == Position::Start => parsed(text, place),
        _ => None,
    }
}

/// `object_pairs_hook=OrderedDict`, which keeps what is there.
fn is_ordered_hook((name, value): &(String, Object)) -> bool {
    let is_ordered = matches!(&value.form, Form::Library(class) if &**class == "collections.OrderedDict");
    name == "object_pairs_hook" && is_ordered
}

fn parsed(text: &str, place: Place) -> Option<Form> {
    if text.len() > MAX_JSON {
        return None;
    }
    effort::bytes(size_of_items(text.len() / 2))?;
    effort::work(text.len())?;
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    form(&value, place)
}

fn form(value: &serde_json::Value, place: Place) -> Option<Form> {
    let object = |value: &serde_json::Value| Some(Object::new(form(value, place)?, place));
    Some(match value {
        serde_json::Value::Null => Form::None,
        serde_json::Value::Bool(value) => Form::Bool(*value),
        // Of large integers and fractions the last digit may be another one.
        serde_json::Value::Number(number) => Form::Int(number.as_i64()?),
        serde_json::Value::String(text) => Form::text(text),
        serde_json::Value::Array(items) => Form::List(Shared::new(items.iter().map(object).collect::<Option<_>>()?)),
        serde_json::Value::Object(entries) => {
            let entry = |(key, value): (&String, &serde_json::Value)| Some((Object::str(key, place), object(value)?));
            Form::Dict(Shared::new(entries.iter().map(entry).collect::<Option<_>>()?))
        }
    })
}
