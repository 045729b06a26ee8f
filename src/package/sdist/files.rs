//! Which files belong into the sdist: those that setuptools' `sdist` command packs.
//!
//! Read beside setuptools 84's `command/sdist.py`, `command/egg_info.py` (`manifest_maker`) and `command/build_py.py`. The
//! order is theirs, because what `MANIFEST.in` excludes is what came before it: defaults, `MANIFEST.in`, licence and
//! referenced files, pruning. Deliberately different are: an earlier build's `SOURCES.txt` does not bring files back,
//! `__pycache__` is left out, links to directories are not entered by walking, and a name that is not UTF-8, a path or link out of
//! the project or a missing script is an error instead of a broken archive.

use std::collections::BTreeSet;

use super::Error;
use super::globs::Dialect;
use super::manifest;
use super::paths::{inside, join, pure};
use super::tree::{Kind, Tree};
use crate::progress::Progress;
use crate::project::{Build, Project, package_directory};
use crate::wildcard::Pattern;

const READMES: [&str; 4] = ["README", "README.rst", "README.txt", "README.md"];
const LICENSES: [&str; 4] = ["LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*"];
const TESTS: [&str; 2] = ["tests/test*.py", "test/test*.py"];
/// Packed with every package, as if `package_data` named them.
const IMPLICIT_DATA: [&str; 2] = ["*.pyi", "py.typed"];
const VCS_DIRS: [&str; 7] = ["RCS", "CVS", ".svn", ".hg", ".git", ".bzr", "_darcs"];
const TOP_CACHES: [&str; 3] = [".tox", ".nox", ".venv"];

/// A file of the project that belongs into the sdist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selected {
    /// Relative to the root, `/`-separated.
    pub(crate) path: String,
    /// Its size in bytes when the selection was made.
    pub(crate) size: u64,
}

/// What is left out whatever `MANIFEST.in` says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pruned {
    /// Directories, relative to the root.
    pub(crate) dirs: Vec<String>,
    /// Files, relative to the root.
    pub(crate) files: Vec<String>,
}

impl Pruned {
    /// Whether everything below the directory `dir` is left out.
    pub(crate) fn directory(&self, dir: &str) -> bool {
        let name = dir.rsplit('/').next().unwrap_or(dir);
        VCS_DIRS.contains(&name)
            || name == "__pycache__"
            || TOP_CACHES.contains(&dir)
            || self.dirs.iter().any(|pruned| pruned == dir)
    }

    fn file(&self, path: &str) -> bool {
        let mut end = 0;
        while let Some(offset) = path[end..].find('/') {
            end += offset;
            if self.directory(&path[..end]) {
                return true;
            }
            end += 1;
        }
        self.files.iter().any(|pruned| pruned == path)
    }
}

/// Where setuptools puts `<name>.egg-info`: the root, or the directory that `package_dir` gives for it.
pub(crate) fn egg_base(build: &Build) -> Result<String, Error> {
    let base = build.package_dir.get("").map_or("", String::as_str);
    inside(base).ok_or_else(|| outside(base, "package_dir"))
}

/// The directory of a package, relative to the root, which it may not leave.
pub(crate) fn package_dir(build: &Build, package: &str) -> Result<String, Error> {
    let directory = package_directory(package, &build.package_dir);
    inside(&directory).ok_or_else(|| outside(&directory.to_string_lossy(), "package_dir"))
}

/// The project's files for the sdist, sorted, with its licence files, and those of `generated` (paths that are not read from
/// the project) that `MANIFEST.in` does not exclude.
pub(crate) fn select(
    project: &Project,
    tree: &Tree,
    pruned: &Pruned,
    generated: &[String],
    license_files: &[String],
    progress: &dyn Progress,
) -> Result<(Vec<Selected>, Vec<String>), Error> {
    let mut selection = Selection {
        project,
        tree,
        progress,
        files: BTreeSet::new(),
    };
    selection.standard_files()?;
    selection.modules()?;
    selection.package_data()?;
    selection.data_files_and_scripts()?;
    selection.files.extend(generated.iter().cloned());
    selection.manifest()?;
    selection.files.extend(license_files.iter().cloned());
    selection.referenced_files()?;
    let mut files = selection.files;
    files.retain(|file| !pruned.file(file));
    let kept: Vec<String> = generated.iter().filter(|path| files.remove(*path)).cloned().collect();
    for link in tree.links_passed() {
        progress.warn(&format!(
            "{link} is a link to a directory; what is behind it is not packed unless a path names it"
        ));
    }
    Ok((regular(files, tree, progress)?, kept))
}

/// The licence files, pattern by pattern, as `License-File` lists them: those that are declared, else setuptools' own
/// patterns. Editors' backups (`LICENSE~`) are none.
pub(crate) fn license_files(build: &Build, tree: &Tree, progress: &dyn Progress) -> Result<Vec<String>, Error> {
    let mut found: Vec<String> = Vec::new();
    let mut known = BTreeSet::new();
    let own = || LICENSES.map(ToOwned::to_owned).to_vec();
    for pattern in build.license_files.clone().unwrap_or_else(own) {
        if inside(&pattern).is_none() {
            return Err(outside(&pattern, "license_files"));
        }
        let mut any = false;
        for path in tree.expand(&pattern, Dialect::Python, true)? {
            // A name that is not UTF-8 counts too: `regular` refuses it.
            let counts = !path.ends_with('~') && (tree.is_file(&path)? || !tree.spelled(&path));
            any |= counts;
            if counts && known.insert(path.clone()) {
                found.push(path);
            }
        }
        if !any && build.license_files.is_some() {
            progress.warn(&format!("`license_files` names `{pattern}`, but no file matches"));
        }
    }
    Ok(found)
}

/// The regular files among `files`. One that lies outside of the project is an error.
fn regular(files: BTreeSet<String>, tree: &Tree, progress: &dyn Progress) -> Result<Vec<Selected>, Error> {
    let mut selected = Vec::with_capacity(files.len());
    for path in files {
        if !tree.spelled(&path) {
            return Err(Error::NonUtf8Name {
                path: tree.absolute(&path),
            });
        }
        let reason = match tree.kind(&path)? {
            Kind::File(size) => {
                if path.contains(char::is_control) {
                    progress.warn(&format!(
                        "the file name {path:?} contains a control character; it is packed all the same"
                    ));
                }
                tree.real(&path)?;
                selected.push(Selected { path, size });
                continue;
            }
            Kind::Directory => "is a directory",
            Kind::Special => "is a pipe, socket or device",
            Kind::Missing => "is a link that leads nowhere",
        };
        progress.warn(&format!("{path} {reason}; it is not packed"));
    }
    Ok(selected)
}

fn outside(path: &str, declared_in: &str) -> Error {
    Error::OutsideProject {
        path: path.to_owned(),
        declared_in: declared_in.to_owned(),
    }
}

struct Selection<'a> {
    project: &'a Project,
    tree: &'a Tree,
    progress: &'a dyn Progress,
    files: BTreeSet<String>,
}

impl Selection<'_> {
    /// Adds `path` if it is a file. One whose name is not UTF-8 is added too: [`regular`] refuses it, unless it is excluded later.
    fn add_if_file(&mut self, path: &str) -> Result<bool, Error> {
        let is_file = self.tree.is_file(path)? || !self.tree.spelled(path);
        if is_file {
            self.files.insert(path.to_owned());
        }
        Ok(is_file)
    }

    fn standard_files(&mut self) -> Result<(), Error> {
        // Only the first README counts; the others need a line in MANIFEST.in.
        for readme in READMES {
            if self.add_if_file(readme)? {
                break;
            }
        }
        for name in ["setup.py", "setup.cfg", "pyproject.toml", manifest::TEMPLATE] {
            self.add_if_file(name)?;
        }
        for pattern in TESTS {
            self.add_matching(pattern)?;
        }
        Ok(())
    }

    /// Adds the files that a Python glob matches; answers whether there were any.
    fn add_matching(&mut self, pattern: &str) -> Result<bool, Error> {
        let mut any = false;
        for path in self.tree.expand(pattern, Dialect::Python, true)? {
            any |= self.add_if_file(&path)?;
        }
        Ok(any)
    }

    fn modules(&mut self) -> Result<(), Error> {
        for package in &self.project.metadata.packages {
            let dir = self.checked_package_dir(package)?;
            for path in self.tree.expand(&join(&dir, "*.py"), Dialect::Python, false)? {
                if path != "setup.py" {
                    self.add_if_file(&path)?;
                }
            }
        }
        for module in &self.project.metadata.py_modules {
            let (package, name) = module.rsplit_once('.').unwrap_or(("", module));
            let dir = self.checked_package_dir(package)?;
            if !package.is_empty() {
                self.add_if_file(&join(&dir, "__init__.py"))?;
            }
            let path = join(&dir, &format!("{name}.py"));
            if !self.add_if_file(&path)? {
                self.progress
                    .warn(&format!("`py_modules` names `{module}`, but there is no file {path}"));
            }
        }
        Ok(())
    }

    fn checked_package_dir(&self, package: &str) -> Result<String, Error> {
        let dir = package_dir(&self.project.build, package)?;
        let kind = self.tree.kind(&dir)?;
        if kind == Kind::Directory {
            self.tree.real(&dir)?;
            return Ok(dir);
        }
        Err(Error::PackageDir {
            package: package.to_owned(),
            path: self.tree.absolute(&dir),
            is_file: kind != Kind::Missing,
        })
    }

    /// `package_data`. `include_package_data` adds nothing to an sdist: it says what of the sdist's files is installed.
    fn package_data(&mut self) -> Result<(), Error> {
        let build = &self.project.build;
        for package in &self.project.metadata.packages {
            let dir = package_dir(build, package)?;
            let globs = ["", package.as_str()]
                .into_iter()
                .filter_map(|key| build.package_data.get(key))
                .flatten();
            let mut found = BTreeSet::new();
            for glob in IMPLICIT_DATA.into_iter().chain(globs.map(String::as_str)) {
                let pattern = inside(join(&dir, glob)).ok_or_else(|| outside(glob, "package_data"))?;
                found.extend(self.tree.expand(&pattern, Dialect::Python, true)?);
            }
            let keys = ["", package.as_str()].into_iter();
            for glob in keys.filter_map(|key| build.exclude_package_data.get(key)).flatten() {
                let matcher = Pattern::fnmatch(&join(&dir, &pure(glob)));
                found.retain(|path| !matcher.matches(path));
            }
            for path in found {
                self.add_if_file(&path)?;
            }
        }
        Ok(())
    }

    fn data_files_and_scripts(&mut self) -> Result<(), Error> {
        let build = &self.project.build;
        for (keyword, paths) in [("data_files", &build.data_files), ("scripts", &build.scripts)] {
            for path in paths {
                let path = inside(path).ok_or_else(|| outside(path, keyword))?;
                if !self.add_if_file(&path)? {
                    return Err(Error::MissingFile {
                        path: self.tree.absolute(&path),
                        keyword,
                    });
                }
            }
        }
        Ok(())
    }

    fn manifest(&mut self) -> Result<(), Error> {
        if self.tree.kind(manifest::TEMPLATE)? == Kind::Missing {
            return Ok(());
        }
        let bytes = self.tree.read(manifest::TEMPLATE)?;
        manifest::apply(&bytes, self.tree, &mut self.files, self.progress)
    }

    fn referenced_files(&mut self) -> Result<(), Error> {
        let build = &self.project.build;
        for named in build.readme.iter().chain(&build.referenced_files) {
            let path = inside(named).ok_or_else(|| outside(named, "the project's metadata"))?;
            if !self.add_if_file(&path)? {
                self.progress.warn(&format!(
                    "the project's metadata refers to {path}, but there is no such file"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_dir_takes_the_longest_parent() {
        let mut build = Build::default();
        assert_eq!(package_dir(&build, "a.b").unwrap(), "a/b");
        build.package_dir.insert(String::new(), "./src/".to_owned());
        assert_eq!(package_dir(&build, "a.b").unwrap(), "src/a/b");
        assert_eq!(package_dir(&build, "").unwrap(), "src");
        assert_eq!(egg_base(&build).unwrap(), "src");
        build.package_dir.insert("a".to_owned(), "lib".to_owned());
        assert_eq!(package_dir(&build, "a.b").unwrap(), "lib/b");
        assert_eq!(package_dir(&build, "ab").unwrap(), "src/ab");
        build.package_dir.insert("c".to_owned(), "../c".to_owned());
        assert!(matches!(package_dir(&build, "c"), Err(Error::OutsideProject { .. })));
    }

    #[test]
    fn what_is_pruned() {
        let pruned = Pruned {
            dirs: vec!["build".into()],
            files: vec!["x.tar.gz".into()],
        };
        for path in [
            "build/a",
            "a/.git/config",
            ".venv/x",
            "p/__pycache__/m.pyc",
            "x.tar.gz",
            "CVS/Root",
        ] {
            assert!(pruned.file(path), "{path}");
        }
        for path in ["builds/a", "a/build/b", ".gitignore", "p/.venv/x", ".git", "y/x.tar.gz"] {
            assert!(!pruned.file(path), "{path}");
        }
    }
}
