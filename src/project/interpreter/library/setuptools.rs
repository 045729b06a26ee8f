//! `setuptools`.

use std::path::Path;
use std::rc::Rc;

use ruff_text_size::TextRange;

use super::super::super::value::{Dynamic, Place};
use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::shared::{Sequence, Shared};
use super::super::{Known, Machine, effort};
use crate::project::Error;
use crate::project::find_packages::{Find, find_packages as packages};

/// What a search for packages counts for: each time the whole tree is walked.
const FIND: usize = 200_000;

/// The oldest major version of setuptools that a build environment may have: nothing here asks for a certain one.
const OLDEST: i64 = 59;

/// `setuptools.__version__.split(".")`, of which the first part is known to be no less than [`OLDEST`], and that others follow.
pub(super) fn parts_of_version(arguments: &Arguments, place: Place) -> Option<Form> {
    let most = arguments.get(1, "maxsplit").map(Object::as_int);
    if arguments.text(0, "sep") != Some(".") || most.is_some_and(|most| most != Some(1)) {
        return None;
    }
    let unknown = Object::unknown(&Rc::new(Dynamic {
        expression: "setuptools.__version__".to_owned(),
        place,
        reason: "is the version of the newest setuptools".to_owned(),
    }));
    let mut parts = vec![Object::new(Form::AtLeastWritten(OLDEST), place), unknown.clone()];
    if most.is_none() {
        parts.push(unknown);
    }
    Some(Form::List(Shared::new(parts)))
}

/// `setuptools.find_packages(where, exclude, include)`.
pub(super) fn find_packages(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    Ok(find(machine, false, arguments, node))
}

/// `setuptools.find_namespace_packages(where, exclude, include)`.
pub(super) fn find_namespace_packages(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    Ok(find(machine, true, arguments, node))
}

fn find(machine: &mut Machine, namespaces: bool, arguments: &Arguments, node: TextRange) -> Option<Form> {
    if let Some(why) = &machine.moved {
        return Some(Form::Unknown(Rc::clone(why)));
    }
    let find = asked(namespaces, arguments)?;
    if !machine.located(Path::new(&find.place)).starts_with(&machine.root) {
        return None;
    }
    let place = machine.place(&node);
    // Whether anything is left is checked next.
    let _ = effort::work(FIND);
    match packages(&machine.root, &find) {
        Ok(found) => {
            let names = found.into_iter().map(|name| Object::str(name, place)).collect();
            Some(Form::List(Shared::in_sequence(names, Sequence::Loose)))
        }
        Err(error) => {
            let unknown = machine.dynamic(&node, &format!("cannot be followed: {error}"));
            if let Error::Outside(outside) = error {
                machine.leads_out(outside);
            }
            Some(Form::Unknown(unknown))
        }
    }
}

fn asked(namespaces: bool, arguments: &Arguments) -> Option<Find> {
    let known = ["where", "exclude", "include"];
    if arguments.positional.len() > 3 || arguments.named.iter().any(|(name, _)| !known.contains(&name.as_str())) {
        return None;
    }
    let mut find = Find {
        namespaces,
        ..Find::default()
    };
    if let Some(place) = arguments.get(0, "where") {
        match &place.form {
            Form::Str(place) => place.as_ref().clone_into(&mut find.place),
            Form::Path(place) => find.place = place.to_string_lossy().into_owned(),
            _ => return None,
        }
    }
    if let Some(patterns) = arguments.get(1, "exclude") {
        find.exclude = texts(patterns)?;
    }
    if let Some(patterns) = arguments.get(2, "include") {
        find.include = texts(patterns)?;
    }
    Some(find)
}

fn texts(patterns: &Object) -> Option<Vec<String>> {
    let text = |item: &Object| item.as_str().map(ToOwned::to_owned);
    match &patterns.form {
        Form::Tuple(items) => items.iter().map(text).collect(),
        Form::List(items) | Form::Set(items) => items.get().ok()?.iter().map(text).collect(),
        // Its characters, one by one.
        Form::Str(text) => Some(text.chars().map(String::from).collect()),
        _ => None,
    }
}
