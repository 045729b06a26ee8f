//! Directories of sgbuild's own in the user's cache, with programs in them that are run later.

mod lock;

pub(crate) use lock::{Access, Refused, lock, lock_if_free};

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::access;

/// The directory `name` in `cache`, made where it is missing; or why it cannot be used.
///
/// It must be this user's own: without a home directory the cache is in `/tmp`, where others could have put theirs.
pub(crate) fn directory(cache: &Path, name: &str) -> Result<PathBuf, String> {
    let directory = cache.join(name);
    let unusable = |reason: String| format!("cannot use {}: {reason}", directory.display());
    let system = |error: io::Error| unusable(error.to_string());
    fs::create_dir_all(&directory).map_err(system)?;
    let found = fs::metadata(&directory).map_err(system)?;
    if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o002 != 0 {
        return Err(unusable("others may write there".to_owned()));
    }
    access(&directory, rustix::fs::Access::WRITE_OK).map_err(|error| system(error.into()))?;
    Ok(directory)
}

/// Removes a directory that may not be there.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_directory_that_others_may_write_is_not_used() {
        let cache = tempfile::tempdir().unwrap();
        let made = directory(cache.path(), "uv").unwrap();
        assert_eq!(made, cache.path().join("uv"));
        fs::set_permissions(&made, fs::Permissions::from_mode(0o777)).unwrap();
        let reason = directory(cache.path(), "uv").unwrap_err();
        assert!(reason.ends_with("uv: others may write there"), "{reason}");
    }

    #[test]
    fn a_cache_that_cannot_be_made_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(directory(file.path(), "uv").unwrap_err().starts_with("cannot use "));
    }
}
