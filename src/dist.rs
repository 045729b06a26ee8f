//! `dist/`: the complete build context (sdist, Dockerfile, requirements, `run.py`), replaced as a whole or not at all.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::dockerfile::{self, Template};
use crate::fault::Fault;
use crate::hex::hex;
use crate::image::{self, ImagePlan, ImageSettings};
use crate::progress::Progress;
use crate::project::{self, Project, ProjectSettings};
use crate::reading;
use crate::requirements::Requirements;
use crate::sdist::{self, Sdist, SdistSettings};

/// The directory's name below the project's root.
pub const DIST: &str = "dist";
/// The file that carries the result of `build` and `push` to the next phase; see [`crate::handover`].
pub const IMAGE_JSON: &str = "image.json";

const DOCKERFILE: &str = "Dockerfile";
const REQUIREMENTS: &str = "requirements.txt";
const CONSTRAINTS: &str = "constraints.txt";
const BUILD_REQUIREMENTS: &str = "build-requirements.txt";
const RUN_PY: &str = "run.py";
const DOCKERIGNORE: &str = ".dockerignore";
/// The files by which pip knows a Python project (<https://pip.pypa.io/en/stable/reference/build-system/>).
const MAKE_A_PROJECT: [&str; 2] = ["setup.py", "pyproject.toml"];
/// Prefix of the directory in which the next `dist/` is made, beside it so that a rename moves it into place.
const STAGING: &str = ".sgbuild-dist-";
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

/// Why there is no new `dist/`. The old one is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project names no training function, or its backend failed.
    #[error(transparent)]
    Project(#[from] project::Error),
    /// The sdist.
    #[error(transparent)]
    Sdist(#[from] sdist::Error),
    /// The image plan.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// The Dockerfile's template.
    #[error("the Dockerfile template cannot be rendered: {0}")]
    Dockerfile(#[from] dockerfile::Error),
    /// `dist` exists and is something else.
    #[error("{} is in the way: it is {what}, and sgbuild writes a directory there", .path.display())]
    InTheWay {
        /// Its path.
        path: PathBuf,
        /// `a file` or `a symbolic link`.
        what: &'static str,
    },
    /// The sdist has neither of the files by which pip knows a Python project.
    #[error("pip cannot install {file_name}: it holds neither setup.py nor pyproject.toml")]
    NotInstallable {
        /// The sdist's name.
        file_name: String,
        /// The one of the two that the project has, and MANIFEST.in leaves out.
        left_out: Option<&'static str>,
    },
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// A file operation failed.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// `write`, `replace`, …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Project(error) => error.hints(),
            Self::Sdist(error) => error.hints(),
            Self::Image(error) => error.hints(),
            Self::Dockerfile(error) => error.hints(),
            Self::NotInstallable { left_out: None, .. } => vec![
                "Add a pyproject.toml with these lines:\n\n    [build-system]\n    requires = [\"setuptools\"]\n    \
                 build-backend = \"setuptools.build_meta\""
                    .to_owned(),
            ],
            Self::NotInstallable {
                left_out: Some(file), ..
            } => {
                vec![format!(
                    "MANIFEST.in leaves out {file}: remove the line that excludes it."
                )]
            }
            Self::Interrupted => Vec::new(),
            Self::InTheWay { .. } => vec!["Move it away, or delete it, and run the command again.".to_owned()],
            Self::Io { source, .. } => vec![
                match source.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        "Free some disk space and run the command again."
                    }
                    io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ResourceBusy => {
                        "Make the project's directory and its dist/ writable for the user that runs sgbuild."
                    }
                    _ => "Nothing was changed in dist/: once the cause is gone, run the command again.",
                }
                .to_owned(),
            ],
        }
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Project(error) => error.fault(),
            Self::Sdist(error) => error.fault(),
            Self::Image(error) => error.fault(),
            Self::Interrupted => Fault::Interrupted,
            _ => Fault::User,
        }
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// What [`preview`] says `dist/` would hold.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// File names, sorted.
    pub files: Vec<String>,
    /// The Dockerfile.
    pub dockerfile: String,
}

/// Makes `dist/` for `project`. A directory that already holds the same bytes is left alone, [`IMAGE_JSON`] included; files
/// in it that sgbuild did not write are kept.
///
/// # Errors
/// See [`Error`]; `dist/` is then untouched.
pub fn write(project: &Project, settings: &DistSettings<'_>, progress: &dyn Progress) -> Result<Dist, Error> {
    let train = project::require_train(project)?;
    let directory = project.root.join(DIST);
    refuse_unless_directory(&directory)?;
    let _lock = lock(&project.root, progress)?;
    remove_abandoned(&project.root);

    let staging = tempfile::Builder::new()
        .prefix(STAGING)
        .permissions(directory_permissions())
        .tempdir_in(&project.root)
        .map_err(Error::io("create a directory in", &project.root))?;
    let sdist = pack_sdist(project, settings, staging.path(), progress)?;
    let plan = ImagePlan::new(project, &sdist, train, settings.requirements.as_ref(), &settings.image)?;
    if let Some(warning) = plan.missing_program(settings.requirements.as_ref(), &settings.image) {
        progress.warn(&warning);
    }
    let texts = texts(&plan, settings.template.as_ref())?;
    for (name, text) in &texts {
        let path = staging.path().join(name);
        fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    let mut files: Vec<_> = texts
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .chain([sdist.file_name.clone()])
        .collect();
    files.sort();

    let context_digest = context_digest(staging.path(), &files)?;
    if progress.cancelled() {
        return Err(Error::Interrupted);
    }
    let changed = !holds_exactly(&directory, &files, &context_digest, &sdist.file_name);
    if changed {
        keep_foreign_files(&directory, staging.path(), &sdist.file_name)?;
        replace(&directory, staging, progress)?;
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
    let sdist = pack_sdist(project, settings, scratch.path(), progress)?;
    let plan = ImagePlan::new(project, &sdist, train, settings.requirements.as_ref(), &settings.image)?;
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

fn pack_sdist(
    project: &Project,
    settings: &DistSettings<'_>,
    out: &Path,
    progress: &dyn Progress,
) -> Result<Sdist, Error> {
    let sdist = if project.build.backend_sdist.is_none() {
        sdist::pack(project, out, &settings.sdist, progress)?
    } else {
        let made = scratch()?;
        let tarball = project::build_sdist(&project.root, &project.build, &settings.project, made.path(), progress)?;
        sdist::repack(&tarball, out, &settings.sdist, progress)?
    };
    refuse_unless_installable(&sdist, &project.root)?;
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
    tempfile::tempdir().map_err(Error::io("create a temporary directory in", &std::env::temp_dir()))
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

/// Removes staging directories of runs that were killed; the caller holds the lock, so no living run owns one.
fn remove_abandoned(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            // One that cannot be removed is no obstacle: the next run tries again.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The digest over each file's name, length and content.
fn context_digest(directory: &Path, files: &[String]) -> Result<String, Error> {
    let mut digest = Sha256::new();
    for name in files {
        let path = directory.join(name);
        let content = file_digest(&path).map_err(Error::io("read", &path))?;
        digest.update(format!("{name}\0{content}\n"));
    }
    Ok(format!("sha256:{}", hex(&digest.finalize())))
}

fn file_digest(path: &Path) -> io::Result<String> {
    let (mut file, _) = reading::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

/// Whether `directory` already holds exactly these files of ours, and no sdist of another version.
fn holds_exactly(directory: &Path, files: &[String], digest: &str, sdist: &str) -> bool {
    let Ok(entries) = fs::read_dir(directory) else {
        return false;
    };
    let stale = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .any(|name| name != IMAGE_JSON && is_ours(&name, sdist) && !files.contains(&name));
    !stale && context_digest(directory, files).is_ok_and(|found| found == digest)
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
        || same_package()
}

/// Takes over what else is in the old `dist/`, such as a wheel that another tool built, by hard link so that the old
/// directory stays whole until it is replaced.
fn keep_foreign_files(old: &Path, new: &Path, sdist: &str) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(old) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", old))?;
        if is_ours(&entry.file_name().to_string_lossy(), sdist) {
            continue;
        }
        for found in walkdir::WalkDir::new(entry.path()) {
            let found = found.map_err(|e| Error::io("read", old)(e.into()))?;
            let Ok(relative) = found.path().strip_prefix(old) else {
                continue;
            };
            let target = new.join(relative);
            let kept = if found.file_type().is_dir() {
                fs::create_dir(&target)
            } else {
                fs::hard_link(found.path(), &target)
            };
            kept.map_err(Error::io("keep", found.path()))?;
        }
    }
    Ok(())
}

/// Puts `staging` in the place of `directory`: one atomic rename.
fn replace(directory: &Path, staging: TempDir, progress: &dyn Progress) -> Result<(), Error> {
    if !directory.exists() {
        fs::rename(staging.path(), directory).map_err(Error::io("create", directory))?;
        let _moved = staging.keep();
        return Ok(());
    }
    // A directory whose entries we may not remove would be left behind half-deleted: find out before, not after.
    tempfile::tempfile_in(directory).map_err(Error::io("write to", directory))?;
    exchange(staging.path(), directory).map_err(Error::io("replace", directory))?;
    let old = staging.path().to_owned();
    // The new one is in place: what is left of the old one is no failure, and the next run tries again.
    if let Err(error) = staging.close() {
        progress.warn(&format!("cannot remove the old dist/, now {}: {error}", old.display()));
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        // Some network file systems cannot exchange.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            exchange_by_renames(a, b)
        }
        done => Ok(done?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    exchange_by_renames(a, b)
}

/// `a` and `b` change places by three renames; when the second fails, the first is taken back.
fn exchange_by_renames(a: &Path, b: &Path) -> io::Result<()> {
    let aside = a.with_extension("old");
    fs::rename(b, &aside)?;
    if let Err(error) = fs::rename(a, b) {
        fs::rename(&aside, b)?;
        return Err(error);
    }
    fs::rename(&aside, a)
}

#[cfg(unix)]
fn directory_permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o755)
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

    #[test]
    fn directories_change_places() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        for exchange in [exchange, exchange_by_renames] {
            for (directory, file) in [(&a, "1"), (&b, "2")] {
                let _ = fs::remove_dir_all(directory);
                fs::create_dir(directory).unwrap();
                fs::write(directory.join(file), file).unwrap();
            }
            exchange(&a, &b).unwrap();
            assert!(a.join("2").exists() && b.join("1").exists());
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
        }
    }
}
