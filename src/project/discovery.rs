//! Finding packages as setuptools does: `find_packages()`, `find_namespace_packages()`, and automatic discovery.
//! <https://setuptools.pypa.io/en/latest/userguide/package_discovery.html>

use std::collections::{BTreeMap, BTreeSet};
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

/// What automatic discovery sets on the distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Discovered {
    pub(crate) packages: Vec<String>,
    pub(crate) py_modules: Vec<String>,
    pub(crate) package_dir: BTreeMap<String, String>,
}

/// Automatic discovery for a project that lists neither packages nor modules.
pub(crate) fn discover(root: &Path, package_dir: &BTreeMap<String, String>) -> Result<Discovered, Error> {
    let explicit: Vec<_> = package_dir.iter().filter(|(package, _)| !package.is_empty()).collect();
    if !explicit.is_empty() {
        return explicit_layout(root, package_dir, &explicit);
    }
    let source = package_dir.get("").map_or("src", String::as_str);
    if root.join(source).is_dir() {
        return src_layout(root, source, package_dir);
    }
    flat_layout(root, package_dir)
}

fn explicit_layout(
    root: &Path,
    package_dir: &BTreeMap<String, String>,
    explicit: &[(&String, &String)],
) -> Result<Discovered, Error> {
    let mut packages = Vec::new();
    for (package, place) in explicit {
        packages.push((*package).clone());
        let find = Find {
            place: (*place).clone(),
            namespaces: true,
            ..Find::default()
        };
        packages.extend(
            find_packages(root, &find)?
                .into_iter()
                .map(|nested| format!("{package}.{nested}")),
        );
    }
    Ok(Discovered {
        packages,
        py_modules: Vec::new(),
        package_dir: package_dir.clone(),
    })
}

fn src_layout(root: &Path, source: &str, package_dir: &BTreeMap<String, String>) -> Result<Discovered, Error> {
    let find = Find {
        place: source.to_owned(),
        namespaces: true,
        ..Find::default()
    };
    let mut package_dir = package_dir.clone();
    package_dir.entry(String::new()).or_insert_with(|| source.to_owned());
    Ok(Discovered {
        packages: find_packages(root, &find)?,
        py_modules: modules(&root.join(source), &[])?,
        package_dir,
    })
}

fn flat_layout(root: &Path, package_dir: &BTreeMap<String, String>) -> Result<Discovered, Error> {
    let nested: Vec<String> = FLAT_PACKAGES.iter().map(|name| format!("{name}.*")).collect();
    let mut exclude: Vec<&str> = vec!["ez_setup", "*__pycache__"];
    exclude.extend(FLAT_PACKAGES);
    exclude.extend(nested.iter().map(String::as_str));
    let looks = |_: &Path, package: &str| {
        let mut parts = package.split('.');
        let first = parts.next().unwrap_or_default();
        (identifier(first) || first.ends_with("-stubs")) && parts.all(identifier)
    };
    let packages = walk(root, "", &["*"], &exclude, &looks)?;
    let top_level = top_level(&packages);
    if top_level.len() > 1 {
        return Err(Error::SeveralTopLevel {
            kind: "packages",
            names: top_level,
        });
    }
    if !top_level.is_empty() {
        return Ok(Discovered {
            packages,
            py_modules: Vec::new(),
            package_dir: package_dir.clone(),
        });
    }
    let py_modules = modules(root, FLAT_MODULES)?;
    if py_modules.len() > 1 {
        return Err(Error::SeveralTopLevel {
            kind: "modules",
            names: py_modules,
        });
    }
    Ok(Discovered {
        packages,
        py_modules,
        package_dir: package_dir.clone(),
    })
}

/// Packages without stubs and without those below another one of the list.
fn top_level(packages: &[String]) -> Vec<String> {
    let stubless: BTreeSet<&str> = packages
        .iter()
        .map(String::as_str)
        .filter(|p| !p.split('.').next().unwrap_or_default().ends_with("-stubs"))
        .collect();
    let is_below = |p: &str| p.match_indices('.').any(|(at, _)| stubless.contains(&p[..at]));
    let top = stubless.iter().filter(|p| !is_below(p));
    top.map(|p| (*p).to_owned()).collect()
}

fn walk(
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
    /// The links that lead to `link`'s target. One that leads back to where the way came through would be followed for ever: Python
    /// does so until the system refuses, and finds 40 packages for one.
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

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::fnmatch(text)).collect()
}

fn any_matches(patterns: &[Pattern], name: &str) -> bool {
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

fn modules(directory: &Path, exclude: &[&str]) -> Result<Vec<String>, Error> {
    let unreadable = |source| Error::Unreadable {
        path: directory.to_path_buf(),
        source,
    };
    let excluded = patterns(exclude);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let Some(module) = name.to_str().and_then(|name| name.strip_suffix(".py")) else {
            continue;
        };
        if identifier(module) && !any_matches(&excluded, module) {
            found.push(module.to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether `name` is a Python identifier.
pub(crate) fn identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic()) && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// Directory names that flat-layout discovery passes over.
const FLAT_PACKAGES: &[&str] = &[
    "ci",
    "bin",
    "debian",
    "doc",
    "docs",
    "documentation",
    "manpages",
    "news",
    "newsfragments",
    "changelog",
    "test",
    "tests",
    "unit_test",
    "unit_tests",
    "example",
    "examples",
    "scripts",
    "tools",
    "util",
    "utils",
    "python",
    "build",
    "dist",
    "venv",
    "env",
    "requirements",
    "tasks",
    "fabfile",
    "site_scons",
    "benchmark",
    "benchmarks",
    "exercise",
    "exercises",
    "htmlcov",
    "[._]*",
];

/// Module names that flat-layout discovery passes over.
const FLAT_MODULES: &[&str] = &[
    "setup",
    "conftest",
    "test",
    "tests",
    "example",
    "examples",
    "build",
    "toxfile",
    "noxfile",
    "pavement",
    "dodo",
    "tasks",
    "fabfile",
    "[Ss][Cc]onstruct",
    "conanfile",
    "manage",
    "benchmark",
    "benchmarks",
    "exercise",
    "exercises",
    "[._]*",
];
