//! What setup.py needs and the sdist lacks: the real setuptools says whether that matters.

use std::path::Path;
use std::process::Command;

use super::oracle::setuptools;
use super::run;
use crate::support::Sandbox;

/// What becomes of the package where it is read from its sdist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    Same,
    Differs,
    Fails,
}

const SETUP: &str = "from setuptools import setup\nsetup(name='demo', version=version, packages=['demo'], install_requires=needed, \
                     entry_points={'console_scripts': ['train = demo:main']})\n";

/// A project with these files, whose setup.py begins so.
fn project(beginning: &str, files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "setup.py",
        &format!("version, needed = '1.0', []\n{beginning}\n{SETUP}"),
    );
    sandbox.write("demo/__init__.py", "def main():\n    pass\n");
    for (name, text) in files {
        sandbox.write(name, text);
    }
    sandbox
}

/// The warnings about what the sdist lacks.
fn warned(sandbox: &Sandbox, command: &[&str]) -> Vec<String> {
    let ran = sandbox.run(command).exits(0);
    let warnings = ran.stderr.lines().filter_map(|line| line.strip_prefix("warning: "));
    let about = warnings.filter(|warning| warning.contains("not in the sdist"));
    about.map(ToOwned::to_owned).collect()
}

/// Name, version and requirements as setuptools reads them of the project in `root`; `None` where it fails.
fn read(root: &Path) -> Option<String> {
    let code = "import sys, tempfile, os, setuptools.build_meta as b\n\
                out = tempfile.mkdtemp()\n\
                made = b.__legacy__.prepare_metadata_for_build_wheel(out)\n\
                lines = open(os.path.join(out, made, 'METADATA'), encoding='utf-8').read().split('\\n\\n')[0].splitlines()\n\
                print('read', [line for line in lines if line.startswith(('Name', 'Version', 'Requires', 'Provides'))])";
    let output = Command::new("python3")
        .args(["-c", code])
        .current_dir(root)
        .env("PYTHONPATH", setuptools())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines()
        .find(|line| line.starts_with("read "))
        .map(ToOwned::to_owned)
}

fn alone(sandbox: &Sandbox) -> Alone {
    let unpacked = tempfile::tempdir().unwrap();
    let archive = sandbox.project().join("dist/demo-1.0.tar.gz");
    run(Command::new("tar")
        .arg("-xzf")
        .arg(archive)
        .arg("-C")
        .arg(unpacked.path()));
    let here = read(&sandbox.project());
    assert!(here.is_some());
    match read(&unpacked.path().join("demo-1.0")) {
        None => Alone::Fails,
        there if there == here => Alone::Same,
        Some(_) => Alone::Differs,
    }
}

/// Demands these warnings (place and line for MANIFEST.in), that setuptools sees it as they say, and that nothing is left to warn of
/// once the lines are added.
#[track_caller]
fn check(sandbox: &Sandbox, expected: &[(&str, &str)], becomes: Alone) {
    let warnings = warned(sandbox, &["dist"]);
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    let manifest: String = expected.iter().flat_map(|(_, line)| [line, "\n"]).collect();
    for (warning, (place, line)) in warnings.iter().zip(expected) {
        assert!(warning.starts_with(&format!("{place} ")), "{warning}");
        let told = match becomes {
            Alone::Fails => "that cannot be installed by itself",
            Alone::Differs => "what is installed from that alone has other metadata",
            Alone::Same => unreachable!("nothing is said of it"),
        };
        assert!(warning.contains(told), "{warning}");
        assert!(
            warning.ends_with(&format!("add this line to MANIFEST.in: {line}")),
            "{warning}"
        );
    }
    assert_eq!(alone(sandbox), becomes);
    sandbox.write("MANIFEST.in", &manifest);
    assert_eq!(warned(sandbox, &["dist"]), Vec::<String>::new());
    assert_eq!(alone(sandbox), Alone::Same);
}

#[test]
fn a_file_that_is_opened() {
    let requirements = &[("requirements.txt", "six\nidna\n")];
    for opening in [
        "needed = open('requirements.txt').read().split()",
        "import os\nneeded = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'requirements.txt')).readlines()",
        "from pathlib import Path\nneeded = Path('requirements.txt').read_text().splitlines()",
        "import io\nwith io.open('requirements.txt', encoding='utf-8') as f: needed = [line.strip() for line in f]",
    ] {
        let place = format!("setup.py:{}", 2 + opening.lines().count() - 1);
        check(
            &project(opening, requirements),
            &[(&place, "include requirements.txt")],
            Alone::Fails,
        );
    }
}

#[test]
fn a_file_that_is_executed_or_imported() {
    let code = &[("tools/facts.py", "version = '1.0'\n")];
    for executing in [
        "exec(open('tools/facts.py').read())",
        "exec(compile(open('tools/facts.py').read(), 'facts', 'exec'))",
        "import runpy; version = runpy.run_path('tools/facts.py')['version']",
        "from tools.facts import version",
    ] {
        check(
            &project(executing, code),
            &[("setup.py:2", "include tools/facts.py")],
            Alone::Fails,
        );
    }
    let beside = &[("facts.py", "version = '1.0'\n")];
    check(
        &project("import facts", beside),
        &[("setup.py:2", "include facts.py")],
        Alone::Fails,
    );
}

#[test]
fn what_no_line_of_manifest_in_brings() {
    let sandbox = project("version = open('build/VERSION').read()", &[("build/VERSION", "1.0")]);
    let warnings = warned(&sandbox, &["dist"]);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].ends_with("To have it packed, move it out of build/"),
        "{}",
        warnings[0]
    );
    assert_eq!(alone(&sandbox), Alone::Fails);
    sandbox.write("MANIFEST.in", "include build/VERSION\n");
    assert_eq!(warned(&sandbox, &["dist"]), warnings);
}

#[test]
fn each_file_once_and_those_that_others_name() {
    let beginning = "def lines(path):\n    found = []\n    for line in open(path):\n        \
                     found += lines(line[3:].strip()) if line.startswith('-r ') else [line.strip()]\n    return found\n\
                     needed = lines('requirements.txt') + lines('requirements.txt')";
    let files = &[
        ("requirements.txt", "-r reqs/base file.txt\nsix\n"),
        ("reqs/base file.txt", "idna\n"),
    ];
    let expected = [
        ("setup.py:4", "include requirements.txt"),
        ("setup.py:4", "include reqs/base?file.txt"),
    ];
    check(&project(beginning, files), &expected, Alone::Fails);
}

#[test]
fn files_that_are_listed() {
    let beginning = "import os\nneeded = [name for name in os.listdir('needed')]";
    check(
        &project(beginning, &[("needed/six", "")]),
        &[("setup.py:3", "graft needed")],
        Alone::Fails,
    );
    let beginning = "import glob\nneeded = [open(path).read() for path in sorted(glob.glob('needed/*.txt'))]";
    check(
        &project(beginning, &[("needed/a.txt", "six")]),
        &[("setup.py:3", "include needed/a.txt")],
        Alone::Differs,
    );
}

#[test]
fn what_setup_py_can_do_without_is_not_warned_of() {
    for beginning in [
        "try:\n    version = open('VERSION').read()\nexcept FileNotFoundError:\n    pass",
        "try:\n    version = open('VERSION').read()\nexcept (IOError, ValueError):\n    version = '1.0'",
        "import os\nif os.path.isfile('VERSION'):\n    version = open('VERSION').read()",
        "try:\n    from facts import version\nexcept ImportError:\n    pass",
    ] {
        let sandbox = project(beginning, &[("VERSION", "1.0"), ("facts.py", "version = '1.0'\n")]);
        check(&sandbox, &[], Alone::Same);
    }
    let beginning = "try:\n    needed = open('NEEDED').read().split()\nexcept OSError:\n    pass";
    check(
        &project(beginning, &[("NEEDED", "six")]),
        &[("setup.py:3", "include NEEDED")],
        Alone::Differs,
    );
}

#[test]
fn what_setuptools_packs_by_itself_is_not_warned_of() {
    let beginning = "exec(open('demo/facts.py').read())\nlong = open('README.md').read()\nopen('setup.cfg').close()";
    let files = &[
        ("demo/facts.py", "version = '1.0'\n"),
        ("README.md", "text"),
        ("setup.cfg", "[options]\ninstall_requires = file: needed.txt\n"),
        ("needed.txt", "six\n"),
    ];
    let sandbox = project(beginning, files);
    sandbox.write(
        "setup.py",
        &sandbox.read("setup.py").replace("install_requires=needed, ", ""),
    );
    check(&sandbox, &[], Alone::Same);
}

#[test]
fn a_module_that_declarations_name() {
    let sandbox = project("", &[("facts.py", "version = '1.0'\n")]);
    let code = sandbox.read("setup.py").replace("version=version, ", "");
    sandbox.write("setup.py", &code);
    sandbox.write("setup.cfg", "[metadata]\nversion = attr: facts.version\n");
    check(&sandbox, &[("setup.cfg:2", "include facts.py")], Alone::Fails);

    let sandbox = project("", &[("facts.py", "version = '1.0'\n"), ("needed.txt", "six\n")]);
    std::fs::remove_file(sandbox.project().join("setup.py")).unwrap();
    sandbox.write(
        "pyproject.toml",
        "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'demo'\n\
         dynamic = ['version', 'dependencies']\nscripts = {train = 'demo:main'}\n[tool.setuptools]\npackages = ['demo']\n\
         [tool.setuptools.dynamic]\nversion = {attr = 'facts.version'}\ndependencies = {file = 'needed.txt'}\n",
    );
    check(&sandbox, &[("pyproject.toml:11", "include facts.py")], Alone::Fails);
}

#[test]
fn also_where_python_was_asked_and_nowhere_but_where_the_sdist_is_packed() {
    let beginning =
        "needed = open('requirements.txt').read().split()\nimport os; version = os.popen('echo 1.0').read().strip()";
    let sandbox = project(beginning, &[("requirements.txt", "six\n")]);
    assert_eq!(warned(&sandbox, &["inspect"]), Vec::<String>::new());
    assert_eq!(warned(&sandbox, &["dist", "--dry-run"]).len(), 1);
    check(&sandbox, &[("setup.py:2", "include requirements.txt")], Alone::Fails);
}
