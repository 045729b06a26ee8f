//! Credentials on their way to uv: in files that only this user may read, and in none of its variables.
//!
//! Where the URL of a requirement says `${NAME}`, uv puts the value of that variable of its own there, if the name is in capitals: in the
//! metadata of a package that it has just fetched too, which could so send an index's password to any host. And what uv runs, an
//! interpreter or a build, has uv's variables.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use toml::{Table, Value};
use url::Url;

use super::index::{self, DEFAULT_INDEXES, FIND_LINKS, INDEXES};
use super::{Error, configuration};
use crate::cache::{self, Staging};
use crate::process::{set_variable, variable};
use crate::secret::has_url_credentials;

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
    let has_credential =
        |name: &str, value: &str| name.starts_with("UV_") && (index::is_credential(name) || has_url_credentials(value));
    handed
        .environment
        .retain(|(name, value)| !name.starts_with(OF_PUBLISHING) && !has_credential(name, value));
    Ok(handed)
}

impl Handed {
    /// Indexes with credentials become those of a configuration file
    /// (<https://docs.astral.sh/uv/concepts/configuration-files/>), before those that the user's files name.
    fn hide_indexes(&mut self, files: &[PathBuf]) -> Result<(), Error> {
        let has_credentials = |(name, value): &(String, String)| {
            let name = name.as_str();
            let is_place = INDEXES.contains(&name) || DEFAULT_INDEXES.contains(&name) || name == FIND_LINKS;
            (is_place && has_url_credentials(value)) || (name.starts_with("UV_INDEX_") && index::is_credential(name))
        };
        if !self.environment.iter().any(has_credentials) {
            return Ok(());
        }
        let mut merged = merged(files)?;
        let mut indexes = Vec::new();
        for name in INDEXES {
            indexes.extend(self.take(name).split_whitespace().map(index_of).map(Value::Table));
        }
        let defaults = DEFAULT_INDEXES.map(|name| self.take(name));
        if let Some(default) = defaults.iter().find(|value| !value.is_empty()) {
            let mut default = index_of(default.trim());
            default.insert("default".to_owned(), true.into());
            indexes.push(default.into());
            // uv takes the first, and refuses a file with two.
            configuration::for_each_index(&mut merged, &mut |index| {
                index.remove("default");
            });
        }
        let links = self.take(FIND_LINKS);
        let links = links.split(',').map(str::trim).filter(|link| !link.is_empty());
        configuration::put_first(&mut merged, "index", &indexes);
        configuration::put_first(&mut merged, "find-links", &links.map(Value::from).collect::<Vec<_>>());
        configuration::for_each_index(&mut merged, &mut |index| self.give_credentials(index));
        let file = self.write("uv.toml", &merged.to_string())?;
        self.set("UV_CONFIG_FILE", file);
        self.take("UV_NO_CONFIG");
        Ok(())
    }

    /// The credentials that variables name for the index, in its URL
    /// (<https://docs.astral.sh/uv/concepts/indexes/#providing-credentials-directly>).
    fn give_credentials(&self, index: &mut Table) {
        let text = |key: &str| index.get(key).and_then(Value::as_str);
        let (Some(name), Some(Ok(mut url))) = (text("name"), text("url").map(Url::parse)) else {
            return;
        };
        let (user, password) = index::credentials(&self.environment, name);
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
        self.set("GIT_CONFIG_GLOBAL", file);
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
        let is_meant = |(name, value): &&(String, String)| name.ends_with("_PROXY") && has_url_credentials(value);
        let names = self.environment.iter().filter(is_meant).map(|(name, _)| name.clone());
        for name in names.collect::<Vec<_>>() {
            let proxy = self.take(&name);
            self.set(&name.to_lowercase(), proxy);
        }
    }

    /// The variable's value, and the variable is gone; nothing where it is not set.
    fn take(&mut self, name: &str) -> String {
        let value = variable(&self.environment, name).unwrap_or_default().to_owned();
        self.environment.retain(|(key, _)| key != name);
        value
    }

    fn set(&mut self, name: &str, value: String) {
        set_variable(&mut self.environment, name, value);
    }

    /// Writes a file that only this user may read: its path.
    fn write(&mut self, name: &str, text: &str) -> Result<String, Error> {
        let scratch = |source: io::Error| Error::Scratch { source };
        let files = match &self.files {
            Some(files) => files,
            None => self.files.insert(cache::scratch().map_err(scratch)?),
        };
        let path = files.path().join(name);
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(scratch)?;
        file.write_all(text.as_bytes()).map_err(scratch)?;
        Ok(path.display().to_string())
    }
}

/// An index of a variable, as a configuration file has it.
fn index_of(word: &str) -> Table {
    let (name, url) = index::name_and_url(word);
    let name = name.map(|name| ("name".to_owned(), name.into()));
    name.into_iter().chain([("url".to_owned(), url.into())]).collect()
}

/// What the user's files say together.
fn merged(files: &[PathBuf]) -> Result<Table, Error> {
    let mut merged = Table::new();
    for path in files {
        let read = configuration::read(path);
        let mut file = read.map_err(|reason| Error::Configuration {
            path: path.clone(),
            reason,
        })?;
        configuration::make_absolute(&mut file, path);
        configuration::merge(&mut merged, file);
    }
    Ok(merged)
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
