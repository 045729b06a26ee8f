//! `Project ─▶ Sdist`: the source distribution, the same bytes for the same inputs.
//!
//! ```text
//! which files    files.rs: manifest.rs (MANIFEST.in), globs.rs, tree.rs (what is there), paths.rs (as text), oddities.rs (warnings)
//! what they say  egg_info.rs: pkg_info.rs, requires_txt.rs, pep508.rs (how requirements are spelt); setup_cfg.rs (the version tag fixed)
//! the archive    names.rs (my_pkg-1.0), archive.rs (the same bytes); packer.rs: by sgbuild, or by the backend (backend.rs), made the same (repack.rs)
//! ```

mod archive;
mod backend;
mod egg_info;
mod error;
mod files;
mod globs;
mod manifest;
mod names;
mod oddities;
mod packer;
mod paths;
mod pep508;
mod pkg_info;
mod repack;
mod requires_txt;
mod setup_cfg;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::error::Error;
pub use self::packer::{Packer, scratch};
pub(crate) use self::repack::refuse_linked;
pub use self::repack::repack;

use self::archive::Archive;
use self::files::{Pruned, Selected};
use self::names::Names;
use self::paths::join;
use self::tree::Tree;
use crate::progress::Progress;
use crate::project::Project;

/// 1980-01-02T00:00:00Z, the time of every member unless `SOURCE_DATE_EPOCH` says otherwise: zip, hence a wheel built from
/// the unpacked sdist, knows no time before 1980, and a day later it is 1980 in every time zone.
const DEFAULT_TIME: i64 = 315_619_200;

/// How to write a source distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SdistSettings {
    /// The time of every member, in seconds since 1970 ([`SOURCE_DATE_EPOCH`](https://reproducible-builds.org/specs/source-date-epoch/));
    /// `None` is [`DEFAULT_TIME`].
    pub source_date_epoch: Option<i64>,
    /// Directories that hold what was built (`dist`), relative to the project's root or absolute: never packed. The output
    /// directory is one without being named.
    pub output_dirs: Vec<PathBuf>,
}

impl SdistSettings {
    fn mtime(&self) -> Result<u64, Error> {
        let seconds = self.source_date_epoch.unwrap_or(DEFAULT_TIME);
        // 2^33 - 1 is what a tar header's twelve octal digits hold.
        u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds < 1 << 33)
            .ok_or(Error::SourceDateEpoch { seconds })
    }
}

/// A source distribution on disk.
#[derive(Debug, Clone)]
pub struct Sdist {
    /// Where it was written.
    pub path: PathBuf,
    /// Its file name, `<name>-<version>.tar.gz` with the normalised name (PEP 625).
    pub file_name: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// The archive's members below `<name>-<version>/`, sorted.
    pub files: Vec<String>,
}

/// Packs the project into `out_dir/<name>-<version>.tar.gz`: the files that setuptools' `sdist` packs, without running
/// Python. `out_dir` is made if it is missing; an older file of that name is replaced only by a complete one.
///
/// A project with [`Build::backend_sdist`](crate::project::Build::backend_sdist) is refused with [`Error::NeedsBackend`]:
/// have its backend make the archive, then [`repack`] it.
pub fn pack(
    project: &Project,
    out_dir: &Path,
    settings: &SdistSettings,
    progress: &dyn Progress,
) -> Result<Sdist, Error> {
    if let Some(reason) = &project.build.backend_sdist {
        return Err(Error::NeedsBackend { reason: reason.clone() });
    }
    let mtime = settings.mtime()?;
    let names = Names::of(&project.metadata)?;
    progress.step(&format!("Packing {}", names.file_name));
    let pruned = pruned(project, &names, out_dir, settings)?;
    let tree = Tree::new(&project.root, {
        let pruned = pruned.clone();
        move |dir| pruned.directory(dir)
    });
    // setuptools looks for licences before it writes its own files, which the rest may find.
    let license_files = files::license_files(&project.build, &tree, progress)?;
    let egg_info = EggInfo::of(project, &names, license_files)?;
    let tree = tree.with_generated(&egg_info.paths());
    let contents = Contents::gather(project, &names, egg_info, &tree, &pruned, progress)?;
    oddities::warn(&contents.selected, progress);

    let archive = Archive::create(out_dir, &names.file_name, &names.top, mtime)?;
    contents.write(archive, &tree, progress)
}

/// The `<name>.egg-info` that setuptools writes before it looks for files.
struct EggInfo {
    dir: String,
    /// By name, without `SOURCES.txt`.
    files: BTreeMap<&'static str, String>,
    /// The project's licences, which its `PKG-INFO` lists.
    license_files: Vec<String>,
}

impl EggInfo {
    fn of(project: &Project, names: &Names, license_files: Vec<String>) -> Result<Self, Error> {
        Ok(Self {
            dir: join(&files::egg_base(&project.build)?, &names.egg_info),
            files: egg_info::files(&project.metadata, names, &project.build, &license_files),
            license_files,
        })
    }

    fn paths(&self) -> Vec<String> {
        let names = self.files.keys().copied().chain([egg_info::SOURCES]);
        names.map(|name| join(&self.dir, name)).collect()
    }
}

/// What goes into the archive.
struct Contents {
    selected: Vec<Selected>,
    generated: Vec<(String, Vec<u8>)>,
}

impl Contents {
    fn gather(
        project: &Project,
        names: &Names,
        egg_info: EggInfo,
        tree: &Tree,
        pruned: &Pruned,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let generated = egg_info.paths();
        let sources_path = join(&egg_info.dir, egg_info::SOURCES);
        let license_files = &egg_info.license_files;
        let pkg_info = egg_info.files.get("PKG-INFO").cloned().unwrap_or_default();

        let (mut selected, kept) = files::select(project, tree, pruned, &generated, license_files, progress)?;
        // An earlier build's egg-info is in the tree and may have been selected: it is written anew.
        let below_egg_info = format!("{}/", egg_info.dir);
        selected.retain(|file| !file.path.starts_with(&below_egg_info) && file.path != "PKG-INFO");

        let listed = selected
            .iter()
            .map(|file| file.path.as_str())
            .chain(kept.iter().map(String::as_str));
        let sources = egg_info::sources(listed);
        let mut contents: Vec<(String, Vec<u8>)> = egg_info
            .files
            .into_iter()
            .map(|(name, text)| (join(&egg_info.dir, name), text.into_bytes()))
            .filter(|(path, _)| kept.contains(path))
            .collect();
        contents.push((sources_path, sources.into_bytes()));
        contents.push(("PKG-INFO".to_owned(), pkg_info.into_bytes()));
        contents.push(("setup.cfg".to_owned(), setup_cfg(&mut selected, tree, &names.version)?));
        Ok(Self {
            selected,
            generated: contents,
        })
    }

    fn write(self, mut archive: Archive, tree: &Tree, progress: &dyn Progress) -> Result<Sdist, Error> {
        enum Source {
            File,
            Bytes(Vec<u8>),
        }
        let total = self.selected.iter().map(|file| file.size).sum();
        let files = self.selected.into_iter().map(|file| (file.path, Source::File));
        let generated = self
            .generated
            .into_iter()
            .map(|(path, bytes)| (path, Source::Bytes(bytes)));
        let mut members: Vec<(String, Source)> = files.chain(generated).collect();
        members.sort_by(|(a, _), (b, _)| a.cmp(b));

        let task = progress.task("Packing", Some(total));
        let mut done = 0;
        for (path, source) in &members {
            let added = match source {
                Source::Bytes(bytes) => archive.add_bytes(path, bytes),
                Source::File => archive.add_file(path, &tree.real(path)?, &mut |moved| {
                    done += moved;
                    task.set(done, Some(total));
                    unless_cancelled(progress)
                }),
            };
            progress.check()?;
            added?;
        }
        let sdist = archive.finish()?;
        Ok(sdist)
    }
}

/// An error once the user asked to stop. Its kind is not `Interrupted`, at which readers try again.
fn unless_cancelled(progress: &dyn Progress) -> io::Result<()> {
    progress.check().map_err(io::Error::other)
}

/// The `setup.cfg` to pack, made from the project's own if that is selected (and then taken out of the selection).
fn setup_cfg(selected: &mut Vec<Selected>, tree: &Tree, version: &str) -> Result<Vec<u8>, Error> {
    let own = selected
        .iter()
        .position(|file| file.path == "setup.cfg")
        .map(|at| selected.remove(at));
    let original = match own {
        Some(file) => tree.read(&file.path)?,
        None => Vec::new(),
    };
    Ok(setup_cfg::with_fixed_tag(&original, version))
}

/// What is never packed: output directories, and the `build` and release directories that setuptools makes in the project.
fn pruned(project: &Project, names: &Names, out_dir: &Path, settings: &SdistSettings) -> Result<Pruned, Error> {
    fs::create_dir_all(out_dir).map_err(|source| Error::OutDir {
        path: out_dir.to_path_buf(),
        source,
    })?;
    let mut pruned = Pruned {
        dirs: vec!["build".to_owned(), names.top.clone()],
        files: Vec::new(),
    };
    let output_dirs = settings.output_dirs.iter().map(|dir| project.root.join(dir));
    for dir in output_dirs.chain([out_dir.to_path_buf()]) {
        match below_root(&project.root, &dir) {
            Some(dir) if dir.is_empty() => pruned.files.push(names.file_name.clone()),
            Some(dir) => pruned.dirs.push(dir),
            None => {}
        }
    }
    // setuptools packs an older `dist` when MANIFEST.in says so, each archive containing the last; unless the project
    // has a package of that name, nobody means that.
    let mut packages = project
        .metadata
        .packages
        .iter()
        .map(|package| files::package_dir(&project.build, package));
    if !packages.any(|dir| dir.is_ok_and(|dir| dir == "dist" || dir.starts_with("dist/"))) {
        pruned.dirs.push("dist".to_owned());
    }
    Ok(pruned)
}

/// `dir` relative to `root`, links resolved; `None` if it lies elsewhere or does not exist.
fn below_root(root: &Path, dir: &Path) -> Option<String> {
    let root = fs::canonicalize(root).ok()?;
    let dir = fs::canonicalize(dir).ok()?;
    Some(dir.strip_prefix(root).ok()?.to_str()?.to_owned())
}
