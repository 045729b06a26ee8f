//! `dist/`: what a build is made of, replaced as a whole or not at all. It knows files, and not what they mean.

mod context;
mod error;
mod sbom;
mod staging;
mod written;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::oci::Digest;
use crate::progress::{Progress, Waiting};

pub use context::context_digest;
pub(crate) use context::{ContextDigest, Hashed, open_regular};
use context::{Hash, digest_of};
pub use error::Error;
use staging::Staging;

/// The directory's name below the project's root.
pub const DIST: &str = "dist";
/// The file that says what a builder is sent, and what sgbuild wrote.
pub const DOCKERIGNORE: &str = ".dockerignore";
/// The file that carries the result of `build` and `push` to the next phase; see [`crate::build_record`].
pub const IMAGE_JSON: &str = "image.json";
/// The file that lists what is in the image.
pub const SBOM: &str = "sbom.cdx.json";
/// What the name begins with under which [`IMAGE_JSON`] and [`SBOM`] are written before they are renamed.
pub(crate) const IMAGE_JSON_UNFINISHED: &str = ".sgbuild-image-";

/// What sgbuild writes there beside archives, in this release or an earlier one.
const OURS: [&str; 9] = [
    DOCKERIGNORE,
    "Dockerfile",
    "build-requirements.txt",
    "constraints.txt",
    IMAGE_JSON,
    "requirements.txt",
    "run.py",
    SBOM,
    "serve.py",
];
/// How long to wait before looking again whether another sgbuild is done.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A `dist/` on disk.
#[derive(Debug, Clone)]
pub struct Dist {
    /// The directory.
    pub directory: PathBuf,
    /// The files that sgbuild wrote, relative to the directory, sorted.
    pub files: Vec<String>,
    /// Those of them that the image is made of.
    pub context: Vec<String>,
    /// Over the names and contents of `context`: equal ones build equal images.
    pub context_digest: Digest,
    /// Whether anything was written; `false` when the directory already held these bytes.
    pub changed: bool,
}

impl Dist {
    /// Keeps every other sgbuild from changing the directory for as long as the file lives; `None` where it holds other files by now.
    ///
    /// # Errors
    /// The project cannot be locked, or the user does not wait.
    pub(crate) fn lock_unchanged(&self, progress: &dyn Progress) -> Result<Option<File>, Error> {
        let lock = lock(self.directory.parent().unwrap_or(&self.directory), progress)?;
        let found = context_digest(&self.directory, &self.context);
        Ok(found.is_ok_and(|found| found == self.context_digest).then_some(lock))
    }
}

/// Refuses a project in which something else than a directory is called `dist`.
///
/// # Errors
/// [`Error::InTheWay`].
pub fn check(project: &Path) -> Result<(), Error> {
    refuse_unless_directory(&project.join(DIST))
}

/// The `dist/` of a project, which no other sgbuild changes while this lives.
pub struct Held<'a> {
    project: PathBuf,
    directory: PathBuf,
    progress: &'a dyn Progress,
    _lock: File,
}

impl<'a> Held<'a> {
    /// Holds the `dist/` of the project in the directory `project`, which may not be there yet. What a run left that was killed is swept up.
    ///
    /// # Errors
    /// `dist` is no directory; the project cannot be locked; the user does not wait.
    pub fn of(project: &Path, progress: &'a dyn Progress) -> Result<Self, Error> {
        check(project)?;
        let held = Self {
            project: project.to_owned(),
            directory: project.join(DIST),
            progress,
            _lock: lock(project, progress)?,
        };
        staging::sweep_abandoned(&held.project, &held.directory, progress);
        Ok(held)
    }

    /// Begins the next `dist/`, in a directory beside it.
    ///
    /// # Errors
    /// The project's directory cannot be written to.
    pub fn begin_next(self) -> Result<Next<'a>, Error> {
        Ok(Next {
            staging: Staging::beside(&self.directory, &self.project)?,
            files: Vec::new(),
            beside: Vec::new(),
            held: self,
        })
    }
}

/// The next `dist/`, in the making; dropped, it leaves the old one as it was.
pub struct Next<'a> {
    held: Held<'a>,
    staging: Staging,
    /// What the image is made of.
    files: Vec<String>,
    /// What else is written.
    beside: Vec<String>,
}

impl Next<'_> {
    /// Where its files are written.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.staging.next()
    }

    /// The directory in the project's own that is not the project's, relative to it.
    #[must_use]
    pub fn not_the_projects(&self) -> Option<PathBuf> {
        self.staging.root().file_name().map(PathBuf::from)
    }

    /// Writes the file `name`.
    ///
    /// # Errors
    /// A full disk, say.
    pub fn write(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.directory().join(name);
        fs::write(&path, text).map_err(Error::io("write", &path))?;
        self.add(name);
        Ok(())
    }

    /// Counts the file `name`, which is written already, among those that the image is made of.
    pub fn add(&mut self, name: &str) {
        self.files.push(name.to_owned());
    }

    /// Counts the file `name`, which is written already, among those that lie there beside them.
    pub fn add_beside(&mut self, name: &str) {
        self.beside.push(name.to_owned());
    }

    /// Puts it in the place of the old one, in one rename. A `dist/` that already holds the same bytes is left alone, [`IMAGE_JSON`]
    /// included; what is in it that sgbuild did not write is moved along.
    ///
    /// # Errors
    /// See [`Error`]; `dist/` is then untouched.
    pub fn put_in_place(mut self) -> Result<Dist, Error> {
        let (directory, next, progress) = (self.held.directory.clone(), self.directory(), self.held.progress);
        self.files.sort();
        let mut all = [&self.files[..], &self.beside].concat();
        all.push(DOCKERIGNORE.to_owned());
        all.sort();
        let written = self.list_files(&all).map_err(Error::io("write to", &next))?;
        let context_digest = digest_of(&written, &self.files);
        progress.check()?;
        let changed = !holds_exactly(&directory, &next, &written);
        if changed {
            self.staging.replace(progress)?;
        }
        Ok(Dist {
            directory,
            files: all,
            context: self.files,
            context_digest,
            changed,
        })
    }

    /// Writes `.dockerignore`: what of `files`, which are all that is written, is sent to a builder; and, so that the next run knows
    /// what it may replace, what is written.
    fn list_files(&self, files: &[String]) -> io::Result<Vec<Hash>> {
        let (next, path) = (self.directory(), self.directory().join(DOCKERIGNORE));
        let others = files.iter().filter(|name| *name != DOCKERIGNORE);
        let mut hashes = others
            .map(|name| Hash::of(&next, name))
            .collect::<io::Result<Vec<_>>>()?;
        // What is not named is not sent, so that image.json never spoils the builder's cache.
        let sent = format!("*\n!{}\n", self.files.join("\n!"));
        fs::write(path, written::listed(&sent, &hashes))?;
        hashes.push(Hash::of(&next, DOCKERIGNORE)?);
        Ok(hashes)
    }
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
    let mut waiting = None;
    loop {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", root)(source)),
            Err(TryLockError::WouldBlock) => progress.check()?,
        }
        waiting.get_or_insert_with(|| {
            progress.step("Waiting for another sgbuild in this directory");
            Waiting::begin(progress, "Waiting for it")
        });
        thread::sleep(LOCK_PAUSE);
    }
}

/// Whether `directory` already holds exactly the files that are in `next`.
fn holds_exactly(directory: &Path, next: &Path, written: &[Hash]) -> bool {
    // Whoever put a file of gigabytes there does not have it read.
    let length = |path: PathBuf| fs::symlink_metadata(path).ok().map(|found| found.len());
    let has_same_length = |hash: &Hash| length(directory.join(&hash.name)) == length(next.join(&hash.name));
    let is_same = |hash: &Hash| Hash::of(directory, &hash.name).is_ok_and(|found| found == *hash);
    written.iter().all(has_same_length) && written.iter().all(is_same)
}
