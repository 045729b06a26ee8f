//! `os`.

use std::rc::Rc;

use ruff_text_size::TextRange;

use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::shared::{Sequence, Shared};
use super::super::{Known, Machine, effort};

/// What an entry of a directory counts for.
pub(super) const ENTRY: usize = 20;

/// `os.getenv(key, default)`.
pub(super) fn getenv(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let Some(key) = arguments.get(0, "key").filter(|key| key.as_str().is_some()) else {
        return Ok(None);
    };
    let default = arguments.get(1, "default").cloned();
    let all = [key.clone()].into_iter().chain(default).collect();
    let environ = machine.environ(&node);
    machine.method(&environ, "get", &Arguments::of(all), &node)
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
    let Ok(entries) = std::fs::read_dir(machine.located(path)) else {
        return Ok(None);
    };
    let place = machine.place(&node);
    let names: Option<Vec<_>> = entries
        .map(|entry| {
            effort::work(ENTRY)?;
            Some(Object::str(entry.ok()?.file_name().to_str()?, place))
        })
        .collect();
    Ok(names.map(|names| Form::List(Shared::in_sequence(names, Sequence::Unknown))))
}
