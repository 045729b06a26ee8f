//! What `setup.py` sees of the process that it runs in, where that is known without starting one.

use super::backend::variables_seen;
use super::{ProjectSettings, ReadFor};

/// The process that would run `setup.py`, as far as its answer may depend on it.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// The process environment of sgbuild, credentials included: nothing but [`Self::variables`] reads it.
    process: Vec<(String, String)>,
    read_for: ReadFor,
}

impl ReadFor {
    /// Major and minor version of its Python, such as `3.11`.
    pub(crate) fn release(&self) -> Option<String> {
        let mut parts = self.python.as_deref()?.split('.');
        Some(format!("{}.{}", parts.next()?, parts.next()?))
    }
}

impl Surroundings {
    pub(crate) fn of(settings: &ProjectSettings) -> Self {
        Self {
            process: settings.environment.clone(),
            read_for: settings.read_for.clone(),
        }
    }

    /// The environment's variables as Python would see them; `None` for the value of one that is only known once it is asked.
    pub(crate) fn variables(&self) -> Vec<(String, Option<String>)> {
        variables_seen(&self.process)
    }

    /// The numbers of the image's Python release, as many as are known.
    pub(crate) fn python(&self) -> Vec<i64> {
        let parts = self.read_for.python.iter().flat_map(|version| version.split('.'));
        parts.map_while(|part| part.parse().ok()).collect()
    }

    /// What `platform.machine()` gives in the image.
    pub(crate) fn machine(&self) -> Option<&str> {
        self.read_for.machine.as_deref()
    }
}
