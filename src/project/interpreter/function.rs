//! Functions and classes of the file.

use std::collections::BTreeSet;
use std::rc::Rc;

use ruff_python_ast::{Expr, Parameters, Stmt};

use super::super::mentions::Mentions;
use super::super::source_file::SourceFile;
use super::object::{Namespace, Object};

/// A function of the file.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) parameters: Parameters,
    pub(crate) body: Body,
    /// Names that its body binds.
    pub(crate) own: Rc<BTreeSet<String>>,
    /// Defaults in the parameters' order, evaluated where the function was defined.
    pub(crate) defaults: Vec<Option<Object>>,
    /// The namespaces around it, the innermost first.
    pub(crate) scopes: Vec<Namespace>,
    pub(crate) file: Rc<SourceFile>,
    /// Bytes of its source.
    pub(crate) length: usize,
}

/// A class of the file.
#[derive(Debug)]
pub(crate) struct Class {
    /// Its own attributes.
    pub(crate) names: Namespace,
    /// What its body binds is what its attributes are.
    pub(crate) is_plain: bool,
    /// What its methods mention.
    pub(crate) mentions: Mentions,
    /// The namespaces around it, the innermost first.
    pub(crate) scopes: Vec<Namespace>,
}

/// What a function runs.
#[derive(Debug)]
pub(crate) enum Body {
    Statements(Vec<Stmt>),
    Lambda(Expr),
}
