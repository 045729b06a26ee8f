//! `attr: package.module.NAME`: the value of a module's name, found without importing the module.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::border::{self, Real};
use super::error::Error;
use super::interpreter::{Machine, literal};
use super::needs::Need;
use super::python_source;
use super::source_file::SourceFile;
use super::surroundings::Surroundings;
use super::value::{Dynamic, Evaluated, Kind, Place, Value};
use ruff_python_ast::{Expr, Stmt};

/// The literal that is first assigned to the name: setuptools takes that too. Where there is none, setuptools imports the module;
/// then it is the value that following the module gives, if that is certain.
pub(crate) fn read_attr(
    root: &Path,
    path: &str,
    package_dir: &BTreeMap<String, String>,
    at: Place,
    needs: &mut Vec<Need>,
    around: &Arc<Surroundings>,
) -> Result<Evaluated, Error> {
    let unknown = |reason: &str| {
        let expression = format!("attr: {path}");
        Ok(Err(Dynamic {
            expression,
            place: at,
            reason: reason.to_owned(),
        }))
    };
    let (module, name) = path.rsplit_once('.').unwrap_or(("__init__", path));
    let Some(file_path) = module_file(root, module, package_dir) else {
        return unknown("names a module that was not found in the project");
    };
    if let Ok(Real::Outside(outside)) = border::real(root, &file_path)
        && !outside.is_link()
    {
        return unknown("names a module outside of the project");
    }
    let shown = file_path
        .strip_prefix(root)
        .unwrap_or(&file_path)
        .to_string_lossy()
        .into_owned();
    let Some(file) = SourceFile::read(root, &shown)? else {
        return unknown("names a module that was not found in the project");
    };
    needs.push(Need {
        path: shown.into(),
        is_directory: false,
        file: at.file,
        line: at.line,
    });
    let found = python_source::with_module(&file, |file, body| {
        let machine = || Machine::of_module(root, Rc::new(file.clone()), module, &file_path, around);
        first_literal(body, name, at).or_else(|| computed(machine(), body, name, at))
    })?;
    match found {
        Some(Some(value)) => Ok(as_version(&value, path, at)),
        Some(None) | None => unknown("is not certain without running its module"),
    }
}

/// The value after the module has run, if that can be followed.
fn computed(mut machine: Machine, body: &[Stmt], name: &str, at: Place) -> Option<Value> {
    machine.run(body);
    if machine.given_up.is_some() {
        return None;
    }
    let mut value = machine.named(name)?.frozen().to_value().ok()?;
    value.place = at;
    Some(value)
}

fn first_literal(body: &[Stmt], name: &str, at: Place) -> Option<Value> {
    let named = |target: &Expr| matches!(target, Expr::Name(n) if n.id.as_str() == name);
    let value = body.iter().find_map(|statement| match statement {
        Stmt::Assign(assign) if assign.targets.iter().any(named) => Some(&assign.value),
        Stmt::AnnAssign(assign) if named(&assign.target) => assign.value.as_ref(),
        _ => None,
    })?;
    literal(value, at)
}

/// setuptools joins a version given as a sequence with dots.
fn as_version(value: &Value, path: &str, at: Place) -> Evaluated {
    let part = |item: &Value| match &item.kind {
        Kind::Str(text) | Kind::Number(text) => Some(text.clone()),
        _ => None,
    };
    let text = match value.items() {
        Some(items) => items
            .iter()
            .map(part)
            .collect::<Option<Vec<_>>>()
            .map(|parts| parts.join(".")),
        None => part(value),
    };
    text.map(|text| Value::str(text, at))
        .ok_or_else(|| value.unclear(&format!("attr: {path}"), "a version"))
}

fn module_file(root: &Path, module: &str, package_dir: &BTreeMap<String, String>) -> Option<PathBuf> {
    let parts: Vec<&str> = module.split('.').collect();
    let mut base = root.to_path_buf();
    // The innermost package that `package_dir` names decides.
    let custom = (1..=parts.len())
        .rev()
        .find_map(|n| Some((package_dir.get(&parts[..n].join("."))?, n)));
    if let Some((directory, n)) = custom {
        base.push(directory);
        base.extend(&parts[n..]);
    } else {
        base.extend(package_dir.get(""));
        base.extend(&parts);
    }
    let as_module = base.with_file_name(format!("{}.py", base.file_name()?.to_str()?));
    [as_module, base.join("__init__.py")]
        .into_iter()
        .find(|path| path.is_file())
}
