//! What the layers of an image come to, as far as they were read, and in which paths two of them differ.

use std::collections::BTreeMap;

use serde::Serialize;

use super::distributions::Distribution;
use crate::engine::native::base::{Item, Listing, What};
use crate::oci::Digest;

/// All paths of an image that were read.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: BTreeMap<String, Node>,
    /// Whether a layer below was not read.
    is_partial: bool,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    File {
        file: File,
        /// What its name says that it tells of.
        tells_of: Option<Distribution>,
    },
    /// A symbolic link, and where it leads.
    Link(String),
    /// A second name of a file that was not read.
    Same(String),
    /// A device, pipe or socket.
    Other,
    /// What a layer that was not read may have here is taken away.
    Removed,
}

/// What there is to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// In bytes; a link has as many as the path where it leads.
    pub size: u64,
    /// Permissions; a link has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<u16>,
    /// Of its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where a link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// A path in which two images differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Absolute.
    pub path: String,
    /// What the one has there; absent where it has nothing.
    pub a: Option<File>,
    /// What the other has there.
    pub b: Option<File>,
}

impl Tree {
    /// Lays the layers upon each other, from the lowest; of one that was not read nothing is known.
    pub(super) fn of(layers: Vec<Option<Listing>>) -> Self {
        let mut tree = Self::default();
        for layer in layers {
            match layer {
                Some(listing) => tree.lay(listing.items),
                None => tree.is_partial = true,
            }
        }
        tree
    }

    fn lay(&mut self, items: Vec<Item>) {
        // What is hidden is below this layer, wherever in it that stands.
        for item in &items {
            match item.what {
                What::Removed => self.hide(&item.path),
                What::Emptied => self.clear(&item.path),
                _ => {}
            }
        }
        for Item { path, what } in items {
            let node = match what {
                What::Removed | What::Emptied => continue,
                What::Directory { .. } => Node::Directory,
                What::Link(target) => Node::Link(target),
                What::Other => Node::Other,
                What::Same(other) => self.nodes.get(&other).cloned().unwrap_or(Node::Same(other)),
                What::File {
                    mode,
                    size,
                    digest,
                    kept,
                } => Node::File {
                    tells_of: kept.as_deref().and_then(|text| Distribution::told(&path, text)),
                    file: File {
                        size,
                        mode: Some(mode),
                        digest: Some(digest),
                        link: None,
                    },
                },
            };
            if node != Node::Directory {
                self.clear(&path);
            }
            self.nodes.insert(path, node);
        }
    }

    fn hide(&mut self, path: &str) {
        self.clear(path);
        self.nodes.remove(path);
        if self.is_partial {
            self.nodes.insert(path.to_owned(), Node::Removed);
        }
    }

    /// Takes away what is below a path.
    fn clear(&mut self, path: &str) {
        let below = format!("{path}/");
        let range = self.nodes.range(below.clone()..);
        let gone: Vec<String> = range
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&below))
            .cloned()
            .collect();
        for path in gone {
            self.nodes.remove(&path);
        }
    }

    /// What a layer that was not read may have, and this image does not.
    pub(super) fn removed(&self) -> impl Iterator<Item = &str> {
        let removed = self.nodes.iter().filter(|(_, node)| **node == Node::Removed);
        removed.map(|(path, _)| path.as_str())
    }
}

impl Node {
    /// As it is told; a directory is told by what is in it.
    fn told(&self) -> Option<File> {
        let nothing = File {
            size: 0,
            mode: None,
            digest: None,
            link: None,
        };
        match self {
            Self::Directory | Self::Removed => None,
            Self::File { file, .. } => Some(file.clone()),
            Self::Link(target) | Self::Same(target) => Some(File {
                size: target.len() as u64,
                link: Some(target.clone()),
                ..nothing
            }),
            Self::Other => Some(nothing),
        }
    }
}

/// The paths in which two images differ, sorted.
pub(super) fn changes(a: &Tree, b: &Tree) -> Vec<FileChange> {
    let only_there = b.nodes.iter().filter(|(path, _)| !a.nodes.contains_key(*path));
    let mut changes: Vec<FileChange> = Vec::new();
    for (path, node) in &a.nodes {
        let other = b.nodes.get(path);
        if other != Some(node) {
            changes.extend(change(path, Some(node), other));
        }
    }
    changes.extend(only_there.filter_map(|(path, node)| change(path, None, Some(node))));
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    changes
}

fn change(path: &str, a: Option<&Node>, b: Option<&Node>) -> Option<FileChange> {
    // What one image has taken away, the other has of a layer of both.
    let of_both = |there: Option<&Node>, taken: Option<&Node>| {
        (there.is_none() && taken == Some(&Node::Removed)).then_some(File {
            size: 0,
            mode: None,
            digest: None,
            link: None,
        })
    };
    let told_a = a.and_then(Node::told).or_else(|| of_both(a, b));
    let told_b = b.and_then(Node::told).or_else(|| of_both(b, a));
    (told_a != told_b).then(|| FileChange {
        path: format!("/{path}"),
        a: told_a,
        b: told_b,
    })
}
