//! Methods of lists, dicts and sets.

use ruff_text_size::Ranged;

use super::super::arguments::Arguments;
use super::super::keys::{distinct, is_key, unique};
use super::super::object::{Form, Object, View};
use super::super::order::sorted;
use super::super::shared::{Sequence, Shared};
use super::super::{Halt, Known, MAX_ITEMS, Machine, effort, format};

impl Machine {
    pub(super) fn list_method(
        &mut self,
        items: &Shared<Vec<Object>>,
        name: &str,
        arguments: &Arguments,
        node: &impl Ranged,
    ) -> Known {
        let more = match (name, arguments.positional.as_slice()) {
            ("extend", [more]) => match self.any_items(more, node)? {
                Ok(more) if more.len() < MAX_ITEMS && items.behind().is_ok_and(|items| items.len() < MAX_ITEMS) => more,
                Ok(_) => {
                    let why = self.dynamic(node, "makes a long list");
                    self.taint(&Object::new(Form::List(items.clone()), self.place(node)), &why);
                    return Ok(Some(Form::None));
                }
                Err(why) => {
                    self.taint(&Object::new(Form::List(items.clone()), self.place(node)), &why);
                    self.taint(more, &why);
                    self.doubts += 1;
                    return Ok(Some(Form::None));
                }
            },
            _ => Vec::new(),
        };
        if matches!(name, "remove" | "index" | "count" | "sort") {
            return self.searched(items, name, arguments, node);
        }
        if name == "copy" && arguments.is_empty() {
            let copied = items.get().map(|items| items.clone());
            return Ok(Some(copied.map_or_else(Form::Unknown, |copied| {
                Form::List(Shared::in_sequence(copied, items.sequence()))
            })));
        }
        self.effects += 1;
        let in_order = Object::new(Form::List(items.clone()), self.place(node)).sequence() == Sequence::Known;
        let shared = items;
        // Taken before the list is changed, as it may be the argument itself.
        let sequence = arguments.positional.first().map_or(Sequence::Known, Object::sequence);
        let mut items = match shared.get_mut() {
            Ok(items) => items,
            Err(why) => return Ok(Some(Form::Unknown(why))),
        };
        match (name, arguments.positional.as_slice()) {
            ("append", [item]) => {
                items.push(item.clone());
                self.appended_in_disorder(shared);
            }
            ("extend", [_]) => {
                items.extend(more);
                shared.set_sequence(sequence.max(shared.sequence()));
                self.appended_in_disorder(shared);
            }
            ("insert", [at, item]) => {
                let Some(at) = at.as_int().and_then(|at| usize::try_from(at).ok()) else {
                    return Ok(None);
                };
                let at = at.min(items.len());
                items.insert(at, item.clone());
            }
            ("pop", []) if in_order => {
                let last = items.pop().map(|item| Some(item.form));
                return last.ok_or_else(|| Halt::Raised("IndexError".into(), "pop from empty list".into()));
            }
            ("reverse", []) => items.reverse(),
            ("clear", []) => items.clear(),
            _ => return Ok(None),
        }
        Ok(Some(Form::None))
    }

    /// Methods of a list that compare its items.
    fn searched(
        &mut self,
        shared: &Shared<Vec<Object>>,
        name: &str,
        arguments: &Arguments,
        node: &impl Ranged,
    ) -> Known {
        // A list may hold itself.
        let items = match shared.get() {
            Ok(items) => items.clone(),
            Err(why) => return Ok(Some(Form::Unknown(why))),
        };
        if let ("sort", true) = (name, arguments.is_empty()) {
            let Some(sorted) = sorted(&items) else { return Ok(None) };
            self.effects += 1;
            return Ok(shared.get_mut().ok().map(|mut items| {
                *items = sorted;
                shared.set_sequence(Sequence::Known);
                Form::None
            }));
        }
        let [wanted] = arguments.positional.as_slice() else {
            return Ok(None);
        };
        let equal: Option<Vec<_>> = items.iter().map(|item| item.equals(wanted)).collect();
        let Some(equal) = equal else {
            let why = self.dynamic(node, "compares what is not known");
            self.taint(&Object::new(Form::List(shared.clone()), why.place), &why);
            return Ok(Some(Form::Unknown(why)));
        };
        if name == "count" {
            return Ok(Some(Form::index(equal.into_iter().filter(|equal| *equal).count())));
        }
        let Some(at) = equal.iter().position(|equal| *equal) else {
            return Err(Halt::Raised("ValueError".into(), "x not in list".into()));
        };
        if name == "index" {
            if items.len() > 1 && shared.sequence() != Sequence::Known {
                return Ok(None);
            }
            return Ok(Some(Form::index(at)));
        }
        self.effects += 1;
        Ok(shared.get_mut().ok().map(|mut items| {
            items.remove(at);
            Form::None
        }))
    }

    pub(super) fn dict_method(
        &mut self,
        shared: &Shared<Vec<(Object, Object)>>,
        name: &str,
        arguments: &Arguments,
        object: &Object,
        node: &impl Ranged,
    ) -> Known {
        if name == "update" {
            return Ok(self.update(shared, arguments, object, node));
        }
        let looks = matches!(name, "get" | "keys" | "values" | "items" | "copy");
        let known = if looks {
            shared.get().map(drop)
        } else {
            self.effects += 1;
            shared.get_mut().map(drop)
        };
        if let Err(why) = known {
            return Ok(Some(Form::Unknown(why)));
        }
        let mut entries = shared.content_mut();
        let find = |entries: &[(Object, Object)], key: &Object| {
            entries.iter().position(|(known, _)| known.equals(key) == Some(true))
        };
        let known_key = arguments
            .positional
            .first()
            .is_none_or(|key| matches!(key.form, Form::Str(_) | Form::Int(_)));
        if !known_key || !arguments.named.is_empty() {
            return Ok(None);
        }
        Ok(match (name, arguments.positional.as_slice()) {
            ("get", [key, rest @ ..]) if rest.len() < 2 => Some(match (find(&entries, key), rest.first()) {
                (Some(at), _) => entries[at].1.form.clone(),
                (None, Some(default)) => default.form.clone(),
                (None, None) => Form::None,
            }),
            ("setdefault", [key, default]) => Some(if let Some(at) = find(&entries, key) {
                entries[at].1.form.clone()
            } else {
                entries.push((key.clone(), default.clone()));
                default.form.clone()
            }),
            ("pop", [key, rest @ ..]) if rest.len() < 2 => match (find(&entries, key), rest.first()) {
                (Some(at), _) => Some(entries.remove(at).1.form),
                (None, Some(default)) => Some(default.form.clone()),
                (None, None) => {
                    return Err(Halt::Raised(
                        "KeyError".into(),
                        format::repr(key).unwrap_or_default().into(),
                    ));
                }
            },
            ("keys", []) => Some(Form::View(shared.clone(), View::Keys)),
            ("values", []) => Some(Form::View(shared.clone(), View::Values)),
            ("items", []) => Some(Form::View(shared.clone(), View::Items)),
            ("copy", []) => Some(Form::Dict(Shared::in_sequence(entries.clone(), shared.sequence()))),
            _ => None,
        })
    }

    fn update(
        &mut self,
        shared: &Shared<Vec<(Object, Object)>>,
        arguments: &Arguments,
        object: &Object,
        node: &impl Ranged,
    ) -> Option<Form> {
        let place = self.place(node);
        let mut more = match arguments.positional.first().map(|more| &more.form) {
            None => Vec::new(),
            Some(Form::Dict(more)) => match more.get() {
                Ok(known) => {
                    shared.set_sequence(more.sequence().max(shared.sequence()));
                    known.clone()
                }
                Err(why) => {
                    self.taint(object, &why);
                    return Some(Form::None);
                }
            },
            Some(_) => return None,
        };
        more.extend(
            arguments
                .named
                .iter()
                .map(|(name, value)| (Object::str(name, place), value.clone())),
        );
        self.effects += 1;
        match shared.get_mut() {
            Ok(mut entries) => {
                entries.extend(more);
                *entries = unique(std::mem::take(&mut *entries));
            }
            Err(why) => return Some(Form::Unknown(why)),
        }
        Some(Form::None)
    }
}

/// A method of a set. Which of two equal items stays is not always certain, so only texts are compared with what it is given.
pub(super) fn set_method(items: &Shared<Vec<Object>>, name: &str, arguments: &Arguments) -> Option<Form> {
    let known = items.get().ok()?.clone();
    let made = |items: Vec<Object>| Some(Form::Set(Shared::new(items)));
    match (name, arguments.positional.as_slice()) {
        ("add", [item]) if is_key(item) => {
            let equal: Option<Vec<_>> = known.iter().map(|known| known.equals(item)).collect();
            if !equal?.contains(&true) {
                items.get_mut().ok()?.push(item.clone());
            }
            Some(Form::None)
        }
        ("discard", [item]) if is_key(item) => {
            let equal: Option<Vec<_>> = known.iter().map(|known| known.equals(item)).collect();
            if let Some(at) = equal?.into_iter().position(|equal| equal) {
                items.get_mut().ok()?.remove(at);
            }
            Some(Form::None)
        }
        ("copy", []) => made(known),
        ("union", [other]) => made(distinct([known, texts(other)?].concat())?),
        ("update", [other]) => {
            let all = distinct([known, texts(other)?].concat())?;
            *items.get_mut().ok()? = all;
            Some(Form::None)
        }
        ("intersection" | "difference" | "issubset" | "issuperset", [other]) => {
            let other = texts(other)?;
            effort::work(known.len().saturating_mul(other.len()))?;
            let has = |all: &[Object], item: &Object| all.iter().any(|each| each.as_str() == item.as_str());
            if known.iter().any(|item| item.as_str().is_none()) {
                return None;
            }
            let kept = |wanted: bool| {
                known
                    .iter()
                    .filter(|item| has(&other, item) == wanted)
                    .cloned()
                    .collect()
            };
            match name {
                "intersection" => made(kept(true)),
                "difference" => made(kept(false)),
                "issubset" => Some(Form::Bool(known.iter().all(|item| has(&other, item)))),
                _ => Some(Form::Bool(other.iter().all(|item| has(&known, item)))),
            }
        }
        _ => None,
    }
}

/// The items of what a method of a set is given, if all are texts; their order does not matter.
fn texts(other: &Object) -> Option<Vec<Object>> {
    let items = match &other.form {
        Form::List(items) | Form::Set(items) => items.get().ok()?.clone(),
        Form::Tuple(items) => items.to_vec(),
        Form::Dict(entries) => entries.get().ok()?.iter().map(|(key, _)| key.clone()).collect(),
        _ => return None,
    };
    items.iter().all(|item| item.as_str().is_some()).then_some(items)
}
