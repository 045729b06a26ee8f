//! What `setup.py` sees of the process that it runs in, where that is known without starting one.

use super::backend::variables_seen;
use super::{ProjectSettings, Target};

/// The process that would run `setup.py`, as far as its answer may depend on it.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// The process environment of sgbuild, credentials included: nothing but [`Self::variables`] reads it.
    process: Vec<(String, String)>,
    target: Target,
}

impl Surroundings {
    pub(crate) fn of(settings: &ProjectSettings) -> Self {
        Self {
            process: settings.environment.clone(),
            target: settings.target.clone(),
        }
    }

    /// The environment's variables as Python would see them; `None` for the value of one that is only known once it is asked.
    pub(crate) fn variables(&self) -> Vec<(String, Option<String>)> {
        variables_seen(&self.process)
    }

    /// The numbers of the image's Python release, as many as are known.
    pub(crate) fn python(&self) -> Vec<i64> {
        let parts = self.target.python.iter().flat_map(|version| version.split('.'));
        parts.map_while(|part| part.parse().ok()).collect()
    }

    /// What `platform.machine()` gives in the image.
    pub(crate) fn machine(&self) -> Option<&str> {
        self.target.machine.as_deref()
    }
}
