//! `itertools`.

use ruff_text_size::TextRange;

use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::{Known, MAX_ITEMS, Machine};

/// `itertools.chain(*iterables)`.
pub(super) fn chain(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let mut all = Vec::new();
    for each in &arguments.positional {
        match machine.ordered_items(each, &node)? {
            Ok(items) if all.len() + items.len() > MAX_ITEMS => return Ok(None),
            Ok(items) => all.extend(items),
            Err(why) => return Ok(Some(Form::Unknown(why))),
        }
    }
    Ok(Some(Object::once(all, &arguments.positional)))
}

/// `itertools.chain.from_iterable(iterable)`.
pub(super) fn from_iterable(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let [all] = arguments.positional.as_slice() else {
        return Ok(None);
    };
    match machine.ordered_items(all, &node)? {
        Ok(items) => {
            let each = Arguments::of(items);
            if each.are_known() {
                return chain(machine, &each, node);
            }
            Ok(None)
        }
        Err(why) => Ok(Some(Form::Unknown(why))),
    }
}
