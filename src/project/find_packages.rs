//! `find_packages()` and `find_namespace_packages()`: the search for packages below a directory.
//! <https://setuptools.pypa.io/en/latest/userguide/package_discovery.html#finding-simple-packages>

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::border::{self, Real};
use super::error::Error;
use crate::reading::{Search, TooFar};
use crate::wildcard::Pattern;

/// The arguments of `find_packages()`.
#[derive(Debug, Clone)]
pub(crate) struct Find {
    /// Relative to the root.
    pub(crate) place: String,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// PEP 420 packages too (directories without `__init__.py`).
    pub(crate) namespaces: bool,
}

impl Default for Find {
    fn default() -> Self {
        Self {
            place: ".".to_owned(),
            include: vec!["*".to_owned()],
            exclude: Vec::new(),
            namespaces: false,
        }
    }
}

/// The dotted names of the packages found, sorted.
pub(crate) fn find_packages(root: &Path, find: &Find) -> Result<Vec<String>, Error> {
    let looks = |path: &Path, _: &str| find.namespaces || path.join("__init__.py").is_file();
    let mut exclude: Vec<&str> = vec!["ez_setup", "*__pycache__"];
    exclude.extend(find.exclude.iter().map(String::as_str));
    let include: Vec<&str> = find.include.iter().map(String::as_str).collect();
    walk(root, &find.place, &include, &exclude, &looks)
}

/// The packages below `place` that are included and not excluded, among the directories that look like one.
pub(super) fn walk(
    root: &Path,
    place: &str,
    include: &[&str],
    exclude: &[&str],
    looks_like_package: &dyn Fn(&Path, &str) -> bool,
) -> Result<Vec<String>, Error> {
    let (included, excluded) = (patterns(include), patterns(exclude));
    let mut found = Vec::new();
    if let Ok(Real::Outside(outside)) = border::real(root, place) {
        return Err(Error::Outside(outside));
    }
    let place = root.join(place);
    let mut search = Search::default();
    let mut open = vec![Open {
        directory: place.clone(),
        package: String::new(),
        passed: None,
    }];
    while let Some(at) = open.pop() {
        for (name, is_link) in directories(&at.directory, &mut search)? {
            let path = at.directory.join(&name);
            let package = if at.package.is_empty() {
                name.clone()
            } else {
                format!("{}.{name}", at.package)
            };
            if name.contains('.') || !looks_like_package(&path, &package) {
                continue;
            }
            let is_found = any_matches(&included, &package) && !any_matches(&excluded, &package);
            let pruned = [format!("{package}*"), format!("{package}.*")];
            let is_entered = !pruned.iter().any(|p| exclude.contains(&p.as_str()));
            if is_link && let Ok(Real::Outside(outside)) = border::real(root, &path) {
                if is_found || (is_entered && may_match_below(include, &package)) {
                    return Err(Error::Outside(outside));
                }
                continue;
            }
            if is_found {
                found.push(package.clone());
            }
            if is_entered {
                let passed = if is_link {
                    search.link().map_err(|source| Error::TooFar {
                        path: path.clone(),
                        source,
                    })?;
                    at.through(&place, &path)?
                } else {
                    at.passed.clone()
                };
                open.push(Open {
                    directory: path,
                    package,
                    passed,
                });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A directory that is still to be listed.
struct Open {
    directory: PathBuf,
    package: String,
    /// The links that lead here, the last first.
    passed: Option<Rc<Passed>>,
}

/// A link that was followed: where the way to it began, and the directory that it is in, both without links.
struct Passed {
    from: PathBuf,
    to: PathBuf,
    before: Option<Rc<Passed>>,
    /// Where the link leads.
    target: PathBuf,
}

impl Open {
    /// The links on the way to what `link` leads to.
    ///
    /// # Errors
    /// It leads back to a directory that the way came through: Python would follow it until the system refuses, and find 40 packages
    /// for one.
    fn through(&self, place: &Path, link: &Path) -> Result<Option<Rc<Passed>>, Error> {
        let real = |path: &Path| {
            path.canonicalize().map_err(|source| Error::Unreadable {
                path: path.to_owned(),
                source,
            })
        };
        let from = match &self.passed {
            Some(last) => last.target.clone(),
            None => real(place)?,
        };
        let passed = Rc::new(Passed {
            from,
            to: real(&self.directory)?,
            before: self.passed.clone(),
            target: real(link)?,
        });
        let ways = std::iter::successors(Some(&passed), |passed| passed.before.as_ref());
        for way in ways {
            if way.to.starts_with(&passed.target) && passed.target.starts_with(&way.from) {
                return Err(Error::LinkLoop { path: link.to_owned() });
            }
        }
        Ok(Some(passed))
    }
}

pub(super) fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::fnmatch(text)).collect()
}

pub(super) fn any_matches(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// Whether a package below `package` could match a pattern, as far as the characters before its first wildcard tell.
fn may_match_below(patterns: &[&str], package: &str) -> bool {
    let below = format!("{package}.");
    patterns.iter().any(|pattern| {
        let plain = pattern.split(['*', '?', '[']).next().unwrap_or_default();
        plain.starts_with(&below) || below.starts_with(plain)
    })
}

/// Sub-directories by name, and whether each is a link; a directory that is missing has none, as for `os.walk`.
fn directories(directory: &Path, search: &mut Search) -> Result<Vec<(String, bool)>, Error> {
    let unreadable = |source| Error::Unreadable {
        path: directory.to_path_buf(),
        source,
    };
    let too_far = |source: TooFar| Error::TooFar {
        path: directory.to_path_buf(),
        source,
    };
    search.directory().map_err(too_far)?;
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for entry in entries {
        search.entry().map_err(too_far)?;
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        // The listing tells the kind; only behind a link it takes another look.
        let is_dir = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        if let Ok(name) = entry.file_name().into_string()
            && is_dir
        {
            names.push((name, kind.is_symlink()));
        }
    }
    Ok(names)
}
