//! Where names are looked up.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::source_file::SourceFile;
use super::super::value::Place;
use super::object::{Function, Namespace, Object};

/// The namespaces in which names are looked up, the innermost first; the last is the module's.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) scopes: Vec<Namespace>,
    /// Names declared `global`.
    pub(super) global: BTreeSet<String>,
    /// Names declared `nonlocal`.
    pub(super) nonlocal: BTreeSet<String>,
    pub(super) file: Rc<SourceFile>,
    /// For code of another file: the place in setup.py that led to it.
    pub(super) site: Option<Place>,
    /// The innermost namespace is a comprehension's.
    pub(super) comprehends: bool,
    /// The innermost namespace is a class's, which functions in it do not see.
    pub(super) is_class: bool,
    /// The package by which relative imports are resolved.
    pub(super) package: Option<Rc<str>>,
    /// The function's local names: it binds them somewhere, so they are not those around it.
    pub(super) local_names: Option<Rc<BTreeSet<String>>>,
}

impl Frame {
    pub(super) fn of_module(names: Namespace, file: Rc<SourceFile>, site: Option<Place>) -> Self {
        Self {
            scopes: vec![names],
            global: BTreeSet::new(),
            nonlocal: BTreeSet::new(),
            file,
            site,
            comprehends: false,
            is_class: false,
            package: None,
            local_names: None,
        }
    }

    /// The namespaces that a function defined here sees.
    pub(super) fn of_functions(&self) -> Vec<Namespace> {
        self.scopes.iter().skip(usize::from(self.is_class)).cloned().collect()
    }

    /// A namespace inside this one, of a comprehension.
    pub(super) fn inner(&self, names: BTreeMap<String, Object>) -> Self {
        let mut scopes = vec![Rc::new(RefCell::new(names))];
        scopes.extend(self.scopes.iter().cloned());
        Self {
            scopes,
            comprehends: true,
            // It has names of its own only.
            global: BTreeSet::new(),
            nonlocal: BTreeSet::new(),
            local_names: None,
            ..self.clone()
        }
    }

    /// The frame of a call of `function`, with its arguments.
    pub(super) fn of_call(function: &Function, arguments: BTreeMap<String, Object>, site: Option<Place>) -> Self {
        let mut scopes = vec![Rc::new(RefCell::new(arguments))];
        scopes.extend(function.scopes.iter().cloned());
        Self {
            scopes,
            global: BTreeSet::new(),
            nonlocal: BTreeSet::new(),
            file: Rc::clone(&function.file),
            site,
            comprehends: false,
            is_class: false,
            package: None,
            local_names: Some(Rc::clone(&function.local_names)),
        }
    }
}
