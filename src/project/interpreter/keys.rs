//! The keys of dicts, and the items of sets: each is there once.

use std::collections::HashMap;
use std::rc::Rc;

use super::object::{Form, Object};

/// Items that a set may have, unless all are texts: each is compared with the others.
const MAX_DISTINCT: usize = 1_000;

/// Whether Python takes the object for a key, and what equals it is known.
pub(super) fn is_key(key: &Object) -> bool {
    let is_plain = |key: &Object| matches!(key.form, Form::Str(_) | Form::Int(_) | Form::Bool(_) | Form::None);
    match &key.form {
        Form::Tuple(items) => items.iter().all(is_plain),
        _ => is_plain(key),
    }
}

/// Puts an entry into a dict, which keeps a key's first place and its last value.
pub(super) fn insert(entries: &mut Vec<(Object, Object)>, key: Object, value: Object) {
    match entries.iter_mut().find(|(known, _)| known.equals(&key) == Some(true)) {
        Some(known) => known.1 = value,
        None => entries.push((key, value)),
    }
}

/// The same for many entries at once.
pub(super) fn unique(entries: Vec<(Object, Object)>) -> Vec<(Object, Object)> {
    let mut kept: Vec<(Object, Object)> = Vec::with_capacity(entries.len());
    let mut texts: HashMap<Rc<str>, usize> = HashMap::new();
    let mut others: Vec<usize> = Vec::new();
    for (key, value) in entries {
        // A text is equal to texts only.
        let known = match &key.form {
            Form::Str(text) => texts.get(text).copied(),
            _ => others.iter().copied().find(|at| kept[*at].0.equals(&key) == Some(true)),
        };
        if let Some(at) = known {
            kept[at].1 = value;
            continue;
        }
        match &key.form {
            Form::Str(text) => {
                texts.insert(Rc::clone(text), kept.len());
            }
            _ => others.push(kept.len()),
        }
        kept.push((key, value));
    }
    kept
}

/// The items of a set, each once; `None` where that is not known, or Python takes one of them into no set.
pub(super) fn distinct(items: Vec<Object>) -> Option<Vec<Object>> {
    if items.iter().all(|item| item.as_str().is_some()) {
        let entries = items.into_iter().map(|item| (item.clone(), item)).collect();
        // Of equal items the first one stays.
        return Some(unique(entries).into_iter().map(|(first, _)| first).collect());
    }
    let mut kept: Vec<Object> = Vec::new();
    if items.len() > MAX_DISTINCT {
        return None;
    }
    for item in items {
        if !is_key(&item) {
            return None;
        }
        if !kept.iter().any(|known| known.equals(&item) == Some(true)) {
            kept.push(item);
        }
    }
    Some(kept)
}
