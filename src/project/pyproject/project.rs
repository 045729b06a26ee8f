//! `[project]`, and what `[tool.setuptools.dynamic]` says for it.
//! <https://packaging.python.org/en/latest/specifications/pyproject-toml/>

use std::path::Path;

use super::{Pyproject, local_urls, wrong};
use crate::project::Error;
use crate::project::attr::read_attr;
use crate::project::descriptive::contained;
use crate::project::file_directive::read_files;
use crate::project::value::{Kind, Value, string_map};

impl Pyproject {
    pub(super) fn project(&mut self, root: &Path, project: &Value, directives: &Value) -> Result<(), Error> {
        let mut entry_points = Vec::new();
        for (key, value) in project
            .entries()
            .ok_or_else(|| wrong(project, "[project] is not a table".to_owned()))?
        {
            let key_text = key.as_str().unwrap_or_default();
            match key_text {
                "name" | "version" | "description" => self.draft.set(key_text, value.clone()),
                "requires-python" => self.draft.set("python_requires", value.clone()),
                "dependencies" => self.requirements("install_requires", root, value),
                "optional-dependencies" => self.requirements("extras_require", root, value),
                "scripts" => entry_points.push((Value::str("console_scripts", value.place), value.clone())),
                "gui-scripts" => entry_points.push((Value::str("gui_scripts", value.place), value.clone())),
                "entry-points" => entry_points.extend(value.entries().unwrap_or_default().iter().cloned()),
                "license-files" => self.draft.set("license_files", value.clone()),
                "readme" | "license" | "authors" | "maintainers" | "keywords" | "classifiers" | "urls" => {
                    self.descriptive(root, key_text, value)?;
                }
                "dynamic" => {
                    self.dynamic = value
                        .strings()
                        .ok_or_else(|| wrong(value, "dynamic is not a list".to_owned()))?;
                }
                _ => self.draft.give_up(
                    &format!("[project] {key_text}"),
                    key.place,
                    "is not a key of the specification",
                ),
            }
        }
        if !entry_points.is_empty() {
            let place = entry_points[0].1.place;
            self.draft
                .set("entry_points", Value::new(Kind::Dict(entry_points), place));
        }
        self.directives(root, directives)
    }

    fn requirements(&mut self, keyword: &str, root: &Path, value: &Value) {
        let expanded = local_urls::expanded(value, self.backend.as_deref(), root);
        self.draft.fields.insert(keyword.to_owned(), expanded);
    }

    /// `[tool.setuptools.dynamic]`, for the fields that `dynamic` lists.
    fn directives(&mut self, root: &Path, directives: &Value) -> Result<(), Error> {
        for (key, directive) in directives.entries().unwrap_or_default() {
            let field = key.as_str().unwrap_or_default();
            if !self.dynamic.iter().any(|listed| listed == field) {
                continue;
            }
            let at = directive.place;
            match field {
                "version" => self.dynamic_version(root, directive)?,
                "dependencies" => {
                    let text = self.file(root, directive)?;
                    self.draft.set("install_requires", Value::str(text, at));
                }
                "optional-dependencies" => {
                    let mut extras = Vec::new();
                    for (extra, directive) in directive.entries().unwrap_or_default() {
                        extras.push((extra.clone(), Value::str(self.file(root, directive)?, directive.place)));
                    }
                    self.draft.set("extras_require", Value::new(Kind::Dict(extras), at));
                }
                "description" => {
                    let text = contained(self.file(root, directive), "description", at)?;
                    self.draft.fields.insert("description".to_owned(), text);
                }
                "entry-points" => {
                    let text = self.file(root, directive)?;
                    self.draft.set("entry_points", Value::str(text, at));
                }
                "readme" => self.dynamic_readme(root, directive)?,
                "classifiers" => self.dynamic_classifiers(root, directive)?,
                _ => self.draft.give_up(
                    &format!("[tool.setuptools.dynamic] {field}"),
                    at,
                    "is not read statically",
                ),
            }
        }
        Ok(())
    }

    fn dynamic_version(&mut self, root: &Path, directive: &Value) -> Result<(), Error> {
        let at = directive.place;
        let Some(path) = directive.get("attr").and_then(Value::as_str) else {
            let text = self.file(root, directive)?;
            self.draft.set("version", Value::str(text.trim(), at));
            return Ok(());
        };
        let mut package_dir = string_map(self.draft.fields.get("package_dir"));
        let listed = ["packages", "py_modules", "package_dir"]
            .iter()
            .any(|key| self.draft.fields.contains_key(*key));
        if !listed && root.join("src").is_dir() {
            package_dir.insert(String::new(), "src".to_owned());
        }
        let evaluated = read_attr(root, path.trim(), &package_dir, at, &mut self.draft.needs, &self.around)?;
        self.draft.fields.insert("version".to_owned(), evaluated);
        Ok(())
    }

    pub(super) fn file(&mut self, root: &Path, directive: &Value) -> Result<String, Error> {
        let names = match directive.get("file") {
            Some(value) => value
                .as_str()
                .map(|one| vec![one.to_owned()])
                .or_else(|| value.strings()),
            None => None,
        };
        let names = names.ok_or_else(|| wrong(directive, "a dynamic field needs `file` or `attr`".to_owned()))?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (text, read) = read_files(root, &names, directive.place)?;
        self.draft.referenced.extend(read);
        Ok(text)
    }
}
