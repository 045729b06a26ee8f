//! The environment: read statically, it is what Python would see if it were asked.

use std::fs;

use crate::support::Sandbox;

/// What ends in the metadata, if what `asks` says is put before it.
fn project(program: &str, asks: bool) -> Sandbox {
    let sandbox = Sandbox::empty();
    // What time it is, only Python knows.
    let asking = if asks {
        "import time\nV += '' if time.time() else 'x'\n"
    } else {
        ""
    };
    sandbox.write(
        "setup.py",
        &format!(
            "import os\nfrom setuptools import setup\n{program}\n{asking}setup(name='a', version=V, py_modules=[])\n"
        ),
    );
    sandbox
        .with("BUILD_NUMBER", "17")
        .with("MY_TOKEN", "5")
        .with("OPENAIKEY", "5")
        .with("SGBUILD_UNKNOWN", "5")
        .with("PYTHONPATH", "/nowhere")
        .with("VIRTUAL_ENV", "/nowhere")
        .with("PYTHONHASHSEED", "5")
}

/// The version that is read, without Python and by it.
fn versions(program: &str) -> (String, String) {
    let version = |sandbox: Sandbox, arguments: &[&str]| {
        let ran = sandbox.run(arguments).exits(0);
        ran.json()["version"].as_str().unwrap().to_owned()
    };
    (
        version(project(program, false), &["inspect", "--json", "--static"]),
        version(project(program, true), &["inspect", "--json"]),
    )
}

#[test]
fn what_is_read_is_what_python_would_see() {
    for (program, expected) in [
        ("V = '1.4.' + os.environ.get('BUILD_NUMBER', '0')", "1.4.17"),
        ("V = '1.4.' + os.environ['BUILD_NUMBER']", "1.4.17"),
        ("V = '1.4.' + os.getenv('NOTHING', '0')", "1.4.0"),
        ("V = '2' if os.environ.get('NOTHING') is None else '3'", "2"),
        (
            "V = '2' if 'BUILD_NUMBER' in os.environ and 'NOTHING' not in os.environ else '3'",
            "2",
        ),
        (
            "from os import environ\nV = str(int(environ.get('BUILD_NUMBER')) + 1)",
            "18",
        ),
        (
            "try:\n    V = os.environ['NOTHING']\nexcept KeyError:\n    V = '4'",
            "4",
        ),
        ("os.environ['NOTHING'] = '6'\nV = os.environ.pop('NOTHING')", "6"),
        (
            "os.environ.setdefault('BUILD_NUMBER', '6')\nV = os.environ.get('BUILD_NUMBER')",
            "17",
        ),
        (
            "E = dict(os.environ, A='7')\nos.environ['X'] = '9'\ndel os.environ['X']\nV = E['A'] + '.' + os.environ.get('X', '8')",
            "7.8",
        ),
        // Credentials, settings of sgbuild and of Python are kept from setup.py.
        ("V = '1.' + os.environ.get('MY_TOKEN', '0')", "1.0"),
        ("V = '1.' + os.environ.get('OPENAIKEY', '0')", "1.0"),
        ("V = '1.' + os.environ.get('SGBUILD_UNKNOWN', '0')", "1.0"),
        (
            "V = '1' if 'PYTHONPATH' in os.environ or 'VIRTUAL_ENV' in os.environ else '2'",
            "2",
        ),
        ("V = '1.' + os.environ.get('PYTHONHASHSEED', '7')", "1.0"),
        ("V = '1.' + os.environ.get('PYTHONDONTWRITEBYTECODE', '7')", "1.1"),
        ("V = '1' if 'DIST_EXTRA_CONFIG' in os.environ else '2'", "2"),
    ] {
        assert_eq!(
            versions(program),
            (expected.to_owned(), expected.to_owned()),
            "{program}"
        );
    }
}

#[test]
fn what_only_python_knows_of_the_environment_is_asked() {
    for program in [
        "V = '1' if os.environ['PATH'].startswith('/bin') else '2'",
        "V = str(len(os.environ['PATH']))",
        // Whoever is handed the environment may set variables.
        "import contextlib\ncontextlib.ExitStack().enter_context(os.environ)\nV = os.environ.get('BUILD_NUMBER', '0')",
        "V = str(len(list(os.environ)[0]))",
    ] {
        let ran = project(program, false).run(&["inspect", "--static"]).exits(1);
        ran.says(&["only Python can tell"]);
    }
}

#[test]
fn a_module_that_attr_names_sees_the_same() {
    let sandbox = Sandbox::empty().with("BUILD_NUMBER", "17");
    sandbox.write(
        "pkg/__init__.py",
        "import os\nnumber = os.environ.get('BUILD_NUMBER', '0')\n__version__ = '1.' + number\n",
    );
    for (file, text) in [
        (
            "setup.cfg",
            "[metadata]\nname = a\nversion = attr: pkg.__version__\n[options]\npackages = pkg\n",
        ),
        (
            "pyproject.toml",
            "[project]\nname = \"a\"\ndynamic = [\"version\"]\n[tool.setuptools]\npackages = [\"pkg\"]\n[tool.setuptools.dynamic]\nversion = {attr = \"pkg.__version__\"}\n",
        ),
    ] {
        sandbox.write(file, text);
        let ran = sandbox.run(&["inspect", "--json", "--static"]).exits(0);
        assert_eq!(ran.json()["version"], "1.17", "{file}");
        fs::remove_file(sandbox.project().join(file)).unwrap();
    }
}
