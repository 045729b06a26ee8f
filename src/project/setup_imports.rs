//! Modules that setup.py imports, and that are not there where the package is built from source.

use std::path::Path;

use ruff_python_ast::{Identifier, Stmt};
use ruff_text_size::Ranged as _;

use super::Build;
use super::python_source;
use super::requirement::normalized;
use super::source_file::SourceFile;

/// The modules of Python's standard library, of every Python that an image may have.
const STANDARD_LIBRARY: &str = include_str!("standard_library.txt");
/// What a build environment has without being told: setuptools, and what comes with it.
const WITH_SETUPTOOLS: &str = "setuptools distutils _distutils_hack wheel packaging jaraco more_itertools platformdirs tomli \
                               importlib_metadata importlib_resources zipp typing_extensions backports autocommand inflect typeguard";
/// A part of setuptools that version 82 no longer has; before, it came with it.
const GONE: &str = "pkg_resources";
/// Requirements that hold no other modules than those.
const PLAIN: [&str; 2] = ["setuptools", "wheel"];

/// A warning about the first import at the top level of setup.py that nothing installs.
pub(super) fn unprovided(root: &Path, build: &Build) -> Option<String> {
    let name_of = |requirement: &String| {
        let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
        normalized(&requirement[..end.unwrap_or(requirement.len())])
    };
    // A package's modules may have other names than the package: with others there is no telling.
    let is_plain = build
        .requires
        .iter()
        .all(|requirement| PLAIN.contains(&name_of(requirement).as_str()));
    if !is_plain || !build.backend_path.is_empty() {
        return None;
    }
    let file = SourceFile::read(root, "setup.py").ok()??;
    let is_held_back = |requirement: &String| ["<", "==", "~="].iter().any(|bound| requirement.contains(bound));
    let mut requires = build.requires.iter();
    let holds_gone = requires.any(|requirement| name_of(requirement) == "setuptools" && is_held_back(requirement));
    let is_there = |module: &str| (module == GONE && holds_gone) || is_there(root, module);
    // The lines say at once that there is nothing to look for, as nearly always.
    if file.text.lines().flat_map(modules_of_line).all(is_there) {
        return None;
    }
    let imported = python_source::with_module(&file, imported).ok()??;
    let (module, line) = imported.into_iter().find(|(module, _)| !is_there(module))?;
    let cure = match module.as_str() {
        "pip" => "read requirements.txt without pip".to_owned(),
        GONE => {
            "write requires = [\"setuptools<82\"] in [build-system] of pyproject.toml, which still holds it".to_owned()
        }
        _ => format!("add the package that holds {module} to requires in [build-system] of pyproject.toml"),
    };
    Some(format!(
        "setup.py:{line}: {module} is imported, which nothing installs where the package is built from its sdist, so that pip stops there; {cure}"
    ))
}

/// The modules that a line imports, if it is an import at the top level; a line of a text may look like one.
fn modules_of_line(line: &str) -> Vec<&str> {
    let root_of = |name: &'_ str| -> usize { name.find(['.', ' ', ',', ';', '#']).unwrap_or(name.len()) };
    if let Some(names) = line.strip_prefix("import ") {
        return names
            .split(',')
            .map(str::trim)
            .map(|name| &name[..root_of(name)])
            .collect();
    }
    let module = line.strip_prefix("from ").map(str::trim_start);
    module.map(|name| &name[..root_of(name)]).into_iter().collect()
}

/// The modules that statements at the top level import, with their lines; what is tried, or depends on a condition, does not count.
fn imported(file: &SourceFile, body: &[Stmt]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for statement in body {
        let line = file.line(statement.start().to_usize());
        let names = match statement {
            Stmt::Import(import) => import.names.iter().map(|alias| alias.name.as_str()).collect(),
            Stmt::ImportFrom(import) if import.level == 0 => import.module.iter().map(Identifier::as_str).collect(),
            _ => Vec::new(),
        };
        found.extend(names.into_iter().map(|name| (root_module(name).to_owned(), line)));
    }
    found
}

fn root_module(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Whether a module is Python's own, in any version that an image may have.
pub(crate) fn is_of_standard_library(module: &str) -> bool {
    is_among(STANDARD_LIBRARY, module)
}

fn is_among(names: &str, module: &str) -> bool {
    names.split_whitespace().any(|name| name == module)
}

/// Whether a module is Python's, setuptools', or beside setup.py.
fn is_there(root: &Path, module: &str) -> bool {
    let is_beside = || root.join(module).is_dir() || root.join(format!("{module}.py")).is_file();
    module.is_empty() || is_of_standard_library(module) || is_among(WITH_SETUPTOOLS, module) || is_beside()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(setup_py: &str, requires: &[&str]) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("setup.py"), setup_py).unwrap();
        std::fs::write(root.path().join("beside.py"), "").unwrap();
        let build = Build {
            requires: requires.iter().map(|name| (*name).to_owned()).collect(),
            ..Build::default()
        };
        unprovided(root.path(), &build)
    }

    #[test]
    fn what_nothing_installs_is_named_with_its_line() {
        let plain = ["setuptools>=61", "wheel"];
        for (setup_py, module) in [
            ("import numpy\n", "setup.py:1: numpy"),
            ("import os\nfrom Cython.Build import cythonize\n", "setup.py:2: Cython"),
            ("import os, torch.utils as t\n", "setup.py:1: torch"),
            ("import pip._internal.req\n", "setup.py:1: pip"),
        ] {
            let told = warning(setup_py, &plain).unwrap();
            assert!(told.starts_with(module), "{told}");
        }
        for fine in [
            "import os, sys\nfrom setuptools import setup\n",
            "import beside\nfrom beside import x\n",
            "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n",
            "if True:\n    import numpy\n",
            "text = '''\nimport numpy\nfrom here to there\n'''\n",
            "from . import x\n",
        ] {
            assert_eq!(warning(fine, &plain), None, "{fine}");
        }
        assert_eq!(warning("import numpy\n", &["setuptools", "numpy>=1"]), None);
        assert_eq!(warning("import skbuild\n", &["scikit-build"]), None);
    }
}
