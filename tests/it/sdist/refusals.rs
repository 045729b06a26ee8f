//! What is not packed: an error says why, and nothing half-written is left.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sgbuild::explain::Explain as _;
use sgbuild::package::sdist::{Error, SdistSettings, pack};
use sgbuild::progress::Silent;
use sgbuild::project::{Build, Metadata};
use tempfile::TempDir;

use super::{BARE_SETUP, data_files, demo, project, strings, write};

fn refused(metadata: Metadata, build: Build, arrange: impl Fn(&Path)) -> (TempDir, Error) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("setup.py", BARE_SETUP), ("demo/__init__.py", "")]);
    arrange(dir.path());
    let out = dir.path().join("out");
    let error = pack(
        &project(dir.path(), metadata, build),
        &out,
        &SdistSettings::default(),
        &Silent,
    )
    .unwrap_err();
    // Whatever went wrong, nothing half-written is left.
    assert_eq!(fs::read_dir(&out).map_or(0, Iterator::count), 0, "{error}");
    assert!(!error.advice().hints.is_empty());
    (dir, error)
}

#[test]
fn a_missing_package_directory() {
    let metadata = Metadata {
        packages: strings(&["demo", "demo.lost"]),
        ..demo()
    };
    let (dir, error) = refused(metadata.clone(), Build::default(), |_| {});
    let expected = format!(
        "package `demo.lost` is declared, but its directory {}/demo/lost does not exist",
        dir.path().display()
    );
    assert_eq!(error.to_string(), expected);
    let (_dir, error) = refused(metadata, Build::default(), |root| write(root, &[("demo/lost", "")]));
    assert!(error.to_string().ends_with("demo/lost is a file"), "{error}");
}

#[test]
fn files_that_cannot_be_packed() {
    let latin = std::ffi::OsStr::from_bytes(b"demo/caf\xe9.py");
    let (_dir, error) = refused(demo(), Build::default(), |root| {
        fs::write(root.join(latin), "").unwrap();
    });
    assert!(matches!(error, Error::NonUtf8Name { .. }), "{error}");
    assert!(
        error.to_string().contains("demo/caf\u{fffd}.py is not UTF-8"),
        "{error}"
    );

    let missing = Build {
        scripts: strings(&["bin/none"]),
        ..Build::default()
    };
    let (_dir, error) = refused(demo(), missing, |_| {});
    assert!(
        error
            .to_string()
            .ends_with("bin/none is named in `scripts`, but there is no such file"),
        "{error}"
    );
}

#[test]
fn paths_out_of_the_project() {
    let data = Build {
        data_files: data_files("", &["../x"]),
        ..Build::default()
    };
    assert_eq!(
        refused(demo(), data, |_| {}).1.to_string(),
        "data_files names \"../x\", which lies outside the project's directory"
    );
    for line in ["include ../x", "graft /etc", "recursive-include .. *"] {
        let (_dir, error) = refused(demo(), Build::default(), |root| {
            write(root, &[("MANIFEST.in", &format!("\n{line}\n"))]);
        });
        assert!(error.to_string().starts_with("MANIFEST.in:2 names "), "{error}");
    }
}

#[test]
fn another_backends_project_is_not_packed() {
    let build = Build {
        backend_sdist: Some("build-backend is hatchling.build".to_owned()),
        ..Build::default()
    };
    let (_dir, error) = refused(demo(), build, |_| {});
    assert_eq!(
        error.to_string(),
        "the project's build backend must make its source distribution: build-backend is hatchling.build"
    );
}
