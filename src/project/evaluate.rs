//! Evaluating a Python expression without Python: literals, names bound to them, `+`, and `find_packages()`.
//!
//! The evaluator answers with a value that is certainly what Python would compute, or with [`Dynamic`]: the expression, its
//! place, and why it is unknown. A new kind of expression is one more arm of [`Scope::evaluate`].

use std::collections::BTreeMap;
use std::path::Path;

use ruff_python_ast::{Expr, ExprCall, Number, Operator};
use ruff_text_size::Ranged;

use super::discovery::{Find, find_packages};
use super::source_file::SourceFile;
use super::value::{Dynamic, Evaluated, Kind, Place, Value};

/// What a module-level name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Binding {
    /// A value, or why it is unknown.
    Value(Evaluated),
    /// `setuptools.setup` or `distutils.core.setup`.
    Setup,
    /// `find_packages` (`false`) or `find_namespace_packages` (`true`).
    Find { namespaces: bool },
    /// A module, by its dotted name.
    Module(String),
}

/// Nesting of values past which Python is asked.
const MAX_DEPTH: usize = 100;
/// Length at which an expression's source is cut in messages.
const SHOWN: usize = 60;

/// The names known at some point of a module.
pub(crate) struct Scope<'a> {
    file: &'a SourceFile,
    /// The file's name in places; for a module read through `attr:` that of the file which refers to it.
    place_file: &'static str,
    root: Option<&'a Path>,
    pub(crate) names: BTreeMap<String, Binding>,
}

impl<'a> Scope<'a> {
    /// An empty scope of `setup.py` in `root`.
    pub(crate) fn new(root: &'a Path, file: &'a SourceFile) -> Self {
        Self {
            file,
            place_file: "setup.py",
            root: Some(root),
            names: BTreeMap::new(),
        }
    }

    /// A scope that knows literals only.
    pub(crate) fn literals(file: &'a SourceFile, place_file: &'static str) -> Self {
        Self {
            file,
            place_file,
            root: None,
            names: BTreeMap::new(),
        }
    }

    pub(crate) fn place(&self, node: &impl Ranged) -> Place {
        Place {
            file: self.place_file,
            line: self.file.line(node.start().to_usize()),
        }
    }

    pub(crate) fn unknown(&self, node: &impl Ranged, reason: impl Into<String>) -> Dynamic {
        let range = node.range();
        let source = self
            .file
            .text
            .get(range.start().to_usize()..range.end().to_usize())
            .unwrap_or_default();
        let one_line = source.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut expression: String = one_line.chars().take(SHOWN).collect();
        if expression.len() < one_line.len() {
            expression.push('…');
        }
        Dynamic {
            expression,
            place: self.place(node),
            reason: reason.into(),
        }
    }

    /// The value of `expression`.
    pub(crate) fn evaluate(&self, expression: &Expr) -> Evaluated {
        self.at_depth(expression, 0)
    }

    fn at_depth(&self, expression: &Expr, depth: usize) -> Evaluated {
        if depth > MAX_DEPTH {
            return Err(self.unknown(expression, "is nested too deeply"));
        }
        let kind = match expression {
            Expr::NoneLiteral(_) => Kind::None,
            Expr::BooleanLiteral(literal) => Kind::Bool(literal.value),
            Expr::StringLiteral(literal) => Kind::Str(literal.value.to_str().to_owned()),
            Expr::NumberLiteral(literal) => Kind::Number(
                number(&literal.value)
                    .ok_or_else(|| self.unknown(expression, "is a number Python may show differently"))?,
            ),
            Expr::List(list) => Kind::List(self.each(&list.elts, depth)?),
            Expr::Tuple(tuple) => Kind::Tuple(self.each(&tuple.elts, depth)?),
            Expr::Dict(dict) => {
                let mut entries = Vec::new();
                for item in &dict.items {
                    let key = item
                        .key
                        .as_ref()
                        .ok_or_else(|| self.unknown(&item.value, "is unpacked into a dict"))?;
                    let (key, value) = (self.at_depth(key, depth + 1)?, self.at_depth(&item.value, depth + 1)?);
                    insert(&mut entries, key, value);
                }
                Kind::Dict(entries)
            }
            Expr::Name(name) => return self.name(expression, name.id.as_str()),
            // `ast.literal_eval`, which a scope of literals stands for, adds nothing but complex numbers.
            Expr::BinOp(sum) if sum.op == Operator::Add && self.root.is_some() => {
                let (left, right) = (
                    self.at_depth(&sum.left, depth + 1)?,
                    self.at_depth(&sum.right, depth + 1)?,
                );
                add(left.kind, right.kind).ok_or_else(|| self.unknown(expression, "adds values of different types"))?
            }
            Expr::Call(call) => return self.call(expression, call),
            _ => return Err(self.unknown(expression, "is computed")),
        };
        Ok(Value::new(kind, self.place(expression)))
    }

    fn each(&self, items: &[Expr], depth: usize) -> Result<Vec<Value>, Dynamic> {
        items.iter().map(|item| self.at_depth(item, depth + 1)).collect()
    }

    fn name(&self, expression: &Expr, name: &str) -> Evaluated {
        match self.names.get(name) {
            Some(Binding::Value(Ok(value))) => Ok(value.clone()),
            Some(Binding::Value(Err(dynamic))) => Err(dynamic.clone()),
            _ => Err(self.unknown(expression, "is a name without a known value")),
        }
    }

    fn call(&self, expression: &Expr, call: &ExprCall) -> Evaluated {
        let Some(Binding::Find { namespaces }) = self.resolve(&call.func) else {
            return Err(self.unknown(expression, "is computed"));
        };
        let Some(root) = self.root else {
            return Err(self.unknown(expression, "is computed"));
        };
        let mut find = Find {
            namespaces,
            ..Find::default()
        };
        let positional = ["where", "exclude", "include"].into_iter().zip(&call.arguments.args);
        let mut given: Vec<(&str, &Expr)> = positional.collect();
        if call.arguments.args.len() > 3 {
            return Err(self.unknown(expression, "has too many arguments"));
        }
        for keyword in &call.arguments.keywords {
            let Some(name) = &keyword.arg else {
                return Err(self.unknown(expression, "is called with **"));
            };
            given.push((name.as_str(), &keyword.value));
        }
        for (name, argument) in given {
            let value = self.evaluate(argument)?;
            let patterns = || {
                value
                    .strings()
                    .ok_or_else(|| self.unknown(argument, "is not a list of strings"))
            };
            match name {
                "where" => {
                    let place = value
                        .as_str()
                        .ok_or_else(|| self.unknown(argument, "is not a string"))?;
                    place.clone_into(&mut find.place);
                }
                "exclude" => find.exclude = patterns()?,
                "include" => find.include = patterns()?,
                _ => return Err(self.unknown(expression, "has an argument find_packages() does not take")),
            }
        }
        let at = self.place(expression);
        let found = find_packages(root, &find).map_err(|error| self.unknown(expression, error.to_string()))?;
        Ok(Value::new(
            Kind::List(found.into_iter().map(|name| Value::str(name, at)).collect()),
            at,
        ))
    }

    /// What a name or dotted name stands for, if it is one of the functions known here.
    pub(crate) fn resolve(&self, function: &Expr) -> Option<Binding> {
        match function {
            Expr::Name(name) => self.names.get(name.id.as_str()).cloned(),
            Expr::Attribute(attribute) => match self.resolve(&attribute.value)? {
                Binding::Module(module) => Some(member(&module, attribute.attr.as_str())),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What `from module import name` binds.
pub(crate) fn member(module: &str, name: &str) -> Binding {
    match (module, name) {
        ("setuptools" | "distutils.core", "setup") => Binding::Setup,
        ("setuptools", "find_packages") => Binding::Find { namespaces: false },
        ("setuptools", "find_namespace_packages") => Binding::Find { namespaces: true },
        _ => Binding::Module(format!("{module}.{name}")),
    }
}

/// A dict keeps a key's first place and its last value.
fn insert(entries: &mut Vec<(Value, Value)>, key: Value, value: Value) {
    match entries.iter_mut().find(|(known, _)| known.kind == key.kind) {
        Some(known) => known.1 = value,
        None => entries.push((key, value)),
    }
}

fn number(number: &Number) -> Option<String> {
    match number {
        Number::Int(int) => int.as_i64().map(|value| value.to_string()),
        Number::Float(value) if (1e-4..1e16).contains(value) || *value == 0.0 => Some(format!("{value:?}")),
        _ => None,
    }
}

fn add(left: Kind, right: Kind) -> Option<Kind> {
    match (left, right) {
        (Kind::Str(a), Kind::Str(b)) => Some(Kind::Str(a + &b)),
        (Kind::List(a), Kind::List(b)) => Some(Kind::List([a, b].concat())),
        (Kind::Tuple(a), Kind::Tuple(b)) => Some(Kind::Tuple([a, b].concat())),
        _ => None,
    }
}
