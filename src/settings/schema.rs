//! `[tool.sgbuild]` as a [JSON schema](https://json-schema.org/draft-07/json-schema-release-notes), for editors that know of it: in the form of
//! [SchemaStore](https://github.com/SchemaStore/schemastore/blob/master/CONTRIBUTING.md#pyprojecttoml)'s partial schemas of `pyproject.toml`.

use serde_json::{Map, Value, json};

use super::definition::{DecidedBy, Definition, Fixed, Kind};
use super::table::{PYTHON_VERSION, TABLE};
use crate::training::parts::table_schema;

/// Where it is to be found.
const ID: &str = "https://json.schemastore.org/partial-sgbuild.json";

/// The schema of the table: the settings that a file of the project may decide, and no others.
#[must_use]
pub fn schema() -> Value {
    let of_files = TABLE
        .iter()
        .filter(|definition| definition.decided_by == DecidedBy::Anyone);
    let properties: Map<String, Value> = of_files
        .map(|definition| (definition.key.to_owned(), property(definition)))
        .collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ID,
        "title": "sgbuild",
        "description": "How a package becomes a training image for Amazon SageMaker: [tool.sgbuild] of pyproject.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(definition: &Definition) -> Value {
    let mut property = match definition.kind {
        Kind::Text | Kind::File => json!({ "type": "string" }),
        Kind::Number => json!({ "type": "integer", "minimum": definition.least }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::List => json!({ "type": ["string", "array"], "items": { "type": "string" } }),
        Kind::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Fields => table_schema(),
    };
    if definition.key == PYTHON_VERSION.name() {
        // `3.11` is a number to TOML.
        property["type"] = json!(["string", "number"]);
    }
    if definition.kind == Kind::Number && definition.most < u64::MAX {
        property["maximum"] = json!(definition.most);
    }
    if !definition.choices.is_empty() {
        property["enum"] = json!(definition.choices);
    }
    property["description"] = json!(description(definition));
    match definition.default {
        Some(Fixed::Text(text)) => property["default"] = json!(text),
        Some(Fixed::Number(number)) => property["default"] = json!(number),
        Some(Fixed::Switch(on)) => property["default"] = json!(on),
        None => {}
    }
    if let Some(example) = of_toml(definition.example()) {
        property["examples"] = json!([example]);
    }
    property
}

/// What it means, where the document that says so is not at hand.
fn description(definition: &Definition) -> String {
    let is_whole = |text: &&str| !text.contains("see ") && !text.contains("](");
    match definition.documented.filter(is_whole) {
        Some(documented) => documented.replace('`', ""),
        None => definition.help().into_owned(),
    }
}

/// A value in TOML as JSON.
fn of_toml(text: &str) -> Option<Value> {
    let document: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    serde_json::to_value(document.get("value")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_that_is_published_is_the_one_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sgbuild.schema.json");
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(kept, schema(), "`sgbuild settings --schema > docs/sgbuild.schema.json`");
    }
}
