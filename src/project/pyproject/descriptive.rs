//! The descriptive fields of `[project]`, turned into the keywords that `setup()` would have got.
//! <https://packaging.python.org/en/latest/specifications/pyproject-toml/>

use std::path::Path;

use super::Pyproject;
use crate::project::Error;
use crate::project::descriptive::{contained, lines};
use crate::project::file_directive::read_files;
use crate::project::value::{Evaluated, Place, Value};

/// The content type that setuptools assumes of a dynamic readme.
const DEFAULT_CONTENT_TYPE: &str = "text/x-rst";

impl Pyproject {
    /// Reads a descriptive field of `[project]`; others are ignored.
    pub(super) fn descriptive(&mut self, root: &Path, key: &str, value: &Value) -> Result<(), Error> {
        match key {
            "readme" => self.readme(root, value),
            "license" => self.license(root, value),
            "authors" => {
                self.people("author", value);
                Ok(())
            }
            "maintainers" => {
                self.people("maintainer", value);
                Ok(())
            }
            "keywords" | "classifiers" => {
                self.draft.set(key, value.clone());
                Ok(())
            }
            "urls" => {
                self.draft.set("project_urls", value.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn readme(&mut self, root: &Path, value: &Value) -> Result<(), Error> {
        let file = value.as_str().or_else(|| value.get("file").and_then(Value::as_str));
        self.readme = file.map(str::to_owned);
        self.draft.referenced.extend(self.readme.clone());
        let content_type = match value.as_str() {
            Some(file) => content_type_of(file).map(|known| Value::str(known, value.place)),
            None => value.get("content-type").cloned(),
        };
        if let Some(content_type) = content_type {
            self.draft.set("long_description_content_type", content_type);
        }
        let text = match (value.get("text"), file) {
            (Some(text), _) => Ok(text.clone()),
            (None, Some(file)) => text_of(root, file, value.place)?,
            (None, None) => return Ok(()),
        };
        self.draft.fields.insert("long_description".to_owned(), text);
        Ok(())
    }

    fn license(&mut self, root: &Path, value: &Value) -> Result<(), Error> {
        if value.as_str().is_some() {
            self.draft.set("license_expression", value.clone());
        } else if let Some(text) = value.get("text") {
            self.draft.set("license", text.clone());
        } else if let Some(file) = value.get("file").and_then(Value::as_str) {
            self.draft.referenced.push(file.to_owned());
            let text = text_of(root, file, value.place)?;
            self.draft.fields.insert("license".to_owned(), text);
        }
        Ok(())
    }

    /// Authors or maintainers: those with an address go into the field of addresses (`name <address>`), the others into that of names.
    fn people(&mut self, keyword: &str, listed: &Value) {
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        for person in listed.items().unwrap_or_default() {
            let part = |key: &str| person.get(key).and_then(Value::as_str);
            match (part("name"), part("email")) {
                (Some(name), Some(email)) => addresses.push(address(name, email)),
                (Some(name), None) => names.push(name.to_owned()),
                (None, Some(email)) => addresses.push(email.to_owned()),
                (None, None) => {}
            }
        }
        let fields = [(keyword.to_owned(), names), (format!("{keyword}_email"), addresses)];
        for (field, people) in fields.into_iter().filter(|(_, people)| !people.is_empty()) {
            self.draft.set(&field, Value::str(people.join(", "), listed.place));
        }
    }

    /// `[tool.setuptools.dynamic] readme`.
    pub(super) fn dynamic_readme(&mut self, root: &Path, directive: &Value) -> Result<(), Error> {
        let content_type = directive.get("content-type").and_then(Value::as_str);
        let content_type = Value::str(content_type.unwrap_or(DEFAULT_CONTENT_TYPE), directive.place);
        self.draft.set("long_description_content_type", content_type);
        let text = contained(self.file(root, directive), "readme", directive.place)?;
        self.draft.fields.insert("long_description".to_owned(), text);
        Ok(())
    }

    /// `[tool.setuptools.dynamic] classifiers`: a line each.
    pub(super) fn dynamic_classifiers(&mut self, root: &Path, directive: &Value) -> Result<(), Error> {
        let at = directive.place;
        let text = contained(self.file(root, directive), "classifiers", at)?;
        let listed = text.and_then(|text| lines(text.as_str().unwrap_or_default(), "classifiers", at));
        self.draft.fields.insert("classifiers".to_owned(), listed);
        Ok(())
    }
}

fn text_of(root: &Path, file: &str, at: Place) -> Result<Evaluated, Error> {
    let text = read_files(root, &[file], at).map(|(text, _)| text);
    contained(text, file, at)
}

/// The content type that a readme's name stands for; `None` for one without an ending.
fn content_type_of(file: &str) -> Option<&'static str> {
    let ending = Path::new(file).extension()?.to_str()?.to_lowercase();
    match ending.as_str() {
        "md" => Some("text/markdown"),
        "rst" => Some("text/x-rst"),
        "txt" => Some("text/plain"),
        _ => None,
    }
}

/// `name <email>`, the name quoted where it has characters that are special in a
/// [header](https://www.rfc-editor.org/rfc/rfc5322#section-3.2.3).
fn address(name: &str, email: &str) -> String {
    if name.is_empty() {
        return email.to_owned();
    }
    if !name.contains(['(', ')', '<', '>', '@', ':', ';', '.', ',', '\\', '"', '[', ']']) {
        return format!("{name} <{email}>");
    }
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{quoted}\" <{email}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(address("Ann Lee", "a@b.c"), "Ann Lee <a@b.c>");
        assert_eq!(address("", "a@b.c"), "a@b.c");
        assert_eq!(address("Dr. \"A\" \\", "a@b.c"), "\"Dr. \\\"A\\\" \\\\\" <a@b.c>");
    }

    #[test]
    fn a_readme_without_an_ending_has_no_content_type() {
        assert_eq!(content_type_of("docs/README.MD"), Some("text/markdown"));
        assert_eq!(content_type_of("a.rst/README"), None);
    }
}
