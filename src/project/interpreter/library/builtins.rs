//! Built-in functions and classes that take single objects.

use std::rc::Rc;

use ruff_text_size::TextRange;

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::{Halt, Known, Machine, format};

/// `__import__(name)`.
pub(super) fn import(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let Some(module) = arguments.text(0, "name").map(ToOwned::to_owned) else {
        return Ok(None);
    };
    let top = module.split('.').next().unwrap_or(&module);
    machine.module(&module, top, &node).map(|module| Some(module.form))
}

/// `setattr(object, name, value)`.
pub(super) fn setattr(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let [object, name, value] = arguments.positional.as_slice() else {
        return Ok(None);
    };
    if let Some(name) = name.as_str() {
        machine.set_attribute(object, name, value.clone(), &node);
        return Ok(Some(Form::None));
    }
    if matches!(object.form, Form::Library(_)) {
        machine.give_up(&node, "may change how setuptools works");
    }
    Ok(None)
}

/// `hasattr(object, name)`, of what `PyPy` alone has: it is not what images run.
pub(super) fn hasattr(arguments: &Arguments, _: Place) -> Option<Form> {
    let is_pypys = arguments.text(1, "").is_some_and(|name| name.starts_with("pypy_"));
    is_pypys.then_some(Form::Bool(false))
}

/// `@staticmethod`: the function itself, to who has it by its class.
pub(super) fn staticmethod(arguments: &Arguments, _: Place) -> Option<Form> {
    match arguments.positional.as_slice() {
        [function] if matches!(function.form, Form::Function(_)) => Some(function.form.clone()),
        _ => None,
    }
}

/// `@property` and `@classmethod`: something of the function that is not followed. Nothing happens yet; who calls it calls the function.
pub(super) fn descriptor(arguments: &Arguments, _: Place) -> Option<Form> {
    match arguments.positional.as_slice() {
        [function] if matches!(function.form, Form::Function(_)) => {
            Some(Form::Method(Rc::new(function.clone()), "__get__".into()))
        }
        _ => None,
    }
}

/// `ValueError(message)` and its like.
pub(super) fn exception(name: &str, arguments: &Arguments) -> Form {
    let class = name.rsplit('.').next().unwrap_or(name);
    let message = arguments.positional.first().and_then(format::str).unwrap_or_default();
    Form::Exception(class.into(), message.into())
}

/// `str(object)`.
pub(super) fn str(arguments: &Arguments, _: Place) -> Option<Form> {
    match arguments.positional.as_slice() {
        [] => Some(Form::text("")),
        [value] => format::str(value).map(Form::text),
        _ => None,
    }
}

/// `repr(object)`.
pub(super) fn repr(arguments: &Arguments, _: Place) -> Option<Form> {
    match arguments.positional.as_slice() {
        [value] => format::repr(value).map(Form::text),
        _ => None,
    }
}

/// `int(x)`, of a number or of decimal digits.
pub(super) fn int(_: &mut Machine, arguments: &Arguments, _: TextRange) -> Known {
    let [value] = arguments.positional.as_slice() else {
        return Ok(None);
    };
    if let Some(number) = value.as_int() {
        return Ok(Some(Form::Int(number)));
    }
    if let Form::AtLeast(number) | Form::AtLeastWritten(number) = value.form {
        return Ok(Some(Form::AtLeast(number)));
    }
    let Some(text) = value.as_str().map(str::trim) else {
        return Ok(None);
    };
    let is_plain = !text.is_empty() && text.len() < 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain {
        return Ok(text.parse().ok().map(Form::Int));
    }
    let has_letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if text.is_ascii() && !text.contains('_') && has_letters {
        return Err(Halt::Raised("ValueError".into(), "invalid literal for int()".into()));
    }
    Ok(None)
}

/// `bool(x)`.
pub(super) fn bool(arguments: &Arguments, _: Place) -> Option<Form> {
    match arguments.positional.as_slice() {
        [value] => value.truthy().ok().map(Form::Bool),
        _ => None,
    }
}

/// `len(s)`.
pub(super) fn len(arguments: &Arguments, _: Place) -> Option<Form> {
    let [value] = arguments.positional.as_slice() else {
        return None;
    };
    let length = length(value).and_then(|length| i64::try_from(length).ok());
    length.map(Form::Int)
}

fn length(value: &Object) -> Option<usize> {
    match &value.form {
        Form::Str(text) => Some(text.chars().count()),
        Form::Bytes(bytes) => Some(bytes.len()),
        Form::List(items) | Form::Set(items) => Some(items.get().ok()?.len()),
        Form::Tuple(items) => Some(items.len()),
        Form::Range(start, end) => Some(usize::try_from(end.saturating_sub(*start)).unwrap_or(0)),
        Form::Dict(entries) | Form::View(entries, _) => Some(entries.get().ok()?.len()),
        _ => None,
    }
}

/// `isinstance(object, classinfo)`.
pub(super) fn isinstance(arguments: &Arguments, _: Place) -> Option<Form> {
    match arguments.positional.as_slice() {
        [value, class] => is_instance(value, class).map(Form::Bool),
        _ => None,
    }
}

fn is_instance(value: &Object, class: &Object) -> Option<bool> {
    let classes = match &class.form {
        Form::Tuple(classes) => classes.to_vec(),
        _ => vec![class.clone()],
    };
    let mut found = false;
    for class in classes {
        let Form::Library(name) = &class.form else { return None };
        found |= match (&**name, &value.form) {
            (
                _,
                Form::Unknown(_)
                | Form::Argument
                | Form::Arguments
                | Form::VersionInfo(_)
                | Form::AtLeast(_)
                | Form::AtLeastWritten(_)
                | Form::Library(_),
            ) => return None,
            ("builtins.str", form) => matches!(form, Form::Str(_)),
            ("builtins.list", form) => matches!(form, Form::List(_)),
            ("builtins.tuple", form) => matches!(form, Form::Tuple(_)),
            ("builtins.dict", form) => matches!(form, Form::Dict(_)),
            ("builtins.set", form) => matches!(form, Form::Set(_)),
            ("builtins.int", form) => matches!(form, Form::Int(_) | Form::Bool(_)),
            _ => return None,
        };
    }
    Some(found)
}
