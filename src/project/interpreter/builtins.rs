//! Built-in functions.

use ruff_text_size::Ranged;

use super::assignment::unique;
use super::call::Arguments;
use super::container::sorted;
use super::iteration::distinct;
use super::methods::Known;
use super::object::{Form, Object};
use super::shared::{Sequence, Shared};
use super::{Halt, Machine, effort, format};

impl Machine {
    /// Calls a built-in function or class. `None` where it is not known.
    #[expect(clippy::too_many_lines, reason = "a table of functions is read line by line")]
    pub(super) fn builtin_call(&mut self, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        let place = self.place(node);
        if name.ends_with("Error") || name.ends_with("Exception") || name == "SystemExit" {
            let message = arguments.positional.first().and_then(format::str).unwrap_or_default();
            return Ok(Some(Form::Exception(name.into(), message.into())));
        }
        let first = arguments.positional.first();
        // What is made of all items of one object.
        let items = match (name, first) {
            (
                "list" | "tuple" | "sorted" | "reversed" | "set" | "frozenset" | "any" | "all" | "enumerate" | "sum",
                Some(first),
            ) => {
                let any_order = matches!(name, "sorted" | "set" | "frozenset" | "any" | "all");
                match &first.form {
                    Form::Set(items) if any_order => items.get().map(|items| items.clone()),
                    _ if any_order => self.any_items(first, node)?,
                    _ if matches!(name, "reversed" | "enumerate") => self.ordered_items(first, node)?,
                    _ => self.items(first, node)?,
                }
            }
            _ => Ok(Vec::new()),
        };
        let items = match items {
            Ok(items) => items,
            Err(why) => return Ok(Some(Form::Unknown(why))),
        };
        let list = |items: Vec<Object>| Some(Form::List(Shared::new(items)));
        Ok(match (name, arguments.positional.as_slice()) {
            ("str", [value]) => format::str(value).map(|text| Form::Str(text.into())),
            ("str", []) => Some(Form::Str("".into())),
            ("repr", [value]) => format::repr(value).map(|text| Form::Str(text.into())),
            ("int", [value]) => match (value.as_int(), value.as_str()) {
                (Some(number), _) => Some(Form::Int(number)),
                (None, Some(text)) => {
                    let text = text.trim();
                    let is_plain =
                        !text.is_empty() && text.len() < 18 && text.bytes().all(|byte| byte.is_ascii_digit());
                    if !is_plain
                        && text.is_ascii()
                        && !text.contains('_')
                        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
                    {
                        return Err(Halt::Raised("ValueError".into(), "invalid literal for int()".into()));
                    }
                    is_plain.then(|| text.parse().ok()).flatten().map(Form::Int)
                }
                _ => None,
            },
            ("bool", [value]) => value.truthy().ok().map(Form::Bool),
            ("len", [value]) => length(value)
                .and_then(|length| i64::try_from(length).ok())
                .map(Form::Int),
            ("list", []) => list(Vec::new()),
            ("list", [from]) => Some(Form::List(Shared::in_sequence(items, from.sequence()))),
            ("tuple", [] | [_]) => Some(Form::Tuple(items.into())),
            ("set" | "frozenset", [] | [_]) => distinct(items).map(|items| Form::Set(Shared::new(items))),
            ("sorted", [_]) if arguments.named.is_empty() => sorted(&items).and_then(list),
            ("reversed", [from]) => Some(Object::once(
                items.into_iter().rev().collect(),
                std::slice::from_ref(from),
            )),
            ("any" | "all", [_]) => {
                let truths: Result<Vec<_>, _> = items.iter().map(Object::truthy).collect();
                truths.ok().map(|truths| {
                    Form::Bool(if name == "any" {
                        truths.contains(&true)
                    } else {
                        !truths.contains(&false)
                    })
                })
            }
            ("enumerate", [from]) if arguments.named.is_empty() => {
                let number = |(index, item): (usize, Object)| {
                    let index = Object::new(Form::Int(i64::try_from(index).unwrap_or(i64::MAX)), place);
                    Object::new(Form::Tuple([index, item].into()), place)
                };
                let items = items.into_iter().enumerate().map(number).collect();
                Some(Object::once(items, std::slice::from_ref(from)))
            }
            ("sum", [_]) => items
                .iter()
                .try_fold(0_i64, |total, item| total.checked_add(item.as_int()?))
                .map(Form::Int),
            ("sum", [_, start]) => {
                let mut total = start.clone();
                for item in items {
                    total = self.operate(ruff_python_ast::Operator::Add, &total, &item, node);
                    // Nothing left is what is looked for next.
                    let _ = effort::bytes(total.size());
                    self.check(node)?;
                }
                Some(total.form)
            }
            ("range", bounds) => {
                let bounds: Option<Vec<_>> = bounds.iter().map(Object::as_int).collect();
                let (start, end) = match bounds.as_deref() {
                    Some([end]) => (0, *end),
                    Some([start, end]) => (*start, *end),
                    _ => return Ok(None),
                };
                if end.saturating_sub(start) > 100_000 {
                    return Ok(None);
                }
                Some(Form::Range(start, end))
            }
            ("zip", all) => {
                let mut columns = Vec::new();
                for each in all {
                    match self.ordered_items(each, node)? {
                        Ok(items) => columns.push(items),
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    }
                }
                let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
                let row = |at: usize| {
                    let cells = columns.iter().map(|column| column[at].clone()).collect();
                    Object::new(Form::Tuple(cells), place)
                };
                Some(Object::once((0..rows).map(row).collect(), all))
            }
            ("map" | "filter", [function, over]) => {
                let items = match self.ordered_items(over, node)? {
                    Ok(items) => items,
                    Err(why) => return Ok(Some(Form::Unknown(why))),
                };
                let effects = self.effects;
                let mut made = Vec::new();
                for item in items {
                    if name == "filter" && matches!(function.form, Form::None) {
                        match item.truthy() {
                            Ok(true) => made.push(item),
                            Ok(false) => {}
                            Err(why) => return Ok(Some(Form::Unknown(why))),
                        }
                        continue;
                    }
                    let result = match self.apply(function, Arguments::of(vec![item.clone()]), node) {
                        Ok(result) if self.effects == effects => result,
                        // Python calls the function only when the items are taken.
                        Ok(_) | Err(Halt::Raised(..)) => return Ok(None),
                        Err(halt) => return Err(halt),
                    };
                    if name == "map" {
                        made.push(result);
                        continue;
                    }
                    match result.truthy() {
                        Ok(true) => made.push(item),
                        Ok(false) => {}
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    }
                }
                Some(Object::once(made, std::slice::from_ref(over)))
            }
            ("dict", []) => {
                let entries = arguments
                    .named
                    .iter()
                    .map(|(key, value)| (Object::str(key, place), value.clone()));
                Some(Form::Dict(Shared::new(entries.collect())))
            }
            ("dict", [from]) => {
                let mut entries = if let Form::Dict(entries) = &from.form {
                    if from.sequence() == Sequence::Unknown {
                        return Ok(None);
                    }
                    match entries.get() {
                        Ok(entries) => entries.clone(),
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    }
                } else {
                    let pairs = match self.items(from, node)? {
                        Ok(pairs) => pairs,
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    };
                    let mut entries = Vec::new();
                    for pair in pairs {
                        match self.items(&pair, node)?.as_deref() {
                            Ok([key, value]) if key.as_str().is_some() => {
                                entries.push((key.clone(), value.clone()));
                            }
                            _ => return Ok(None),
                        }
                    }
                    entries
                };
                let named = arguments.named.iter();
                entries.extend(named.map(|(key, value)| (Object::str(key, place), value.clone())));
                Some(Form::Dict(Shared::new(unique(entries))))
            }
            ("isinstance", [value, class]) => is_instance(value, class).map(Form::Bool),
            ("open", _) => return self.open(arguments, node, false),
            ("compile", [code, _, mode]) if mode.as_str() == Some("exec") => Some(code.form.clone()),
            ("exec", _) => return self.exec(arguments, node),
            _ => None,
        })
    }
}

fn length(value: &Object) -> Option<usize> {
    match &value.form {
        Form::Str(text) => Some(text.chars().count()),
        Form::Bytes(bytes) => Some(bytes.len()),
        Form::List(items) | Form::Set(items) => Some(items.get().ok()?.len()),
        Form::Tuple(items) => Some(items.len()),
        Form::Range(start, end) => Some(usize::try_from(end.saturating_sub(*start)).unwrap_or(0)),
        Form::Dict(entries) | Form::View(entries, _) => Some(entries.get().ok()?.len()),
        _ => None,
    }
}

fn is_instance(value: &Object, class: &Object) -> Option<bool> {
    let classes = match &class.form {
        Form::Tuple(classes) => classes.to_vec(),
        _ => vec![class.clone()],
    };
    let mut found = false;
    for class in classes {
        let Form::Library(name) = &class.form else { return None };
        found |= match (&**name, &value.form) {
            (_, Form::Unknown(_) | Form::Argument | Form::Arguments | Form::VersionInfo | Form::Library(_)) => {
                return None;
            }
            ("builtins.str", form) => matches!(form, Form::Str(_)),
            ("builtins.list", form) => matches!(form, Form::List(_)),
            ("builtins.tuple", form) => matches!(form, Form::Tuple(_)),
            ("builtins.dict", form) => matches!(form, Form::Dict(_)),
            ("builtins.set", form) => matches!(form, Form::Set(_)),
            ("builtins.int", form) => matches!(form, Form::Int(_) | Form::Bool(_)),
            _ => return None,
        };
    }
    Some(found)
}
