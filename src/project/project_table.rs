//! What setuptools' validation of `[project]` would complain about, or what it reads in a way that is not modelled here.
//! <https://packaging.python.org/en/latest/specifications/pyproject-toml/>

use super::value::{Kind, Value};

/// License expressions that are certainly valid; others are left to setuptools, which knows the whole SPDX list.
const LICENSES: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "GPL-2.0-only",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "ISC",
    "LGPL-3.0-only",
    "MIT",
    "MPL-2.0",
    "Unlicense",
];

/// The first value of `[project]` that setuptools may refuse, and why.
pub(crate) fn doubtful(project: &Value) -> Option<(&Value, &'static str)> {
    let entries = project.entries()?;
    for (key, value) in entries {
        if let Some(reason) = complaint(key.as_str().unwrap_or_default(), value) {
            return Some((value, reason));
        }
    }
    let dynamic = project.get("dynamic")?;
    let declared_twice = |field: &String| field == "name" || project.get(field).is_some();
    dynamic
        .strings()?
        .iter()
        .any(declared_twice)
        .then_some((dynamic, "lists a field that is also given"))
}

fn complaint(key: &str, value: &Value) -> Option<&'static str> {
    let text = value.as_str().is_some();
    let texts = value.strings().is_some();
    let table_of = |of: &dyn Fn(&Value) -> bool| value.entries().is_some_and(|all| all.iter().all(|(_, v)| of(v)));
    let is_text = |value: &Value| value.as_str().is_some();
    let is_scripts = |value: &Value| value.entries().is_some_and(|all| all.iter().all(|(_, v)| is_text(v)));
    let is_person = |person: &Value| {
        let known = |(key, value): &(Value, Value)| match (key.as_str(), value.as_str()) {
            (Some("email"), Some(address)) => plain_address(address),
            (Some("name"), Some(_)) => true,
            _ => false,
        };
        person.entries().is_some_and(|all| all.iter().all(known))
    };
    let right = match key {
        "name" | "version" | "description" | "requires-python" => text,
        "dependencies" | "dynamic" | "keywords" | "classifiers" | "license-files" => texts,
        "optional-dependencies" => {
            let plain = |(extra, listed): &(Value, Value)| extra.as_str().is_some() && listed.strings().is_some();
            value.entries().is_some_and(|all| all.iter().all(plain))
        }
        "scripts" | "gui-scripts" => is_scripts(value),
        "entry-points" => table_of(&is_scripts),
        "urls" => table_of(&|url| url.as_str().is_some_and(|url| url.contains("://"))),
        "readme" => is_readme(value),
        "license" => match &value.kind {
            Kind::Str(expression) => LICENSES.contains(&expression.as_str()),
            _ => one_of(value, &["file", "text"]),
        },
        "authors" | "maintainers" => value.items().is_some_and(|people| people.iter().all(is_person)),
        _ => false,
    };
    (!right).then_some("is not of the form that is certain to be accepted")
}

fn is_readme(value: &Value) -> bool {
    let known_ending = |file: &str| {
        [".md", ".rst", ".txt"]
            .iter()
            .any(|ending| file.to_lowercase().ends_with(ending))
    };
    if let Kind::Str(file) = &value.kind {
        return known_ending(file);
    }
    let content = value.get("content-type").is_some_and(|kind| kind.as_str().is_some());
    content && (value.get("file").is_some() != value.get("text").is_some())
}

fn one_of(table: &Value, keys: &[&str]) -> bool {
    let Some([(key, value)]) = table.entries() else {
        return false;
    };
    key.as_str().is_some_and(|key| keys.contains(&key)) && value.as_str().is_some()
}

fn plain_address(address: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    let part = |part: &str| !part.is_empty() && part.chars().all(plain);
    address
        .split_once('@')
        .is_some_and(|(user, host)| part(user) && part(host) && host.contains('.'))
}
