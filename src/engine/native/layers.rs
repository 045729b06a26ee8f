//! Which wheel is in which layer, and what a layer is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Error;
use super::archive::Archive;
use super::base::{Base, Kind, Owner, Tree};
use super::bytecode;
use super::install::{self, Installed, Scheme};
use super::splice::{Body, Entry};
use super::store::{Store, Wheel};
use crate::oci::Digest;

/// Changes with the bytes that a layer of the same ingredients has: a layer that is known by another is made anew.
const FORMAT: u32 = 4;
/// From here on, in bytes, a wheel is a layer of its own.
const LARGE: u64 = 8 << 20;
/// How many layers the other wheels share: each of them changes seldom, and a push of several is not slowed by their number.
const SHARED: usize = 8;
/// The most layers that an image has: Docker mounts some 125.
pub(crate) const MAX_LAYERS: usize = 100;

/// The permissions of directories that are made.
const USUAL: u32 = 0o755;
/// Those of files that nobody runs.
const USUAL_FILE: u32 = 0o644;

/// What a layer is made of: enough to know it again, and to make it again. Nothing else decides its bytes but the base's paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    /// What is in it, for people.
    pub(crate) title: String,
    /// In the order in which they are installed.
    pub(crate) wheels: Vec<Ingredient>,
    /// Byte code of wheels in another layer, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) compiled: Vec<Compiled>,
    /// Files that are no wheel's, by their absolute paths.
    pub(crate) files: BTreeMap<String, String>,
    /// Absolute paths that the base has and the image does not.
    pub(crate) removed: Vec<String>,
}

/// A wheel in a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ingredient {
    /// The distribution.
    pub(crate) name: String,
    /// Of the wheel.
    pub(crate) digest: Digest,
    /// Whether somebody asked for it by name.
    pub(crate) requested: bool,
}

/// An archive of byte code, whose files are named by their paths in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Compiled {
    /// The distribution.
    pub(crate) name: String,
    /// Of the archive.
    pub(crate) digest: Digest,
}

impl Ingredient {
    pub(crate) fn of(wheel: &Wheel) -> Self {
        Self {
            name: wheel.name.clone(),
            digest: wheel.digest.clone(),
            requested: wheel.requested,
        }
    }
}

/// A wheel that becomes part of a layer, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) ingredient: Ingredient,
    pub(crate) version: String,
    /// Bytes.
    pub(crate) size: u64,
}

impl Piece {
    pub(crate) fn of(wheel: &Wheel) -> Self {
        Self {
            ingredient: Ingredient::of(wheel),
            version: wheel.version.clone(),
            size: wheel.size,
        }
    }

    fn name(&self) -> &str {
        &self.ingredient.name
    }
}

impl Recipe {
    /// Whether nothing is known of what it is made of: byte code that the last image has.
    pub(crate) fn is_empty(&self) -> bool {
        self.archives().next().is_none() && self.files.is_empty() && self.removed.is_empty()
    }

    /// The archives in the store that it takes.
    pub(crate) fn archives(&self) -> impl Iterator<Item = &Digest> {
        let wheels = self.wheels.iter().map(|wheel| &wheel.digest);
        wheels.chain(self.compiled.iter().map(|compiled| &compiled.digest))
    }
}

/// Puts the wheels of the requirements into layers, for which there is `room`: large ones alone, small ones together by a hash of their
/// names, so that another version of one changes one small layer.
pub(crate) fn arrange(wheels: &[Piece], room: usize) -> Vec<Recipe> {
    let room = room.max(1);
    let shared = SHARED.min(room);
    let mut large: Vec<&Piece> = wheels.iter().filter(|wheel| wheel.size >= LARGE).collect();
    large.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name().cmp(b.name())));
    large.truncate(room - shared);
    let is_alone = |wheel: &&Piece| {
        large
            .iter()
            .any(|other| other.ingredient.digest == wheel.ingredient.digest)
    };
    let mut buckets: BTreeMap<usize, Vec<&Piece>> = BTreeMap::new();
    for wheel in wheels.iter().filter(|wheel| !is_alone(wheel)) {
        buckets.entry(bucket(wheel.name(), shared)).or_default().push(wheel);
    }
    let mut alone = large.clone();
    alone.sort_by(|a, b| a.name().cmp(b.name()));
    let layers = alone.into_iter().map(|wheel| vec![wheel]).chain(buckets.into_values());
    layers
        .map(|mut wheels| {
            wheels.sort_by(|a, b| a.name().cmp(b.name()));
            Recipe {
                title: title(&wheels),
                wheels: wheels.into_iter().map(|wheel| wheel.ingredient.clone()).collect(),
                ..Recipe::default()
            }
        })
        .collect()
}

fn bucket(name: &str, shared: usize) -> usize {
    let hash = Sha256::digest(name.as_bytes());
    usize::from(hash[0]) % shared
}

fn title(wheels: &[&Piece]) -> String {
    let named: Vec<String> = wheels
        .iter()
        .map(|wheel| format!("{} {}", wheel.name(), wheel.version))
        .collect();
    match &named[..] {
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        _ => named.join(", "),
    }
}

/// What else decides a layer: where files go in the base image.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) base: &'a Base,
    pub(crate) scheme: &'a Scheme,
    pub(crate) store: &'a Store,
}

impl Ground<'_> {
    /// By what a layer is known in this base image.
    pub(crate) fn key(&self, recipe: &Recipe) -> String {
        // Images tell of byte code by the layer that it is of.
        let formats = (FORMAT, bytecode::FORMAT);
        key(&(formats, recipe, self.scheme, &self.base.manifest_digest))
    }

    /// By what it is known in every base image that has the same directories.
    pub(crate) fn key_by_paths(&self, recipe: &Recipe, entries: &[Entry]) -> String {
        let mut paths = Sha256::new();
        for entry in entries {
            paths.update(entry.path.as_bytes());
            paths.update([0, u8::from(entry.is_directory())]);
            paths.update(entry.mode.to_le_bytes());
            if let Body::Directory(owner) = entry.body {
                paths.update(owner.user.to_le_bytes());
                paths.update(owner.group.to_le_bytes());
            }
        }
        key(&(FORMAT, recipe, self.scheme, Digest::of_sha256(&paths.finalize())))
    }

    /// The entries of a layer, sorted by path.
    ///
    /// # Errors
    /// A wheel that is not there, or that no installer takes; a file where the base has a directory, or the other way round.
    pub(crate) fn entries(&self, recipe: &Recipe) -> Result<Arc<[Entry]>, Error> {
        let mut layer = Layer::on(&self.base.tree);
        for ingredient in &recipe.wheels {
            let (wheel, files) = self.installed(ingredient)?;
            for file in files {
                let body = match file.content {
                    install::Content::Bytes(bytes) => Body::Bytes(bytes),
                    install::Content::Member(index) => Body::Member {
                        wheel: Arc::clone(&wheel),
                        index,
                    },
                };
                layer.add(&file.path, file.mode, body)?;
            }
        }
        for compiled in &recipe.compiled {
            let archive = self.archive(&compiled.name, &compiled.digest)?;
            for (index, member) in archive.members().iter().enumerate() {
                let wheel = Arc::clone(&archive);
                layer.add(&format!("/{}", member.path), USUAL_FILE, Body::Member { wheel, index })?;
            }
        }
        for (path, text) in &recipe.files {
            layer.add(path, USUAL_FILE, Body::Bytes(text.clone().into_bytes()))?;
        }
        for path in &recipe.removed {
            if let Some((directory, name)) = path.rsplit_once('/') {
                // https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
                let whiteout = format!("{directory}/.wh.{name}");
                layer.add(&whiteout, USUAL_FILE, Body::Bytes(Vec::new()))?;
            }
        }
        Ok(layer.entries.into_values().collect())
    }

    /// A wheel, and where its files are installed, sorted by path.
    ///
    /// # Errors
    /// It is not kept any more, or no installer takes it.
    pub(crate) fn installed(&self, ingredient: &Ingredient) -> Result<(Arc<Archive>, Vec<Installed>), Error> {
        let wheel = self.archive(&ingredient.name, &ingredient.digest)?;
        let files = install::installed(&wheel, &ingredient.name, self.scheme, ingredient.requested);
        let files = files.map_err(|reason| Error::wheel(&ingredient.name, wheel.path(), reason))?;
        Ok((wheel, files))
    }

    fn archive(&self, name: &str, digest: &Digest) -> Result<Arc<Archive>, Error> {
        let path = self.store.get(digest).ok_or_else(|| Error::WheelGone {
            name: name.to_owned(),
            digest: digest.clone(),
        })?;
        let archive = Archive::open(name, &path).map_err(|reason| Error::wheel(name, &path, reason))?;
        Ok(Arc::new(archive))
    }
}

/// The entries of a layer as they come together, by their paths.
struct Layer<'a> {
    tree: &'a Tree,
    entries: BTreeMap<String, Entry>,
    /// The directory of the last file: most files are in the same one as their neighbour.
    last: Directory,
}

/// A directory that files are put into.
#[derive(Default)]
struct Directory {
    /// As it was asked for.
    path: String,
    /// Where the base's links lead.
    resolved: String,
    /// Whether the base has it.
    is_in_base: bool,
}

impl<'a> Layer<'a> {
    fn on(tree: &'a Tree) -> Self {
        Self {
            tree,
            entries: BTreeMap::new(),
            // The root.
            last: Directory {
                is_in_base: true,
                ..Directory::default()
            },
        }
    }

    /// Adds a file, and the directories on its way that the base does not have.
    fn add(&mut self, path: &str, mode: u32, body: Body) -> Result<(), Error> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        if self.last.path != directory {
            self.enter(directory)?;
        }
        let path = format!("{}/{name}", self.last.resolved);
        // A link in the file's own place is replaced, those on the way to it were followed.
        if self.last.is_in_base && self.tree.is_directory(&path) {
            return Err(in_the_way(&path[1..], "a directory"));
        }
        let path = path[1..].to_owned();
        if self.entries.get(&path).is_some_and(Entry::is_directory) {
            return Err(in_the_way(&path, "a directory"));
        }
        self.entries.insert(path.clone(), Entry { path, mode, body });
        Ok(())
    }

    /// Adds the directories of files to come.
    fn enter(&mut self, directory: &str) -> Result<(), Error> {
        let resolved = self.tree.resolve(directory);
        let resolved = resolved.trim_end_matches('/');
        let ends = resolved.match_indices('/').skip(1).map(|(end, _)| end);
        for end in ends.chain((!resolved.is_empty()).then_some(resolved.len())) {
            self.add_directory(&resolved[..end])?;
        }
        self.last = Directory {
            path: directory.to_owned(),
            is_in_base: self.tree.kind(resolved).is_some(),
            resolved: resolved.to_owned(),
        };
        Ok(())
    }

    /// Adds a directory on the way to a file. One that the base has is named only where it is not as every other: Docker makes it
    /// anew in the layer, and then what the layer says of it counts.
    fn add_directory(&mut self, directory: &str) -> Result<(), Error> {
        let path = directory[1..].to_owned();
        if let Some(there) = self.entries.get(&path) {
            return if there.is_directory() {
                Ok(())
            } else {
                Err(in_the_way(&path, "a file"))
            };
        }
        let (mode, owner) = match self.tree.kind(directory) {
            None => (USUAL, Owner::default()),
            Some(Kind::Directory) => (self.tree.mode(directory).unwrap_or(USUAL), self.tree.owner(directory)),
            Some(_) => return Err(in_the_way(&path, "a file")),
        };
        if self.tree.kind(directory).is_some() && mode == USUAL && owner.is_root() {
            return Ok(());
        }
        let body = Body::Directory(owner);
        self.entries.insert(path.clone(), Entry { path, mode, body });
        Ok(())
    }
}

fn in_the_way(path: &str, is: &'static str) -> Error {
    Error::InTheWay {
        path: format!("/{path}"),
        is,
    }
}

fn key(parts: &impl Serialize) -> String {
    // What is in them can be written.
    let text = serde_json::to_vec(parts).unwrap_or_default();
    Digest::of(&text).as_str().trim_start_matches("sha256:").to_owned()
}
