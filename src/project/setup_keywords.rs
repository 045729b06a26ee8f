//! What setuptools refuses of the values that `setup()` is given, in its own words: the validators behind
//! [`distutils.setup_keywords`](https://setuptools.pypa.io/en/latest/userguide/extension.html#adding-setup-arguments).

use super::error::Error;
use super::value::{Draft, Kind, Place, Value};

/// Refuses what setuptools certainly refuses of setup.py's keywords; `all` is what is declared, discovered packages included.
pub(super) fn refuse(setup_py: &Draft, all: &Draft) -> Result<(), Error> {
    for key in ["include_package_data", "zip_safe"] {
        if let Some(Ok(value)) = setup_py.fields.get(key)
            && !is_truth_value(value)
        {
            let message = format!("'{key}' must be a boolean value{}", got(value));
            return Err(invalid(value.place, message));
        }
    }
    for (key, value) in &setup_py.checked {
        match *key {
            _ if value.kind == Kind::None => {}
            "use_2to3" if value.truthy() => {
                let message =
                    "use_2to3 is invalid. It would have translated Python 2: setuptools gave it up".to_owned();
                return Err(invalid(value.place, message));
            }
            "use_2to3" => {}
            _ => {
                if !is_list_of_strings(value) {
                    let message = format!("'{key}' must be a list of strings{}", got(value));
                    return Err(invalid(value.place, message));
                }
                if *key == "namespace_packages" {
                    refuse_empty_namespace(value, all)?;
                }
            }
        }
    }
    if let Some(Ok(requires)) = setup_py.fields.get("requires") {
        refuse_requirement(requires)?;
    }
    if let Some(Ok(version)) = setup_py.fields.get("python_version") {
        refuse_number_that_lost_a_zero(version)?;
    }
    Ok(())
}

fn invalid(place: Place, message: String) -> Error {
    let at = place.to_string();
    Error::InvalidValue { at, message }
}

/// `bool(value) == value`, in Python.
fn is_truth_value(value: &Value) -> bool {
    match &value.kind {
        Kind::None | Kind::Bool(_) => true,
        Kind::Number(number) => matches!(number.as_str(), "0" | "1" | "0.0" | "1.0" | "-0.0"),
        _ => false,
    }
}

/// A list or tuple of strings. One that holds nothing else than numbers, say, is left to Python, and refused there.
fn is_list_of_strings(value: &Value) -> bool {
    value.strings().is_some()
}

/// A namespace must hold a package or module.
fn refuse_empty_namespace(namespaces: &Value, all: &Draft) -> Result<(), Error> {
    // Extension modules have names as well.
    if all.fields.contains_key("ext_modules") {
        return Ok(());
    }
    let listed = |key: &str| match all.fields.get(key) {
        None | Some(Ok(Value { kind: Kind::None, .. })) => Some(Vec::new()),
        Some(Ok(value)) => value.strings(),
        Some(Err(_)) => None,
    };
    let (Some(packages), Some(modules)) = (listed("packages"), listed("py_modules")) else {
        return Ok(());
    };
    for namespace in namespaces.strings().unwrap_or_default() {
        let is_in = |name: &String| *name == namespace || name.starts_with(&format!("{namespace}."));
        if !packages.iter().chain(&modules).any(is_in) {
            let message = format!("Distribution contains no modules or packages for namespace package '{namespace}'");
            return Err(invalid(namespaces.place, message));
        }
    }
    Ok(())
}

/// `requires` is of distutils, and has a syntax of its own; people write in it what belongs into `install_requires`.
fn refuse_requirement(requires: &Value) -> Result<(), Error> {
    for item in requires.strings().unwrap_or_default() {
        let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
        let name = item.trim_start();
        let rest = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        let rest = rest.trim();
        let is_refused = name.starts_with(starts) && name.is_ascii() && !rest.is_empty() && !rest.starts_with('(');
        if is_refused {
            let message = format!(
                "requires holds \"{item}\", which setuptools refuses (expected parenthesized list: '{rest}'); what pip is to install goes into install_requires"
            );
            return Err(invalid(requires.place, message));
        }
    }
    Ok(())
}

/// To Python, the number 3.10 is 3.1.
fn refuse_number_that_lost_a_zero(version: &Value) -> Result<(), Error> {
    let Kind::Number(number) = &version.kind else {
        return Ok(());
    };
    if !matches!(number.as_str(), "3.1" | "3.2" | "3.3") {
        return Ok(());
    }
    let message = format!(
        "python_version is the number {number}: as a number, {number}0 is {number} too; write it as a string: python_version=\"{number}0\""
    );
    Err(invalid(version.place, message))
}

/// ` (got 'x')`, where it is short enough to be shown.
fn got(value: &Value) -> String {
    match &value.kind {
        Kind::Str(text) if text.len() < 60 && !text.contains(['\'', '\\', '\n']) => format!(" (got '{text}')"),
        Kind::Number(number) => format!(" (got {number})"),
        _ => String::new(),
    }
}
