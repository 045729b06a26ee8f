//! The variables of the process.

use std::path::PathBuf;

use super::table::TABLE;
use crate::process::is_credential;

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
    pub(super) fn unreadable(&self) -> Option<&str> {
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
        let is_original = |name: &str| TABLE.iter().any(|definition| definition.original == Some(name));
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
