//! Directories and files of sgbuild's own, to ask in.

use std::path::Path;

use crate::cache::{self, Staging};
use crate::project::Error;

/// A directory for this run.
pub(super) fn scratch() -> Result<Staging, Error> {
    cache::scratch().map_err(unusable(&std::env::temp_dir()))
}

/// The error that `path`, a file or directory of sgbuild's own, could not be used.
pub(super) fn unusable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Workspace { path, source }
}
