//! No code of the project runs where static reading was asked for, whatever the command and whatever for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::support::Sandbox;

/// What a setup.py leaves behind when it runs, outside of the copy that it would run in.
const LEAVES_CANARY: &str = "import os; open(os.environ['HOME'] + '/canary', 'w').close()";

/// A project that is read without Python, and whose setup.py leaves a file behind when it runs; only setuptools can pack it.
fn packed_by_setuptools(keyword: &str) -> Sandbox {
    let sandbox = tiny();
    let setup = sandbox.read("setup.py");
    let setup = setup.replace(
        "    packages=find_packages(),",
        &format!("    packages=find_packages(),\n    {keyword},"),
    );
    let setup = format!("import setuptools.command.sdist\n{setup}{LEAVES_CANARY}\n");
    sandbox.write("setup.py", &setup);
    sandbox
}

fn has_run(sandbox: &Sandbox) -> bool {
    sandbox.home().join("canary").exists()
}

/// What only setuptools packs.
const REASONS: [&str; 4] = [
    "ext_modules=['native']",
    "cmdclass={'sdist': setuptools.command.sdist.sdist}",
    "namespace_packages=['tiny']",
    "eager_resources=['tiny']",
];

#[test]
fn static_refuses_whatever_only_the_backend_can_pack() {
    for reason in REASONS {
        let sandbox = packed_by_setuptools(reason);
        sandbox.run(&["inspect", "--static"]).exits(0);
        for arguments in [
            &["dist"][..],
            &["dist", "--dry-run"],
            &["build", "--dry-run"],
            &["push", "--dry-run", "--repository", "localhost:1/x"],
        ] {
            let ran = sandbox.run(&[arguments, &["--static"]].concat()).exits(1);
            ran.says(&["setup.py:", "only setuptools can make the sdist"]);
            assert!(!has_run(&sandbox), "{reason} {arguments:?}");
            assert!(!sandbox.project().join("dist").exists());
        }
    }
}

#[test]
fn static_refuses_with_the_reason_and_what_to_do() {
    let sandbox = packed_by_setuptools(REASONS[0]);
    let ran = sandbox.run(&["dist", "--static"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn static_in_a_setup_cfg_that_asks_for_a_file_of_setuptools_own() {
    let sandbox = tiny();
    sandbox.write("setup.cfg", "[options]\nnamespace_packages = tiny\n");
    let ran = sandbox.run(&["dist", "--static"]).exits(1);
    ran.says(&["setup.cfg:2: setuptools writes a file of its own for namespace_packages"]);
}

#[test]
fn the_variable_and_the_file_say_static_too_and_the_file_cannot_take_it_back() {
    let by_variable = packed_by_setuptools(REASONS[0]).with("SGBUILD_STATIC", "true");
    by_variable.run(&["dist"]).exits(1);
    let by_file = packed_by_setuptools(REASONS[0]);
    by_file.write("setup.cfg", "[sgbuild]\nstatic = true\n");
    by_file.run(&["dist"]).exits(1);
    for (file, text) in [
        ("setup.cfg", "[sgbuild]\nstatic = false\n"),
        (
            "pyproject.toml",
            "[build-system]\nrequires = ['setuptools']\n[tool.sgbuild]\nstatic = false\n",
        ),
    ] {
        by_variable.write(file, text);
        by_variable.run(&["dist"]).exits(1);
        by_file.write(file, text);
        by_file.run(&["dist", "--static"]).exits(1);
    }
    assert!(!has_run(&by_variable) && !has_run(&by_file));
}

#[test]
fn without_static_one_line_says_that_the_projects_code_runs_and_why() {
    let sandbox = packed_by_setuptools(REASONS[1]);
    let ran = sandbox.run(&["dist"]).exits(0);
    ran.says(&[
        "Asking setuptools for the sdist, because setup.py:",
        "cmdclass replaces the sdist command",
    ]);
    assert!(has_run(&sandbox));
}

/// uv runs for its own lock, below `--static` too: nothing of the project's may come to run by it.
#[test]
fn reading_uvs_lock_runs_nothing_of_the_project() {
    let sandbox = tiny().with_testbed();
    sandbox.write(
        "pyproject.toml",
        r#"[project]
name = "tiny"
version = "1.0.0"
requires-python = ">=3.10"

[project.entry-points."tiny.training"]
train = "tiny.train:train"

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
packages = ["tiny"]

[tool.uv]
python-preference = "only-system"
keyring-provider = "subprocess"
"#,
    );
    let setup = format!("from setuptools import setup\n\n{LEAVES_CANARY}\nsetup()\n");
    sandbox.write("setup.py", &setup);
    let lock =
        "version = 1\nrevision = 3\nrequires-python = '>=3.10'\n\n[[package]]\nname = 'tiny'\nversion = '1.0.0'\n";
    sandbox.write("uv.lock", &format!("{lock}source = {{ editable = '.' }}\n"));
    // uv takes the interpreter of such a directory for the project's.
    sandbox.write(".venv/pyvenv.cfg", "home = /usr/bin\nversion_info = 3.11.2\n");
    let canary = sandbox.home().join("canary");
    let python = format!("#!/bin/sh\ntouch {}\nexec /usr/bin/python3 \"$@\"\n", canary.display());
    for name in [".venv/bin/python", ".venv/bin/keyring", "keyring"] {
        sandbox.write(name, &python);
        fs::set_permissions(sandbox.project().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    sandbox.run(&["dist", "--static", "--requirements", "uv.lock"]).exits(0);
    assert!(!has_run(&sandbox));
}
