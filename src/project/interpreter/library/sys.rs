//! `sys`, and what ends the process.

use ruff_text_size::TextRange;

use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::{Halt, Known, Machine};

/// `sys.path.insert(index, path)`.
pub(super) fn path_insert(machine: &mut Machine, arguments: &Arguments, _: TextRange) -> Known {
    let is_first = arguments.positional.first().and_then(Object::as_int) == Some(0);
    machine.effects += 1;
    machine.search_in(arguments.positional.get(1), is_first);
    Ok(Some(Form::None))
}

/// `sys.path.append(path)`.
pub(super) fn path_append(machine: &mut Machine, arguments: &Arguments, _: TextRange) -> Known {
    machine.effects += 1;
    machine.search_in(arguments.positional.first(), false);
    Ok(Some(Form::None))
}

/// `sys.exit(status)`, `exit()` and `quit()`.
pub(super) fn exit(_: &mut Machine, _: &Arguments, _: TextRange) -> Known {
    Err(Halt::Raised("SystemExit".into(), "".into()))
}

/// `os._exit(status)`, which no handler takes.
pub(super) fn end_process(machine: &mut Machine, _: &Arguments, node: TextRange) -> Known {
    if machine.setup.is_none() {
        machine.give_up(&node, "stops setup.py before setup()");
    }
    Err(Halt::End)
}
