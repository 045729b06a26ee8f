//! The checkout that a directory is in.
//!
//! It is looked for as git looks ([discovery](https://git-scm.com/docs/git#Documentation/git.txt-GITDIR)), with one difference: a
//! directory that is a bare repository by its contents is none to us. Such a directory can be committed, configuration included, and
//! git before 2.38 cannot be told to pass it over.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The longest `.git` file that git itself reads is longer than any path.
const LONGEST: u64 = 64 * 1024;

/// A working tree and where its repository is.
pub(super) struct Checkout {
    top: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
}

impl Checkout {
    /// The nearest one at or above `directory`, on the same file system.
    pub(super) fn around(directory: &Path) -> Option<Self> {
        let directory = directory.canonicalize().ok()?;
        let device = fs::metadata(&directory).ok()?.dev();
        directory
            .ancestors()
            .take_while(|above| fs::metadata(above).is_ok_and(|found| found.dev() == device))
            .find_map(Self::at)
    }

    /// The one whose top is `top`.
    pub(super) fn at(top: &Path) -> Option<Self> {
        let entry = top.join(".git");
        let kind = fs::metadata(&entry).ok()?;
        let git_dir = if kind.is_dir() {
            entry
        } else if kind.is_file() && kind.len() <= LONGEST {
            top.join(
                fs::read_to_string(entry)
                    .ok()?
                    .strip_prefix("gitdir: ")?
                    .trim_end_matches(['\r', '\n']),
            )
        } else {
            return None;
        };
        let git_dir = git_dir.canonicalize().ok()?;
        let common_dir = common_dir(&git_dir)?;
        let is_repository =
            git_dir.join("HEAD").exists() && common_dir.join("objects").is_dir() && common_dir.join("refs").is_dir();
        is_repository.then(|| Self {
            top: top.to_owned(),
            git_dir,
            common_dir,
        })
    }

    /// The working tree's directory.
    pub(super) fn top(&self) -> &Path {
        &self.top
    }

    /// What is of this working tree alone: `HEAD`, `index`.
    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// What all working trees of the repository share: `objects`, `info/exclude`.
    pub(super) fn common_dir(&self) -> &Path {
        &self.common_dir
    }
}

/// <https://git-scm.com/docs/gitrepository-layout#Documentation/gitrepository-layout.txt-commondir>.
fn common_dir(git_dir: &Path) -> Option<PathBuf> {
    let file = git_dir.join("commondir");
    match fs::metadata(&file) {
        Ok(kind) if kind.is_file() && kind.len() <= LONGEST => {
            let named = fs::read_to_string(file).ok()?;
            git_dir.join(named.trim_end_matches(['\r', '\n'])).canonicalize().ok()
        }
        Ok(_) => None,
        Err(_) => Some(git_dir.to_owned()),
    }
}
