//! The Python that runs `setup.py`, and its setuptools: those of the image, as far as they are known.

use ruff_text_size::Ranged;

use super::Machine;
use super::object::{Form, Object};

/// The oldest minor version of Python 3 that setuptools still runs on.
const OLDEST_MINOR: i64 = 9;

/// The names of what is in `sys.version_info`.
pub(super) const PARTS_OF_VERSION: [&str; 5] = ["major", "minor", "micro", "releaselevel", "serial"];

impl Machine {
    /// `sys.version_info`.
    pub(super) fn version_info(&mut self, node: &impl Ranged) -> Object {
        self.looked_at_python = true;
        let place = self.place(node);
        let known = self.around.python();
        let of = |form| Object::new(form, place);
        let minor = known
            .get(1)
            .map_or(Form::AtLeast(OLDEST_MINOR), |minor| Form::Int(*minor));
        // Which patch release an image has is decided when it is made.
        let micro = known.get(2).map_or(Form::AtLeast(0), |micro| Form::Int(*micro));
        // Official images have final releases; of another one nothing is known.
        let [level, serial] = if known.is_empty() {
            let why = self.dynamic(node, "is the version of the base image's Python, which is not known");
            [Object::unknown(&why), Object::unknown(&why)]
        } else {
            [of(Form::text("final")), of(Form::Int(0))]
        };
        of(Form::VersionInfo(
            [of(Form::Int(3)), of(minor), of(micro), level, serial].into(),
        ))
    }
}
