//! Attributes and methods of objects.

use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::mentions;
use super::call::Arguments;
use super::object::{Content, Form, Groups, Object, OpenFile, Position};
use super::shared::Shared;
use super::{Halt, Machine, Outcome, container, files, library, text};

/// What a known function gives; `None` where it is not known.
pub(super) type Known = Result<Option<Form>, Halt>;

impl Machine {
    /// `object.name`.
    pub(super) fn attribute(&mut self, object: &Object, name: &str, node: &impl Ranged) -> Outcome {
        let place = self.place(node);
        if mentions::reaches_namespaces(name) {
            self.wild(node);
            return Ok(self.unknown(node, "may change any name"));
        }
        let form = match &object.form {
            Form::Class(class) => match class.names.borrow().get(name) {
                Some(value) if !matches!(value.form, Form::Function(_)) => return Ok(value.clone()),
                _ => return Ok(self.looked_up(object, node)),
            },
            Form::Module(names) => match names.borrow().get(name) {
                Some(value) => return Ok(value.clone()),
                None => return Err(Halt::Raised("AttributeError".into(), name.into())),
            },
            Form::Library(module) => {
                let full = format!("{module}.{name}");
                if self.patched.contains(&full) {
                    return Ok(self.unknown(node, "was set to something else"));
                }
                if let Some(constant) = library::constant(&full, place) {
                    return Ok(constant);
                }
                Form::Library(full.into())
            }
            Form::Path(path) => match name {
                "parent" => Form::Path(files::pure(path.parent().unwrap_or(path))),
                "name" => Form::Str(path.file_name().unwrap_or_default().to_string_lossy().as_ref().into()),
                "stem" => Form::Str(path.file_stem().unwrap_or_default().to_string_lossy().as_ref().into()),
                _ => Form::Method(Rc::new(object.clone()), name.into()),
            },
            Form::VersionInfo if name == "major" => Form::Int(3),
            Form::Str(_)
            | Form::Bytes(_)
            | Form::List(_)
            | Form::Tuple(_)
            | Form::Dict(_)
            | Form::Set(_)
            | Form::File(_)
            | Form::Match(_)
            | Form::Pattern(..) => Form::Method(Rc::new(object.clone()), name.into()),
            Form::None => return Err(Halt::Raised("AttributeError".into(), name.into())),
            _ => return Ok(self.looked_up(object, node)),
        };
        Ok(Object::new(form, place))
    }

    /// `object.name(arguments)`.
    pub(super) fn method(&mut self, object: &Object, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        // An argument that only Python knows makes the result unknown, but a list only where it is put.
        let is_store = matches!(name, "append" | "insert" | "setdefault" | "extend" | "update");
        if !is_store
            && arguments
                .each()
                .any(|argument| matches!(argument.form, Form::Unknown(_)))
        {
            return Ok(None);
        }
        match &object.form {
            Form::Str(text) => self.str_method(text, name, arguments, node),
            Form::Bytes(bytes) => Ok(text::bytes_method(bytes, name, arguments)),
            Form::List(items) => self.list_method(items, name, arguments, node),
            Form::Dict(entries) => self.dict_method(entries, name, arguments, object, node),
            Form::Set(items) => Ok(container::set_method(items, name, arguments)),
            Form::Tuple(items) => Ok(match (name, arguments.positional.as_slice()) {
                ("index", [wanted]) => {
                    let equal: Option<Vec<_>> = items.iter().map(|item| item.equals(wanted)).collect();
                    equal
                        .and_then(|equal| equal.into_iter().position(|equal| equal))
                        .map(index_form)
                }
                _ => None,
            }),
            Form::File(file) => Ok(file_method(file, name, arguments, object)),
            Form::Match(groups) => match_method(groups, name, arguments, object),
            Form::Pattern(pattern, flags) => {
                let mut all = vec![Object::new(Form::Pattern(Rc::clone(pattern), *flags), object.place)];
                all.extend(arguments.positional.iter().cloned());
                self.library(&format!("re.{name}").into(), &Arguments::of(all), node)
            }
            Form::Path(path) => self.path_method(path, name, arguments, node),
            _ => Ok(None),
        }
    }
}

pub(super) fn index_form(index: usize) -> Form {
    Form::Int(i64::try_from(index).unwrap_or(i64::MAX))
}

fn file_method(file: &OpenFile, name: &str, arguments: &Arguments, object: &Object) -> Option<Form> {
    if !arguments.is_empty() {
        return None;
    }
    let all = |whole: Form, empty: Form| match file.position.replace(Position::End) {
        Position::Start => Some(whole),
        Position::End => Some(empty),
        Position::Somewhere => None,
    };
    match (&file.content, name) {
        (_, "close") => Some(Form::None),
        (Content::Text(text), "read") => all(Form::Str(text.clone()), Form::Str("".into())),
        (Content::Bytes(bytes), "read") => all(Form::Bytes(bytes.clone()), Form::Bytes([].into())),
        (Content::Text(text), "readlines") => {
            let lines = text
                .split_inclusive('\n')
                .map(|line| Object::str(line, object.place))
                .collect();
            all(Form::List(Shared::new(lines)), Form::List(Shared::new(Vec::new())))
        }
        // What comes after a first line is not kept track of.
        (Content::Text(text), "readline") if file.position.replace(Position::Somewhere) == Position::Start => {
            Some(Form::Str(text.split_inclusive('\n').next().unwrap_or_default().into()))
        }
        _ => None,
    }
}

fn match_method(groups: &Groups, name: &str, arguments: &Arguments, object: &Object) -> Known {
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
