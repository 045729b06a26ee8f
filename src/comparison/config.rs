//! How two images are run ([the config](https://github.com/opencontainers/image-spec/blob/main/config.md#properties)).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::engine::native::LAYERS_LABEL;
use crate::engine::native::base::Image;

/// The fields of a config that say how an image is run, and what people call them.
const FIELDS: [(&str, &str); 10] = [
    ("Entrypoint", "entry point"),
    ("Cmd", "command"),
    ("User", "user"),
    ("WorkingDir", "working directory"),
    ("ExposedPorts", "ports"),
    ("Volumes", "volumes"),
    ("StopSignal", "stop signal"),
    ("Healthcheck", "health check"),
    ("Shell", "shell"),
    ("OnBuild", "on build"),
];

/// A setting that two images have otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Such as `user`, `environment PATH` or `label org.opencontainers.image.version`.
    pub name: String,
    /// What the one image has; absent where it has nothing.
    pub a: Option<Value>,
    /// What the other has.
    pub b: Option<Value>,
}

/// The settings that differ.
pub(super) fn changes(a: &Image, b: &Image) -> Vec<Setting> {
    let (of_a, of_b) = (settings(a), settings(b));
    let mut names: Vec<&String> = of_a.keys().chain(of_b.keys()).collect();
    names.sort();
    names.dedup();
    let compared = names.into_iter().map(|name| Setting {
        name: name.clone(),
        a: of_a.get(name).cloned(),
        b: of_b.get(name).cloned(),
    });
    compared.filter(|setting| setting.a != setting.b).collect()
}

fn settings(image: &Image) -> BTreeMap<String, Value> {
    let config = image.config.get("config").unwrap_or(&Value::Null);
    let mut settings = BTreeMap::from([("platform".to_owned(), Value::from(image.platform.to_string()))]);
    for (field, name) in FIELDS {
        let value = config.get(field).filter(|value| says_something(value));
        settings.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    let environment = config.get("Env").and_then(Value::as_array).into_iter().flatten();
    for (name, value) in environment.filter_map(|set| set.as_str()?.split_once('=')) {
        settings.insert(format!("environment {name}"), Value::from(value));
    }
    let labels = config.get("Labels").and_then(Value::as_object).into_iter().flatten();
    // What layers are made of is told by what is in them.
    let labels = labels.filter(|(name, _)| *name != LAYERS_LABEL);
    settings.extend(labels.map(|(name, value)| (format!("label {name}"), value.clone())));
    settings
}

/// Nothing may be said in many ways.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}
