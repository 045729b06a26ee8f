//! Other build backends than setuptools, each the judge of its own project through `python -m build`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::read::GzDecoder;
use serde_json::Value;

use super::hooks::names;
use crate::support::{Sandbox, copy, root};

/// The backends, and what runs them. In one environment, so that they are installed once.
const PACKAGES: [&str; 11] = [
    "build",
    "setuptools",
    "setuptools-scm",
    "wheel",
    "packaging",
    "poetry-core>=2",
    "flit_core>=3.9,<4",
    "hatchling",
    "pdm-backend",
    "maturin>=1.7,<2",
    "tomli; python_version < '3.11'",
];

/// The directory with that environment, made once for all tests.
pub(crate) fn builder() -> PathBuf {
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("builder");
    let ready = kept.join("ready");
    let lock = File::create(kept.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if fs::read_to_string(&ready).is_ok_and(|made_of| made_of == PACKAGES.join("\n")) {
        return kept;
    }
    let run = |program: PathBuf, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).status().unwrap().success());
    };
    run("python3".into(), &["-m", "venv", "--clear", kept.to_str().unwrap()]);
    let install = ["-m", "pip", "install", "--quiet", "--upgrade"];
    run(kept.join("bin/python"), &[&install[..], &PACKAGES].concat());
    fs::write(ready, PACKAGES.join("\n")).unwrap();
    kept
}

/// What the backend says of a copy of the project.
fn judge(project: &Path) -> Value {
    let copied = tempfile::tempdir().unwrap();
    let copied = copied.path().join("project");
    copy(project, &copied);
    let programs = builder().join("bin");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new(programs.join("python"))
        .arg(root().join("tests/it/project/backends.py"))
        .arg(copied)
        .env("PATH", path)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The names of the regular files in an sdist.
fn packed(sdist: &Path) -> Vec<String> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(sdist).unwrap()));
    let entries = archive.entries().unwrap().map(Result::unwrap);
    let mut names: Vec<_> = entries
        .filter(|entry| entry.header().entry_type().is_file())
        .map(|entry| entry.path().unwrap().display().to_string())
        .collect();
    names.sort();
    names
}

/// Checks that sgbuild says what the backend says, packs what it packs, and leaves the tree as it was.
fn agrees(sandbox: &Sandbox) {
    let before = names(&sandbox.project());
    let said = sandbox.run(&["inspect", "--json"]).exits(0).json();
    assert_eq!(names(&sandbox.project()), before);
    assert_eq!(said["source"]["kind"], "pep517");
    let judged = judge(&sandbox.project());
    for (field, value) in judged["metadata"].as_object().unwrap() {
        assert_eq!(&said[field], value, "{field}");
    }
    sandbox.run(&["dist"]).exits(0);
    let dist = sandbox.project().join("dist");
    let entries = fs::read_dir(dist).unwrap().map(|entry| entry.unwrap().path());
    let sdists: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .collect();
    assert_eq!(sdists.len(), 1);
    let judged: Vec<String> = serde_json::from_value(judged["sdist"].clone()).unwrap();
    assert_eq!(packed(&sdists[0]), judged);
}

#[test]
fn poetry() {
    agrees(&Sandbox::of_fixture("backend-poetry"));
}

#[test]
fn flit() {
    agrees(&Sandbox::of_fixture("backend-flit"));
}

#[test]
fn hatchling() {
    agrees(&Sandbox::of_fixture("backend-hatchling"));
}

#[test]
fn pdm() {
    agrees(&Sandbox::of_fixture("backend-pdm"));
}

#[test]
fn maturin() {
    // rustup finds its toolchains below the home directory, which is the sandbox's.
    let home = std::env::var("HOME").unwrap();
    let kept = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| format!("{home}/{usual}"));
    let sandbox = Sandbox::of_fixture("backend-maturin")
        .with("CARGO_HOME", kept("CARGO_HOME", ".cargo"))
        .with("RUSTUP_HOME", kept("RUSTUP_HOME", ".rustup"));
    agrees(&sandbox);
}

#[test]
fn one_of_the_project_itself() {
    agrees(&Sandbox::of_fixture("backend-in-tree"));
}

#[test]
fn a_bare_setup_py_that_asks_for_more() {
    agrees(&Sandbox::of_fixture("backend-setup-requires"));
}

#[test]
fn git_knows_the_version_and_is_asked_each_time() {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\", \"setuptools-scm\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[project]\nname = \"tagged\"\ndynamic = [\"version\"]\n[project.entry-points.\"tagged.training\"]\ntrain = \"tagged:train\"\n\n[tool.setuptools]\npackages = [\"tagged\"]\n\n[tool.setuptools_scm]\n",
    );
    sandbox.write("tagged/__init__.py", "def train():\n    pass\n");
    sandbox.write(".gitignore", "dist/\n");
    let sandbox = sandbox.committed();
    let tag = ["-C", sandbox.project().to_str().unwrap(), "tag", "v1.2.3"].map(ToOwned::to_owned);
    assert!(Command::new("git").args(tag).status().unwrap().success());
    let version = || sandbox.run(&["inspect", "--json"]).exits(0).json()["version"].clone();
    assert_eq!(version(), "1.2.3");
    agrees(&sandbox);
    sandbox.write("tagged/more.py", "");
    sandbox.commit("more");
    let later = version();
    assert!(later.as_str().unwrap().starts_with("1.2.4.dev1+g"), "{later}");
}

/// A project of another backend whose `[project]` leaves nothing to it, with more tables.
fn whole(backend: &str, requires: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    let project = format!(
        "[build-system]\nrequires = [\"{requires}\"]\nbuild-backend = \"{backend}\"\n\n[project]\nname = \"frost-days\"\nversion = \"1.0.post1\"\ndescription = \"Counts them\"\nrequires-python = \">=3.9\"\ndependencies = [\"numpy>=1.26\"]\n\n[project.scripts]\ntrain = \"frost_days:train\"\n{more}"
    );
    sandbox.write("pyproject.toml", &project);
    sandbox.write(
        "frost_days/__init__.py",
        "\"\"\"Another text.\"\"\"\n__version__ = '9'\n\ndef train():\n    pass\n",
    );
    sandbox
}

#[test]
fn what_project_says_no_backend_changes() {
    for (backend, requires) in [
        ("flit_core.buildapi", "flit_core>=3.9,<4"),
        ("hatchling.build", "hatchling"),
        ("pdm.backend", "pdm-backend"),
        ("poetry.core.masonry.api", "poetry-core>=2.0"),
    ] {
        let sandbox = whole(backend, requires, "");
        let said = sandbox.run(&["inspect", "--static", "--json"]).exits(0).json();
        assert_eq!(said["source"]["kind"], "static");
        let judged = judge(&sandbox.project());
        for (field, value) in judged["metadata"].as_object().unwrap() {
            // Poetry writes `numpy (>=1.26)`.
            let spelled = |value: &Value| value.to_string().replace([' ', '(', ')'], "");
            assert_eq!(spelled(&said[field]), spelled(value), "{backend}: {field}");
        }
        let refused = sandbox.run(&["dist", "--static"]).exits(1);
        assert!(refused.stderr.contains(backend), "{}", refused.stderr);
    }
}

#[test]
fn what_a_backend_adds_to_project_it_is_asked_for() {
    let adds = "[tool.poetry]\npackages = [{ include = \"frost_days\" }]\n[tool.poetry.dependencies]\nscipy = \"*\"\n";
    let other = whole("maturin", "maturin>=1.7,<2", "");
    for sandbox in [whole("poetry.core.masonry.api", "poetry-core>=2.0", adds), other] {
        let refused = sandbox.run(&["inspect", "--static"]).exits(1);
        assert!(
            refused.stderr.contains("which knows the metadata"),
            "{}",
            refused.stderr
        );
    }
}
