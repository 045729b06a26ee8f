//! Where the build backend works on the project.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::copy::Copy;
use super::hook::Hook;
use crate::progress::Progress;
use crate::project::{Error, Outside, ProjectSettings};

/// The copy of a project that its build backend is asked in, made when it is asked for the first time, and the same for all that it
/// is asked.
#[derive(Debug, Clone, Default)]
pub struct Workplace(Arc<OnceLock<Copy>>);

impl Workplace {
    /// The copy of the project in `root`, as far as answering `hook` needs it.
    ///
    /// # Errors
    /// There is no room for it; what is to be copied has no end; the user interrupted.
    pub(super) fn made_for(
        &self,
        hook: Hook,
        root: &Path,
        settings: &ProjectSettings,
        progress: &dyn Progress,
    ) -> Result<&Copy, Error> {
        let copy = if let Some(copy) = self.0.get() {
            copy
        } else {
            let made = Copy::of(root, settings, progress)?;
            self.0.get_or_init(|| made)
        };
        if hook != Hook::Metadata {
            copy.complete(progress)?;
        }
        Ok(copy)
    }

    /// What of these files, which were made in the copy, a link of the project leads out of it to.
    pub(crate) fn led_out_by(&self, files: &[String]) -> Option<&Outside> {
        self.0.get()?.led_out_by(files)
    }
}
