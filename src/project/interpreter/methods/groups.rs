//! Methods of what a pattern matched.

use super::super::arguments::Arguments;
use super::super::object::{Form, Groups, Object};
use super::super::shared::Shared;
use super::super::{Halt, Known};

pub(super) fn match_method(groups: &Groups, name: &str, arguments: &Arguments, object: &Object) -> Known {
    if !arguments.named.is_empty() {
        return Ok(None);
    }
    let of = |form: Form| Object::new(form, object.place);
    match (name, arguments.positional.as_slice()) {
        ("group", []) => Ok(groups.at(0)),
        ("group", [one]) => group(groups, one).map(Some),
        ("group", several) => {
            let found: Result<Vec<_>, _> = several.iter().map(|one| group(groups, one).map(of)).collect();
            Ok(Some(Form::Tuple(found?.into())))
        }
        ("groups", rest) => {
            let unmatched = rest.first().map_or(Form::None, |default| default.form.clone());
            let items = (1..groups.texts.len()).filter_map(|index| groups.at(index));
            let items = items.map(|form| of(if let Form::None = form { unmatched.clone() } else { form }));
            Ok((rest.len() < 2).then(|| Form::Tuple(items.collect())))
        }
        ("groupdict", []) => {
            let entry = |(name, index): &(String, usize)| Some((of(Form::text(name)), of(groups.at(*index)?)));
            Ok(Some(Form::Dict(Shared::new(
                groups.names.iter().filter_map(entry).collect(),
            ))))
        }
        _ => Ok(None),
    }
}

/// What `match.group(one)` gives.
fn group(groups: &Groups, one: &Object) -> Result<Form, Halt> {
    let found = match (one.as_int(), one.as_str()) {
        (Some(index), _) => usize::try_from(index).ok().and_then(|index| groups.at(index)),
        (None, Some(name)) => groups.named(name),
        (None, None) => None,
    };
    found.ok_or_else(|| Halt::Raised("IndexError".into(), "no such group".into()))
}
