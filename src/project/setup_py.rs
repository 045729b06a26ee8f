//! `setup.py`, read without running it.
//!
//! Statements before `setup()` are followed in order. Imports and assignments bind names; any other statement is only asked
//! which names it could change, and those are unknown from there on. `setup()` itself must be reached for certain, once.

use std::collections::BTreeSet;
use std::path::Path;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, ExprContext, Stmt};
use ruff_text_size::Ranged;

use super::error::Error;
use super::evaluate::{Binding, Scope, member};
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
    "cffi_modules",
    "rust_extensions",
    "ext_modules",
    "cmdclass",
    "obsoletes_dist",
    "provides_dist",
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
    match read {
        Some(read) => Ok(read),
        None => {
            draft.give_up("setup.py", top, "is too large to be read statically");
            Ok(draft)
        }
    }
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
}

impl<'a> Reader<'a> {
    fn new(root: &'a Path, file: &'a SourceFile) -> Self {
        Self {
            scope: Scope::new(root, file),
            draft: Draft::default(),
            found_setup: false,
            aliased: false,
        }
    }

    fn module(mut self, body: &[Stmt]) -> Draft {
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
            Stmt::Try(attempt) if attempt.body.iter().all(is_import) => {
                // With setuptools installed the first branch is taken; what it imports besides may be missing.
                self.other(statement);
                attempt
                    .body
                    .iter()
                    .filter(|s| imports_setuptools(s))
                    .for_each(|s| self.import(s));
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

    fn import(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let module = alias.name.as_str();
                    let (name, bound) = match &alias.asname {
                        Some(name) => (name.as_str(), module),
                        None => {
                            let top = module.split('.').next().unwrap_or(module);
                            (top, top)
                        }
                    };
                    self.scope
                        .names
                        .insert(name.to_owned(), Binding::Module(bound.to_owned()));
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
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
        match &evaluated {
            Ok(known) => self.aliased |= known.mutable() && !mentions(statement).loads.is_empty(),
            Err(_) => self.other(statement),
        }
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
        for keyword in &call.arguments.keywords {
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
        if name == "ext_modules" || name == "rust_extensions" || name == "cffi_modules" {
            if evaluated.as_ref().map_or(true, Value::truthy) {
                let place = self.scope.place(value);
                self.draft
                    .backend_sdist
                    .get_or_insert_with(|| format!("{place}: {name} adds extension sources"));
                self.draft
                    .fields
                    .insert("ext_modules".to_owned(), Ok(Value::new(Kind::Bool(true), place)));
            }
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
            let unknown = self.scope.unknown(value, "is not one of setuptools' own keywords");
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

fn is_import(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Import(_) | Stmt::ImportFrom(_))
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
    let right = matches!(&*compare.comparators, [Expr::StringLiteral(text)] if text.value.to_str() == "__main__");
    equal && left && right
}

/// The names that a piece of code mentions, and how.
#[derive(Default)]
struct Mentions {
    loads: BTreeSet<String>,
    stores: BTreeSet<String>,
    attributes: BTreeSet<String>,
    /// It may change any name: `exec`, `globals()`.
    wild: bool,
    /// It changes the working directory.
    moves: bool,
    functions: usize,
}

fn mentions(statement: &Stmt) -> Mentions {
    let mut mentions = Mentions::default();
    mentions.visit_stmt(statement);
    mentions
}

impl Mentions {
    fn store(&mut self, name: &str) {
        // A function's own names are not the module's.
        if self.functions == 0 {
            self.stores.insert(name.to_owned());
        }
    }

    fn store_below(&mut self, target: &Expr) {
        match target {
            Expr::Name(name) => {
                self.stores.insert(name.id.as_str().to_owned());
            }
            Expr::Attribute(attribute) => self.store_below(&attribute.value),
            Expr::Subscript(subscript) => self.store_below(&subscript.value),
            _ => {}
        }
    }
}

impl<'a> Visitor<'a> for Mentions {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.store(function.name.as_str());
                self.functions += 1;
                walk_stmt(self, statement);
                self.functions -= 1;
                return;
            }
            Stmt::ClassDef(class) => {
                self.store(class.name.as_str());
                self.functions += 1;
                walk_stmt(self, statement);
                self.functions -= 1;
                return;
            }
            // A pattern binds names that are no expressions.
            Stmt::Match(_) => self.wild |= self.functions == 0,
            Stmt::Global(global) => self
                .stores
                .extend(global.names.iter().map(|name| name.as_str().to_owned())),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.store(name.split('.').next().unwrap_or(name));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.wild |= alias.name.as_str() == "*";
                    self.store(alias.asname.as_ref().unwrap_or(&alias.name).as_str());
                }
            }
            Stmt::Try(attempt) => {
                for handler in &attempt.handlers {
                    let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                    if let Some(name) = &handler.name {
                        self.store(name.as_str());
                    }
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => {
                let text = name.id.as_str();
                match name.ctx {
                    ExprContext::Load => {
                        self.wild |= matches!(text, "exec" | "eval" | "globals" | "locals" | "vars" | "execfile");
                        self.moves |= matches!(text, "chdir");
                        self.loads.insert(text.to_owned());
                    }
                    _ => self.store(text),
                }
            }
            Expr::Attribute(attribute) => {
                self.moves |= attribute.attr.as_str() == "chdir";
                self.attributes.insert(attribute.attr.as_str().to_owned());
                if !matches!(attribute.ctx, ExprContext::Load) {
                    self.store_below(&attribute.value);
                }
            }
            Expr::Subscript(subscript) if !matches!(subscript.ctx, ExprContext::Load) => {
                self.store_below(&subscript.value);
            }
            Expr::Call(call) if runs_in_own_namespace(call) => {
                // The namespace given is changed, nothing else.
                for argument in &call.arguments.args {
                    self.visit_expr(argument);
                }
                return;
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// `exec(code, namespace)`.
fn runs_in_own_namespace(call: &ExprCall) -> bool {
    let exec = matches!(&*call.func, Expr::Name(name) if matches!(name.id.as_str(), "exec" | "eval"));
    exec && call.arguments.args.len() > 1
}
