//! What `setup()` is given, as the rest of sgbuild takes it.

use std::rc::Rc;

use super::super::value::{Dynamic, Kind, Value};
use super::effort;
use super::format::float;
use super::object::{Form, MAX_NESTING, Object};
use super::shared::{Budget, Sequence, Shared};

/// Whether it matters to setuptools in which order the items of an argument are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Counts,
    OfSetsDoesNotCount,
    DoesNotCount,
}

impl Order {
    fn loosest(self) -> Sequence {
        match self {
            Self::Counts | Self::OfSetsDoesNotCount => Sequence::Loose,
            Self::DoesNotCount => Sequence::Unknown,
        }
    }
}

/// Objects that are given to `setup()` in one argument.
const MAX_GIVEN: usize = 200_000;

/// Why this is no value, in a message.
fn ungiven(form: &Form) -> String {
    match form {
        Form::Set(_) => "is a set, whose order differs from run to run; sorted(…) makes a list of it",
        Form::Iterator(_) | Form::Generator(_) | Form::View(..) | Form::Range(..) => {
            "is gone through by setuptools itself; list(…) makes a list of it"
        }
        Form::Path(_) => "is a path; str(…) makes a text of it",
        Form::Bytes(_) => "is bytes; .decode() makes a text of them",
        Form::Function(_) | Form::Method(..) => "is a function; what setuptools does with that only Python knows",
        Form::Class(_) => "is a class; what setuptools does with that only Python knows",
        Form::Library(name) => return format!("is {name}, which only Python knows"),
        _ => "is an object that is no text, number, list or dict",
    }
    .to_owned()
}

impl Object {
    /// The object as it is now: a copy, down to every list and dict in it.
    pub(crate) fn frozen(&self) -> Self {
        self.frozen_below(&Budget::new(MAX_GIVEN), 0)
    }

    fn frozen_below(&self, budget: &Budget, depth: usize) -> Self {
        if depth > MAX_NESTING || budget.spend(1).is_none() {
            return Self::unknown(&self.doubt("is nested too deeply, or too large"));
        }
        let inner = |item: &Self| item.frozen_below(budget, depth + 1);
        let each = |items: &[Self]| items.iter().map(inner).collect::<Vec<_>>();
        let form = match &self.form {
            Form::List(items) => match items.get() {
                Ok(known) => Form::List(Shared::in_sequence(each(&known), items.sequence())),
                Err(why) => Form::Unknown(why),
            },
            Form::Tuple(items) => Form::Tuple(each(items).into()),
            Form::Dict(entries) => match entries.get() {
                Ok(known) => {
                    let entry = |(key, value): &(Self, Self)| (key.clone(), inner(value));
                    let copied = known.iter().map(entry).collect();
                    Form::Dict(Shared::in_sequence(copied, entries.sequence()))
                }
                Err(why) => Form::Unknown(why),
            },
            form => form.clone(),
        };
        Self::new(form, self.place)
    }

    /// The object as a value; why it is none, if something in it is not known.
    pub(crate) fn to_value(&self) -> Result<Value, Dynamic> {
        self.to_value_below(0, Order::Counts)
    }

    /// The same for a list whose order does not matter to setuptools.
    pub(crate) fn to_value_in_any_order(&self) -> Result<Value, Dynamic> {
        self.to_value_below(0, Order::DoesNotCount)
    }

    /// The same where setuptools takes sets, in whatever order Python has their items at that time: here sorted, which is one of
    /// those orders, and the same at every run.
    pub(crate) fn to_value_with_sets(&self) -> Result<Value, Dynamic> {
        self.to_value_below(0, Order::OfSetsDoesNotCount)
    }

    fn to_value_below(&self, depth: usize, order: Order) -> Result<Value, Dynamic> {
        let unclear = |reason: &str| Dynamic {
            // Its keyword says which it is.
            expression: String::new(),
            place: self.place,
            reason: reason.to_owned(),
        };
        if depth > MAX_NESTING {
            return Err(unclear("is nested too deeply"));
        }
        if self.sequence() > order.loosest() {
            return Err(unclear("is in no certain order"));
        }
        let each = |items: &[Object]| -> Result<Vec<Value>, Dynamic> {
            items.iter().map(|item| item.to_value_below(depth + 1, order)).collect()
        };
        let known = |why: Rc<Dynamic>| Dynamic::clone(&why);
        let kind = match &self.form {
            Form::None => Kind::None,
            Form::Bool(value) => Kind::Bool(*value),
            Form::Int(number) => Kind::Number(number.to_string()),
            Form::Float(number) => {
                Kind::Number(float(*number).ok_or_else(|| unclear("is a number Python may show differently"))?)
            }
            Form::Str(text) => {
                // Counted each time: a list may hold the same long text often.
                effort::bytes(text.len()).ok_or_else(|| unclear("is too large"))?;
                Kind::Str(text.to_string())
            }
            Form::List(items) => Kind::List(each(&items.get().map_err(known)?)?),
            Form::Tuple(items) => Kind::Tuple(each(items)?),
            Form::Set(items) if order == Order::OfSetsDoesNotCount => {
                let mut items = each(&items.get().map_err(known)?)?;
                items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                Kind::List(items)
            }
            Form::Dict(entries) => {
                let entries = entries.get().map_err(known)?;
                let entry = |(key, value): &(Object, Object)| {
                    Ok((
                        key.to_value_below(depth + 1, order)?,
                        value.to_value_below(depth + 1, order)?,
                    ))
                };
                Kind::Dict(entries.iter().map(entry).collect::<Result<_, Dynamic>>()?)
            }
            Form::Unknown(why) => return Err(Dynamic::clone(why)),
            form => return Err(unclear(&ungiven(form))),
        };
        Ok(Value::new(kind, self.place))
    }
}
