//! Objects as text: `str()`, `repr()`, `%` and `format()`.

use super::object::{Form, MAX_NESTING, Object};
use super::shared::{Budget, Sequence};
use super::{MAX_LENGTH, effort};

/// Characters that a list or dict may have when it is written out.
const MAX_SHOWN: usize = 1_000_000;

/// `str(object)`, where it is certain.
pub(super) fn str(object: &Object) -> Option<String> {
    match &object.form {
        Form::Str(text) => Some(text.to_string()),
        Form::Path(path) => path.to_str().map(ToOwned::to_owned),
        _ => repr(object),
    }
}

/// `repr(object)`, where it is certain.
pub(super) fn repr(object: &Object) -> Option<String> {
    repr_below(object, &Budget::new(MAX_SHOWN), 0)
}

fn repr_below(object: &Object, budget: &Budget, depth: usize) -> Option<String> {
    if depth > MAX_NESTING {
        return None;
    }
    if object.sequence() != Sequence::Known {
        return None;
    }
    let length = object.as_str().map_or(1, str::len).max(1);
    budget.spend(length)?;
    effort::work(length)?;
    let repr = |object: &Object| repr_below(object, budget, depth + 1);
    let each = |items: &[Object]| items.iter().map(repr).collect::<Option<Vec<_>>>();
    match &object.form {
        Form::None => Some("None".to_owned()),
        Form::Bool(true) => Some("True".to_owned()),
        Form::Bool(false) => Some("False".to_owned()),
        Form::Int(number) => Some(number.to_string()),
        Form::Float(number) => float(*number),
        Form::Str(text) => {
            let is_plain = text.chars().all(|c| (' '..='~').contains(&c) && c != '\'' && c != '\\');
            is_plain.then(|| format!("'{text}'"))
        }
        Form::List(items) => Some(format!("[{}]", each(&items.get().ok()?)?.join(", "))),
        Form::Tuple(items) if items.len() == 1 => Some(format!("({},)", repr(&items[0])?)),
        Form::Tuple(items) => Some(format!("({})", each(items)?.join(", "))),
        // An `OrderedDict` is written in another way.
        Form::Dict(entries) if entries.sequence() != Sequence::Known => None,
        Form::Dict(entries) => {
            let entries = entries.get().ok()?;
            let shown = entries
                .iter()
                .map(|(key, value)| Some(format!("{}: {}", repr(key)?, repr(value)?)));
            Some(format!("{{{}}}", shown.collect::<Option<Vec<_>>>()?.join(", ")))
        }
        _ => None,
    }
}

/// `template % values`, for conversions without width.
pub(super) fn percent(template: &str, values: &Object) -> Option<String> {
    let mut positional = match &values.form {
        Form::Tuple(items) => items.to_vec(),
        _ => vec![values.clone()],
    }
    .into_iter();
    let mut made = String::new();
    effort::work(values.weight())?;
    let mut keyed = false;
    let mut rest = template.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            made.push(c);
            continue;
        }
        let mut conversion = rest.next()?;
        let value = if conversion == '(' {
            let key: String = rest.by_ref().take_while(|c| *c != ')').collect();
            conversion = rest.next()?;
            keyed = true;
            let Form::Dict(entries) = &values.form else { return None };
            let entries = entries.get().ok()?;
            effort::work(entries.len())?;
            entries
                .iter()
                .find(|(known, _)| known.as_str() == Some(&key))?
                .1
                .clone()
        } else if conversion == '%' {
            made.push('%');
            continue;
        } else {
            positional.next()?
        };
        match conversion {
            's' => made.push_str(&str(&value)?),
            'r' => made.push_str(&repr(&value)?),
            'd' | 'i' => made.push_str(&value.as_int()?.to_string()),
            _ => return None,
        }
        if made.len() > MAX_LENGTH {
            return None;
        }
    }
    let is_mapping = matches!(values.form, Form::Dict(_));
    let left = positional.len();
    // A template with both keys and positions follows other rules.
    (if keyed { left == 1 } else { is_mapping || left == 0 }).then_some(made)
}

/// `template.format(*positional, **named)`, for fields without a format.
pub(super) fn braces(template: &str, positional: &[Object], named: &[(String, Object)]) -> Option<String> {
    let mut made = String::new();
    let mut next = 0;
    let mut numbered = false;
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' if rest.peek() == Some(&'{') => {
                rest.next();
                made.push('{');
            }
            '}' => {
                if rest.next() != Some('}') {
                    return None;
                }
                made.push('}');
            }
            '{' => {
                let mut field = String::new();
                loop {
                    match rest.next()? {
                        '}' => break,
                        c => field.push(c),
                    }
                }
                let value = if field.is_empty() && !numbered {
                    next += 1;
                    positional.get(next - 1)?
                } else if !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit()) {
                    // Numbered and unnumbered fields do not go together.
                    numbered = true;
                    positional.get(field.parse::<usize>().ok().filter(|_| next == 0)?)?
                } else {
                    effort::work(named.len())?;
                    &named.iter().find(|(known, _)| *known == field)?.1
                };
                made.push_str(&str(value)?);
                if made.len() > MAX_LENGTH {
                    return None;
                }
            }
            c => made.push(c),
        }
    }
    Some(made)
}

/// A number as Python's `str()` shows it, where that is certain.
pub(crate) fn float(number: f64) -> Option<String> {
    let plain = (1e-4..1e16).contains(&number.abs()) || number == 0.0;
    plain.then(|| format!("{number:?}"))
}
