//! The project's directory as the selection sees it: listings and kinds. What lies outside of it is neither listed nor read.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Error;
use super::paths::{join, parent};
use crate::project::border::{self, Real};
use crate::reading::{self, PROJECT_FILE, Search, TooFar};

/// What a path is, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file, of so many bytes.
    File(u64),
    Directory,
    /// A pipe, socket or device.
    Special,
    /// Nothing there, or a link that leads nowhere.
    Missing,
}

/// What a directory holds.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The file name; of one that is not UTF-8 its lossy form, which [`Tree::spelled`] tells apart.
    pub(super) name: String,
    pub(super) is_dir: bool,
    is_link: bool,
}

/// A read-only view of the project's directory. Paths are relative to its root, `/`-separated, and listings are sorted, so
/// that nothing depends on the file system's order.
pub(crate) struct Tree {
    root: PathBuf,
    listings: RefCell<HashMap<String, Rc<Vec<Entry>>>>,
    /// Where each directory lies, links followed.
    directories: RefCell<HashMap<String, PathBuf>>,
    links_passed: RefCell<BTreeSet<String>>,
    search: RefCell<Search>,
    is_pruned: Box<dyn Fn(&str) -> bool>,
    /// Files that are there for setuptools, which writes them before it looks, and the directories above them.
    generated: BTreeSet<String>,
    generated_dirs: BTreeSet<String>,
}

impl Tree {
    /// `is_pruned` tells of a directory whether everything below it is left out anyway: it is not walked.
    pub(crate) fn new(root: &Path, is_pruned: impl Fn(&str) -> bool + 'static) -> Self {
        Self {
            root: root.to_path_buf(),
            listings: RefCell::default(),
            directories: RefCell::default(),
            links_passed: RefCell::default(),
            search: RefCell::default(),
            is_pruned: Box::new(is_pruned),
            generated: BTreeSet::new(),
            generated_dirs: BTreeSet::new(),
        }
    }

    /// The same with files that are made for the archive, to be found like those on disk.
    pub(crate) fn with_generated(mut self, files: &[String]) -> Self {
        self.listings.get_mut().clear();
        self.generated = files.iter().cloned().collect();
        let above = files
            .iter()
            .flat_map(|file| std::iter::successors(parent(file), |dir| parent(dir)));
        self.generated_dirs = above.collect();
        self
    }

    /// The absolute path.
    pub(crate) fn absolute(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Where `path` lies, all links followed: what is opened.
    ///
    /// # Errors
    /// It leads out of the project, or nowhere.
    pub(crate) fn real(&self, path: &str) -> Result<PathBuf, Error> {
        let Some(dir) = parent(path) else {
            return Ok(self.root.clone());
        };
        let failed = |source| Error::Read {
            path: self.absolute(path),
            source,
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let named = self.real_directory(&dir)?.join(name);
        if !self.is_link(&dir, name, &named).map_err(failed)? && !border::is_gits(&self.root, &named) {
            return Ok(named);
        }
        match border::real(&self.root, path).map_err(failed)? {
            Real::Inside(real) => Ok(real),
            Real::Outside(outside) => Err(Error::Outside(outside)),
        }
    }

    /// Whether `name` in `dir` is a link: a listing says it of all at once.
    fn is_link(&self, dir: &str, name: &str, path: &Path) -> io::Result<bool> {
        if let Some(listed) = self.listings.borrow().get(dir)
            && let Ok(at) = listed.binary_search_by(|entry| entry.name.as_str().cmp(name))
        {
            return Ok(listed[at].is_link);
        }
        Ok(fs::symlink_metadata(path)?.is_symlink())
    }

    fn real_directory(&self, dir: &str) -> Result<PathBuf, Error> {
        if let Some(known) = self.directories.borrow().get(dir) {
            return Ok(known.clone());
        }
        let real = self.real(dir)?;
        self.directories.borrow_mut().insert(dir.to_owned(), real.clone());
        Ok(real)
    }

    /// What the file `path` holds.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        reading::bytes(&self.real(path)?, PROJECT_FILE).map_err(|source| Error::Read {
            path: self.absolute(path),
            source,
        })
    }

    /// What `path` is.
    pub(crate) fn kind(&self, path: &str) -> Result<Kind, Error> {
        if self.generated.contains(path) {
            return Ok(Kind::File(0));
        }
        if self.generated_dirs.contains(path) {
            return Ok(Kind::Directory);
        }
        let absolute = self.absolute(path);
        match fs::metadata(&absolute) {
            Ok(metadata) if metadata.is_file() => Ok(Kind::File(metadata.len())),
            Ok(metadata) if metadata.is_dir() => Ok(Kind::Directory),
            Ok(_) => Ok(Kind::Special),
            Err(source) if leads_nowhere(&source) => Ok(Kind::Missing),
            Err(source) => Err(Error::Read { path: absolute, source }),
        }
    }

    /// Whether `path` is a regular file.
    pub(crate) fn is_file(&self, path: &str) -> Result<bool, Error> {
        Ok(matches!(self.kind(path)?, Kind::File(_)))
    }

    /// Whether something bears this name, be it a link that leads nowhere.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.generated.contains(path)
            || self.generated_dirs.contains(path)
            || fs::symlink_metadata(self.absolute(path)).is_ok()
    }

    /// Whether a directory entry is spelled exactly as `path`'s last component: false for the lossy form of a name that is
    /// not UTF-8.
    pub(crate) fn spelled(&self, path: &str) -> bool {
        !path.contains(char::REPLACEMENT_CHARACTER) || self.exists(path)
    }

    /// Links to directories that a walk came upon and did not enter.
    pub(crate) fn links_passed(&self) -> Vec<String> {
        self.links_passed.borrow().iter().cloned().collect()
    }

    /// Every file below `dir` (empty: the root), sorted. A link to a directory is not entered, so a loop of links ends
    /// nothing; `dir` itself may be one.
    pub(crate) fn walk(&self, dir: &str) -> Result<Vec<String>, Error> {
        let mut files = Vec::new();
        let mut waiting = vec![dir.to_owned()];
        while let Some(dir) = waiting.pop() {
            for entry in self.entries(&dir)?.iter() {
                let path = join(&dir, &entry.name);
                if !entry.is_dir {
                    files.push(path);
                } else if self.may_enter(&path, entry) {
                    waiting.push(path);
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// Whether a walk goes on in the directory `entry`. A link to one that it passes by is remembered.
    pub(super) fn may_enter(&self, path: &str, entry: &Entry) -> bool {
        if (self.is_pruned)(path) {
            return false;
        }
        if entry.is_link {
            self.links_passed.borrow_mut().insert(path.to_owned());
        }
        !entry.is_link
    }

    /// What `dir` contains, sorted; nothing if it is no directory.
    pub(super) fn entries(&self, dir: &str) -> Result<Rc<Vec<Entry>>, Error> {
        if let Some(known) = self.listings.borrow().get(dir) {
            return Ok(Rc::clone(known));
        }
        let mut listed = self.list(dir)?;
        self.add_generated(dir, &mut listed);
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        let listed = Rc::new(listed);
        self.listings.borrow_mut().insert(dir.to_owned(), Rc::clone(&listed));
        Ok(listed)
    }

    fn add_generated(&self, dir: &str, listed: &mut Vec<Entry>) {
        let files = self.generated.iter().map(|path| (path, false));
        let dirs = self.generated_dirs.iter().map(|path| (path, true));
        for (path, is_dir) in files.chain(dirs) {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            if above != dir || name.is_empty() || listed.iter().any(|entry| entry.name == name) {
                continue;
            }
            listed.push(Entry {
                name: name.to_owned(),
                is_dir,
                is_link: false,
            });
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, Error> {
        let absolute = self.absolute(dir);
        let failed = |source| Error::List {
            path: absolute.clone(),
            source,
        };
        let too_far = |source: TooFar| Error::TooFar {
            path: absolute.clone(),
            source,
        };
        let real = match self.real(dir) {
            Ok(real) => real,
            Err(Error::Read { source, .. }) if leads_nowhere(&source) => return Ok(Vec::new()),
            // A file has no entries, wherever it lies.
            Err(Error::Outside(_)) if !absolute.is_dir() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut search = self.search.borrow_mut();
        search.directory().map_err(too_far)?;
        let reader = match fs::read_dir(real) {
            Ok(reader) => reader,
            Err(source) if leads_nowhere(&source) => return Ok(Vec::new()),
            Err(source) => return Err(failed(source)),
        };
        let mut entries = Vec::new();
        for entry in reader {
            search.entry().map_err(too_far)?;
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let is_link = kind.is_symlink();
            if is_link {
                search.look().map_err(too_far)?;
            }
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                // The listing tells the kind; only behind a link it takes another look.
                is_dir: kind.is_dir() || (is_link && entry.path().is_dir()),
                is_link,
            });
        }
        Ok(entries)
    }
}

fn leads_nowhere(error: &io::Error) -> bool {
    // A loop of links has no stable `ErrorKind` yet.
    const ELOOP: i32 = 40;
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || (cfg!(target_os = "linux") && error.raw_os_error() == Some(ELOOP))
}

#[cfg(test)]
mod tests;
