//! `setup.py`, read without running it.
//!
//! Statements before `setup()` are followed in order. Imports and assignments bind names; any other statement is only asked
//! which names it could change, and those are unknown from there on. `setup()` itself must be reached for certain, once.

use std::path::Path;

use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{Expr, ExprCall, Keyword, Stmt, StmtTry};
use ruff_text_size::Ranged;

use super::error::Error;
use super::evaluate::{Binding, Scope, member};
use super::mentions::{Later, Mentions, mentions, mentions_of_all};
use super::python_source;
use super::source_file::SourceFile;
use super::value::{Draft, Dynamic, Kind, Place, Value};

/// Keywords of `setup()` that change what sgbuild needs to know; the rest may be any expression.
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
    "data_files",
    "scripts",
    "setup_requires",
    "license_file",
    "license_files",
    "python_version",
    "dockerlines",
    "entry_point",
];

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
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "url",
    "license",
    "license_expression",
    "keywords",
    "platforms",
    "classifiers",
    "download_url",
    "long_description",
    "long_description_content_type",
    "project_urls",
    "zip_safe",
    "namespace_packages",
    "test_suite",
    "tests_require",
    "test_loader",
    "eager_resources",
    "dependency_links",
    "use_2to3",
    "convert_2to3_doctests",
    "provides",
    "provides_extras",
    "obsoletes",
    "requires",
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

/// Modules whose import changes nothing that matters here, and does not fail.
const HARMLESS_MODULES: &[&str] = &[
    "__future__",
    "abc",
    "ast",
    "codecs",
    "collections",
    "configparser",
    "contextlib",
    "copy",
    "datetime",
    "distutils",
    "enum",
    "errno",
    "fnmatch",
    "functools",
    "glob",
    "importlib",
    "io",
    "itertools",
    "json",
    "locale",
    "logging",
    "math",
    "multiprocessing",
    "operator",
    "os",
    "pathlib",
    "pkgutil",
    "platform",
    "pprint",
    "re",
    "runpy",
    "setuptools",
    "shlex",
    "shutil",
    "site",
    "stat",
    "string",
    "struct",
    "subprocess",
    "sys",
    "sysconfig",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "types",
    "typing",
    "urllib",
    "uuid",
    "warnings",
    "zipfile",
];

/// Reads the declarations of `setup.py`.
pub(crate) fn read(root: &Path, file: &SourceFile) -> Result<Draft, Error> {
    let mut draft = Draft::default();
    let top = Place {
        file: "setup.py",
        line: 1,
    };
    if let Some(line) = file.text.lines().take(2).find(|line| foreign_encoding(line)) {
        draft.give_up(line.trim(), top, "declares another encoding than UTF-8");
        return Ok(draft);
    }
    let read = python_source::with_module(file, |file, body| Reader::new(root, file).module(body))?;
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

struct Reader<'a> {
    scope: Scope<'a>,
    draft: Draft,
    found_setup: bool,
    /// Whether one mutable value may have two names.
    aliased: bool,
    /// What functions of the file may change whenever they are called.
    later: Later,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Path, file: &'a SourceFile) -> Self {
        Self {
            scope: Scope::new(root, file),
            draft: Draft::default(),
            found_setup: false,
            aliased: false,
            later: Later::default(),
        }
    }

    fn module(mut self, body: &[Stmt]) -> Draft {
        self.later = mentions_of_all(body).later;
        if self.later.wild
            && let Some(first) = body.first()
        {
            self.give_up(first, "is followed by a function that may change any name");
        }
        self.statements(body);
        if !self.found_setup {
            self.draft.give_up(
                "setup()",
                Place {
                    file: "setup.py",
                    line: 1,
                },
                "is not called at the top level",
            );
        }
        self.draft
    }

    fn statements(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.import(statement),
            Stmt::Try(attempt) if only_imports(attempt) => {
                // With setuptools installed the imports of it succeed; after one of something else nothing is certain.
                self.other(statement);
                attempt
                    .body
                    .iter()
                    .take_while(|s| imports_setuptools(s))
                    .for_each(|s| self.import(s));
                if !attempt.body.iter().all(imports_setuptools) {
                    self.forget(&mentions(statement), statement);
                }
            }
            Stmt::If(branch) if is_main_guard(&branch.test) && branch.elif_else_clauses.is_empty() => {
                self.statements(&branch.body);
            }
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [Expr::Name(name)] if !self.calls_setup(statement) => {
                    self.assign(name.id.as_str(), &assign.value, statement);
                }
                [Expr::Name(_)] => self.assigned_setup(&assign.value, statement),
                _ => self.other(statement),
            },
            Stmt::AnnAssign(assign) => match (&*assign.target, &assign.value) {
                (Expr::Name(name), Some(value)) if !self.calls_setup(statement) => {
                    self.assign(name.id.as_str(), value, statement);
                }
                _ => self.other(statement),
            },
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Call(call) if matches!(self.scope.resolve(&call.func), Some(Binding::Setup)) => self.setup(call),
                Expr::Call(call) if !self.found_setup && self.exits(&call.func) => {
                    self.give_up(statement, "stops setup.py before setup()");
                }
                Expr::StringLiteral(_) => {}
                _ => self.other(statement),
            },
            Stmt::Raise(_) if !self.found_setup => self.give_up(statement, "stops setup.py before setup()"),
            Stmt::Pass(_) => {}
            _ => self.other(statement),
        }
    }

    fn give_up(&mut self, node: &impl Ranged, reason: &str) {
        let dynamic = self.scope.unknown(node, reason);
        self.draft.whole.get_or_insert(dynamic);
    }

    fn exits(&self, function: &Expr) -> bool {
        let builtin = matches!(function, Expr::Name(name) if matches!(name.id.as_str(), "exit" | "quit"));
        let of_sys = || matches!(self.scope.resolve(function), Some(Binding::Module(name)) if matches!(name.as_str(), "sys.exit" | "os._exit"));
        builtin || of_sys()
    }

    /// A module of the project or of another package may be missing, and may change anything.
    fn foreign(&mut self, module: &str, statement: &Stmt) {
        let top = module.split('.').next().unwrap_or(module);
        if !self.found_setup && !HARMLESS_MODULES.contains(&top) {
            self.give_up(statement, "imports a module that may change anything");
        }
    }

    fn import(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let module = alias.name.as_str();
                    self.foreign(module, statement);
                    let top = module.split('.').next().unwrap_or(module);
                    let (name, bound) = alias.asname.as_ref().map_or((top, top), |name| (name.as_str(), module));
                    self.scope
                        .names
                        .insert(name.to_owned(), Binding::Module(bound.to_owned()));
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                self.foreign(module, statement);
                for alias in &import.names {
                    if alias.name.as_str() == "*" {
                        self.other(statement);
                        continue;
                    }
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.scope
                        .names
                        .insert(name.as_str().to_owned(), member(module, alias.name.as_str()));
                }
            }
            _ => {}
        }
    }

    fn assign(&mut self, name: &str, value: &Expr, statement: &Stmt) {
        let evaluated = match self.scope.resolve(value) {
            Some(Binding::Find { namespaces }) => {
                self.scope.names.insert(name.to_owned(), Binding::Find { namespaces });
                return;
            }
            _ => self.scope.evaluate(value),
        };
        let evaluated = match evaluated {
            Ok(known) => {
                let alias = known.mutable() && !mentions(statement).loads.is_empty();
                self.aliased |= alias;
                let changes_later =
                    self.later.stores.contains(name) || (known.mutable() && self.later.loads.contains(name));
                if changes_later && alias {
                    self.forget_mutable(statement);
                }
                if changes_later {
                    Err(self.scope.unknown(statement, "may be changed by a function"))
                } else {
                    Ok(known)
                }
            }
            Err(dynamic) => {
                self.other(statement);
                Err(dynamic)
            }
        };
        self.scope.names.insert(name.to_owned(), Binding::Value(evaluated));
    }

    /// `dist = setup(...)`.
    fn assigned_setup(&mut self, value: &Expr, statement: &Stmt) {
        match value {
            Expr::Call(call) if matches!(self.scope.resolve(&call.func), Some(Binding::Setup)) => self.setup(call),
            _ => self.other(statement),
        }
    }

    fn calls_setup(&self, statement: &Stmt) -> bool {
        self.mentions_setup(&mentions(statement))
    }

    fn mentions_setup(&self, mentions: &Mentions) -> bool {
        let bound = |name: &&String| matches!(self.scope.names.get(*name), Some(Binding::Setup));
        mentions.loads.iter().any(|name| bound(&name)) || mentions.attributes.contains("setup")
    }

    /// Forgets whatever a statement that is not followed may have changed.
    fn other(&mut self, statement: &Stmt) {
        let mentions = mentions(statement);
        if self.mentions_setup(&mentions) {
            let reason = "calls setup() where it may not be reached, or more than once";
            self.give_up(statement, reason);
            self.found_setup = true;
            return;
        }
        self.forget(&mentions, statement);
    }

    fn forget(&mut self, mentions: &Mentions, node: &impl Ranged) {
        if self.found_setup {
            return;
        }
        let dynamic = self.scope.unknown(node, "may change it");
        let changes_mutable = mentions.loads.iter().any(|name| self.mutable(name));
        let everything = mentions.wild || (changes_mutable && self.aliased);
        for (name, binding) in &mut self.scope.names {
            let touched = mentions.stores.contains(name)
                || (mentions.loads.contains(name) && is_mutable(binding))
                || (mentions.wild && !matches!(binding, Binding::Setup))
                || (everything && is_mutable(binding));
            if touched {
                *binding = Binding::Value(Err(dynamic.clone()));
            }
        }
        for name in &mentions.stores {
            self.scope
                .names
                .insert(name.clone(), Binding::Value(Err(dynamic.clone())));
        }
        if mentions.moves && !self.scope_text(node).contains("__file__") {
            self.scope
                .names
                .retain(|_, binding| !matches!(binding, Binding::Find { .. }));
        }
    }

    fn forget_mutable(&mut self, node: &impl Ranged) {
        let dynamic = self.scope.unknown(node, "may be changed by a function");
        for binding in self.scope.names.values_mut().filter(|binding| is_mutable(binding)) {
            *binding = Binding::Value(Err(dynamic.clone()));
        }
    }

    fn scope_text(&self, node: &impl Ranged) -> String {
        self.scope.unknown(node, "").expression
    }

    fn mutable(&self, name: &str) -> bool {
        self.scope.names.get(name).is_some_and(is_mutable)
    }

    fn setup(&mut self, call: &ExprCall) {
        if self.found_setup {
            self.give_up(call, "calls setup() a second time");
            return;
        }
        if let Some(first) = call.arguments.args.first() {
            self.give_up(first, "is passed to setup() by position");
        }
        // An argument that is not understood may change what the others refer to.
        for keyword in &call.arguments.keywords {
            if self.scope.evaluate(&keyword.value).is_err() {
                let mut mentions = Mentions::default();
                mentions.visit_expr(&keyword.value);
                self.forget(&mentions, &keyword.value);
            }
        }
        for (index, keyword) in call.arguments.keywords.iter().enumerate() {
            let same = |other: &Keyword| match (&keyword.arg, &other.arg) {
                (Some(name), Some(other)) => name.as_str() == other.as_str(),
                _ => false,
            };
            if call.arguments.keywords[..index].iter().any(same) {
                self.give_up(keyword, "is given twice");
            }
            match &keyword.arg {
                None => self.give_up(&keyword.value, "is unpacked into setup() with **"),
                Some(name) => self.keyword(name.as_str(), &keyword.value),
            }
        }
        self.found_setup = true;
    }

    fn keyword(&mut self, name: &str, value: &Expr) {
        if name == "cmdclass" {
            return self.cmdclass(value);
        }
        let evaluated = self.scope.evaluate(value);
        if name == "ext_modules" {
            let place = self.scope.place(value);
            if evaluated.as_ref().map_or(true, Value::truthy) {
                self.draft
                    .backend_sdist
                    .get_or_insert_with(|| format!("{place}: {name} adds extension sources"));
            }
            // Also an empty list says that nothing is to be discovered.
            let listed = match evaluated {
                Ok(known) if known.kind == Kind::None => known,
                _ => Value::new(Kind::Bool(true), place),
            };
            self.draft.fields.insert(name.to_owned(), Ok(listed));
            return;
        }
        if RELEVANT.contains(&name) {
            let known = evaluated.map_err(|d| Dynamic {
                expression: format!("{name} = {}", d.expression),
                ..d
            });
            self.draft.fields.insert(name.to_owned(), known);
            return;
        }
        if REPLACING.contains(&name) {
            return self.give_up(value, &format!("({name}) changes how setuptools works"));
        }
        if !KNOWN.contains(&name) {
            let place = self.scope.place(value);
            let warning = format!("{place}: setuptools does not know the keyword {name} and ignores it");
            self.draft.warnings.push(warning);
            let unknown = self
                .scope
                .unknown(value, "passes a keyword that is not setuptools' own");
            let unknown = Dynamic {
                expression: format!("{name} = {}", unknown.expression),
                ..unknown
            };
            self.draft.fields.insert(format!("plugin:{name}"), Err(unknown));
        }
    }

    /// Custom commands: only their names matter here.
    fn cmdclass(&mut self, value: &Expr) {
        let Expr::Dict(dict) = value else {
            if !matches!(self.scope.evaluate(value), Ok(known) if !known.truthy()) {
                self.give_up(value, "(cmdclass) may replace any command");
            }
            return;
        };
        for item in &dict.items {
            let name = item.key.as_ref().and_then(|key| self.scope.evaluate(key).ok());
            match name.as_ref().and_then(Value::as_str) {
                Some("egg_info" | "dist_info" | "bdist_wheel" | "install_egg_info") | None => {
                    self.give_up(&item.value, "(cmdclass) may change the metadata");
                }
                Some(command @ ("sdist" | "build" | "build_py" | "build_ext" | "build_clib")) => {
                    let place = self.scope.place(&item.value);
                    let reason = format!("{place}: cmdclass replaces the {command} command");
                    self.draft.backend_sdist.get_or_insert(reason);
                }
                Some(_) => {}
            }
        }
    }
}

fn is_mutable(binding: &Binding) -> bool {
    matches!(binding, Binding::Value(Ok(value)) if value.mutable())
}

fn only_imports(attempt: &StmtTry) -> bool {
    let import = |statement: &Stmt| matches!(statement, Stmt::Import(_) | Stmt::ImportFrom(_));
    attempt.body.iter().all(import) && attempt.orelse.is_empty() && attempt.finalbody.is_empty()
}

fn imports_setuptools(statement: &Stmt) -> bool {
    let known = |module: &str| matches!(module, "setuptools" | "distutils.core");
    match statement {
        Stmt::Import(import) => import.names.iter().all(|alias| known(alias.name.as_str())),
        Stmt::ImportFrom(import) => import.module.as_ref().is_some_and(|module| known(module.as_str())),
        _ => false,
    }
}

/// `__name__ == "__main__"`: true for setup.py, whoever runs it.
fn is_main_guard(test: &Expr) -> bool {
    let Expr::Compare(compare) = test else { return false };
    let equal = matches!(*compare.ops, [ruff_python_ast::CmpOp::Eq]);
    let left = matches!(&*compare.left, Expr::Name(name) if name.id.as_str() == "__name__");
    let right = matches!(&*compare.comparators, [Expr::StringLiteral(main)] if main.value.to_str() == "__main__");
    equal && left && right
}
