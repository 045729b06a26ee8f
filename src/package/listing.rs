//! The project's files as setuptools' `egg_info` lists them, with those that it writes itself: all that the sdist packs, and what
//! `include_package_data` looks through for the wheel.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::{self, Listed, Pruned, Selected};
use super::metadata;
use super::names::Names;
use super::paths::join;
use super::tree::Tree;
use super::{Error, build_py};
use crate::progress::Progress;
use crate::project::Project;

/// The `<name>.egg-info` that setuptools writes before it looks for files.
pub(super) struct EggInfo {
    pub(super) dir: String,
    /// By name, without `SOURCES.txt`.
    pub(super) files: BTreeMap<&'static str, String>,
    /// The project's licences, which its `PKG-INFO` lists.
    pub(super) license_files: Vec<String>,
}

impl EggInfo {
    /// Of the project in `tree`.
    pub(super) fn of(project: &Project, names: &Names, tree: &Tree, progress: &dyn Progress) -> Result<Self, Error> {
        let license_files = files::license_files(&project.build, tree, progress)?;
        Ok(Self {
            dir: join(&files::egg_base(&project.build)?, &names.egg_info),
            files: metadata::files(&project.metadata, names, &project.build, &license_files),
            license_files,
        })
    }

    fn paths(&self) -> Vec<String> {
        let names = self.files.keys().copied().chain([metadata::SOURCES]);
        names.map(|name| join(&self.dir, name)).collect()
    }
}

/// See above.
pub(super) struct Listing {
    /// With setuptools' own files in it.
    pub(super) tree: Tree,
    /// What is read from the project, sorted.
    pub(super) selected: Vec<Selected>,
    /// What setuptools writes, by path; `SOURCES.txt` is always among it.
    pub(super) generated: BTreeMap<String, String>,
    /// See [`Listed::below_here`].
    pub(super) below_here: BTreeMap<String, bool>,
    /// `PKG-INFO`, whether or not `MANIFEST.in` excludes it.
    pub(super) pkg_info: String,
}

impl Listing {
    /// Looks through the project in `tree`, but for what is `pruned`.
    pub(super) fn of(
        project: &Project,
        tree: Tree,
        egg_info: EggInfo,
        pruned: &Pruned,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let generated = egg_info.paths();
        let tree = tree.with_generated(&generated);
        let Listed {
            files: mut selected,
            generated: kept,
            below_here,
        } = files::select(project, &tree, pruned, &generated, &egg_info.license_files, progress)?;
        // An earlier build's egg-info is in the tree and may have been selected: it is written anew.
        let below_egg_info = format!("{}/", egg_info.dir);
        selected.retain(|file| !file.path.starts_with(&below_egg_info) && file.path != "PKG-INFO");

        let paths = selected.iter().map(|file| file.path.as_str());
        let sources = metadata::sources(paths.chain(kept.iter().map(String::as_str)));
        let pkg_info = egg_info.files.get("PKG-INFO").cloned().unwrap_or_default();
        let own = egg_info.files.into_iter();
        let own = own.map(|(name, text)| (join(&egg_info.dir, name), text));
        let mut generated: BTreeMap<String, String> = own.filter(|(path, _)| kept.contains(path)).collect();
        generated.insert(join(&egg_info.dir, metadata::SOURCES), sources);
        Ok(Self {
            tree,
            selected,
            generated,
            below_here,
            pkg_info,
        })
    }
}

/// A view of the project without what is `pruned`.
pub(super) fn tree(project: &Project, pruned: &Pruned) -> Tree {
    let pruned = pruned.clone();
    Tree::new(&project.root, move |dir| pruned.directory(dir))
}

/// What is never packed: what was built, and here setuptools' own `build` and release directories. `output_dirs` hold what was
/// built; `out_dir`, which is made if it is missing, is one, and gets a file of the name `file_name`.
pub(super) fn pruned(
    project: &Project,
    names: &Names,
    out_dir: &Path,
    file_name: &str,
    output_dirs: &[PathBuf],
) -> Result<Pruned, Error> {
    fs::create_dir_all(out_dir).map_err(|source| Error::OutDir {
        path: out_dir.to_path_buf(),
        source,
    })?;
    let mut pruned = never_packed(project, names);
    let output_dirs = output_dirs.iter().map(|dir| project.root.join(dir));
    for dir in output_dirs.chain([out_dir.to_path_buf()]) {
        match below_root(&project.root, &dir) {
            Some(dir) if dir.is_empty() => pruned.files.push(file_name.to_owned()),
            Some(dir) => pruned.dirs.push(dir),
            None => {}
        }
    }
    Ok(pruned)
}

/// What is never packed, wherever archives are written to.
pub(super) fn never_packed(project: &Project, names: &Names) -> Pruned {
    let mut pruned = Pruned {
        dirs: vec!["build".to_owned(), names.top.clone()],
        files: Vec::new(),
    };
    // setuptools packs an older `dist` when MANIFEST.in says so, each archive containing the last; unless the project
    // has a package of that name, nobody means that.
    let mut packages = project
        .metadata
        .packages
        .iter()
        .map(|package| build_py::package_dir(&project.build, package));
    if !packages.any(|dir| dir.is_ok_and(|dir| dir == "dist" || dir.starts_with("dist/"))) {
        pruned.dirs.push("dist".to_owned());
    }
    pruned
}

/// `dir` relative to `root`, links resolved; `None` if it lies elsewhere or does not exist.
fn below_root(root: &Path, dir: &Path) -> Option<String> {
    let root = fs::canonicalize(root).ok()?;
    let dir = fs::canonicalize(dir).ok()?;
    Some(dir.strip_prefix(root).ok()?.to_str()?.to_owned())
}
