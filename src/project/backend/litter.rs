//! What tools leave behind in a project's tree.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::Build;

/// What tools leave in a project's tree when they are asked: setuptools an `*.egg-info` beside the packages, cargo (for maturin) a
/// `Cargo.lock`. What setup.py itself writes is its own affair.
pub(super) struct Litter {
    places: Vec<PathBuf>,
    before: Vec<PathBuf>,
}

impl Litter {
    /// What lies about before a backend is asked, where such tools leave something.
    pub(super) fn before(root: &Path, build: &Build) -> Self {
        let mut places = vec![root.to_owned(), root.join("src")];
        places.extend(build.package_dir.get("").map(|directory| root.join(directory)));
        let before = left_by_tools(&places);
        Self { places, before }
    }

    /// Removes what was left since.
    pub(super) fn remove_new(&self) {
        for made in left_by_tools(&self.places) {
            if !self.before.contains(&made) {
                // What cannot be removed is generated, and ignored by every project of its kind.
                let _ = if made.is_dir() {
                    fs::remove_dir_all(made)
                } else {
                    fs::remove_file(made)
                };
            }
        }
    }
}

fn left_by_tools(places: &[PathBuf]) -> Vec<PathBuf> {
    let entries = places
        .iter()
        .filter_map(|place| fs::read_dir(place).ok())
        .flatten()
        .flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "egg-info") || path.ends_with("Cargo.lock"))
        .collect()
}
