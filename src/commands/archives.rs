//! What is made of a package.

use std::path::{Path, PathBuf};

use crate::package::sdist::Sdist;
use crate::package::wheel::Wheel;

/// What is made of the package and of what it requires beside it.
pub(super) struct Archives {
    pub(super) sdist: Sdist,
    /// `None` where only the image can build it.
    pub(super) wheel: Option<Wheel>,
    /// The neighbours' wheels, by name.
    pub(super) neighbours: Vec<Wheel>,
}

impl Archives {
    /// The names of all of them.
    pub(super) fn file_names(&self) -> impl Iterator<Item = &String> {
        let wheels = self.wheel.iter().chain(&self.neighbours);
        [&self.sdist.file_name]
            .into_iter()
            .chain(wheels.map(|wheel| &wheel.file_name))
    }

    /// What is installed: of the package the wheel, or where there is none what it can be built of.
    pub(super) fn installed(&self) -> Vec<PathBuf> {
        let package = self.wheel.as_ref().map_or(&self.sdist.path, |wheel| &wheel.path);
        let neighbours = self.neighbours.iter().map(|wheel| wheel.path.clone());
        neighbours.chain([package.clone()]).collect()
    }

    /// The same where they are now.
    pub(super) fn moved_to(self, directory: &Path) -> Self {
        let moved = |wheel: Wheel| Wheel {
            path: directory.join(&wheel.file_name),
            ..wheel
        };
        Self {
            sdist: Sdist {
                path: directory.join(&self.sdist.file_name),
                ..self.sdist
            },
            wheel: self.wheel.map(moved),
            neighbours: self.neighbours.into_iter().map(moved).collect(),
        }
    }
}
