//! How the project is read.

use crate::project::ProjectSettings;
use crate::settings::key::{Key, Text};
use crate::settings::{Settings, table, uv};
use crate::uv::UvSettings;

impl Settings {
    /// How to read the project.
    #[must_use]
    pub fn project(&self) -> ProjectSettings {
        let named = |key: &Key<Option<Text>>| Some((self.get(key)?.to_owned(), self.origin_of(key).to_string()));
        ProjectSettings {
            train: named(&table::TRAIN),
            serve: named(&table::SERVE),
            static_only: self.get(&table::STATIC),
            python: self.program(self.get(&table::PYTHON)),
            python_timeout: self.get(&table::PYTHON_TIMEOUT),
            environment: self.environment().all().to_vec(),
            cache_dir: self.environment().cache_dir(),
            uv: self.uv(),
        }
    }

    /// How to read its neighbours: which function trains is said of the project alone.
    #[must_use]
    pub fn neighbours(&self) -> ProjectSettings {
        ProjectSettings {
            train: None,
            serve: None,
            ..self.project()
        }
    }

    /// How uv is found, and what it is told on this machine.
    #[must_use]
    pub fn uv(&self) -> UvSettings {
        uv::settings(self)
    }
}
