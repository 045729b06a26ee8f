//! `copy`.

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::shared::Shared;

/// `copy.copy(x)` and `copy.deepcopy(x)`, of what is the same to both.
pub(super) fn copy(arguments: &Arguments, _: Place) -> Option<Form> {
    match arguments.positional.first().map(|object| &object.form) {
        Some(Form::List(items)) => items
            .get()
            .ok()
            .filter(|items| items.iter().all(is_flat))
            .map(|items| Form::List(Shared::new(items.clone()))),
        Some(form @ (Form::Str(_) | Form::Int(_) | Form::None | Form::Bool(_))) => Some(form.clone()),
        _ => None,
    }
}

/// Whether an object holds no other one.
fn is_flat(item: &Object) -> bool {
    matches!(item.form, Form::Str(_) | Form::Int(_) | Form::Bool(_) | Form::None)
}
