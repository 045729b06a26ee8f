//! `dist/`: the complete build context (sdist, Dockerfile, requirements, `run.py`), replaced as a whole or not at all.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;

use crate::cache;
use crate::dockerfile::{self, Template};
use crate::image::{ImagePlan, ImageSettings};
use crate::package::sdist::{self, Sdist, SdistSettings};
use crate::progress::Progress;
use crate::project::{self, EntryPoint, Project, ProjectSettings};
use crate::requirements::Requirements;

mod context;
mod error;
mod staging;

pub use context::context_digest;
pub(crate) use context::{ContextDigest, Hashed, open_regular};
pub use error::Error;
use staging::Staging;

/// The directory's name below the project's root.
pub const DIST: &str = "dist";
/// The file that carries the result of `build` and `push` to the next phase; see [`crate::handover`].
pub const IMAGE_JSON: &str = "image.json";
/// What the name begins with under which [`IMAGE_JSON`] is written before it is renamed.
pub(crate) const IMAGE_JSON_UNFINISHED: &str = ".sgbuild-image-";

const DOCKERFILE: &str = "Dockerfile";
const REQUIREMENTS: &str = "requirements.txt";
const CONSTRAINTS: &str = "constraints.txt";
const BUILD_REQUIREMENTS: &str = "build-requirements.txt";
const RUN_PY: &str = "run.py";
const DOCKERIGNORE: &str = ".dockerignore";
/// The files by which pip knows a Python project (<https://pip.pypa.io/en/stable/reference/build-system/>).
const MAKE_A_PROJECT: [&str; 2] = ["setup.py", "pyproject.toml"];
/// How often is looked whether the other sgbuild is done.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A `dist/` on disk.
#[derive(Debug, Clone)]
pub struct Dist {
    /// The directory.
    pub directory: PathBuf,
    /// The sdist in it.
    pub sdist: Sdist,
    /// The plan its Dockerfile was rendered from.
    pub plan: ImagePlan,
    /// The files that make the build context, relative to the directory, sorted.
    pub files: Vec<String>,
    /// SHA-256 over the names and contents of `files`, `sha256:…`: equal contexts build equal images.
    pub context_digest: String,
    /// Whether anything was written; `false` when the directory already held these bytes.
    pub changed: bool,
}

/// What `dist/` is made with.
#[derive(Debug)]
pub struct DistSettings<'a> {
    /// For the image plan.
    pub image: ImageSettings,
    /// The user's requirements file, where one is set.
    pub requirements: Option<Requirements>,
    /// For the sdist.
    pub sdist: SdistSettings,
    /// For a build backend that must be asked for the sdist.
    pub project: ProjectSettings<'a>,
    /// The user's own Dockerfile template.
    pub template: Option<Template>,
}

/// What [`preview`] says `dist/` would hold.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// File names, sorted.
    pub files: Vec<String>,
    /// The Dockerfile.
    pub dockerfile: String,
}

impl Dist {
    /// Keeps every other sgbuild from changing the directory for as long as the file lives; `None` where it holds other files by now.
    ///
    /// # Errors
    /// The project cannot be locked, or the user does not wait.
    pub(crate) fn held(&self, progress: &dyn Progress) -> Result<Option<File>, Error> {
        let lock = lock(self.directory.parent().unwrap_or(&self.directory), progress)?;
        let found = context_digest(&self.directory, &self.files);
        Ok(found.is_ok_and(|found| found == self.context_digest).then_some(lock))
    }
}

/// Makes `dist/` for `project`. A directory that already holds the same bytes is left alone, [`IMAGE_JSON`] included; what is
/// in it that sgbuild did not write is kept.
///
/// # Errors
/// See [`Error`]; `dist/` is then untouched.
pub fn write(project: &Project, settings: &DistSettings<'_>, progress: &dyn Progress) -> Result<Dist, Error> {
    let train = project::require_train(project)?;
    let directory = project.root.join(DIST);
    refuse_unless_directory(&directory)?;
    let _lock = lock(&project.root, progress)?;
    staging::sweep_abandoned(&project.root, &directory, progress);

    // The backend packs what it finds in the project: it is asked before the staging directory is there.
    let from_backend = ask_backend(project, settings, progress)?;
    let staging = Staging::beside(&directory, &project.root)?;
    let next = staging.next();
    let sdist = if let Some(made) = &from_backend {
        repack(made, project, &next, settings, progress)?
    } else {
        let mut settings = settings.sdist.clone();
        settings
            .output_dirs
            .extend(staging.root().file_name().map(PathBuf::from));
        sdist::pack(project, &next, &settings, progress)?
    };
    refuse_unless_installable(&sdist, &project.root)?;
    let plan = plan(project, &sdist, train, settings, progress)?;
    let texts = texts(&plan, settings.template.as_ref())?;
    for (name, text) in &texts {
        let path = next.join(name);
        fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    let mut files: Vec<_> = texts
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .chain([sdist.file_name.clone()])
        .collect();
    files.sort();

    let context_digest = context_digest(&next, &files).map_err(Error::io("read", &next))?;
    if progress.cancelled() {
        return Err(Error::Interrupted);
    }
    let changed = !holds_exactly(&directory, &next, &files, &context_digest, &sdist.file_name);
    if changed {
        staging.replace(&sdist.file_name, progress)?;
    }
    let sdist = Sdist {
        path: directory.join(&sdist.file_name),
        ..sdist
    };
    Ok(Dist {
        directory,
        sdist,
        plan,
        files,
        context_digest,
        changed,
    })
}

/// What [`write`] would put into `dist/`, without writing there.
///
/// # Errors
/// As [`write`].
pub fn preview(project: &Project, settings: &DistSettings<'_>, progress: &dyn Progress) -> Result<Preview, Error> {
    let train = project::require_train(project)?;
    refuse_unless_directory(&project.root.join(DIST))?;
    let scratch = scratch()?;
    let sdist = match ask_backend(project, settings, progress)? {
        Some(made) => repack(&made, project, scratch.path(), settings, progress)?,
        None => sdist::pack(project, scratch.path(), &settings.sdist, progress)?,
    };
    refuse_unless_installable(&sdist, &project.root)?;
    let plan = plan(project, &sdist, train, settings, progress)?;
    let texts = texts(&plan, settings.template.as_ref())?;
    let mut files: Vec<_> = texts
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .chain([sdist.file_name])
        .collect();
    files.sort();
    let dockerfile = texts
        .into_iter()
        .find(|(name, _)| *name == DOCKERFILE)
        .map(|(_, text)| text)
        .unwrap_or_default();
    Ok(Preview { files, dockerfile })
}

/// Plans the image; what it lacks is warned of.
fn plan(
    project: &Project,
    sdist: &Sdist,
    train: &EntryPoint,
    settings: &DistSettings<'_>,
    progress: &dyn Progress,
) -> Result<ImagePlan, Error> {
    let plan = ImagePlan::new(project, sdist, train, settings.requirements.as_ref(), &settings.image)?;
    if let Some(warning) = plan.missing_program(settings.requirements.as_ref(), &settings.image) {
        progress.warn(&warning);
    }
    Ok(plan)
}

/// An sdist that the build backend made, in a directory that lives as long as this.
struct FromBackend {
    tarball: PathBuf,
    _directory: TempDir,
}

/// The backend's sdist, where only the backend can make one.
fn ask_backend(
    project: &Project,
    settings: &DistSettings<'_>,
    progress: &dyn Progress,
) -> Result<Option<FromBackend>, Error> {
    if project.build.backend_sdist.is_none() {
        return Ok(None);
    }
    let directory = scratch()?;
    let tarball = sdist::build_by_backend(
        &project.root,
        &project.build,
        &settings.project,
        directory.path(),
        progress,
    )?;
    Ok(Some(FromBackend {
        tarball,
        _directory: directory,
    }))
}

/// The backend's sdist, made reproducible. It holds nothing that a link out of the project carried into it.
fn repack(
    made: &FromBackend,
    project: &Project,
    out: &Path,
    settings: &DistSettings<'_>,
    progress: &dyn Progress,
) -> Result<Sdist, Error> {
    let sdist = sdist::repack(&made.tarball, out, &settings.sdist, progress)?;
    sdist::refuse_linked(&sdist.files, &project.root)?;
    Ok(sdist)
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

fn scratch() -> Result<TempDir, Error> {
    cache::scratch().map_err(Error::io("create a temporary directory in", &std::env::temp_dir()))
}

fn texts(plan: &ImagePlan, template: Option<&Template>) -> Result<Vec<(&'static str, String)>, Error> {
    let mut texts = vec![
        (DOCKERFILE, dockerfile::dockerfile(plan, template)?),
        (REQUIREMENTS, requirements_file(&plan.requirements)),
        (BUILD_REQUIREMENTS, requirements_file(&plan.build_requirements)),
        (RUN_PY, dockerfile::run_py(plan)?),
    ];
    if !plan.constraints.is_empty() {
        texts.push((CONSTRAINTS, requirements_file(&plan.constraints)));
    }
    // What is not named here is not sent to the builder, so that image.json never spoils the cache.
    let sent = texts.iter().map(|(name, _)| *name).filter(|name| *name != DOCKERFILE);
    let names: Vec<&str> = sent.chain([plan.sdist.as_str()]).collect();
    texts.push((DOCKERIGNORE, format!("*\n!{}\n", names.join("\n!"))));
    Ok(texts)
}

fn requirements_file(requirements: &[String]) -> String {
    requirements
        .iter()
        .flat_map(|requirement| [requirement.as_str(), "\n"])
        .collect()
}

fn refuse_unless_directory(path: &Path) -> Result<(), Error> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let what = match found.file_type() {
        kind if kind.is_dir() => return Ok(()),
        kind if kind.is_symlink() => "a symbolic link",
        _ => "a file",
    };
    Err(Error::InTheWay {
        path: path.to_owned(),
        what,
        writes: "a directory",
    })
}

/// Holds the project while `dist/` is made: a second `sgbuild` in the same checkout waits for the first. The lock is on the
/// directory itself, so that no lock file is left in the user's tree, and ends with the process.
fn lock(root: &Path, progress: &dyn Progress) -> Result<File, Error> {
    let directory = File::open(root).map_err(Error::io("open", root))?;
    let mut told = false;
    loop {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", root)(source)),
            Err(TryLockError::WouldBlock) if progress.cancelled() => return Err(Error::Interrupted),
            Err(TryLockError::WouldBlock) => {}
        }
        if !told {
            progress.step("Waiting for another sgbuild in this directory");
            told = true;
        }
        thread::sleep(LOCK_PAUSE);
    }
}

/// Whether `directory` already holds exactly the files that are in `next`, and no sdist of another version.
fn holds_exactly(directory: &Path, next: &Path, files: &[String], digest: &str, sdist: &str) -> bool {
    let Ok(entries) = fs::read_dir(directory) else {
        return false;
    };
    let stale = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != IMAGE_JSON && !name.starts_with(IMAGE_JSON_UNFINISHED))
        .any(|name| is_ours(&name, sdist) && !files.contains(&name));
    // Whoever put a file of gigabytes there does not have it read.
    let length = |path: PathBuf| fs::symlink_metadata(path).ok().map(|found| found.len());
    let same_lengths = || {
        files
            .iter()
            .all(|name| length(directory.join(name)) == length(next.join(name)))
    };
    !stale && same_lengths() && context_digest(directory, files).is_ok_and(|found| found == digest)
}

/// Whether sgbuild writes files of this name: then one in `dist/` is replaced, otherwise kept.
fn is_ours(name: &str, sdist: &str) -> bool {
    let same_package = || {
        let package = sdist.rsplit_once('-').map_or(sdist, |(package, _)| package);
        name.strip_prefix(package).is_some_and(|rest| rest.starts_with('-')) && name.ends_with(".tar.gz")
    };
    [
        DOCKERFILE,
        REQUIREMENTS,
        CONSTRAINTS,
        BUILD_REQUIREMENTS,
        RUN_PY,
        DOCKERIGNORE,
        IMAGE_JSON,
    ]
    .contains(&name)
        || name.starts_with(IMAGE_JSON_UNFINISHED)
        || same_package()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_packages_sdists_count_as_ours() {
        let sdist = "iris_classifier-1.0.0.tar.gz";
        assert!(is_ours("iris_classifier-0.9.tar.gz", sdist));
        assert!(is_ours("image.json", sdist));
        assert!(!is_ours("iris_classifier-1.0.0-py3-none-any.whl", sdist));
        assert!(!is_ours("iris_classifier_extra-1.0.tar.gz", sdist));
    }
}
