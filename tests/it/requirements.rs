//! The setting `requirements`: what the user's file says is what the image has, or it is refused.

mod pip;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::support::{Sandbox, Testbed};

/// The hashes of six 1.16.0: its wheel, its sdist.
const SIX: [&str; 2] = [
    "sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
    "sha256:1e61c37477a1626458e36f7b1d82aa5c9b094fa4802892072e49de9c60c4c926",
];

/// The small project with requirements and extras of its own.
fn requiring(install_requires: &str) -> Sandbox {
    let sandbox = tiny();
    let keyword = format!(
        "    install_requires=[{install_requires}],\n    extras_require={{\"train\": [\"docopt\"]}},\n    packages="
    );
    sandbox.write("setup.py", &sandbox.read("setup.py").replace("    packages=", &keyword));
    sandbox
}

fn hashed_six() -> String {
    format!("six==1.16.0 \\\n    --hash={} \\\n    --hash={}\n", SIX[0], SIX[1])
}

/// What `dist` says of a project with these files, the first of which is set.
fn refused(install_requires: &str, files: &[(&str, &str)]) -> String {
    let sandbox = requiring(install_requires);
    for (name, text) in files {
        sandbox.write(name, text);
    }
    let ran = sandbox.run(&["dist", "--requirements", files[0].0]);
    assert!(!sandbox.project().join("dist").is_dir(), "a failed dist leaves nothing");
    sandbox.transcript(&ran)
}

#[test]
fn files_are_flattened_and_what_is_declared_goes_along() {
    let sandbox = requiring("\"six>=1.10\", \"idna\"");
    sandbox.write(
        "requirements/dev.txt",
        "-r base.txt\n-c ../constraints.txt\n-e .[train]\nnumpy[x] >= 1.0 ; python_version < '3.14' # why\n--prefer-binary\n",
    );
    sandbox.write("requirements/base.txt", "six==1.16.0\nidna\ntiny==0.9\n");
    sandbox.write(
        "constraints.txt",
        "numpy<2\n--extra-index-url https://index.example/simple\n",
    );
    sandbox
        .run(&[
            "dist",
            "--requirements",
            "requirements/dev.txt",
            "--color",
            "never",
            "-v",
        ])
        .exits(0)
        .says(&["requirements/base.txt:3: this is the project itself"]);
    let files = ["requirements.txt", "constraints.txt", ".dockerignore"];
    let read = |name: &str| format!("--- {name}\n{}", sandbox.read(&format!("dist/{name}")));
    let read = files.map(read).join("");
    // What follows are the digests of what was written.
    let (before, _) = read.split_once("# What sgbuild wrote").unwrap();
    assert_snapshot!(before);
    let dockerfile = sandbox.read("dist/Dockerfile");
    let installs = "--requirement /tmp/requirements.txt --constraint /tmp/constraints.txt\n";
    let mounts = "--mount=type=bind,source=constraints.txt,target=/tmp/constraints.txt";
    assert!(
        dockerfile.contains(mounts) && dockerfile.contains(installs),
        "{dockerfile}"
    );
    // Without constraints there is no such file, and an old one goes.
    sandbox
        .run(&["dist", "--requirements", "requirements/base.txt"])
        .exits(0);
    assert!(!sandbox.project().join("dist/constraints.txt").exists());
    assert!(!sandbox.read("dist/Dockerfile").contains("constraint"));
}

#[test]
fn nothing_is_picked_up_by_itself() {
    let sandbox = requiring("");
    sandbox.write("requirements.txt", "six==1.16.0\n");
    sandbox.write("uv.lock", "version = 1\n");
    let ran = sandbox.run(&["dist", "-v"]).exits(0);
    assert_eq!(sandbox.read("dist/requirements.txt"), "");
    ran.says(&["uv.lock is not used; the setting `requirements` can name it"]);
    sandbox.write("setup.cfg", "[sgbuild]\nrequirements = requirements.txt\n");
    let ran = sandbox.run(&["dist", "-v"]).exits(0);
    assert_eq!(
        sandbox.read("dist/requirements.txt"),
        "# requirements.txt\nsix==1.16.0\n"
    );
    assert!(!ran.stderr.contains("uv.lock"), "{}", ran.stderr);
}

#[test]
fn a_checkout_needs_its_program() {
    let sandbox = requiring("");
    sandbox.write("r.txt", "six\n-e git+https://git.example/a.git@v1#egg=a\n");
    let arguments = ["dist", "--requirements", "r.txt"];
    sandbox
        .run(&arguments)
        .exits(0)
        .says(&["r.txt:2 needs the program git"]);
    assert!(
        sandbox
            .read("dist/requirements.txt")
            .contains("--editable git+https://git.example/a.git@v1#egg=a\n")
    );
    let ran = sandbox
        .run(&[&arguments[..], &["--system-package", "git"]].concat())
        .exits(0);
    assert!(!ran.stderr.contains("needs the program"), "{}", ran.stderr);
}

#[test]
fn constraints_on_the_network_are_read_by_pip_in_the_build() {
    let sandbox = requiring("");
    sandbox.write("r.txt", "-c https://files.example/c.txt\nsix\n");
    sandbox.run(&["dist", "--requirements", "r.txt"]).exits(0);
    let expected = "# r.txt\n--constraint=https://files.example/c.txt\nsix\n";
    assert_eq!(sandbox.read("dist/requirements.txt"), expected);
    sandbox.write("r.txt", "-r https://files.example/r.txt\n");
    let ran = sandbox.run(&["dist", "--requirements", "r.txt"]).exits(1);
    ran.says(&["r.txt:1: `https://files.example/r.txt` is on the network"]);
}

#[test]
fn netrc_entries_of_the_files_hosts_reach_the_build_where_the_user_says_so() {
    let sandbox = requiring("");
    fs::write(
        sandbox.home().join(".netrc"),
        "machine index.example login me password hunter2\nmachine other.example login me password hunter3\n",
    )
    .unwrap();
    sandbox.write("r.txt", "--extra-index-url https://index.example/simple\nsix\n");
    sandbox
        .run(&["dist", "--requirements", "r.txt", "--netrc-host", "index.example"])
        .exits(0);
    assert!(sandbox.read("dist/Dockerfile").contains("--mount=type=secret,id=netrc"));
    sandbox.run(&["dist", "--requirements", "r.txt"]).exits(0);
    assert!(!sandbox.read("dist/Dockerfile").contains("netrc"));
}

#[test]
fn a_line_that_is_not_right() {
    let base = format!("{}\n-e ../lib\n", hashed_six());
    assert_snapshot!(refused(
        "",
        &[
            ("r.txt", "-r requirements/base.txt\n"),
            ("requirements/base.txt", &base)
        ]
    ));
}

#[test]
fn credentials_in_an_index_url() {
    let said = refused(
        "",
        &[("r.txt", "--extra-index-url https://me:hunter2@index.example/simple\n")],
    );
    assert!(!said.contains("hunter2"));
    assert_snapshot!(said);
}

#[test]
fn a_variable_of_the_environment() {
    assert_snapshot!(refused(
        "",
        &[("r.txt", "# ${OK}\n--index-url https://${TOKEN}@index.example/simple\n")]
    ));
}

#[test]
fn a_file_that_includes_itself() {
    assert_snapshot!(refused(
        "",
        &[("r.txt", "-r sub/a.txt\n"), ("sub/a.txt", "six\n-c ../r.txt\n")]
    ));
}

#[test]
fn files_that_are_missing() {
    assert_snapshot!(refused("", &[("r.txt", "\n-r gone.txt\n")]));
    let ran = requiring("").run(&["dist", "--requirements", "gone.txt"]);
    assert!(
        ran.stderr
            .contains("cannot read gone.txt, named by the setting `requirements`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_pin_that_the_package_excludes() {
    let r = format!("# pinned\n{}", hashed_six());
    assert_snapshot!(refused("\"six>=1.17\"", &[("r.txt", &r)]));
}

#[test]
fn a_requirement_that_is_not_pinned() {
    let ran = {
        let sandbox = requiring("\"six\"");
        sandbox.write("r.txt", &hashed_six());
        let ran = sandbox.run(&["dist", "--requirements", "r.txt", "--extra", "train"]);
        sandbox.transcript(&ran)
    };
    assert_snapshot!(ran);
}

#[test]
fn two_pins_of_one_package() {
    assert_snapshot!(refused(
        "",
        &[("r.txt", "six==1.16.0\n-c c.txt\n"), ("c.txt", "\nsix==1.15.0\n")]
    ));
}

#[test]
fn hashes_for_some() {
    let r = format!("{}idna==3.7\n", hashed_six());
    assert_snapshot!(refused("", &[("r.txt", &r)]));
}

#[test]
fn an_unknown_python_is_asked_for_where_it_matters() {
    let sandbox = requiring("\"six\", \"tomli; python_version < '3.11'\"");
    sandbox.write(
        "setup.py",
        &sandbox.read("setup.py").replace("    python_version=\"3.11\",\n", ""),
    );
    sandbox.write("r.txt", &hashed_six());
    let arguments = [
        "dist",
        "--requirements",
        "r.txt",
        "--base-image",
        "registry.example/mine:1",
    ];
    let ran = sandbox.run(&arguments).exits(1);
    assert_snapshot!(sandbox.transcript(&ran));
    sandbox
        .run(&[&arguments[..], &["--python-version", "3.12"]].concat())
        .exits(0);
}

#[test]
fn formats_of_other_tools() {
    assert_snapshot!(refused("", &[("Pipfile.lock", "{}\n")]));
}

#[test]
fn an_unknown_extra_of_the_project() {
    assert_snapshot!(refused("", &[("r.txt", "six\n.[tarin]\n")]));
}

#[test]
fn hostile_files_are_told_and_do_not_hang() {
    let sandbox = requiring("");
    let told = |file: &str, said: &str| {
        sandbox.run(&["dist", "--requirements", file]).exits(1).says(&[said]);
    };
    let fifo = Command::new("mkfifo").arg(sandbox.project().join("fifo.txt")).status();
    assert!(fifo.unwrap().success());
    told("fifo.txt", "it is a pipe, socket or device");
    told(".", "it is a directory");
    let huge = fs::File::create(sandbox.project().join("huge.txt")).unwrap();
    huge.set_len(50_000_000).unwrap();
    told("huge.txt", "it has 50 MB");
    sandbox.write("two.txt", &"-r two_1.txt\n".repeat(2));
    for number in 1..20 {
        sandbox.write(
            &format!("two_{number}.txt"),
            &format!("-r two_{}.txt\n", number + 1).repeat(2),
        );
    }
    sandbox.write("two_20.txt", "six\n");
    told("two.txt", "two.txt includes more than 1000 files");
    sandbox.write("deep.txt", &format!("six ; {}", "(".repeat(1_000_000)));
    told("deep.txt", "its parentheses are nested more than 100 deep");
    sandbox.write(
        "pylock.toml",
        &format!("lock-version = '1.0'\nx = {}", "[".repeat(1_000_000)),
    );
    told("pylock.toml", "pylock.toml:2: ");
    fs::write(sandbox.project().join("latin.txt"), b"six\n# \xe9\n").unwrap();
    told("latin.txt", "latin.txt:2: it is not UTF-8 text");
    // PowerShell writes such files.
    let utf16: Vec<u8> = "\u{feff}six==1.16.0\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(sandbox.project().join("windows.txt"), utf16).unwrap();
    sandbox.run(&["dist", "--requirements", "windows.txt"]).exits(0);
    assert_eq!(sandbox.read("dist/requirements.txt"), "# windows.txt\nsix==1.16.0\n");
}

fn docker(arguments: &[&str]) -> String {
    let docker = Testbed::get().variable("SGBUILD_TESTBED_DOCKER");
    let output = Command::new(docker).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// What pip has in the image, of the packages that the tests install.
fn installed(image: &str) -> Vec<String> {
    let frozen = docker(&[
        "run",
        "--rm",
        "--entrypoint",
        "python",
        image,
        "-m",
        "pip",
        "freeze",
        "--all",
    ]);
    let ours = ["six", "docopt", "idna", "certifi"];
    let is_ours = |line: &&str| ours.iter().any(|name| line.starts_with(&format!("{name}==")));
    let mut found: Vec<String> = frozen.lines().filter(is_ours).map(ToOwned::to_owned).collect();
    found.sort();
    found
}

#[test]
fn a_pinned_file_builds_exactly_that_and_a_wrong_hash_does_not() {
    let sandbox = requiring("\"six>=1.10\"").with_testbed();
    sandbox.write("r.txt", "-r base.txt\n-c constraints.txt\n");
    sandbox.write("base.txt", &hashed_six());
    sandbox.write("constraints.txt", "six<1.17\n");
    let image = sandbox.run(&["build", "--requirements", "r.txt"]).exits(0).stdout;
    assert_eq!(installed(image.trim_end()), ["six==1.16.0"]);

    sandbox.write(
        "base.txt",
        &hashed_six()
            .replace("sha256:8abb2f", "sha256:000000")
            .replace("sha256:1e61", "sha256:0000"),
    );
    sandbox
        .run(&["build", "--requirements", "r.txt"])
        .exits(1)
        .says(&["THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE"]);
}

#[test]
fn constraints_hold_for_what_is_declared_and_plain_docker_builds_it_too() {
    let sandbox = requiring("\"six\"").with_testbed();
    sandbox.write("r.txt", "-c constraints.txt\n");
    sandbox.write("constraints.txt", "six==1.15.0\n");
    let image = sandbox.run(&["build", "--requirements", "r.txt"]).exits(0).stdout;
    assert_eq!(installed(image.trim_end()), ["six==1.15.0"]);

    let tag = format!("it/requirements-{}", uuid::Uuid::new_v4().simple());
    let mut plain = Command::new(Testbed::get().variable("SGBUILD_TESTBED_DOCKER"));
    plain
        .args(["build", "--quiet", "--no-cache", "--tag", &tag])
        .env("DOCKER_BUILDKIT", "1");
    // What sgbuild hands over by itself where this machine has it.
    if let Ok(certificates) = std::env::var("PIP_CERT") {
        plain.arg("--secret").arg(format!("id=ca.pem,src={certificates}"));
    }
    let output = plain.arg(sandbox.project().join("dist")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(installed(&tag), ["six==1.15.0"]);
}

/// A project that uv can lock: it declares what it needs in pyproject.toml.
fn lockable() -> Sandbox {
    let sandbox = tiny().with_testbed();
    sandbox.write("setup.py", "from setuptools import setup\n\nsetup()\n");
    sandbox.write(
        "pyproject.toml",
        r#"[project]
name = "tiny"
version = "1.0.0"
requires-python = ">=3.10,<3.13"
dependencies = ["six<1.17", "certifi; sys_platform == 'win32'"]

[project.optional-dependencies]
train = ["docopt"]

[project.entry-points."tiny.training"]
train = "tiny.train:train"

[dependency-groups]
dev = ["idna"]

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
packages = ["tiny"]

[tool.sgbuild]
python-version = "3.11"
"#,
    );
    sandbox
}

/// The uv that sgbuild uses: on `PATH`, or the one that it fetches.
pub(crate) fn uv(sandbox: &Sandbox, arguments: &[&str]) {
    let own = sandbox.command(&[]);
    let variables: BTreeMap<_, _> = own
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let fetched = Path::new(variables[OsStr::new("XDG_CACHE_HOME")]).join("sgbuild/uv");
    let programs = || {
        let releases = fs::read_dir(&fetched).into_iter().flatten();
        releases
            .map(|release| release.unwrap().path().join("bin/uv"))
            .find(|program| program.is_file())
    };
    if programs().is_none() {
        sandbox.write("uv.lock", "");
        sandbox.run(&["dist", "--requirements", "uv.lock"]).exits(1);
        fs::remove_file(sandbox.project().join("uv.lock")).unwrap();
    }
    let output = Command::new(programs().unwrap_or_else(|| "uv".into()))
        .args(arguments)
        .current_dir(sandbox.project())
        .env_clear()
        .envs(variables)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn uvs_lock_is_read_by_uv_and_installed_as_it_is() {
    let sandbox = lockable();
    uv(&sandbox, &["lock", "--quiet"]);
    let lock = sandbox.read("uv.lock");
    let image = sandbox
        .run(&["build", "--requirements", "uv.lock", "--extra", "train"])
        .exits(0)
        .stdout;
    assert_eq!(installed(image.trim_end()), ["docopt==0.6.2", "six==1.16.0"]);
    let requirements = sandbox.read("dist/requirements.txt");
    assert!(
        requirements.starts_with("# uv.lock\n") && requirements.contains(SIX[0]),
        "{requirements}"
    );
    assert!(!requirements.contains("idna"), "{requirements}");
    assert_eq!(sandbox.read("uv.lock"), lock);
    assert!(!sandbox.project().join(".venv").exists());

    // The same as a pylock.toml, where the markers decide.
    uv(
        &sandbox,
        &[
            "export",
            "--quiet",
            "--frozen",
            "--no-emit-project",
            "--no-dev",
            "--extra=train",
            "--format=pylock.toml",
            "--output-file=pylock.toml",
        ],
    );
    sandbox.run(&["dist", "--requirements", "pylock.toml"]).exits(0);
    let same = requirements.replace("# uv.lock", "# pylock.toml");
    assert_eq!(sandbox.read("dist/requirements.txt"), same);

    // Stale: the package asks for more than was locked.
    sandbox.write(
        "pyproject.toml",
        &sandbox.read("pyproject.toml").replace("six<1.17", "six>=1.17"),
    );
    let line = 1 + lock.lines().position(|line| line == "name = \"six\"").unwrap();
    sandbox.run(&["dist", "--requirements", "uv.lock"]).exits(1).says(&[
        &format!("tiny asks for `six>=1.17`, and uv.lock:{line} pins `six==1.16.0`"),
        "Lock again",
    ]);
}

#[test]
fn the_project_does_not_configure_the_uv_that_reads_its_lock() {
    let sandbox = lockable();
    uv(&sandbox, &["lock", "--quiet"]);
    let steering = "\n[tool.uv]\ncache-dir = \"./steered\"\nkeyring-provider = \"subprocess\"\n";
    sandbox.write("pyproject.toml", &(sandbox.read("pyproject.toml") + steering));
    // An interpreter that uv would find for the project.
    let canary = sandbox.home().join("canary");
    sandbox.write(".venv/pyvenv.cfg", "home = /usr/bin\nversion_info = 3.11.2\n");
    sandbox.write(".venv/bin/python", &format!("#!/bin/sh\ntouch {}\n", canary.display()));
    let python = sandbox.project().join(".venv/bin/python");
    fs::set_permissions(python, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.run(&["dist", "--requirements", "uv.lock"]).exits(0);
    assert!(!sandbox.project().join("steered").exists());
    assert!(!canary.exists());
}

#[test]
fn a_lock_that_uv_would_not_take_is_refused() {
    let sandbox = lockable();
    sandbox.write("other/uv.lock", "version = 1\n");
    let ran = sandbox.run(&["dist", "--requirements", "other/uv.lock"]).exits(1);
    ran.says(&["other/uv.lock: uv reads the lock beside the project's pyproject.toml"]);
    sandbox.write("uv.lock", "version = 99\n");
    let ran = sandbox.run(&["dist", "--requirements", "uv.lock"]).exits(1);
    ran.says(&["uv.lock: uv cannot export it: ", "Lock again with `uv lock`"]);
}

/// Real ones of Poetry 2.5, shortened to the packages that the test needs.
const POETRY_LOCK: &str = include_str!("requirements/poetry.lock");
const POETRY_EXPORT: &str = include_str!("requirements/poetry-export.txt");

#[test]
fn poetrys_lock_is_read_as_poetry_exports_it() {
    let sandbox = lockable();
    sandbox.write("poetry.lock", POETRY_LOCK);
    sandbox.write("export.txt", POETRY_EXPORT);
    let pinned = |file: &str| {
        sandbox
            .run(&["dist", "--requirements", file, "--extra", "train"])
            .exits(0);
        let text = sandbox.read("dist/requirements.txt");
        text.split_once('\n').unwrap().1.to_owned()
    };
    // Poetry sorts the hashes, and puts the project's own range of Pythons into every marker.
    let sorted = |text: String| {
        let text = text.replace("python_version >= \"3.10\" and python_version < \"3.13\" and ", "");
        let text = text.replace(" ; python_version >= \"3.10\" and python_version < \"3.13\"", "");
        let mut lines: Vec<String> = text
            .replace(" \\", "")
            .lines()
            .map(|line| line.trim().to_owned())
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(pinned("poetry.lock")), sorted(pinned("export.txt")));
    assert!(
        sandbox
            .read("dist/Dockerfile")
            .contains("--requirement /tmp/requirements.txt")
    );
    sandbox.run(&["dist", "--requirements", "poetry.lock"]).exits(0);
    let without = sandbox.read("dist/requirements.txt");
    assert!(
        without.contains("six==1.16.0") && !without.contains("docopt"),
        "{without}"
    );
    assert!(sandbox.read("dist/Dockerfile").contains("--no-deps --requirement"));
}
