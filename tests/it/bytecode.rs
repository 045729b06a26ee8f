//! Byte code in images that no daemon makes, held against pip's.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::main_path::{docker_login, docker_ok, repository};
use crate::support::{Ran, Sandbox, Testbed};

/// Prints the files of byte code, where requirements are installed.
const LIST: &str = r#"
import pathlib, sysconfig
for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), sysconfig.get_path("scripts")}:
    for path in sorted(pathlib.Path(place).rglob("*.pyc")):
        print(path)
"#;

fn base() -> &'static str {
    Testbed::get().variable("SGBUILD_TESTBED_PRIVATE_BASE")
}

/// A package with requirements of Python alone and with compiled parts, and programs that end with `.py`.
fn package() -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nsetup(name='coded', version='1.0', packages=['coded'], install_requires=['flask==3.0.3', \
         'docutils==0.18.1'], entry_points={'sagemaker.training': 'train=coded.train:main'})\n",
    );
    sandbox.write("coded/__init__.py", "");
    sandbox.write("coded/train.py", "def main():\n    pass\n");
    sandbox
}

/// With a cache of its own, in which nothing is known.
fn with_fresh_cache(sandbox: Sandbox) -> Sandbox {
    let cache = sandbox.home().join(format!("cache-{}", uuid::Uuid::new_v4().simple()));
    fs::create_dir(&cache).unwrap();
    sandbox.with("XDG_CACHE_HOME", cache.display().to_string())
}

fn push(sandbox: &Sandbox, repository: &str, more: &[&str]) -> Ran {
    let repository = format!("{}/{repository}", Testbed::get().variable("SGBUILD_TESTBED_REGISTRY"));
    let native = [
        "push",
        "--engine",
        "native",
        "--base-image",
        base(),
        "--repository",
        &repository,
    ];
    sandbox.run(&[&native, more].concat()).exits(0)
}

fn digest(ran: &Ran) -> &str {
    ran.stdout.trim_end().rsplit('@').next().unwrap()
}

/// What Python says in a container of the image, whose files nobody can change but in `/tmp`.
fn python(image: &str, more: &[&str], script: &str) -> String {
    let run = ["run", "--rm", "--network=none", "--entrypoint", "python"];
    docker_ok(&[&run[..], more, &[image, "-c", script]].concat())
}

fn byte_code(image: &str) -> BTreeSet<String> {
    let listed = python(image, &[], LIST);
    listed.lines().map(ToOwned::to_owned).collect()
}

fn pulled(ran: &Ran) -> &str {
    let image = ran.stdout.trim_end();
    docker_login();
    docker_ok(&["pull", "--quiet", image]);
    image
}

#[test]
fn the_requirements_byte_code_is_pips_and_is_what_python_loads() {
    let sandbox = package();
    let ran = push(&sandbox, &repository("bytecode"), &[]);
    let image = pulled(&ran);
    let built = sandbox
        .run(&["build", "--engine", "docker", "--base-image", base()])
        .exits(0);
    let mut of_pip = byte_code(built.stdout.trim_end());
    // The package's own is left to the first start.
    of_pip.retain(|path| !path.contains("/coded/"));
    let ours = byte_code(image);
    assert!(
        ours.iter().any(|path| path.contains("bin/__pycache__/rst2html")),
        "{ours:?}"
    );
    assert!(ours.iter().any(|path| path.contains("markupsafe")));
    assert_eq!(ours, of_pip);

    // What it compiles, it would say, in one line that ends with the source.
    let loads = "import subprocess, sys
code = 'import flask, docutils.core, markupsafe'
said = subprocess.run([sys.executable, '-v', '-c', code], capture_output=True, text=True, check=True).stderr
of_requirements = [line for line in said.splitlines() if line.startswith('# code object from') and '-packages/' in line]
assert len(of_requirements) > 50, len(of_requirements)
print([line for line in of_requirements if '__pycache__' not in line])";
    assert_eq!(python(image, &["--read-only"], loads), "[]\n");

    // Who edits a module has it as it is now.
    let edits = "import importlib.util, subprocess, sys
path = importlib.util.find_spec('flask.globals').origin
open(path, 'a').write('edited = 1\\n')
subprocess.run([sys.executable, '-c', 'import flask.globals as it; assert it.edited'], check=True)
import flask.json
print(flask.json.dumps.__code__.co_filename == flask.json.__file__)";
    assert_eq!(python(image, &["--user=0"], edits), "True\n");
}

#[test]
fn fresh_caches_come_to_one_digest_and_a_code_change_starts_no_python() {
    let (first, second) = (with_fresh_cache(package()), with_fresh_cache(package()));
    // The time is the commit's, of which there is none.
    let (first, second) = (
        first.with("SOURCE_DATE_EPOCH", "1700000000"),
        second.with("SOURCE_DATE_EPOCH", "1700000000"),
    );
    let repository = repository("bytecode-twice");
    let ran = push(&first, &repository, &[]).says(&["compiling byte code of"]);
    let again = push(&second, &repository, &["--verbose"]);
    assert_eq!(digest(&ran), digest(&again));

    first.write("coded/train.py", "def main():\n    return 1\n");
    let changed = push(&first, &repository, &["--verbose"]);
    assert_ne!(digest(&ran), digest(&changed));
    assert!(!changed.stderr.contains("byte code"), "{}", changed.stderr);
}

#[test]
fn without_an_interpreter_that_compiles_there_is_an_image_all_the_same() {
    let sandbox = with_fresh_cache(package());
    let programs = sandbox.home().join("programs");
    fs::create_dir(&programs).unwrap();
    let program = programs.join("python3.11");
    let real = "/usr/bin/python3.11";
    let script = format!(
        "#!/bin/bash\ncase \"$*\" in *setrlimit*) echo I cannot >&2; exit 3;; esac\nexec -a \"$0\" {real} \"$@\"\n"
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let sandbox = sandbox.with("PATH", path);
    let repository = repository("bytecode-none");
    let failed =
        push(&sandbox, &repository, &["--verbose"]).says(&["flask has no byte code, or not all of it: I cannot"]);
    let off = push(&sandbox, &repository, &["--verbose", "--no-bytecode"]);
    assert!(!off.stderr.contains("byte code"), "{}", off.stderr);
    let of_flask = |image: &str| {
        byte_code(image)
            .into_iter()
            .filter(|path| path.contains("flask"))
            .count()
    };
    assert_eq!(of_flask(pulled(&failed)), 0);
    assert_eq!(digest(&failed), digest(&off));
}
