//! The arguments of a call.

use std::rc::Rc;

use super::super::value::Dynamic;
use super::object::{Form, Object};

/// The arguments of a call.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Object>,
    pub(super) named: Vec<(String, Object)>,
    /// Why not all of them are known.
    pub(super) doubt: Option<Rc<Dynamic>>,
}

impl Arguments {
    pub(super) fn of(positional: Vec<Object>) -> Self {
        Self {
            positional,
            ..Self::default()
        }
    }

    /// The argument at the position `index`, or of the name `name`.
    pub(super) fn get(&self, index: usize, name: &str) -> Option<&Object> {
        let named = || self.named.iter().find(|(known, _)| known == name);
        self.positional.get(index).or_else(|| named().map(|(_, value)| value))
    }

    pub(super) fn text(&self, index: usize, name: &str) -> Option<&str> {
        self.get(index, name)?.as_str()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.named.is_empty()
    }

    /// All of them.
    pub(super) fn each(&self) -> impl Iterator<Item = &Object> {
        self.positional.iter().chain(self.named.iter().map(|(_, value)| value))
    }

    /// Whether none of them is an object that only Python knows.
    pub(super) fn are_known(&self) -> bool {
        !self.each().any(|argument| matches!(argument.form, Form::Unknown(_)))
    }
}
