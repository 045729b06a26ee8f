//! The directory beside `dist/` in which the next one is made, and how the two change places.
//!
//! What else is in `dist/`, such as a wheel that another tool built, is moved from the old one into the new one, whatever it is:
//! a rename follows no link, keeps owner, mode and times, and takes a tree at once. Where one of them cannot be moved, those before it
//! are moved back. A run that is killed in between leaves them here, and the next one moves them back.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::IMAGE_JSON;
use super::context::open_regular;
use super::error::Error;
use super::written::{self, Written};
use crate::progress::Progress;

/// What a staging directory's name begins with; [`RANDOM`] letters and digits follow. `src/revision.rs` tells git of it.
const PREFIX: &str = ".sgbuild-dist-";
const RANDOM: usize = 6;
/// The file by which a staging directory is known: somebody else's directory of such a name is left alone.
const MARK: &str = "made-by-sgbuild";
const MARK_TEXT: &str =
    "Here sgbuild makes the next dist/. What a run that was killed left is swept up by the next one.\n";
/// Is there once all is written: from then on, what is not sgbuild's may be in [`NEXT`].
const WRITTEN: &str = "written";
/// The next `dist/`, later the old one.
const NEXT: &str = "dist";
/// The old `dist/` for a moment, on file systems that cannot exchange two directories.
const ASIDE: &str = "dist.old";
const DIRECTORY_MODE: u32 = 0o755;

/// A staging directory. When it is dropped, what is in it and not sgbuild's goes back to `dist/`, and the rest is removed.
pub(super) struct Staging {
    root: PathBuf,
    /// The `dist/` that is to be replaced.
    directory: PathBuf,
}

impl Staging {
    /// Makes one beside `directory`, so that a rename moves the next `dist/` into place.
    pub(super) fn beside(directory: &Path, project: &Path) -> Result<Self, Error> {
        let made = tempfile::Builder::new()
            .prefix(PREFIX)
            .rand_bytes(RANDOM)
            .permissions(fs::Permissions::from_mode(DIRECTORY_MODE))
            .tempdir_in(project)
            .map_err(Error::io("create a directory in", project))?;
        let marked = fs::write(made.path().join(MARK), MARK_TEXT);
        let next = made.path().join(NEXT);
        marked
            .and_then(|()| DirBuilder::new().mode(DIRECTORY_MODE).create(&next))
            .map_err(Error::io("write to", made.path()))?;
        Ok(Self {
            root: made.keep(),
            directory: directory.to_owned(),
        })
    }

    /// The directory's own name, which is not to be packed.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the files of the next `dist/` are written to.
    pub(super) fn next(&self) -> PathBuf {
        self.root.join(NEXT)
    }

    /// Puts the next `dist/`, which is all written, in the place of the old one: one rename.
    pub(super) fn replace(self, progress: &dyn Progress) -> Result<(), Error> {
        let replaced = self.change_places(progress);
        // The new one is in place, or the old one stays: what is left here is no failure, and the next run tries again.
        if let Err(error) = sweep(&self.root, &self.directory) {
            let what = if replaced.is_ok() {
                "remove the old dist/, now"
            } else {
                "sweep up"
            };
            progress.warn(&format!("cannot {what} {}: {error}", self.root.display()));
        }
        replaced
    }

    fn change_places(&self, progress: &dyn Progress) -> Result<(), Error> {
        let (next, old) = (self.next(), &self.directory);
        if fs::symlink_metadata(old).is_err() {
            return fs::rename(next, old).map_err(Error::io("create", old));
        }
        if is_mount_point(old).map_err(Error::io("read", old))? {
            let source = io::Error::new(io::ErrorKind::ResourceBusy, "it is a mount point");
            return Err(Error::immovable(old)(source));
        }
        // A directory whose entries we may not remove would be left behind half-deleted: find out before, not after.
        tempfile::tempfile_in(old).map_err(Error::io("write to", old))?;
        let kept = kept(old, &next)?;
        let written = self.root.join(WRITTEN);
        fs::write(&written, "").map_err(Error::io("write", &written))?;
        for name in kept {
            progress.check()?;
            let from = old.join(&name);
            move_entry(&from, &next.join(&name)).map_err(Error::immovable(&from))?;
        }
        exchange(&next, old).map_err(Error::immovable(old))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be moved back or removed stays, and the next run tries again.
        let _ = sweep(&self.root, &self.directory);
    }
}

/// Sweeps up what killed runs left beside `directory`; the caller holds the lock, so no living run owns it.
pub(super) fn sweep_abandoned(project: &Path, directory: &Path, progress: &dyn Progress) {
    let Ok(entries) = fs::read_dir(project) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if !is_name(&entry.file_name()) || !is_staging(&path) {
            continue;
        }
        if let Err(error) = sweep(&path, directory) {
            let shown = path.display();
            progress.warn(&format!("cannot sweep up {shown}, which a killed run left: {error}"));
        }
    }
}

fn is_name(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether sgbuild made this directory: by its mark, and by nothing else being in it. A run may have been killed before it wrote the
/// mark, or after it removed it: then the directory is empty.
fn is_staging(root: &Path) -> bool {
    if !is_directory(root) {
        return false;
    }
    let names: io::Result<Vec<_>> =
        fs::read_dir(root).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    let Ok(names) = names else { return false };
    let is_ours = |name: &OsString| [MARK, WRITTEN, NEXT, ASIDE].iter().any(|ours| name == ours);
    let is_marked = || read_short(&root.join(MARK)).is_ok_and(|text| text == MARK_TEXT || text.is_empty());
    names.is_empty() || names.iter().all(is_ours) && is_marked()
}

/// Moves what is not sgbuild's back to `directory`, and removes the staging directory `root`.
fn sweep(root: &Path, directory: &Path) -> io::Result<()> {
    let aside = root.join(ASIDE);
    if is_directory(&aside) && fs::symlink_metadata(directory).is_err() {
        fs::rename(&aside, directory)?;
    }
    if read_short(&root.join(WRITTEN)).is_ok() {
        for from in [root.join(NEXT), aside] {
            // Never through a link, which might lead anywhere.
            if is_directory(&from) {
                give_back(&from, directory)?;
            }
        }
    }
    // From here on there is nothing to give back: what is left when the list of what sgbuild wrote is gone must not look foreign.
    remove(&root.join(WRITTEN))?;
    // The mark last, so that a run that is killed in between leaves a directory that is known.
    remove(&root.join(NEXT))?;
    remove(&root.join(ASIDE))?;
    remove(&root.join(MARK))?;
    match fs::remove_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Removes a file, a link or a tree that may not be there.
fn remove(path: &Path) -> io::Result<()> {
    let removed = if is_directory(path) {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn give_back(from: &Path, directory: &Path) -> io::Result<()> {
    let written = Written::into(from);
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        let to = directory.join(&name);
        if name.to_str().is_some_and(|name| written.holds(name)) || written::is_same(&from.join(&name), &to) {
            continue;
        }
        match fs::symlink_metadata(&to) {
            Ok(_) => {
                let said = format!("{} is there, and is another one", to.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, said));
            }
            Err(_) => fs::create_dir_all(directory)?,
        }
        move_entry(&from.join(&name), &to)?;
    }
    Ok(())
}

/// The names in `old` that are not sgbuild's, and that are moved along. What has the name of a file in `next` is in the way, unless sgbuild
/// wrote it or it is the same.
fn kept(old: &Path, next: &Path) -> Result<Vec<OsString>, Error> {
    let written = Written::into(old);
    let (mut kept, mut in_the_way) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(old).map_err(Error::io("read", old))? {
        let entry = entry.map_err(Error::io("read", old))?;
        let (name, path) = (entry.file_name(), entry.path());
        let comes = next.join(&name);
        let is_ours = name.to_str().is_some_and(|name| written.holds(name));
        if is_ours || written::is_same(&path, &comes) {
            continue;
        }
        if fs::symlink_metadata(&comes).is_err() && name != IMAGE_JSON {
            kept.push(name);
        } else if is_directory(&path) {
            return Err(Error::InTheWay {
                path,
                what: "a directory",
                writes: "a file",
            });
        } else {
            in_the_way.push(path);
        }
    }
    in_the_way.sort();
    if in_the_way.is_empty() {
        Ok(kept)
    } else {
        Err(Error::NotOurs { paths: in_the_way })
    }
}

/// Moves a file, link, directory or whatever else.
fn move_entry(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_directory(from) => {
            move_protected(from, to).map_err(|_| error)
        }
        moved => moved,
    }
}

/// Moves a directory that its owner may not write: it gets another `..`, so Linux wants it writable for that moment.
fn move_protected(from: &Path, to: &Path) -> io::Result<()> {
    let protected = fs::symlink_metadata(from)?.permissions();
    fs::set_permissions(from, fs::Permissions::from_mode(protected.mode() | 0o200))?;
    let moved = fs::rename(from, to);
    let there = if moved.is_ok() { to } else { from };
    fs::set_permissions(there, protected)?;
    moved
}

/// Whether `path` is a directory, and not a link to one.
fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn read_short(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open_regular(path)?.take(1024).read_to_string(&mut text)?;
    Ok(text)
}

/// Whether something is mounted on `directory`: then it cannot be renamed.
fn is_mount_point(directory: &Path) -> io::Result<bool> {
    if let Some(known) = is_mount_root(directory) {
        return Ok(known);
    }
    let parent = directory.parent().unwrap_or(directory);
    Ok(fs::symlink_metadata(directory)?.dev() != fs::metadata(parent)?.dev())
}

/// What the kernel says, since Linux 5.8: a directory of the same file system may be mounted there, and a subvolume of Btrfs is
/// another device without being mounted.
#[cfg(target_os = "linux")]
fn is_mount_root(directory: &Path) -> Option<bool> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, directory, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).ok()?;
    let is_known = found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
    is_known.then(|| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount_root(_directory: &Path) -> Option<bool> {
    None
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
    let aside = a.with_file_name(ASIDE);
    fs::rename(b, &aside)?;
    if let Err(error) = fs::rename(a, b) {
        fs::rename(&aside, b)?;
        return Err(error);
    }
    fs::rename(&aside, a)
}

#[cfg(test)]
mod tests;
