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

/// `os.walk(top)`: in no certain order. It stops being right where a list of directories is changed, by which a program says which
/// it wants to see.
pub(super) fn walk(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let ([top], true) = (arguments.positional.as_slice(), arguments.named.is_empty()) else {
        return Ok(None);
    };
    let Some(top) = top.as_path() else { return Ok(None) };
    let place = machine.place(&node);
    let (mut rows, mut sources) = (Vec::new(), Vec::new());
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        if let Some(unknown) = machine.unseen(&directory, &node) {
            return Ok(Some(unknown));
        }
        // What cannot be listed is passed over, as Python does.
        let Ok(entries) = std::fs::read_dir(machine.root.join(&directory)) else {
            continue;
        };
        let (mut directories, mut files) = (Vec::new(), Vec::new());
        for entry in entries {
            if effort::work(ENTRY).is_none() {
                return Ok(None);
            }
            let Ok(entry) = entry else { return Ok(None) };
            let name = entry.file_name();
            let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else {
                return Ok(None);
            };
            let path = directory.join(name);
            if kind.is_symlink() && machine.unseen(&path, &node).is_some() {
                return Ok(None);
            }
            let listed = if machine.root.join(&path).is_dir() {
                &mut directories
            } else {
                &mut files
            };
            listed.push(Object::str(name, place));
            // Links to directories are listed, and not followed.
            if kind.is_dir() {
                waiting.push(path);
            }
        }
        let list = |names| Object::new(Form::List(Shared::in_sequence(names, Sequence::Unknown)), place);
        let row = [
            Object::str(directory.to_string_lossy(), place),
            list(directories),
            list(files),
        ];
        sources.push(row[1].clone());
        rows.push(Object::new(Form::Tuple(row.into()), place));
    }
    Ok(Some(Object::once_in_sequence(rows, Sequence::Unknown, &sources)))
}
