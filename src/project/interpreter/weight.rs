//! What an object weighs: the work of going through it, and the memory that it takes.

use super::effort::of_bytes;
use super::object::{Content, Form, Object};

/// What an item of a list takes.
const ITEM: usize = size_of::<Object>();

impl Object {
    /// The work of going through the object once, not through what it holds.
    pub(super) fn weight(&self) -> usize {
        match &self.form {
            Form::Str(value) => of_bytes(value.len()),
            Form::Bytes(value) => of_bytes(value.len()),
            Form::Path(path) => of_bytes(path.as_os_str().len()),
            Form::File(file) => match &file.content {
                Content::Text(value) => of_bytes(value.len()),
                Content::Bytes(value) => of_bytes(value.len()),
            },
            _ => 1 + self.items_held(),
        }
    }

    /// The bytes that it takes, without what it holds.
    pub(super) fn size(&self) -> usize {
        match &self.form {
            Form::Str(text) => text.len(),
            Form::Bytes(bytes) => bytes.len(),
            Form::Path(path) => path.as_os_str().len(),
            _ => self.items_held() * ITEM,
        }
    }

    fn items_held(&self) -> usize {
        match &self.form {
            Form::List(items) | Form::Set(items) => items.get().map_or(0, |items| items.len()),
            Form::Tuple(items) => items.len(),
            Form::Dict(entries) | Form::View(entries, _) => entries.get().map_or(0, |entries| 2 * entries.len()),
            Form::Iterator(once) => once.items.borrow().as_ref().map_or(0, Vec::len),
            _ => 0,
        }
    }
}

/// What so many items take.
pub(super) fn size_of_items(count: usize) -> usize {
    count.saturating_mul(ITEM)
}
