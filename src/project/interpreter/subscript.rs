//! `object[key]` and `object[from:to]`.

use ruff_python_ast::Expr;

use super::keys::is_key;
use super::object::{Form, Object};
use super::shared::{Sequence, Shared};
use super::{Halt, Machine, Outcome, format};

impl Machine {
    /// `object[key]`.
    pub(super) fn item(&mut self, object: &Object, key: &Object, expression: &Expr) -> Outcome {
        if !matches!(object.form, Form::Dict(_)) && object.sequence() != Sequence::Known {
            return Ok(self.looked_up(object, expression));
        }
        if !matches!(object.form, Form::List(_) | Form::Tuple(_)) {
            self.effort(object.weight(), expression)?;
        }
        let found = match (&object.form, key.as_int()) {
            (Form::List(items), Some(index)) => match items.get() {
                Ok(items) => at(&items, index),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            (Form::Tuple(items) | Form::VersionInfo(items), Some(index)) => at(items, index),
            (Form::Str(text), Some(index)) => {
                let back = || usize::try_from(index.unsigned_abs() - 1).ok();
                let found = match usize::try_from(index) {
                    Ok(index) => text.chars().nth(index),
                    Err(_) => back().and_then(|back| text.chars().rev().nth(back)),
                };
                found.map(|c| Object::str(c.to_string(), object.place))
            }
            (Form::Dict(entries), _) if is_key(key) => match entries.get() {
                Ok(entries) => match entries.iter().find(|(known, _)| known.equals(key) == Some(true)) {
                    Some((_, value)) => return Ok(value.clone()),
                    None => {
                        return Err(Halt::Raised(
                            "KeyError".into(),
                            format::repr(key).unwrap_or_default().into(),
                        ));
                    }
                },
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            (Form::Match(groups), None) => match key.as_str().and_then(|name| groups.named(name)) {
                Some(form) => return Ok(Object::new(form, object.place)),
                None => return Ok(self.looked_up(object, expression)),
            },
            (Form::Match(groups), Some(index)) => {
                let group = usize::try_from(index).ok().and_then(|index| groups.texts.get(index));
                match group {
                    Some(Some(text)) => return Ok(Object::str(text, object.place)),
                    Some(None) => return Ok(Object::new(Form::None, object.place)),
                    None => return Err(Halt::Raised("IndexError".into(), "no such group".into())),
                }
            }
            (Form::Arguments, Some(_)) => return Ok(Object::new(Form::Argument, self.place(expression))),
            _ => return Ok(self.looked_up(object, expression)),
        };
        found.ok_or_else(|| Halt::Raised("IndexError".into(), "list index out of range".into()))
    }

    pub(super) fn slice(&mut self, object: &Object, slice: &ruff_python_ast::ExprSlice, expression: &Expr) -> Outcome {
        if object.sequence() != Sequence::Known {
            return Ok(self.looked_up(object, expression));
        }
        let mut bounds = [None, None];
        for (bound, given) in bounds.iter_mut().zip([&slice.lower, &slice.upper]) {
            let Some(given) = given else { continue };
            let value = self.evaluate(given)?;
            match (value.as_int(), &value.form) {
                (Some(number), _) => *bound = Some(number),
                (None, Form::None) => {}
                _ => return Ok(self.looked_up(object, expression)),
            }
        }
        let step = match &slice.step {
            None => 1,
            Some(step) => match self.evaluate(step)?.as_int() {
                Some(step @ (1 | -1)) if step == 1 || bounds == [None, None] => step,
                _ => return Ok(self.looked_up(object, expression)),
            },
        };
        self.effort(object.weight(), expression)?;
        // Where the part begins, and how long it is.
        let part = |length: usize| {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            let place = |bound: i64| {
                if bound < 0 {
                    (bound + length).max(0)
                } else {
                    bound.min(length)
                }
            };
            let (start, end) = (bounds[0].map_or(0, place), bounds[1].map_or(length, place));
            let count = usize::try_from(end - start).unwrap_or(0);
            (usize::try_from(start).unwrap_or(0), count)
        };
        let cut = |items: &[Object]| {
            let (start, count) = part(items.len());
            let mut cut: Vec<_> = items.iter().skip(start).take(count).cloned().collect();
            if step == -1 {
                cut.reverse();
            }
            cut
        };
        let place = self.place(expression);
        let form = match &object.form {
            Form::List(items) => match items.get() {
                Ok(items) => Form::List(Shared::new(cut(&items))),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            Form::Tuple(items) | Form::VersionInfo(items) => Form::Tuple(cut(items).into()),
            Form::Str(text) => {
                let (start, count) = part(text.chars().count());
                let kept = text.chars().skip(start).take(count);
                let kept: String = if step == -1 {
                    text.chars().rev().collect()
                } else {
                    kept.collect()
                };
                Form::Str(kept.into())
            }
            // Of `sys.argv[1:]` as much is known as of the whole.
            Form::Arguments => Form::Arguments,
            _ => return Ok(self.looked_up(object, expression)),
        };
        Ok(Object::new(form, place))
    }
}

fn at(items: &[Object], index: i64) -> Option<Object> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let index = if index < 0 { index + length } else { index };
    usize::try_from(index).ok().and_then(|index| items.get(index)).cloned()
}
