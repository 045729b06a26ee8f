//! Paths as Python's `pathlib` writes them.

use std::path::{Component, Path, PathBuf};

/// Parts that a path is joined of.
pub(super) const MAX_PARTS: usize = 1_000;

/// The path as `pathlib.PurePath` has it: without components `.`, and an empty one as `.`.
pub(super) fn pure(path: &Path) -> PathBuf {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let pure: PathBuf = parts.collect();
    if pure.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        pure
    }
}
