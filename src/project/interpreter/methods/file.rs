//! Methods of files that were opened for reading.

use super::super::MAX_ITEMS;
use super::super::arguments::Arguments;
use super::super::object::{Content, Form, Object, OpenFile, Position};
use super::super::shared::Shared;

pub(super) fn file_method(file: &OpenFile, name: &str, arguments: &Arguments, object: &Object) -> Option<Form> {
    if !arguments.is_empty() || !matches!(name, "close" | "read" | "readlines" | "readline") {
        file.position.set(Position::Somewhere);
        return None;
    }
    let all = |whole: Form, empty: Form| match file.position.replace(Position::End) {
        Position::Start => Some(whole),
        Position::End => Some(empty),
        Position::Somewhere => None,
    };
    match (&file.content, name) {
        (_, "close") => {
            file.position.set(Position::Somewhere);
            Some(Form::None)
        }
        (Content::Text(text), "read") => all(Form::Str(text.clone()), Form::Str("".into())),
        (Content::Bytes(bytes), "read") => all(Form::Bytes(bytes.clone()), Form::Bytes([].into())),
        (Content::Text(text), "readlines") if !file.has_own_lines && text.lines().count() <= MAX_ITEMS => {
            let lines = text
                .split_inclusive('\n')
                .map(|line| Object::str(line, object.place))
                .collect();
            all(Form::List(Shared::new(lines)), Form::List(Shared::new(Vec::new())))
        }
        // How far it was read is not kept track of after the first line.
        (Content::Text(text), "readline")
            if !file.has_own_lines && file.position.replace(Position::Somewhere) == Position::Start =>
        {
            Some(Form::Str(text.split_inclusive('\n').next().unwrap_or_default().into()))
        }
        _ => None,
    }
}
