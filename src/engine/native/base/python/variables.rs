//! The environment that an image's config gives to what runs in it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::native::base::Error;

/// What Docker sets where the config sets no PATH
/// (<https://github.com/moby/moby/blob/v28.0.0/oci/defaults.go>).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables by name, and where commands begin.
pub(super) struct Variables {
    set: BTreeMap<String, String>,
    working_directory: String,
}

/// Variables that have Python or pip do something else than what is read from files
/// ([Python](https://docs.python.org/3/using/cmdline.html#environment-variables),
/// [pip](https://pip.pypa.io/en/stable/topics/configuration/#environment-variables)).
const REDIRECTING: [(&str, &str); 9] = [
    ("PYTHONHOME", "Python look for its library elsewhere"),
    ("PYTHONPLATLIBDIR", "Python look for its library elsewhere"),
    ("DEB_PYTHON_INSTALL_LAYOUT", "Debian's Python install elsewhere"),
    ("PIP_TARGET", "pip install elsewhere"),
    ("PIP_PREFIX", "pip install elsewhere"),
    ("PIP_ROOT", "pip install elsewhere"),
    ("PIP_USER", "pip install for one user"),
    ("PIP_PYTHON", "pip install for another Python"),
    ("PIP_CONFIG_FILE", "pip follow a file that may send it elsewhere"),
];

/// Whether pip takes a text for a yes.
pub(super) fn is_yes(text: &str) -> bool {
    ["y", "yes", "t", "true", "on", "1"].contains(&&*text.to_ascii_lowercase())
}

impl Variables {
    pub(super) fn of(config: &Value) -> Self {
        let config = config.get("config");
        let environment = config.and_then(|config| config.get("Env")).and_then(Value::as_array);
        let set = environment.into_iter().flatten().filter_map(|variable| {
            let (name, value) = variable.as_str()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let directory = config
            .and_then(|config| config.get("WorkingDir"))
            .and_then(Value::as_str);
        Self {
            set: set.collect(),
            working_directory: super::normal(directory.unwrap_or("/")),
        }
    }

    /// A variable's value; an empty one is as good as none, for Python as for pip.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether pip takes the variable for a yes
    /// (`strtobool` of [pip](https://github.com/pypa/pip/blob/25.0/src/pip/_internal/utils/misc.py)).
    pub(super) fn is_yes(&self, name: &str) -> bool {
        is_yes(self.get(name).unwrap_or_default())
    }

    /// PATH, as it is set.
    pub(super) fn path(&self) -> &str {
        self.set.get("PATH").map_or(DEFAULT_PATH, String::as_str)
    }

    /// A variable's list of directories, those that are relative from where commands begin.
    pub(super) fn directories(&self, list: &str) -> Vec<String> {
        list.split(':')
            .map(|directory| super::join(&self.working_directory, directory))
            .collect()
    }

    /// Refuses variables that have Python or pip do something else.
    pub(super) fn refuse_redirection(&self, image: &str) -> Result<(), Error> {
        let is_no = |name: &&str| {
            name.starts_with("PIP_")
                && ["0", "no", "n", "off", "f", "false"].contains(&self.get(name).unwrap_or_default())
        };
        match REDIRECTING
            .into_iter()
            .find(|(name, _)| self.get(name).is_some() && !is_no(name))
        {
            None => Ok(()),
            Some((variable, effect)) => Err(Error::Variable {
                image: image.to_owned(),
                variable: variable.to_owned(),
                effect,
            }),
        }
    }
}
