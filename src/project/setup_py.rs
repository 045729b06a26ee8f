//! `setup.py`, read without running it.
//!
//! The interpreter follows its statements; here is what becomes of the arguments of `setup()`.

use std::path::Path;
use std::rc::Rc;

use ruff_python_ast::Stmt;

use super::descriptive::{KEYWORDS, LISTS};
use super::error::Error;
use super::interpreter::{Form, Machine, Object};
use super::python_source;
use super::source_file::SourceFile;
use super::value::{Draft, Dynamic, Evaluated, Kind, Place, Value};

/// Keywords of `setup()` that must be known, but for `description`; the [descriptive ones](KEYWORDS) may be any expression.
const RELEVANT: &[&str] = &[
    "name",
    "version",
    "description",
    "python_requires",
    "install_requires",
    "extras_require",
    "entry_points",
    "packages",
    "py_modules",
    "package_dir",
    "package_data",
    "exclude_package_data",
    "include_package_data",
    "zip_safe",
    "data_files",
    "scripts",
    "setup_requires",
    "license_file",
    "license_files",
    "python_version",
    "dockerlines",
    "entry_point",
];

/// Those that name files, whose order means nothing: `glob` and `os.listdir` may list them.
const FILES: [&str; 4] = ["package_data", "exclude_package_data", "data_files", "scripts"];

/// Keywords that replace parts of setuptools.
const REPLACING: &[&str] = &[
    "distclass",
    "options",
    "command_options",
    "script_name",
    "script_args",
    "attrs",
    "src_root",
];

/// Keywords that setuptools knows and sgbuild has no use for.
const KNOWN: &[&str] = &[
    "test_suite",
    "tests_require",
    "test_loader",
    "dependency_links",
    "use_2to3",
    "convert_2to3_doctests",
    "provides_extras",
    "headers",
    "libraries",
    "include_dirs",
    "password",
    "ext_package",
    "ext_modules",
    "cmdclass",
    "obsoletes_dist",
    "provides_dist",
];

/// Reads the declarations of `setup.py`.
pub(crate) fn read(root: &Path, file: &SourceFile, finds_modules: bool) -> Result<Draft, Error> {
    let mut draft = Draft::default();
    let top = Place {
        file: "setup.py",
        line: 1,
    };
    if let Some(line) = file.text.lines().take(2).find(|line| foreign_encoding(line)) {
        draft.give_up(line.trim(), top, "declares another encoding than UTF-8");
        return Ok(draft);
    }
    let read = python_source::with_module(file, |file, body| {
        let draft = Draft::default();
        Reader { root, draft }.module(file, body, finds_modules)
    })?;
    Ok(read.unwrap_or_else(|| {
        draft.give_up("setup.py", top, "is too large to be read statically");
        draft
    }))
}

fn foreign_encoding(line: &str) -> bool {
    let line = line.trim().to_lowercase();
    let declared = line.starts_with('#').then(|| line.split_once("coding")).flatten();
    declared.is_some_and(|(_, rest)| {
        let name = rest.trim_start_matches([':', '=', ' ']);
        rest.starts_with([':', '='])
            && !["utf-8", "utf8", "utf_8", "ascii", "us-ascii"]
                .iter()
                .any(|ok| name.starts_with(ok))
    })
}

/// What `setup()` was called with.
struct Reader<'a> {
    root: &'a Path,
    draft: Draft,
}

impl Reader<'_> {
    fn module(mut self, file: &SourceFile, body: &[Stmt], finds_modules: bool) -> Draft {
        let mut machine = Machine::new(self.root, Rc::new(file.clone()), finds_modules);
        machine.run(body);
        self.draft.whole = machine.given_up;
        self.draft.outside = machine.outside;
        let Some(setup) = machine.setup else {
            let top = Place {
                file: "setup.py",
                line: 1,
            };
            self.draft.give_up("setup()", top, "is not called at the top level");
            return self.draft;
        };
        for (name, object) in setup {
            self.keyword(&name, &object);
        }
        // The other spelling wins over this one.
        if let Some(license) = self.draft.fields.remove("licence") {
            self.draft.fields.insert("license".to_owned(), license);
        }
        self.draft
    }

    fn give_up(&mut self, object: &Object, reason: &str) {
        self.draft.give_up(&object.shown(), object.place, reason);
    }

    fn keyword(&mut self, name: &str, object: &Object) {
        match name {
            "cmdclass" => self.commands(object),
            "ext_modules" => self.extensions(object),
            "namespace_packages" | "eager_resources" => {
                if object.truthy().unwrap_or(true) {
                    let reason = || format!("{}: setuptools writes a file of its own for {name}", object.place);
                    self.draft.backend_sdist.get_or_insert_with(reason);
                }
            }
            name if RELEVANT.contains(&name) => {
                let known = self.known(name, object).map_err(|dynamic| Dynamic {
                    expression: format!("{name} = {}", dynamic.expression),
                    ..dynamic
                });
                self.draft.fields.insert(name.to_owned(), known);
            }
            name if KEYWORDS.contains(&name) || name == "licence" => self.descriptive(name, object),
            name if REPLACING.contains(&name) => {
                self.draft.give_up(name, object.place, "changes how setuptools works");
            }
            name if KNOWN.contains(&name) => {}
            name => {
                let place = object.place;
                let warning = format!(
                    "{place}: the keyword {name} is not setuptools' own: it is ignored, unless a plugin that setup_requires or \
                     [build-system] requires names takes it"
                );
                self.draft.warnings.push(warning);
                let unknown = Dynamic {
                    expression: name.to_owned(),
                    place,
                    reason: "is a keyword that is not setuptools' own".to_owned(),
                };
                self.draft.fields.insert(format!("plugin:{name}"), Err(unknown));
            }
        }
    }

    /// What is for people to read may also be unknown.
    fn descriptive(&mut self, name: &str, object: &Object) {
        let known = object.to_value();
        let is_none = known.as_ref().is_ok_and(|value| value.kind == Kind::None);
        if is_none && (LISTS.contains(&name) || name == "project_urls") {
            let expression = format!("{name} = None");
            self.draft
                .give_up(&expression, object.place, "is not what setuptools takes there");
        }
        self.draft.fields.insert(name.to_owned(), known);
    }

    /// The value, unless it says where this checkout is: Python may be asked in another place.
    fn known(&self, name: &str, object: &Object) -> Evaluated {
        let value = if FILES.contains(&name) {
            object.to_value_in_any_order()?
        } else {
            object.to_value()?
        };
        let root = self.root.to_string_lossy();
        if root.len() > 1 && holds(&value, &root) {
            return Err(value.unclear(&object.shown(), "the same in every directory"));
        }
        Ok(value)
    }

    fn extensions(&mut self, object: &Object) {
        if object.truthy().unwrap_or(true) {
            let reason = || format!("{}: ext_modules adds extension sources", object.place);
            self.draft.backend_sdist.get_or_insert_with(reason);
        }
        // Also an empty list says that nothing is to be discovered.
        let listed = match object.form {
            Form::None => Value::new(Kind::None, object.place),
            _ => Value::new(Kind::Bool(true), object.place),
        };
        self.draft.fields.insert("ext_modules".to_owned(), Ok(listed));
    }

    /// Custom commands: only their names matter here.
    fn commands(&mut self, object: &Object) {
        let entries = match &object.form {
            Form::Dict(entries) => entries.get().map(|entries| entries.clone()).ok(),
            _ if object.truthy() == Ok(false) => return,
            _ => None,
        };
        let Some(entries) = entries else {
            return self.give_up(object, "(cmdclass) may replace any command");
        };
        for (name, command) in entries {
            match name.as_str() {
                Some("egg_info" | "dist_info" | "bdist_wheel" | "install_egg_info") | None => {
                    self.give_up(&command, "(cmdclass) may change the metadata");
                }
                Some(name @ ("sdist" | "build" | "build_py" | "build_ext" | "build_clib")) => {
                    let reason = format!("{}: cmdclass replaces the {name} command", command.place);
                    self.draft.backend_sdist.get_or_insert(reason);
                }
                Some(_) => {}
            }
        }
    }
}

/// Whether a text in `value` holds `part`.
fn holds(value: &Value, part: &str) -> bool {
    match &value.kind {
        Kind::Str(text) => text.contains(part),
        Kind::List(items) | Kind::Tuple(items) => items.iter().any(|item| holds(item, part)),
        Kind::Dict(entries) => entries
            .iter()
            .any(|(key, value)| holds(key, part) || holds(value, part)),
        _ => false,
    }
}
