//! The section of settings that `sgbuild init` writes: in TOML for pyproject.toml, else as setup.cfg has it.

use toml::Value;

use crate::settings::Definition;

/// The settings that nearly everybody sets.
const USUAL: [&str; 13] = [
    "repository",
    "region",
    "function",
    "source-bucket",
    "output-bucket",
    "role",
    "instance-type",
    "max-runtime",
    "python-version",
    "base-image",
    "system-packages",
    "requirements",
    "environment",
];

/// The file that has the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `[tool.sgbuild]` of pyproject.toml.
    Toml,
    /// `[sgbuild]` of setup.cfg, which is what a project without a pyproject.toml has: such a file would have pip build it another way.
    Cfg,
}

impl Form {
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Toml => "pyproject.toml",
            Self::Cfg => "setup.cfg",
        }
    }

    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Toml => "[tool.sgbuild]",
            Self::Cfg => "[sgbuild]",
        }
    }

    fn written(self, value: &Value) -> String {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        match (self, value) {
            (Self::Toml, _) => value.to_string(),
            (Self::Cfg, Value::Array(items)) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
            (Self::Cfg, Value::Table(pairs)) => {
                let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", plain(value)));
                pairs.collect::<Vec<_>>().join("\n    ")
            }
            (Self::Cfg, value) => plain(value),
        }
    }
}

/// What is known of the project.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The function that trains, where nothing else says it.
    pub(super) train: Option<String>,
    /// Its repository.
    pub(super) repository: Option<String>,
    /// A file that pins what is installed.
    pub(super) lock: Option<String>,
}

/// The section: what is known is set, all else is a comment that can be set by taking away its `# `.
pub(super) fn section(form: Form, known: &Known) -> String {
    let mut lines = vec![
        form.section().to_owned(),
        "# `sgbuild settings` shows every setting, `sgbuild settings --explain NAME` all about one.".to_owned(),
    ];
    let mut add = |key: &str, value: Option<&String>, is_set: bool| {
        let Ok(definition) = Definition::called(key) else {
            return;
        };
        let value = value.map(|text| Value::String(text.clone()));
        let Some(value) = value.or_else(|| example(definition)) else {
            return;
        };
        let mark = if is_set { "" } else { "# " };
        let value = form.written(&value).replace('\n', &format!("\n{mark}"));
        lines.push(String::new());
        lines.push(format!("# {}.", definition.help()));
        lines.push(format!("{mark}{key} = {value}"));
    };
    if known.train.is_some() {
        add("train", known.train.as_ref(), true);
    }
    for key in USUAL {
        match key {
            "repository" => add(key, known.repository.as_ref(), known.repository.is_some()),
            "requirements" => add(key, known.lock.as_ref(), false),
            _ => add(key, None, false),
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn example(definition: &Definition) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("value = {}", definition.example())).ok()?;
    table.get("value").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Environment, Origin, Settings};

    #[test]
    fn every_line_can_be_set_by_taking_its_mark_away() {
        let known = Known {
            train: Some("pkg.mod:train".to_owned()),
            repository: Some("team/pkg".to_owned()),
            lock: None,
        };
        for form in [Form::Toml, Form::Cfg] {
            let text = section(form, &known);
            let is_setting = |line: &str| {
                line.split_once(" = ")
                    .is_some_and(|(key, _)| !key.trim_start_matches("# ").contains(' '))
            };
            let set: Vec<_> = text
                .lines()
                .map(|line| match line.strip_prefix("# ") {
                    Some(bare) if is_setting(line) => bare,
                    _ => line,
                })
                .collect();
            for (text, count) in [(text.clone(), 2), (set.join("\n"), 1 + USUAL.len())] {
                let root = tempfile::tempdir().unwrap();
                std::fs::write(root.path().join(form.file()), &text).unwrap();
                let settings = Settings::resolve(root.path(), Vec::new(), Environment::default());
                let settings = settings.unwrap_or_else(|error| panic!("{text}\n{error}"));
                let found = settings.all().filter_map(|(_, setting)| setting);
                let of_file = found.filter(|setting| matches!(setting.origin, Origin::File { .. }));
                assert_eq!(of_file.count(), count, "{text}");
            }
        }
    }
}
