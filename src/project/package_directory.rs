//! Where a package is: setuptools' `package_dir`
//! ([documentation](https://setuptools.pypa.io/en/latest/userguide/package_discovery.html)).

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The directory of a package relative to the root: the longest dotted parent in `package_dir` decides.
pub(crate) fn package_directory(package: &str, package_dir: &BTreeMap<String, String>) -> PathBuf {
    let parts: Vec<&str> = package.split('.').collect();
    let placed = (1..=parts.len())
        .rev()
        .find_map(|n| Some((package_dir.get(&parts[..n].join("."))?, n)));
    let (mut path, n) = match placed {
        Some((directory, n)) => (PathBuf::from(directory), n),
        None => (package_dir.get("").map(PathBuf::from).unwrap_or_default(), 0),
    };
    path.extend(&parts[n..]);
    path
}
