//! Modules that are imported and that nothing installs.
//!
//! Read without running: what the training function's module imports when it is imported, what its functions import in their plain lines, and
//! the same of each module of the package that is reached so. What is tried, or depends on a condition, does not count.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::Stmt;
use ruff_text_size::Ranged as _;

use super::distributions::Distributions;
use crate::check::finding::{Finding, Place};
use crate::check::rule::Rule;
use crate::depth::on_large_stack;
use crate::project::{SourceFile, is_of_standard_library, parse_python};

/// A module is named in so many findings at most: the others have the same cure.
const ONCE: usize = 1;

/// What the image is known to hold beside the package.
pub(super) struct Installed {
    /// The normalised names that are required.
    pub(super) required: BTreeSet<String>,
    /// Whether these are all that is installed, as of a lock.
    pub(super) is_complete: bool,
    /// Whether others may be there: of a base image, of lines of a Dockerfile, of a URL.
    pub(super) may_be_more: bool,
}

/// A module of the project.
pub(super) struct Module {
    /// Relative to the project.
    pub(super) path: String,
    /// Its source.
    pub(super) text: String,
}

/// One import.
struct Import {
    /// Dotted, absolute.
    module: String,
    offset: usize,
}

/// Looks at all that is reached from the module `start`, or, where nobody says where a training starts, from the packages themselves,
/// and there at what is imported at once. Modules that do not parse are findings of their own.
pub(super) fn look(modules: &BTreeMap<String, Module>, start: Option<&str>, installed: &Installed) -> Vec<Finding> {
    // A stack of its own is made once, not for each file.
    on_large_stack(|| looked(modules, start, installed)).unwrap_or_default()
}

fn looked(modules: &BTreeMap<String, Module>, start: Option<&str>, installed: &Installed) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut left: Vec<String> = match start {
        Some(start) => with_packages(start),
        None => modules.keys().filter(|module| is_at_the_top(module)).cloned().collect(),
    };
    let own: BTreeSet<&str> = modules.keys().map(|module| top(module)).collect();
    let mut seen: BTreeSet<String> = left.iter().cloned().collect();
    let known = Distributions::read();
    let all = known.with_brought(&installed.required);
    let judge = Judge {
        known: &known,
        all: &all,
        installed,
    };
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(name) = left.pop() {
        let Some(module) = modules.get(&name) else { continue };
        let Ok(file) = SourceFile::from_bytes(&module.path, module.text.clone().into_bytes()) else {
            continue;
        };
        let Some(parsed) = parse_python(&file.text) else {
            found.extend(unreadable(&file));
            continue;
        };
        let is_package = module.path.ends_with("/__init__.py");
        let mut imports = Vec::new();
        gather(parsed.suite(), &name, is_package, start.is_some(), &mut imports);
        for import in imports {
            if own.contains(top(&import.module)) {
                let parts = with_packages(&import.module).into_iter();
                left.extend(parts.filter(|part| modules.contains_key(part) && seen.insert(part.clone())));
            } else if let Some(missing) = judge.missing(&import.module) {
                let times = told.entry(missing.module.clone()).or_default();
                *times += 1;
                if *times <= ONCE {
                    let (line, column) = (file.line(import.offset), file.column(import.offset));
                    found.push(missing.finding(&module.path, line, column));
                }
            }
        }
    }
    found
}

/// `a.b.c`, `a.b` and `a`: a module's packages are imported first.
fn with_packages(module: &str) -> Vec<String> {
    let ends = module.match_indices('.').map(|(end, _)| end).chain([module.len()]);
    ends.map(|end| module[..end].to_owned()).collect()
}

fn is_at_the_top(module: &str) -> bool {
    !module.contains('.') && !matches!(module, "conftest" | "docs" | "examples" | "setup" | "test" | "tests")
}

fn top(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}

fn unreadable(file: &SourceFile) -> Option<Finding> {
    // What was refused for its length or depth is none of the user's faults.
    let error = ruff_python_parser::parse_module(&file.text).err()?;
    let offset = error.location.start().to_usize();
    let place = Place {
        file: file.name.clone(),
        line: Some(file.line(offset)),
        column: Some(file.column(offset)),
    };
    Some(
        Finding::new(
            Rule::ModuleUnreadable,
            format!("this is no Python 3: {}", error.error),
            "Mend it, or leave the file out of the package; what it imports was not looked at.",
        )
        .at(place),
    )
}

/// The imports of plain lines, in functions and classes as well.
fn gather(body: &[Stmt], module: &str, is_package: bool, with_functions: bool, found: &mut Vec<Import>) {
    for statement in body {
        let offset = statement.start().to_usize();
        match statement {
            Stmt::Import(import) => found.extend(import.names.iter().map(|alias| Import {
                module: alias.name.to_string(),
                offset,
            })),
            Stmt::ImportFrom(import) => {
                let from = import.module.as_ref().map(ToString::to_string);
                let Some(from) = absolute(module, is_package, import.level, from) else {
                    continue;
                };
                // What is imported may be a module itself.
                let names = import.names.iter().map(|alias| format!("{from}.{}", alias.name));
                found.extend(names.map(|module| Import { module, offset }));
            }
            Stmt::FunctionDef(function) if with_functions => {
                gather(&function.body, module, is_package, with_functions, found);
            }
            Stmt::ClassDef(class) => gather(&class.body, module, is_package, with_functions, found),
            _ => {}
        }
    }
}

/// What a relative import names: <https://docs.python.org/3/reference/import.html#package-relative-imports>.
fn absolute(module: &str, is_package: bool, level: u32, from: Option<String>) -> Option<String> {
    if level == 0 {
        return from;
    }
    let mut package = module;
    let ups = if is_package { level - 1 } else { level };
    for _ in 0..ups {
        package = package.rsplit_once('.')?.0;
    }
    Some(match from {
        Some(from) => format!("{package}.{from}"),
        None => package.to_owned(),
    })
}

/// Whether a module is there.
struct Judge<'a> {
    known: &'a Distributions,
    /// What is required, and what that brings.
    all: &'a BTreeSet<String>,
    installed: &'a Installed,
}

/// A module that nothing installs, as far as can be seen.
struct Missing {
    module: String,
    held_by: Vec<&'static str>,
}

impl Judge<'_> {
    fn missing(&self, module: &str) -> Option<Missing> {
        let top = top(module);
        // Modules with an underscore before them are Python's own parts, or nobody's.
        if is_of_standard_library(top) || top.starts_with('_') || self.installed.may_be_more {
            return None;
        }
        let held_by = self.known.holding(module);
        let is_there =
            held_by.iter().any(|name| self.all.contains(*name)) || self.all.iter().any(|name| resembles(name, top));
        let others_are_known =
            self.installed.is_complete || self.installed.required.iter().all(|name| self.known.knows(name));
        (!is_there && others_are_known).then(|| Missing {
            module: if held_by.is_empty() {
                top.to_owned()
            } else {
                held_module(module, &held_by)
            },
            held_by,
        })
    }
}

/// A namespace's part is more than its first name.
fn held_module(module: &str, held_by: &[&str]) -> String {
    let top = top(module);
    let is_namespace = matches!(top, "google" | "azure" | "ruamel");
    if is_namespace {
        format!("{top}, of {}", held_by.join(" or "))
    } else {
        top.to_owned()
    }
}

/// Whether a distribution may well hold a module of that name.
fn resembles(distribution: &str, module: &str) -> bool {
    let letters = |text: &str| -> String {
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        kept.map(|c| c.to_ascii_lowercase()).collect()
    };
    let (distribution, module) = (letters(distribution), letters(module));
    if module.len() < 3 {
        return distribution == module;
    }
    distribution.contains(&module) || (distribution.len() > 3 && module.contains(&distribution))
}

impl Missing {
    fn finding(&self, path: &str, line: usize, column: usize) -> Finding {
        let Self { module, held_by } = self;
        let add = match held_by[..] {
            [] => format!("Add the distribution that holds {module} to the requirements"),
            [one] => format!("Add {one} to the requirements"),
            _ => format!("Add one of {} to the requirements", held_by.join(", ")),
        };
        let place = Place {
            file: path.to_owned(),
            line: Some(line),
            column: Some(column),
        };
        Finding::new(
            Rule::ImportNotRequired,
            format!("{module} is imported, and no requirement is known to bring it: importing it would end with ModuleNotFoundError"),
            format!("{add}: install_requires of setup(), dependencies of [project], or the file that `requirements` names."),
        )
        .at(place)
    }
}
