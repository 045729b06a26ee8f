//! `os`.

use std::rc::Rc;

use ruff_text_size::TextRange;

use super::super::arguments::Arguments;
use super::super::files::no_such_file;
use super::super::object::{Form, Object};
use super::super::shared::{Sequence, Shared};
use super::super::{Known, Machine, effort};

/// What an entry of a directory counts for.
pub(super) const ENTRY: usize = 20;

/// `os.getenv(key)` and `os.environ.get(key)`.
pub(super) fn getenv(machine: &mut Machine, _: &Arguments, node: TextRange) -> Known {
    Ok(Some(Form::Unknown(
        machine.dynamic(&node, "depends on the environment"),
    )))
}

/// `os.getcwd()`.
pub(super) fn getcwd(machine: &mut Machine, _: &Arguments, _: TextRange) -> Known {
    Ok(Some(match &machine.moved {
        Some(why) => Form::Unknown(Rc::clone(why)),
        None => Form::text(machine.root.to_string_lossy()),
    }))
}

/// `os.chdir(path)`, to where it is already.
pub(super) fn chdir(machine: &mut Machine, arguments: &Arguments, _: TextRange) -> Known {
    let path = arguments.positional.first().and_then(Object::as_path);
    let stays = path.is_some_and(|path| machine.located(path) == machine.root);
    Ok(stays.then_some(Form::None))
}

/// `os.listdir(path)`: in no certain order.
pub(super) fn listdir(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let Some(path) = arguments.positional.first().and_then(Object::as_path) else {
        return Ok(None);
    };
    if let Some(unknown) = machine.unseen(path, &node) {
        return Ok(Some(unknown));
    }
    if !machine.is_part(path) {
        return Err(no_such_file(&path.to_string_lossy()));
    }
    let directory = machine.located(path);
    let Ok(entries) = std::fs::read_dir(&directory) else {
        return Ok(None);
    };
    machine.note_need(path, true, &node);
    let place = machine.place(&node);
    let names: Option<Vec<_>> = entries
        .map(|entry| {
            effort::work(ENTRY)?;
            let name = entry.ok()?.file_name();
            let object = Object::str(name.to_str()?, place);
            Some((machine.is_part(&directory.join(&name)), object))
        })
        .collect();
    let names = names.map(|names| {
        names
            .into_iter()
            .filter(|(is_part, _)| *is_part)
            .map(|(_, name)| name)
            .collect()
    });
    Ok(names.map(|names| Form::List(Shared::in_sequence(names, Sequence::Unknown))))
}
