//! Links that lead out of the project: what they lead to reaches no output, archive or image, whichever way a project has of
//! naming files. Each is refused by its name; what setuptools does not follow, and what stays inside, is as it was.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use insta::assert_snapshot;

use crate::support::{Ran, Sandbox};

/// Is in everything outside of the project, contents and names.
const CANARY: &str = "c4nary";
/// What is there, as a project's directory sees it.
const AWAY: &str = "../home/away";

const SETUP: &str = "from setuptools import setup, find_packages\n";
const BARE: &str = "from setuptools import setup\nsetup(name='tiny', version='1.0', packages=['tiny'])\n";
const PROJECT: &str =
    "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'tiny'\n";

/// A project with these files and links, and something to keep outside of it.
fn project(files: &[(&str, &str)], links: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("tiny/__init__.py", "");
    sandbox.write("tiny/train.py", "def train():\n    pass\n");
    for (name, text) in [
        ("key", "c4nary ==== a line of its own\n"),
        ("version", "1.0+c4nary\n"),
        ("requires", "c4nary>=1\n"),
        ("own.py", "VERSION = '1.0+c4nary'\n"),
        (
            "setup.py",
            "from setuptools import setup\nsetup(name='tiny', version='1.0+c4nary')\n",
        ),
        ("package/__init__.py", "c4nary = 1\n"),
        ("package/c4nary.py", "c4nary = 1\n"),
        ("package/sub_c4nary/__init__.py", "c4nary = 1\n"),
    ] {
        let path = sandbox.home().join("away").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for (name, text) in files {
        sandbox.write(name, text);
    }
    for (link, target) in links {
        let link = sandbox.project().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target.replace("AWAY", AWAY), link).unwrap();
    }
    sandbox
}

/// `dist` and `inspect`, with and without leave to ask Python.
fn commands(sandbox: &Sandbox) -> [Ran; 4] {
    [
        sandbox.run(&["inspect", "--json", "--static"]),
        sandbox.run(&["inspect", "--json"]),
        sandbox.run(&["dist", "--static", "--json", "--train", "tiny.train:train"]),
        sandbox.run(&["dist", "--json", "--train", "tiny.train:train"]),
    ]
}

/// Checks that nothing from outside is in what sgbuild said or wrote.
#[track_caller]
fn keeps_still(what: &str, sandbox: &Sandbox, ran: &[Ran]) {
    for ran in ran {
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(CANARY), "{what}: {text}");
        }
    }
    let dist = sandbox.project().join("dist");
    for file in fs::read_dir(&dist).into_iter().flatten() {
        let path = file.unwrap().path();
        let text = String::from_utf8_lossy(&whole(&path)).into_owned();
        assert!(!text.contains(CANARY), "{what}: {}", path.display());
    }
}

/// A file's bytes, of an archive those that were compressed.
fn whole(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    if !path.to_string_lossy().ends_with(".tar.gz") {
        return bytes;
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    unpacked
}

/// Checks that `dist` refuses the project for `link`, and that nothing comes in anywhere.
#[track_caller]
fn refused(what: &str, link: &str, files: &[(&str, &str)], links: &[(&str, &str)]) {
    let sandbox = project(files, links);
    let ran = commands(&sandbox);
    keeps_still(what, &sandbox, &ran);
    let [.., statically, asked] = ran;
    for ran in [statically, asked] {
        let said = format!("{link} is a link to ");
        assert!(ran.stderr.contains(&said), "{what}: {}{}", ran.stdout, ran.stderr);
        ran.exits(1).says(&["hint: "]);
    }
    assert!(!sandbox.project().join("dist").exists(), "{what}");
}

#[test]
fn the_projects_own_files() {
    let setup = [("setup.py", BARE)];
    refused("setup.py", "setup.py", &[], &[("setup.py", "AWAY/setup.py")]);
    refused("setup.cfg", "setup.cfg", &setup, &[("setup.cfg", "AWAY/key")]);
    refused(
        "pyproject.toml",
        "pyproject.toml",
        &setup,
        &[("pyproject.toml", "AWAY/key")],
    );
    refused("MANIFEST.in", "MANIFEST.in", &setup, &[("MANIFEST.in", "AWAY/key")]);
    refused("a README", "README.md", &setup, &[("README.md", "AWAY/key")]);
    refused("a licence", "LICENSE", &setup, &[("LICENSE", "AWAY/key")]);
    refused(
        "a test",
        "tests/test_it.py",
        &setup,
        &[("tests/test_it.py", "../AWAY/own.py")],
    );
    refused("tests", "tests", &setup, &[("tests", "AWAY/package")]);
}

#[test]
fn ways_to_lead_out() {
    let setup = [("setup.py", BARE)];
    let chain = [
        ("README.md", "docs/one"),
        ("docs/one", "two"),
        ("docs/two", "../AWAY/key"),
    ];
    refused("a chain", "README.md", &setup, &chain);
    let through = [("README.md", "docs/away/key"), ("docs/away", "../AWAY")];
    refused("through a directory", "README.md", &setup, &through);
    refused(
        "up and down",
        "README.md",
        &setup,
        &[("up", ".."), ("README.md", "up/home/away/key")],
    );
    refused(
        "a device",
        "LICENSE",
        &[("setup.py", BARE), ("MANIFEST.in", "include nothing\n")],
        &[("LICENSE", "/proc/self/environ")],
    );
    let sandbox = project(&setup, &[]);
    symlink(sandbox.home().join("away/key"), sandbox.project().join("README.md")).unwrap();
    let ran = sandbox
        .run(&["dist", "--static", "--train", "tiny.train:train"])
        .exits(1);
    keeps_still(
        "an absolute path",
        &sandbox,
        &[ran.says(&["README.md is a link to a file outside the project"])],
    );
}

#[test]
fn what_setup_cfg_names() {
    let setup = "from setuptools import setup\nsetup()\n";
    let cfg = |rest: &str| format!("[metadata]\nname = tiny\nversion = 1.0\n{rest}");
    for (what, link, rest, target) in [
        (
            "a description",
            "about.md",
            "long_description = file: about.md\n",
            "key",
        ),
        ("a summary", "about.md", "description = file: about.md\n", "key"),
        ("classifiers", "about", "classifiers = file: about\n", "key"),
        (
            "a second file",
            "about",
            "long_description = file: setup.cfg, about\n",
            "key",
        ),
        ("a linked directory", "docs", "long_description = file: docs/key\n", ""),
        (
            "requirements",
            "needs",
            "[options]\ninstall_requires = file: needs\n",
            "requires",
        ),
        (
            "bad requirements",
            "needs",
            "[options]\ninstall_requires = file: needs\n",
            "key",
        ),
        (
            "extras",
            "needs",
            "[options.extras_require]\nall = file: needs\n",
            "key",
        ),
        (
            "entry points",
            "points",
            "[options]\nentry_points = file: points\n",
            "key",
        ),
        ("a licence", "TERMS", "license_files = TERMS\n", "key"),
        (
            "a data file",
            "data.csv",
            "[options]\npackages = tiny\n[options.data_files]\nd = data.csv\n",
            "key",
        ),
        (
            "data files",
            "data",
            "[options]\npackages = tiny\n[options.data_files]\nd = data/*\n",
            "",
        ),
        (
            "all data files",
            "data",
            "[options]\npackages = tiny\n[options.data_files]\nd = data/**\n",
            "",
        ),
        (
            "package data",
            "tiny/a.csv",
            "[options]\npackages = tiny\n[options.package_data]\n* = *.csv\n",
            "../key",
        ),
        ("a script", "run", "[options]\npackages = tiny\nscripts = run\n", "key"),
        ("a module", "own.py", "[options]\npy_modules = own\n", "own.py"),
        ("packages", "linked", "[options]\npackages = find:\n", "package"),
        (
            "packages below",
            "lib",
            "[options]\npackages = find:\n[options.packages.find]\nwhere = lib\n",
            "",
        ),
        (
            "namespaces",
            "linked",
            "[options]\npackages = find_namespace:\n",
            "package",
        ),
        (
            "packages by name",
            "linked",
            "[options]\npackages =\n  tiny\n  linked\n",
            "package",
        ),
    ] {
        let target = match target.strip_prefix("../") {
            Some(target) => format!("../AWAY/{target}"),
            None => format!("AWAY/{target}"),
        };
        refused(
            what,
            link,
            &[("setup.py", setup), ("setup.cfg", &cfg(rest))],
            &[(link, &target)],
        );
    }
    let version = |from: &str| format!("[metadata]\nname = tiny\nversion = {from}\n[options]\npackages = tiny\n");
    refused(
        "a version",
        "VERSION",
        &[("setup.py", setup), ("setup.cfg", &version("file: VERSION"))],
        &[("VERSION", "AWAY/version")],
    );
    refused(
        "an attribute",
        "tiny/own.py",
        &[("setup.py", setup), ("setup.cfg", &version("attr: tiny.own.VERSION"))],
        &[("tiny/own.py", "../AWAY/own.py")],
    );
}

#[test]
fn what_pyproject_names() {
    let with = |rest: &str| format!("{PROJECT}{rest}");
    let fixed = |rest: &str| with(&format!("version = '1.0'\n{rest}"));
    let dynamic = |field: &str, directive: &str| {
        let version = if field == "version" { "" } else { "version = '1.0'\n" };
        with(&format!(
            "{version}dynamic = ['{field}']\n[tool.setuptools.dynamic]\n{field} = {directive}\n"
        ))
    };
    for (what, link, pyproject, target) in [
        ("a readme", "about.md", fixed("readme = 'about.md'\n"), "AWAY/key"),
        (
            "a readme's table",
            "about",
            fixed("readme = {file = 'about', content-type = 'text/plain'}\n"),
            "AWAY/key",
        ),
        ("a licence", "TERMS", fixed("license = {file = 'TERMS'}\n"), "AWAY/key"),
        ("licences", "TERMS", fixed("license-files = ['TERMS*']\n"), "AWAY/key"),
        (
            "a version",
            "VERSION",
            dynamic("version", "{file = 'VERSION'}"),
            "AWAY/version",
        ),
        (
            "an attribute",
            "tiny/own.py",
            dynamic("version", "{attr = 'tiny.own.VERSION'}"),
            "../AWAY/own.py",
        ),
        (
            "dependencies",
            "needs",
            dynamic("dependencies", "{file = ['needs']}"),
            "AWAY/requires",
        ),
        (
            "bad dependencies",
            "needs",
            dynamic("dependencies", "{file = ['needs']}"),
            "AWAY/key",
        ),
        (
            "optional dependencies",
            "needs",
            dynamic("optional-dependencies", "{all = {file = ['needs']}}"),
            "AWAY/requires",
        ),
        (
            "a dynamic readme",
            "about",
            dynamic("readme", "{file = ['about']}"),
            "AWAY/key",
        ),
        (
            "a description",
            "about",
            dynamic("description", "{file = 'about'}"),
            "AWAY/key",
        ),
        (
            "classifiers",
            "about",
            dynamic("classifiers", "{file = 'about'}"),
            "AWAY/key",
        ),
        (
            "entry points",
            "points",
            dynamic("entry-points", "{file = 'points'}"),
            "AWAY/key",
        ),
        (
            "data files",
            "data",
            fixed("[tool.setuptools]\npackages = ['tiny']\n[tool.setuptools.data-files]\nd = ['data/*']\n"),
            "AWAY",
        ),
        (
            "package data",
            "tiny/data",
            fixed("[tool.setuptools]\npackages = ['tiny']\n[tool.setuptools.package-data]\ntiny = ['data/**/*']\n"),
            "../AWAY",
        ),
        (
            "where packages are",
            "lib",
            fixed("[tool.setuptools.packages.find]\nwhere = ['lib']\n"),
            "AWAY",
        ),
        ("namespaces", "tiny/linked", fixed(""), "../AWAY/package"),
        ("a src layout", "src", fixed(""), "AWAY"),
    ] {
        refused(what, link, &[("pyproject.toml", &pyproject)], &[(link, target)]);
    }
}

#[test]
fn what_setup_py_reads_and_names() {
    for (what, link, call, target) in [
        (
            "a version",
            "VERSION",
            "version=open('VERSION').read().strip()",
            "AWAY/version",
        ),
        (
            "a description",
            "about.md",
            "version='1', long_description=open('about.md').read()",
            "AWAY/key",
        ),
        (
            "requirements",
            "needs",
            "version='1', install_requires=open('needs').read().split('\\n')",
            "AWAY/key",
        ),
        (
            "a linked directory",
            "docs",
            "version=open('docs/version').read().strip()",
            "AWAY",
        ),
        (
            "a package",
            "linked",
            "version='1', packages=['linked']",
            "AWAY/package",
        ),
        (
            "packages",
            "linked",
            "version='1', packages=find_packages()",
            "AWAY/package",
        ),
        (
            "packages in there",
            "lib",
            "version='1', packages=find_packages('lib')",
            "AWAY",
        ),
        (
            "packages out there",
            "lib",
            "version='1', packages=['tiny'], package_dir={'tiny': 'lib/package'}",
            "AWAY",
        ),
        ("a module", "own.py", "version='1', py_modules=['own']", "AWAY/own.py"),
        (
            "a module of a package",
            "tiny/own.py",
            "version='1', packages=['tiny']",
            "../AWAY/own.py",
        ),
        ("data", "data", "version='1', data_files=[('d', ['data/key'])]", "AWAY"),
        (
            "package data",
            "tiny/data",
            "version='1', packages=['tiny'], package_data={'': ['data/*']}",
            "../AWAY",
        ),
        ("a script", "run", "version='1', scripts=['run']", "AWAY/key"),
        ("a licence", "terms", "version='1', license_files=['terms/*']", "AWAY"),
    ] {
        let setup = format!("{SETUP}setup(name='tiny', {call})\n");
        refused(what, link, &[("setup.py", &setup)], &[(link, target)]);
    }
    for (what, link, code, target) in [
        (
            "a path",
            "VERSION",
            "import pathlib\nVERSION = pathlib.Path('VERSION').read_text()",
            "AWAY/version",
        ),
        ("exec", "own.py", "exec(open('own.py').read())", "AWAY/own.py"),
        (
            "a module of its own",
            "own.py",
            "from own import VERSION",
            "AWAY/own.py",
        ),
        (
            "a package's module",
            "tiny/own.py",
            "from tiny.own import VERSION",
            "../AWAY/own.py",
        ),
        (
            "where modules are",
            "lib",
            "import sys\nsys.path.insert(0, 'lib')\nfrom own import VERSION",
            "AWAY",
        ),
        (
            "what else there is",
            "VERSION",
            "try:\n    VERSION = open('VERSION').read()\nexcept Exception:\n    VERSION = '1'",
            "AWAY/version",
        ),
        (
            "with an open file",
            "VERSION",
            "import os, io\nhere = os.path.dirname(os.path.abspath(__file__))\n\
             with io.open(os.path.join(here, 'VERSION'), encoding='utf-8') as f:\n    VERSION = f.read()",
            "AWAY/version",
        ),
    ] {
        let setup = format!("{SETUP}{code}\nsetup(name='tiny', version=VERSION, packages=['tiny'])\n");
        refused(what, link, &[("setup.py", &setup)], &[(link, target)]);
    }
}

#[test]
fn what_manifest_in_names() {
    for line in [
        "include linked/key",
        "include linked/*",
        "include */key",
        "include ./linked/./key",
        "graft linked",
        "recursive-include linked *",
        "recursive-include linked/package *.py",
    ] {
        refused(
            line,
            "linked",
            &[("setup.py", BARE), ("MANIFEST.in", &format!("{line}\n"))],
            &[("linked", "AWAY")],
        );
    }
    for line in [
        "include docs/*",
        "graft docs",
        "global-include *.txt",
        "recursive-include . *.txt",
    ] {
        let manifest = format!("{line}\n");
        refused(
            line,
            "docs/a.txt",
            &[("setup.py", BARE), ("MANIFEST.in", &manifest)],
            &[("docs/a.txt", "../AWAY/key")],
        );
    }
}

#[test]
fn what_git_keeps() {
    let kept = (".git/config", "[url]\nc4nary = 1\n");
    refused(
        "a link",
        "README.md",
        &[("setup.py", BARE), kept],
        &[("README.md", ".git/config")],
    );
    refused(
        "a link to its directory",
        "docs",
        &[("setup.py", BARE), ("MANIFEST.in", "include docs/*\n"), kept],
        &[("docs", ".git")],
    );
    let cfg = "[metadata]\nname = tiny\nversion = 1.0\nlong_description = file: .git/config\n";
    let setup = "from setuptools import setup\nsetup()\n";
    let sandbox = project(&[("setup.py", setup), ("setup.cfg", cfg), kept], &[]);
    let ran = commands(&sandbox);
    keeps_still("by name", &sandbox, &ran);
    for ran in ran {
        ran.exits(1).says(&[".git/config is git's own, and not of the project"]);
    }
    let read =
        "from setuptools import setup\nsetup(name='tiny', version='1', description=open('.git/config').read())\n";
    let sandbox = project(&[("setup.py", read), kept], &[]);
    let ran = sandbox
        .run(&["dist", "--static", "--train", "tiny.train:train"])
        .exits(0);
    keeps_still("read by setup.py", &sandbox, &[ran]);
}

#[test]
fn paths_that_say_that_they_lead_out() {
    for call in [
        "version=open('AWAY/version').read()",
        "version=open('tiny/../AWAY/version').read()",
        "version='1', packages=find_packages('AWAY')",
        "version='1', install_requires=open('/etc/hosts').read()",
        "version='1' if os.path.exists('/etc/hosts') else '2'",
        "version='1', py_modules=os.listdir('AWAY')",
    ] {
        let setup = format!("import os; {SETUP}setup(name='tiny', {})\n", call.replace("AWAY", AWAY));
        let sandbox = project(&[("setup.py", &setup)], &[]);
        let ran = sandbox.run(&["inspect", "--static"]).exits(1);
        let ran = ran.says(&["setup.py:2: `", "only Python can tell"]);
        keeps_still(call, &sandbox, &[ran]);
    }
    for (what, rest) in [
        ("file", "long_description = file: AWAY/key\n"),
        ("attr", "[options]\npackage_dir =\n  = AWAY\n"),
        (
            "where",
            "[options]\npackages = find:\n[options.packages.find]\nwhere = AWAY\n",
        ),
        ("data", "[options]\npackages = tiny\n[options.data_files]\nd = AWAY/*\n"),
        ("scripts", "[options]\npackages = tiny\nscripts = AWAY/key\n"),
    ] {
        let version = if what == "attr" { "attr: own.VERSION" } else { "1.0" };
        let cfg = format!(
            "[metadata]\nname = tiny\nversion = {version}\n{}",
            rest.replace("AWAY", AWAY)
        );
        let sandbox = project(
            &[
                ("setup.py", "from setuptools import setup\nsetup()\n"),
                ("setup.cfg", &cfg),
            ],
            &[],
        );
        let ran = sandbox.run(&["dist", "--static", "--train", "tiny.train:train"]);
        keeps_still(what, &sandbox, &[ran.exits(1)]);
    }
}

/// A setup.py of which sgbuild cannot tell the version, and what it does before.
fn computing(code: &str, rest: &str) -> String {
    format!(
        "{SETUP}import time\ntold = ''\n{code}\nsetup(name='tiny', version='1' if time.time() else '2', long_description=told, {rest})\n"
    )
}

#[test]
fn what_python_is_asked_for() {
    let hidden = "told = getattr(__import__('builtins'), 'open')('about.md').read()";
    for (what, link, code, rest, target) in [
        ("what it opens", "about.md", hidden, "", "AWAY/key"),
        (
            "what it opens all the same",
            "about.md",
            "try:\n    told = getattr(__import__('builtins'), 'open')('about.md').read()\nexcept Exception:\n    pass",
            "",
            "AWAY/key",
        ),
        (
            "by a descriptor",
            "about.md",
            "import os\ntold = os.read(getattr(os, 'open')('about.md', os.O_RDONLY), 99).decode()",
            "",
            "AWAY/key",
        ),
        (
            "what it imports",
            "tiny/own.py",
            "import importlib\nimportlib.import_module('tiny.own')",
            "",
            "../AWAY/own.py",
        ),
        (
            "what it packs",
            "tiny/own.py",
            "",
            "packages=['tiny']",
            "../AWAY/own.py",
        ),
        ("a README", "README.md", "", "packages=['tiny']", "AWAY/key"),
        ("what git keeps", "about.md", hidden, "", ".git/config"),
    ] {
        let setup = computing(code, rest);
        let sandbox = project(&[("setup.py", &setup), (".git/config", "c4nary\n")], &[(link, target)]);
        let inspected = sandbox.run(&["inspect", "--json"]);
        let packed = sandbox.run(&["dist", "--train", "tiny.train:train"]).exits(1);
        let packed = packed.says(&[&format!("error: {link} is a link to a file "), "hint: "]);
        keeps_still(what, &sandbox, &[inspected, packed]);
        assert!(!sandbox.project().join("dist").exists(), "{what}");
    }
}

#[test]
fn what_a_backend_packs_by_other_means() {
    // Its child reads the file, which Python does not see.
    let backend = r"
import subprocess, tarfile, os

def get_requires_for_build_wheel(settings): return []
def get_requires_for_build_sdist(settings): return []

def prepare_metadata_for_build_wheel(directory, settings):
    os.mkdir(directory + '/tiny-1.0.dist-info')
    with open(directory + '/tiny-1.0.dist-info/METADATA', 'w') as f:
        f.write('Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n')
    open(directory + '/tiny-1.0.dist-info/entry_points.txt', 'w').close()
    return 'tiny-1.0.dist-info'

def build_sdist(directory, settings):
    subprocess.run(['mkdir', directory + '/tiny-1.0'], check=True)
    subprocess.run(['cp', '-L', 'pyproject.toml', 'tiny/notes.md', directory + '/tiny-1.0/'], check=True)
    subprocess.run(['cp', '-rL', 'tiny', directory + '/tiny-1.0/'], check=True)
    subprocess.run(['tar', '-C', directory, '-czf', directory + '/tiny-1.0.tar.gz', 'tiny-1.0'], check=True)
    return 'tiny-1.0.tar.gz'
";
    let pyproject = "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['backend']\n";
    let files = [("pyproject.toml", pyproject), ("backend/own.py", backend)];
    let sandbox = project(&files, &[("tiny/notes.md", "../AWAY/key")]);
    let ran = sandbox.run(&["dist", "--train", "tiny.train:train"]).exits(1);
    let ran = ran.says(&["tiny/notes.md is a link to a file outside the project"]);
    keeps_still("cp", &sandbox, &[ran]);
    assert!(!sandbox.project().join("dist").exists());
    // What stays inside is packed as ever.
    let sandbox = project(&files, &[("tiny/notes.md", "train.py")]);
    sandbox.run(&["dist", "--train", "tiny.train:train"]).exits(0);
}

#[test]
fn what_nobody_follows() {
    // A directory of data beside the package, an environment, what MANIFEST.in leaves out, what leads nowhere.
    let setup =
        format!("{SETUP}setup(name='tiny', version='1.0', packages=find_packages(), package_data={{'': ['*']}})\n");
    let manifest = "include *\ngraft tiny\nexclude README.md\nprune old\n";
    let links = [
        ("data", "AWAY"),
        ("tiny/data", "../AWAY"),
        (".venv/bin/python3", "/usr/bin/python3"),
        ("README.md", "AWAY/key"),
        ("old/key", "../AWAY/key"),
        ("gone", "AWAY/gone"),
        ("loop", "loop"),
        ("null", "/dev/null"),
        ("notes.md", "AWAY/key"),
    ];
    let manifest = format!("{manifest}exclude notes.md\n");
    let sandbox = project(&[("setup.py", &setup), ("MANIFEST.in", &manifest)], &links);
    let ran = commands(&sandbox).map(|ran| ran.exits(0));
    keeps_still("left out", &sandbox, &ran);
    assert_eq!(ran[0].json()["packages"], serde_json::json!(["tiny"]));
    ran[2]
        .stderr
        .lines()
        .find(|line| line.contains("null is a pipe, socket or device"))
        .unwrap();
    // Namespaces are found by their directories alone, unless the patterns say that they are none.
    let setup =
        format!("{SETUP}setup(name='tiny', version='1.0', packages=find_namespace_packages(include=['tiny*']))\n");
    let setup = setup.replace("find_packages\n", "find_namespace_packages\n");
    let sandbox = project(&[("setup.py", &setup)], &[("data", "AWAY")]);
    let ran = commands(&sandbox).map(|ran| ran.exits(0));
    keeps_still("no namespace", &sandbox, &ran);
}

fn said_of(files: &[(&str, &str)], links: &[(&str, &str)]) -> String {
    let sandbox = project(files, links);
    let ran = sandbox.run(&["dist", "--train", "tiny.train:train"]);
    sandbox.transcript(&ran)
}

#[test]
fn a_readme_that_leads_out() {
    assert_snapshot!(said_of(&[("setup.py", BARE)], &[("README.md", "AWAY/key")]));
}

#[test]
fn a_directory_that_leads_out() {
    let files = [("setup.py", BARE), ("MANIFEST.in", "graft shared\n")];
    assert_snapshot!(said_of(&files, &[("shared", "AWAY")]));
}

#[test]
fn a_readme_of_gits() {
    assert_snapshot!(said_of(
        &[("setup.py", BARE), (".git/config", "")],
        &[("README.md", ".git/config")]
    ));
}

#[test]
fn a_link_met_by_python() {
    let code = "told = getattr(__import__('builtins'), 'open')('about.md').read()";
    assert_snapshot!(said_of(
        &[("setup.py", &computing(code, ""))],
        &[("about.md", "AWAY/key")]
    ));
}
