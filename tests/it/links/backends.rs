//! Python, where it is asked, and build backends.

use insta::assert_snapshot;

use super::{SETUP, keeps_still, project};

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
        let packed = sandbox.run(&["dist", "--train", "elsewhere.train:train"]).exits(1);
        let packed = packed.says(&[
            &format!("error[outside-project]: {link} is a link to a file "),
            "hint: ",
        ]);
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

def build_wheel(directory, settings, metadata_directory=None):
    import zipfile
    with zipfile.ZipFile(directory + '/tiny-1.0-py3-none-any.whl', 'w') as wheel:
        wheel.write('tiny/__init__.py')
        wheel.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n')
        wheel.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
        wheel.writestr('tiny-1.0.dist-info/RECORD', '')
    return 'tiny-1.0-py3-none-any.whl'
";
    let pyproject = "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['backend']\n";
    let files = [("pyproject.toml", pyproject), ("backend/own.py", backend)];
    let sandbox = project(&files, &[("tiny/notes.md", "../AWAY/key")]);
    let ran = sandbox.run(&["dist", "--train", "elsewhere.train:train"]).exits(1);
    let ran = ran.says(&["tiny/notes.md is a link to a file outside the project"]);
    keeps_still("cp", &sandbox, &[ran]);
    assert!(!sandbox.project().join("dist").exists());
    // What stays inside is packed as ever.
    let sandbox = project(&files, &[("tiny/notes.md", "train.py")]);
    sandbox.run(&["dist", "--train", "elsewhere.train:train"]).exits(0);
}

#[test]
fn the_reason_for_asking_is_told_too() {
    let code = "told = getattr(__import__('builtins'), 'open')('about.md').read()";
    let sandbox = project(&[("setup.py", &computing(code, ""))], &[("about.md", "AWAY/key")]);
    let ran = sandbox.run(&["inspect"]).exits(1);
    let said = ran.stderr.split_once("error[outside-project]: ").unwrap().1;
    assert_snapshot!(said);
}
