//! Links that lead out of the project: what they lead to reaches no output, archive or image, whichever way a project has of
//! naming files. Each is refused by its name; what setuptools does not follow, and what stays inside, is as it was.

mod backends;
mod declarations;
mod setup_py;

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
        sandbox.run(&["dist", "--static", "--json", "--train", "elsewhere.train:train"]),
        sandbox.run(&["dist", "--json", "--train", "elsewhere.train:train"]),
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
        .run(&["dist", "--static", "--train", "elsewhere.train:train"])
        .exits(1);
    keeps_still(
        "an absolute path",
        &sandbox,
        &[ran.says(&["README.md is a link to a file outside the project"])],
    );
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
        .run(&["dist", "--static", "--train", "elsewhere.train:train"])
        .exits(0);
    keeps_still("read by setup.py", &sandbox, &[ran]);
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
    let ran = sandbox.run(&["dist", "--train", "elsewhere.train:train"]);
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
