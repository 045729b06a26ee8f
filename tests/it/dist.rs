//! `sgbuild dist`: deterministic, whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bad_input::tiny;
use crate::support::{Sandbox, Testbed, copy};

/// Every file below `directory` with its bytes.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(directory)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            (
                entry.path().strip_prefix(directory).unwrap().display().to_string(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// One commit, packed twice: in another directory, under another umask, at another time, for another locale.
fn gives_the_same_bytes(what: &str, first: &Sandbox) {
    first.run(&["dist"]).exits(0);
    let second = Sandbox::empty();
    copy(&first.project(), &second.project());
    for entry in walkdir::WalkDir::new(second.project()) {
        let old =
            fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000));
        fs::File::open(entry.unwrap().path()).unwrap().set_times(old).unwrap();
    }
    let mut shell = Command::new("sh");
    let own = second.command(&["dist", second.project().to_str().unwrap()]);
    shell.args(["-c", "umask 077; chmod -R go-rwx \"$2\"; exec \"$1\" dist \"$2\"", "sh"]);
    shell.arg(own.get_program()).arg(second.project()).current_dir("/");
    shell
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.env("TZ", "Asia/Tokyo").env("LANG", "C").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (a, b) = (
        contents(&first.project().join("dist")),
        contents(&second.project().join("dist")),
    );
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    assert!(a.keys().any(|name| name.contains("-py3-none-any.whl")), "{what}");
    for (name, bytes) in &a {
        assert!(bytes == &b[name], "{what}: {name} differs");
    }
}

#[test]
fn the_same_bytes_from_two_directories_umasks_and_times() {
    for fixture in [
        "iris-classifier",
        "setuptools-docker-style",
        "setup-cfg-only",
        "pyproject-only",
        "computed-version",
    ] {
        gives_the_same_bytes(fixture, &Sandbox::of_fixture(fixture).committed());
    }
}

#[test]
fn the_same_bytes_where_python_is_asked_for_a_set() {
    let sandbox = tiny();
    let set =
        "keywords=list({'b', 'a', 'c', 'd'}), extras_require={'x': list({'six', 'idna', 'attrs'})},\n    packages=";
    let setup = sandbox.read("setup.py").replace("packages=", set);
    sandbox.write("setup.py", &setup);
    let ran = sandbox.run(&["inspect", "--json"]).exits(0);
    assert_eq!(ran.json()["source"]["kind"], "pep517");
    gives_the_same_bytes("a set", &sandbox.committed());
}

#[test]
fn an_unchanged_project_changes_nothing() {
    let sandbox = tiny();
    sandbox.run(&["dist"]).exits(0);
    sandbox.write("dist/image.json", "{}");
    let before = fs::metadata(sandbox.project().join("dist/Dockerfile"))
        .unwrap()
        .modified()
        .unwrap();
    let ran = sandbox.run(&["dist", "--json"]).exits(0);
    assert_eq!(ran.json()["changed"], false);
    assert_eq!(sandbox.read("dist/image.json"), "{}");
    assert_eq!(
        fs::metadata(sandbox.project().join("dist/Dockerfile"))
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
}

#[test]
fn a_change_replaces_what_is_ours_and_keeps_what_is_not() {
    let sandbox = tiny();
    sandbox.run(&["dist"]).exits(0);
    sandbox.write("dist/image.json", r#"{"source": {}, "built": {}}"#);
    sandbox.write("dist/tiny-0.9.0-py3-none-any.whl", "a wheel of another tool");
    sandbox.write("setup.py", &sandbox.read("setup.py").replace("1.0.0", "1.0.1"));
    sandbox.run(&["dist"]).exits(0);
    let names: Vec<_> = contents(&sandbox.project().join("dist")).into_keys().collect();
    assert_eq!(
        names,
        [
            ".dockerignore",
            "Dockerfile",
            "requirements.txt",
            "run.py",
            "tiny-0.9.0-py3-none-any.whl",
            "tiny-1.0.1-py3-none-any.whl",
            "tiny-1.0.1.tar.gz"
        ]
    );
}

#[test]
fn a_dry_run_warns_of_what_the_image_lacks() {
    let sandbox = tiny();
    sandbox.write("requirements.txt", "six @ git+https://git.example/six\n");
    let warned = "requirements.txt:1 needs the program git, which the image does not have";
    for arguments in [&["dist", "--dry-run"][..], &["dist"]] {
        let arguments = [arguments, &["--requirements", "requirements.txt"]].concat();
        sandbox.run(&arguments).exits(0).says(&[warned]);
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = tiny();
    let ran = sandbox.run(&["dist", "--dry-run"]).exits(0);
    assert!(ran.stdout.contains("FROM --platform=linux/amd64"));
    assert!(!sandbox.project().join("dist").exists());
}

#[test]
fn two_at_once_both_succeed() {
    let sandbox = tiny();
    for round in 0..5 {
        sandbox.write("tiny/train.py", &format!("def train():\n    print({round})\n"));
        let both = [sandbox.spawn(&["dist"]), sandbox.spawn(&["dist"])];
        for child in both {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let left: Vec<_> = fs::read_dir(sandbox.project())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(!left.iter().any(|name| name.starts_with(".sgbuild")), "{left:?}");
        assert_eq!(contents(&sandbox.project().join("dist")).len(), 6);
    }
}

#[test]
fn what_a_killed_run_left_is_swept_up_and_not_packed() {
    let sandbox = tiny();
    let large = fs::File::create(sandbox.project().join("tiny/weights.bin")).unwrap();
    large.set_len(3_000_000_000).unwrap();
    sandbox.write("MANIFEST.in", "graft .\n");
    let left = || -> Vec<String> {
        let entries = fs::read_dir(sandbox.project()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".sgbuild")).collect()
    };
    let mut child = sandbox.spawn(&["dist"]);
    while left().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(left().len(), 1);
    large.set_len(3).unwrap();
    let ran = sandbox.run(&["dist", "--json"]).exits(0);
    assert!(left().is_empty(), "{:?}", left());
    let files = ran.json()["sdist"]["files"].to_string();
    assert!(files.contains("weights.bin") && !files.contains("sgbuild"), "{files}");
}

#[test]
fn settings_reach_the_dockerfile_safely() {
    let sandbox = tiny();
    sandbox.write(
        "pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[tool.sgbuild]\nsystem-packages = [\"libgomp1\"]\n\n[tool.sgbuild.environment]\nGREETING = 'say \"$HOME\" \\ twice'\n",
    );
    sandbox.write(
        "setup.py",
        &sandbox.read("setup.py").replace(
            "packages=",
            "dockerlines=[\"RUN true\"],\n    install_requires=[\"six>=1.10; python_version > '3'\"],\n    packages=",
        ),
    );
    sandbox
        .run(&["dist", "--label", "team=a b", "--no-pip-settings"])
        .exits(0);
    insta::assert_snapshot!(sandbox.read("dist/Dockerfile"));
    assert_eq!(
        sandbox.read("dist/requirements.txt"),
        "six>=1.10; python_version > '3'\n"
    );
    hadolint(&sandbox);
}

#[test]
fn a_dockerfile_with_secrets_passes_hadolint() {
    let sandbox = Sandbox::of_fixture("iris-classifier").with("PIP_INDEX_URL", "https://me:secret@pypi.example/simple");
    sandbox.run(&["dist"]).exits(0);
    let dockerfile = sandbox.read("dist/Dockerfile");
    assert!(dockerfile.contains("--mount=type=secret,id=pip.conf"), "{dockerfile}");
    hadolint(&sandbox);
}

fn hadolint(sandbox: &Sandbox) {
    let hadolint = Testbed::get().variable("HADOLINT");
    let output = Command::new(hadolint)
        .arg(sandbox.project().join("dist/Dockerfile"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn ctrl_c_ends_the_packing_of_a_large_project() {
    let sandbox = tiny();
    let large = fs::File::create(sandbox.project().join("tiny/weights.bin")).unwrap();
    large.set_len(3_000_000_000).unwrap();
    sandbox.write("MANIFEST.in", "include tiny/weights.bin\n");
    let mut child = sandbox.spawn(&["dist"]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let interrupted = std::time::Instant::now();
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(interrupted.elapsed() < std::time::Duration::from_secs(3));
    let left: Vec<_> = fs::read_dir(sandbox.project())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name == "dist" || name.starts_with(".sgbuild"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_python_is_one_that_requires_python_allows_in_its_latest_release() {
    for (requires, python) in [
        (">=3.8,<=3.11", "3.10"),
        (">=3.8,<3.12.5", "3.11"),
        (">=3.11.4,<3.12", "3.11"),
    ] {
        let sandbox = tiny();
        let setup = sandbox
            .read("setup.py")
            .replace("python_version", "description")
            .replace("setup(", &format!("setup(python_requires='{requires}', "));
        sandbox.write("setup.py", &setup);
        sandbox.run(&["dist"]).exits(0);
        let dockerfile = sandbox.read("dist/Dockerfile");
        assert!(
            dockerfile.contains(&format!("python:{python}-slim")),
            "{requires}: {dockerfile}"
        );
    }
}

#[test]
fn an_extra_that_names_the_package_means_its_extras() {
    let sandbox = tiny();
    let extras = "extras_require={'a': ['six>=1'], 'b': ['toolz'], 'all': ['tiny[a]', 'Tiny[b]']}, ";
    let setup = sandbox.read("setup.py").replace("setup(", &format!("setup({extras}"));
    sandbox.write("setup.py", &setup);
    sandbox.run(&["dist", "--extra", "all"]).exits(0);
    assert_eq!(sandbox.read("dist/requirements.txt"), "six>=1\ntoolz\n");
}

#[test]
fn credentials_do_not_become_part_of_the_image() {
    let secret = "PIP_INDEX_URL=https://u:hunter2@index.example/simple";
    for flag in ["--env", "--label"] {
        let sandbox = tiny();
        let ran = sandbox
            .run(&["dist", flag, secret])
            .exits(2)
            .says(&["its value holds credentials"]);
        assert!(!ran.stderr.contains("hunter2"));
        assert!(!sandbox.project().join("dist").exists());
    }
    let sandbox = tiny().with("SGBUILD_ENVIRONMENT", secret);
    assert!(!sandbox.run(&["settings", "--json"]).exits(0).stdout.contains("hunter2"));
}
