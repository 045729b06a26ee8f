//! `os.environ`: the variables that Python would see if it were asked.

use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::value::Dynamic;
use super::Machine;
use super::object::{Form, Object};
use super::shared::{Sequence, Shared};

impl Machine {
    /// `os.environ`. It is a dict here, whose order nobody may rely on.
    pub(super) fn environ(&mut self, node: &impl Ranged) -> Object {
        if let Some(environ) = &self.environ {
            return environ.clone();
        }
        let place = self.place(node);
        let variables = self.around.variables().into_iter();
        let entries = variables.map(|(name, value)| {
            let value = value.map_or_else(
                || Object::unknown(&self.dynamic(node, &format!("holds {name}, which is set once Python runs"))),
                |value| Object::str(value, place),
            );
            (Object::str(name, place), value)
        });
        let entries = Shared::in_sequence(entries.collect(), Sequence::Unknown);
        let environ = Object::new(Form::Dict(entries), place);
        self.environ = Some(environ.clone());
        environ
    }

    /// The environment is unknown from here on: code that is not followed may have set variables.
    pub(super) fn forget_environ(&mut self, why: &Rc<Dynamic>) {
        let environ = self.environ.take().unwrap_or_else(|| Object::unknown(why));
        self.taint(&environ, why);
        self.environ = Some(environ);
    }
}

/// Whether an attribute of this name leads to the environment.
pub(super) fn reaches_environ(name: &str) -> bool {
    matches!(name, "environ" | "environb")
}

/// Whether a call of this function that is not followed may set variables, as `dotenv.load_dotenv()` does. The library's own functions
/// do not, but those of setuptools may.
pub(super) fn may_change_environ(function: &Form) -> bool {
    match function {
        Form::Library(name) => name.starts_with("distutils.") || name.starts_with("setuptools."),
        Form::Unknown(_) => true,
        _ => false,
    }
}
