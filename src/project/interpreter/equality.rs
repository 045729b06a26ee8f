//! Whether two objects are equal.

use std::rc::Rc;

use super::effort;
use super::object::{Form, Object};
use super::shared::{Budget, Sequence};

/// Objects that one comparison looks at.
const MAX_COMPARED: usize = 10_000;

impl Object {
    /// Whether two objects are equal; `None` where only Python knows.
    pub(crate) fn equals(&self, other: &Self) -> Option<bool> {
        self.equals_below(other, &Budget::new(MAX_COMPARED))
    }

    fn equals_below(&self, other: &Self, budget: &Budget) -> Option<bool> {
        budget.spend(1)?;
        effort::work(1)?;
        let all = |a: &[Object], b: &[Object]| {
            if a.len() != b.len() {
                return Some(false);
            }
            let mut equal = Some(true);
            for (a, b) in a.iter().zip(b) {
                match a.equals_below(b, budget) {
                    Some(true) => {}
                    Some(false) => return Some(false),
                    None => equal = None,
                }
            }
            equal
        };
        match (&self.form, &other.form) {
            (Form::Unknown(_), _) | (_, Form::Unknown(_)) => None,
            (Form::None, Form::None) => Some(true),
            (Form::Str(a), Form::Str(b)) => {
                let is_read = a.len() == b.len() && !Rc::ptr_eq(a, b);
                effort::reading(if is_read { a } else { "" })?;
                Some(a == b)
            }
            (Form::Bytes(a), Form::Bytes(b)) => {
                effort::work(self.weight())?;
                Some(a == b)
            }
            (Form::Tuple(a) | Form::VersionInfo(a), Form::Tuple(b) | Form::VersionInfo(b)) => all(a, b),
            (Form::AtLeast(least), Form::Int(number)) | (Form::Int(number), Form::AtLeast(least)) => {
                (number < least).then_some(false)
            }
            (Form::List(a), Form::List(b)) => {
                let (a, b) = (a.get().ok()?, b.get().ok()?);
                let is_ordered = self.sequence() == Sequence::Known && other.sequence() == Sequence::Known;
                if !is_ordered && a.len() == b.len() {
                    return None;
                }
                all(&a, &b)
            }
            (Form::Path(a), Form::Path(b)) => Some(a == b),
            (Form::Library(a), Form::Library(b)) => (a == b).then_some(true),
            (Form::Argument, Form::Str(text)) | (Form::Str(text), Form::Argument) => {
                is_no_command(text).then_some(false)
            }
            (Form::Bool(_) | Form::Int(_) | Form::Float(_), Form::Bool(_) | Form::Int(_) | Form::Float(_)) => {
                match (self.as_int(), other.as_int()) {
                    (Some(a), Some(b)) => Some(a == b),
                    _ => None,
                }
            }
            (a, b) if a.is_plain() && b.is_plain() && std::mem::discriminant(a) != std::mem::discriminant(b) => {
                Some(false)
            }
            _ => None,
        }
    }
}

impl Form {
    /// Built-in data, of which two of different types are never equal.
    fn is_plain(&self) -> bool {
        matches!(
            self,
            Self::None
                | Self::Bool(_)
                | Self::Int(_)
                | Self::Float(_)
                | Self::Str(_)
                | Self::Bytes(_)
                | Self::List(_)
                | Self::Tuple(_)
                | Self::Dict(_)
                | Self::Set(_)
        )
    }
}

/// Whether a text is certainly not the command that setup.py is run with. To read metadata or build, that is a command of setuptools;
/// `publish`, `test` and the like are people's own.
fn is_no_command(text: &str) -> bool {
    let known = [
        "egg_info",
        "dist_info",
        "sdist",
        "bdist_wheel",
        "editable_wheel",
        "build",
        "build_py",
        "build_ext",
        "build_clib",
        "build_scripts",
        "install",
        "develop",
        "setup.py",
        "clean",
        "install_lib",
        "install_data",
        "install_scripts",
        "install_egg_info",
        "install_headers",
        "bdist",
        "bdist_egg",
        "rotate",
        "saveopts",
        "setopt",
        "alias",
    ];
    !known.contains(&text) && !text.starts_with('-') && !text.contains('/') && !text.is_empty()
}
