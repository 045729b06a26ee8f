//! `[tool.setuptools]`.
//! <https://setuptools.pypa.io/en/latest/userguide/pyproject_config.html#setuptools-specific-configuration>

use std::collections::BTreeMap;
use std::path::Path;

use super::Pyproject;
use crate::project::Error;
use crate::project::find_packages::{Find, find_packages};
use crate::project::python_source::identifier;
use crate::project::value::{Kind, Place, Value, string_map};
use crate::project::{data_files, requirement};

impl Pyproject {
    pub(super) fn setuptools(&mut self, root: &Path, table: &Value) -> Result<(), Error> {
        // `find` fills the package directory in, so that comes first.
        let package_dir = table.get("package-dir");
        if let Some(value) = package_dir {
            self.draft.set("package_dir", value.clone());
        }
        for (key, value) in table.entries().unwrap_or_default() {
            let field = key.as_str().unwrap_or_default();
            match field {
                "packages" if value.items().is_some() => self.names(field, value, is_module),
                "packages" => self.find(root, value)?,
                "py-modules" => self.names(field, value, is_module),
                "package-data" | "exclude-package-data" => {
                    let mut declared = value.clone();
                    data_files::name_all_packages(&mut declared);
                    self.draft.set(&field.replace('-', "_"), declared);
                }
                "include-package-data" => self.draft.set("include_package_data", value.clone()),
                "data-files" => self.draft.set("data_files", data_files::expanded(root, value.clone())?),
                "script-files" => self.draft.set("scripts", value.clone()),
                "license-files" => self.tool_license_files(value),
                "platforms" => self.names(field, value, |_| true),
                "provides" | "obsoletes" => self.names(field, value, |name| requirement::name(name, "").is_ok()),
                "ext-modules" => {
                    let reason = format!("{}: ext-modules adds extension sources", value.place);
                    self.draft.backend_sdist.get_or_insert(reason);
                    self.draft
                        .give_up("ext-modules", value.place, "changes what is discovered");
                }
                "package-dir" | "dynamic" | "dependency-links" => {}
                "zip-safe" => self.draft.set("zip_safe", value.clone()),
                "namespace-packages" | "eager-resources" => {
                    let reason = format!("{}: setuptools writes a file of its own for {field}", value.place);
                    self.draft.backend_sdist.get_or_insert(reason);
                }
                _ => self.draft.give_up(
                    &format!("[tool.setuptools] {field}"),
                    key.place,
                    "is not read statically",
                ),
            }
        }
        Ok(())
    }

    /// setuptools refuses license files that `[project]` gives too.
    fn tool_license_files(&mut self, value: &Value) {
        self.draft.set("license_files", value.clone());
        self.tool_license_files = Some(value.place);
    }

    /// A list of names, each as setuptools validates it.
    fn names(&mut self, field: &str, value: &Value, is_right: impl Fn(&str) -> bool) {
        let listed = value.strings();
        if listed.is_some_and(|names| names.iter().all(|name| is_right(name))) {
            self.draft.set(&field.replace('-', "_"), value.clone());
        } else {
            let expression = format!("[tool.setuptools] {field}");
            self.draft.give_up(
                &expression,
                value.place,
                "is not a list of names that is certain to be accepted",
            );
        }
    }

    fn find(&mut self, root: &Path, packages: &Value) -> Result<(), Error> {
        let Some(options) = packages
            .get("find")
            .filter(|_| packages.entries().is_some_and(|e| e.len() == 1))
        else {
            self.draft.give_up(
                "[tool.setuptools] packages",
                packages.place,
                "is neither a list nor find",
            );
            return Ok(());
        };
        let mut find = Find {
            namespaces: true,
            ..Find::default()
        };
        for (key, value) in options.entries().unwrap_or_default() {
            let strings = value.strings();
            match (key.as_str().unwrap_or_default(), strings, &value.kind) {
                ("where", Some(places), _) if places.len() == 1 => find.place.clone_from(&places[0]),
                ("include", Some(patterns), _) => find.include = patterns,
                ("exclude", Some(patterns), _) => find.exclude = patterns,
                ("namespaces", _, Kind::Bool(namespaces)) => find.namespaces = *namespaces,
                _ => self
                    .draft
                    .give_up("[tool.setuptools.packages.find]", value.place, "is not read statically"),
            }
        }
        let at = packages.place;
        let found = find_packages(root, &find)?
            .into_iter()
            .map(|name| Value::str(name, at))
            .collect();
        self.draft.set("packages", Value::new(Kind::List(found), at));
        let mut package_dir = string_map(self.draft.fields.get("package_dir"));
        if !matches!(find.place.as_str(), "." | "") && !package_dir.contains_key("") {
            package_dir.insert(String::new(), find.place);
            self.draft.set("package_dir", from_map(&package_dir, at));
        }
        Ok(())
    }
}

/// Whether setuptools takes the name for a package's or module's.
fn is_module(name: &str) -> bool {
    name.split('.').all(|part| identifier(&part.replace('-', "_")))
}

fn from_map(map: &BTreeMap<String, String>, at: Place) -> Value {
    let entries = map
        .iter()
        .map(|(k, v)| (Value::str(k.clone(), at), Value::str(v.clone(), at)))
        .collect();
    Value::new(Kind::Dict(entries), at)
}
