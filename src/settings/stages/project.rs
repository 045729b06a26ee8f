//! How the project is read.

use crate::image;
use crate::oci::Platform;
use crate::project::{Project, ProjectSettings, ReadFor};
use crate::settings::key::{Key, Text};
use crate::settings::{Origin, Settings, table, uv};
use crate::uv::UvSettings;

impl Settings {
    /// How to read the project.
    #[must_use]
    pub fn project(&self) -> ProjectSettings {
        let named = |key: &Key<Option<Text>>| Some((self.get(key)?.to_owned(), self.origin_of(key).to_string()));
        ProjectSettings {
            train: named(&table::TRAIN),
            serve: named(&table::SERVE),
            initializer: named(&table::INITIALIZER),
            static_only: self.get(&table::STATIC),
            python: self.program(self.get(&table::PYTHON)),
            python_timeout: self.get(&table::PYTHON_TIMEOUT),
            environment: self.environment().all().to_vec(),
            cache_dir: self.environment().cache_dir(),
            uv: self.uv(),
            read_for: self.read_for(),
        }
    }

    /// The names by which entry points were chosen among several.
    pub fn chosen_entry_points(&self) -> impl Iterator<Item = &str> {
        let set = [&table::TRAIN, &table::SERVE]
            .into_iter()
            .filter_map(|key| self.get(key));
        set.filter(|text| !text.contains(':'))
    }

    /// The same for a project that was read: what it says may decide which Python the image has.
    #[must_use]
    pub fn project_as(&self, read: &Project) -> ProjectSettings {
        let mut settings = self.project();
        if self.get(&table::BASE_IMAGE).is_none() {
            let version = self.get(&table::PYTHON_VERSION).map(str::to_owned);
            let chosen = image::chosen_python(read, version.as_ref());
            settings.read_for.python = chosen.or(settings.read_for.python);
        }
        settings
    }

    /// What is known of the image before the project is read.
    fn read_for(&self) -> ReadFor {
        let platform = self.get(&table::PLATFORM).parse::<Platform>();
        let machine = platform.ok().and_then(|platform| match platform.architecture.as_str() {
            "amd64" => Some("x86_64"),
            "arm64" => Some("aarch64"),
            _ => None,
        });
        let is_official = self.get(&table::BASE_IMAGE).is_none();
        let by_default = is_official.then(|| image::DEFAULT_PYTHON.to_owned());
        ReadFor {
            python: self.get(&table::PYTHON_VERSION).map(str::to_owned).or(by_default),
            is_asked: *self.origin_of(&table::PYTHON) == Origin::Default,
            machine: machine.map(str::to_owned),
        }
    }

    /// How to read the neighbours of `project`, for the same image: which function trains is said of the project alone.
    #[must_use]
    pub fn neighbours_of(&self, project: &Project) -> ProjectSettings {
        ProjectSettings {
            train: None,
            serve: None,
            initializer: None,
            ..self.project_as(project)
        }
    }

    /// How uv is found, and what it is told on this machine.
    #[must_use]
    pub fn uv(&self) -> UvSettings {
        uv::settings(self)
    }
}
