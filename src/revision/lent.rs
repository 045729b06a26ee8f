//! git in a copy of a checkout: it answers there as it does here, and changes nothing here.
//!
//! The copy has a git directory of its own, which holds `HEAD` and the index, and links to all the rest
//! (<https://git-scm.com/docs/gitrepository-layout>), as git's own
//! [`git-new-workdir`](https://github.com/git/git/blob/v2.43.0/contrib/workdir/git-new-workdir) makes it. What was not copied is marked in that
//! index, so that it does not count as deleted: a version that a plugin takes from git does not become a dirty one.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Error;
use super::checkout::Checkout;
use super::git::Git;
use crate::progress::{Cancelled, Progress};

/// What the copy has of its own, and what is of a working tree or a process that is somewhere else.
const OWN: [&str; 6] = ["HEAD", "commondir", "config", "fsmonitor--daemon", "gitdir", "index"];
const GIT: &str = ".git";

/// Why a copy has no git directory.
#[derive(Debug)]
pub(crate) enum NotLent {
    /// The user interrupted.
    Cancelled(Cancelled),
    /// It cannot be written.
    System(io::Error),
}

impl From<io::Error> for NotLent {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// The top of the checkout that `directory` is in.
pub(crate) fn top(directory: &Path) -> Option<PathBuf> {
    Checkout::around(directory).map(|checkout| checkout.top().to_owned())
}

/// Gives `copy`, the copy of the top of the checkout around `project`, a git directory, and answers the time of its commit. In it is a
/// copy of the project, whole but for what is missing there, and what lies beside the project is linked.
///
/// Where git refuses the checkout (it is another user's), the copy points at the checkout's git directory, and git refuses it as well.
///
/// # Errors
/// The directory cannot be written, or the user interrupted.
pub(crate) fn lend(
    project: &Path,
    copy: &Path,
    environment: &[(String, String)],
    progress: &dyn Progress,
) -> Result<Option<i64>, NotLent> {
    let Some(checkout) = Checkout::around(project) else {
        return Ok(None);
    };
    let Some(git) = Git::find(environment, progress) else {
        return point_to(&checkout, copy);
    };
    let head = match git.start_head(&checkout).and_then(|asked| git.head(asked)) {
        Ok(head) => head,
        Err(Error::Cancelled(cancelled)) => return Err(NotLent::Cancelled(cancelled)),
        Err(Error::Refused(_)) => return point_to(&checkout, copy),
    };
    make_directory(&checkout, &copy.join(GIT))?;
    match mark_what_is_missing(&checkout, project, copy, &git) {
        Err(Error::Cancelled(cancelled)) => Err(NotLent::Cancelled(cancelled)),
        // Without the marks, what is missing counts as deleted, and no more than that.
        _ => Ok(head.and_then(|head| head.time)),
    }
}

fn point_to(checkout: &Checkout, copy: &Path) -> Result<Option<i64>, NotLent> {
    let pointer = [b"gitdir: ", checkout.git_dir().as_os_str().as_bytes(), b"\n"].concat();
    fs::write(copy.join(GIT), pointer)?;
    Ok(None)
}

fn make_directory(checkout: &Checkout, own: &Path) -> io::Result<()> {
    fs::create_dir(own)?;
    for entry in fs::read_dir(checkout.common_dir())? {
        let name = entry?.file_name();
        let is_own = OWN.iter().any(|own| name == *own) || name.as_bytes().ends_with(b".lock");
        if !is_own {
            symlink(checkout.common_dir().join(&name), own.join(&name))?;
        }
    }
    for name in ["HEAD", "index", "config.worktree"] {
        let (from, to) = (checkout.git_dir().join(name), own.join(name));
        if from.is_file() {
            // Of a working tree beside the first one.
            if to.is_symlink() {
                fs::remove_file(&to)?;
            }
            fs::copy(from, to)?;
        }
    }
    for file in super::private::shared_indexes(checkout) {
        let to = own.join(file.file_name().unwrap_or_default());
        if !to.is_symlink() {
            symlink(&file, to)?;
        }
    }
    configure(checkout, &own.join("config"))
}

/// A submodule's configuration says where its working tree is, relative to its git directory.
fn configure(checkout: &Checkout, own: &Path) -> io::Result<()> {
    let original = checkout.common_dir().join("config");
    let Ok(text) = fs::read_to_string(&original) else {
        return Ok(());
    };
    let names_tree = |line: &str| line.trim_start().to_ascii_lowercase().starts_with("worktree");
    if !text.lines().any(names_tree) {
        return symlink(original, own);
    }
    let mut kept: Vec<&str> = text.lines().filter(|line| !names_tree(line)).collect();
    kept.push("");
    fs::write(own, kept.join("\n"))
}

/// Marks what is in the index and not in the copy, but for what differs from the index in the checkout too.
fn mark_what_is_missing(checkout: &Checkout, project: &Path, copy: &Path, git: &Git<'_>) -> Result<(), Error> {
    let listed = git.answer(git.start_listing(copy)?)?.bytes()?;
    let below = project.strip_prefix(checkout.top()).unwrap_or(Path::new(""));
    let is_missing = |name: &&[u8]| {
        let path = Path::new(OsStr::from_bytes(name));
        let is_link = |top: &Path| top.join(path).symlink_metadata().map(|found| found.is_symlink());
        if !path.starts_with(below) {
            return true;
        }
        match (is_link(copy), is_link(checkout.top())) {
            (Ok(here), Ok(there)) => here != there,
            (Err(_), Ok(_)) => true,
            _ => false,
        }
    };
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut missing: BTreeSet<&[u8]> = names.filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let status = git.answer(git.start_status(checkout)?)?.bytes()?;
    for name in differing(&status) {
        missing.remove(name);
    }
    let refused = |error: io::Error| Error::Refused(error.to_string());
    let mut input = tempfile::tempfile().map_err(refused)?;
    let joined: Vec<u8> = missing.into_iter().flat_map(|name| [name, b"\0"].concat()).collect();
    input.write_all(&joined).map_err(refused)?;
    let asked = git.start_reading(copy, &["update-index", "-z", "--skip-worktree", "--stdin"], input)?;
    git.answer(asked)?.bytes().map(|_| ())
}

/// The files that differ in the working tree, of what `git status --porcelain -z` says
/// (<https://git-scm.com/docs/git-status#_porcelain_format_version_1>).
fn differing(status: &[u8]) -> Vec<&[u8]> {
    let mut entries = status.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let Some(entry) = entries.next() {
        let [index, tree, b' ', name @ ..] = entry else {
            continue;
        };
        if *tree != b' ' {
            found.push(name);
        }
        // Then comes what it was called before.
        if [*index, *tree].iter().any(|state| b"RC".contains(state)) {
            entries.next();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_the_tree_is_told_from_what_is_staged() {
        let status = b" M a\0M  b\0MM c d\0R  new\0old\0 D gone\0RM moved\0 M no\0";
        let names: Vec<_> = differing(status).into_iter().map(String::from_utf8_lossy).collect();
        assert_eq!(names, ["a", "c d", "gone", "moved"]);
    }
}
