//! `platform`: the interpreter that images run, on the system that sgbuild runs on.

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::Form;

/// `platform.python_implementation()`.
pub(super) fn python_implementation(arguments: &Arguments, _: Place) -> Option<Form> {
    arguments.is_empty().then(|| Form::text("CPython"))
}

/// `platform.system()`.
pub(super) fn system(arguments: &Arguments, _: Place) -> Option<Form> {
    let name = if cfg!(target_os = "macos") { "Darwin" } else { "Linux" };
    arguments.is_empty().then(|| Form::text(name))
}
