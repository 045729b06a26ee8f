//! Which names a piece of Python could read or change, without running it.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, ExprContext, Stmt};

/// The names that a piece of code mentions, and how.
#[derive(Debug, Default)]
pub(crate) struct Mentions {
    pub(crate) loads: BTreeSet<String>,
    pub(crate) stores: BTreeSet<String>,
    pub(crate) attributes: BTreeSet<String>,
    /// It may change any name: `exec`, `globals()`.
    pub(crate) wild: bool,
    /// It changes the working directory or the files below it.
    pub(crate) moves: bool,
    /// What functions defined here read or change whenever they are called.
    pub(crate) later: Later,
    functions: usize,
}

/// What the bodies of functions do to the module's names; when they run is not followed.
#[derive(Debug, Default)]
pub(crate) struct Later {
    /// Names that are read, through which a list or dict may be changed.
    pub(crate) loads: BTreeSet<String>,
    /// Names declared `global`.
    pub(crate) stores: BTreeSet<String>,
    /// They may change any name.
    pub(crate) wild: bool,
}

/// The names by which a module's namespace is reached from elsewhere.
const NAMESPACES: [&str; 8] = [
    "__dict__",
    "__globals__",
    "__builtins__",
    "f_globals",
    "f_locals",
    "modules",
    "_getframe",
    "currentframe",
];

/// Functions that change the tree in which packages are looked for.
const MOVERS: [&str; 19] = [
    "chdir",
    "fchdir",
    "mkdir",
    "makedirs",
    "copytree",
    "rmtree",
    "rename",
    "renames",
    "move",
    "unlink",
    "symlink",
    "symlink_to",
    "touch",
    "system",
    "popen",
    "Popen",
    "check_call",
    "unpack_archive",
    "extractall",
];

/// Whether an attribute of this name leads to a module's names.
pub(crate) fn reaches_namespaces(name: &str) -> bool {
    NAMESPACES.contains(&name)
}

/// Whether a function of this name may change the tree.
pub(crate) fn moves(name: &str) -> bool {
    MOVERS.contains(&name)
}

/// What all of `body` mentions.
pub(crate) fn mentions_of_all(body: &[Stmt]) -> Mentions {
    let mut mentions = Mentions::default();
    mentions.visit_body(body);
    mentions
}

/// What `statement` mentions.
pub(crate) fn mentions(statement: &Stmt) -> Mentions {
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

    fn wild(&mut self) {
        self.wild = true;
        self.later.wild |= self.functions > 0;
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
            // The patterns of `match` bind names, and are no expressions.
            Stmt::Match(_) => self.wild |= self.functions == 0,
            Stmt::Global(global) => {
                let names = || global.names.iter().map(|name| name.as_str().to_owned());
                self.stores.extend(names());
                self.later.stores.extend(names());
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    if alias.name.as_str() == "__main__" {
                        self.wild();
                    }
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.store(name.split('.').next().unwrap_or(name));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    if alias.name.as_str() == "*" || NAMESPACES.contains(&alias.name.as_str()) {
                        self.wild();
                    }
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
                        if matches!(text, "exec" | "eval" | "globals" | "locals" | "vars" | "execfile") {
                            self.wild();
                        }
                        self.moves |= MOVERS.contains(&text);
                        self.loads.insert(text.to_owned());
                        if self.functions > 0 {
                            self.later.loads.insert(text.to_owned());
                        }
                    }
                    _ => self.store(text),
                }
            }
            Expr::Attribute(attribute) => {
                let name = attribute.attr.as_str();
                self.moves |= MOVERS.contains(&name);
                if NAMESPACES.contains(&name) {
                    self.wild();
                }
                self.attributes.insert(attribute.attr.as_str().to_owned());
                if !matches!(attribute.ctx, ExprContext::Load) {
                    self.store_below(&attribute.value);
                }
            }
            Expr::Subscript(subscript) if !matches!(subscript.ctx, ExprContext::Load) => {
                self.store_below(&subscript.value);
            }
            Expr::Lambda(_) => {
                self.functions += 1;
                walk_expr(self, expression);
                self.functions -= 1;
                return;
            }
            Expr::Call(call) if runs_in_own_namespace(call) => {
                // It changes the namespace that it is given, and nothing else.
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
