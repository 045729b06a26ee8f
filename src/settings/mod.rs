//! Settings: flags over `SGBUILD_*` variables over `[tool.sgbuild]` in pyproject.toml over `[sgbuild]` in setup.cfg over
//! defaults. All precedence lives here, and every value knows where it came from.

mod certificates;
mod definitions;
mod error;
mod files;
mod pip;
mod stages;
mod training;
mod trust;
mod uv;

pub use definitions::{DEFINITIONS, DecidedBy, Definition, Kind};
pub use error::Error;
pub use stages::BuildSecrets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::aws::region::is_region;
use crate::process::is_credential;
use crate::project::{Astray, inside};

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// One string.
    Text(String),
    /// A whole number.
    Number(u64),
    /// On or off.
    Flag(bool),
    /// Several strings.
    List(Vec<String>),
    /// Names and their values.
    Map(BTreeMap<String, String>),
}

/// A value and where it was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Such as `--role`, `SGBUILD_ROLE`, `pyproject.toml:12` or `default`.
    pub origin: String,
    /// Who gave it.
    pub giver: Giver,
}

/// Who gave a setting its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Giver {
    /// sgbuild, as nobody else did.
    Default,
    /// A file of the project, which may be a stranger's.
    Project,
    /// Whoever runs sgbuild, by a flag or a variable.
    Caller,
}

/// The environment of the process, taken once so that no stage reads it.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: Vec<(String, String)>,
    /// The names of those whose value is not Unicode.
    not_unicode: Vec<String>,
}

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => environment.variables.push((name, value)),
                (Ok(name), Err(_)) => environment.not_unicode.push(name),
                (Err(_), _) => {}
            }
        }
        environment
    }

    /// The variables given.
    #[must_use]
    pub fn new(variables: Vec<(String, String)>) -> Self {
        Self {
            variables,
            not_unicode: Vec::new(),
        }
    }

    /// A variable that sgbuild, or what it asks, reads, and whose value is not Unicode: taken for unset, it would decide wrongly.
    fn unreadable(&self) -> Option<&str> {
        const READ: [&str; 9] = [
            "SGBUILD_",
            "AWS_",
            "CODEBUILD_",
            "DOCKER_",
            "PIP_",
            "UV_",
            "XDG_",
            "HOME",
            "NETRC",
        ];
        let is_original = |name: &str| DEFINITIONS.iter().any(|definition| definition.original == Some(name));
        let is_read = |name: &str| {
            READ.iter()
                .any(|read| name == *read || read.ends_with('_') && name.starts_with(read))
        };
        let mut names = self.not_unicode.iter().map(String::as_str);
        names.find(|name| is_read(name) || is_original(name))
    }

    /// A variable's value; an empty one counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Every variable.
    #[must_use]
    pub fn all(&self) -> &[(String, String)] {
        &self.variables
    }

    /// The names of the variables that are credentials, apart from those that begin with `prefix`.
    #[must_use]
    pub fn credentials_unlike(&self, prefix: &str) -> Vec<String> {
        let credentials = self.variables.iter().filter(|(name, value)| is_credential(name, value));
        let names = credentials
            .map(|(name, _)| name)
            .filter(|name| !name.starts_with(prefix));
        names.cloned().collect()
    }

    /// The user's home directory.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    /// Docker's configuration: `DOCKER_CONFIG`, else `~/.docker`.
    #[must_use]
    pub fn docker_config_dir(&self) -> Option<PathBuf> {
        self.get("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| Some(self.home()?.join(".docker")))
    }

    /// sgbuild's cache directory ([XDG base directory specification](https://specifications.freedesktop.org/basedir-spec/latest/));
    /// without a home directory one in that for temporary files, which others share: each user has one of his own there.
    #[must_use]
    pub fn cache_dir(&self) -> PathBuf {
        let base = self.get("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.filter(|path| path.is_absolute());
        let home = || self.home().filter(|home| home.is_absolute());
        match base.or_else(|| Some(home()?.join(".cache"))) {
            Some(base) => base.join("sgbuild"),
            None => std::env::temp_dir().join(format!("sgbuild-{}", rustix::process::geteuid().as_raw())),
        }
    }
}

/// Every setting that has a value.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Setting>,
    environment: Environment,
    root: PathBuf,
}

impl Settings {
    /// Resolves every setting for the project in `root`. `flags` are those given on the command line.
    ///
    /// # Errors
    /// A settings file that cannot be read, an unknown key, a value of the wrong kind.
    pub fn resolve(root: &Path, flags: Vec<(&'static str, Value)>, environment: Environment) -> Result<Self, Error> {
        if !root.is_dir() {
            return Err(Error::Directory { path: root.to_owned() });
        }
        if let Some(name) = environment.unreadable() {
            return Err(Error::NotUnicode { name: name.to_owned() });
        }
        let mut values = BTreeMap::new();
        for definition in DEFINITIONS {
            if let Some(value) = definition.default_value() {
                values.insert(
                    definition.key,
                    Setting {
                        value,
                        origin: "default".to_owned(),
                        giver: Giver::Default,
                    },
                );
            }
        }
        values.extend(files::setup_cfg(root)?);
        values.extend(files::pyproject(root)?);
        for definition in DEFINITIONS {
            if let Some(setting) = from_environment(definition, &environment)? {
                values.insert(definition.key, setting);
            }
        }
        for (key, value) in flags {
            values.insert(
                key,
                Setting {
                    value,
                    origin: Definition::of(key).map_or(String::new(), Definition::flag),
                    giver: Giver::Caller,
                },
            );
        }
        for definition in DEFINITIONS {
            definition.check(values.get(definition.key))?;
        }
        refuse_unless_region(values.get("region"))?;
        let settings = Self {
            values,
            environment,
            root: root.to_owned(),
        };
        settings.refuse_files_outside()?;
        Ok(settings)
    }

    /// A file of the project may name the project's files only: what it names is read, shown and packed.
    fn refuse_files_outside(&self) -> Result<(), Error> {
        for definition in DEFINITIONS.iter().filter(|definition| definition.kind == Kind::File) {
            let Some(named) = self
                .text(definition.key)
                .filter(|_| self.is_the_projects(definition.key))
            else {
                continue;
            };
            // What cannot be read is told where it is needed.
            if let Err(Astray::Outside(place)) = inside(&self.root, Path::new(named)) {
                return Err(Error::Outside {
                    origin: self.origin(definition.key).to_owned(),
                    definition,
                    named: named.to_owned(),
                    place,
                });
            }
        }
        Ok(())
    }

    /// Every setting in the order of [`DEFINITIONS`], with `None` where it has no value.
    pub fn all(&self) -> impl Iterator<Item = (&'static Definition, Option<&Setting>)> {
        DEFINITIONS
            .iter()
            .map(|definition| (definition, self.values.get(definition.key)))
    }

    /// The variables that look like settings and are none, each with the variable that was probably meant. Names that are like
    /// no setting's are left alone: they may be another program's.
    #[must_use]
    pub fn misspelt_variables(&self) -> Vec<(&str, String)> {
        let names = self.environment.all().iter().map(|(name, _)| name.as_str());
        let ours: BTreeMap<&str, &str> = names
            .filter_map(|name| Some((name, name.strip_prefix("SGBUILD_")?)))
            .collect();
        ours.into_iter()
            .filter_map(|(name, rest)| {
                let key = rest.to_lowercase().replace('_', "-");
                let by_flag = |d: &&Definition| d.flag().trim_start_matches("--") == key;
                let meant = match Definition::of(&key) {
                    Some(_) => return None,
                    None => DEFINITIONS
                        .iter()
                        .find(by_flag)
                        .or_else(|| Definition::of(files::nearest(&key)?)),
                };
                Some((name, meant?.variable()))
            })
            .collect()
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

    /// A setting's value, of whatever kind; `None` where it is not set.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).map(|setting| &setting.value)
    }

    /// A text setting.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key).map(|setting| &setting.value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A number; 0 where it is not set.
    #[must_use]
    pub fn number(&self, key: &str) -> u64 {
        match self.values.get(key).map(|setting| &setting.value) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// A flag; `false` where it is not set.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        matches!(
            self.values.get(key).map(|setting| &setting.value),
            Some(Value::Flag(true))
        )
    }

    /// A list; empty where it is not set.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<String> {
        match self.values.get(key).map(|setting| &setting.value) {
            Some(Value::List(list)) => list.clone(),
            _ => Vec::new(),
        }
    }

    /// A map; empty where it is not set.
    #[must_use]
    pub fn map(&self, key: &str) -> BTreeMap<String, String> {
        match self.values.get(key).map(|setting| &setting.value) {
            Some(Value::Map(map)) => map.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// Where a setting came from; empty where it is not set.
    #[must_use]
    pub fn origin(&self, key: &str) -> &str {
        self.values.get(key).map_or("", |setting| setting.origin.as_str())
    }

    /// Whether a file of the project gave the setting its value.
    #[must_use]
    pub fn is_the_projects(&self, key: &str) -> bool {
        self.values
            .get(key)
            .is_some_and(|setting| setting.giver == Giver::Project)
    }
}

/// A region of the checkout's becomes part of the names of hosts that credentials are sent to.
fn refuse_unless_region(setting: Option<&Setting>) -> Result<(), Error> {
    match setting {
        Some(Setting {
            value: Value::Text(region),
            origin,
            ..
        }) if !is_region(region) => Err(Error::Region {
            origin: origin.clone(),
            found: region.clone(),
        }),
        _ => Ok(()),
    }
}

/// The value of `SGBUILD_<KEY>`; inside CodeBuild also of the variables that the setuptools-docker pipeline's stack sets.
fn from_environment(definition: &'static Definition, environment: &Environment) -> Result<Option<Setting>, Error> {
    let own = definition.variable();
    let original = definition
        .original
        .filter(|_| environment.get("CODEBUILD_BUILD_ID").is_some());
    for name in [Some(own.as_str()), original].into_iter().flatten() {
        if let Some(text) = environment.get(name) {
            let value = definition.parse(text, name)?;
            return Ok(Some(Setting {
                value,
                origin: name.to_owned(),
                giver: Giver::Caller,
            }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
