//! Reading a project: compared with the real setuptools, and under everything a setup.py can do to its reader.

mod asking;
mod configured;
mod descriptive;
mod discovered;
mod hostile;
mod messages;
mod oracle;
mod scripted;

use std::fs;

use crate::support::{Sandbox, root};
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

#[test]
fn every_fixture_is_read_as_setuptools_reads_it() {
    let mut cases = Vec::new();
    for entry in fs::read_dir(root().join("fixtures")).unwrap() {
        let directory = entry.unwrap().path();
        if !directory.is_dir() {
            continue;
        }
        let sandbox = Sandbox::empty();
        crate::support::copy(&directory, &sandbox.project());
        let computed = directory.ends_with("computed-version");
        let kind = if computed { Kind::Asked } else { Kind::Static };
        cases.push((directory.display().to_string(), kind, sandbox));
    }
    assert!(cases.len() >= 6);
    oracle::agree_in(&cases);
}
