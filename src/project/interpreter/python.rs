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
        let unknown = |part: &str| Object::unknown(&self.dynamic(node, &format!("has {part}, which is not known")));
        let minor = known
            .get(1)
            .map_or(Form::AtLeast(OLDEST_MINOR), |minor| Form::Int(*minor));
        let micro = match known.get(2) {
            Some(micro) => of(Form::Int(*micro)),
            None => unknown("the patch release of the image's Python"),
        };
        // Images have final releases; of another one nothing is known.
        let [level, serial] = if known.is_empty() {
            [
                unknown("the release of the image's Python"),
                unknown("the release of the image's Python"),
            ]
        } else {
            [of(Form::text("final")), of(Form::Int(0))]
        };
        of(Form::VersionInfo(
            [of(Form::Int(3)), of(minor), micro, level, serial].into(),
        ))
    }
}
