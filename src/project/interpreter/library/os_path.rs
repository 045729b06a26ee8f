//! `os.path`.

use std::borrow::Cow;
use std::path::Path;
use std::rc::Rc;

use ruff_text_size::TextRange;

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::{Known, Machine};
use crate::project::border::without_dots;

/// `os.path.join(*paths)`.
pub(super) fn join(arguments: &Arguments, _: Place) -> Option<Form> {
    let mut joined = String::new();
    if arguments.positional.is_empty() {
        return None;
    }
    for part in &arguments.positional {
        let part = part.as_path()?.to_string_lossy();
        if part.starts_with('/') {
            joined.clear();
        } else if !joined.is_empty() && !joined.ends_with('/') {
            joined.push('/');
        }
        joined.push_str(&part);
    }
    Some(Form::text(joined))
}

/// `os.path.dirname(path)`.
pub(super) fn dirname(arguments: &Arguments, _: Place) -> Option<Form> {
    Some(Form::text(head_and_tail(&text(arguments)?).0))
}

/// `os.path.basename(path)`.
pub(super) fn basename(arguments: &Arguments, _: Place) -> Option<Form> {
    Some(Form::text(head_and_tail(&text(arguments)?).1))
}

/// `os.path.split(path)`.
pub(super) fn split(arguments: &Arguments, place: Place) -> Option<Form> {
    let path = text(arguments)?;
    let (head, tail) = head_and_tail(&path);
    Some(Form::Tuple([Object::str(head, place), Object::str(tail, place)].into()))
}

/// `os.path.splitext(path)`.
pub(super) fn splitext(arguments: &Arguments, place: Place) -> Option<Form> {
    let path = text(arguments)?;
    let base = path.rfind('/').map_or(0, |at| at + 1);
    // Dots at its beginning belong to the name.
    let dot = path[base..]
        .rfind('.')
        .filter(|at| path[base..base + at].contains(|c| c != '.'));
    let (root, extension) = dot.map_or((&*path, ""), |at| path.split_at(base + at));
    let pair = [Object::str(root, place), Object::str(extension, place)];
    Some(Form::Tuple(pair.into()))
}

/// `os.path.normpath(path)`, of an absolute one.
pub(super) fn normpath(arguments: &Arguments, _: Place) -> Option<Form> {
    let path = path(arguments).filter(|path| path.is_absolute() && !path.starts_with("//"))?;
    Some(Form::text(without_dots(path).to_string_lossy()))
}

/// `os.path.abspath(path)`.
pub(super) fn abspath(machine: &mut Machine, arguments: &Arguments, _: TextRange) -> Known {
    if let Some(why) = &machine.moved {
        return Ok(Some(Form::Unknown(Rc::clone(why))));
    }
    Ok(path(arguments).map(|path| Form::text(machine.located(path).to_string_lossy())))
}

/// `os.path.realpath(path)`.
pub(super) fn realpath(machine: &mut Machine, arguments: &Arguments, _: TextRange) -> Known {
    if let Some(why) = &machine.moved {
        return Ok(Some(Form::Unknown(Rc::clone(why))));
    }
    let real = path(arguments).and_then(|path| machine.resolved(path));
    Ok(real.map(|real| Form::text(real.to_string_lossy())))
}

/// `os.path.exists(path)`.
pub(super) fn exists(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    looked_at(machine, arguments, node, Path::exists)
}

/// `os.path.isfile(path)`.
pub(super) fn isfile(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    looked_at(machine, arguments, node, Path::is_file)
}

/// `os.path.isdir(path)`.
pub(super) fn isdir(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    looked_at(machine, arguments, node, Path::is_dir)
}

fn looked_at(machine: &Machine, arguments: &Arguments, node: TextRange, is: fn(&Path) -> bool) -> Known {
    let Some(path) = path(arguments) else { return Ok(None) };
    let unseen = machine.unseen(path, &node);
    let is_so = || machine.is_part(path) && is(&machine.root.join(path));
    Ok(Some(unseen.unwrap_or_else(|| Form::Bool(is_so()))))
}

fn path(arguments: &Arguments) -> Option<&Path> {
    arguments.positional.first().and_then(Object::as_path)
}

fn text(arguments: &Arguments) -> Option<Cow<'_, str>> {
    path(arguments).map(Path::to_string_lossy)
}

/// A path's directory and its last part.
fn head_and_tail(path: &str) -> (&str, &str) {
    let (head, tail) = path.split_at(path.rfind('/').map_or(0, |at| at + 1));
    let trimmed = head.trim_end_matches('/');
    (if trimmed.is_empty() { head } else { trimmed }, tail)
}
