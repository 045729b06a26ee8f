//! `platform`: of the image, which is what the project is read for.

use ruff_text_size::TextRange;

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::{Known, Machine, format};

/// `platform.python_implementation()`.
pub(super) fn python_implementation(arguments: &Arguments, _: Place) -> Option<Form> {
    arguments.is_empty().then(|| Form::text("CPython"))
}

/// `platform.system()`.
pub(super) fn system(arguments: &Arguments, _: Place) -> Option<Form> {
    arguments.is_empty().then(|| Form::text("Linux"))
}

/// `platform.machine()`.
pub(super) fn machine(machine: &mut Machine, arguments: &Arguments, _: TextRange) -> Known {
    Ok(machine
        .around
        .machine()
        .filter(|_| arguments.is_empty())
        .map(Form::text))
}

/// `platform.python_version()`.
pub(super) fn python_version(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let texts: Option<Vec<_>> = released(machine, node).iter().map(format::str).collect();
    let known = texts.filter(|_| arguments.is_empty());
    Ok(known.map(|texts| Form::text(texts.join("."))))
}

/// `platform.python_version_tuple()`, which is of texts.
pub(super) fn python_version_tuple(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let written = |part: Object| {
        let form = match &part.form {
            Form::Int(number) => Form::text(number.to_string()),
            Form::AtLeast(number) => Form::AtLeastWritten(*number),
            form => form.clone(),
        };
        Object::new(form, part.place)
    };
    let parts = released(machine, node).into_iter().map(written).collect();
    Ok(arguments.is_empty().then_some(Form::Tuple(parts)))
}

/// Major, minor and patch version.
fn released(machine: &mut Machine, node: TextRange) -> Vec<Object> {
    match machine.version_info(&node).form {
        Form::VersionInfo(parts) => parts.iter().take(3).cloned().collect(),
        _ => Vec::new(),
    }
}
