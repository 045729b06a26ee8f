//! Wheels that only the project's build backend can make.

use std::fs;
use std::path::Path;
use std::process::Command;

use sgbuild::explain::Explain as _;
use sgbuild::oci::Platform;
use sgbuild::package::wheel::{Builder, Built, Error, Target, Wheel, WheelSettings};
use sgbuild::progress::Silent;
use sgbuild::project::{ProjectSettings, ReadFor, load};
use sgbuild::uv::UvSettings;

use super::oracle::{check_record, members};
use super::{setup, statically};
use crate::project::hooks::names;
use crate::sdist::{run, write};
use crate::support::cache;

/// How a project is read where Python may be asked.
fn asking() -> ProjectSettings {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let cache_dir = cache().join("sgbuild");
    ProjectSettings {
        static_only: false,
        environment: environment.clone(),
        cache_dir: cache_dir.clone(),
        read_for: ReadFor::default(),
        uv: UvSettings {
            python: "python3".into(),
            environment,
            cache_dir,
            ..UvSettings::default()
        },
        ..statically()
    }
}

fn built(root: &Path, out: &Path, settings: &WheelSettings) -> Result<Built, Error> {
    let projects = asking();
    let project = load(root, &projects, &Silent).unwrap();
    Builder::of(&project, &projects, settings, &Silent)?.pack(out, settings, &Silent)
}

fn wheel(root: &Path, out: &Path) -> Result<Wheel, Error> {
    match built(root, out, &WheelSettings::default())? {
        Built::Wheel(wheel) => Ok(wheel),
        Built::Foreign { reason } => panic!("{reason}"),
    }
}

/// A setup.py with an `install` command of its own, which only setuptools can run.
fn own_install(code: &str) -> String {
    let setup = setup("packages=['demo'], package_data={'demo': ['*.csv']}, cmdclass={'install': Own}");
    format!("from setuptools.command.install import install\n{code}\nclass Own(install):\n    pass\n{setup}")
}

/// A backend of the project's own. `code` adds to the open `wheel`, whose name is `name`.
fn own_backend(root: &Path, name: &str, code: &str) {
    let adding = code.replace('\n', "\n        ");
    let backend = format!(
        "import os, zipfile\nMETADATA = 'Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n'\n\
         def prepare_metadata_for_build_wheel(out, settings):\n    os.mkdir(os.path.join(out, 'demo-1.0.dist-info'))\n    \
         open(os.path.join(out, 'demo-1.0.dist-info', 'METADATA'), 'w').write(METADATA)\n    \
         open(os.path.join(out, 'demo-1.0.dist-info', 'entry_points.txt'), 'w').close()\n    return 'demo-1.0.dist-info'\n\
         def build_wheel(out, settings, metadata=None):\n    with zipfile.ZipFile(os.path.join(out, {name:?}), 'w') as wheel:\n        {adding}\n    return {name:?}\n"
    );
    write(
        root,
        &[
            (
                "pyproject.toml",
                "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['.']\n",
            ),
            ("own.py", &backend),
        ],
    );
}

#[test]
fn setuptools_builds_in_a_copy_and_the_same_each_time() {
    let code =
        "open('demo/order.py', 'w').write(repr({'a', 'b', 'c', 'd', 'e', 'f'}))\nopen('left-behind', 'w').close()";
    let build = || {
        let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(
            root.path(),
            &[
                ("setup.py", &own_install(code)),
                ("demo/__init__.py", ""),
                ("demo/data.csv", "1"),
                ("build/lib/demo/gone.py", "an earlier build's"),
                ("demo.egg-info/SOURCES.txt", "gone.py"),
                ("dist/older-1.0.tar.gz", ""),
            ],
        );
        std::os::unix::fs::symlink("data.csv", root.path().join("demo/linked.csv")).unwrap();
        let before = names(root.path());
        let wheel = wheel(root.path(), out.path()).unwrap();
        assert_eq!(names(root.path()), before);
        check_record(&wheel);
        assert_eq!(wheel.path, out.path().join("demo-1.0-py3-none-any.whl"));
        let (order, members) = members(&wheel.path);
        assert_eq!(order, wheel.files);
        assert!(members["demo/linked.csv"].bytes == b"1");
        (order, fs::read(&wheel.path).unwrap())
    };
    let (order, bytes) = build();
    assert_eq!(
        order,
        [
            "demo/__init__.py",
            "demo/data.csv",
            "demo/linked.csv",
            "demo/order.py",
            "demo-1.0.dist-info/METADATA",
            "demo-1.0.dist-info/RECORD",
            "demo-1.0.dist-info/WHEEL",
            "demo-1.0.dist-info/top_level.txt",
        ]
    );
    assert!(bytes == build().1);
}

#[test]
fn a_link_out_of_the_project_is_refused() {
    let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = out.path().join("secret");
    fs::write(&secret, "s").unwrap();
    write(root.path(), &[("setup.py", &own_install("")), ("demo/__init__.py", "")]);
    std::os::unix::fs::symlink(&secret, root.path().join("demo/leak.csv")).unwrap();
    let error = wheel(root.path(), &out.path().join("dist")).unwrap_err().to_string();
    let message = format!(
        "demo/leak.csv is a link to a file outside the project ({})",
        secret.display()
    );
    assert!(error.ends_with(&message), "{error}");
    // A backend that copies it without Python's `open` is found out by what it made.
    own_backend(
        root.path(),
        "demo-1.0-py3-none-any.whl",
        "wheel.writestr('demo/leak.csv', 's')",
    );
    fs::remove_file(root.path().join("setup.py")).unwrap();
    let error = wheel(root.path(), &out.path().join("dist")).unwrap_err().to_string();
    assert_eq!(error, message);
}

#[test]
fn git_answers_in_the_copy_too() {
    for below in ["", "packages/one"] {
        let (repository, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = repository.path().join(below);
        let code = "import subprocess\nV = subprocess.run(['git', 'describe', '--tags'], stdout=-1, check=True, text=True).stdout.strip()";
        let setup_py = own_install(code).replace("version='1.0'", "version=V");
        write(&root, &[("setup.py", &setup_py), ("demo/__init__.py", "")]);
        for arguments in [
            &["init", "-q"][..],
            &["add", "."],
            &["commit", "-qm", "One"],
            &["tag", "2.5"],
        ] {
            let who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
            run(Command::new("git")
                .args(who)
                .args(arguments)
                .current_dir(repository.path()));
        }
        let index = fs::read(repository.path().join(".git/index")).unwrap();
        let wheel = wheel(&root, out.path()).unwrap();
        assert_eq!(wheel.file_name, "demo-2.5-py3-none-any.whl");
        assert!(index == fs::read(repository.path().join(".git/index")).unwrap());
    }
}

#[test]
fn a_backends_wheel_is_made_reproducible() {
    let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let add = |order: &str| {
        let code = format!(
            "for name, mode in {order}:\n    info = zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6))\n    info.external_attr = mode << 16\n    \
             wheel.writestr(info, os.environ['SOURCE_DATE_EPOCH'] + name)\nwheel.writestr('demo/', '')"
        );
        own_backend(root.path(), "demo-1.0-py3-none-any.whl", &code);
        wheel(root.path(), out.path()).unwrap()
    };
    let first = add("[('demo/b', 0o100600), ('demo-1.0.dist-info/RECORD', 0), ('a', 0o100711)]");
    let second = add("[('a', 0o100755), ('demo-1.0.dist-info/RECORD', 0), ('demo/b', 0o100664)]");
    assert_eq!(first.files, ["a", "demo/b", "demo-1.0.dist-info/RECORD"]);
    assert_eq!(first.sha256, second.sha256);
    let (_, members) = members(&second.path);
    assert!(members["a"].executable && !members["demo/b"].executable);
    assert!(members["a"].bytes == b"315619200a");
}

#[test]
fn what_no_wheel_may_hold_is_refused() {
    let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (code, reason) in [
        (
            "wheel.writestr('../x', '')",
            "\"../x\" is an absolute path or leads out of the archive",
        ),
        (
            "wheel.writestr('/etc/x', '')",
            "\"/etc/x\" is an absolute path or leads out of the archive",
        ),
        (
            "i = zipfile.ZipInfo('link')\ni.create_system = 3\ni.external_attr = 0o120777 << 16\nwheel.writestr(i, '/etc')",
            "\"link\" is a link, which no installer makes",
        ),
    ] {
        own_backend(root.path(), "demo-1.0-py3-none-any.whl", code);
        let error = wheel(root.path(), out.path()).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("demo-1.0-py3-none-any.whl is refused: {reason}")),
            "{error}"
        );
    }
    for name in ["other-1.0-py3-none-any.whl", "demo-1.1-py3-none-any.whl"] {
        own_backend(root.path(), name, "wheel.writestr('x', '')");
        let error = wheel(root.path(), out.path()).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("it built {name}, though the metadata says demo 1.0")),
            "{error}"
        );
    }
    assert_eq!(names(out.path()), [""]);
}

#[test]
fn a_wheel_for_another_platform_is_told_apart() {
    let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    own_backend(
        root.path(),
        "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "wheel.writestr('x', '')",
    );
    let settings = |architecture| WheelSettings {
        target: Some(Target {
            platform: Platform::new("linux", architecture),
            python: Some("3.11".to_owned()),
        }),
        ..WheelSettings::default()
    };
    let foreign = built(root.path(), out.path(), &settings("arm64")).unwrap();
    let Built::Foreign { reason } = foreign else {
        panic!("{foreign:?}");
    };
    let file = "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl";
    assert_eq!(
        reason,
        format!("{file} is not installed: it is for manylinux_2_17_x86_64, and the image for linux/arm64")
    );
    assert_eq!(names(out.path()), [""]);
    let fits = built(root.path(), out.path(), &settings("amd64")).unwrap();
    assert!(matches!(fits, Built::Wheel(_)));
}

#[test]
fn the_module_that_trains_is_looked_for_in_it() {
    let adding = |members: &[&str]| -> String {
        let lines = members.iter().map(|member| format!("wheel.writestr({member:?}, '')\n"));
        lines.collect::<String>().trim_end().to_owned()
    };
    let built = |init: &str, members: &[&str], train: &str| {
        let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        own_backend(root.path(), "demo-1.0-py3-none-any.whl", &adding(members));
        write(
            root.path(),
            &[("demo/__init__.py", init), ("demo/fit.py", "def train(): ...\n")],
        );
        let projects = ProjectSettings {
            train: Some((train.to_owned(), "--train".to_owned())),
            ..asking()
        };
        let project = load(root.path(), &projects, &Silent).unwrap();
        let settings = WheelSettings::default();
        let packed = Builder::of(&project, &projects, &settings, &Silent)?.pack(out.path(), &settings, &Silent);
        packed.map(|_| ())
    };
    let missing = built("", &["demo/__init__.py", "demo/other.py"], "demo.fit:train").unwrap_err();
    assert_eq!(
        missing.to_string(),
        "demo.fit:train (--train) would not be in the image: demo-1.0-py3-none-any.whl has no module demo.fit"
    );
    assert_eq!(missing.advice().hints, ["Name one that is there: demo, demo.other."]);
    for (init, members, train) in [
        ("", &["demo/__init__.py", "demo/fit.py"][..], "demo.fit:train"),
        ("", &["demo/__init__.py", "demo/fit/__init__.py"], "demo.fit:train"),
        (
            "",
            &["demo/__init__.py", "demo/fit.cpython-311-x86_64-linux-gnu.so"],
            "demo.fit:train",
        ),
        (
            "",
            &[
                "demo-1.0.data/purelib/demo/__init__.py",
                "demo-1.0.data/platlib/demo/fit.py",
            ],
            "demo.fit:train",
        ),
        // Others may bring it.
        ("", &["demo/fit.py"], "demo.other:train"),
        ("", &["demo/__init__.py"], "elsewhere.fit:train"),
        ("", &["demo/__init__.py", "demo.pth"], "demo.fit:train"),
        (
            "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
            &["demo/__init__.py"],
            "demo.fit:train",
        ),
    ] {
        built(init, members, train).unwrap_or_else(|error| panic!("{members:?} {train}: {error}"));
    }
}

#[test]
fn static_reading_asks_nobody() {
    let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), &[("setup.py", &own_install("")), ("demo/__init__.py", "")]);
    let project = load(root.path(), &statically(), &Silent).unwrap();
    let settings = WheelSettings::default();
    let Err(error) = Builder::of(&project, &statically(), &settings, &Silent) else {
        panic!("it was asked");
    };
    assert_eq!(
        error.to_string(),
        "setup.py:3: cmdclass replaces the install command; only setuptools can make the wheel, by running the project's code, and \
         static reading was asked for"
    );
    assert!(!error.advice().hints.is_empty());
    // What needs no backend needs none here either.
    write(root.path(), &[("setup.py", &setup("packages=['demo']"))]);
    let project = load(root.path(), &statically(), &Silent).unwrap();
    let builder = Builder::of(&project, &statically(), &settings, &Silent).unwrap();
    assert!(matches!(
        builder.pack(out.path(), &settings, &Silent).unwrap(),
        Built::Wheel(_)
    ));
}
