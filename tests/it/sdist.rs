//! `Project ─▶ Sdist`, held against the real setuptools and pip.

mod archive;
mod backends;
mod files;
mod links;
mod manifest;
mod metadata;
mod needs;
pub(crate) mod oracle;
mod refusals;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use sgbuild::package::sdist::{Sdist, SdistSettings, pack};
use sgbuild::progress::{Progress, Silent, Task};
use sgbuild::project::{Build, DataFiles, Metadata, Project, Source, SourceKind, Workplace};

const BARE_SETUP: &str = "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo'])\n";

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn step(&self, _: &str) {}
    fn detail(&self, _: &str) {}
    fn warn(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn task(&self, _: &str, _: Option<u64>) -> Box<dyn Task> {
        Box::new(Silent)
    }
}

pub(crate) fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn project(root: &Path, metadata: Metadata, build: Build) -> Project {
    Project {
        root: root.to_path_buf(),
        metadata,
        build,
        train: None,
        train_candidates: Vec::new(),
        serve: None,
        initializer: None,
        source: Source {
            kind: SourceKind::Static,
            reason: String::new(),
        },
        sources: Vec::new(),
        looks_at_python: false,
        warnings: Vec::new(),
        workplace: Workplace::default(),
    }
}

fn demo() -> Metadata {
    Metadata {
        name: "demo".to_owned(),
        version: "1.0".to_owned(),
        packages: vec!["demo".to_owned()],
        ..Metadata::default()
    }
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn map(items: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    items
        .iter()
        .map(|(key, values)| ((*key).to_owned(), strings(values)))
        .collect()
}

pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

fn data_files(directory: &str, files: &[&str]) -> Vec<DataFiles> {
    vec![DataFiles {
        directory: directory.to_owned(),
        files: strings(files),
    }]
}

/// A small project with something of everything.
fn whole(root: &Path) -> Project {
    write(
        root,
        &[
            (
                "setup.py",
                "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo'], \
             include_package_data=True, scripts=['bin/demo-run'])\n",
            ),
            ("MANIFEST.in", "graft demo\ngraft dist\n"),
            (
                "demo/__init__.py",
                "import json, os\nvalue = json.load(open(os.path.join(os.path.dirname(__file__), 'größe.json')))\n",
            ),
            ("demo/größe.json", "[42]"),
            ("demo/__pycache__/x.cpython-311.pyc", "stale"),
            ("bin/demo-run", "#!/bin/sh\n"),
            ("demo.egg-info/SOURCES.txt", "gone.py\n"),
            ("demo.egg-info/stale.txt", ""),
        ],
    );
    fs::set_permissions(root.join("bin/demo-run"), fs::Permissions::from_mode(0o700)).unwrap();
    project(
        root,
        demo(),
        Build {
            include_package_data: true,
            scripts: strings(&["bin/demo-run"]),
            ..Build::default()
        },
    )
}

fn packed(root: &Path, settings: &SdistSettings) -> Sdist {
    pack(&whole(root), &root.join("dist"), settings, &Silent).unwrap()
}
