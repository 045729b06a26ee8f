//! Comparisons: equality, order, membership, and Python's own version.

use ruff_python_ast::{CmpOp, Expr};

use super::iteration::viewed;
use super::keys::is_key;
use super::object::{Form, Object};
use super::order::{is_not_below, order};
use super::{Machine, Outcome, library};

impl Machine {
    pub(super) fn compare(&mut self, compare: &ruff_python_ast::ExprCompare, expression: &Expr) -> Outcome {
        let mut left = self.evaluate(&compare.left)?;
        let mut result = true;
        for (op, right) in compare.ops.iter().zip(&compare.comparators) {
            let right = self.evaluate(right)?;
            self.effort(left.weight() + right.weight(), expression)?;
            match holds(*op, &left, &right) {
                Some(true) => {}
                Some(false) => {
                    result = false;
                    break;
                }
                None => {
                    // `in` goes through it.
                    if let Form::Generator(_) = right.form {
                        let why = self.dynamic(expression, "goes on in a generator that is not followed");
                        self.taint(&right, &why);
                    }
                    let from = if matches!(left.form, Form::Unknown(_)) {
                        &left
                    } else {
                        &right
                    };
                    let reason = if is_version(&left) || is_version(&right) {
                        "depends on a version that is only known where it runs"
                    } else {
                        "compares what only Python can compare"
                    };
                    return Ok(self.computed(from, expression, reason));
                }
            }
            left = right;
        }
        Ok(Object::new(Form::Bool(result), self.place(expression)))
    }
}

/// Whether an object is a version that is known in part.
fn is_version(object: &Object) -> bool {
    match &object.form {
        Form::VersionInfo(_) | Form::AtLeast(_) | Form::AtLeastWritten(_) => true,
        Form::Tuple(items) => items.iter().any(is_version),
        _ => false,
    }
}

/// Whether a comparison holds; `None` where only Python knows.
pub(super) fn holds(op: CmpOp, left: &Object, right: &Object) -> Option<bool> {
    match op {
        CmpOp::Eq => left.equals(right),
        CmpOp::NotEq => left.equals(right).map(|equal| !equal),
        CmpOp::Is | CmpOp::IsNot => {
            let same = match (&left.form, &right.form) {
                (Form::Unknown(_), _) | (_, Form::Unknown(_)) => return None,
                (Form::None, Form::None) => true,
                (Form::Bool(a), Form::Bool(b)) => a == b,
                (Form::Library(name), Form::None | Form::Bool(_))
                | (Form::None | Form::Bool(_), Form::Library(name))
                    if !library::exists(name) =>
                {
                    return None;
                }
                (Form::None | Form::Bool(_), _) | (_, Form::None | Form::Bool(_)) => false,
                (Form::List(a), Form::List(b)) => a.is(b),
                _ => return None,
            };
            Some(same == (op == CmpOp::Is))
        }
        CmpOp::In => contains(right, left),
        CmpOp::NotIn => contains(right, left).map(|found| !found),
        CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => {
            let version;
            let (left, right) = match (&left.form, &right.form) {
                // The version as one number: 0x030B0000 is 3.11.
                (Form::VersionInfo(_), Form::Int(wanted)) => {
                    let number = |number| Object::new(Form::Int(number), right.place);
                    let parts = [wanted >> 24, (wanted >> 16) & 0xff, wanted & 0xffff].map(number);
                    version = Object::new(Form::Tuple(parts.into()), right.place);
                    (left, &version)
                }
                (Form::Int(_), Form::VersionInfo(_)) => return holds(mirrored(op), right, left),
                _ => (left, right),
            };
            if let (CmpOp::GtE | CmpOp::Lt, true) = (op, is_not_below(left, right)) {
                return Some(op == CmpOp::GtE);
            }
            let order = order(left, right)?;
            Some(match op {
                CmpOp::Lt => order.is_lt(),
                CmpOp::LtE => order.is_le(),
                CmpOp::Gt => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

/// The comparison that holds where `op` holds, its sides exchanged.
fn mirrored(op: CmpOp) -> CmpOp {
    match op {
        CmpOp::Lt => CmpOp::Gt,
        CmpOp::LtE => CmpOp::GtE,
        CmpOp::Gt => CmpOp::Lt,
        CmpOp::GtE => CmpOp::LtE,
        other => other,
    }
}

/// `item in object`.
fn contains(object: &Object, item: &Object) -> Option<bool> {
    let among = |items: &[Object]| {
        let equal: Vec<_> = items.iter().map(|each| each.equals(item)).collect();
        if equal.contains(&Some(true)) {
            Some(true)
        } else if equal.contains(&None) {
            None
        } else {
            Some(false)
        }
    };
    match &object.form {
        Form::Set(_) | Form::Dict(_) if !is_key(item) => None,
        Form::List(items) | Form::Set(items) => among(&items.get().ok()?),
        Form::Tuple(items) => among(items),
        Form::Dict(entries) => {
            let entries = entries.get().ok()?;
            among(&entries.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>())
        }
        Form::View(entries, view) => among(&viewed(&entries.get().ok()?, *view, object.place)),
        Form::Str(text) => Some(text.contains(item.as_str()?)),
        Form::Arguments => among(&[Object::new(Form::Argument, object.place)]),
        _ => None,
    }
}
