//! The distributions that are installed, as `importlib.metadata` finds them
//! ([recording installed projects](https://packaging.python.org/en/latest/specifications/recording-installed-packages/)).

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Image, has_suffix, join, normal, parent};

/// A distribution that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// As its metadata writes it.
    pub name: String,
    /// As its metadata writes it.
    pub version: String,
    /// The fields of METADATA or PKG-INFO, without the description below them.
    pub metadata: String,
    /// The absolute path of its `.dist-info` or `.egg-info`.
    pub info_directory: String,
    /// The absolute paths of its files, as RECORD or `installed-files.txt` names them; `None` where nothing does.
    pub record: Option<Record>,
    /// What installed it, such as `pip`, `conda` or `debian`, where that is noted.
    pub installer: Option<String>,
}

/// The files of a distribution: hundreds of thousands in a large image, few of which are ever asked for, so they are one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What the names are relative to.
    directory: String,
    /// With [`BETWEEN`] between them.
    names: String,
}

/// What no name holds.
const BETWEEN: &str = "//";

impl Record {
    fn of(directory: &str, names: impl Iterator<Item = String>) -> Self {
        let single = names.map(|name| name.replace(BETWEEN, "/"));
        Self {
            directory: directory.to_owned(),
            names: single.collect::<Vec<_>>().join(BETWEEN),
        }
    }

    /// Their absolute paths.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        let names = self.names.split(BETWEEN).filter(|name| !name.is_empty());
        names.map(|name| normal(&join(&self.directory, name)))
    }
}

impl IntoIterator for Record {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.paths().collect::<Vec<_>>().into_iter()
    }
}

/// What is installed in the directories of the path. One of a name hides those of its name in later directories.
pub(super) fn find(image: &Image<'_>, path: &[String]) -> Vec<Installed> {
    let mut found: Vec<Installed> = Vec::new();
    let mut names: HashSet<String> = HashSet::new();
    for directory in path {
        let here: Vec<Installed> = information(image, directory)
            .iter()
            .filter_map(|information| Installed::at(image, information))
            .filter(|installed| !names.contains(&normalized(&installed.name)))
            .collect();
        names.extend(here.iter().map(|installed| normalized(&installed.name)));
        found.extend(here);
    }
    found
}

/// The paths of what tells of a distribution in a directory of the path.
fn information(image: &Image<'_>, directory: &str) -> Vec<String> {
    let names = image.tree.names(directory);
    let is_egg = has_suffix(directory, "egg");
    let tells = |name: &&str| {
        has_suffix(name, "dist-info")
            || has_suffix(name, "egg-info")
            || (is_egg && name.eq_ignore_ascii_case("egg-info"))
    };
    names
        .into_iter()
        .filter(tells)
        .map(|name| join(directory, name))
        .collect()
}

impl Installed {
    /// `None` for what is left of a distribution that was removed, which pip passes over as well.
    fn at(image: &Image<'_>, information: &str) -> Option<Self> {
        let below = |name: &str| image.kept(&join(information, name));
        let metadata = below("METADATA")
            .or_else(|| below("PKG-INFO"))
            .or_else(|| image.kept(information))?;
        let record = match below("RECORD") {
            Some(record) => Some(Record::of(parent(information), record.lines().map(first_column))),
            None => below("installed-files.txt").map(|list| Record::of(information, list.lines().map(str::to_owned))),
        };
        Some(Self {
            name: field(metadata, "Name")?.to_owned(),
            version: field(metadata, "Version")?.to_owned(),
            record,
            installer: below("INSTALLER").and_then(first_word),
            metadata: metadata.to_owned(),
            info_directory: information.to_owned(),
        })
    }
}

/// A field of core metadata, the first of its name.
fn field<'a>(metadata: &'a str, name: &str) -> Option<&'a str> {
    let fields = metadata.lines().filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    found
        .next()
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}

fn first_word(text: &str) -> Option<String> {
    text.split_whitespace().next().map(str::to_owned)
}

/// The first column of a line of RECORD, which is CSV. A quoted column holds commas, and quotes twice.
fn first_column(line: &str) -> String {
    let Some(quoted) = line.strip_prefix('"') else {
        return line.split(',').next().unwrap_or_default().to_owned();
    };
    let mut column = String::new();
    let mut rest = quoted.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if rest.peek() == Some(&'"') => {
                rest.next();
                column.push('"');
            }
            '"' => break,
            character => column.push(character),
        }
    }
    column
}

/// A [normalized name](https://packaging.python.org/en/latest/specifications/name-normalization/).
fn normalized(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
