//! Comparisons: equality, order, membership, and Python's own version.

use ruff_python_ast::{CmpOp, Expr};

use super::iteration::viewed;
use super::keys::is_key;
use super::object::{Form, Object};
use super::order::order;
use super::{Machine, Outcome, library};

/// The oldest Python 3 that setuptools still runs on.
const OLDEST_MINOR: i64 = 9;

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
                    let from = if matches!(left.form, Form::Unknown(_)) {
                        &left
                    } else {
                        &right
                    };
                    return Ok(self.computed(from, expression, "is compared"));
                }
            }
            left = right;
        }
        Ok(Object::new(Form::Bool(result), self.place(expression)))
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
            if let (Form::VersionInfo, Form::Tuple(wanted)) = (&left.form, &right.form) {
                return version_holds(op, wanted);
            }
            // The version as one number: 0x030B0000 is 3.11.
            if let (Form::Library(name), Form::Int(wanted)) = (&left.form, &right.form)
                && &**name == "sys.hexversion"
            {
                let number = |number| Object::new(Form::Int(number), right.place);
                let parts = [wanted >> 24, (wanted >> 16) & 0xff, wanted & 0xffff].map(number);
                return version_holds(op, &parts);
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

/// `sys.version_info` compared with a version, where the answer is the same for every Python of today.
fn version_holds(op: CmpOp, wanted: &[Object]) -> Option<bool> {
    let wanted: Option<Vec<_>> = wanted.iter().map(Object::as_int).collect();
    let wanted = wanted?;
    let (major, minor) = (*wanted.first()?, wanted.get(1).copied().unwrap_or(0));
    let is_oldest = major == 3 && minor == OLDEST_MINOR;
    // A slice such as `sys.version_info[:2]` may be equal to the oldest version.
    let only_reached = matches!(op, CmpOp::GtE | CmpOp::Lt) && wanted.len() <= 2;
    let above = major < 3 || (major == 3 && minor < OLDEST_MINOR) || (is_oldest && only_reached);
    let below = major > 3;
    match op {
        CmpOp::Gt | CmpOp::GtE if above || below => Some(above),
        CmpOp::Lt | CmpOp::LtE if above || below => Some(below),
        _ => None,
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
