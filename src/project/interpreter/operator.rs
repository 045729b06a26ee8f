//! Operators on two objects, and on one.

use std::rc::Rc;

use ruff_python_ast::{BoolOp, Expr, Operator, UnaryOp};
use ruff_text_size::Ranged;

use super::keys::{distinct, unique};
use super::object::{Form, Object};
use super::shared::{Sequence, Shared};
use super::{MAX_ITEMS, MAX_LENGTH, Machine, Outcome, depends, effort, format, library, paths};

impl Machine {
    pub(super) fn unary(&mut self, unary: &ruff_python_ast::ExprUnaryOp, expression: &Expr) -> Outcome {
        let operand = self.evaluate(&unary.operand)?;
        let form = match (unary.op, &operand.form) {
            (UnaryOp::Not, _) => match operand.truthy() {
                Ok(value) => Form::Bool(!value),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            (UnaryOp::USub, Form::Int(number)) => match number.checked_neg() {
                Some(number) => Form::Int(number),
                None => return Ok(self.unknown(expression, "is a large number")),
            },
            (UnaryOp::USub, Form::Float(number)) => Form::Float(-number),
            _ => return Ok(self.computed(&operand, expression, "is an operation that only Python evaluates")),
        };
        Ok(Object::new(form, self.place(expression)))
    }

    /// `and`, `or`: the operand that decides.
    pub(super) fn either(&mut self, all: &ruff_python_ast::ExprBoolOp, expression: &Expr) -> Outcome {
        let mut last = Object::new(Form::None, self.place(expression));
        for operand in &all.values {
            last = self.evaluate(operand)?;
            match (last.truthy(), all.op) {
                (Ok(true), BoolOp::Or) | (Ok(false), BoolOp::And) => return Ok(last),
                (Ok(_), _) => {}
                (Err(why), _) => return Ok(self.not_understood(expression, &depends(&why))),
            }
        }
        Ok(last)
    }

    /// A binary operator.
    pub(super) fn operate(&mut self, op: Operator, left: &Object, right: &Object, node: &impl Ranged) -> Object {
        let place = self.place(node);
        let too_long = |length: usize| length > MAX_LENGTH;
        if effort::work(left.weight() + right.weight()).is_none() {
            // The caller checks that, and ends the run.
            return self.unknown(node, "takes too long to follow");
        }
        let form = match (op, &left.form, &right.form) {
            (_, Form::Unknown(why), _) | (_, _, Form::Unknown(why)) => {
                let why = Rc::clone(why);
                self.taint(left, &why);
                self.taint(right, &why);
                return self.unknown_for(&why);
            }
            (Operator::Add, Form::Str(a), Form::Str(b)) if !too_long(a.len() + b.len()) => {
                Form::Str([&**a, &**b].concat().into())
            }
            (Operator::Add, Form::List(first), Form::List(second)) => match (first.get(), second.get()) {
                (Ok(a), Ok(b)) if a.len() + b.len() <= MAX_ITEMS => {
                    let sequence = left.sequence().max(right.sequence());
                    Form::List(Shared::in_sequence([a.as_slice(), &b].concat(), sequence))
                }
                (Err(why), _) | (_, Err(why)) => return self.unknown_for(&why),
                _ => return self.unknown(node, "is too long"),
            },
            (Operator::Add, Form::Tuple(a), Form::Tuple(b)) if a.len() + b.len() <= MAX_ITEMS => {
                Form::Tuple([&**a, &**b].concat().into())
            }
            (Operator::Mod, Form::Str(template), _) => match format::percent(template, right) {
                Some(text) => Form::Str(text.into()),
                None => return self.unknown(node, "is written out in a way that only Python knows"),
            },
            (Operator::Mult, Form::Str(text), Form::Int(times))
            | (Operator::Mult, Form::Int(times), Form::Str(text)) => {
                let times = usize::try_from(*times).unwrap_or(0);
                if too_long(text.len().saturating_mul(times)) {
                    return self.unknown(node, "is too long");
                }
                Form::Str(text.repeat(times).into())
            }
            (Operator::Mult, Form::List(items), Form::Int(times)) if left.sequence() == Sequence::Known => {
                match items.get() {
                    Ok(items) if items.len().saturating_mul(usize::try_from(*times).unwrap_or(0)) <= MAX_ITEMS => {
                        let times = usize::try_from(*times).unwrap_or(0);
                        let repeated = std::iter::repeat_n(items.as_slice(), times).flatten();
                        Form::List(Shared::new(repeated.cloned().collect()))
                    }
                    _ => return self.unknown(node, "is repeated in a way that only Python knows"),
                }
            }
            (Operator::Div, Form::Path(path), Form::Str(name)) => Form::Path(paths::pure(&path.join(&**name))),
            (Operator::Div, Form::Path(path), Form::Path(name)) => Form::Path(paths::pure(&path.join(name))),
            (_, Form::Int(a), Form::Int(b)) => match arithmetic(op, *a, *b) {
                Some(number) => Form::Int(number),
                None => return self.unknown(node, "is an operation that only Python evaluates"),
            },
            (Operator::BitOr, Form::Dict(first), Form::Dict(second)) => match (first.get(), second.get()) {
                (Ok(a), Ok(b)) => {
                    let mut entries = a.clone();
                    entries.extend(b.iter().cloned());
                    let sequence = first.sequence().max(second.sequence());
                    Form::Dict(Shared::in_sequence(unique(entries), sequence))
                }
                (Err(why), _) | (_, Err(why)) => return self.unknown_for(&why),
            },
            (Operator::BitOr, Form::Set(a), Form::Set(b)) => match (a.get(), b.get()) {
                (Ok(a), Ok(b)) => match distinct([a.as_slice(), &b].concat()) {
                    Some(items) => Form::Set(Shared::new(items)),
                    None => return self.unknown(node, "holds what is not known"),
                },
                (Err(why), _) | (_, Err(why)) => return self.unknown_for(&why),
            },
            (Operator::BitOr, Form::Library(a), Form::Library(b)) if a.starts_with("re.") && b.starts_with("re.") => {
                match (library::flag_number(a), library::flag_number(b)) {
                    (Some(a), Some(b)) => Form::Int(a | b),
                    _ => return self.unknown(node, "is an operation that only Python evaluates"),
                }
            }
            _ => {
                let why = self.dynamic(node, "is an operation that only Python evaluates");
                self.taint(left, &why);
                self.taint(right, &why);
                return self.unknown_for(&why);
            }
        };
        Object::new(form, place)
    }
}

fn arithmetic(op: Operator, a: i64, b: i64) -> Option<i64> {
    match op {
        Operator::Add => a.checked_add(b),
        Operator::Sub => a.checked_sub(b),
        Operator::Mult => a.checked_mul(b),
        Operator::FloorDiv if b > 0 => Some(a.div_euclid(b)),
        Operator::Mod if b > 0 => Some(a.rem_euclid(b)),
        Operator::BitOr => Some(a | b),
        Operator::BitAnd => Some(a & b),
        _ => None,
    }
}
