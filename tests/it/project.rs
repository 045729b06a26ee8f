//! Reading a project: compared with the real setuptools, and under everything a setup.py can do to its reader.

pub(crate) mod backends;
mod cache;
mod descriptions;
mod doubts;
mod environment;
mod extremes;
mod generators;
pub(crate) mod hooks;
mod image_python;
mod installer;
mod isolation;
mod links;
mod listings;
mod loaded_files;
mod messages;
mod mutations;
mod oracle;
mod packages;
mod plugins;
mod programs;
mod pyproject;
mod setup_arguments;
mod setup_call;
mod setup_cfg;
mod training_function;
mod unbounded;
mod workplace;

use std::process::Command;

use crate::support::root;
use oracle::{Case, Kind, agree};

/// What every situation begins with.
const IMPORT: &str = "from setuptools import setup, find_packages\n";

/// A `setup.py` alone, and a package.
fn script(kind: Kind, name: &'static str, setup_py: &str) -> Case {
    files(kind, name, &[("setup.py", &format!("{IMPORT}{setup_py}"))])
}

/// Files as given, and a package.
fn files(kind: Kind, name: &'static str, given: &[(&str, &str)]) -> Case {
    let package = [("pkg/__init__.py", "__version__ = '7.1'\n")];
    bare(kind, name, &[&package, given].concat())
}

/// Files as given, and nothing else.
fn bare(kind: Kind, name: &'static str, given: &[(&str, &str)]) -> Case {
    let files = given.iter().map(|(n, t)| ((*n).to_owned(), t.as_bytes().to_owned()));
    Case {
        name,
        kind,
        files: files.collect(),
    }
}

/// Runs a script of tests/conformance on this build, which says itself what it found.
fn conformance(script: &str, arguments: &[&str]) {
    let mut command = Command::new("python3");
    command
        .arg(root().join("tests/conformance").join(script))
        .args(["--sgbuild", env!("CARGO_BIN_EXE_sgbuild")])
        .args(arguments);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaint}");
}

#[test]
fn every_fixture_is_read_packed_and_installed_as_setuptools_does_it() {
    conformance("conformance.py", &["--sections", "fixtures", "--quick"]);
}

#[test]
fn random_projects_are_read_and_packed_as_setuptools_does_it() {
    conformance("projects.py", &["--projects", "60", "--seed", "continuous"]);
}
