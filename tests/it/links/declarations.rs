//! Files that setup.cfg, pyproject.toml and MANIFEST.in name.

use super::{BARE, refused};

const PROJECT: &str =
    "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'tiny'\n";

#[test]
fn what_setup_cfg_names() {
    let setup = "from setuptools import setup\nsetup()\n";
    let cfg = |rest: &str| format!("[metadata]\nname = tiny\nversion = 1.0\n{rest}");
    for (what, link, rest, target) in [
        (
            "a description",
            "about.md",
            "long_description = file: about.md\n",
            "key",
        ),
        ("a summary", "about.md", "description = file: about.md\n", "key"),
        ("classifiers", "about", "classifiers = file: about\n", "key"),
        (
            "a second file",
            "about",
            "long_description = file: setup.cfg, about\n",
            "key",
        ),
        ("a linked directory", "docs", "long_description = file: docs/key\n", ""),
        (
            "requirements",
            "needs",
            "[options]\ninstall_requires = file: needs\n",
            "requires",
        ),
        (
            "bad requirements",
            "needs",
            "[options]\ninstall_requires = file: needs\n",
            "key",
        ),
        (
            "extras",
            "needs",
            "[options.extras_require]\nall = file: needs\n",
            "key",
        ),
        (
            "entry points",
            "points",
            "[options]\nentry_points = file: points\n",
            "key",
        ),
        ("a licence", "TERMS", "license_files = TERMS\n", "key"),
        (
            "a data file",
            "data.csv",
            "[options]\npackages = tiny\n[options.data_files]\nd = data.csv\n",
            "key",
        ),
        (
            "data files",
            "data",
            "[options]\npackages = tiny\n[options.data_files]\nd = data/*\n",
            "",
        ),
        (
            "all data files",
            "data",
            "[options]\npackages = tiny\n[options.data_files]\nd = data/**\n",
            "",
        ),
        (
            "package data",
            "tiny/a.csv",
            "[options]\npackages = tiny\n[options.package_data]\n* = *.csv\n",
            "../key",
        ),
        ("a script", "run", "[options]\npackages = tiny\nscripts = run\n", "key"),
        ("a module", "own.py", "[options]\npy_modules = own\n", "own.py"),
        ("packages", "linked", "[options]\npackages = find:\n", "package"),
        (
            "packages below",
            "lib",
            "[options]\npackages = find:\n[options.packages.find]\nwhere = lib\n",
            "",
        ),
        (
            "namespaces",
            "linked",
            "[options]\npackages = find_namespace:\n",
            "package",
        ),
        (
            "packages by name",
            "linked",
            "[options]\npackages =\n  tiny\n  linked\n",
            "package",
        ),
    ] {
        let target = match target.strip_prefix("../") {
            Some(target) => format!("../AWAY/{target}"),
            None => format!("AWAY/{target}"),
        };
        refused(
            what,
            link,
            &[("setup.py", setup), ("setup.cfg", &cfg(rest))],
            &[(link, &target)],
        );
    }
    let version = |from: &str| format!("[metadata]\nname = tiny\nversion = {from}\n[options]\npackages = tiny\n");
    refused(
        "a version",
        "VERSION",
        &[("setup.py", setup), ("setup.cfg", &version("file: VERSION"))],
        &[("VERSION", "AWAY/version")],
    );
    refused(
        "an attribute",
        "tiny/own.py",
        &[("setup.py", setup), ("setup.cfg", &version("attr: tiny.own.VERSION"))],
        &[("tiny/own.py", "../AWAY/own.py")],
    );
}

#[test]
fn what_pyproject_names() {
    let with = |rest: &str| format!("{PROJECT}{rest}");
    let fixed = |rest: &str| with(&format!("version = '1.0'\n{rest}"));
    let dynamic = |field: &str, directive: &str| {
        let version = if field == "version" { "" } else { "version = '1.0'\n" };
        with(&format!(
            "{version}dynamic = ['{field}']\n[tool.setuptools.dynamic]\n{field} = {directive}\n"
        ))
    };
    for (what, link, pyproject, target) in [
        ("a readme", "about.md", fixed("readme = 'about.md'\n"), "AWAY/key"),
        (
            "a readme's table",
            "about",
            fixed("readme = {file = 'about', content-type = 'text/plain'}\n"),
            "AWAY/key",
        ),
        ("a licence", "TERMS", fixed("license = {file = 'TERMS'}\n"), "AWAY/key"),
        ("licences", "TERMS", fixed("license-files = ['TERMS*']\n"), "AWAY/key"),
        (
            "a version",
            "VERSION",
            dynamic("version", "{file = 'VERSION'}"),
            "AWAY/version",
        ),
        (
            "an attribute",
            "tiny/own.py",
            dynamic("version", "{attr = 'tiny.own.VERSION'}"),
            "../AWAY/own.py",
        ),
        (
            "dependencies",
            "needs",
            dynamic("dependencies", "{file = ['needs']}"),
            "AWAY/requires",
        ),
        (
            "bad dependencies",
            "needs",
            dynamic("dependencies", "{file = ['needs']}"),
            "AWAY/key",
        ),
        (
            "optional dependencies",
            "needs",
            dynamic("optional-dependencies", "{all = {file = ['needs']}}"),
            "AWAY/requires",
        ),
        (
            "a dynamic readme",
            "about",
            dynamic("readme", "{file = ['about']}"),
            "AWAY/key",
        ),
        (
            "a description",
            "about",
            dynamic("description", "{file = 'about'}"),
            "AWAY/key",
        ),
        (
            "classifiers",
            "about",
            dynamic("classifiers", "{file = 'about'}"),
            "AWAY/key",
        ),
        (
            "entry points",
            "points",
            dynamic("entry-points", "{file = 'points'}"),
            "AWAY/key",
        ),
        (
            "data files",
            "data",
            fixed("[tool.setuptools]\npackages = ['tiny']\n[tool.setuptools.data-files]\nd = ['data/*']\n"),
            "AWAY",
        ),
        (
            "package data",
            "tiny/data",
            fixed("[tool.setuptools]\npackages = ['tiny']\n[tool.setuptools.package-data]\ntiny = ['data/**/*']\n"),
            "../AWAY",
        ),
        (
            "where packages are",
            "lib",
            fixed("[tool.setuptools.packages.find]\nwhere = ['lib']\n"),
            "AWAY",
        ),
        ("namespaces", "tiny/linked", fixed(""), "../AWAY/package"),
        ("a src layout", "src", fixed(""), "AWAY"),
    ] {
        refused(what, link, &[("pyproject.toml", &pyproject)], &[(link, target)]);
    }
}

#[test]
fn what_manifest_in_names() {
    for line in [
        "include linked/key",
        "include linked/*",
        "include */key",
        "include ./linked/./key",
        "graft linked",
        "recursive-include linked *",
        "recursive-include linked/package *.py",
    ] {
        refused(
            line,
            "linked",
            &[("setup.py", BARE), ("MANIFEST.in", &format!("{line}\n"))],
            &[("linked", "AWAY")],
        );
    }
    for line in [
        "include docs/*",
        "graft docs",
        "global-include *.txt",
        "recursive-include . *.txt",
    ] {
        let manifest = format!("{line}\n");
        refused(
            line,
            "docs/a.txt",
            &[("setup.py", BARE), ("MANIFEST.in", &manifest)],
            &[("docs/a.txt", "../AWAY/key")],
        );
    }
}
