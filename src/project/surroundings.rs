//! What `setup.py` sees of the process that it runs in, where that is known without starting one.

use super::ProjectSettings;
use super::backend::variables_seen;

/// The process that would run `setup.py`, as far as its answer may depend on it.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// The process environment of sgbuild, credentials included: nothing but [`Self::variables`] reads it.
    process: Vec<(String, String)>,
}

impl Surroundings {
    pub(crate) fn of(settings: &ProjectSettings) -> Self {
        Self {
            process: settings.environment.clone(),
        }
    }

    /// The environment's variables as Python would see them; `None` for the value of one that is only known once it is asked.
    pub(crate) fn variables(&self) -> Vec<(String, Option<String>)> {
        variables_seen(&self.process)
    }
}
