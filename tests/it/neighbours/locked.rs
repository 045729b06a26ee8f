//! Neighbours in locks, and in what an image has.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::{app, dist, fetched, package, repository, wheels};
use crate::requirements::uv;
use crate::support::{Sandbox, Testbed};

/// The environment of the build backends' own tests, with what builds and what uv is.
fn programs() -> PathBuf {
    crate::project::backends::builder().join("bin")
}

/// `Requires-Dist` as the project's backend writes it.
pub(super) fn as_the_backend_says(sandbox: &Sandbox, requires: &str) -> Value {
    let module = match requires {
        "hatchling" => "hatchling.build",
        _ => "pdm.backend",
    };
    let script = format!(
        "import {module} as b, email, pathlib, sys\n\
         d = b.prepare_metadata_for_build_wheel(sys.argv[1])\n\
         m = email.message_from_string(pathlib.Path(sys.argv[1], d, 'METADATA').read_text())\n\
         import json; print(json.dumps(m.get_all('Requires-Dist')))"
    );
    let out = tempfile::tempdir().unwrap();
    let output = Command::new(programs().join("python"))
        .args(["-c", &script])
        .arg(out.path())
        .current_dir(sandbox.project().join("app"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut said: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    // One backend sorts them.
    said.sort_by_key(|requirement| !requirement.starts_with("six"));
    json!(said)
}

/// pip finds nothing wrong with the wheel and its `RECORD`.
pub(super) fn pip_accepts(sandbox: &Sandbox, wheel: &str) {
    let target = tempfile::tempdir().unwrap();
    let output = Command::new(programs().join("python"))
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"])
        .arg(target.path())
        .arg(sandbox.project().join("app/dist").join(wheel))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("RECORD"), "{said}");
}

#[test]
fn a_package_of_the_index_does_not_get_a_neighbours_name_from_there() {
    let sandbox = repository(
        "\"common\", \"other\"",
        "[tool.uv.sources]\ncommon = { path = \"../common\" }\n",
    );
    package(&sandbox, "common", "common", "", "");
    // Somebody else's package that requires the name.
    package(&sandbox, "other", "other", "\"common\"", "");
    dist(&sandbox, &[]).exits(0);
    let pip = |arguments: &[&str]| {
        Command::new(programs().join("python"))
            .args([
                "-m",
                "pip",
                "install",
                "--dry-run",
                "--disable-pip-version-check",
                "./other",
            ])
            .args(arguments)
            .current_dir(sandbox.project())
            .output()
            .unwrap()
    };
    let guarded = pip(&["--constraint", "app/dist/constraints.txt"]);
    let said = String::from_utf8_lossy(&guarded.stderr);
    assert!(
        !guarded.status.success() && said.contains("a-neighbour-is-not-taken-from-an-index/common"),
        "{said}"
    );
    // Without it, pip takes whatever has that name.
    let taken = pip(&[]);
    let said = String::from_utf8_lossy(&taken.stdout);
    assert!(said.contains("Would install common-"), "{said}");
}

/// The case of a workspace whose member needs another, with uv's lock of it.
fn locked_workspace() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "pyproject.toml",
        "[project]\nname = \"root-ws\"\nversion = \"0.0.1\"\nrequires-python = \">=3.11\"\ndependencies = [\"packaging\"]\n\
         [tool.uv.workspace]\nmembers = [\"app\", \"packages/*\"]\n",
    );
    package(
        &sandbox,
        "packages/common",
        "common",
        "\"idna\"",
        "[project.optional-dependencies]\nfast = [\"toolz\"]\n",
    );
    app(
        &sandbox,
        "\"six>=1.16\", \"common[fast]\"",
        "[tool.uv.sources]\ncommon = { workspace = true }\n",
    );
    for file in ["app/pyproject.toml", "packages/common/pyproject.toml"] {
        let text = sandbox.read(file);
        sandbox.write(
            file,
            &text.replace(
                "version = \"0.1\"\n",
                "version = \"0.1\"\nrequires-python = \">=3.11\"\n",
            ),
        );
    }
    uv(&sandbox, &["lock", "--quiet"]);
    sandbox
}

#[test]
fn uvs_lock_of_a_workspace() {
    let sandbox = locked_workspace();
    let lock = sandbox.read("uv.lock");
    let line = 1 + lock.lines().position(|line| line == "name = \"common\"").unwrap();
    dist(&sandbox, &["--requirements", "../uv.lock"])
        .exits(0)
        .says(&[&format!(
            "common 0.1 is built from ../packages/common (../uv.lock:{line})"
        )]);
    let mut names: Vec<String> = fetched(&sandbox);
    names.retain(|line| !line.is_empty());
    let names: Vec<&str> = names
        .iter()
        .filter_map(|line| line.split_once("=="))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["idna", "six", "toolz"]);
    assert_eq!(
        wheels(&sandbox),
        ["app-0.1-py3-none-any.whl", "common-0.1-py3-none-any.whl"]
    );
    // What a neighbour requires must be pinned as well.
    let neighbour = sandbox.read("packages/common/pyproject.toml");
    sandbox.write(
        "packages/common/pyproject.toml",
        &neighbour.replace("\"idna\"", "\"idna\", \"docopt\""),
    );
    dist(&sandbox, &["--requirements", "../uv.lock"])
        .exits(1)
        .says(&["common asks for `docopt`, and ../uv.lock does not pin it"]);
}

#[test]
fn a_directory_in_other_locks() {
    let sandbox = repository("\"common\"", "");
    package(&sandbox, "common", "common", "", "");
    sandbox.write(
        "app/pylock.toml",
        "lock-version = \"1.0\"\ncreated-by = \"test\"\n[[packages]]\nname = \"common\"\ndirectory = { path = \"../common\" }\n",
    );
    let (metadata, source) = (
        "[metadata]\nlock-version = \"2.1\"\npython-versions = \">=3.10\"\n",
        "[package.source]\ntype = \"directory\"\nurl = \"../common\"\n",
    );
    sandbox.write(
        "app/poetry.lock",
        &format!(
            "[[package]]\nname = \"common\"\nversion = \"0.1\"\ngroups = [\"main\"]\nfiles = []\n{source}\n{metadata}"
        ),
    );
    for (file, line) in [("pylock.toml", 4), ("poetry.lock", 2)] {
        dist(&sandbox, &["--requirements", file])
            .exits(0)
            .says(&[&format!("common 0.1 is built from ../common ({file}:{line})")]);
        assert_eq!((fetched(&sandbox).len(), wheels(&sandbox).len()), (0, 2), "{file}");
        // A lock names all that is installed: there is nothing that pip could look for.
        assert!(!sandbox.project().join("app/dist/constraints.txt").exists());
    }
}

#[test]
fn the_image_has_the_neighbour_and_nobody_elses() {
    let sandbox = locked_workspace().with_testbed();
    for arguments in [&[][..], &["--requirements", "../uv.lock"]] {
        let image = sandbox
            .run(&[&["build", "app", "--python-version", "3.11"], arguments].concat())
            .exits(0)
            .stdout;
        let said = in_image(
            image.trim(),
            "import app, common, idna, toolz; app.train(); print(common.__file__)",
        );
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0], "from the neighbour");
        assert!(lines[1].ends_with("-packages/common/__init__.py"), "{said}");
        let checked = in_image(
            image.trim(),
            "import subprocess, sys; print(subprocess.run([sys.executable, '-m', 'pip', 'check'], capture_output=True, text=True).stdout)",
        );
        assert_eq!(checked.trim(), "No broken requirements found.");
    }
}

fn in_image(image: &str, script: &str) -> String {
    let output = Command::new(Testbed::get().variable("SGBUILD_TESTBED_DOCKER"))
        .args(["run", "--rm", "--entrypoint", "python", image, "-c", script])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
