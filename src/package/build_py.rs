//! What setuptools' `build_py` finds: the modules of packages, and the data beside them.
//!
//! Read beside setuptools 84's `command/build_py.py`.

use std::collections::BTreeSet;

use super::Error;
use super::globs::Dialect;
use super::paths::{inside, join, pure};
use super::tree::{Kind, Tree};
use crate::project::{Build, Metadata, package_directory};
use crate::wildcard::Pattern;

/// Packed with every package, as if `package_data` named them.
const IMPLICIT_DATA: [&str; 2] = ["*.pyi", "py.typed"];
/// No module of a package, even one that lies in the root.
const SETUP_SCRIPT: &str = "setup.py";

/// A module's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module<'a> {
    /// The package it is installed in, dotted; empty at the top.
    pub(super) package: &'a str,
    /// Relative to the project's root. Whether it is there is for who uses it to see.
    pub(super) path: String,
    /// How `py_modules` names it, if that does.
    pub(super) listed_as: Option<&'a str>,
}

/// The modules of all packages, and those that `py_modules` lists.
pub(super) fn modules<'a>(metadata: &'a Metadata, build: &Build, tree: &Tree) -> Result<Vec<Module<'a>>, Error> {
    let mut found = Vec::new();
    for package in &metadata.packages {
        let dir = checked_package_dir(build, package, tree)?;
        let paths = tree.expand(&join(&dir, "*.py"), Dialect::Python, false)?.into_iter();
        found.extend(paths.filter(|path| path != SETUP_SCRIPT).map(|path| Module {
            package,
            path,
            listed_as: None,
        }));
    }
    for module in &metadata.py_modules {
        let (package, name) = module.rsplit_once('.').unwrap_or(("", module));
        let dir = checked_package_dir(build, package, tree)?;
        let init = join(&dir, "__init__.py");
        if !package.is_empty() && tree.is_file(&init)? {
            found.push(Module {
                package,
                path: init,
                listed_as: None,
            });
        }
        found.push(Module {
            package,
            path: join(&dir, &format!("{name}.py")),
            listed_as: Some(module),
        });
    }
    Ok(found)
}

/// What `package_data` names of a package, whatever is excluded.
pub(super) fn package_data(build: &Build, package: &str, tree: &Tree) -> Result<BTreeSet<String>, Error> {
    let dir = package_dir(build, package)?;
    let globs = ["", package].into_iter().filter_map(|key| build.package_data.get(key));
    let globs = globs.flatten().map(String::as_str);
    let mut found = BTreeSet::new();
    for glob in IMPLICIT_DATA.into_iter().chain(globs) {
        let pattern = inside(join(&dir, glob)).ok_or_else(|| Error::outside(glob, "package_data"))?;
        found.extend(tree.expand(&pattern, Dialect::Python, true)?);
    }
    Ok(found)
}

/// Takes out of `found` what `exclude_package_data` names of a package.
pub(super) fn exclude(build: &Build, package: &str, found: &mut BTreeSet<String>) -> Result<(), Error> {
    let dir = package_dir(build, package)?;
    let keys = ["", package].into_iter();
    for glob in keys.filter_map(|key| build.exclude_package_data.get(key)).flatten() {
        let matcher = Pattern::fnmatch(&join(&dir, &pure(glob)));
        found.retain(|path| !matcher.matches(path));
    }
    Ok(())
}

/// The directory of a package, relative to the root, which it may not leave.
pub(super) fn package_dir(build: &Build, package: &str) -> Result<String, Error> {
    let directory = package_directory(package, &build.package_dir);
    inside(&directory).ok_or_else(|| Error::outside(&directory.to_string_lossy(), "package_dir"))
}

/// The same as setuptools spells it where it compares paths as texts: with a `./` in front where `package_dir` names the root.
pub(super) fn spelled_package_dir(build: &Build, package: &str) -> String {
    let parts: Vec<&str> = package.split('.').collect();
    let placed = (1..=parts.len())
        .rev()
        .find_map(|n| Some((build.package_dir.get(&parts[..n].join("."))?, n)));
    let placed = placed.or_else(|| Some((build.package_dir.get("")?, 0)));
    let Some((dir, n)) = placed else {
        return parts.join("/");
    };
    let rest = parts[n..].join("/");
    join(&pure(dir), &rest)
}

fn checked_package_dir(build: &Build, package: &str, tree: &Tree) -> Result<String, Error> {
    let dir = package_dir(build, package)?;
    let kind = tree.kind(&dir)?;
    if kind == Kind::Directory {
        tree.real(&dir)?;
        return Ok(dir);
    }
    Err(Error::PackageDir {
        package: package.to_owned(),
        path: tree.absolute(&dir),
        is_file: kind != Kind::Missing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::files::egg_base;

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
    fn package_dir_as_setuptools_spells_it() {
        let mut build = Build::default();
        assert_eq!(spelled_package_dir(&build, "a.b"), "a/b");
        assert_eq!(spelled_package_dir(&build, ""), "");
        build.package_dir.insert("a".to_owned(), String::new());
        assert_eq!(spelled_package_dir(&build, "a"), ".");
        assert_eq!(spelled_package_dir(&build, "a.b"), "./b");
        build.package_dir.insert(String::new(), "./src/".to_owned());
        assert_eq!(spelled_package_dir(&build, "c"), "src/c");
    }
}
