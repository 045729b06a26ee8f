//! `importlib`, where it loads a file of the project.
//! <https://docs.python.org/3/library/importlib.html#importing-a-source-file-directly>

use std::collections::BTreeMap;
use std::rc::Rc;

use ruff_text_size::{Ranged, TextRange};

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::{Form, Namespace, Object, Source};
use super::super::{Known, Machine};

/// `importlib.import_module(name)`.
pub(super) fn import_module(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let name = arguments.text(0, "name").map(ToOwned::to_owned);
    match name {
        Some(name) if !name.starts_with('.') && arguments.positional.len() + arguments.named.len() == 1 => {
            machine.module(&name, &name, &node).map(|module| Some(module.form))
        }
        _ => Ok(None),
    }
}

/// `importlib.util.spec_from_file_location(name, location)`.
pub(super) fn spec_from_file_location(arguments: &Arguments, _: Place) -> Option<Form> {
    source(arguments, "location").map(Form::Spec)
}

/// `importlib.machinery.SourceFileLoader(fullname, path)`.
pub(super) fn source_file_loader(arguments: &Arguments, _: Place) -> Option<Form> {
    source(arguments, "path").map(Form::Loader)
}

/// A file of source, whose name says so: Python loads others in another way.
fn source(arguments: &Arguments, path: &str) -> Option<Rc<Source>> {
    let name = arguments.text(0, "name").or_else(|| arguments.text(0, "fullname"))?;
    let path = arguments.get(1, path)?.as_path()?;
    let are_all = arguments.positional.len() + arguments.named.len() == 2;
    (are_all && path.extension().is_some_and(|extension| extension == "py")).then(|| {
        Rc::new(Source {
            name: name.to_owned(),
            path: path.to_owned(),
        })
    })
}

/// `importlib.util.spec_from_loader(name, loader)`.
pub(super) fn spec_from_loader(arguments: &Arguments, _: Place) -> Option<Form> {
    match (
        arguments.text(0, "name"),
        arguments.get(1, "loader").map(|loader| &loader.form),
    ) {
        (Some(name), Some(Form::Loader(source))) if name == source.name => Some(Form::Spec(Rc::clone(source))),
        _ => None,
    }
}

/// `importlib.util.module_from_spec(spec)`: a module in which nothing has run.
pub(super) fn module_from_spec(arguments: &Arguments, place: Place) -> Option<Form> {
    match arguments.positional.as_slice() {
        [
            Object {
                form: Form::Spec(source),
                ..
            },
        ] => Some(Form::Module(new_module(source, place))),
        _ => None,
    }
}

fn new_module(source: &Source, place: Place) -> Namespace {
    let names = [
        ("__name__".to_owned(), Object::str(&source.name, place)),
        ("__file__".to_owned(), Object::str(source.path.to_string_lossy(), place)),
    ];
    Rc::new(BTreeMap::from(names).into())
}

/// `loader.exec_module(module)` and `loader.load_module()`.
pub(in super::super) fn load(
    machine: &mut Machine,
    source: &Source,
    method: &str,
    arguments: &Arguments,
    node: &impl Ranged,
) -> Known {
    let module = match (method, arguments.positional.as_slice()) {
        (
            "exec_module",
            [
                Object {
                    form: Form::Module(names),
                    ..
                },
            ],
        ) => Rc::clone(names),
        ("load_module", []) => new_module(source, machine.place(node)),
        ("load_module", [name]) if name.as_str() == Some(&source.name) => new_module(source, machine.place(node)),
        _ => return Ok(None),
    };
    machine.effects += 1;
    let package = source.name.rsplit_once('.').map(|(package, _)| package);
    machine.run_file(&module, &source.path, package, node)?;
    Ok(Some(match method {
        "exec_module" => Form::None,
        _ => Form::Module(module),
    }))
}
