//! What is gone through: the items of an object, comprehensions, generators.

use std::rc::Rc;

use ruff_python_ast::{Comprehension, Expr, ExprGenerator};
use ruff_text_size::Ranged;

use super::super::value::{Dynamic, Place};
use super::keys::{distinct, is_key, unique};
use super::object::{Content, Form, Object, Position, View};
use super::shared::{Sequence, Shared};
use super::weight::size_of_items;
use super::{Halt, MAX_ITEMS, Machine, Outcome, depends, effort};

impl Machine {
    /// The items that iterating over an object gives, or why they are not known.
    pub(super) fn items(
        &mut self,
        object: &Object,
        node: &impl Ranged,
    ) -> Result<Result<Vec<Object>, Rc<Dynamic>>, Halt> {
        let place = object.place;
        self.gone_through(object, node)?;
        if object.sequence() == Sequence::Unknown {
            return Ok(Err(self.dynamic(node, "is in no certain order")));
        }
        Ok(match &object.form {
            Form::List(items) => items.get().map(|items| items.clone()),
            Form::Tuple(items) | Form::VersionInfo(items) => Ok(items.to_vec()),
            Form::Dict(entries) => entries
                .get()
                .map(|entries| entries.iter().map(|(key, _)| key.clone()).collect()),
            Form::Set(items) => match items.get() {
                Ok(items) if items.len() <= 1 => Ok(items.clone()),
                Ok(_) => Err(self.dynamic(node, "is a set, whose order differs from run to run")),
                Err(why) => Err(why),
            },
            Form::Str(text) if text.len() > MAX_ITEMS => Err(self.dynamic(node, "is too long")),
            Form::Str(text) => Ok(text.chars().map(|c| Object::str(c.to_string(), place)).collect()),
            // Another round would find it at its end.
            Form::File(_) if !self.disorder.is_empty() => Err(self.dynamic(node, "is read in no certain order")),
            Form::File(file) => match &file.content {
                Content::Text(text) if text.lines().count() > MAX_ITEMS => Err(self.dynamic(node, "is too long")),
                Content::Text(text)
                    if !file.has_own_lines && file.position.replace(Position::Somewhere) == Position::Start =>
                {
                    Ok(text
                        .split_inclusive('\n')
                        .map(|line| Object::str(line, place))
                        .collect())
                }
                Content::Text(_) | Content::Bytes(_) => {
                    Err(self.dynamic(node, "is read in a way that is not followed"))
                }
            },
            Form::View(entries, view) => entries.get().map(|entries| viewed(&entries, *view, place)),
            Form::Range(start, end) => Ok((*start..*end)
                .map(|number| Object::new(Form::Int(number), place))
                .collect()),
            Form::Iterator(once) => {
                if once
                    .sources
                    .iter()
                    .any(|(source, version)| source.version() != *version)
                {
                    return Ok(Err(self.dynamic(node, "goes through something that has changed")));
                }
                Ok(once.items.take().unwrap_or_default())
            }
            Form::Generator(generator) => return self.all_yielded(generator, node),
            Form::Unknown(why) => Err(Rc::clone(why)),
            Form::None | Form::Bool(_) | Form::Int(_) | Form::Float(_) => {
                return Err(Halt::Raised("TypeError".into(), "object is not iterable".into()));
            }
            _ => Err(self.dynamic(node, "is gone through in a way that only Python follows")),
        })
    }

    /// Counts what going through an object takes: its items are copied.
    fn gone_through(&mut self, object: &Object, node: &impl Ranged) -> Result<(), Halt> {
        let count = match &object.form {
            Form::Range(start, end) => usize::try_from(end.saturating_sub(*start)).unwrap_or(0),
            Form::Str(text) if text.len() > MAX_ITEMS => 0,
            Form::Str(text) => text.len(),
            _ => object.weight(),
        };
        // Whether anything is left is checked next.
        let _ = effort::bytes(size_of_items(count));
        self.effort(count, node)
    }

    /// The same in any order, for what does not depend on it.
    pub(super) fn any_items(
        &mut self,
        object: &Object,
        node: &impl Ranged,
    ) -> Result<Result<Vec<Object>, Rc<Dynamic>>, Halt> {
        if object.sequence() != Sequence::Unknown {
            return self.items(object, node);
        }
        self.gone_through(object, node)?;
        Ok(match &object.form {
            Form::List(items) => items.get().map(|items| items.clone()),
            Form::Iterator(once) => Ok(once.items.take().unwrap_or_default()),
            Form::Dict(entries) => entries.get().map(|entries| viewed(&entries, View::Keys, object.place)),
            Form::View(entries, view) => entries.get().map(|entries| viewed(&entries, *view, object.place)),
            _ => Err(self.dynamic(node, "is in no certain order")),
        })
    }

    /// The items, where it matters which one comes first.
    pub(super) fn ordered_items(
        &mut self,
        object: &Object,
        node: &impl Ranged,
    ) -> Result<Result<Vec<Object>, Rc<Dynamic>>, Halt> {
        if object.sequence() != Sequence::Known {
            return Ok(Err(self.dynamic(node, "is in no certain order")));
        }
        self.items(object, node)
    }

    pub(super) fn comprehend(
        &mut self,
        generators: &[Comprehension],
        element: &Expr,
        expression: &Expr,
        as_set: bool,
    ) -> Outcome {
        if self.frame.is_class {
            return Ok(self.not_understood(expression, "is computed in a class"));
        }
        let mut made = Vec::new();
        let effects = self.effects;
        let mut sequence = Sequence::Known;
        let done = self.inner(|machine| {
            machine.generate(generators, &mut sequence, &mut |machine| {
                let item = machine.evaluate(element)?;
                made.push(item);
                Ok(())
            })
        });
        match done {
            Ok(None) if sequence == Sequence::Unknown && self.effects != effects => {
                Ok(self.not_understood(expression, "has effects in no certain order"))
            }
            Ok(None) if as_set => Ok(match distinct(made) {
                Some(items) => Object::new(Form::Set(Shared::new(items)), self.place(expression)),
                None => self.not_understood(expression, "holds what is not known"),
            }),
            Ok(None) => Ok(Object::new(
                Form::List(Shared::in_sequence(made, sequence)),
                self.place(expression),
            )),
            Ok(Some(why)) => Ok(self.not_understood(expression, &depends(&why))),
            Err(halt) => Err(halt),
        }
    }

    pub(super) fn comprehend_dict(&mut self, made: &ruff_python_ast::ExprDictComp, expression: &Expr) -> Outcome {
        if self.frame.is_class {
            return Ok(self.not_understood(expression, "is computed in a class"));
        }
        let mut entries = Vec::new();
        let mut unclear = None;
        let effects = self.effects;
        let mut sequence = Sequence::Known;
        let mut count = 0;
        let done = self.inner(|machine| {
            machine.generate(&made.generators, &mut sequence, &mut |machine| {
                let Some(key) = &made.key else {
                    unclear = Some(machine.dynamic(expression, "is unpacked into a dict"));
                    return Ok(());
                };
                let key = machine.evaluate(key)?;
                let value = machine.evaluate(&made.value)?;
                if !is_key(&key) {
                    unclear = Some(machine.dynamic(expression, "has a key that is not known"));
                }
                entries.push((key, value));
                count += 1;
                Ok(())
            })
        });
        let entries = unique(entries);
        // Of two values of one key, the last one counts.
        let depends_on_order = self.effects != effects || count != entries.len();
        if sequence == Sequence::Unknown && depends_on_order {
            return done.map(|_| self.not_understood(expression, "depends on an order that is not known"));
        }
        match done.map(|doubt| doubt.or(unclear)) {
            Ok(None) => Ok(Object::new(
                Form::Dict(Shared::in_sequence(entries, sequence)),
                self.place(expression),
            )),
            Ok(Some(why)) => Ok(self.not_understood(expression, &depends(&why))),
            Err(halt) => Err(halt),
        }
    }

    /// A generator that is gone through at once, and to its end if `is_whole`.
    pub(super) fn generator(&mut self, made: &ExprGenerator, is_whole: bool, expression: &Expr) -> Outcome {
        let effects = self.effects;
        let made = self.comprehend(&made.generators, &made.elt, expression, false);
        // Python may stop halfway; then side effects and exceptions of later items do not happen.
        if !is_whole && (self.effects != effects || matches!(made, Err(Halt::Raised(..)))) {
            return Ok(self.not_understood(expression, "is a generator that does more than give its items"));
        }
        let made = made?;
        Ok(match &made.form {
            Form::List(items) => match items.get() {
                // It stays a list, which carries that its order is not known.
                Ok(_) if made.sequence() == Sequence::Unknown => made.clone(),
                Ok(items) => Object::new(Object::once(items.clone(), &[]), made.place),
                Err(why) => self.unknown_for(&why),
            },
            _ => made,
        })
    }

    /// Runs `each` for every combination of items; answers why that was not possible, if so.
    fn generate(
        &mut self,
        generators: &[Comprehension],
        sequence: &mut Sequence,
        each: &mut dyn FnMut(&mut Self) -> Result<(), Halt>,
    ) -> Result<Option<Rc<Dynamic>>, Halt> {
        let Some((first, rest)) = generators.split_first() else {
            return each(self).map(|()| None);
        };
        let iterated = match &first.iter {
            Expr::Generator(made) => self.generator(made, false, &first.iter)?,
            iterated => self.evaluate(iterated)?,
        };
        *sequence = iterated.sequence().max(*sequence);
        // In Python, a generator takes turns with whoever goes through it; here it runs to its end first. That makes no difference
        // where neither changes anything.
        let takes_turns = matches!(iterated.form, Form::Generator(_));
        let effects = self.effects;
        let items = match self.any_items(&iterated, &first.iter) {
            Ok(Ok(items)) if !first.is_async && (!takes_turns || self.effects == effects) => items,
            Ok(Ok(_)) => {
                return Ok(Some(
                    self.dynamic(&first.iter, "is gone through in a way that only Python follows"),
                ));
            }
            Ok(Err(why)) => return Ok(Some(why)),
            Err(Halt::Raised(..)) if takes_turns => return Ok(Some(self.dynamic(&first.iter, "may fail"))),
            Err(halt) => return Err(halt),
        };
        let version = iterated.version();
        'items: for item in items {
            if iterated.version() != version {
                return Ok(Some(self.dynamic(&first.iter, "changes while it is gone through")));
            }
            self.step(&first.iter)?;
            self.assign(&first.target, item)?;
            for condition in &first.ifs {
                match self.evaluate(condition)?.truthy() {
                    Ok(true) => {}
                    Ok(false) => continue 'items,
                    Err(why) => return Ok(Some(why)),
                }
            }
            if let Some(why) = self.generate(rest, sequence, each)? {
                return Ok(Some(why));
            }
        }
        if iterated.version() != version || (takes_turns && self.effects != effects) {
            return Ok(Some(self.dynamic(&first.iter, "changes while it is gone through")));
        }
        Ok(None)
    }
}

/// What a view of a dict shows.
pub(super) fn viewed(entries: &[(Object, Object)], view: View, place: Place) -> Vec<Object> {
    let shown = |(key, value): &(Object, Object)| match view {
        View::Keys => key.clone(),
        View::Values => value.clone(),
        View::Items => Object::new(Form::Tuple([key.clone(), value.clone()].into()), place),
    };
    entries.iter().map(shown).collect()
}
