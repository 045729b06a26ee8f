//! Asking Python: what reaches setup.py, what comes back, and what is left behind.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::Sandbox;

/// A project whose version only Python knows, after it ran `code`.
pub(super) fn computing(code: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("pkg/__init__.py", "");
    let script = format!(
        "from setuptools import setup\n{code}\nsetup(name='a', version=globals().get('V', '1'), description=str(globals().get('told')))\n"
    );
    sandbox.write("setup.py", &script);
    sandbox
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = walkdir::WalkDir::new(directory)
        .into_iter()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .strip_prefix(directory)
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn what_setup_py_prints_is_not_in_our_output() {
    let sandbox =
        computing("import os\nprint('noise')\nos.write(1, b'more noise')\nos.system('echo noise of a child')");
    let ran = sandbox.run(&["inspect", "--json"]).exits(0);
    assert_eq!(ran.json()["version"], "1");
    assert_eq!(ran.json()["source"]["kind"], "pep517");
    assert!(!ran.stderr.contains("noise"), "{}", ran.stderr);
}

#[test]
fn credentials_do_not_reach_setup_py() {
    let canary = "c4nary-of-the-mine";
    let code = format!("import os\ntold = [k for k, v in os.environ.items() if '{canary}' in v]");
    let mut sandbox = computing(&code);
    let secret = [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "GITHUB_TOKEN",
        "TWINE_PASSWORD",
        "MY_API_KEY",
        "CODEARTIFACT_AUTH_TOKEN",
    ];
    for name in secret {
        sandbox = sandbox.with(name, canary);
    }
    sandbox = sandbox
        .with("MY_INDEX", format!("https://me:{canary}@index.example/"))
        .with("HARMLESS", canary);
    let ran = sandbox.run(&["inspect", "--json"]).exits(0);
    assert_eq!(ran.json()["summary"], "['HARMLESS']");
}

#[test]
fn the_time_limit_stops_setup_py_and_its_children() {
    // The environment is made before the clock starts for what is measured here.
    computing("").run(&["inspect"]).exits(0);
    let sandbox = computing("import subprocess, time\nsubprocess.Popen(['sh', '-c', 'sleep 5; echo late > late'])\nwhile True:\n    time.sleep(0.1)")
        .with("SGBUILD_PYTHON_TIMEOUT", "2");
    let started = Instant::now();
    let ran = sandbox
        .run(&["inspect"])
        .exits(1)
        .says(&["did not finish within 2 s", "hint: "]);
    assert!(started.elapsed() < Duration::from_secs(5), "{}", ran.stderr);
    std::thread::sleep(Duration::from_secs(4));
    assert!(!sandbox.project().join("late").exists());
}

#[test]
fn a_failing_setup_py_shows_its_last_lines() {
    let raised = computing("print('before')\nraise RuntimeError('the reactor is cold')")
        .run(&["inspect"])
        .exits(1);
    raised.says(&[
        "setup.py:3: in <module>",
        "before",
        "RuntimeError: the reactor is cold",
        "hint: ",
    ]);
    let left = computing("import sys\nsys.exit('needs a newer moon' if 1 else 0)")
        .run(&["inspect"])
        .exits(1);
    left.says(&["needs a newer moon", "hint: "]);
    let silent = computing("import os\nos._exit(0 if 1 else 1)")
        .run(&["inspect"])
        .exits(1);
    silent.says(&["ended early", "without an answer", "hint: "]);
    let killed = computing("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
        .run(&["inspect"])
        .exits(1);
    killed.says(&["signal: 9", "hint: "]);
}

#[test]
fn nothing_is_left_in_the_tree() {
    let flat = computing("import pkg");
    let below = computing("import sys\nsys.path.insert(0, 'python')\nimport pkg");
    fs::create_dir(below.project().join("python")).unwrap();
    fs::rename(below.project().join("pkg"), below.project().join("python/pkg")).unwrap();
    below.write(
        "setup.py",
        &below
            .read("setup.py")
            .replace("setup(name", "setup(package_dir={'': 'python'}, packages=['pkg'], name"),
    );
    let failing = computing("raise RuntimeError('no')");
    for (sandbox, code) in [(flat, 0), (below, 0), (failing, 1)] {
        let before = names(&sandbox.project());
        sandbox.run(&["inspect"]).exits(code);
        assert_eq!(names(&sandbox.project()), before);
    }
}

#[test]
fn an_egg_info_that_was_there_stays() {
    let sandbox = computing("");
    sandbox.write("a.egg-info/mine", "x");
    sandbox.run(&["inspect"]).exits(0);
    assert_eq!(sandbox.read("a.egg-info/mine"), "x");
}

#[test]
fn the_environment_is_kept() {
    let sandbox = computing("");
    sandbox.run(&["inspect"]).exits(0);
    let ran = sandbox.run(&["inspect"]).exits(0);
    assert!(!ran.stderr.contains("Preparing Python"), "{}", ran.stderr);
    let started = Instant::now();
    sandbox.run(&["inspect"]).exits(0);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn other_backends_answer_through_their_hooks() {
    let project = "[project]\nname = \"hooked\"\nversion = \"1.5\"\ndescription = \"d\"\ndependencies = [\"six>=1\"]\n[project.entry-points.\"h.training\"]\ntrain = \"hooked:train\"\n";
    for (requires, backend) in [
        ("poetry-core>=2", "poetry.core.masonry.api"),
        ("flit_core>=3.9", "flit_core.buildapi"),
        ("hatchling", "hatchling.build"),
    ] {
        let sandbox = Sandbox::empty();
        let system = format!("[build-system]\nrequires = [\"{requires}\"]\nbuild-backend = \"{backend}\"\n");
        sandbox.write("pyproject.toml", &format!("{system}{project}"));
        sandbox.write("hooked/__init__.py", "def train():\n    pass\n");
        let before = names(&sandbox.project());
        let said = sandbox.run(&["inspect", "--json"]).exits(0).json();
        assert_eq!(said["name"], "hooked", "{backend}");
        assert_eq!(said["version"], "1.5", "{backend}");
        let required = said["requires_dist"][0].as_str().unwrap().replace(['(', ')', ' '], "");
        assert_eq!(required, "six>=1", "{backend}");
        assert_eq!(said["train"]["object"], "hooked:train", "{backend}");
        assert_eq!(names(&sandbox.project()), before, "{backend}");
    }
}

#[test]
fn a_backend_of_the_project_itself_answers() {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"own\"\nbackend-path = [\"backend\"]\n",
    );
    sandbox.write("backend/own.py", "from setuptools.build_meta import *\n");
    sandbox.write(
        "setup.cfg",
        "[metadata]\nname = a\nversion = 3\n[options]\npackages = pkg\n",
    );
    sandbox.write("pkg/__init__.py", "");
    assert_eq!(sandbox.run(&["inspect", "--json"]).exits(0).json()["version"], "3");
}

#[test]
fn an_interpreter_that_is_missing_or_broken() {
    computing("")
        .run(&["inspect", "--python", "/nowhere/python"])
        .exits(1)
        .says(&["cannot run /nowhere/python", "hint: "]);
    let sandbox = computing("");
    sandbox
        .run(&["inspect", "--python", "/bin/false"])
        .exits(1)
        .says(&["cannot run /bin/false", "hint: "]);
}

#[test]
fn a_build_requirement_that_does_not_exist() {
    let sandbox = computing("");
    sandbox.write(
        "pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\", \"sgbuild-no-such-package-at-all==9.9\"]\n",
    );
    sandbox.run(&["inspect"]).exits(1).says(&[
        "cannot install the build requirements",
        "sgbuild-no-such-package-at-all==9.9",
        "hint: ",
    ]);
}

#[test]
fn ctrl_c_ends_python_too() {
    computing("").run(&["inspect"]).exits(0);
    let sandbox =
        computing("import os, time\nopen(os.environ['HOME'] + '/pid', 'w').write(str(os.getpid()))\ntime.sleep(60)");
    let mut child = sandbox.spawn(&["inspect"]);
    let pid_file = sandbox.home().join("pid");
    let deadline = Instant::now() + Duration::from_mins(1);
    let python = loop {
        match fs::read_to_string(&pid_file) {
            Ok(pid) if !pid.is_empty() => break pid,
            _ => assert!(Instant::now() < deadline, "setup.py did not start"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let started = Instant::now();
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let code = child.wait().unwrap().code();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(code, Some(130));
    assert!(!Path::new("/proc").join(python).exists());
}

#[test]
fn an_order_that_nobody_knows_is_refused() {
    let sandbox = Sandbox::empty();
    let order = serde_json::json!({
        "hook": "editable", "root": sandbox.project(), "project": sandbox.project(), "places": ["/copy", "/project"], "backend": "json", "backend_path": [], "installed": [], "out": sandbox.home(),
    });
    sandbox.write("order.json", &order.to_string());
    let asked = Command::new("python3")
        .arg(crate::support::root().join("src/project/backend/ask.py"))
        .args(["order.json", "answer.json"])
        .current_dir(sandbox.project())
        .output()
        .unwrap();
    let said = String::from_utf8(asked.stderr).unwrap();
    assert_eq!(asked.status.code(), Some(1), "{said}");
    assert_eq!(said, "there is nothing to ask for by the name 'editable'\n");
    assert!(!sandbox.project().join("answer.json").exists());
}

/// A backend in the tree whose wheel must not be built to read it.
const BACKEND: &str = "
import os

def prepare_metadata_for_build_wheel(directory, settings=None):
    made = os.path.join(directory, 'x-1.0.dist-info')
    os.makedirs(made)
    with open(os.path.join(made, 'METADATA'), 'w') as out:
        out.write('Metadata-Version: 2.1\\nName: x\\nVersion: VERSION\\n')
    return 'x-1.0.dist-info'

def build_wheel(directory, settings=None, metadata=None):
    open(os.path.expanduser('~/COMPILED'), 'w').write('here a compiler would run for minutes')
    raise SystemExit('no compiler')

def build_sdist(directory, settings=None):
    raise SystemExit('no')
";

#[test]
fn metadata_compiles_nothing() {
    let system = "[build-system]\nrequires = []\nbuild-backend = 'be'\nbackend-path = ['be']\n";
    let project = "[project]\nname = 'x'\ndynamic = ['version']\n[project.scripts]\ntrain = 'x:main'\n";
    for (table, version, train) in [("", "1.0", None), ("", "0.0.0", None), (project, "1.0", Some("x:main"))] {
        let sandbox = crate::support::Sandbox::empty();
        sandbox.write("be/be.py", &BACKEND.replace("VERSION", version));
        sandbox.write("x/__init__.py", "def main(): pass\n");
        sandbox.write("pyproject.toml", &format!("{system}{table}"));
        let said = sandbox.run(&["inspect", "--json"]).exits(0).json();
        assert_eq!(said["version"], version);
        assert_eq!(said["train"]["object"].as_str(), train);
        assert!(!sandbox.home().join("COMPILED").exists());
    }
}

#[test]
fn setuptools_tells_a_version_from_none() {
    let setup_py = |version: &str| {
        format!(
            "import time\nfrom setuptools import setup\nsetup(name='a', {version}install_requires=['six'] * int(time.time() > 0))\n"
        )
    };
    let sandbox = crate::support::Sandbox::empty();
    sandbox.write("setup.py", &setup_py("version='0.0.0', "));
    assert_eq!(sandbox.run(&["inspect", "--json"]).exits(0).json()["version"], "0.0.0");
    sandbox.write("setup.py", &setup_py(""));
    assert!(
        sandbox
            .run(&["inspect"])
            .exits(1)
            .stderr
            .contains("does not give the package a version")
    );
}

#[test]
fn what_is_made_of_a_set_is_the_same_at_every_run() {
    let sandbox = crate::support::Sandbox::empty().with("PYTHONHASHSEED", "7");
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nextras = {'viz': ['matplotlib', 'seaborn'], 'db': ['sqlalchemy', 'redis']}\nextras['all'] = list({one for group in extras.values() for one in group})\nsetup(name='a', version='1', packages=[], extras_require=extras)\n",
    );
    let said = || sandbox.run(&["inspect", "--json"]).exits(0).json();
    let first = said();
    assert_eq!(first["source"]["kind"], "pep517");
    assert_eq!(first, said());
    let sandbox = sandbox.with("PYTHONHASHSEED", "random");
    assert_eq!(first, sandbox.run(&["inspect", "--json"]).exits(0).json());
}
