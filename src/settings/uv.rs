//! What uv is told on this machine: pip's settings in uv's words, where uv has none of its own.
//!
//! Sources: <https://docs.astral.sh/uv/reference/environment/>, <https://docs.astral.sh/uv/pip/compatibility/>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Environment, Settings, pip, table};
use crate::process::{concerns_installer, is_credential, set_variable, variable};
use crate::uv::{UvSettings, configuration};

/// Variables by which uv, or what it runs, would do something else than it is told, or somewhere else.
const NOT_FOR_US: [&str; 23] = [
    "CONDA_PREFIX",
    "UV_BREAK_SYSTEM_PACKAGES",
    "UV_COMPILE_BYTECODE",
    "UV_ENV_FILE",
    "UV_MANAGED_PYTHON",
    "UV_NO_BUILD_ISOLATION",
    "UV_NO_MANAGED_PYTHON",
    "UV_NO_SYNC",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_PYTHON_DOWNLOADS",
    "UV_PYTHON_PLATFORM",
    "UV_PYTHON_PREFERENCE",
    "UV_REQUIRE_HASHES",
    "UV_SYSTEM_PYTHON",
    "UV_TORCH_BACKEND",
    "UV_VENV_CLEAR",
    "UV_VENV_RELOCATABLE",
    "UV_VENV_SEED",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
    "VIRTUAL_ENV",
];
/// Variables with one path. uv runs in a directory of its own, and a relative path is meant from where sgbuild runs.
const PATHS: [&str; 5] = ["NETRC", "SSL_CERT_FILE", "TMPDIR", "UV_CACHE_DIR", "UV_CONFIG_FILE"];
/// A file that nobody has anything in.
const NO_FILE: &str = "/dev/null";
/// As much as uv waits for an answer, in seconds: pip takes any number.
const LONGEST_WAIT: f64 = 86_400.0;
/// The keys of `uv.toml` that say where packages come from.
const INDEX_KEYS: [&str; 5] = ["index", "index-url", "extra-index-url", "find-links", "no-index"];

/// How uv is found and what it is told to resolve for the image: without pip's settings and netrc where they are not for its build.
pub(super) fn settings_for_image(settings: &Settings) -> UvSettings {
    if settings.get(&table::PIP_SETTINGS) {
        return self::settings(settings);
    }
    let mut told = Told::of(settings);
    told.replace("NETRC", NO_FILE);
    told_by(settings, told, &BTreeMap::new())
}

/// How uv is found and what it is told.
pub(super) fn settings(settings: &Settings) -> UvSettings {
    told_by(settings, Told::of(settings), &pip::options(settings.environment()))
}

fn told_by(settings: &Settings, mut told: Told, pip: &BTreeMap<String, String>) -> UvSettings {
    told.set(&["UV_PYTHON_DOWNLOADS"], "never");
    told.set(&["UV_NO_PROGRESS"], "true");
    let option = |name: &str| {
        pip.get(name)
            .map(String::as_str)
            .filter(|value| !value.trim().is_empty())
    };
    let mut index_arguments = Vec::new();
    let configuration = uv_toml(settings.environment());
    if !names_an_index(&configuration) {
        if let Some(url) = option("index-url") {
            told.set(&["UV_DEFAULT_INDEX", "UV_INDEX_URL"], url.trim());
        }
        if let Some(urls) = option("extra-index-url")
            && told.set(&["UV_INDEX", "UV_EXTRA_INDEX_URL"], &words(urls).join(" "))
        {
            // pip takes the best version of all indexes; uv by itself those of the first that knows the name.
            told.set(&["UV_INDEX_STRATEGY"], "unsafe-best-match");
        }
        if let Some(places) = option("find-links") {
            told.set(&["UV_FIND_LINKS"], &paths(settings, places).join(","));
        }
        if option("no-index").is_some_and(pip::is_true) {
            index_arguments.push("--no-index".to_owned());
        }
    }
    for name in ["constraint", "build-constraint"] {
        if let Some(files) = option(name) {
            told.set(&["UV_CONSTRAINT"], &paths(settings, files).join(" "));
        }
    }
    if let Some(hosts) = option("trusted-host") {
        told.set(&["UV_INSECURE_HOST"], &words(hosts).join(" "));
    }
    if let Some(proxy) = option("proxy") {
        told.set(&["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"], proxy);
    }
    if let Some(seconds) = option("timeout")
        .or_else(|| option("default-timeout"))
        .and_then(whole_seconds)
    {
        told.set(&["UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT"], &seconds);
    }
    told.certificates(settings, pip);
    let files = ["UV_CONSTRAINT", "UV_OVERRIDE", "UV_BUILD_CONSTRAINT"]
        .iter()
        .filter_map(|name| variable(&told.0, name))
        .flat_map(|files| words(files).into_iter().map(PathBuf::from));
    let files = files.collect();
    UvSettings {
        program: settings.get(&table::UV).map(|program| settings.program(program)),
        python: settings.program(settings.get(&table::PYTHON)),
        environment: told.0,
        index_arguments,
        configuration,
        files,
        cache_dir: settings.environment().cache_dir(),
    }
}

/// uv's environment as it grows.
struct Told(Vec<(String, String)>);

impl Told {
    /// The process's, without what is not uv's business.
    fn of(settings: &Settings) -> Self {
        let variables = settings.environment().all().iter();
        let kept = variables.filter(|(name, value)| {
            !NOT_FOR_US.contains(&name.as_str()) && (concerns_installer(name) || !is_credential(name, value))
        });
        let from_here = |(name, value): &(String, String)| match std::path::absolute(value) {
            Ok(path) if PATHS.contains(&name.as_str()) => (name.clone(), path.display().to_string()),
            _ => (name.clone(), value.clone()),
        };
        Self(kept.map(from_here).collect())
    }

    /// Sets the first of `names`, unless the user has set one of them; whether it did.
    fn set(&mut self, names: &[&str], value: &str) -> bool {
        let is_set = |(name, value): &(String, String)| names.contains(&name.as_str()) && !value.is_empty();
        if self.0.iter().any(is_set) {
            return false;
        }
        self.replace(names[0], value);
        true
    }

    fn replace(&mut self, name: &str, value: &str) {
        set_variable(&mut self.0, name, value);
    }

    /// The certificates that whoever runs sgbuild names, else those that pip trusts here, else those of the system, as pip does. Those
    /// that a file of the project names are for the image's build: this machine does not trust a server because a checkout does.
    fn certificates(&mut self, settings: &Settings, pip: &BTreeMap<String, String>) {
        let is_the_projects = settings.origin_of(&table::CA_BUNDLE).is_the_projects();
        if let Some(path) = settings.get(&table::CA_BUNDLE).filter(|_| !is_the_projects) {
            self.replace("SSL_CERT_FILE", &settings.absolute(path).display().to_string());
            return;
        }
        if let Some((path, _)) = pip::ca_path(settings.environment(), pip) {
            let path = settings.absolute(&path);
            let name = if path.is_dir() { "SSL_CERT_DIR" } else { "SSL_CERT_FILE" };
            self.set(&[name], &path.display().to_string());
            return;
        }
        // The second is the name that older releases know.
        for name in ["UV_SYSTEM_CERTS", "UV_NATIVE_TLS"] {
            self.set(&[name], "true");
        }
    }
}

/// pip's `timeout`, which may have a fraction; uv's has none.
fn whole_seconds(text: &str) -> Option<String> {
    let seconds: f64 = text.trim().parse().ok()?;
    (seconds > 0.0).then(|| format!("{:.0}", seconds.ceil().min(LONGEST_WAIT)))
}

/// Files, directories and URLs; paths made absolute, as uv runs in another directory.
fn paths(settings: &Settings, places: &str) -> Vec<String> {
    let absolute = |place: &&str| {
        if place.contains("://") {
            return (*place).to_owned();
        }
        let home = settings.environment().home();
        let path = match (place.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => home.join(below),
            _ => settings.absolute(place),
        };
        path.display().to_string()
    };
    words(places).iter().map(absolute).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Whether the user has told uv of an index in a configuration file, which then stands.
fn names_an_index(files: &[PathBuf]) -> bool {
    files.iter().any(|file| {
        // A file that uv could not read either says nothing.
        let Ok(table) = configuration::read(file) else {
            return false;
        };
        let pip = table.get("pip").and_then(toml::Value::as_table);
        let names = |table: &toml::Table| INDEX_KEYS.iter().any(|key| table.contains_key(*key));
        names(&table) || pip.is_some_and(names)
    })
}

/// uv's configuration files; none where it is to read none. Source: <https://docs.astral.sh/uv/concepts/configuration-files/>.
fn uv_toml(environment: &Environment) -> Vec<PathBuf> {
    if environment.get("UV_NO_CONFIG").is_some() {
        return Vec::new();
    }
    if let Some(chosen) = environment.get("UV_CONFIG_FILE") {
        return vec![PathBuf::from(chosen)];
    }
    let user = environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
    let user = user
        .filter(|path| path.is_absolute())
        .or_else(|| Some(environment.home()?.join(".config")));
    let shared = environment.get("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg").split(':');
    let directories = user
        .into_iter()
        .chain(shared.map(PathBuf::from))
        .chain([PathBuf::from("/etc")]);
    directories
        .map(|directory| directory.join(Path::new("uv/uv.toml")))
        .collect()
}

#[cfg(test)]
mod tests;
