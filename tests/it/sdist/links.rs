//! Links and odd files in the tree.

use std::os::unix::fs::symlink;
use std::process::Command;

use sgbuild::package::sdist::{SdistSettings, pack};
use sgbuild::project::{Build, Metadata};

use super::oracle::same_as_setuptools;
use super::{BARE_SETUP, Heard, demo, project, run, strings, write};

#[test]
fn links() {
    let metadata = Metadata {
        packages: strings(&["demo", "linked"]),
        ..demo()
    };
    let heard = same_as_setuptools(metadata, Build::default(), |root| {
        write(
            root,
            &[
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo', 'linked'])\n",
                ),
                ("MANIFEST.in", "graft demo\ninclude via/shared.py\n"),
                ("demo/__init__.py", ""),
                ("shared/shared.py", "shared = 1"),
                ("shared/linked/__init__.py", ""),
            ],
        );
        symlink(root.join("shared/shared.py"), root.join("demo/shared.py")).unwrap();
        symlink("shared/linked", root.join("linked")).unwrap();
        symlink("shared", root.join("via")).unwrap();
        symlink("loop", root.join("demo/loop")).unwrap();
        symlink("nowhere", root.join("demo/broken.py")).unwrap();
    });
    assert_eq!(
        heard,
        [
            "demo/broken.py is a link that leads nowhere; it is not packed",
            "demo/loop is a link that leads nowhere; it is not packed",
        ]
    );
}

#[test]
fn odd_files_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let heard = Heard::default();
    write(
        dir.path(),
        &[
            ("setup.py", BARE_SETUP),
            ("demo/__init__.py", ""),
            ("MANIFEST.in", "graft demo\n"),
        ],
    );
    write(dir.path(), &[("demo/two\nlines.txt", "x"), ("away/x.txt", "")]);
    symlink("../away", dir.path().join("demo/away")).unwrap();
    symlink("..", dir.path().join("demo/up")).unwrap();
    run(Command::new("mkfifo").arg(dir.path().join("demo/pipe")));
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("demo/socket")).unwrap();
    let project = project(dir.path(), demo(), Build::default());
    let sdist = pack(&project, &dir.path().join("out"), &SdistSettings::default(), &heard).unwrap();
    assert!(sdist.files.contains(&"demo/two\nlines.txt".to_owned()));
    assert!(
        !sdist
            .files
            .iter()
            .any(|file| file.contains("away") || file.contains("pipe") || file.contains("socket"))
    );
    assert_eq!(
        heard.0.into_inner().unwrap(),
        [
            "demo/away is a link to a directory; what is behind it is not packed unless a path names it",
            "demo/up is a link to a directory; what is behind it is not packed unless a path names it",
            "demo/pipe is a pipe, socket or device; it is not packed",
            "demo/socket is a pipe, socket or device; it is not packed",
            "the file name \"demo/two\\nlines.txt\" contains a control character; it is packed all the same",
        ]
    );
}
