//! What is of the project: what lies in its directory, all links followed.
//!
//! A link may lead to any file of this machine, and what is read here ends in an archive, a label or a message. So whatever is
//! read, listed or packed goes through [`real`] first. setuptools would follow a link that leads out; sgbuild refuses it by name.
//! What git keeps in `.git` is not of the project either: it may hold the credentials of whoever cloned it.
//!
//! Settings and requirements may name files too. One that a file of the project names goes through [`outside`].

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::explain::{Advice, Code, Explain, Fault};

/// Where a path leads, all links followed.
#[derive(Debug)]
pub(crate) enum Real {
    /// To something of the project: its path, free of links.
    Inside(PathBuf),
    /// To something else.
    Outside(Outside),
}

/// What leads out of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The link, or the path itself where no link is on its way; relative to the project.
    path: PathBuf,
    /// What the link says. Where that leads in the end is this machine's affair.
    target: Option<PathBuf>,
    /// What is there, such as `a file`.
    kind: &'static str,
    /// Whether it is what git keeps.
    is_gits: bool,
}

/// Where `path`, relative to the project in `root`, leads.
///
/// # Errors
/// It leads nowhere, or its way cannot be followed.
pub(crate) fn real(root: &Path, path: impl AsRef<Path>) -> io::Result<Real> {
    let named = root.join(path);
    match named.canonicalize() {
        Ok(real) if is_in(root, &real) && !is_gits(root, &real) => Ok(Real::Inside(real)),
        Ok(real) => Ok(Real::Outside(Outside::of(root, &named, is_in(root, &real)))),
        // Links in /proc also lead to what bears no name any more, such as a here-document on stdin.
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.exists() => {
            Ok(Real::Outside(Outside::of(root, &named, false)))
        }
        Err(error) => Err(error),
    }
}

/// Where the file `name` lies, which is named in the project in `root`, if that is elsewhere, or below git's own directory. One that
/// cannot be followed is none of these: reading it says why.
pub(crate) fn outside(root: &Path, name: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let named = root.join(name);
    // Where nothing is there, its name alone may say that it is none of the project's.
    let place = named.canonicalize().unwrap_or_else(|_| without_dots(&named));
    (!place.starts_with(&root) || is_gits(&root, &place)).then_some(place)
}

/// The absolute `path` without its `..`, as though there were no links.
pub(crate) fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Whether `path`, which is free of links, is below git's own directory: that of the project, or of one within.
pub(crate) fn is_gits(root: &Path, path: &Path) -> bool {
    let above = path.strip_prefix(root).ok().and_then(Path::parent);
    above.is_some_and(names_git)
}

fn names_git(path: &Path) -> bool {
    path.iter().any(|name| name == OsStr::new(".git"))
}

fn is_in(root: &Path, real: &Path) -> bool {
    real.starts_with(root) || root.canonicalize().is_ok_and(|root| real.starts_with(root))
}

impl std::error::Error for Outside {}

impl Explain for Outside {
    fn code(&self) -> Code {
        Code::OutsideProject
    }

    fn advice(&self) -> Advice {
        match (self.is_gits, self.is_link()) {
            (true, _) => Fault::User
                .hint("Leave it out: what git keeps may hold credentials, and no package needs it."),
            (false, false) => Fault::User.hint("Copy it into the project, and name the copy."),
            (false, true) => Fault::User
                .hint(
                    "Replace the link by a copy of what it leads to: only the directory of setup.py is read, as a link out of it could \
                     carry any file of this machine into the image.",
                )
                .and("In a repository of several packages, turn the link round: keep the file here, and link to it from where it is now."),
        }
    }
}

impl Outside {
    fn of(root: &Path, named: &Path, is_gits: bool) -> Self {
        let below = named.strip_prefix(root).ok();
        let (path, target) = match below.and_then(|path| link_on_the_way(root, path)) {
            Some((link, target)) => (link, Some(target)),
            None => (below.unwrap_or(named).to_owned(), None),
        };
        let kind = match root.join(&path).metadata() {
            Ok(found) if found.is_file() => "a file",
            Ok(found) if found.is_dir() => "a directory",
            _ => "a pipe, socket or device",
        };
        Self {
            path,
            target,
            kind,
            is_gits,
        }
    }

    /// Whether a link leads there, rather than the path itself.
    pub(crate) fn is_link(&self) -> bool {
        self.target.is_some()
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            target,
            kind,
            is_gits,
        } = self;
        let path = path.display();
        match target.as_ref().map(|target| target.display()) {
            Some(target) if *is_gits => write!(f, "{path} is a link to {kind} that is git's own ({target})"),
            Some(target) => write!(f, "{path} is a link to {kind} outside the project ({target})"),
            None if *is_gits => write!(f, "{path} is git's own, and not of the project"),
            None => write!(f, "{path} lies outside the project"),
        }
    }
}

/// The first link on the way along `path` that leads out of the project, and what it says.
fn link_on_the_way(root: &Path, path: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut walked = PathBuf::new();
    for component in path.components() {
        walked.push(component);
        let reached = root.join(&walked);
        let real = reached.canonicalize();
        let leads_out = real.map_or(true, |real| {
            !is_in(root, &real) || names_git(real.strip_prefix(root).unwrap_or(&real))
        });
        match reached.read_link() {
            Ok(target) if leads_out => return Some((walked, target)),
            _ if leads_out => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
