//! `pyproject.toml`: `[project]` (PEP 621), `[build-system]` (PEP 518) and `[tool.setuptools]`.
//! <https://setuptools.pypa.io/en/latest/userguide/pyproject_config.html>

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::attr::read_attr;
use super::data_files;
use super::descriptive::contained;
use super::discovery::{Find, find_packages, identifier};
use super::error::Error;
use super::project_table::doubtful;
use super::requirement;
use super::setup_cfg::{read_files, string_map};
use super::source_file::SourceFile;
use super::value::{Draft, Kind, Place, Value};

const FILE: &str = "pyproject.toml";

/// What `pyproject.toml` says.
#[derive(Debug, Default)]
pub(crate) struct Pyproject {
    pub(crate) draft: Draft,
    /// It has a `[project]` table.
    pub(crate) has_project: bool,
    /// It has `[project]` or `[tool.setuptools]`: then package data is included by default.
    pub(crate) configures_setuptools: bool,
    /// `[project] dynamic`.
    pub(crate) dynamic: Vec<String>,
    /// `[build-system] requires`.
    pub(crate) requires: Option<Vec<String>>,
    /// `[build-system] build-backend`.
    pub(crate) backend: Option<String>,
    /// `[build-system] backend-path`.
    pub(crate) backend_path: Vec<String>,
    pub(crate) readme: Option<String>,
    /// Where `[tool.setuptools] license-files` is.
    tool_license_files: Option<Place>,
}

/// Reads `pyproject.toml`.
pub(crate) fn read(root: &Path, file: &SourceFile) -> Result<Pyproject, Error> {
    if file.marked {
        return Err(Error::InvalidValue {
            at: format!("{FILE}:1"),
            message: "begins with a byte order mark, which TOML does not allow".to_owned(),
        });
    }
    let table = DeTable::parse(&file.text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Error::Syntax {
            file: FILE.to_owned(),
            line: file.line(at),
            column: file.column(at),
            message: error.message().to_owned(),
            python2: false,
        }
    })?;
    let top = from_table(file, table.get_ref(), Place { file: FILE, line: 1 });
    let mut found = Pyproject::default();
    found.build_system(&top)?;
    let empty = Value::new(Kind::Dict(Vec::new()), top.place);
    let setuptools = top.get("tool").and_then(|tool| tool.get("setuptools"));
    if let Some(commands) = top.get("tool").and_then(|tool| tool.get("distutils")) {
        found
            .draft
            .give_up("[tool.distutils]", commands.place, "sets options of commands");
    }
    found.configures_setuptools = setuptools.is_some_and(Value::truthy);
    if found.backend_is_setuptools() {
        found.setuptools(root, setuptools.unwrap_or(&empty))?;
    }
    if top.get("project").is_none() && found.configures_setuptools && found.backend_is_setuptools() {
        let at = setuptools.map_or(top.place, |table| table.place);
        found.draft.give_up("[tool.setuptools]", at, "stands without [project]");
    }
    if let Some(project) = top.get("project") {
        found.has_project = true;
        if let Some((value, reason)) = doubtful(project) {
            found.draft.give_up("[project]", value.place, reason);
        }
        if let Some(at) = found
            .tool_license_files
            .filter(|_| project.get("license-files").is_some())
        {
            found.draft.give_up(
                "[tool.setuptools] license-files",
                at,
                "stands beside those of [project]",
            );
        }
        found.configures_setuptools = true;
        found.project(
            root,
            project,
            setuptools.and_then(|table| table.get("dynamic")).unwrap_or(&empty),
        )?;
    }
    Ok(found)
}

impl Pyproject {
    /// Whether the backend is setuptools, or none is named.
    pub(crate) fn backend_is_setuptools(&self) -> bool {
        let backend = self.backend.as_deref().unwrap_or("setuptools.build_meta:__legacy__");
        matches!(backend, "setuptools.build_meta" | "setuptools.build_meta:__legacy__") && self.backend_path.is_empty()
    }

    fn build_system(&mut self, top: &Value) -> Result<(), Error> {
        let Some(table) = top.get("build-system") else {
            return Ok(());
        };
        let strings = |key: &str| match table.get(key) {
            None => Ok(None),
            Some(value) => match value.strings() {
                Some(strings) => Ok(Some(strings)),
                None => Err(wrong(value, format!("[build-system] {key} is not a list of strings"))),
            },
        };
        self.requires = strings("requires")?;
        self.backend_path = strings("backend-path")?.unwrap_or_default();
        self.backend = match table.get("build-backend") {
            None => None,
            Some(value) => {
                let text = value
                    .as_str()
                    .ok_or_else(|| wrong(value, "build-backend is not a string".to_owned()))?;
                Some(text.to_owned())
            }
        };
        if self.requires.is_none() {
            return Err(wrong(table, "[build-system] has no requires".to_owned()));
        }
        Ok(())
    }

    fn project(&mut self, root: &Path, project: &Value, directives: &Value) -> Result<(), Error> {
        let mut entry_points = Vec::new();
        for (key, value) in project
            .entries()
            .ok_or_else(|| wrong(project, "[project] is not a table".to_owned()))?
        {
            let key_text = key.as_str().unwrap_or_default();
            match key_text {
                "name" | "version" | "description" => self.draft.set(key_text, value.clone()),
                "requires-python" => self.draft.set("python_requires", value.clone()),
                "dependencies" => self.draft.set("install_requires", value.clone()),
                "optional-dependencies" => self.draft.set("extras_require", value.clone()),
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
        let evaluated = read_attr(root, path.trim(), &package_dir, at)?;
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

    fn setuptools(&mut self, root: &Path, table: &Value) -> Result<(), Error> {
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

fn wrong(value: &Value, message: String) -> Error {
    Error::InvalidValue {
        at: value.place.to_string(),
        message,
    }
}

fn from_table(file: &SourceFile, table: &DeTable<'_>, place: Place) -> Value {
    let mut declared: Vec<_> = table.iter().collect();
    declared.sort_by_key(|(key, _)| key.span().start);
    let entries = declared.into_iter().map(|(key, value)| {
        let at = Place {
            file: FILE,
            line: file.line(key.span().start),
        };
        (Value::str(key.get_ref().to_string(), at), from_toml(file, value))
    });
    Value::new(Kind::Dict(entries.collect()), place)
}

fn from_toml(file: &SourceFile, value: &Spanned<DeValue<'_>>) -> Value {
    let place = Place {
        file: FILE,
        line: file.line(value.span().start),
    };
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Str(text.to_string()),
        DeValue::Boolean(value) => Kind::Bool(*value),
        DeValue::Integer(number) => Kind::Number(number.to_string()),
        DeValue::Float(number) => Kind::Number(number.to_string()),
        DeValue::Datetime(time) => Kind::Number(time.to_string()),
        DeValue::Array(items) => Kind::List(items.iter().map(|item| from_toml(file, item)).collect()),
        DeValue::Table(table) => return from_table(file, table, place),
    };
    Value::new(kind, place)
}
