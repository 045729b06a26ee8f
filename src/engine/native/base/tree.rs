//! The paths of an image: what its layers come to, one upon the other.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// As many links as Linux follows: <https://man7.org/linux/man-pages/man7/path_resolution.7.html>.
const MOST_LINKS: usize = 40;
/// The bytes of a node.
const NODE: usize = 16;
/// The bytes of an owner: the node, the user and the group.
const OWNED: usize = 12;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, pipe or socket.
    Other,
}

impl Kind {
    const ALL: [Self; 4] = [Self::File, Self::Directory, Self::Link, Self::Other];
}

/// Whose something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// By number.
    pub user: u32,
    /// By number.
    pub group: u32,
}

impl Owner {
    /// Whether it is root's.
    #[must_use]
    pub fn is_root(&self) -> bool {
        *self == Self::default()
    }
}

/// All paths of an image. Nothing is taken apart when it is loaded: a hundred thousand paths are there at once.
///
/// Every path that is asked for is absolute. What a directory holds stands together, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// [`NODE`] bytes each, the root first.
    nodes: Vec<u8>,
    /// The names, and where links lead.
    names: Vec<u8>,
    /// [`OWNED`] bytes for each directory that is not root's, in the order of the nodes.
    owners: Vec<u8>,
}

/// One path of a tree.
#[derive(Debug, Clone, Copy)]
struct Node {
    index: u32,
    name: Range,
    kind: Kind,
    mode: u16,
    /// What a directory holds, among the nodes; where a link leads, among the names.
    more: Range,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    start: u32,
    length: u32,
}

impl Tree {
    /// What is at `path` itself: no link is followed, neither of the last part nor of those before it.
    #[must_use]
    pub fn kind(&self, path: &str) -> Option<Kind> {
        Some(self.at(path)?.kind)
    }

    /// The permissions of what is at `path` itself; a link has none.
    #[must_use]
    pub fn mode(&self, path: &str) -> Option<u32> {
        let node = self.at(path)?;
        (node.kind != Kind::Link).then(|| u32::from(node.mode))
    }

    /// Whose directory is at `path` itself; root's where there is none.
    #[must_use]
    pub fn owner(&self, path: &str) -> Owner {
        let owner = || {
            let node = self.at(path)?;
            let (owned, _) = self.owners.as_chunks::<OWNED>();
            let at = owned.binary_search_by_key(&node.index, |owned| number(owned, 0)).ok()?;
            Some(Owner {
                user: number(&owned[at], 4),
                group: number(&owned[at], 8),
            })
        };
        owner().unwrap_or_default()
    }

    /// Where a symbolic link at `path` leads, as it says.
    #[must_use]
    pub fn link(&self, path: &str) -> Option<&str> {
        let node = self.at(path)?;
        (node.kind == Kind::Link).then(|| self.text(node.more))
    }

    /// Whether there is a directory at `path`, through whatever links.
    #[must_use]
    pub fn is_directory(&self, path: &str) -> bool {
        self.kind(&self.resolve(path)) == Some(Kind::Directory)
    }

    /// Whether there is a regular file at `path`, through whatever links.
    #[must_use]
    pub fn is_file(&self, path: &str) -> bool {
        self.kind(&self.resolve(path)) == Some(Kind::File)
    }

    /// The path that `path` comes to through the image's symbolic links, those of its parents and its own, without `.` and `..`. Parts that
    /// do not exist are kept, and so is a link that leads round.
    #[must_use]
    pub fn resolve(&self, path: &str) -> String {
        let mut left: VecDeque<String> = parts(path);
        let mut reached: Vec<String> = Vec::new();
        // Nodes of what was reached; fewer where it does not exist.
        let mut nodes: Vec<Option<Node>> = vec![self.node(0)];
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            if part == ".." {
                reached.pop();
                nodes.truncate(nodes.len().saturating_sub(1).max(1));
                continue;
            }
            let node = nodes
                .last()
                .copied()
                .flatten()
                .and_then(|parent| self.child(parent, &part));
            if let Some(link) = node.filter(|node| node.kind == Kind::Link)
                && links < MOST_LINKS
            {
                links += 1;
                let target = self.text(link.more);
                if target.starts_with('/') {
                    reached.clear();
                    nodes.truncate(1);
                }
                for part in parts(target).into_iter().rev() {
                    left.push_front(part);
                }
                continue;
            }
            reached.push(part);
            nodes.push(node);
        }
        format!("/{}", reached.join("/"))
    }

    /// The names in the directory `path`, through whatever links, sorted; none where it is no directory.
    #[must_use]
    pub fn names(&self, path: &str) -> Vec<&str> {
        let directory = self.at(&self.resolve(path));
        let children = directory.map(|node| self.children(node)).into_iter().flatten();
        children.map(|node| self.text(node.name)).collect()
    }

    fn at(&self, path: &str) -> Option<Node> {
        let mut node = self.node(0)?;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            node = self.child(node, part)?;
        }
        Some(node)
    }

    fn child(&self, directory: Node, name: &str) -> Option<Node> {
        let Range { start, length } = children_range(directory)?;
        let (mut low, mut high) = (start, start.checked_add(length)?);
        while low < high {
            let middle = low + (high - low) / 2;
            let node = self.node(middle)?;
            match self.text(node.name).cmp(name) {
                std::cmp::Ordering::Equal => return Some(node),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn children(&self, directory: Node) -> impl Iterator<Item = Node> {
        let range =
            children_range(directory).map_or(0..0, |range| range.start..range.start.saturating_add(range.length));
        range.map_while(|index| self.node(index))
    }

    fn node(&self, index: u32) -> Option<Node> {
        let start = usize::try_from(index).ok()?.checked_mul(NODE)?;
        let bytes = self.nodes.get(start..start.checked_add(NODE)?)?;
        let number = |at: usize| number(bytes, at);
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let kind_and_mode = short(6);
        Some(Node {
            index,
            name: Range {
                start: number(0),
                length: u32::from(short(4)),
            },
            kind: Kind::ALL[usize::from(kind_and_mode >> 12) % Kind::ALL.len()],
            mode: kind_and_mode & 0o7777,
            more: Range {
                start: number(8),
                length: number(12),
            },
        })
    }

    fn text(&self, range: Range) -> &str {
        let bytes = || {
            let start = usize::try_from(range.start).ok()?;
            let end = start.checked_add(usize::try_from(range.length).ok()?)?;
            std::str::from_utf8(self.names.get(start..end)?).ok()
        };
        bytes().unwrap_or_default()
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn children_range(node: Node) -> Option<Range> {
    (node.kind == Kind::Directory).then_some(node.more)
}

fn parts(path: &str) -> VecDeque<String> {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.map(str::to_owned).collect()
}

/// As it is kept in the cache: the lengths of the nodes and of the owners, the nodes, the owners, the names.
impl Tree {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let [nodes, owners] = [&self.nodes, &self.owners].map(|part| (part.len() as u64).to_le_bytes());
        [&nodes[..], &owners, &self.nodes, &self.owners, &self.names].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let length = |bytes: &[u8; 8]| usize::try_from(u64::from_le_bytes(*bytes)).ok();
        let (nodes, rest) = bytes.split_first_chunk::<8>()?;
        let (owners, rest) = rest.split_first_chunk::<8>()?;
        let (nodes, rest) = rest.split_at_checked(length(nodes)?)?;
        let (owners, names) = rest.split_at_checked(length(owners)?)?;
        Some(Self {
            nodes: nodes.to_vec(),
            names: names.to_vec(),
            owners: owners.to_vec(),
        })
    }
}

/// Writes a tree, from the root down.
#[derive(Default)]
pub(super) struct Writer {
    nodes: Vec<u8>,
    names: Vec<u8>,
    owners: Vec<u8>,
}

impl Writer {
    /// Adds a directory; `children` are the nodes of what is in it, which are added later, sorted by name.
    pub(super) fn directory(&mut self, name: &str, mode: u16, owner: Owner, children: std::ops::Range<u32>) {
        if !owner.is_root() {
            let index = u32::try_from(self.nodes.len() / NODE).unwrap_or(u32::MAX);
            let bytes = [index, owner.user, owner.group].map(u32::to_le_bytes);
            self.owners.extend(bytes.as_flattened());
        }
        let children = Range {
            start: children.start,
            length: children.end - children.start,
        };
        self.node(name, Kind::Directory, mode, children);
    }

    pub(super) fn link(&mut self, name: &str, target: &str) {
        let target = self.text(target);
        self.node(name, Kind::Link, 0o777, target);
    }

    pub(super) fn leaf(&mut self, name: &str, kind: Kind, mode: u16) {
        self.node(name, kind, mode, Range { start: 0, length: 0 });
    }

    pub(super) fn finish(self) -> Tree {
        Tree {
            nodes: self.nodes,
            names: self.names,
            owners: self.owners,
        }
    }

    fn node(&mut self, name: &str, kind: Kind, mode: u16, rest: Range) {
        let name = self.text(name);
        // Names and paths are shorter than 4096 bytes.
        let length = u16::try_from(name.length).unwrap_or(u16::MAX);
        let kind = Kind::ALL.iter().position(|known| *known == kind).unwrap_or_default();
        let kind_and_mode = u16::try_from(kind).unwrap_or_default() << 12 | (mode & 0o7777);
        self.nodes.extend(name.start.to_le_bytes());
        self.nodes.extend(length.to_le_bytes());
        self.nodes.extend(kind_and_mode.to_le_bytes());
        self.nodes.extend(rest.start.to_le_bytes());
        self.nodes.extend(rest.length.to_le_bytes());
    }

    fn text(&mut self, text: &str) -> Range {
        let length_of = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let range = Range {
            start: length_of(self.names.len()),
            length: length_of(text.len()),
        };
        self.names.extend(text.as_bytes());
        range
    }
}
