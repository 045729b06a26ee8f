//! Situations in which the tree says it.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{self, Refused, Right, Static};
use super::oracle::Case;
use super::{agree, bare};

fn tree(kind: Kind, name: &'static str, arguments: &str, paths: &[&str]) -> Case {
    let script = format!(
        "from setuptools import setup, find_packages, find_namespace_packages\nsetup(name='a', version='1', {arguments})"
    );
    let mut given = vec![("setup.py", script.as_str())];
    given.extend(paths.iter().map(|path| (*path, "")));
    bare(kind, name, &given)
}

#[test]
fn find_packages() {
    let paths = [
        "p/__init__.py",
        "p/q/__init__.py",
        "p/q/r/__init__.py",
        "p/data/x.csv",
        "p/n/m/__init__.py",
        "tests/__init__.py",
        "tests/unit/__init__.py",
        "src/s/__init__.py",
        "src/s/t/__init__.py",
        "ns/x.py",
        "p-q/__init__.py",
        "build/lib/p/__init__.py",
        "__pycache__/__init__.py",
        "ez_setup/__init__.py",
        "v1.2/__init__.py",
        "p/tests/__init__.py",
    ];
    let calls = [
        "find_packages()",
        "find_packages(exclude=['tests', 'tests.*'])",
        "find_packages(exclude=['tests*', '*.tests'])",
        "find_packages('.', ['p.q*'])",
        "find_packages('.', ('tests',), ['p', 'p.*'])",
        "find_packages(include=['p'])",
        "find_packages(include=['[!t]*', 'p.?'])",
        "find_packages(include='p*')",
        "find_namespace_packages()",
        "find_namespace_packages(include=['p', 'p.*'])",
        "find_packages(where='nowhere')",
    ];
    let mut cases: Vec<Case> = calls
        .iter()
        .map(|call| tree(Right, call, &format!("packages={call}"), &paths))
        .collect();
    let below = [
        "find_packages('src')",
        "find_packages(where='src')",
        "find_packages(where='./src/')",
        "find_namespace_packages(where='src', exclude=['s.t'])",
        "['s.t'] + find_packages('src')",
    ];
    cases.extend(below.iter().map(|call| {
        tree(
            Static,
            call,
            &format!("package_dir={{'': 'src'}}, packages={call}"),
            &paths,
        )
    }));
    cases.push(tree(
        Refused,
        "a package that is not there",
        "packages=['p', 'extra']",
        &paths,
    ));
    cases.push(tree(
        Right,
        "packages placed one by one",
        "packages=['p', 'x', 'x.t'], package_dir={'x': 'src/s'}",
        &paths,
    ));
    agree(cases);
}

#[test]
fn automatic_discovery() {
    agree(vec![
        tree(
            Static,
            "flat",
            "",
            &[
                "p/__init__.py",
                "p/q/__init__.py",
                "p/n/x.py",
                "docs/x.py",
                "tests/__init__.py",
            ],
        ),
        tree(
            Static,
            "src",
            "",
            &["src/p/__init__.py", "src/p/q/x.py", "src/m.py", "other/__init__.py"],
        ),
        tree(Static, "one module", "", &["m.py"]),
        tree(Static, "nothing", "", &[]),
        tree(Static, "package and module", "", &["p/__init__.py", "m.py"]),
        tree(Static, "stubs", "", &["p/__init__.py", "p-stubs/__init__.pyi"]),
        tree(Refused, "several packages", "", &["p/__init__.py", "q/__init__.py"]),
        tree(Refused, "several modules", "", &["m.py", "n.py"]),
        tree(
            Refused,
            "a directory without packages beside one",
            "",
            &["p/__init__.py", "data/x.csv"],
        ),
        tree(
            Right,
            "package_dir for the root",
            "package_dir={'': 'lib'}",
            &["lib/p/__init__.py", "q/__init__.py"],
        ),
        tree(
            Refused,
            "package_dir for the root, missing",
            "package_dir={'': 'lib'}",
            &["q/__init__.py"],
        ),
        tree(
            Right,
            "package_dir for a package",
            "package_dir={'p': 'lib'}",
            &["lib/__init__.py", "lib/q/__init__.py", "r/__init__.py"],
        ),
        tree(
            Right,
            "package_dir of the root itself",
            "package_dir={'': '.'}",
            &["q/__init__.py"],
        ),
        tree(Right, "empty lists", "packages=[], py_modules=[]", &["p/__init__.py"]),
        tree(Right, "None", "packages=None, py_modules=None", &["p/__init__.py"]),
        tree(Right, "no ext_modules", "ext_modules=[]", &["p/__init__.py"]),
        tree(Right, "ext_modules None", "ext_modules=None", &["p/__init__.py"]),
        tree(Right, "empty package_dir", "package_dir={}", &["p/__init__.py"]),
        bare(
            Right,
            "setup.cfg alone",
            &[
                ("setup.cfg", "[metadata]\nname = a\nversion = 1\n"),
                ("src/p/__init__.py", ""),
            ],
        ),
        bare(
            Right,
            "setup.cfg with empty packages",
            &[
                (
                    "setup.cfg",
                    "[metadata]\nname = a\nversion = 1\n[options]\npackages =\n",
                ),
                ("p/__init__.py", ""),
            ],
        ),
        bare(
            Right,
            "pyproject, src",
            &[
                ("pyproject.toml", "[project]\nname = \"a\"\nversion = \"1\"\n"),
                ("src/p/__init__.py", ""),
            ],
        ),
        bare(
            Right,
            "pyproject with a package-dir",
            &[
                (
                    "pyproject.toml",
                    "[project]\nname = \"a\"\nversion = \"1\"\n[tool.setuptools]\npackage-dir = {\"\" = \"lib\"}\n",
                ),
                ("lib/p/__init__.py", ""),
            ],
        ),
        bare(
            Right,
            "pyproject with modules only",
            &[
                (
                    "pyproject.toml",
                    "[project]\nname = \"a\"\nversion = \"1\"\n[tool.setuptools]\npy-modules = [\"m\"]\n",
                ),
                ("m.py", ""),
                ("p/__init__.py", ""),
            ],
        ),
    ]);
}
