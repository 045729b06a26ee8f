//! Globs, expanded in the project's tree.

use std::collections::BTreeSet;

use super::Error;
use super::paths::{join, parent};
use super::tree::{Kind, Tree};
use crate::wildcard::{Pattern, has_magic};

/// Which glob is meant: they differ in what they do with dot files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Python's `glob.glob(…, recursive=True)`: wildcards do not match a leading dot.
    Python,
    /// `setuptools.glob`: they do.
    Setuptools,
}

impl Tree {
    /// The paths that `pattern` names, sorted: files, directories and links that lead nowhere. `**` as a whole component is
    /// any number of directories where `recursive`, otherwise it is a `*`; a slash at the end, and a component `.`, leave
    /// directories only.
    pub(crate) fn expand(&self, pattern: &str, dialect: Dialect, recursive: bool) -> Result<Vec<String>, Error> {
        let components: Vec<&str> = pattern.split('/').collect();
        let mut found = BTreeSet::from([String::new()]);
        for (index, component) in components.iter().enumerate() {
            let last = index + 1 == components.len();
            let mut next = BTreeSet::new();
            for dir in &found {
                if matches!(*component, "" | ".") {
                    next.extend((self.kind(dir)? == Kind::Directory).then(|| dir.clone()));
                } else if *component == ".." {
                    next.extend(parent(dir));
                } else if recursive && *component == "**" {
                    self.expand_recursive(dir, dialect, last, &mut next)?;
                } else {
                    self.expand_component(dir, component, dialect, &mut next)?;
                }
            }
            found = next;
        }
        found.remove("");
        Ok(found.into_iter().collect())
    }

    fn expand_component(
        &self,
        dir: &str,
        component: &str,
        dialect: Dialect,
        found: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        if !has_magic(component) {
            let path = join(dir, component);
            if self.exists(&path) {
                found.insert(path);
            }
            return Ok(());
        }
        let pattern = Pattern::fnmatch(component);
        for entry in self.entries(dir)?.iter() {
            if is_hidden(&entry.name, dialect) && !component.starts_with('.') {
                continue;
            }
            if pattern.matches(&entry.name) {
                found.insert(join(dir, &entry.name));
            }
        }
        Ok(())
    }

    fn expand_recursive(
        &self,
        dir: &str,
        dialect: Dialect,
        with_files: bool,
        found: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        let mut waiting = Vec::new();
        if self.kind(dir)? == Kind::Directory {
            waiting.push(dir.to_owned());
        }
        while let Some(dir) = waiting.pop() {
            for entry in self.entries(&dir)?.iter() {
                let path = join(&dir, &entry.name);
                if is_hidden(&entry.name, dialect) {
                    continue;
                }
                if entry.is_dir && self.may_enter(&path, entry) {
                    waiting.push(path);
                } else if with_files {
                    found.insert(path);
                }
            }
            found.insert(dir);
        }
        Ok(())
    }
}

fn is_hidden(name: &str, dialect: Dialect) -> bool {
    dialect == Dialect::Python && name.starts_with('.')
}
