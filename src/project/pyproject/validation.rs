//! Values of `[project]` that setuptools' validation may refuse, or that it reads in a way that is not modelled here.
//! <https://packaging.python.org/en/latest/specifications/pyproject-toml/>

use crate::project::license;
use crate::project::value::{Kind, Value};

/// The first value of `[project]` that setuptools may refuse, and why.
pub(crate) fn doubtful(project: &Value) -> Option<(&Value, &'static str)> {
    let entries = project.entries()?;
    if let Some(license) = project.get("license").filter(|license| license.as_str().is_none())
        && project.get("license-files").is_some()
    {
        return Some((license, "is a table beside license-files"));
    }
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
            (Some("name"), Some(name)) => !name.contains(['\r', '\n']),
            _ => false,
        };
        person
            .entries()
            .is_some_and(|all| !all.is_empty() && all.iter().all(known))
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
        "urls" => table_of(&|url| url.as_str().is_some_and(is_url)),
        "readme" => is_readme(value),
        "license" => match &value.kind {
            Kind::Str(expression) => license::normalized(expression).is_some(),
            _ => one_of(value, &["file", "text"]),
        },
        "authors" | "maintainers" => value.items().is_some_and(|people| people.iter().all(is_person)),
        _ => false,
    };
    (!right).then_some("is not of the form that is certain to be accepted")
}

fn is_readme(value: &Value) -> bool {
    if let Kind::Str(file) = &value.kind {
        // Without a content type, setuptools refuses a readme whose ending tells none.
        let name = file.rsplit('/').next().unwrap_or(file).to_lowercase();
        let ending = name.trim_start_matches('.').rsplit_once('.').map(|(_, ending)| ending);
        return ending.is_none_or(|ending| ["md", "rst", "txt"].contains(&ending));
    }
    let content = value.get("content-type").is_some_and(|kind| kind.as_str().is_some());
    let is_text = |key: &str| value.get(key).is_some_and(|given| given.as_str().is_some());
    content && (is_text("file") != is_text("text")) && (value.get("file").is_some() != value.get("text").is_some())
}

/// Whether Python's `urlparse` certainly finds a scheme and a host.
fn is_url(url: &str) -> bool {
    let scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let Some((before, rest)) = url.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    scheme(before) && !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '[' | ']'))
}

fn one_of(table: &Value, keys: &[&str]) -> bool {
    let Some([(key, value)]) = table.entries() else {
        return false;
    };
    key.as_str().is_some_and(|key| keys.contains(&key)) && value.as_str().is_some()
}

fn plain_address(address: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+');
    let part = |text: &str| text.split('.').all(|part| !part.is_empty() && part.chars().all(plain));
    address
        .split_once('@')
        .is_some_and(|(user, host)| part(user) && part(host))
}
