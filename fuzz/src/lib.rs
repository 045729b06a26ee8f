//! The parsers of sgbuild, for the fuzz targets: its own sources, without those that talk to AWS and Docker.
//!
//! A target gives its input to the whole path from the file on disk, as a user would: [`Directory::load`] reads a project,
//! [`Directory::pack`] packs it. No panic, no hang, and bounded memory is all that is asked; the fuzzer's limits watch the last
//! two.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "only the parsers are called")]

pub mod archive;
#[path = "../../src/cache/mod.rs"]
mod cache;
#[path = "../../src/registry/client/challenge.rs"]
mod challenge;
#[path = "../../src/depth.rs"]
mod depth;
#[path = "../../src/check/dockerfile/parsed.rs"]
mod dockerfile;
pub mod engine;
#[path = "../../src/lambda/event_json.rs"]
mod event_json;
#[path = "../../src/explain/mod.rs"]
pub mod explain;
#[path = "../../src/hex.rs"]
pub mod hex;
pub mod local;
#[path = "../../src/near.rs"]
mod near;
#[path = "../../src/oci/mod.rs"]
pub mod oci;
#[path = "../../src/package/mod.rs"]
pub mod package;
#[path = "../../src/process/mod.rs"]
pub mod process;
#[path = "../../src/progress.rs"]
pub mod progress;
#[path = "../../src/project/mod.rs"]
pub mod project;
#[path = "../../src/python.rs"]
mod python;
#[path = "../../src/reading.rs"]
pub mod reading;
#[path = "../../src/requirements/mod.rs"]
pub mod requirements;
#[path = "../../src/revision/mod.rs"]
mod revision;
#[path = "../../src/secret/mod.rs"]
pub mod secret;
#[path = "../../src/shown/mod.rs"]
mod shown;
mod training;
#[path = "../../src/uv/mod.rs"]
pub mod uv;
#[path = "../../src/wildcard.rs"]
mod wildcard;

use std::fs;
use std::path::PathBuf;

use package::sdist::{self, SdistSettings};
use progress::Silent;
use project::{Project, ProjectSettings, ReadFor};
use tempfile::TempDir;
use uv::UvSettings;

/// A directory in memory with a small tree, kept for all inputs of a target.
pub struct Directory(TempDir);

impl Default for Directory {
    fn default() -> Self {
        let parent = if fs::exists("/dev/shm").unwrap_or_default() {
            PathBuf::from("/dev/shm")
        } else {
            std::env::temp_dir()
        };
        let directory = Self(TempDir::new_in(parent).expect("a directory in memory"));
        for (name, text) in [
            ("pkg/__init__.py", "__version__ = '1.0'\nfrom .about import *\n"),
            ("pkg/about.py", "name = 'a'\n"),
            ("pkg/data/a.txt", ""),
            ("pkg/data/.b/c-d.csv", ""),
            ("src/other/__init__.py", "VERSION = (1, 2)\n"),
            ("README.md", "# read\n"),
            ("requirements.txt", "six>=1\n# no\nidna; python_version < '3'\n"),
        ] {
            directory.write(name, text.as_bytes());
        }
        directory
    }
}

impl Directory {
    /// Writes a file below the directory.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a name")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }

    /// Where a file is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The project in it, read without Python.
    pub fn load(&self) -> Option<Project> {
        let settings = ProjectSettings {
            train: None,
            serve: None,
            initializer: None,
            static_only: true,
            python: PathBuf::from("python3"),
            python_timeout: 1,
            environment: Vec::new(),
            cache_dir: self.0.path().join("cache"),
            uv: UvSettings::default(),
            read_for: ReadFor::default(),
        };
        project::load(self.0.path(), &settings, &Silent).ok()
    }

    /// The project's sdist, if it can be packed.
    pub fn pack(&self, project: &Project) {
        let _ = sdist::pack(project, &self.path("dist"), &SdistSettings::default(), &Silent);
    }
}

/// What a registry asks for in its `WWW-Authenticate` headers, one a line; whether one of them can be met.
pub fn challenged(headers: &[u8]) -> bool {
    let values = headers
        .split(|byte| *byte == b'\n')
        .filter_map(|line| http::HeaderValue::from_bytes(line).ok());
    let headers = values.map(|value| (http::header::WWW_AUTHENTICATE, value)).collect();
    challenge::Challenge::of(&headers).is_some()
}

/// A function's event; whether it is one.
pub fn event(bytes: &[u8]) -> bool {
    event_json::read(bytes).is_ok()
}

/// A user's netrc: what a build would be given of it for two hosts, read as a netrc again, says the same of them.
pub fn netrc(text: &str) {
    let hosts = ["index.example".to_owned(), "h".to_owned()];
    let read = secret::Netrc::of(text);
    let Some(given) = read.only(&hosts) else { return };
    let again = secret::Netrc::of(&given);
    for host in &hosts {
        let said = |netrc: &secret::Netrc| {
            netrc
                .login(host)
                .map(|(login, password)| (login.to_owned(), password.expose().to_owned()))
        };
        assert_eq!(said(&again), said(&read), "{host} in {given:?}");
    }
}

/// A pip.conf; whether it can be read.
pub fn pip_conf(text: &str) -> bool {
    project::ini::parse_raw(text).is_ok()
}

/// A Dockerfile of the user's, as `check` and the Docker engine read it.
pub fn dockerfile(text: &str) {
    if let Some(read) = dockerfile::Parsed::of(text) {
        for instruction in &read.instructions {
            let _ = (instruction.form(), instruction.copied());
        }
    }
    engine::docker::context::read(text);
}

/// The file of hyperparameters: what is taken of it, SageMaker takes.
///
/// # Panics
/// It would not.
pub fn hyperparameters(bytes: &[u8]) {
    use training::hyperparameters::{MAX_ENTRIES, MAX_NAME, MAX_VALUE, parse};
    let Ok(read) = parse(bytes) else { return };
    assert!(read.len() <= MAX_ENTRIES);
    for (name, value) in read {
        assert!((1..=MAX_NAME).contains(&name.chars().count()) && value.chars().count() <= MAX_VALUE);
    }
}

/// A lock of a project's: pip is told what was understood of it, a line each, and nothing else.
///
/// # Panics
/// Pip would read another thing.
pub fn locked(project: &Project, file: &str) {
    let named = requirements::Named {
        file,
        by_project_at: None,
    };
    let extras = ["extra".to_owned()];
    let Ok(read) = requirements::read(project, named, &extras, &UvSettings::default(), &Silent) else {
        return;
    };
    let written = requirements::written(&read.lines);
    let text = written.join("\n");
    let told = requirements::parse(&text).unwrap_or_else(|error| panic!("{error:?} in {text:?}"));
    let lines = written.iter().filter(|line| !line.starts_with("# "));
    assert_eq!(told.len(), lines.count(), "{text:?}");
}
