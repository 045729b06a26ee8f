//! The function that trains is looked for before anything is built.

use std::fmt::Write as _;

use crate::support::Sandbox;

const ENTRY: &str = "entry_points={'console_scripts': ['train = rank.training.fit:main']}";

/// A project with `arguments` of `setup()`, and files.
fn project(arguments: &str, files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "setup.py",
        &format!("from setuptools import find_packages, find_namespace_packages, setup\nsetup(name='rank', version='1', {arguments})\n"),
    );
    for (name, text) in files {
        sandbox.write(name, text);
    }
    sandbox
}

/// What `dist` complains of.
fn complaint(sandbox: &Sandbox) -> String {
    let output = sandbox.command(&["dist", "--static"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn refuses(sandbox: &Sandbox, parts: &[&str]) {
    let said = complaint(sandbox);
    let mut missing = String::new();
    for part in parts.iter().filter(|part| !said.contains(**part)) {
        let _ = writeln!(missing, "not there: {part}");
    }
    assert!(missing.is_empty(), "{missing}{said}");
    assert!(!sandbox.project().join("dist").exists());
}

fn accepts(sandbox: &Sandbox) {
    let output = sandbox.command(&["dist", "--static"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const FIT: (&str, &str) = (
    "rank/training/fit.py",
    "def main():\n    pass\ndef other():\n    pass\n",
);
const TOP: (&str, &str) = ("rank/__init__.py", "");
const INNER: (&str, &str) = ("rank/training/__init__.py", "");

#[test]
fn a_module_that_is_not_packed_is_refused() {
    let found = format!("packages=find_packages(), {ENTRY}");
    refuses(
        &project(&found, &[TOP, FIT]),
        &[
            "rank.training.fit:main (setup.py:2 entry_points[\"console_scripts\"]) would not be in the image",
            "rank/training has no __init__.py",
            "Add an empty rank/training/__init__.py.",
        ],
    );
    let listed = format!("packages=['rank'], {ENTRY}");
    refuses(
        &project(&listed, &[TOP, INNER, FIT]),
        &["the package rank.training is not in packages", "find_packages()"],
    );
    let alone = "py_modules=['other'], entry_points={'a': ['train = fit:main']}";
    refuses(
        &project(alone, &[("other.py", ""), ("fit.py", "def main(): pass\n")]),
        &["fit.py is not in py_modules", "Add \"fit\" to py_modules"],
    );
    let misspelt = "packages=find_packages(), entry_points={'a': ['train = rank.training.fti:main']}";
    refuses(
        &project(misspelt, &[TOP, INNER, FIT]),
        &[
            "there is no module rank.training.fti in the project",
            "rank.training.fit",
        ],
    );
    let elsewhere = format!("packages=['rank'], package_dir={{'': 'src'}}, {ENTRY}");
    refuses(
        &project(
            &elsewhere,
            &[
                ("src/rank/__init__.py", ""),
                ("src/rank/training/fit.py", "def main(): pass\n"),
            ],
        ),
        &["src/rank/training has no __init__.py"],
    );
}

#[test]
fn a_name_that_the_module_lacks_is_refused() {
    let named =
        |name: &str| format!("packages=find_packages(), entry_points={{'a': ['train = rank.training.fit:{name}']}}");
    refuses(
        &project(&named("mian"), &[TOP, INNER, FIT]),
        &[
            "rank.training.fit:mian",
            "is not there: rank/training/fit.py has main, other",
        ],
    );
    refuses(
        &project(&named("main"), &[TOP, INNER, ("rank/training/fit.py", "import os\n")]),
        &["rank/training/fit.py has no function of its own"],
    );
    refuses(
        &project(&named("Model.train"), &[TOP, INNER, FIT]),
        &["rank.training.fit:Model.train"],
    );
}

#[test]
fn what_is_there_or_may_be_is_accepted() {
    let found = format!("packages=find_packages(), {ENTRY}");
    for text in [
        "def main(): pass\n",
        "main = print\n",
        "main: object = print\n",
        "from os import getcwd as main\n",
        "import os as main\n",
        "class main: pass\n",
        "try:\n    from os import main\nexcept ImportError:\n    def main(): pass\n",
        "if True:\n    def main(): pass\n",
        "from os.path import *\n",
        "globals()['main'] = print\n",
        "exec('def main(): pass')\n",
        "def __getattr__(name):\n    return print\n",
        "def make():\n    global main\n    main = print\nmake()\n",
        "for main in (print, print): pass\n",
        "with open('x') as main: pass\n",
        "(main := print)\n",
        "import sys\nsys.modules[__name__] = print\n",
        "print 'an old Python'\n",
    ] {
        accepts(&project(&found, &[TOP, INNER, ("rank/training/fit.py", text)]));
    }
    // A package without a file of its own.
    accepts(&project(
        &format!("packages=find_namespace_packages(), {ENTRY}"),
        &[TOP, FIT],
    ));
    // The package itself.
    accepts(&project(
        "packages=['rank'], entry_points={'a': ['train = rank:main']}",
        &[("rank/__init__.py", "from .fit import main\n"), ("rank/fit.py", "")],
    ));
    // As data of another package.
    accepts(&project(
        &format!("packages=['rank'], package_data={{'rank': ['training/*.py']}}, {ENTRY}"),
        &[TOP, FIT],
    ));
    // Of another package, which is required, or which the base image has.
    accepts(&project(
        "packages=['rank'], install_requires=['six'], entry_points={'a': ['train = six:main']}",
        &[TOP],
    ));
    // In a namespace that is not ours alone.
    accepts(&project(
        "packages=['google.rank'], entry_points={'a': ['train = google.other.fit:main']}",
        &[("google/rank/__init__.py", "")],
    ));
    // Where the package says itself what is in it.
    accepts(&project(
        "packages=['rank'], entry_points={'a': ['train = rank.moves.fit:main']}",
        &[("rank/__init__.py", "import sys\nsys.modules['rank.moves'] = sys\n")],
    ));
}

#[test]
fn the_function_that_is_set_is_looked_for_too() {
    let sandbox = project("packages=['rank']", &[TOP, ("rank/fit.py", "def main(): pass\n")]);
    let output = sandbox
        .command(&["dist", "--static", "--train", "rank.fit:mian"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("rank.fit:mian (--train) is not there: rank/fit.py has main"),
        "{said}"
    );
}

#[test]
fn several_functions_that_train_are_listed_by_name_and_inspect_answers() {
    let three = "packages=['rank'], entry_points={'baklava.train': ['first = rank:main', 'second = rank:main', 'third = rank:other']}";
    let sandbox = project(three, &[("rank/__init__.py", "def main(): pass\ndef other(): pass\n")]);
    let said = complaint(&sandbox);
    for line in [
        "first = rank:main (setup.py:2",
        "second = rank:main (",
        "third = rank:other (",
    ] {
        assert_eq!(said.matches(line).count(), 1, "{said}");
    }
    let output = sandbox.command(&["inspect", "--static", "--json"]).output().unwrap();
    assert!(output.status.success());
    let inspected: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(inspected["train"].is_null() && inspected["version"] == "1");
}

#[test]
fn training_goes_on_where_several_functions_could_serve() {
    let ambiguous = "packages=['rank'], entry_points={'baklava.train': ['a = rank:a'], 'baklava.predict': ['b = rank:b', 'c = rank:c']}";
    let sandbox = project(ambiguous, &[("rank/__init__.py", "def a(): pass\n")]);
    let output = sandbox.command(&["dist", "--static"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("2 functions are declared to serve (b = rank:b, c = rank:c)"),
        "{said}"
    );
}
