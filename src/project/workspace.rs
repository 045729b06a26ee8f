//! The uv workspace that a project is in: its root names the members, and what holds for all of them.
//! Source: <https://docs.astral.sh/uv/concepts/projects/workspaces/>.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use super::dependency_source::DependencySource;
use super::error::Error;
use super::pyproject;
use super::requirement::normalized;
use super::source_file::SourceFile;
use super::value::Value;
use crate::reading::{Search, TooFar};
use crate::wildcard::{Pattern, has_magic};

const FILE: &str = "pyproject.toml";

/// A workspace.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The directory whose `pyproject.toml` has `[tool.uv.workspace]`.
    pub(crate) root: PathBuf,
    /// What its root says of where requirements come from; a member's own word comes first.
    pub(crate) sources: Vec<DependencySource>,
    members: Vec<String>,
    exclude: Vec<String>,
}

/// A package of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name, normalised.
    pub(crate) name: String,
    /// Its directory.
    pub(crate) directory: PathBuf,
}

impl Workspace {
    /// The one that `directory` is in, or is the root of. It is looked for as far up as `top`, where that is known, and in files of
    /// the same owner only: a directory for everybody's files may be above.
    ///
    /// # Errors
    /// A `pyproject.toml` above it cannot be read.
    pub(crate) fn around(directory: &Path, top: Option<&Path>) -> Result<Option<Self>, Error> {
        let Ok(owner) = fs::metadata(directory).map(|found| found.uid()) else {
            return Ok(None);
        };
        let within = |above: &&Path| top.is_none_or(|top| above.starts_with(top));
        for above in directory.ancestors().take_while(within) {
            let is_owners = fs::metadata(above.join(FILE)).is_ok_and(|found| found.uid() == owner);
            let read = if is_owners { Self::at(above) } else { Ok(None) };
            let found = read.map_err(|source| Error::AroundIt {
                directory: above.to_owned(),
                source: Box::new(source),
            })?;
            if let Some(workspace) = found {
                return Ok(workspace.has(directory).then_some(workspace));
            }
        }
        Ok(None)
    }

    /// The one whose root is `root`.
    pub(crate) fn at(root: &Path) -> Result<Option<Self>, Error> {
        let Some(file) = SourceFile::read(root, FILE)? else {
            return Ok(None);
        };
        // Most files say nothing of it, and are not taken apart for that.
        if !file.text.contains("workspace") {
            return Ok(None);
        }
        let top = pyproject::tables(&file)?;
        let uv = top.get("tool").and_then(|tool| tool.get("uv"));
        let Some(said) = uv.and_then(|uv| uv.get("workspace")) else {
            return Ok(None);
        };
        let listed = |key: &str| said.get(key).and_then(Value::strings).unwrap_or_default();
        Ok(Some(Self {
            root: root.to_owned(),
            sources: pyproject::sources(&top),
            members: listed("members"),
            exclude: listed("exclude"),
        }))
    }

    /// Its packages: the root, and every directory that `members` names and `exclude` does not.
    ///
    /// # Errors
    /// The search for them does not come to an end.
    pub(crate) fn packages(&self) -> Result<Vec<Member>, Error> {
        let mut search = Search::default();
        let mut directories = vec![self.root.clone()];
        for pattern in &self.members {
            let found = matching(&self.root, pattern, &mut search).map_err(|source| Error::TooFar {
                path: self.root.clone(),
                source,
            })?;
            directories.extend(found.into_iter().filter(|directory| !self.excludes(directory)));
        }
        directories.sort();
        directories.dedup();
        let named = directories.into_iter().filter_map(|directory| {
            let name = normalized(&package_name(&directory)?);
            Some(Member { name, directory })
        });
        Ok(named.collect())
    }

    /// Whether `directory` is its root or one of its members, whatever is in it.
    fn has(&self, directory: &Path) -> bool {
        let Some(below) = self.below(directory) else {
            return false;
        };
        let is_named = |pattern: &String| {
            let pattern = pattern.trim_end_matches('/');
            Pattern::manifest(pattern.trim_start_matches("./")).matches(&below)
        };
        below.is_empty() || (self.members.iter().any(is_named) && !self.excludes(directory))
    }

    fn excludes(&self, directory: &Path) -> bool {
        let Some(below) = self.below(directory) else {
            return false;
        };
        let matches = |pattern: &String| Pattern::fnmatch(pattern.trim_end_matches('/')).matches(&below);
        self.exclude.iter().any(matches)
    }

    fn below(&self, directory: &Path) -> Option<String> {
        Some(directory.strip_prefix(&self.root).ok()?.to_str()?.to_owned())
    }
}

/// `[project] name` of the package in `directory`.
fn package_name(directory: &Path) -> Option<String> {
    let file = SourceFile::read(directory, FILE).ok()??;
    let top: toml::Table = file.text.parse().ok()?;
    Some(top.get("project")?.get("name")?.as_str()?.to_owned())
}

/// The directories that `pattern` names, seen from `root`: `*` and `?` within one name, `**` any number of directories.
fn matching(root: &Path, pattern: &str, search: &mut Search) -> Result<Vec<PathBuf>, TooFar> {
    let mut reached = vec![root.to_owned()];
    for component in Path::new(pattern).components() {
        let name = match component {
            Component::Normal(name) => name.to_string_lossy(),
            Component::ParentDir => "..".into(),
            _ => continue,
        };
        let mut next = Vec::new();
        for directory in reached {
            match name.as_ref() {
                "**" => next.extend(all_below(directory, search)?),
                pattern if has_magic(pattern) => {
                    let pattern = Pattern::fnmatch(pattern);
                    let listed = directories_in(&directory, search)?;
                    next.extend(listed.into_iter().filter(|found| {
                        found
                            .file_name()
                            .is_some_and(|name| pattern.matches(&name.to_string_lossy()))
                    }));
                }
                name => next.push(directory.join(name)),
            }
        }
        reached = next;
    }
    reached.retain(|directory| directory.is_dir());
    Ok(reached)
}

fn all_below(directory: PathBuf, search: &mut Search) -> Result<Vec<PathBuf>, TooFar> {
    let (mut found, mut waiting) = (Vec::new(), vec![directory]);
    while let Some(directory) = waiting.pop() {
        waiting.extend(
            directories_in(&directory, search)?
                .into_iter()
                .filter(|found| !found.is_symlink()),
        );
        found.push(directory);
    }
    Ok(found)
}

/// Sorted; none where it cannot be listed.
fn directories_in(directory: &Path, search: &mut Search) -> Result<Vec<PathBuf>, TooFar> {
    search.directory()?;
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        search.entry()?;
        let path = entry.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// How many levels below a directory without a project packages are looked for.
const LEVELS: usize = 3;
/// How many of them are named.
const MOST_NAMED: usize = 10;
/// Directories that hold no package of the user's own.
const NOT_SEARCHED: [&str; 6] = ["node_modules", "site-packages", "build", "dist", "venv", "env"];
const PROJECT_FILES: [&str; 3] = ["setup.py", "setup.cfg", FILE];

/// The packages of the workspace whose root is `root`, else those in directories below it, for who ran sgbuild above them: paths
/// relative to `root`, sorted.
pub(super) fn packages_below(root: &Path) -> Vec<String> {
    let found = match Workspace::at(root) {
        Ok(Some(workspace)) => {
            let packages = workspace.packages().unwrap_or_default();
            packages.into_iter().map(|member| member.directory).collect()
        }
        _ => projects_below(root),
    };
    let below = found.iter().filter_map(|path| path.strip_prefix(root).ok());
    let mut below: Vec<String> = below.map(|path| path.display().to_string()).collect();
    below.retain(|path| !path.is_empty());
    below.sort();
    below.truncate(MOST_NAMED);
    below
}

fn projects_below(root: &Path) -> Vec<PathBuf> {
    let mut search = Search::default();
    let mut found = Vec::new();
    let mut level = vec![root.to_owned()];
    for _ in 0..LEVELS {
        let mut next = Vec::new();
        for directory in level {
            let Ok(listed) = directories_in(&directory, &mut search) else {
                return found;
            };
            let is_searched = |path: &PathBuf| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                !name.starts_with('.') && !NOT_SEARCHED.contains(&name.as_ref()) && !path.is_symlink()
            };
            for path in listed.into_iter().filter(is_searched) {
                if PROJECT_FILES.iter().any(|file| path.join(file).is_file()) {
                    found.push(path);
                } else {
                    next.push(path);
                }
            }
        }
        level = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn package(root: &Path, directory: &str, name: &str) {
        let text = format!("[project]\nname = \"{name}\"\n");
        write(root, &format!("{directory}/{FILE}"), &text);
    }

    #[test]
    fn members_are_what_the_patterns_name_and_exclude_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        write(
            &root,
            FILE,
            "[tool.uv.workspace]\nmembers = [\"packages/*\", \"./deep/**\", \"one/\"]\nexclude = [\"packages/old*\"]\n",
        );
        for (path, name) in [
            ("packages/a", "A_b"),
            ("packages/old-one", "old"),
            ("deep/x/y", "y"),
            ("one", "one"),
            ("other", "other"),
        ] {
            package(&root, path, name);
        }
        write(&root, "packages/no-package/README", "");
        let workspace = Workspace::around(&root.join("packages/a"), None).unwrap().unwrap();
        let names: Vec<String> = workspace
            .packages()
            .unwrap()
            .into_iter()
            .map(|found| found.name)
            .collect();
        assert_eq!(names, ["y", "one", "a-b"]);
        assert_eq!(packages_below(&root), ["deep/x/y", "one", "packages/a"]);
        // Neither of these is in it, and what the root says is not for them.
        for outside in ["other", "packages/old-one"] {
            assert!(
                Workspace::around(&root.join(outside), None).unwrap().is_none(),
                "{outside}"
            );
        }
        let top = root.join("packages");
        assert!(
            Workspace::around(&root.join("packages/a"), Some(&top))
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn packages_below_a_directory_without_a_project_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        package(root, "services/train", "train");
        package(root, "services/train/vendored", "inner");
        write(root, "lib/setup.py", "");
        package(root, ".tox/x", "x");
        package(root, "node_modules/x", "x");
        package(root, "a/b/c/d", "too-deep");
        assert_eq!(packages_below(root), ["lib", "services/train"]);
    }
}
