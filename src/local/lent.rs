//! What of sgbuild's own directory containers are given.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Lets whatever user an image has read `directory` and those below it, whatever the umask is: the directory above them is for this user alone.
///
/// # Errors
/// They are somebody else's.
pub(crate) fn let_read(directory: &Path) -> io::Result<()> {
    each(directory, |entry| entry.file_type().is_dir())
}

/// The same with the files in it, where those are sgbuild's own too.
///
/// # Errors
/// As [`let_read`].
pub(crate) fn let_read_files(directory: &Path) -> io::Result<()> {
    each(directory, |entry| {
        entry.file_type().is_dir() || entry.file_type().is_file()
    })
}

fn each(directory: &Path, is_lent: impl Fn(&walkdir::DirEntry) -> bool) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(directory) {
        let entry = entry?;
        if !is_lent(&entry) {
            continue;
        }
        let mode = entry.metadata()?.permissions().mode();
        let readable = if entry.file_type().is_dir() { 0o555 } else { 0o444 };
        fs::set_permissions(entry.path(), Permissions::from_mode(mode | readable))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_lent_where_they_are_ours() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("lent");
        fs::create_dir_all(place.join("sub")).unwrap();
        fs::write(place.join("sub/file"), "").unwrap();
        let elsewhere = root.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, place.join("link")).unwrap();
        for path in ["sub/file", "sub", "", "../elsewhere"] {
            fs::set_permissions(place.join(path), Permissions::from_mode(0o700)).unwrap();
        }
        let modes = || {
            ["", "sub", "sub/file", "../elsewhere"]
                .map(|path| fs::metadata(place.join(path)).unwrap().permissions().mode() & 0o777)
        };
        let_read(&place).unwrap();
        assert_eq!(modes(), [0o755, 0o755, 0o700, 0o700]);
        let_read_files(&place).unwrap();
        assert_eq!(modes(), [0o755, 0o755, 0o744, 0o700]);
    }
}
