//! What a wheel says of itself, read once of each.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::Error;
use super::super::archive::{Archive, Malformed};
use super::super::store::Store;
use super::Listed;

/// What was read of wheels is kept in the store.
const ABOUT: &str = "about";
/// Changes with what is read.
const FORMAT: u32 = 1;
/// The longest METADATA that is read; descriptions with pictures in them have some hundred kilobytes.
const LONGEST: u64 = 16 << 20;

/// What the [core metadata](https://packaging.python.org/en/latest/specifications/core-metadata/) of a distribution says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    /// As it writes it.
    pub(super) name: Option<String>,
    /// See `name`.
    pub(super) version: Option<String>,
    /// How it may be used.
    pub(super) license: Option<License>,
}

/// A licence, as a distribution declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum License {
    /// An SPDX expression ([PEP 639](https://peps.python.org/pep-0639/#add-license-expression-field)).
    Expression(String),
    /// What it calls it, in its own words: which licence that is, is not for us to say.
    Names(Vec<String>),
}

impl About {
    /// What the wheel says: as it was read before, or read now; nothing where it was not fetched.
    ///
    /// # Errors
    /// The wheel is damaged, or has no metadata.
    pub(super) fn of(wheel: &Listed, store: &Store) -> Result<Self, Error> {
        let key = format!("{FORMAT} {}", wheel.digest);
        if let Some(known) = store.note(ABOUT, &key) {
            return Ok(known);
        }
        let Some(path) = store.get(&wheel.digest) else {
            return Ok(Self::default());
        };
        let read = metadata(&wheel.name, &path).map_err(|reason| Error::wheel(&wheel.name, &path, reason))?;
        let about = Self::parse(&read);
        store.keep_note(ABOUT, &key, &about);
        Ok(about)
    }

    /// Reads METADATA or PKG-INFO.
    pub(super) fn parse(text: &str) -> Self {
        let fields = Fields::of(text);
        Self {
            name: fields.first("Name"),
            version: fields.first("Version"),
            license: license(&fields),
        }
    }
}

/// The text of a wheel's METADATA.
fn metadata(name: &str, path: &Path) -> Result<String, Malformed> {
    let archive = Archive::open(name, path)?;
    let is_it = |path: &str| {
        path.strip_suffix(".dist-info/METADATA")
            .is_some_and(|directory| !directory.contains('/'))
    };
    let member = archive.members().iter().find(|member| is_it(&member.path));
    let member = member.ok_or_else(|| Malformed::Refused("has no METADATA".to_owned()))?;
    Ok(String::from_utf8_lossy(&archive.content(member, LONGEST)?).into_owned())
}

/// The licence: as an expression, in a line of words, or by classifiers. A licence's whole text is none of these, but its first line.
fn license(fields: &Fields<'_>) -> Option<License> {
    if let Some(expression) = fields.first("License-Expression") {
        return Some(License::Expression(expression));
    }
    let said = fields.first("License").filter(|said| said != "UNKNOWN");
    let (line, is_text) = match &said {
        Some(said) => (
            said.lines().map(str::trim).find(|line| !line.is_empty()),
            said.lines().count() > 1,
        ),
        None => (None, false),
    };
    if let Some(line) = line.filter(|_| !is_text) {
        return Some(License::Names(vec![line.to_owned()]));
    }
    let classified = fields.all("Classifier").filter_map(|classifier| {
        let name = classifier.strip_prefix("License ::")?.rsplit("::").next()?.trim();
        // It names a kind of licence, and none.
        (name != "OSI Approved").then(|| name.to_owned())
    });
    let mut names: Vec<String> = classified.collect();
    if names.is_empty() {
        names.extend(line.map(ToOwned::to_owned));
    }
    (!names.is_empty()).then_some(License::Names(names))
}

/// The fields of core metadata: a value goes on in the lines that begin with a space.
struct Fields<'a>(Vec<(&'a str, String)>);

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Self {
        let mut fields: Vec<(&str, String)> = Vec::new();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name, value.trim().to_owned()));
            }
        }
        Self(fields)
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim())
    }

    fn first(&self, name: &str) -> Option<String> {
        self.all(name).find(|value| !value.is_empty()).map(ToOwned::to_owned)
    }
}
