//! `Project ─▶ Wheel`: what pip installs, the same bytes for the same inputs.
//!
//! ```text
//! what is in it  contents.rs: modules and data (../build_py.rs, package_data.rs), data files, scripts.rs; dist_info.rs
//! the archive    archive.rs (the same bytes), order.rs, record.rs; local_urls.rs (no directories of this machine)
//! who makes it   builder.rs: sgbuild, or the backend, whose wheel is made the same (rewrite.rs) and must fit the image (tags.rs)
//! which is taken supported.rs: pip's order among the wheels of others
//! ```
//!
//! Written natively where setuptools would make a wheel of Python alone, and nothing that it does depends on code: read beside
//! setuptools 84's `command/bdist_wheel.py`, `install_lib.py`, `install_data.py`, `build_scripts.py` and wheel's `wheelfile.py`.
//! Deliberately different are: `METADATA` names no directories of this machine, what an earlier build left in `build/` and the
//! `egg-info` is not in it, and two different files for one place are refused, as their times would decide.

mod archive;
mod builder;
mod contents;
mod dist_info;
mod local_urls;
mod order;
mod package_data;
mod record;
mod rewrite;
mod scripts;
mod supported;
mod tags;

use std::path::{Path, PathBuf};

pub use self::builder::{Builder, Built};
pub(crate) use self::rewrite::rewrite;
pub(crate) use self::supported::Supported;
pub use self::tags::Target;
pub(crate) use self::tags::machine;
pub use super::Error;

use self::archive::Archive;
use self::contents::Contents;
use super::listing::{self, EggInfo};
use super::names::Names;
use super::paths::join;
use crate::progress::Progress;
use crate::project::Project;

/// How to write a wheel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WheelSettings {
    /// The time of every member, in seconds since 1970 ([`SOURCE_DATE_EPOCH`](https://reproducible-builds.org/specs/source-date-epoch/)),
    /// or the nearest that zip knows; `None` is a day after the first of 1980.
    pub source_date_epoch: Option<i64>,
    /// Directories that hold what was built (`dist`), relative to the project's root or absolute: no package's data. The output
    /// directory is one without being named.
    pub output_dirs: Vec<PathBuf>,
    /// Where it is to be installed; without one, a wheel for any platform will do.
    pub target: Option<Target>,
}

/// A wheel on disk.
#[derive(Debug, Clone)]
pub struct Wheel {
    /// Where it was written.
    pub path: PathBuf,
    /// Its file name, such as `my_pkg-1.0-py3-none-any.whl`
    /// ([its format](https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention)).
    pub file_name: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// The members, in the order of the archive.
    pub files: Vec<String>,
}

/// Writes the project's wheel into `out_dir`: the files and the metadata that setuptools' `bdist_wheel` writes, without running
/// Python. `out_dir` is made if it is missing; an older file of that name is replaced only by a complete one.
///
/// # Errors
/// Only the backend can make it ([`Build::wheel_by_backend`](crate::project::Build::wheel_by_backend)); a file that is missing,
/// cannot be read, or lies outside of the project; a place that cannot be written to.
pub fn pack(
    project: &Project,
    out_dir: &Path,
    settings: &WheelSettings,
    progress: &dyn Progress,
) -> Result<Wheel, Error> {
    if let Some(reason) = project.build.wheel_by_backend() {
        return Err(Error::WheelNeedsBackend {
            reason: reason.to_owned(),
        });
    }
    let names = Names::of(&project.metadata)?;
    let tags = if project.build.universal { UNIVERSAL } else { PYTHON_3 };
    let file_name = format!("{}-{}-none-any.whl", names.top, tags.join("."));
    progress.step(&format!("Building {file_name}"));
    let pruned = listing::pruned(project, &names, out_dir, &file_name, &settings.output_dirs)?;
    let tree = listing::tree(project, &pruned);
    let egg_info = EggInfo::of(project, &names, &tree, &Quiet(progress))?;
    let contents = Contents::gather(project, &names, tags, tree, egg_info, &pruned, progress)?;
    let archive = Archive::create(out_dir, &file_name, settings.source_date_epoch)?;
    contents.write(archive, &join(&names.dist_info(), "RECORD"), progress)
}

/// A file of the project that its wheel holds.
#[derive(Debug, Clone)]
pub(crate) struct OwnFile {
    /// What it is called in the wheel.
    pub(crate) member: String,
    /// Relative to the project.
    pub(crate) path: String,
    /// Where it really is.
    pub(crate) real: PathBuf,
}

/// The files of the project that its wheel holds. Nothing is written.
///
/// # Errors
/// As [`pack`], but for places that cannot be written to.
pub(crate) fn own_files(project: &Project, progress: &dyn Progress) -> Result<Vec<OwnFile>, Error> {
    if let Some(reason) = project.build.wheel_by_backend() {
        return Err(Error::WheelNeedsBackend {
            reason: reason.to_owned(),
        });
    }
    let names = Names::of(&project.metadata)?;
    let pruned = listing::never_packed(project, &names);
    let tree = listing::tree(project, &pruned);
    let quiet = Quiet(progress);
    let egg_info = EggInfo::of(project, &names, &tree, &quiet)?;
    Contents::gather(project, &names, PYTHON_3, tree, egg_info, &pruned, &quiet)?.own_files()
}

/// The Pythons that a wheel is for.
const PYTHON_3: &[&str] = &["py3"];
const UNIVERSAL: &[&str] = &["py2", "py3"];

/// Passes nothing on but that the user asked to stop: what there is to say of the project's files is said of its sdist.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn step(&self, _title: &str) {}
    fn detail(&self, _line: &str) {}
    fn warn(&self, _text: &str) {}
    fn task(&self, title: &str, total: Option<u64>) -> Box<dyn crate::progress::Task> {
        self.0.task(title, total)
    }
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
