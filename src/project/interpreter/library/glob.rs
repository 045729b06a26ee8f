//! `glob`.

use std::path::Path;

use ruff_text_size::TextRange;

use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::shared::{Sequence, Shared};
use super::super::{Known, Machine, effort};
use super::os::ENTRY;
use crate::wildcard::{Pattern, has_magic};

/// `glob.glob(pathname)`, in one directory: in no certain order.
pub(super) fn glob(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    if !arguments.named.is_empty() {
        return Ok(None);
    }
    Ok(arguments
        .text(0, "pathname")
        .and_then(|pattern| matching(machine, pattern, node)))
}

fn matching(machine: &mut Machine, pattern: &str, node: TextRange) -> Option<Form> {
    let (directory, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
    if name.is_empty() || has_magic(directory) || name.contains("**") {
        return None;
    }
    if machine.unseen(Path::new(directory), &node).is_some() {
        return None;
    }
    let Ok(entries) = std::fs::read_dir(machine.located(Path::new(directory))) else {
        return Some(Form::List(Shared::new(Vec::new())));
    };
    let place = machine.place(&node);
    let wanted = Pattern::fnmatch(name);
    let mut found = Vec::new();
    for entry in entries {
        effort::work(ENTRY)?;
        let file = entry.ok()?.file_name();
        let file = file.to_str()?;
        if wanted.matches(file) && (!file.starts_with('.') || name.starts_with('.')) {
            if !machine.is_part(&Path::new(directory).join(file)) {
                continue;
            }
            let path = if pattern.contains('/') {
                format!("{directory}/{file}")
            } else {
                file.to_owned()
            };
            found.push(Object::str(path, place));
        }
    }
    if !found.is_empty() {
        machine.note_need(Path::new(directory), true, &node);
    }
    Some(Form::List(Shared::in_sequence(found, Sequence::Unknown)))
}
