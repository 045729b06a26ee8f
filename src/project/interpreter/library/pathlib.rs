//! `pathlib`: paths are made here; what they can do is in `methods/path.rs`.

use std::path::PathBuf;

use ruff_text_size::TextRange;

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::Form;
use super::super::paths::{MAX_PARTS, pure};
use super::super::{Known, Machine};

/// `pathlib.Path(*parts)`.
pub(super) fn path(arguments: &Arguments, _: Place) -> Option<Form> {
    if arguments.positional.len() > MAX_PARTS {
        return None;
    }
    let mut path = PathBuf::new();
    for part in &arguments.positional {
        path.push(part.as_path()?);
    }
    Some(Form::Path(pure(&path)))
}

/// `pathlib.Path.cwd()`.
pub(super) fn cwd(machine: &mut Machine, _: &Arguments, _: TextRange) -> Known {
    Ok(Some(Form::Path(machine.root.clone())))
}
