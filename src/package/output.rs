//! The file that an archive is written to. It has its name only when it is complete.

use std::fs;
use std::path::Path;

use tempfile::NamedTempFile;

use super::Error;

/// A new file in the directory `out_dir`, which is made if it is missing. Dropped, it is gone.
pub(super) fn begin(out_dir: &Path, prefix: &str) -> Result<NamedTempFile, Error> {
    let failed = |source| Error::OutDir {
        path: out_dir.to_path_buf(),
        source,
    };
    fs::create_dir_all(out_dir).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    {
        // A temporary file is private by default; this one becomes a file like any other, as the umask has it.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(out_dir).map_err(failed)
}

/// Whether the owner may execute the file.
#[cfg(unix)]
pub(super) fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

/// Whether the owner may execute the file.
#[cfg(not(unix))]
pub(super) fn is_executable(_metadata: &fs::Metadata) -> bool {
    false
}
