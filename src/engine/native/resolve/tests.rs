//! Against the index that this machine's settings name, as uv and pip find it.

mod beside_a_base;
mod sources;
mod tags;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::engine::native::Libc;
use crate::explain::Report;
use crate::oci::Platform;
use crate::progress::Silent;
use crate::settings::{Environment, Settings};

const DEBIAN: Libc = Libc::Glibc(2, 36);

struct Asking {
    requirements: Vec<String>,
    constraints: Vec<String>,
    locked: bool,
    target: Target,
    installed: Vec<Installed>,
    uv: UvSettings,
    upgrade: bool,
    may_build: bool,
    cache: TempDir,
}

impl Asking {
    fn of(requirements: &[&str]) -> Self {
        let nowhere = tempfile::tempdir().unwrap();
        let environment = Environment::new(std::env::vars().collect());
        let settings = Settings::resolve(nowhere.path(), Vec::new(), environment).unwrap();
        Self {
            requirements: requirements.iter().map(|line| (*line).to_owned()).collect(),
            constraints: Vec::new(),
            locked: false,
            target: target("amd64", (3, 11), DEBIAN),
            installed: Vec::new(),
            uv: settings.uv(),
            upgrade: false,
            may_build: true,
            cache: tempfile::tempdir().unwrap(),
        }
    }

    fn with_installed(mut self, packages: &[(&str, &str, &str)]) -> Self {
        self.installed = packages
            .iter()
            .map(|(name, version, more)| installed(name, version, more))
            .collect();
        self
    }

    fn store(&self) -> Store {
        Store::open(&self.cache.path().join("sgbuild"), u64::MAX, &Silent).unwrap()
    }

    async fn ask(&self) -> Result<Resolution, Error> {
        let question = Question {
            requirements: &self.requirements,
            constraints: &self.constraints,
            locked: self.locked,
            target: &self.target,
            python_full: None,
            may_build: self.may_build,
            installed: &self.installed,
            uv: &self.uv,
            anew: self.upgrade,
        };
        resolve(&question, &self.store(), &Sites::of(&self.uv), &Silent).await
    }

    async fn told(&self) -> String {
        let error = self.ask().await.unwrap_err();
        let report = Report::of(&error);
        format!(
            "{}\n{}\n{}",
            report.title,
            report.log.unwrap_or_default(),
            report.advice.hints.join("\n")
        )
    }
}

/// A virtual environment with pip and `packages`, for who judges: its Python.
fn venv(directory: &TempDir, packages: &[&str]) -> PathBuf {
    let uv = Uv::find(&Asking::of(&[]).uv, &Silent).unwrap();
    let place = directory.path().join("venv");
    let run = |arguments: &[&str], more: &[&str]| {
        let arguments = arguments.iter().chain(more).map(Into::into).collect();
        let ended = uv.run_apart("making an environment", arguments, 300, &Silent).unwrap();
        assert!(ended.success, "{}", ended.log);
    };
    run(&["venv", "--seed", place.to_str().unwrap()], &[]);
    let python = place.join("bin/python");
    run(&["pip", "install", "--python", python.to_str().unwrap()], packages);
    python
}

fn target(architecture: &str, python: (u16, u16), libc: Libc) -> Target {
    Target {
        platform: Platform::new("linux", architecture),
        python,
        libc,
    }
}

fn installed(name: &str, version: &str, more: &str) -> Installed {
    Installed {
        name: name.to_owned(),
        version: version.to_owned(),
        metadata: format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}\n"),
    }
}

fn names(resolution: &Resolution) -> Vec<&str> {
    resolution.wheels.iter().map(|wheel| wheel.name.as_str()).collect()
}

#[tokio::test]
async fn open_requirements_come_to_wheels_that_are_fetched_once() {
    let asking = Asking::of(&["# of the package", "flask", "markupsafe>=2"]);
    let resolution = asking.ask().await.unwrap();
    assert!(names(&resolution).contains(&"jinja2"), "{resolution:?}");
    let requested: Vec<_> = resolution.wheels.iter().filter(|wheel| wheel.requested).collect();
    let requested: Vec<_> = requested.iter().map(|wheel| wheel.name.as_str()).collect();
    assert_eq!(requested, ["flask", "markupsafe"]);
    let store = asking.store();
    let sites = Sites::of(&asking.uv);
    let wheels = store.fetch(&resolution.wheels, &sites, &Silent).await.unwrap();
    let compiled = wheels.iter().find(|wheel| wheel.name == "markupsafe").unwrap();
    assert!(compiled.file_name.contains("cp311-cp311-manylinux"), "{compiled:?}");
    assert_eq!(Digest::of(&fs::read(&compiled.path).unwrap()), compiled.digest);
    // Nobody is asked again: neither the index, nor for a file.
    let mut offline = UvSettings {
        program: Some("/nonexistent/uv".into()),
        ..asking.uv.clone()
    };
    offline
        .environment
        .push(("ALL_PROXY".to_owned(), "http://127.0.0.1:9".to_owned()));
    let sites = Sites::of(&offline);
    let again = Asking { uv: offline, ..asking };
    assert_eq!(again.ask().await.unwrap(), resolution);
    assert_eq!(store.fetch(&resolution.wheels, &sites, &Silent).await.unwrap(), wheels);
    let anew = Asking { upgrade: true, ..again };
    assert!(matches!(anew.ask().await, Err(Error::Uv(_))));
}

#[tokio::test]
async fn a_hash_decides_which_file_it_is() {
    let resolution = Asking::of(&["six==1.16.0"]).ask().await.unwrap();
    let Source::File(remote) = &resolution.wheels[0].source else {
        panic!("{resolution:?}")
    };
    let hash = remote.sha256.clone().unwrap();
    let line = format!("six==1.16.0 \\\n    --hash={hash}");
    let locked = Asking::of(&[&line]).ask().await.unwrap();
    assert_eq!(locked.wheels[0].hashes, [hash.as_str()]);
    let zeros = "0".repeat(64);
    let told = Asking::of(&[&format!("six==1.16.0 --hash=sha256:{zeros}")])
        .told()
        .await;
    assert!(
        told.starts_with("the requirements allow none of the files that there are of six: six-1.16.0-py2.py3"),
        "{told}"
    );
    let told = Asking::of(&[&line, "markupsafe"]).told().await;
    assert!(
        told.starts_with("the requirements have hashes, and none for markupsafe"),
        "{told}"
    );
}

#[tokio::test]
async fn the_target_decides_and_not_this_machine() {
    for (target, marked) in [
        (target("arm64", (3, 12), Libc::Glibc(2, 41)), "cp312-cp312-manylinux"),
        (target("amd64", (3, 10), Libc::Glibc(2, 29)), "cp310-cp310-manylinux"),
        (
            target("amd64", (3, 12), Libc::Musl(1, 2)),
            "cp312-cp312-musllinux_1_2_x86_64",
        ),
    ] {
        let asking = Asking {
            target: target.clone(),
            ..Asking::of(&[
                "markupsafe==3.0.2 ; platform_machine != 'none'",
                "colorama ; sys_platform == 'win32'",
            ])
        };
        let resolution = asking.ask().await.unwrap();
        assert_eq!(names(&resolution), ["markupsafe"], "{target}");
        assert!(
            resolution.wheels[0].file_name.contains(marked),
            "{target}: {resolution:?}"
        );
    }
    let old = Asking {
        target: target("amd64", (3, 11), Libc::Glibc(2, 12)),
        ..Asking::of(&["six"])
    };
    let told = old.told().await;
    assert!(told.contains("glibc 2.12: uv has no name for that platform"), "{told}");
}

#[tokio::test]
async fn constraints_and_a_lock_limit_what_comes() {
    let mut asking = Asking::of(&["flask"]);
    asking.constraints = vec!["# of the project".to_owned(), "flask==3.0.0".to_owned()];
    asking.locked = true;
    let resolution = asking.ask().await.unwrap();
    assert_eq!(names(&resolution), ["flask"]);
    assert_eq!(resolution.wheels[0].version, "3.0.0");
}

#[tokio::test]
async fn what_limits_this_machine_does_not_limit_the_image() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "six==1.0\n").unwrap();
    let mut asking = Asking::of(&["six>=1.16"]);
    let here = [
        ("UV_CONSTRAINT", file.path().to_str().unwrap()),
        ("UV_RESOLUTION", "lowest"),
    ];
    let here = here.map(|(name, value)| (name.to_owned(), value.to_owned()));
    asking.uv.environment.extend(here);
    let resolution = asking.ask().await.unwrap();
    assert_ne!(resolution.wheels[0].version, "1.16.0");
}

#[tokio::test]
async fn what_cannot_be_met_is_told_in_uvs_words() {
    let told = Asking::of(&["flask==3.0.0", "werkzeug<3"]).told().await;
    assert!(told.contains("glibc 2.36") && told.contains("flask"), "{told}");
    assert!(
        told.ends_with("Change the requirements so that they can be met together."),
        "{told}"
    );
}

#[tokio::test]
async fn what_this_engine_cannot_is_refused_by_name() {
    for (line, title) in [
        ("--prefer-binary", "the native engine cannot install `--prefer-binary`"),
        (
            "-e git+https://h.example/r.git#egg=r",
            "the native engine cannot install `-e git+https://h.example/r.git#egg=r`",
        ),
        ("-r other.txt", "the native engine cannot install the file `other.txt`"),
        (
            "six --global-option=x",
            "the native engine cannot install `--global-option` of six",
        ),
    ] {
        let told = Asking::of(&[line]).told().await;
        assert!(told.starts_with(title), "{told}");
        assert!(
            told.ends_with("Or build the image with Docker: --engine docker."),
            "{told}"
        );
    }
}

#[test]
fn the_hosts_that_requirements_trust_are_known() {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let given = lines(&[
        "six==1.16.0",
        "--trusted-host a.example",
        "--index-url https://b.example/simple --trusted-host=b.example:8443",
    ]);
    assert_eq!(trusted_hosts(&given).unwrap(), ["a.example", "b.example:8443"]);
    assert!(
        trusted_hosts(&lines(&["# --trusted-host a", "six"]))
            .unwrap()
            .is_empty()
    );
}
