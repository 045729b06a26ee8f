//! Layers, one upon the other, as an image's root directory
//! ([layer.md](https://github.com/opencontainers/image-spec/blob/main/layer.md#applying-changesets)).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;

use super::archive::{LONGEST_PATH, damaged};
use super::listing::{Item, Listing, What};
use super::tree::{Kind, Owner, Tree, Writer};

/// The most paths of an image, all layers together.
const MOST_PATHS: usize = 4_000_000;
/// The most directories of an image, those included that a path only passes through: one entry may make two thousand of them. Each takes
/// a kilobyte while layers are laid. The largest images that AWS offers have some 300,000 entries in all.
const MOST_DIRECTORIES: usize = 500_000;
/// The most directories in each other. Whoever drops the outermost has as many calls on the stack.
const DEEPEST: usize = 500;
/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// A root directory, while layers are laid upon each other.
pub(super) struct Root {
    top: Children,
    mode: u16,
    added: usize,
    directories: usize,
}

type Children = BTreeMap<String, There>;

enum There {
    Directory {
        mode: u16,
        owner: Owner,
        children: Children,
    },
    File {
        mode: u16,
        kept: Option<Arc<str>>,
    },
    Link(String),
    Other,
}

/// What the layers came to.
pub(super) struct Merged {
    pub(super) tree: Tree,
    /// What is kept of files, by their paths.
    pub(super) kept: HashMap<String, Arc<str>>,
}

/// A parent of a path.
enum Missed {
    /// One is a link: the path that it comes to.
    Link(String),
    /// One is a file.
    File,
}

impl Root {
    pub(super) fn new() -> Self {
        Self {
            top: Children::new(),
            mode: 0o755,
            added: 0,
            directories: 0,
        }
    }

    /// Lays a layer upon those that are there.
    ///
    /// # Errors
    /// It names what is not there, or too much.
    pub(super) fn lay(&mut self, layer: Listing) -> io::Result<()> {
        self.added = self.added.saturating_add(layer.items.len());
        if self.added > MOST_PATHS {
            return Err(damaged("the image has more paths than any other"));
        }
        // What is hidden is below this layer, wherever in it that stands.
        for item in &layer.items {
            match item.what {
                What::Removed => self.remove(&item.path),
                What::Emptied => self.empty(&item.path),
                _ => {}
            }
        }
        for item in layer.items {
            self.put(item)?;
            if self.directories > MOST_DIRECTORIES {
                return Err(damaged("the image has more directories than any other"));
            }
        }
        Ok(())
    }

    fn put(&mut self, Item { path, what }: Item) -> io::Result<()> {
        let there = match what {
            What::Removed | What::Emptied => return Ok(()),
            What::Directory { mode, .. } if path.is_empty() => {
                self.mode = mode;
                return Ok(());
            }
            _ if path.is_empty() => return Err(damaged("its root is no directory")),
            What::Directory { mode, owner } => {
                self.directories += 1;
                There::Directory {
                    mode,
                    owner,
                    children: Children::new(),
                }
            }
            What::File { mode, kept, .. } => There::File {
                mode,
                kept: kept.map(Arc::from),
            },
            What::Link(target) => There::Link(target),
            What::Same(other) => self
                .same(&other)
                .ok_or_else(|| damaged(&format!("`{path}` is another name of `{other}`, which is no file")))?,
            What::Other => There::Other,
        };
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let children = self
            .directory(parent)
            .ok_or_else(|| damaged(&format!("`{path}` is in what is no directory, or too deep")))?;
        match (children.get_mut(name), there) {
            // A directory that is there keeps what is in it.
            (
                Some(There::Directory {
                    mode: old, owner: was, ..
                }),
                There::Directory { mode, owner, .. },
            ) => {
                (*old, *was) = (mode, owner);
            }
            (_, there) => {
                children.insert(name.to_owned(), there);
            }
        }
        Ok(())
    }

    /// A second name of a file.
    fn same(&mut self, path: &str) -> Option<There> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self.existing(parent)?.get(name)? {
            There::File { mode, kept } => Some(There::File {
                mode: *mode,
                kept: kept.clone(),
            }),
            There::Link(target) => Some(There::Link(target.clone())),
            There::Other => Some(There::Other),
            There::Directory { .. } => None,
        }
    }

    fn remove(&mut self, path: &str) {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if let Some(children) = self.existing(parent) {
            children.remove(name);
        }
    }

    fn empty(&mut self, path: &str) {
        if let Some(children) = self.existing(path) {
            children.clear();
        }
    }

    /// The directory `path`, made where it is missing, through whatever links.
    fn directory(&mut self, path: &str) -> Option<&mut Children> {
        let path = self.through_links(path)?;
        let mut children = &mut self.top;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let there = children.entry(part.to_owned()).or_insert_with(|| {
                self.directories += 1;
                There::Directory {
                    mode: 0o755,
                    owner: Owner::default(),
                    children: Children::new(),
                }
            });
            let There::Directory { children: below, .. } = there else {
                return None;
            };
            children = below;
        }
        Some(children)
    }

    /// The directory `path`, if it is there.
    fn existing(&mut self, path: &str) -> Option<&mut Children> {
        let path = self.through_links(path)?;
        let mut children = &mut self.top;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let There::Directory { children: below, .. } = children.get_mut(part)? else {
                return None;
            };
            children = below;
        }
        Some(children)
    }

    /// The path without links; `None` where it goes through a file, round, or deeper than anything is.
    fn through_links(&self, path: &str) -> Option<String> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            if path.len() > LONGEST_PATH || path.split('/').count() > DEEPEST {
                return None;
            }
            match self.missed(&path) {
                None => return Some(path),
                Some(Missed::Link(other)) => path = other,
                Some(Missed::File) => return None,
            }
        }
        None
    }

    /// The first part of a path that is no directory.
    fn missed(&self, path: &str) -> Option<Missed> {
        let mut children = &self.top;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        for (index, part) in parts.iter().enumerate() {
            match children.get(*part) {
                None => return None,
                Some(There::Directory { children: below, .. }) => children = below,
                Some(There::Link(target)) => {
                    return Some(Missed::Link(followed(&parts[..index], target, &parts[index + 1..])));
                }
                Some(There::File { .. } | There::Other) => return Some(Missed::File),
            }
        }
        None
    }

    /// What all layers came to.
    pub(super) fn finish(self) -> Merged {
        let mut tree = Writer::default();
        let mut kept = HashMap::new();
        let mut next: u32 = 1;
        let root = There::Directory {
            mode: self.mode,
            owner: Owner::default(),
            children: self.top,
        };
        let mut waiting = VecDeque::from([(String::new(), String::new(), root)]);
        while let Some((parent, name, there)) = waiting.pop_front() {
            let path = if name.is_empty() {
                String::new()
            } else {
                format!("{parent}/{name}")
            };
            match there {
                There::Directory { mode, owner, children } => {
                    let count = u32::try_from(children.len()).unwrap_or(u32::MAX);
                    tree.directory(&name, mode, owner, next..next.saturating_add(count));
                    next = next.saturating_add(count);
                    waiting.extend(children.into_iter().map(|(name, there)| (path.clone(), name, there)));
                }
                There::File { mode, kept: excerpt } => {
                    tree.leaf(&name, Kind::File, mode);
                    kept.extend(excerpt.map(|excerpt| (path, excerpt)));
                }
                There::Link(target) => tree.link(&name, &target),
                There::Other => tree.leaf(&name, Kind::Other, 0),
            }
        }
        Merged {
            tree: tree.finish(),
            kept,
        }
    }
}

/// Where a path leads on from a link in the middle of it.
fn followed(before: &[&str], target: &str, after: &[&str]) -> String {
    let mut parts: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        before.to_vec()
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.extend(after);
    parts.join("/")
}
