//! The project's directory as the selection sees it: listings, kinds and expanded globs. What lies outside of it is neither listed
//! nor read.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::Error;
use crate::project::border::{self, Real};
use crate::reading::{self, PROJECT_FILE, Search, TooFar};
use crate::wildcard::{Pattern, has_magic};

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

#[derive(Debug, Clone)]
struct Entry {
    /// The file name; of one that is not UTF-8 its lossy form, which [`Tree::spelled`] tells apart.
    name: String,
    is_dir: bool,
    is_link: bool,
}

/// Which glob is meant: they differ in what they do with dot files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Python's `glob.glob(…, recursive=True)`: wildcards do not match a leading dot.
    Python,
    /// `setuptools.glob`: they do.
    Setuptools,
}

/// A read-only view of the project's directory. Paths are relative to its root, `/`-separated, and listings are sorted, so
/// that nothing depends on the file system's order.
pub(crate) struct Tree {
    root: PathBuf,
    listings: RefCell<HashMap<String, Rc<Vec<Entry>>>>,
    /// Directories without links, each looked at once.
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

    fn may_enter(&self, path: &str, entry: &Entry) -> bool {
        if (self.is_pruned)(path) {
            return false;
        }
        if entry.is_link {
            self.links_passed.borrow_mut().insert(path.to_owned());
        }
        !entry.is_link
    }

    /// What `dir` contains, sorted; nothing if it is no directory.
    fn entries(&self, dir: &str) -> Result<Rc<Vec<Entry>>, Error> {
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

/// `path`, a `/`-separated path as someone wrote it, without `.`, `..` and doubled slashes; `None` if it is absolute or
/// leads out of the directory it is relative to.
pub(crate) fn inside(path: impl AsRef<Path>) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.as_ref().components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// What Python's `pathlib.PurePath` makes of a path: no `.` components, no doubled or trailing slashes; `..` stays, and
/// so does a lone `.`.
pub(crate) fn pure(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let root = if path.starts_with('/') { "/" } else { "" };
    let pure = format!("{root}{}", parts.join("/"));
    if pure.is_empty() { ".".to_owned() } else { pure }
}

/// `dir/name`, or `name` at the root.
pub(crate) fn join(dir: &str, name: &str) -> String {
    match (dir.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => dir.to_owned(),
        _ => format!("{dir}/{name}"),
    }
}

/// The directory above; `None` above the root.
fn parent(dir: &str) -> Option<String> {
    if dir.is_empty() {
        return None;
    }
    Some(
        dir.rsplit_once('/')
            .map_or_else(String::new, |(parent, _)| parent.to_owned()),
    )
}

fn is_hidden(name: &str, dialect: Dialect) -> bool {
    dialect == Dialect::Python && name.starts_with('.')
}

fn leads_nowhere(error: &io::Error) -> bool {
    // A loop of links has no stable `ErrorKind` yet.
    const ELOOP: i32 = 40;
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || (cfg!(target_os = "linux") && error.raw_os_error() == Some(ELOOP))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[&str]) -> (tempfile::TempDir, Tree) {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let tree = Tree::new(dir.path(), |_| false);
        (dir, tree)
    }

    #[test]
    fn paths_are_cleaned_and_kept_inside() {
        assert_eq!(inside("./a//b/../c").as_deref(), Some("a/c"));
        assert_eq!(inside(".").as_deref(), Some(""));
        assert_eq!(inside("../a"), None);
        assert_eq!(inside("a/../../b"), None);
        assert_eq!(inside("/etc/passwd"), None);
    }

    #[test]
    fn dialects_differ_in_dot_files() {
        let (_dir, tree) = tree(&["p/a.txt", "p/.b.txt", "p/.h/c.txt", "p/s/d.txt"]);
        assert_eq!(tree.expand("p/*.txt", Dialect::Python, true).unwrap(), ["p/a.txt"]);
        assert_eq!(
            tree.expand("p/*.txt", Dialect::Setuptools, true).unwrap(),
            ["p/.b.txt", "p/a.txt"]
        );
        assert_eq!(
            tree.expand("p/**/*.txt", Dialect::Python, true).unwrap(),
            ["p/a.txt", "p/s/d.txt"]
        );
        assert_eq!(
            tree.expand("p/**/*.txt", Dialect::Setuptools, true).unwrap(),
            ["p/.b.txt", "p/.h/c.txt", "p/a.txt", "p/s/d.txt"]
        );
        assert_eq!(
            tree.expand("p/**/c.txt", Dialect::Setuptools, false).unwrap(),
            ["p/.h/c.txt"]
        );
        assert_eq!(tree.expand("./p/a.txt", Dialect::Python, true).unwrap(), ["p/a.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_walk_passes_links_to_directories_by() {
        let (dir, tree) = tree(&["d/a"]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("d/up")).unwrap();
        std::os::unix::fs::symlink("loop", dir.path().join("d/loop")).unwrap();
        assert_eq!(tree.walk("").unwrap(), ["d/a", "d/loop"]);
        assert_eq!(tree.links_passed(), ["d/up"]);
        assert_eq!(tree.kind("d/loop").unwrap(), Kind::Missing);
        // A path that names the link goes through it.
        assert_eq!(
            tree.expand("d/up/d/a", Dialect::Setuptools, true).unwrap(),
            ["d/up/d/a"]
        );
        assert_eq!(tree.real("d/up/d/a").unwrap(), dir.path().join("d/a"));
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_leads_to_outside_is_not_listed() {
        let (away, _) = tree(&["s/key"]);
        let (dir, tree) = tree(&["d/a"]);
        std::os::unix::fs::symlink(away.path(), dir.path().join("d/away")).unwrap();
        std::os::unix::fs::symlink(away.path().join("s/key"), dir.path().join("d/key")).unwrap();
        // Their names are the project's own.
        assert_eq!(
            tree.expand("d/*", Dialect::Setuptools, true).unwrap(),
            ["d/a", "d/away", "d/key"]
        );
        assert_eq!(tree.walk("d").unwrap(), ["d/a", "d/key"]);
        assert_eq!(tree.expand("d/key/*", Dialect::Setuptools, true).unwrap(), [""; 0]);
        for pattern in ["d/away/*", "d/away/s/*", "d/away/**/key", "*/*/*"] {
            let error = tree.expand(pattern, Dialect::Setuptools, true).unwrap_err();
            assert!(
                error.to_string().starts_with("d/away is a link to a directory"),
                "{error}"
            );
        }
        for path in ["d/key", "d/away", "d/away/s", "d/away/s/key"] {
            assert!(matches!(tree.real(path), Err(Error::Outside(_))), "{path}");
        }
    }
}
