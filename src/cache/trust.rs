//! Whether nobody else can change where a path leads.
//!
//! What is in sgbuild's directories is run, so nobody but this user and root may write there, or put another directory in the place
//! of one above it. A directory with the sticky bit, such as `/tmp`, is shared safely: what is in it is moved by its owner only
//! ([inode(7)](https://man7.org/linux/man-pages/man7/inode.7.html)).

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::process::geteuid;

/// As many links as Linux follows: <https://man7.org/linux/man-pages/man7/path_resolution.7.html>.
const MOST_LINKS: usize = 40;
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

/// Why a path is not used.
#[derive(Debug)]
pub(crate) enum Untrusted {
    /// Another user owns a level of it.
    OwnedByAnother(PathBuf),
    /// Other users may write in a level of it.
    WrittenByOthers(PathBuf),
    /// One of sgbuild's own levels is a link.
    Link(PathBuf),
    /// A level is no directory.
    NotADirectory(PathBuf),
    /// The system does not say.
    System(PathBuf, io::Error),
}

impl Untrusted {
    /// The directory on the path that is at fault.
    fn level(&self) -> &Path {
        match self {
            Self::OwnedByAnother(level)
            | Self::WrittenByOthers(level)
            | Self::Link(level)
            | Self::NotADirectory(level)
            | Self::System(level, _) => level,
        }
    }

    /// The reason in words, in a message that has named `directory` already.
    pub(super) fn reason(&self, directory: &Path) -> String {
        match self {
            Self::WrittenByOthers(level) if level == directory => "others may write there".to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level().display();
        match self {
            Self::OwnedByAnother(_) => write!(f, "{level} belongs to another user"),
            Self::WrittenByOthers(_) => write!(f, "others may write in {level}"),
            Self::Link(_) => write!(f, "{level} is a link"),
            Self::NotADirectory(_) => write!(f, "{level} is not a directory"),
            Self::System(_, error) => write!(f, "{error}"),
        }
    }
}

/// Makes sure that every level of `path` that is there is a directory which nobody else can replace. Links are followed where they are
/// this user's or root's.
pub(crate) fn check(path: &Path) -> Result<(), Untrusted> {
    let mut left: VecDeque<OsString> = parts(path);
    let mut reached = PathBuf::from("/");
    let mut links = 0;
    trusted(&reached, &found(&reached)?)?;
    while let Some(part) = left.pop_front() {
        if part == ".." {
            reached.pop();
            continue;
        }
        let next = reached.join(part);
        let metadata = match fs::symlink_metadata(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            metadata => metadata.map_err(|error| Untrusted::System(next.clone(), error))?,
        };
        if !metadata.is_symlink() {
            trusted(&next, &metadata)?;
            reached = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Untrusted::Link(next));
        }
        if !is_ours_or_roots(&metadata) {
            return Err(Untrusted::OwnedByAnother(next));
        }
        let target = fs::read_link(&next).map_err(|error| Untrusted::System(next, error))?;
        if target.is_absolute() {
            reached = PathBuf::from("/");
        }
        let mut target = parts(&target);
        target.append(&mut left);
        left = target;
    }
    Ok(())
}

/// Makes sure that `level` is a directory of this user's, no link, in which nobody else may write.
pub(super) fn own(level: &Path) -> Result<(), Untrusted> {
    let metadata = found(level)?;
    if metadata.is_symlink() {
        return Err(Untrusted::Link(level.to_owned()));
    }
    if !metadata.is_dir() {
        return Err(Untrusted::NotADirectory(level.to_owned()));
    }
    if metadata.uid() != geteuid().as_raw() {
        return Err(Untrusted::OwnedByAnother(level.to_owned()));
    }
    if is_written_by_others(&metadata) {
        return Err(Untrusted::WrittenByOthers(level.to_owned()));
    }
    Ok(())
}

/// Whether `level` is a directory of this user's, as [`own`].
pub(crate) fn is_own(level: &Path) -> bool {
    own(level).is_ok()
}

fn found(level: &Path) -> Result<Metadata, Untrusted> {
    fs::symlink_metadata(level).map_err(|error| Untrusted::System(level.to_owned(), error))
}

fn trusted(level: &Path, metadata: &Metadata) -> Result<(), Untrusted> {
    if !metadata.is_dir() {
        return Err(Untrusted::NotADirectory(level.to_owned()));
    }
    if !is_ours_or_roots(metadata) {
        return Err(Untrusted::OwnedByAnother(level.to_owned()));
    }
    if is_written_by_others(metadata) && metadata.mode() & STICKY == 0 {
        return Err(Untrusted::WrittenByOthers(level.to_owned()));
    }
    Ok(())
}

fn is_ours_or_roots(metadata: &Metadata) -> bool {
    [ROOT, geteuid().as_raw()].contains(&metadata.uid())
}

/// A group that has the user's own number does not count: by the custom of Linux distributions, which let it write (umask 002), nobody
/// else is in it.
fn is_written_by_others(metadata: &Metadata) -> bool {
    let own_group = metadata.uid() != ROOT && metadata.gid() == metadata.uid();
    let others = if own_group { 0o002 } else { 0o022 };
    metadata.mode() & others != 0
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let named = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    named.map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    /// `<level>/below`, with `<level>` of this mode.
    fn below(level: &Path, mode: u32) -> PathBuf {
        fs::create_dir_all(level.join("below")).unwrap();
        fs::set_permissions(level, Permissions::from_mode(mode)).unwrap();
        level.join("below")
    }

    #[test]
    fn a_level_in_which_others_may_write_is_not_trusted_unless_it_is_sticky() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, trusted) in [(0o700, true), (0o755, true), (0o777, false), (0o1777, true)] {
            let level = directory.path().join(format!("{mode:o}"));
            assert_eq!(check(&below(&level, mode)).is_ok(), trusted, "{mode:o}");
        }
    }

    #[test]
    fn levels_may_be_missing() {
        let directory = tempfile::tempdir().unwrap();
        check(&directory.path().join("a/b/c")).unwrap();
        below(&directory.path().join("shared"), 0o777);
        assert!(check(&directory.path().join("shared/a/b")).is_err());
    }

    #[test]
    fn links_are_followed_to_what_must_be_trusted_too() {
        let directory = tempfile::tempdir().unwrap();
        let (shared, link) = (directory.path().join("shared"), directory.path().join("link"));
        below(&shared, 0o755);
        symlink("shared/below", &link).unwrap();
        check(&link.join("new")).unwrap();
        below(&shared, 0o777);
        let error = check(&link.join("new")).unwrap_err();
        assert_eq!(error.to_string(), format!("others may write in {}", shared.display()));
        symlink("round", directory.path().join("round")).unwrap();
        assert!(matches!(
            check(&directory.path().join("round")),
            Err(Untrusted::Link(_))
        ));
    }

    #[test]
    fn a_file_is_no_level() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = check(&file.path().join("cache")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{} is not a directory", file.path().display())
        );
    }

    #[test]
    fn own_levels_are_no_links_and_not_even_sticky() {
        let directory = tempfile::tempdir().unwrap();
        let (level, link) = (directory.path().join("level"), directory.path().join("link"));
        below(&level, 0o755);
        symlink(&level, &link).unwrap();
        assert!(is_own(&level) && !is_own(&link));
        below(&level, 0o1777);
        assert!(!is_own(&level));
    }

    #[test]
    fn the_group_may_write_where_it_is_the_users_own() {
        let directory = tempfile::tempdir().unwrap();
        let level = below(&directory.path().join("level"), 0o755);
        fs::set_permissions(&level, Permissions::from_mode(0o775)).unwrap();
        if !geteuid().is_root() {
            return;
        }
        assert!(!is_own(&level));
        // As another user sees it.
        chown(&level, Some(4711), Some(4711)).unwrap();
        assert!(!is_written_by_others(&fs::metadata(&level).unwrap()));
        chown(&level, Some(4711), Some(4712)).unwrap();
        assert!(is_written_by_others(&fs::metadata(&level).unwrap()));
    }
}
