//! `open`, `io.open` and `codecs.open`.

use std::cell::Cell;
use std::rc::Rc;

use ruff_text_size::TextRange;

use super::super::arguments::Arguments;
use super::super::object::{Content, Form, Object, OpenFile, Position};
use super::super::{Known, Machine};
use crate::project::requirement::has_other_line_ends;

/// `open(file, mode, buffering, encoding, errors, newline)`.
pub(super) fn open(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    opened(machine, arguments, node, false)
}

/// `codecs.open(filename, mode, encoding, errors)`.
pub(super) fn codecs_open(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    opened(machine, arguments, node, true)
}

fn opened(machine: &mut Machine, arguments: &Arguments, node: TextRange, is_codecs: bool) -> Known {
    let named = arguments.get(0, if is_codecs { "filename" } else { "file" });
    let Some(path) = named.and_then(Object::as_path) else {
        return Ok(None);
    };
    let mode = match arguments.get(1, "mode") {
        None => "r",
        Some(mode) => match mode.as_str() {
            Some(mode) => mode,
            None => return Ok(None),
        },
    };
    if mode.contains(['w', 'a', 'x', '+']) {
        let why = machine.dynamic(&node, "writes a file");
        machine.moved.get_or_insert(Rc::clone(&why));
        return Ok(Some(Form::Unknown(why)));
    }
    if !matches!(mode, "r" | "rt" | "rb" | "br" | "tr") {
        return Ok(None);
    }
    if arguments.get(if is_codecs { 3 } else { 4 }, "errors").is_some() || arguments.get(5, "newline").is_some() {
        return Ok(None);
    }
    if mode.contains('b') && !is_codecs {
        return Ok(Some(match machine.content(path, &node)? {
            Ok(bytes) => file(Content::Bytes(bytes.into()), false),
            Err(unknown) => unknown,
        }));
    }
    let encoding = arguments.get(if is_codecs { 2 } else { 3 }, "encoding").cloned();
    // Without an encoding, `codecs` opens files as `open` does.
    let has_own_lines = is_codecs
        && encoding
            .as_ref()
            .is_some_and(|encoding| !matches!(encoding.form, Form::None));
    Ok(Some(
        match machine.text(path, encoding.as_ref(), has_own_lines, &node)? {
            Ok(text) => {
                let has_own_lines = has_own_lines && has_other_line_ends(&text);
                file(Content::Text(text), has_own_lines)
            }
            Err(unknown) => unknown,
        },
    ))
}

fn file(content: Content, has_own_lines: bool) -> Form {
    Form::File(Rc::new(OpenFile {
        content,
        position: Cell::new(Position::Start),
        has_own_lines,
    }))
}
