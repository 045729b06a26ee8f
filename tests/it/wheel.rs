//! `Project ─▶ Wheel`, held against the real setuptools.

mod archive;
mod backends;
mod files;
mod oracle;

use std::path::Path;

use sgbuild::package::wheel::{Error, Wheel, WheelSettings, pack};
use sgbuild::progress::Silent;
use sgbuild::project::{Project, ProjectSettings, ReadFor, load};
use sgbuild::uv::UvSettings;

/// How a project is read, without Python.
fn statically() -> ProjectSettings {
    ProjectSettings {
        train: None,
        serve: None,
        initializer: None,
        static_only: true,
        python: "python3".into(),
        python_timeout: 60,
        environment: Vec::new(),
        cache_dir: std::env::temp_dir(),
        uv: UvSettings::default(),
        read_for: ReadFor::default(),
    }
}

fn read(root: &Path) -> Project {
    load(root, &statically(), &Silent).unwrap()
}

/// The wheel of the project in `root`, in its `dist`.
fn packed(root: &Path) -> Result<Wheel, Error> {
    pack(&read(root), &root.join("dist"), &WheelSettings::default(), &Silent)
}

/// A `setup.py` whose `setup()` has these arguments beside name and version.
fn setup(arguments: &str) -> String {
    format!(
        "from setuptools import setup, find_packages, find_namespace_packages\nsetup(name='demo', version='1.0', {arguments})\n"
    )
}
