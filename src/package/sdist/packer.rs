//! Who makes the sdist: sgbuild by itself, or the project's build backend.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::build_by_backend;
use super::{Error, Sdist, SdistSettings, pack, refuse_linked, repack};
use crate::cache::{self, Staging};
use crate::progress::Progress;
use crate::project::{self, Project, ProjectSettings, Surroundings};

/// The files by which pip knows a Python project (<https://pip.pypa.io/en/stable/reference/build-system/>).
const MAKE_A_PROJECT: [&str; 2] = ["setup.py", "pyproject.toml"];

/// What the sdist of a project is made of.
pub struct Packer<'a> {
    project: &'a Project,
    backends: Option<BackendsArchive>,
    /// What setup.py was read in.
    around: Arc<Surroundings>,
}

/// An sdist that the build backend made, in a directory that lives as long as this.
struct BackendsArchive {
    tarball: PathBuf,
    _directory: Staging,
}

impl<'a> Packer<'a> {
    /// Asks the build backend for its archive, where only it can make one. It packs what it finds in the project: nothing of ours may
    /// be there while it is asked.
    ///
    /// # Errors
    /// The backend failed, or may not be asked.
    pub fn of(project: &'a Project, settings: &ProjectSettings, progress: &dyn Progress) -> Result<Self, Error> {
        let backends = match &project.build.backend_sdist {
            None => None,
            Some(_) => Some(ask_backend(project, settings, progress)?),
        };
        Ok(Self {
            project,
            backends,
            around: Arc::new(Surroundings::of(settings)),
        })
    }

    /// Writes the sdist into the directory `out`.
    ///
    /// # Errors
    /// See [`Error`]: a file that cannot be read or packed, one that a link out of the project brought along, an sdist that pip would not install.
    pub fn pack(&self, out: &Path, settings: &SdistSettings, progress: &dyn Progress) -> Result<Sdist, Error> {
        let root = &self.project.root;
        let sdist = match &self.backends {
            None => pack(self.project, out, settings, progress)?,
            Some(backends) => {
                let sdist = repack(&backends.tarball, out, settings, progress)?;
                refuse_linked(&sdist.files, root)?;
                sdist
            }
        };
        refuse_unless_installable(&sdist, root)?;
        for warning in project::lacking(self.project, &sdist.files, &self.around) {
            progress.warn(&warning);
        }
        Ok(sdist)
    }
}

fn ask_backend(
    project: &Project,
    settings: &ProjectSettings,
    progress: &dyn Progress,
) -> Result<BackendsArchive, Error> {
    let directory = scratch()?;
    let tarball = build_by_backend(project, settings, directory.path(), progress).map_err(Box::new)?;
    Ok(BackendsArchive {
        tarball,
        _directory: directory,
    })
}

/// A directory for what is not kept.
///
/// # Errors
/// There is no place for temporary files.
pub(crate) fn scratch() -> Result<Staging, Error> {
    cache::scratch().map_err(|source| Error::Scratch {
        parent: std::env::temp_dir(),
        source,
    })
}

/// setuptools packs a project of setup.cfg alone, but pip then does not take it for a project: the image's build would fail.
fn refuse_unless_installable(sdist: &Sdist, root: &Path) -> Result<(), Error> {
    if sdist.files.iter().any(|file| MAKE_A_PROJECT.contains(&file.as_str())) {
        return Ok(());
    }
    Err(Error::NotInstallable {
        file_name: sdist.file_name.clone(),
        left_out: MAKE_A_PROJECT.into_iter().find(|file| root.join(file).exists()),
    })
}
