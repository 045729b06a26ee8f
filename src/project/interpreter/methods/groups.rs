//! Methods of what a pattern matched.

use std::rc::Rc;

use super::super::arguments::Arguments;
use super::super::object::{Form, Groups, Object};
use super::super::{Halt, Known};

pub(super) fn match_method(groups: &Groups, name: &str, arguments: &Arguments, object: &Object) -> Known {
    let form = |text: &Option<Rc<str>>| text.as_ref().map_or(Form::None, |text| Form::Str(Rc::clone(text)));
    let wanted = match arguments.positional.as_slice() {
        [] => Some(0),
        [one] => match (one.as_int(), one.as_str()) {
            (Some(index), _) => usize::try_from(index).ok(),
            (None, Some(name)) => groups
                .names
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, index)| *index),
            _ => None,
        },
        _ => None,
    };
    match (name, wanted) {
        ("group", Some(index)) => match groups.texts.get(index) {
            Some(text) => Ok(Some(form(text))),
            None => Err(Halt::Raised("IndexError".into(), "no such group".into())),
        },
        ("groups", Some(0)) => {
            let items = groups
                .texts
                .iter()
                .skip(1)
                .map(|text| Object::new(form(text), object.place));
            Ok(Some(Form::Tuple(items.collect())))
        }
        _ => Ok(None),
    }
}
