//! What is said about a project that is understood, or almost.

use crate::support::Sandbox;

fn tiny(arguments: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("pkg/__init__.py", "");
    sandbox.write(
        "setup.py",
        &format!("from setuptools import setup\nsetup(name='a', version='1', {arguments})\n"),
    );
    sandbox
}

#[test]
fn the_originals_keywords_do_not_warn() {
    for version in ["'1'", "'1'.strip()"] {
        let sandbox = tiny("python_version='3.11', dockerlines=['RUN true'], entry_point={'pkg': 'f'}");
        sandbox.write("setup.py", &sandbox.read("setup.py").replace("'1'", version));
        let ran = sandbox.run(&["inspect"]).exits(0);
        assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
        assert!(ran.stdout.contains("pkg:f"), "{}", ran.stdout);
    }
}

#[test]
fn other_unknown_keywords_do() {
    let ran = tiny("entry_pionts={}, python_versions='3'").run(&["inspect"]).exits(0);
    ran.says(&["setup.py:2: ", "entry_pionts", "python_versions"]);
}

#[test]
fn each_error_names_its_place_and_what_to_do() {
    let with = |name: &str, text: &str| {
        let sandbox = tiny("");
        sandbox.write(name, text);
        sandbox
    };
    let cases = [
        (
            with("setup.cfg", "[metadata]\nname = a\nname = b\n"),
            "setup.cfg:3: name appears twice",
        ),
        (
            with("setup.cfg", "name = a\n"),
            "setup.cfg:1: an option before the first [section]",
        ),
        (
            with("pyproject.toml", "[build-system]\nrequires = 3\n"),
            "pyproject.toml:2: [build-system] requires is not a list",
        ),
        (with("pyproject.toml", "[build-system\n"), "pyproject.toml:1"),
        (
            tiny("packages=['gone']"),
            "setup.py:2: the package gone has no directory gone",
        ),
        (
            tiny("entry_points={'g': ['train']}"),
            "setup.py:2: entry point \"train\" in g is not `name = module:function`",
        ),
        (
            tiny("python_requires='three'"),
            "setup.py:2: \"three\" is not a range of Python versions",
        ),
    ];
    for (sandbox, message) in cases {
        sandbox.run(&["inspect"]).exits(1).says(&[message, "hint: "]);
    }
}
