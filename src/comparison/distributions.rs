//! What is installed for Python, found by the metadata that installers leave beside it
//! ([recording installed projects](https://packaging.python.org/en/latest/specifications/recording-installed-packages/)).

use std::collections::BTreeMap;

use serde::Serialize;

use super::tree::{Node, Tree};
use crate::project::normalized;

/// A distribution that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Distribution {
    /// The directory that Python finds it in.
    directory: String,
    name: String,
    version: String,
}

/// A distribution that is installed in one image, or in two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// In its normal form.
    pub name: String,
    /// The one image's version; absent where it has none.
    pub a: Option<String>,
    /// The other's.
    pub b: Option<String>,
    /// Where it is installed.
    pub directory: String,
}

/// By directory and name.
type Installed = BTreeMap<(String, String), String>;

impl Distribution {
    /// What the file at `path` tells of, by its first fields.
    pub(super) fn told(path: &str, fields: &str) -> Option<Self> {
        let (directory, _) = place(path)?;
        let field = |wanted: &str| {
            let named = fields.lines().filter_map(|line| line.split_once(':'));
            let mut found = named.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.next().map(|(_, value)| value.trim().to_owned())
        };
        Some(Self {
            directory: directory.to_owned(),
            name: normalized(&field("Name")?),
            version: field("Version")?,
        })
    }

    /// What a path told of that is taken away, by its name alone.
    fn of_name(path: &str) -> Option<Self> {
        let (directory, information) = place(path).or_else(|| directory_of(path))?;
        let (stem, _) = information.rsplit_once('.')?;
        let mut parts = stem.split('-');
        Some(Self {
            directory: directory.to_owned(),
            name: normalized(parts.next()?),
            version: parts.next()?.to_owned(),
        })
    }
}

/// Of a file that tells of a distribution: where that is installed, and in what the file is.
fn place(path: &str) -> Option<(&str, &str)> {
    let (parent, name) = path.rsplit_once('/')?;
    match name {
        "METADATA" | "PKG-INFO" => directory_of(parent),
        _ => directory_of(path).filter(|_| is_egg_info(name)),
    }
}

/// Of a `.dist-info` or `.egg-info`: the directory of packages that it is in, and its name.
fn directory_of(path: &str) -> Option<(&str, &str)> {
    let (directory, name) = path.rsplit_once('/')?;
    let is_of_packages = directory.ends_with("-packages");
    (is_of_packages && (name.ends_with(".dist-info") || is_egg_info(name))).then_some((directory, name))
}

fn is_egg_info(name: &str) -> bool {
    name.ends_with(".egg-info")
}

/// What is installed in one image only, or in another version.
pub(super) fn changes(a: &Tree, b: &Tree) -> Vec<Requirement> {
    let (mut of_a, mut of_b) = (installed(a), installed(b));
    // What one image takes away of a layer of both, the other has.
    add_kept(a, b, &mut of_b);
    add_kept(b, a, &mut of_a);
    let mut names: Vec<_> = of_a.keys().chain(of_b.keys()).cloned().collect();
    names.sort_by(|(one, a), (other, b)| (a, one).cmp(&(b, other)));
    names.dedup();
    let compared = names.into_iter().map(|key| Requirement {
        a: of_a.get(&key).cloned(),
        b: of_b.get(&key).cloned(),
        name: key.1,
        directory: format!("/{}", key.0),
    });
    compared.filter(|requirement| requirement.a != requirement.b).collect()
}

fn installed(tree: &Tree) -> Installed {
    let told = tree.nodes.values().filter_map(|node| match node {
        Node::File { tells_of, .. } => tells_of.clone(),
        _ => None,
    });
    told.map(|found| ((found.directory, found.name), found.version))
        .collect()
}

fn add_kept(taken: &Tree, from: &Tree, installed: &mut Installed) {
    for path in taken.removed().filter(|path| !from.nodes.contains_key(*path)) {
        if let Some(found) = Distribution::of_name(path) {
            installed.entry((found.directory, found.name)).or_insert(found.version);
        }
    }
}
