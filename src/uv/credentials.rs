//! Credentials on their way to uv: in files that only this user may read, and in none of its variables.
//!
//! Where the URL of a requirement says `${NAME}`, uv puts the value of that variable of its own there, if the name is in capitals: in the
//! metadata of a package that it has just fetched too, which could so send an index's password to any host. And what uv runs, an
//! interpreter or a build, has uv's variables.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use toml::{Table, Value};
use url::Url;

use super::Error;
use crate::cache::{self, Staging};
use crate::process::variable;
use crate::reading::{self, SETTINGS_FILE};
use crate::secret::without_url_credentials;

/// Variables with indexes, the first asked first; those that are asked last.
const INDEXES: [&str; 2] = ["UV_INDEX", "UV_EXTRA_INDEX_URL"];
const DEFAULT_INDEXES: [&str; 2] = ["UV_DEFAULT_INDEX", "UV_INDEX_URL"];
const FIND_LINKS: &str = "UV_FIND_LINKS";
/// How the variables begin that are of `uv publish` alone.
const OF_PUBLISHING: &str = "UV_PUBLISH_";

/// uv's environment without credentials, and the files that have them, which are there as long as it is.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) environment: Vec<(String, String)>,
    pub(super) files: Option<Staging>,
}

/// Takes the credentials out of `environment` into files that the environment names then. `configuration` are the user's own
/// files of uv, of which the first comes first: one that stands for all of them says what they say.
///
/// # Errors
/// A file of the user's is not TOML, or none can be written.
pub(super) fn by_files(environment: Vec<(String, String)>, configuration: &[PathBuf]) -> Result<Handed, Error> {
    let mut handed = Handed {
        environment,
        files: None,
    };
    handed.hide_indexes(configuration)?;
    handed.hide_git_settings()?;
    handed.make_proxies_small();
    let has_credential = |name: &str, value: &str| {
        name.starts_with("UV_") && (is_of_index(name) || without_url_credentials(value) != value)
    };
    handed
        .environment
        .retain(|(name, value)| !name.starts_with(OF_PUBLISHING) && !has_credential(name, value));
    Ok(handed)
}

/// `UV_INDEX_<NAME>_USERNAME` and `UV_INDEX_<NAME>_PASSWORD`.
pub(super) fn is_of_index(name: &str) -> bool {
    name.ends_with("_USERNAME") || name.ends_with("_PASSWORD") || name.ends_with("_TOKEN")
}

impl Handed {
    /// Indexes with credentials become those of a configuration file
    /// (<https://docs.astral.sh/uv/concepts/configuration-files/>), before those that the user's files name.
    fn hide_indexes(&mut self, configuration: &[PathBuf]) -> Result<(), Error> {
        let places = INDEXES.iter().chain(&DEFAULT_INDEXES).chain([&FIND_LINKS]);
        let has_credentials = |name: &&&str| {
            let value = variable(&self.environment, name);
            value.is_some_and(|value| without_url_credentials(value) != value)
        };
        let is_named = |(name, _): &(String, String)| name.starts_with("UV_INDEX_") && is_of_index(name);
        if !self.environment.iter().any(is_named) && places.clone().find(has_credentials).is_none() {
            return Ok(());
        }
        let mut merged = Table::new();
        for file in configuration {
            merge(&mut merged, read(file)?);
        }
        let mut indexes = Vec::new();
        for name in INDEXES {
            indexes.extend(self.take(name).split_whitespace().map(index));
        }
        let defaults = DEFAULT_INDEXES.map(|name| self.take(name));
        if let Some(default) = defaults.iter().find(|value| !value.is_empty()) {
            let mut default = index(default.trim());
            default.insert("default".to_owned(), true.into());
            indexes.push(default);
            // uv takes the first, and refuses a file with two.
            for_each_index(&mut merged, |index| {
                index.remove("default");
            });
        }
        let links = self.take(FIND_LINKS);
        let links = links.split(',').map(str::trim).filter(|link| !link.is_empty());
        put_first(
            &mut merged,
            "index",
            &indexes.into_iter().map(Value::Table).collect::<Vec<_>>(),
        );
        put_first(&mut merged, "find-links", &links.map(Value::from).collect::<Vec<_>>());
        for_each_index(&mut merged, |index| self.give_credentials(index));
        let file = self.write("uv.toml", &merged.to_string())?;
        self.set("UV_CONFIG_FILE", &file);
        self.environment.retain(|(name, _)| name != "UV_NO_CONFIG");
        Ok(())
    }

    /// The credentials that variables name for the index, in its URL
    /// (<https://docs.astral.sh/uv/concepts/indexes/#providing-credentials-directly>).
    fn give_credentials(&self, index: &mut Table) {
        let text = |key: &str| index.get(key).and_then(Value::as_str);
        let (Some(name), Some(Ok(mut url))) = (text("name"), text("url").map(Url::parse)) else {
            return;
        };
        let name = name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let said = |what: &str| variable(&self.environment, &format!("UV_INDEX_{name}_{what}"));
        let (user, password) = (said("USERNAME"), said("PASSWORD"));
        if user.is_none() && password.is_none() {
            return;
        }
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let is_set = url.set_username(&encoded(user.unwrap_or_default())).is_ok()
            && url.set_password(password.map(encoded).as_deref()).is_ok();
        if is_set {
            index.insert("url".to_owned(), url.as_str().into());
        }
    }

    /// git's settings of variables become those of a file, behind the user's own
    /// (<https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT>).
    fn hide_git_settings(&mut self) -> Result<(), Error> {
        let count = self.take("GIT_CONFIG_COUNT").trim().parse().unwrap_or(0_usize);
        let mut entries = Vec::new();
        for number in 0..count.min(self.environment.len()) {
            let key = self.take(&format!("GIT_CONFIG_KEY_{number}"));
            entries.push((key, self.take(&format!("GIT_CONFIG_VALUE_{number}"))));
        }
        for word in shlex::split(&self.take("GIT_CONFIG_PARAMETERS")).unwrap_or_default() {
            let (key, value) = word.split_once('=').unwrap_or((&word, "true"));
            entries.push((key.to_owned(), value.to_owned()));
        }
        let sections: Vec<_> = entries
            .iter()
            .filter_map(|(key, value)| git_section(key, value))
            .collect();
        if sections.is_empty() {
            return Ok(());
        }
        let included = self.git_files().into_iter();
        let included = included.filter_map(|path| git_section("include.path", path.to_str()?));
        let text: String = included.chain(sections).collect();
        let file = self.write("gitconfig", &text)?;
        self.set("GIT_CONFIG_GLOBAL", &file);
        Ok(())
    }

    /// The files that git reads for the user.
    fn git_files(&self) -> Vec<PathBuf> {
        let path = |name: &str| variable(&self.environment, name).map(PathBuf::from);
        if let Some(named) = path("GIT_CONFIG_GLOBAL") {
            return vec![std::path::absolute(&named).unwrap_or(named)];
        }
        let home = path("HOME");
        let shared = path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let shared = shared.map(|shared| shared.join("git/config"));
        shared
            .into_iter()
            .chain(home.map(|home| home.join(".gitconfig")))
            .collect()
    }

    /// Proxies with credentials get names in small letters, which every program knows and nothing is put in the place of.
    fn make_proxies_small(&mut self) {
        let is_meant =
            |(name, value): &&(String, String)| name.ends_with("_PROXY") && without_url_credentials(value) != *value;
        let proxies: Vec<_> = self.environment.iter().filter(is_meant).cloned().collect();
        for (name, value) in proxies {
            self.take(&name);
            let small = name.to_lowercase();
            self.take(&small);
            self.environment.push((small, value));
        }
    }

    /// The variable's value, and the variable is gone; nothing where it is not set.
    fn take(&mut self, name: &str) -> String {
        let value = variable(&self.environment, name).unwrap_or_default().to_owned();
        self.environment.retain(|(key, _)| key != name);
        value
    }

    fn set(&mut self, name: &str, path: &Path) {
        self.take(name);
        self.environment.push((name.to_owned(), path.display().to_string()));
    }

    /// Writes a file that only this user may read.
    fn write(&mut self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let scratch = |source: io::Error| Error::Scratch { source };
        let files = match self.files.take() {
            Some(files) => files,
            None => cache::scratch().map_err(scratch)?,
        };
        let path = files.path().join(name);
        self.files = Some(files);
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(scratch)?;
        file.write_all(text.as_bytes()).map_err(scratch)?;
        Ok(path)
    }
}

/// An index of a variable: `URL` or `NAME=URL`.
fn index(word: &str) -> Table {
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    let (name, url) = match word.split_once('=') {
        Some((name, url)) if is_name(name) => (Some(name), url),
        _ => (None, word),
    };
    let name = name.map(|name| ("name".to_owned(), name.into()));
    name.into_iter().chain([("url".to_owned(), url.into())]).collect()
}

/// A configuration file; an empty one where it is not there.
fn read(path: &Path) -> Result<Table, Error> {
    let failed = |reason: String| Error::Configuration {
        path: path.to_owned(),
        reason,
    };
    let text = match reading::text(path, SETTINGS_FILE) {
        Ok(text) => text,
        Err(_) if !path.exists() => return Ok(Table::new()),
        Err(error) => return Err(failed(error.to_string())),
    };
    // The whole message would show the line, which may have a password.
    let mut table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| failed(error.message().to_owned()))?;
    let directory = fs::canonicalize(path).ok();
    let directory = directory.as_deref().and_then(Path::parent).unwrap_or(Path::new("/"));
    for_each_place(&mut table, &|place| {
        if !place.contains("://") {
            *place = directory.join(&place).display().to_string();
        }
    });
    Ok(table)
}

/// What a file says, and what one behind it adds: lists are joined, and else the first to say something is right
/// (<https://docs.astral.sh/uv/concepts/configuration-files/>).
fn merge(first: &mut Table, behind: Table) {
    for (key, value) in behind {
        match (first.get_mut(&key), value) {
            (Some(Value::Table(first)), Value::Table(behind)) => merge(first, behind),
            (Some(Value::Array(first)), Value::Array(behind)) => first.extend(behind),
            (Some(_), _) => {}
            (None, value) => {
                first.insert(key, value);
            }
        }
    }
}

/// Puts the items before those of the list `key`, and before those of `[pip]`, which would come first.
fn put_first(configuration: &mut Table, key: &str, items: &[Value]) {
    let before = |list: &mut Value| {
        if let Value::Array(list) = list {
            list.splice(0..0, items.iter().cloned());
        }
    };
    if let Some(list) = configuration.get_mut("pip").and_then(|pip| pip.get_mut(key)) {
        before(list);
    }
    if !items.is_empty() {
        before(configuration.entry(key).or_insert_with(|| Value::Array(Vec::new())));
    }
}

fn for_each_index(configuration: &mut Table, mut change: impl FnMut(&mut Table)) {
    for_each_list(configuration, "index", &mut |index| {
        if let Value::Table(index) = index {
            change(index);
        }
    });
}

/// Every URL or path of an index: a path is meant from the file's own directory.
fn for_each_place(configuration: &mut Table, change: &dyn Fn(&mut String)) {
    let change_string = |value: &mut Value| {
        if let Value::String(place) = value {
            change(place);
        }
    };
    for_each_index(configuration, |index| {
        if let Some(url) = index.get_mut("url") {
            change_string(url);
        }
    });
    for key in ["find-links", "extra-index-url"] {
        for_each_list(configuration, key, &mut |place| change_string(place));
    }
    if let Some(url) = configuration.get_mut("index-url") {
        change_string(url);
    }
    if let Some(url) = configuration.get_mut("pip").and_then(|pip| pip.get_mut("index-url")) {
        change_string(url);
    }
}

/// Every item of the lists that the file and its `[pip]` have of this name.
fn for_each_list(configuration: &mut Table, key: &str, change: &mut dyn FnMut(&mut Value)) {
    if let Some(Value::Array(items)) = configuration.get_mut("pip").and_then(|pip| pip.get_mut(key)) {
        items.iter_mut().for_each(&mut *change);
    }
    if let Some(Value::Array(items)) = configuration.get_mut(key) {
        items.iter_mut().for_each(change);
    }
}

/// A setting of git as its files have it (<https://git-scm.com/docs/git-config#_syntax>); `None` where the key is none.
fn git_section(key: &str, value: &str) -> Option<String> {
    let (section, rest) = key.split_once('.')?;
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let (head, name) = match rest.rsplit_once('.') {
        Some((subsection, name)) => (format!("{section} \"{}\"", quoted(subsection)), name),
        None => (section.to_owned(), rest),
    };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (is_word(section) && is_word(name)).then(|| format!("[{head}]\n\t{name} = \"{}\"\n", quoted(value)))
}

#[cfg(test)]
mod tests;
