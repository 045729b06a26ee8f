//! The archive itself: the same bytes for the same inputs, and a file that holds what it says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use sgbuild::package::wheel::{WheelSettings, pack};
use sgbuild::progress::Silent;

use super::oracle::check_record;
use super::{packed, read, setup};
use crate::sdist::{run, write};

/// A small project with something of everything.
fn whole(root: &Path) {
    write(
        root,
        &[
            (
                "setup.py",
                &setup(
                    "packages=['demo'], include_package_data=True, scripts=['bin/run'], data_files=[('etc', ['a, b.ini'])],
                    entry_points={'demo.training': ['train = demo:main']}",
                ),
            ),
            ("MANIFEST.in", "graft demo\ngraft dist\n"),
            ("demo/__init__.py", "def main(): pass\n"),
            ("demo/größe.json", "[42]"),
            ("demo/__pycache__/x.cpython-311.pyc", "stale"),
            ("bin/run", "#!/usr/bin/env python\n"),
            ("a, b.ini", ""),
            ("demo.egg-info/SOURCES.txt", "gone.py\n"),
            ("LICENSE", "mine"),
        ],
    );
}

/// Not a test of its own: packs the project in the directory that the environment names, in whatever surroundings.
#[test]
fn pack_for_another_process() {
    if let Ok(root) = std::env::var("SGBUILD_TEST_PACK_WHEEL") {
        packed(Path::new(&root)).unwrap();
    }
}

#[test]
fn the_same_bytes_wherever_and_whenever() {
    let build = |umask: &str, zone: &str, directory: &str, later: bool| {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join(directory);
        fs::create_dir(&root).unwrap();
        let me = std::env::current_exe().unwrap();
        if later {
            // An older build's traces change nothing.
            write(
                &root,
                &[
                    ("build/lib/demo/gone.py", "old"),
                    ("dist/demo-0.9-py3-none-any.whl", "old"),
                    ("demo.egg-info/stale.txt", "old"),
                    ("demo/__pycache__/y.pyc", "old"),
                ],
            );
        }
        let old_umask = format!("umask {umask}; cp -R \"$0\" \"$1\"");
        let made = tempfile::tempdir().unwrap();
        whole(made.path());
        run(Command::new("sh")
            .args(["-c", &old_umask])
            .arg(made.path().join("."))
            .arg(&root));
        if later {
            let mut paths = vec![root.clone()];
            while let Some(path) = paths.pop() {
                if path.is_dir() {
                    paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                } else {
                    fs::File::open(&path)
                        .unwrap()
                        .set_modified(std::time::UNIX_EPOCH)
                        .unwrap();
                }
            }
        }
        let script = format!("umask {umask}; cd /; exec \"$0\" --exact wheel::archive::pack_for_another_process");
        run(Command::new("sh")
            .args(["-c", &script])
            .arg(me)
            .env("SGBUILD_TEST_PACK_WHEEL", &root)
            .env("TZ", zone));
        fs::read(root.join("dist/demo-1.0-py3-none-any.whl")).unwrap()
    };
    let first = build("022", "UTC", "here", false);
    assert!(first == build("077", "Pacific/Kiritimati", "there", true));
    assert!(first == build("000", "America/Los_Angeles", "elsewhere", true));
}

#[test]
fn it_holds_what_it_says() {
    let root = tempfile::tempdir().unwrap();
    whole(root.path());
    let wheel = packed(root.path()).unwrap();
    check_record(&wheel);
    let bytes = fs::read(&wheel.path).unwrap();
    assert_eq!(wheel.size, bytes.len() as u64);
    let sum = run(Command::new("sha256sum").arg(&wheel.path));
    assert_eq!(sum.split_whitespace().next().unwrap(), wheel.sha256);
    assert_eq!(fs::metadata(&wheel.path).unwrap().permissions().mode() & 0o444, 0o444);
    // Nothing else beside it.
    assert_eq!(fs::read_dir(root.path().join("dist")).unwrap().count(), 1);
    let mut archive = zip::ZipArchive::new(fs::File::open(&wheel.path).unwrap()).unwrap();
    for at in 0..archive.len() {
        let entry = archive.by_index(at).unwrap();
        assert_eq!(entry.last_modified().unwrap().to_string(), "1980-01-02 00:00:00");
        let name = entry.name().unwrap().into_owned();
        let mode = if name.ends_with("scripts/run") {
            0o100_755
        } else {
            0o100_644
        };
        assert_eq!(entry.unix_mode(), Some(mode), "{name}");
    }
}

#[test]
fn source_date_epoch_is_the_time_of_all() {
    let root = tempfile::tempdir().unwrap();
    whole(root.path());
    for (given, told) in [(1_735_689_599, "2024-12-31 23:59:58"), (0, "1980-01-01 00:00:00")] {
        let settings = WheelSettings {
            source_date_epoch: Some(given),
            ..WheelSettings::default()
        };
        let wheel = pack(&read(root.path()), &root.path().join("dist"), &settings, &Silent).unwrap();
        let mut archive = zip::ZipArchive::new(fs::File::open(&wheel.path).unwrap()).unwrap();
        let time = archive.by_index(0).unwrap().last_modified().unwrap().to_string();
        assert_eq!(time, told);
    }
}

#[test]
fn only_the_backend_can_make_some() {
    for (setup_py, setup_cfg, reason) in [
        (
            setup("cmdclass={'install': Own}"),
            "",
            "setup.py:2: cmdclass replaces the install command",
        ),
        (
            setup("headers=['a.h']"),
            "",
            "setup.py:2: headers adds something to the wheel",
        ),
        (
            setup(""),
            "[bdist_wheel]\nbuild_number = 3\n",
            "setup.cfg:2: build_number is an option of setuptools' bdist_wheel",
        ),
        (
            setup(""),
            "[install]\noptimize = 1\n",
            "setup.cfg:2: optimize is an option of setuptools' install",
        ),
        (
            setup("ext_modules=[Extension('x', ['x.c'])]"),
            "",
            "setup.py:2: ext_modules adds extension sources",
        ),
    ] {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                ("setup.py", &setup_py),
                ("setup.cfg", setup_cfg),
                ("a.h", ""),
                ("x.c", ""),
                ("demo/__init__.py", ""),
            ],
        );
        let project = read(root.path());
        assert_eq!(project.build.wheel_by_backend(), Some(reason));
        let error = packed(root.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("the project's build backend must make its wheel: {reason}")
        );
    }
}

#[test]
fn a_link_out_of_the_project_is_refused() {
    let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(elsewhere.path().join("secret"), "s").unwrap();
    for (arguments, link) in [
        ("packages=['demo']", "demo/leak.py"),
        ("packages=['demo'], package_data={'demo': ['*.csv']}", "demo/leak.csv"),
        ("packages=['demo'], data_files=[('etc', ['leak'])]", "leak"),
        ("packages=['demo'], scripts=['leak']", "leak"),
        ("packages=['demo']", "LICENSE"),
    ] {
        write(
            root.path(),
            &[("setup.py", &setup(arguments)), ("demo/__init__.py", "")],
        );
        let link = root.path().join(link);
        std::os::unix::fs::symlink(elsewhere.path().join("secret"), &link).unwrap();
        let error = packed(root.path()).unwrap_err().to_string();
        assert!(error.contains("is a link to a file outside the project"), "{error}");
        fs::remove_file(link).unwrap();
        assert_eq!(fs::read_dir(root.path().join("dist")).unwrap().count(), 0);
    }
}
