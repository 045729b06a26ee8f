//! Settings: flags over `SGBUILD_*` variables over `[tool.sgbuild]` in pyproject.toml over `[sgbuild]` in setup.cfg over
//! defaults. All precedence lives here, and every value knows where it came from.

mod certificates;
mod definition;
mod environment;
mod error;
mod examples;
mod explained;
mod fields;
mod files;
mod flag;
mod help;
mod key;
mod origin;
mod other_variables;
mod pip;
mod schema;
mod stages;
pub(crate) mod table;
mod trust;
mod uv;

pub use definition::Definition;
pub(crate) use definition::{DecidedBy, Kind};
pub use environment::Environment;
pub use error::Error;
pub use explained::NoSetting;
pub(crate) use flag::{Group, Place};
pub(crate) use help::flags_of;
pub use origin::Origin;
pub use schema::schema;
pub use stages::{
    AccountSettings, BuildSecrets, DestinationSettings, EngineSettings, PipelineSettings, RequirementsFile, SbomSetting,
};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::aws::region::is_region;
use crate::image::{ARCHIVE, DAEMON, LAYOUT, path_and_name};
use crate::project::border;

use key::{Key, Typed};
use table::TABLE;

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// One string.
    Text(String),
    /// A whole number.
    Number(u64),
    /// On or off.
    Switch(bool),
    /// Several strings.
    List(Vec<String>),
    /// Names and their values.
    Map(BTreeMap<String, String>),
    /// Fields of `CreateTrainingJob`.
    Fields(serde_json::Map<String, serde_json::Value>),
}

/// A value and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Where it was set.
    pub origin: Origin,
}

/// Every setting that has a value.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Setting>,
    /// What does not count, as something else comes first; the last overruled the others.
    overruled: BTreeMap<&'static str, Vec<Setting>>,
    environment: Environment,
    root: PathBuf,
}

impl Settings {
    /// Resolves every setting for the project in `root`. `flags` are those given on the command line.
    ///
    /// # Errors
    /// A settings file that cannot be read, an unknown key, a value of the wrong kind.
    pub fn resolve(
        root: &Path,
        flags: Vec<(&'static Definition, Value)>,
        environment: Environment,
    ) -> Result<Self, Error> {
        if !root.is_dir() {
            return Err(Error::Directory { path: root.to_owned() });
        }
        if let Some(name) = environment.unreadable() {
            return Err(Error::NotUnicode { name: name.to_owned() });
        }
        let mut settings = Self {
            values: defaults().collect(),
            overruled: BTreeMap::new(),
            environment,
            root: root.to_owned(),
        };
        settings.lay(files::setup_cfg(root)?);
        settings.lay(files::pyproject(root)?);
        for definition in TABLE {
            let setting = from_environment(definition, &settings.environment)?;
            settings.lay(setting.map(|setting| (definition.key, setting)));
        }
        settings.lay(flags.into_iter().map(from_flag));
        for definition in TABLE {
            if let Some(setting) = settings.values.get(definition.key) {
                definition.check(setting)?;
            }
        }
        settings.refuse_unless_region()?;
        settings.refuse_files_outside()?;
        settings.refuse_base_outside()?;
        Ok(settings)
    }

    /// Lays what comes first over what is there.
    fn lay(&mut self, found: impl IntoIterator<Item = (&'static str, Setting)>) {
        for (key, setting) in found {
            if let Some(overruled) = self.values.insert(key, setting) {
                self.overruled.entry(key).or_default().push(overruled);
            }
        }
    }

    /// A region of the checkout's becomes part of the names of hosts that credentials are sent to.
    fn refuse_unless_region(&self) -> Result<(), Error> {
        match self.get(&table::REGION) {
            Some(region) if !is_region(region) => Err(Error::Region {
                origin: self.origin_of(&table::REGION).to_string(),
                found: region.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// A file of the project may name the project's files only: what it names is read, shown and packed.
    fn refuse_files_outside(&self) -> Result<(), Error> {
        for (definition, setting) in self.all() {
            let Some(Setting {
                value: Value::Text(named),
                origin,
            }) = setting.filter(|setting| definition.kind == Kind::File && setting.origin.is_the_projects())
            else {
                continue;
            };
            // What cannot be read is told where it is needed.
            if let Some(place) = border::outside(&self.root, Path::new(named)) {
                return Err(Error::Outside {
                    origin: origin.to_string(),
                    definition,
                    named: named.to_owned(),
                    place,
                });
            }
        }
        Ok(())
    }

    /// Nor is the base image that it names another one on this machine than one in the project: all of it ends in the image.
    fn refuse_base_outside(&self) -> Result<(), Error> {
        let origin = self.origin_of(&table::BASE_IMAGE);
        let Some(named) = self.get(&table::BASE_IMAGE).filter(|_| origin.is_the_projects()) else {
            return Ok(());
        };
        let definition = &table::BASE_IMAGE.definition;
        if named.starts_with(DAEMON) {
            return Err(Error::NotForFiles {
                origin: origin.to_string(),
                definition,
                what: "which image of your Docker daemon ends in yours",
            });
        }
        let layout = named.strip_prefix(LAYOUT);
        let path = layout
            .or_else(|| named.strip_prefix(ARCHIVE))
            .map(|path| path_and_name(path).0);
        // A layout begins with a file too.
        let path = path.map(|path| {
            if layout.is_some() {
                path.join("index.json")
            } else {
                path
            }
        });
        let outside = path.and_then(|path| border::outside(&self.root, &path));
        outside.map_or(Ok(()), |place| {
            Err(Error::Outside {
                origin: origin.to_string(),
                definition,
                named: named.to_owned(),
                place,
            })
        })
    }

    /// The value of the setting that `key` names: of the type that its row in [`table`] gives it.
    pub(crate) fn get<T: Typed>(&self, key: &Key<T>) -> T::Read<'_> {
        let setting = self.values.get(key.definition.key);
        key.read(setting.map(|setting| &setting.value))
    }

    /// Where its value comes from.
    pub(crate) fn origin_of<T>(&self, key: &Key<T>) -> &Origin {
        let setting = self.values.get(key.definition.key);
        setting.map_or(&Origin::Default, |setting| &setting.origin)
    }

    /// Every setting in the table's order, with `None` where it has no value.
    pub fn all(&self) -> impl Iterator<Item = (&'static Definition, Option<&Setting>)> {
        TABLE
            .iter()
            .map(|definition| (*definition, self.values.get(definition.key)))
    }

    /// The section of settings that the project has, by the file that has it: `pyproject.toml:3`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn section(&self) -> Result<Option<Origin>, Error> {
        files::section(&self.root)
    }

    /// The environment that the settings were resolved in.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The project's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path that a setting names; a relative one is the project's.
    fn absolute(&self, path: &str) -> PathBuf {
        let path = self.root.join(path);
        std::path::absolute(&path).unwrap_or(path)
    }

    /// A program that a setting names: a path, or a name that is looked for on `PATH`.
    fn program(&self, name: &str) -> PathBuf {
        if name.contains('/') {
            return self.absolute(name);
        }
        PathBuf::from(name)
    }
}

/// What sgbuild does where nobody says anything.
fn defaults() -> impl Iterator<Item = (&'static str, Setting)> {
    TABLE.iter().filter_map(|definition| {
        let value = definition.default?.into();
        let origin = Origin::Default;
        Some((definition.key, Setting { value, origin }))
    })
}

fn from_flag((definition, value): (&'static Definition, Value)) -> (&'static str, Setting) {
    let origin = Origin::Flag(definition.flag());
    (definition.key, Setting { value, origin })
}

/// The value of `SGBUILD_<KEY>`; inside CodeBuild also of the variables that the setuptools-docker pipeline's stack sets.
fn from_environment(definition: &'static Definition, environment: &Environment) -> Result<Option<Setting>, Error> {
    let own = definition.variable();
    let original = definition
        .original
        .filter(|_| environment.get("CODEBUILD_BUILD_ID").is_some());
    for name in [Some(own.as_str()), original].into_iter().flatten() {
        if let Some(text) = environment.get(name) {
            let origin = Origin::Variable(name.to_owned());
            let value = definition.parse(text, &origin)?;
            return Ok(Some(Setting { value, origin }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod documentation;
#[cfg(test)]
mod tests;
