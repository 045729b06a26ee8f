//! Settings: flags over `SGBUILD_*` variables over `[tool.sgbuild]` in pyproject.toml over `[sgbuild]` in setup.cfg over
//! defaults. All precedence lives here, and every value knows where it came from.

mod definitions;
mod files;
mod pip;
mod stages;
mod uv;

pub use definitions::{DEFINITIONS, Definition, Kind};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::fault::Fault;
use crate::process::is_credential;
use crate::project;

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
}

/// The environment of the process, taken once so that no stage reads it.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// The variables of this process whose names and values are Unicode.
    #[must_use]
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// The variables given.
    #[must_use]
    pub fn new(variables: Vec<(String, String)>) -> Self {
        Self(variables)
    }

    /// A variable's value; an empty one counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Every variable.
    #[must_use]
    pub fn all(&self) -> &[(String, String)] {
        &self.0
    }

    /// The names of the variables that are credentials, apart from those that begin with `prefix`.
    #[must_use]
    pub fn credentials_unlike(&self, prefix: &str) -> Vec<String> {
        let credentials = self.0.iter().filter(|(name, value)| is_credential(name, value));
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

    /// Where caches live (XDG base directory specification).
    #[must_use]
    pub fn cache_dir(&self) -> PathBuf {
        let base = self
            .get("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        base.or_else(|| self.home().map(|home| home.join(".cache")))
            .unwrap_or_else(std::env::temp_dir)
            .join("sgbuild")
    }
}

/// Every setting that has a value.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Setting>,
    environment: Environment,
    root: PathBuf,
}

/// Why the settings are not understood.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A settings file cannot be read.
    #[error(transparent)]
    File(Box<project::Error>),
    /// A settings file is malformed.
    #[error("{origin}: {reason}")]
    Malformed {
        /// `file:line`.
        origin: String,
        /// The parser's words.
        reason: String,
    },
    /// A key that is no setting.
    #[error("{origin}: there is no setting `{key}`{}", .nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// The setting with the most similar name.
        nearest: Option<&'static str>,
    },
    /// A value of the wrong kind.
    #[error("{origin}: `{key}` is {found}, and {expected} is expected")]
    WrongKind {
        /// Where it stands.
        origin: String,
        /// The setting.
        key: &'static str,
        /// What was found.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// The project's directory is none.
    #[error("{}", not_a_directory(.path))]
    Directory {
        /// As given.
        path: PathBuf,
    },
    /// A file that a setting names cannot be read.
    #[error("cannot read {}, named by `{key}` ({origin})", .path.display())]
    NamedFile {
        /// The setting.
        key: &'static str,
        /// Where it was set.
        origin: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::File(error) => error.hints(),
            Self::Directory { path } if path.is_file() => vec!["Give the directory that holds it.".to_owned()],
            Self::Directory { .. } => vec!["Give the directory that holds the package's setup.py.".to_owned()],
            Self::Malformed { .. } => vec!["Correct the file at this line.".to_owned()],
            Self::Unknown { .. } | Self::WrongKind { .. } => {
                vec!["`sgbuild settings` lists every setting, its value and its origin.".to_owned()]
            }
            Self::NamedFile { key, origin, .. } => vec![named_file_hint(key, origin)],
        }
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::File(error) => error.fault(),
            Self::Malformed { .. } | Self::NamedFile { .. } => Fault::User,
            Self::Unknown { .. } | Self::WrongKind { .. } | Self::Directory { .. } => Fault::Usage,
        }
    }
}

/// How the file that `origin` names for the setting `key` is corrected.
fn named_file_hint(key: &str, origin: &str) -> String {
    let is_variable = origin.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if is_variable && !origin.starts_with("SGBUILD_") {
        return format!("Correct or unset {origin}, or name another file with the setting `{key}`.");
    }
    format!("Correct `{key}`: a path is relative to the project's directory.")
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
        let mut values = BTreeMap::new();
        for definition in DEFINITIONS {
            if let Some(value) = definition.default_value() {
                values.insert(
                    definition.key,
                    Setting {
                        value,
                        origin: "default".to_owned(),
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
                },
            );
        }
        Ok(Self {
            values,
            environment,
            root: root.to_owned(),
        })
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
}

fn not_a_directory(path: &Path) -> String {
    if path.exists() {
        format!("{} is not a directory", path.display())
    } else {
        format!("there is no directory {}", path.display())
    }
}

/// The value of `SGBUILD_<KEY>`; inside CodeBuild also of the variables that the original pipeline's stack sets.
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
            }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
