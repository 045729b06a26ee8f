//! Python's truth value of an object.

use std::rc::Rc;

use super::super::value::Dynamic;
use super::library;
use super::object::{Form, Object};

impl Object {
    /// What `bool(object)` gives, or why it is not known.
    pub(crate) fn truthy(&self) -> Result<bool, Rc<Dynamic>> {
        Ok(match &self.form {
            Form::None => false,
            Form::Bool(value) => *value,
            Form::Int(number) => *number != 0,
            Form::Float(number) => *number != 0.0,
            Form::Str(text) => !text.is_empty(),
            Form::Bytes(bytes) => !bytes.is_empty(),
            Form::List(items) | Form::Set(items) => !items.get()?.is_empty(),
            Form::Tuple(items) => !items.is_empty(),
            Form::Dict(entries) | Form::View(entries, _) => !entries.get()?.is_empty(),
            Form::Range(start, end) => start < end,
            Form::Unknown(why) => return Err(Rc::clone(why)),
            Form::Library(name) if !library::exists(name) => return Err(self.doubt("is something of the library")),
            Form::Argument => return Err(self.doubt("is the name of a command")),
            _ => true,
        })
    }
}
