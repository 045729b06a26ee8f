//! Which of two objects comes first.

use std::cmp::Ordering;

use super::object::{Form, Object};
use super::{MAX_DEPTH, effort};

/// Python's order of two objects, where it has one that is certain.
pub(super) fn order(left: &Object, right: &Object) -> Option<Ordering> {
    order_below(left, right, 0)
}

fn order_below(left: &Object, right: &Object, depth: usize) -> Option<Ordering> {
    if depth > MAX_DEPTH {
        return None;
    }
    effort::work(1)?;
    match (&left.form, &right.form) {
        (Form::Str(a), Form::Str(b)) => {
            effort::reading(if a.len() < b.len() { a } else { b })?;
            Some(a.cmp(b))
        }
        (Form::Tuple(a) | Form::VersionInfo(a), Form::Tuple(b) | Form::VersionInfo(b)) => sequence_order(a, b, depth),
        (Form::List(a), Form::List(b)) => sequence_order(&a.get().ok()?, &b.get().ok()?, depth),
        (Form::Float(a), Form::Float(b)) => a.partial_cmp(b),
        (Form::AtLeast(least), Form::Int(number)) => (number < least).then_some(Ordering::Greater),
        (Form::Int(number), Form::AtLeast(least)) => (number < least).then_some(Ordering::Less),
        // Of numbers that are written out, one with more digits need not come last.
        _ => Some(left.as_int()?.cmp(&right.as_int()?)),
    }
}

fn sequence_order(a: &[Object], b: &[Object], depth: usize) -> Option<Ordering> {
    for (at, (one, other)) in a.iter().zip(b).enumerate() {
        match one.equals(other) {
            Some(true) => {}
            Some(false) => return order_below(one, other, depth + 1),
            // Equal or greater there, and longer.
            None if at + 1 == b.len() && a.len() > b.len() && is_not_below(one, other) => {
                return Some(Ordering::Greater);
            }
            None if at + 1 == a.len() && b.len() > a.len() && is_not_below(other, one) => return Some(Ordering::Less),
            None => return None,
        }
    }
    Some(a.len().cmp(&b.len()))
}

/// Whether `left >= right` where that is certain, though it may not be whether they are equal.
pub(super) fn is_not_below(left: &Object, right: &Object) -> bool {
    match (&left.form, &right.form) {
        (Form::AtLeast(least), Form::Int(number)) => number <= least,
        (Form::Tuple(a), Form::Tuple(b)) if a.len() == b.len() => match (a.split_last(), b.split_last()) {
            (Some((last, before)), Some((other, others))) => {
                let are_equal = before.iter().zip(others).all(|(a, b)| a.equals(b) == Some(true));
                are_equal && is_not_below(last, other)
            }
            _ => true,
        },
        _ => false,
    }
}

/// The items in order, where they are of one kind.
pub(super) fn sorted(items: &[Object]) -> Option<Vec<Object>> {
    let first = items.first();
    let comparable = items
        .iter()
        .all(|item| first.is_none_or(|first| is_alike(first, item) || are_rows(first, item)));
    let mut sorted = items.to_vec();
    if !comparable {
        return in_order_of_first(sorted);
    }
    sorted.sort_by(|a, b| order(a, b).unwrap_or(Ordering::Equal));
    Some(sorted)
}

/// Tuples that begin with different texts, such as what `os.walk` gives: the rest of them is not compared.
fn in_order_of_first(mut items: Vec<Object>) -> Option<Vec<Object>> {
    fn first(item: &Object) -> Option<&str> {
        match &item.form {
            Form::Tuple(row) => row.first()?.as_str(),
            _ => None,
        }
    }
    items.sort_by(|a, b| first(a).cmp(&first(b)));
    let texts: Option<Vec<_>> = items.iter().map(first).collect();
    texts?.is_sorted_by(|a, b| a < b).then_some(items)
}

/// Whether Python has an order of two objects, whatever their values are.
fn is_alike(a: &Object, b: &Object) -> bool {
    let are_numbers = a.as_int().is_some() && b.as_int().is_some();
    are_numbers || (a.as_str().is_some() && b.as_str().is_some())
}

/// The same for two tuples of such objects. Tuples in tuples are left to Python, as the same ones may be in there many times.
fn are_rows(a: &Object, b: &Object) -> bool {
    let (Form::Tuple(a), Form::Tuple(b)) = (&a.form, &b.form) else {
        return false;
    };
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| is_alike(a, b))
}
