//! `setup.py`, read without running it.
//!
//! The interpreter follows its statements; here the arguments of `setup()` become declarations.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use ruff_python_ast::Stmt;

use super::descriptive::{KEYWORDS, LISTS};
use super::error::Error;
use super::interpreter::{Form, Machine, Object, depends};
use super::needs::Part;
use super::python_source;
use super::source_file::SourceFile;
use super::surroundings::Surroundings;
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

/// Keywords that name files, whose order does not matter: so `glob` and `os.listdir` may list them.
const FILES: [&str; 4] = ["package_data", "exclude_package_data", "data_files", "scripts"];

/// Keywords that replace parts of setuptools.
const REPLACING: &[&str] = &[
    "distclass",
    "command_options",
    "script_name",
    "script_args",
    "attrs",
    "src_root",
];

/// Commands that neither read metadata nor build what sgbuild installs: their options say nothing here.
const IDLE: &[&str] = &[
    "aliases",
    "bdist_egg",
    "bdist_rpm",
    "bdist_wininst",
    "build_apps",
    "build_exe",
    "build_sphinx",
    "flake8",
    "nosetests",
    "ptr",
    "pytest",
    "test",
    "upload",
    "upload_docs",
];

/// Those of which nothing counts here, but that setuptools does not take everything.
const CHECKED: [&str; 4] = ["dependency_links", "eager_resources", "namespace_packages", "use_2to3"];

/// Keywords that setuptools knows and sgbuild has no use for.
const KNOWN: &[&str] = &[
    "test_suite",
    "tests_require",
    "test_loader",
    "use_2to3",
    "convert_2to3_doctests",
    "provides_extras",
    "include_dirs",
    "password",
    "ext_package",
    "ext_modules",
    "cmdclass",
    "obsoletes_dist",
    "provides_dist",
];

/// Commands that `bdist_wheel` runs, beside those that have a part in the sdist as well.
const IN_A_WHEEL: [&str; 7] = [
    "bdist",
    "build_scripts",
    "install",
    "install_data",
    "install_headers",
    "install_lib",
    "install_scripts",
];

/// Reads the declarations of `setup.py`, which may import what is beside it where it `finds_modules`. Where there is a `part`, no more
/// of the project is there.
pub(crate) fn read(
    root: &Path,
    file: &SourceFile,
    finds_modules: bool,
    part: Option<Part>,
    around: &Arc<Surroundings>,
) -> Result<Draft, Error> {
    let mut draft = Draft::default();
    let top = Place {
        file: "setup.py",
        line: 1,
    };
    let mut first = file.text.lines().take(2).enumerate();
    if let Some((at, line)) = first.find(|(_, line)| foreign_encoding(line)) {
        let place = Place { line: at + 1, ..top };
        draft.give_up(line.trim(), place, "declares another encoding than UTF-8");
        return Ok(draft);
    }
    let read = python_source::with_module(file, |file, body| {
        let draft = Draft::default();
        let machine = Machine::new(root, Rc::new(file.clone()), finds_modules, around).where_there_is(part);
        Reader { root, draft }.module(machine, body)
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
    fn module(mut self, mut machine: Machine, body: &[Stmt]) -> Draft {
        machine.run(body);
        self.draft.needs = std::mem::take(&mut machine.needs);
        self.draft.whole = machine.given_up.take();
        self.draft.outside = machine.outside.take();
        self.draft.looks_at_python = machine.looked_at_python;
        let Some(setup) = machine.setup.take() else {
            let line = machine.file().text.lines().position(|line| line.contains("setup("));
            let place = Place {
                file: "setup.py",
                line: line.map_or(1, |line| line + 1),
            };
            self.draft
                .give_up("setup()", place, "is not called, as far as setup.py can be followed");
            return self.draft;
        };
        for (name, object) in setup {
            self.keyword(&name, &object);
        }
        // setuptools lets this spelling of `license` win.
        if let Some(license) = self.draft.fields.remove("licence") {
            self.draft.fields.insert("license".to_owned(), license);
        }
        self.draft
    }

    /// Gives up for what a keyword, or an item of it, is given.
    fn give_up(&mut self, keyword: &str, object: &Object, reason: &str) {
        match &object.form {
            Form::Unknown(why) => {
                let reason = format!("{reason}, for it {}", depends(why));
                self.draft.give_up(keyword, object.place, &reason);
            }
            _ => self.draft.give_up(keyword, object.place, reason),
        }
    }

    fn keyword(&mut self, name: &str, object: &Object) {
        if let Some(checked) = CHECKED.iter().find(|checked| **checked == name)
            && let Ok(value) = object.to_value()
        {
            self.draft.checked.push((checked, value));
        }
        match name {
            "cmdclass" => self.commands(object),
            "ext_modules" => self.extensions(object),
            "options" => self.options(object),
            "dependency_links" | "headers" => {
                if object.truthy().unwrap_or(true) {
                    let reason = || format!("{}: {name} adds something to the wheel", object.place);
                    self.draft.backend_wheel.get_or_insert_with(reason);
                }
            }
            "namespace_packages" | "eager_resources" => {
                if object.truthy().unwrap_or(true) {
                    let reason = || format!("{}: setuptools writes a file of its own for {name}", object.place);
                    self.draft.backend_sdist.get_or_insert_with(reason);
                }
            }
            "libraries" => {
                if object.truthy().unwrap_or(true) {
                    self.give_up("libraries", object, "adds C sources, which only setuptools packs");
                }
            }
            name if RELEVANT.contains(&name) => {
                let known = self.known(name, object).map_err(|dynamic| of_keyword(name, dynamic));
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

    /// A descriptive field, which may also be unknown.
    fn descriptive(&mut self, name: &str, object: &Object) {
        let known = object.to_value().map_err(|dynamic| of_keyword(name, dynamic));
        let is_none = known.as_ref().is_ok_and(|value| value.kind == Kind::None);
        if is_none && (LISTS.contains(&name) || name == "project_urls") {
            let expression = format!("{name} = None");
            self.draft
                .give_up(&expression, object.place, "is not what setuptools takes there");
        }
        self.draft.fields.insert(name.to_owned(), known);
    }

    /// The value; unknown if it holds the path of this checkout, as the image's build runs setup.py elsewhere.
    fn known(&self, name: &str, object: &Object) -> Evaluated {
        let value = match name {
            name if FILES.contains(&name) => object.to_value_in_any_order()?,
            // Its lists may also be sets; install_requires may not.
            "extras_require" => object.to_value_with_sets()?,
            _ => object.to_value()?,
        };
        let root = self.root.to_string_lossy();
        if root.len() > 1 && holds(&value, &root) {
            return Err(Dynamic {
                expression: String::new(),
                place: value.place,
                reason: "holds the path of this directory, and the image has another one".to_owned(),
            });
        }
        Ok(value)
    }

    fn extensions(&mut self, object: &Object) {
        let lists_any = object.truthy().unwrap_or(true);
        if lists_any {
            let reason = || format!("{}: ext_modules adds extension sources", object.place);
            self.draft.backend_sdist.get_or_insert_with(reason);
        }
        // An empty list counts too: it turns automatic discovery off.
        let listed = match object.form {
            Form::None => Value::new(Kind::None, object.place),
            _ => Value::new(Kind::Bool(lists_any), object.place),
        };
        self.draft.fields.insert("ext_modules".to_owned(), Ok(listed));
    }

    /// Options of commands, as setup.cfg may set them too.
    fn options(&mut self, object: &Object) {
        let commands = object.to_value().ok();
        let Some(commands) = commands.as_ref().and_then(Value::entries) else {
            if object.truthy() != Ok(false) {
                self.give_up("options", object, "may set options of the commands that read metadata");
            }
            return;
        };
        for (command, options) in commands {
            match command.as_str() {
                Some(command) if IDLE.contains(&command) => {}
                Some("sdist" | "build" | "build_py" | "build_ext" | "build_clib" | "build_scripts") => {}
                Some("bdist_wheel")
                    if options
                        .entries()
                        .is_some_and(|options| options.iter().all(tags_a_wheel)) => {}
                _ => {
                    let command = command.as_str().unwrap_or("a command");
                    let expression = format!("options[\"{command}\"]");
                    return self.give_up(&expression, object, "sets options that may change the metadata");
                }
            }
            if !command.as_str().is_some_and(|command| IDLE.contains(&command)) {
                let reason = || format!("{}: options sets some of a command that builds", object.place);
                self.draft.backend_sdist.get_or_insert_with(reason);
            }
        }
    }

    /// Custom commands: only their names matter here.
    fn commands(&mut self, object: &Object) {
        let entries = match &object.form {
            Form::Dict(entries) => entries.get().map(|entries| entries.clone()).ok(),
            _ if object.truthy() == Ok(false) => return,
            _ => None,
        };
        let Some(entries) = entries else {
            return self.give_up("cmdclass", object, "may replace the command that writes the metadata");
        };
        for (name, command) in entries {
            match name.as_str() {
                Some(name @ ("egg_info" | "dist_info" | "bdist_wheel" | "install_egg_info")) => {
                    let expression = format!("cmdclass[\"{name}\"]");
                    self.give_up(
                        &expression,
                        &command,
                        "replaces a command of setuptools that writes the metadata",
                    );
                }
                None => self.give_up("cmdclass", &command, "may replace the command that writes the metadata"),
                Some(name @ ("sdist" | "build" | "build_py" | "build_ext" | "build_clib")) => {
                    let reason = format!("{}: cmdclass replaces the {name} command", command.place);
                    self.draft.backend_sdist.get_or_insert(reason);
                }
                Some(name) if IN_A_WHEEL.contains(&name) => {
                    let reason = format!("{}: cmdclass replaces the {name} command", command.place);
                    self.draft.backend_wheel.get_or_insert(reason);
                }
                Some(_) => {}
            }
        }
    }
}

/// Why a keyword's value is not known.
fn of_keyword(name: &str, dynamic: Dynamic) -> Dynamic {
    let expression = match dynamic.expression.as_str() {
        "" => name.to_owned(),
        expression => format!("{name} = {expression}"),
    };
    Dynamic { expression, ..dynamic }
}

/// Whether an option of `bdist_wheel` says nothing but for which Pythons the wheel is.
fn tags_a_wheel((option, value): &(Value, Value)) -> bool {
    match option.as_str() {
        Some("universal") => {
            let is_number = matches!(&value.kind, Kind::Number(number) if number == "0" || number == "1");
            let is_word = value
                .as_str()
                .is_some_and(|word| ["0", "1", "true", "false", "True", "False"].contains(&word));
            is_number || is_word || matches!(value.kind, Kind::Bool(_))
        }
        Some("python_tag") => value.as_str().is_some(),
        _ => false,
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
