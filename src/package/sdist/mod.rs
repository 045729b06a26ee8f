//! `Project ─▶ Sdist`: the source distribution, the same bytes for the same inputs.
//!
//! ```text
//! what is in it  setup_cfg.rs (the version tag fixed), oddities.rs (warnings)
//! the archive    archive.rs (the same bytes)
//! who makes it   packer.rs: sgbuild, or the backend (backend.rs), made the same (repack.rs)
//! ```

mod archive;
mod backend;
mod oddities;
mod packer;
mod repack;
mod setup_cfg;

use std::io;
use std::path::{Path, PathBuf};

pub use self::packer::Packer;
pub(crate) use self::packer::scratch;
pub(crate) use self::repack::refuse_linked;
pub use self::repack::repack;
pub use super::Error;

use self::archive::Archive;
use super::DEFAULT_TIME;
use super::files::Selected;
use super::listing::{self, EggInfo, Listing};
use super::names::Names;
use super::tree::Tree;
use crate::progress::Progress;
use crate::project::Project;

/// How to write a source distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SdistSettings {
    /// The time of every member, in seconds since 1970 ([`SOURCE_DATE_EPOCH`](https://reproducible-builds.org/specs/source-date-epoch/));
    /// `None` is a day after the first of 1980.
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
    let pruned = listing::pruned(project, &names, out_dir, &names.file_name, &settings.output_dirs)?;
    let tree = listing::tree(project, &pruned);
    // setuptools looks for licences before it writes its own files, which the rest may find.
    let egg_info = EggInfo::of(project, &names, &tree, progress)?;
    let listing = Listing::of(project, tree, egg_info, &pruned, progress)?;
    let contents = Contents::of(listing, &names)?;
    oddities::warn(&contents.selected, progress);

    let archive = Archive::create(out_dir, &names.file_name, &names.top, mtime)?;
    contents.write(archive, progress)
}

/// What goes into the archive.
struct Contents {
    tree: Tree,
    selected: Vec<Selected>,
    generated: Vec<(String, Vec<u8>)>,
}

impl Contents {
    fn of(listing: Listing, names: &Names) -> Result<Self, Error> {
        let Listing {
            tree,
            mut selected,
            generated,
            pkg_info,
            ..
        } = listing;
        let mut generated: Vec<(String, Vec<u8>)> = generated
            .into_iter()
            .map(|(path, text)| (path, text.into_bytes()))
            .collect();
        generated.push(("PKG-INFO".to_owned(), pkg_info.into_bytes()));
        generated.push(("setup.cfg".to_owned(), setup_cfg(&mut selected, &tree, &names.version)?));
        Ok(Self {
            tree,
            selected,
            generated,
        })
    }

    fn write(self, mut archive: Archive, progress: &dyn Progress) -> Result<Sdist, Error> {
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
                Source::File => archive.add_file(path, &self.tree.real(path)?, &mut |moved| {
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
