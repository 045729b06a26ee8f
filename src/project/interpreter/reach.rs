//! What can be reached from an object.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::value::Dynamic;
use super::effort;
use super::object::{Form, Object, Position};

impl Object {
    /// Makes every list, dict and set unknown that can be reached from here, and calls `escaped` for each function and class.
    pub(crate) fn taint(&self, why: &Rc<Dynamic>, escaped: &mut dyn FnMut(&Object)) {
        self.taint_reached(why, escaped, &mut BTreeSet::new());
    }

    fn taint_reached(&self, why: &Rc<Dynamic>, escaped: &mut dyn FnMut(&Object), reached: &mut BTreeSet<usize>) {
        // Each object is gone through once: a list, dict or set has a doubt then, the addresses of others are remembered.
        let mut is_new = |address: *const ()| reached.insert(address.addr());
        let inner: Vec<Self> = match &self.form {
            Form::List(items) | Form::Set(items) => {
                let inner = items.behind().map(|items| items.clone()).unwrap_or_default();
                if items.doubt(why) { inner } else { Vec::new() }
            }
            Form::Dict(entries) | Form::View(entries, _) => {
                let inner = entries.behind().map(|entries| entries.clone()).unwrap_or_default();
                let inner = inner.into_iter().flat_map(|(key, value)| [key, value]).collect();
                if entries.doubt(why) { inner } else { Vec::new() }
            }
            Form::Iterator(once) if is_new(Rc::as_ptr(once).cast()) => {
                once.sources.iter().map(|(source, _)| source.clone()).collect()
            }
            Form::File(file) => {
                file.position.set(Position::Somewhere);
                Vec::new()
            }
            Form::Tuple(items) if is_new(Rc::as_ptr(items).cast()) => items.to_vec(),
            Form::Method(object, _) => vec![Self::clone(object)],
            // Its functions, and what its names are bound to, can be reached through it.
            Form::Module(names) if is_new(Rc::as_ptr(names).cast()) => {
                let bound = names.borrow();
                let own = bound
                    .values()
                    .filter(|object| !matches!(object.form, Form::Module(_) | Form::Library(_)));
                own.cloned().collect()
            }
            Form::Class(class) if is_new(Rc::as_ptr(class).cast()) => {
                escaped(self);
                let mut bound = class.names.borrow_mut();
                let is_data = |value: &&mut Self| !matches!(value.form, Form::Function(_) | Form::Class(_));
                // Its methods may bind its attributes to something else.
                let data = bound.values_mut().filter(is_data);
                data.map(|value| std::mem::replace(value, Self::unknown(why))).collect()
            }
            Form::Function(_)
            | Form::Generator(_)
            | Form::Loader(_)
            | Form::Spec(_)
            | Form::Library(_)
            | Form::Arguments => {
                escaped(self);
                Vec::new()
            }
            _ => Vec::new(),
        };
        // Done whatever it costs: after a run that cost too much, no value is used.
        let _ = effort::work(inner.len());
        for object in inner {
            object.taint_reached(why, escaped, reached);
        }
    }
}
