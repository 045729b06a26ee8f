//! Which files belong into the sdist: those that setuptools' `sdist` command packs.
//!
//! Read beside setuptools 84's `command/sdist.py` and `command/egg_info.py` (`manifest_maker`). The
//! order is theirs, because what `MANIFEST.in` excludes is what came before it: defaults, `MANIFEST.in`, licence and
//! referenced files, pruning. Deliberately different are: an earlier build's `SOURCES.txt` does not bring files back,
//! `__pycache__` is left out, links to directories are not entered by walking, and a name that is not UTF-8, a path or link out of
//! the project or a missing script is an error instead of a broken archive.

use std::collections::{BTreeMap, BTreeSet};

use super::globs::Dialect;
use super::paths::inside;
use super::tree::{Kind, Tree};
use super::{Error, build_py, manifest};
use crate::progress::Progress;
use crate::project::{Build, Project};

const READMES: [&str; 4] = ["README", "README.rst", "README.txt", "README.md"];
const LICENSES: [&str; 4] = ["LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*"];
const TESTS: [&str; 2] = ["tests/test*.py", "test/test*.py"];
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
    inside(base).ok_or_else(|| Error::outside(base, "package_dir"))
}

/// What is selected.
pub(crate) struct Listed {
    /// The project's files for the sdist, sorted, its licences among them.
    pub(crate) files: Vec<Selected>,
    /// Those of setuptools' own files, which are not read from the project, that `MANIFEST.in` does not exclude.
    pub(crate) generated: Vec<String>,
    /// Files that setuptools lists with a `./` in front, because a pattern of `MANIFEST.in` that begins so brought them, and whether
    /// it lists them without one as well.
    pub(crate) below_here: BTreeMap<String, bool>,
}

/// Selects the files for the sdist; `generated` are the paths of setuptools' own.
pub(crate) fn select(
    project: &Project,
    tree: &Tree,
    pruned: &Pruned,
    generated: &[String],
    license_files: &[String],
    progress: &dyn Progress,
) -> Result<Listed, Error> {
    let mut selection = Selection {
        project,
        tree,
        progress,
        files: BTreeSet::new(),
        below_here: BTreeMap::new(),
    };
    selection.standard_files()?;
    selection.modules()?;
    selection.package_data()?;
    selection.data_files_and_scripts()?;
    selection.files.extend(generated.iter().cloned());
    selection.manifest()?;
    selection.files.extend(license_files.iter().cloned());
    selection.referenced_files()?;
    let Selection {
        mut files, below_here, ..
    } = selection;
    files.retain(|file| !pruned.file(file));
    let kept: Vec<String> = generated.iter().filter(|path| files.remove(*path)).cloned().collect();
    for link in tree.links_passed() {
        progress.warn(&format!(
            "{link} is a link to a directory; what is behind it is not packed unless a path names it"
        ));
    }
    Ok(Listed {
        files: regular(files, tree, progress)?,
        generated: kept,
        below_here,
    })
}

/// The licence files, pattern by pattern, as `License-File` lists them: those that are declared, else setuptools' own
/// patterns. Editors' backups (`LICENSE~`) are none.
pub(crate) fn license_files(build: &Build, tree: &Tree, progress: &dyn Progress) -> Result<Vec<String>, Error> {
    let mut found: Vec<String> = Vec::new();
    let mut known = BTreeSet::new();
    let own = || LICENSES.map(ToOwned::to_owned).to_vec();
    for pattern in build.license_files.clone().unwrap_or_else(own) {
        if inside(&pattern).is_none() {
            return Err(Error::outside(&pattern, "license_files"));
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

struct Selection<'a> {
    project: &'a Project,
    tree: &'a Tree,
    progress: &'a dyn Progress,
    files: BTreeSet<String>,
    below_here: BTreeMap<String, bool>,
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
        let Project { metadata, build, .. } = self.project;
        for module in build_py::modules(metadata, build, self.tree)? {
            if !self.add_if_file(&module.path)?
                && let Some(name) = module.listed_as
            {
                let path = module.path;
                self.progress
                    .warn(&format!("`py_modules` names `{name}`, but there is no file {path}"));
            }
        }
        Ok(())
    }

    /// `package_data`. `include_package_data` adds nothing to an sdist: it says what of the sdist's files is installed.
    fn package_data(&mut self) -> Result<(), Error> {
        let build = &self.project.build;
        for package in &self.project.metadata.packages {
            let mut found = build_py::package_data(build, package, self.tree)?;
            build_py::exclude(build, package, &mut found)?;
            for path in found {
                self.add_if_file(&path)?;
            }
        }
        Ok(())
    }

    fn data_files_and_scripts(&mut self) -> Result<(), Error> {
        let build = &self.project.build;
        let data_files = build.data_files.iter().flat_map(|listed| &listed.files);
        let data_files = data_files.map(|path| ("data_files", path));
        for (keyword, path) in data_files.chain(build.scripts.iter().map(|path| ("scripts", path))) {
            let path = inside(path).ok_or_else(|| Error::outside(path, keyword))?;
            if !self.add_if_file(&path)? {
                return Err(Error::MissingFile {
                    path: self.tree.absolute(&path),
                    keyword,
                });
            }
        }
        Ok(())
    }

    fn manifest(&mut self) -> Result<(), Error> {
        if self.tree.kind(manifest::TEMPLATE)? == Kind::Missing {
            return Ok(());
        }
        let bytes = self.tree.read(manifest::TEMPLATE)?;
        self.below_here = manifest::apply(&bytes, self.tree, &mut self.files, self.progress)?;
        Ok(())
    }

    fn referenced_files(&mut self) -> Result<(), Error> {
        let build = &self.project.build;
        for named in build.readme.iter().chain(&build.referenced_files) {
            let path = inside(named).ok_or_else(|| Error::outside(named, "the project's metadata"))?;
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
