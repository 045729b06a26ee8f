//! How far a project may reach for its neighbours. A checkout may be a stranger's, and what it names is packed into an image: so only
//! what came with it, in the same repository or in the workspace that its user made it a member of.

use std::path::{Component, Path, PathBuf};

use super::Error;
use crate::project::border;

/// See above.
pub(super) struct Bounds {
    project: PathBuf,
    /// The top of the git repository.
    repository: Option<PathBuf>,
    /// The root of the uv workspace.
    workspace: Option<PathBuf>,
}

impl Bounds {
    pub(super) fn new(project: &Path, repository: Option<PathBuf>, workspace: Option<PathBuf>) -> Self {
        Self {
            project: project.to_owned(),
            repository,
            workspace,
        }
    }

    /// The top of the git repository that the project is in.
    pub(super) fn repository(&self) -> Option<&Path> {
        self.repository.as_deref()
    }

    /// The directory `path`, free of links, that is named at `at`.
    pub(super) fn admit(&self, path: &Path, at: &str) -> Result<PathBuf, Error> {
        let (at, shown) = (at.to_owned(), self.shown(&border::without_dots(path)));
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(source) => return Err(Error::Unreadable { at, shown, source }),
        };
        let wide = [Some(&self.project), self.repository.as_ref(), self.workspace.as_ref()];
        let mut around = wide.into_iter().flatten().filter(|around| real.starts_with(around));
        let is_within = around
            .next()
            .is_some_and(|around| !border::is_gits(around, &real.join("x")));
        if !is_within {
            let within = self.workspace.as_ref().or(self.repository.as_ref());
            return Err(Error::Outside {
                at,
                shown: border::without_dots(path).display().to_string(),
                within: within.map(|within| within.display().to_string()),
            });
        }
        if !real.is_dir() {
            return Err(Error::Archive { at, shown });
        }
        Ok(real)
    }

    /// A directory as people see it from the project's: `../common`.
    pub(super) fn shown(&self, directory: &Path) -> String {
        let mut common = self.project.components().zip(directory.components());
        let shared = common.by_ref().take_while(|(one, other)| one == other).count();
        if shared <= 1 {
            return directory.display().to_string();
        }
        let up = self.project.components().skip(shared).map(|_| Component::ParentDir);
        let shown: PathBuf = up.chain(directory.components().skip(shared)).collect();
        if shown.as_os_str().is_empty() {
            return ".".to_owned();
        }
        shown.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_neighbour_is_of_the_same_repository_or_workspace() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for path in ["repository/app", "repository/common", "repository/.git/x", "beside"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        fs::write(root.join("repository/common.zip"), "").unwrap();
        std::os::unix::fs::symlink("../beside", root.join("repository/link")).unwrap();
        let (project, top) = (root.join("repository/app"), root.join("repository"));
        let bounds = Bounds::new(&project, Some(top.clone()), None);
        let said = |bounds: &Bounds, path: &str| match bounds.admit(&project.join(path), "x:1") {
            Ok(real) => bounds.shown(&real),
            Err(error) => error.to_string(),
        };
        assert_eq!(said(&bounds, "../common"), "../common");
        assert_eq!(said(&bounds, "."), ".");
        for outside in ["../../beside", "../link", "/etc", "../.git", "../.git/x"] {
            assert!(said(&bounds, outside).contains("lies outside"), "{outside}");
        }
        assert!(said(&bounds, "../common.zip").contains("is an archive"));
        assert!(said(&bounds, "../none").contains("cannot be read"));
        // Neither: then nothing beside the project is its neighbour.
        let alone = Bounds::new(&project, None, None);
        assert!(said(&alone, "../common").contains("in no git repository"));
        let workspace = Bounds::new(&project, None, Some(top));
        assert_eq!(said(&workspace, "../common"), "../common");
    }
}
