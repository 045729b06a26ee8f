//! Built-in functions and classes that go through what they are given.

use std::rc::Rc;

use ruff_python_ast::Operator;
use ruff_text_size::TextRange;

use super::super::super::value::{Dynamic, Place};
use super::super::arguments::Arguments;
use super::super::generator::Taking;
use super::super::keys::{distinct, unique};
use super::super::object::{Form, Object};
use super::super::order;
use super::super::shared::{Sequence, Shared};
use super::super::{Halt, Known, Machine, effort};

/// Numbers that one range may have.
const MAX_RANGE: i64 = 100_000;

/// Items, or why they are not known.
type Items = Result<Vec<Object>, Rc<Dynamic>>;

/// What is made of items.
fn made(items: Items, make: impl FnOnce(Vec<Object>) -> Option<Form>) -> Known {
    Ok(items.map_or_else(|why| Some(Form::Unknown(why)), make))
}

/// The items for what does not depend on their order.
fn in_any_order(machine: &mut Machine, from: &Object, node: TextRange) -> Result<Items, Halt> {
    match &from.form {
        Form::Set(items) => Ok(items.get().map(|items| items.clone())),
        _ => machine.any_items(from, &node),
    }
}

/// `list(iterable)`.
pub(super) fn list(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    match arguments.positional.as_slice() {
        [] => Ok(Some(Form::List(Shared::new(Vec::new())))),
        [from] => made(machine.items(from, &node)?, |items| {
            Some(Form::List(Shared::in_sequence(items, from.sequence())))
        }),
        _ => Ok(None),
    }
}

/// `tuple(iterable)`.
pub(super) fn tuple(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    match arguments.positional.as_slice() {
        [] => Ok(Some(Form::Tuple([].into()))),
        [from] => made(machine.items(from, &node)?, |items| Some(Form::Tuple(items.into()))),
        _ => Ok(None),
    }
}

/// `set(iterable)` and `frozenset(iterable)`.
pub(super) fn set(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let set = |items| distinct(items).map(|items| Form::Set(Shared::new(items)));
    match arguments.positional.as_slice() {
        [] => Ok(set(Vec::new())),
        [from] => made(in_any_order(machine, from, node)?, set),
        _ => Ok(None),
    }
}

/// `sorted(iterable)`.
pub(super) fn sorted(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let [from] = arguments.positional.as_slice() else {
        return Ok(None);
    };
    made(in_any_order(machine, from, node)?, |items| {
        if !arguments.named.is_empty() {
            return None;
        }
        order::sorted(&items).map(|items| Form::List(Shared::new(items)))
    })
}

/// `reversed(sequence)`.
pub(super) fn reversed(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let [from] = arguments.positional.as_slice() else {
        return Ok(None);
    };
    made(machine.ordered_items(from, &node)?, |mut items| {
        items.reverse();
        Some(Object::once(items, std::slice::from_ref(from)))
    })
}

/// `any(iterable)`.
pub(super) fn any(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    truths(machine, arguments, node, true)
}

/// `all(iterable)`.
pub(super) fn all(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    truths(machine, arguments, node, false)
}

/// Both stop at the first item that is `wanted`.
fn truths(machine: &mut Machine, arguments: &Arguments, node: TextRange, wanted: bool) -> Known {
    let [from] = arguments.positional.as_slice() else {
        return Ok(None);
    };
    if let Form::Generator(generator) = &from.form {
        let until = Taking::Until { wanted, is_met: false };
        return Ok(match machine.go_through(generator, until, &node)? {
            Ok(Taking::Until { is_met, .. }) => Some(Form::Bool(is_met == wanted)),
            Ok(_) => None,
            Err(why) => Some(Form::Unknown(why)),
        });
    }
    made(in_any_order(machine, from, node)?, |items| {
        let truths: Result<Vec<_>, _> = items.iter().map(Object::truthy).collect();
        truths.ok().map(|truths| Form::Bool(truths.contains(&wanted) == wanted))
    })
}

/// `next(iterator, default)`.
pub(super) fn next(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let (from, default) = match arguments.positional.as_slice() {
        [from] => (from, None),
        [from, default] => (from, Some(default)),
        _ => return Ok(None),
    };
    let Form::Generator(generator) = &from.form else {
        return Ok(None);
    };
    let first = match machine.go_through(generator, Taking::First(None), &node)? {
        Ok(Taking::First(first)) => first,
        Ok(_) => return Ok(None),
        Err(why) => return Ok(Some(Form::Unknown(why))),
    };
    match first.as_ref().or(default) {
        Some(item) => Ok(Some(item.form.clone())),
        None => Err(Halt::Raised("StopIteration".into(), "".into())),
    }
}

/// `enumerate(iterable)`.
pub(super) fn enumerate(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let [from] = arguments.positional.as_slice() else {
        return Ok(None);
    };
    let place = machine.place(&node);
    made(machine.ordered_items(from, &node)?, |items| {
        if !arguments.named.is_empty() {
            return None;
        }
        let pair = |(index, item)| {
            let pair = [Object::new(Form::index(index), place), item];
            Object::new(Form::Tuple(pair.into()), place)
        };
        let pairs = items.into_iter().enumerate().map(pair).collect();
        Some(Object::once(pairs, std::slice::from_ref(from)))
    })
}

/// `sum(iterable, start)`.
pub(super) fn sum(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let (from, start) = match arguments.positional.as_slice() {
        [from] => (from, None),
        [from, start] => (from, Some(start)),
        _ => return Ok(None),
    };
    let items = match machine.items(from, &node)? {
        Ok(items) => items,
        Err(why) => return Ok(Some(Form::Unknown(why))),
    };
    let Some(start) = start else {
        let total = items
            .iter()
            .try_fold(0_i64, |total, item| total.checked_add(item.as_int()?));
        return Ok(total.map(Form::Int));
    };
    let mut total = start.clone();
    for item in items {
        total = machine.operate(Operator::Add, &total, &item, &node);
        // Whether anything is left is checked next.
        let _ = effort::bytes(total.size());
        machine.check(&node)?;
    }
    Ok(Some(total.form))
}

/// `range(start, stop)`.
pub(super) fn range(arguments: &Arguments, _: Place) -> Option<Form> {
    let bounds: Option<Vec<_>> = arguments.positional.iter().map(Object::as_int).collect();
    let (start, end) = match bounds.as_deref() {
        Some([end]) => (0, *end),
        Some([start, end]) => (*start, *end),
        _ => return None,
    };
    let is_long = end.saturating_sub(start) > MAX_RANGE;
    (!is_long).then_some(Form::Range(start, end))
}

/// `zip(*iterables)`.
pub(super) fn zip(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let mut columns = Vec::new();
    for each in &arguments.positional {
        match machine.ordered_items(each, &node)? {
            Ok(items) => columns.push(items),
            Err(why) => return Ok(Some(Form::Unknown(why))),
        }
    }
    let place = machine.place(&node);
    let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
    let row = |at: usize| {
        let cells = columns.iter().map(|column| column[at].clone()).collect();
        Object::new(Form::Tuple(cells), place)
    };
    let rows = (0..rows).map(row).collect();
    Ok(Some(Object::once(rows, &arguments.positional)))
}

/// `map(function, iterable)`.
pub(super) fn map(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    over_items(machine, arguments, node, |made, _, result| {
        made.push(result.clone());
        Ok(())
    })
}

/// `filter(function, iterable)`.
pub(super) fn filter(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let keep = |made: &mut Vec<Object>, item: Object, result: &Object| {
        if result.truthy()? {
            made.push(item);
        }
        Ok(())
    };
    let [Object { form: Form::None, .. }, over] = arguments.positional.as_slice() else {
        return over_items(machine, arguments, node, keep);
    };
    // Without a function, the items themselves are true or false.
    made(machine.ordered_items(over, &node)?, |items| {
        let mut made = Vec::new();
        for item in items {
            if let Err(why) = keep(&mut made, item.clone(), &item) {
                return Some(Form::Unknown(why));
            }
        }
        Some(Object::once(made, std::slice::from_ref(over)))
    })
}

/// An iterator over what `take` puts there of each item, and of what the function gives for it.
fn over_items(
    machine: &mut Machine,
    arguments: &Arguments,
    node: TextRange,
    take: impl Fn(&mut Vec<Object>, Object, &Object) -> Result<(), Rc<Dynamic>>,
) -> Known {
    let [function, over] = arguments.positional.as_slice() else {
        return Ok(None);
    };
    let items = match machine.ordered_items(over, &node)? {
        Ok(items) => items,
        Err(why) => return Ok(Some(Form::Unknown(why))),
    };
    let effects = machine.effects;
    let mut made = Vec::new();
    for item in items {
        let result = match machine.apply(function, Arguments::of(vec![item.clone()]), &node) {
            Ok(result) if machine.effects == effects => result,
            // Python calls the function only when the items are taken.
            Ok(_) | Err(Halt::Raised(..)) => return Ok(None),
            Err(halt) => return Err(halt),
        };
        if let Err(why) = take(&mut made, item, &result) {
            return Ok(Some(Form::Unknown(why)));
        }
    }
    Ok(Some(Object::once(made, std::slice::from_ref(over))))
}

/// `dict(mapping_or_iterable, **named)`, which holds what only Python knows as it holds the rest.
pub(super) fn dict(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let place = machine.place(&node);
    let sequence = arguments
        .positional
        .first()
        .map_or(Sequence::Known, |from| from.sequence().of_a_dict());
    let mut entries = match arguments.positional.as_slice() {
        [] => Vec::new(),
        [from] => match entries_of(machine, from, node)? {
            Some(Ok(entries)) => entries,
            Some(Err(why)) => return Ok(Some(Form::Unknown(why))),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let named = arguments.named.iter();
    entries.extend(named.map(|(key, value)| (Object::str(key, place), value.clone())));
    Ok(Some(Form::Dict(Shared::in_sequence(unique(entries), sequence))))
}

type Entries = Result<Vec<(Object, Object)>, Rc<Dynamic>>;

fn entries_of(machine: &mut Machine, from: &Object, node: TextRange) -> Result<Option<Entries>, Halt> {
    match &from.form {
        Form::Unknown(_) => return Ok(None),
        Form::Dict(entries) => return Ok(Some(entries.get().map(|entries| entries.clone()))),
        _ => {}
    }
    let pairs = match machine.items(from, &node)? {
        Ok(pairs) => pairs,
        Err(why) => return Ok(Some(Err(why))),
    };
    let mut entries = Vec::new();
    for pair in pairs {
        match machine.items(&pair, &node)?.as_deref() {
            Ok([key, value]) if key.as_str().is_some() => entries.push((key.clone(), value.clone())),
            _ => return Ok(None),
        }
    }
    Ok(Some(Ok(entries)))
}

/// `collections.OrderedDict(mapping_or_iterable)`.
pub(super) fn ordered_dict(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let made = dict(machine, arguments, node)?;
    if let Some(Form::Dict(entries)) = &made {
        // Written out, it is no dict.
        entries.set_sequence(entries.sequence().max(Sequence::Loose));
    }
    Ok(made)
}
