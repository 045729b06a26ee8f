//! Projects that somebody stumbled over, each with others of its kind.

use std::collections::BTreeSet;
use std::fs;

use insta::assert_snapshot;

use crate::sdist::run;
use crate::support::{Sandbox, root};

/// A project with these arguments of `setup()`.
fn project(arguments: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    let setup =
        format!("from setuptools import setup\nsetup(name='adapt', version='1.0', packages=['adapt'], {arguments})\n");
    sandbox.write("setup.py", &setup);
    sandbox.write("adapt/__init__.py", "");
    sandbox.write("adapt/jobs.py", "def main():\n    pass\n\ndef fit():\n    pass\n");
    sandbox
}

#[test]
fn entry_points_that_come_near_to_training_are_listed() {
    let sandbox = project("entry_points={'adapt.jobs': ['fit = adapt.jobs:fit', 'clean = adapt.jobs:main']}");
    let ran = sandbox.run(&["dist"]).exits(1);
    assert_snapshot!(sandbox.transcript(&ran));
    for (near, listed) in [
        (
            "'baklava.training': ['a = adapt.jobs:main']",
            "a = adapt.jobs:main (entry_points[\"baklava.training\"])",
        ),
        (
            "'console_scripts': ['adapt-train = adapt.jobs:main']",
            "adapt-train = adapt.jobs:main",
        ),
        (
            "'console_scripts': ['adapt = adapt.train:main']",
            "adapt = adapt.train:main",
        ),
        ("'sgbuild.Train': ['a = adapt.jobs:main']", "a = adapt.jobs:main"),
    ] {
        let ran = project(&format!("entry_points={{{near}}}")).run(&["dist"]).exits(1);
        ran.says(&[
            "adapt declares no function that trains; of what it declares, these come near:",
            listed,
            "--train",
        ]);
    }
    for far in [
        "",
        "entry_points={'console_scripts': ['adapt = adapt.jobs:main', 'constraint = adapt.jobs:main']}",
    ] {
        let ran = project(far).run(&["dist"]).exits(1);
        ran.says(&["adapt declares no function that trains\n"]);
    }
}

#[test]
fn entry_points_that_come_near_to_serving_are_told_and_training_goes_on() {
    let told = |entry_points: &str| {
        let all = format!("entry_points={{'sgbuild.train': ['a = adapt.jobs:fit'], {entry_points}}}");
        let ran = project(&all).run(&["dist"]).exits(0);
        let warning = ran
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("warning: no function is declared to serve"));
        warning.map(ToOwned::to_owned)
    };
    let both = told("'mlbaklava.deploy': ['srv = adapt.jobs:main'], 'console_scripts': ['predict = adapt.jobs:main']")
        .unwrap();
    for listed in [
        "predict = adapt.jobs:main (entry_points[\"console_scripts\"])",
        "srv = adapt.jobs:main (entry_points[\"mlbaklava.deploy\"])",
    ] {
        assert!(both.contains(listed), "{both}");
    }
    for near in [
        "'adapt.hosting': ['a = adapt.jobs:main']",
        "'adapt.web': ['predict = adapt.jobs:main']",
        "'baklava.inference': ['x = adapt.jobs:main']",
    ] {
        assert!(told(near).is_some(), "{near}");
    }
    // A program for a shell does for people what it says, and one that serves is found.
    for right in [
        "'console_scripts': ['predict = adapt.jobs:main']",
        "'adapt.web': ['serve = adapt.jobs:main', 'predict = adapt.jobs:fit']",
    ] {
        assert_eq!(told(right), None, "{right}");
    }
}

#[test]
fn what_setuptools_no_longer_holds_is_named_with_its_cure() {
    let cure = "requires = [\"setuptools<82\"] in [build-system] of pyproject.toml";
    let importing = |import: &str, requires: &str| {
        let sandbox = project(&format!(
            "install_requires={requires}, entry_points={{'a.b': ['train = adapt.jobs:main']}}"
        ));
        sandbox.write("needs.txt", "packaging>=21\n");
        sandbox.write("MANIFEST.in", "include needs.txt\n");
        sandbox.write("setup.py", &format!("{import}\n{}", sandbox.read("setup.py")));
        sandbox
    };
    let parsing = "[str(r) for r in pkg_resources.parse_requirements(open('needs.txt'))]";
    for (import, requires) in [
        ("import pkg_resources", parsing),
        ("import pkg_resources as pkg_resources", parsing),
        (
            "from pkg_resources import parse_requirements as p",
            "[str(r) for r in p(open('needs.txt'))]",
        ),
    ] {
        let sandbox = importing(import, requires);
        let ran = sandbox.run(&["dist"]).exits(1);
        ran.says(&["No module named 'pkg_resources'", cure, "setup.py:1"]);
        // And the cure helps.
        sandbox.write(
            "pyproject.toml",
            "[build-system]\nrequires = ['setuptools<82', 'wheel']\n",
        );
        let ran = sandbox.run(&["inspect", "--json"]).exits(0);
        assert_eq!(ran.json()["requires_dist"][0], "packaging>=21");
    }
    // Where nothing depends on it, the sdist alone is in the way.
    let unused = importing("import pkg_resources", "['six']");
    unused
        .run(&["dist"])
        .exits(0)
        .says(&["warning: setup.py:1: pkg_resources is imported", cure]);
}

#[test]
fn a_module_name_is_no_requirement() {
    for listed in ["py-applescript", "six>=1.0", "numpy ; python_version > '3'"] {
        let ran = project(&format!("requires=['os', {listed:?}]"))
            .run(&["inspect"])
            .exits(1);
        ran.says(&[
            "setup.py:2",
            listed,
            "what pip is to install goes into install_requires",
        ]);
    }
}

#[test]
fn a_set_in_the_metadata_gives_the_same_bytes_at_every_run() {
    for kept in [
        "extras_require={'all': list({'matplotlib', 'seaborn', 'sqlalchemy', 'redis'})}",
        "install_requires=list(set(['six', 'idna', 'certifi', 'attrs']))",
        "keywords=[*{'one', 'two', 'three', 'four'}]",
        "classifiers=list(frozenset(['A :: B', 'C :: D', 'E :: F']))",
    ] {
        let sandbox = project(&format!("{kept}, entry_points={{'a.b': ['train = adapt.jobs:main']}}"));
        let bytes: BTreeSet<Vec<u8>> = ["1", "2", "random"]
            .into_iter()
            .map(|seed| {
                let mut command = sandbox.command(&["dist"]);
                run(command.env("PYTHONHASHSEED", seed));
                let archive = fs::read(sandbox.project().join("dist/adapt-1.0.tar.gz")).unwrap();
                fs::remove_dir_all(sandbox.project().join("dist")).unwrap();
                archive
            })
            .collect();
        assert_eq!(bytes.len(), 1, "{kept}");
    }
}

#[test]
fn zero_is_a_version() {
    let poetry = "[tool.poetry]\nname = 'adapt'\nversion = 'VERSION'\ndescription = 'x'\nauthors = ['a <a@b.c>']\n[build-system]\n\
                  requires = ['poetry-core>=1.0.0']\nbuild-backend = 'poetry.core.masonry.api'\n";
    let flit = "[project]\nname = 'adapt'\ndynamic = ['version', 'description']\n[build-system]\nrequires = ['flit_core>=3.4']\n\
                build-backend = 'flit_core.buildapi'\n";
    for (pyproject, version) in [(poetry, "0.0.0"), (poetry, "0"), (flit, "0.0.0")] {
        let sandbox = Sandbox::empty();
        sandbox.write("pyproject.toml", &pyproject.replace("VERSION", version));
        sandbox.write("adapt/__init__.py", "'''Adapts.'''\n__version__ = '0.0.0'\n");
        assert_eq!(sandbox.run(&["inspect", "--json"]).exits(0).json()["version"], version);
    }
    for version in ["0.0.0", "0", "0.0"] {
        let arguments = "install_requires=__import__('os').popen('echo six').read().split()";
        let sandbox = project(arguments);
        sandbox.write(
            "setup.py",
            &sandbox.read("setup.py").replace("'1.0'", &format!("'{version}'")),
        );
        assert_eq!(sandbox.run(&["inspect", "--json"]).exits(0).json()["version"], version);
    }
}

#[test]
fn the_reason_for_asking_names_the_requirement_and_its_line() {
    for (requires, line, named) in [
        ("requires = ['setuptools<81']", 3, "setuptools<81"),
        (
            "requires = [\n  'wheel',\n  'setuptools-scm>=8',\n  'setuptools',\n]",
            5,
            "setuptools-scm>=8",
        ),
        ("requires = ['setuptools', 'versioneer[toml]']", 3, "versioneer[toml]"),
        (
            "requires = ['setuptools', 'own @ https://user:secret@example.org/own.whl']",
            3,
            "own @ https://",
        ),
    ] {
        let sandbox = project("");
        sandbox.write(
            "pyproject.toml",
            &format!("# one\n[build-system]\n{requires}\nbuild-backend = 'setuptools.build_meta'\n"),
        );
        let ran = sandbox.run(&["inspect", "--static"]).exits(1);
        let ran = ran.says(&[&format!("pyproject.toml:{line}"), named]);
        assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    }
    let ran = project("setup_requires=['pbr'], pbr=True")
        .run(&["inspect", "--static"])
        .exits(1);
    ran.says(&["setup.py:2", "setup_requires = pbr"]);
}

/// Flags that hints name of other programs.
const FOREIGN: [&str; 14] = [
    "--compat-auth-file",
    "--extra-index-url",
    "--format",
    "--generate-hashes",
    "--install",
    "--no-deps",
    "--privileged",
    "--release",
    "--repository-name",
    "--rm",
    "--sdist",
    "--stack-name",
    "--target",
    "--wheel",
];
/// The files in which hints stand.
const WITH_HINTS: [&str; 6] = [
    "advice.rs",
    "error.rs",
    "explain.rs",
    "failure.rs",
    "hook_log.rs",
    "step_hints.rs",
];

/// A hint that names a flag that is not there costs another attempt.
#[test]
fn hints_name_flags_that_are_there() {
    let sandbox = Sandbox::empty();
    let commands = [
        "inspect",
        "dist",
        "build",
        "push",
        "train",
        "serve",
        "execute",
        "check",
        "report",
        "lineage",
        "launch",
        "status",
        "destroy",
        "runs",
        "logs",
        "diff",
        "settings",
        "explain",
        "completions",
        "man",
    ];
    let helps: String = commands
        .iter()
        .map(|command| sandbox.run(&[command, "--help"]).exits(0).stdout)
        .collect();
    let known: BTreeSet<&str> = helps
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .collect();
    let sources = walkdir::WalkDir::new(root().join("src"))
        .into_iter()
        .map(Result::unwrap);
    let with_hints = sources.filter(|entry| WITH_HINTS.iter().any(|name| entry.file_name() == *name));
    let mut unknown = BTreeSet::new();
    for file in with_hints {
        let text = fs::read_to_string(file.path()).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in lines {
            let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            let flags = words.filter(|word| word.starts_with("--") && word.len() > 2);
            unknown.extend(
                flags
                    .filter(|flag| !known.contains(flag) && !FOREIGN.contains(flag))
                    .map(ToOwned::to_owned),
            );
        }
    }
    assert_eq!(unknown, BTreeSet::new());
}
