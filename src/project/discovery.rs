//! Automatic discovery: what setuptools packs of a project that lists neither packages nor modules.
//! <https://setuptools.pypa.io/en/latest/userguide/package_discovery.html#automatic-discovery>

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::error::Error;
use super::find_packages::{Find, any_matches, find_packages, patterns, walk};
use super::python_source::identifier;

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

/// The packages that are in no other of the list; stubs do not count.
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
