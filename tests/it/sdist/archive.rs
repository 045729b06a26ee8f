//! The archive itself: its bytes, and what becomes of an older one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sgbuild::explain::Explain as _;
use sgbuild::package::sdist::{Error, SdistSettings, pack};
use sgbuild::progress::{Progress, Silent, Task};
use sgbuild::project::Build;

use super::oracle::setuptools;
use super::{BARE_SETUP, demo, packed, project, run, whole, write};

#[test]
fn pip_installs_it() {
    let (dir, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sdist = pack(
        &whole(dir.path()),
        &dir.path().join("dist"),
        &SdistSettings::default(),
        &Silent,
    )
    .unwrap();
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
    ];
    let mut install = Command::new("python3");
    install
        .args(pip)
        .arg("--no-cache-dir")
        .arg("--target")
        .arg(target.path())
        .arg(&sdist.path);
    run(install.env("PYTHONPATH", setuptools()).current_dir(target.path()));
    let code = "import demo, importlib.metadata as m; print(demo.value, m.version('demo'))";
    let said = run(Command::new("python3")
        .args(["-c", code])
        .env("PYTHONPATH", target.path())
        .current_dir(target.path()));
    assert_eq!(said, "[42] 1.0\n");
    assert!(target.path().join("bin/demo-run").exists());
}

#[test]
fn members_are_sorted_and_normalised() {
    let dir = tempfile::tempdir().unwrap();
    let sdist = packed(dir.path(), &SdistSettings::default());
    assert_eq!(
        sdist.files,
        [
            "MANIFEST.in",
            "PKG-INFO",
            "bin/demo-run",
            "demo.egg-info/PKG-INFO",
            "demo.egg-info/SOURCES.txt",
            "demo.egg-info/dependency_links.txt",
            "demo.egg-info/top_level.txt",
            "demo/__init__.py",
            "demo/größe.json",
            "setup.cfg",
            "setup.py",
        ]
    );
    let bytes = fs::read(&sdist.path).unwrap();
    assert_eq!(sdist.size, bytes.len() as u64);
    let sum = run(Command::new("sha256sum").arg(&sdist.path));
    assert_eq!(sum.split_whitespace().next().unwrap(), sdist.sha256);
    // RFC 1952: no flags (hence no name), no time.
    assert_eq!(bytes[3..8], [0, 0, 0, 0, 0]);
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(
            (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()),
            (0, 0, 315_619_200)
        );
        assert_eq!(
            (header.username().unwrap(), header.groupname().unwrap()),
            (Some(""), Some(""))
        );
        let executable = entry.path().unwrap().ends_with("bin/demo-run");
        assert_eq!(header.mode().unwrap(), if executable { 0o755 } else { 0o644 });
    }
    // Readable as any file the user makes, and nothing else beside it.
    assert_eq!(fs::read_dir(dir.path().join("dist")).unwrap().count(), 1);
}

/// Not a test of its own: packs the project in the directory that the environment names, in whatever surroundings.
#[test]
fn pack_for_another_process() {
    let Ok(root) = std::env::var("SGBUILD_TEST_PACK") else {
        return;
    };
    packed(Path::new(&root), &SdistSettings::default());
}

#[test]
fn the_same_bytes_wherever_and_whenever() {
    let build = |umask: &str, tz: &str, lang: &str, later: bool| {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join(lang);
        fs::create_dir(&root).unwrap();
        let me = std::env::current_exe().unwrap();
        let script = format!("umask {umask}; cd /; exec \"$0\" --exact sdist::archive::pack_for_another_process");
        if later {
            // An older build's traces change nothing.
            write(
                &root,
                &[
                    ("dist/demo-0.9.tar.gz", "old"),
                    ("dist/demo-1.0.tar.gz", "old"),
                    ("build/lib/x", ""),
                ],
            );
            write(&root, &[("demo/__pycache__/y.pyc", "")]);
        }
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(me).env("SGBUILD_TEST_PACK", &root);
        run(command.env("TZ", tz).env("LANG", lang).env("LC_ALL", lang));
        if later {
            assert_eq!(run(Command::new("find").arg(&root).args(["-name", ".sgbuild*"])), "");
        }
        fs::read(root.join("dist/demo-1.0.tar.gz")).unwrap()
    };
    let first = build("022", "UTC", "C", false);
    let second = build("077", "Pacific/Kiritimati", "de_DE.UTF-8", true);
    assert!(first == second);
}

#[test]
fn source_date_epoch_is_the_members_time() {
    let dir = tempfile::tempdir().unwrap();
    let with = |seconds| SdistSettings {
        source_date_epoch: Some(seconds),
        ..SdistSettings::default()
    };
    let sdist = packed(dir.path(), &with(1_700_000_000));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(&sdist.path).unwrap()));
    assert!(
        archive
            .entries()
            .unwrap()
            .all(|entry| entry.unwrap().header().mtime().unwrap() == 1_700_000_000)
    );
    for bad in [-1, i64::MAX] {
        let error = pack(&whole(dir.path()), &dir.path().join("dist"), &with(bad), &Silent).unwrap_err();
        assert!(matches!(error, Error::SourceDateEpoch { .. }), "{error}");
        assert_eq!(error.advice().fault.exit_code(), 2);
    }
}

#[test]
fn a_large_file_is_streamed() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("setup.py", BARE_SETUP),
            ("demo/__init__.py", ""),
            ("MANIFEST.in", "graft demo\n"),
        ],
    );
    // Sparse on disk.
    fs::File::create(dir.path().join("demo/big.bin"))
        .unwrap()
        .set_len(120_000_000)
        .unwrap();
    let project = project(dir.path(), demo(), Build::default());
    let sdist = pack(&project, &dir.path().join("out"), &SdistSettings::default(), &Silent).unwrap();
    assert!(sdist.size < 5_000_000, "{}", sdist.size);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 80_000, "{peak} kB");
}

#[test]
fn an_output_directory_that_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let project = whole(dir.path());
    write(dir.path(), &[("file", "")]);
    let error = pack(
        &project,
        &dir.path().join("file/out"),
        &SdistSettings::default(),
        &Silent,
    )
    .unwrap_err();
    assert!(matches!(error, Error::OutDir { .. }), "{error}");
    // Read-only even for root.
    let error = pack(&project, Path::new("/proc/self"), &SdistSettings::default(), &Silent).unwrap_err();
    assert!(matches!(error, Error::OutDir { .. }), "{error}");
    assert_eq!(error.advice().fault.exit_code(), 1);
}

/// Removes a file once packing has begun.
struct Removing(PathBuf);

impl Progress for Removing {
    fn step(&self, _: &str) {}
    fn detail(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn task(&self, _: &str, _: Option<u64>) -> Box<dyn Task> {
        fs::remove_file(&self.0).unwrap();
        Box::new(Silent)
    }
}

#[test]
fn an_older_sdist_stays_until_a_new_one_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let project = whole(dir.path());
    let sdist = pack(&project, &dir.path().join("dist"), &SdistSettings::default(), &Silent).unwrap();
    let gone = dir.path().join("setup.py");
    let error = pack(
        &project,
        &dir.path().join("dist"),
        &SdistSettings::default(),
        &Removing(gone.clone()),
    );
    assert!(matches!(error, Err(Error::Read { path, .. }) if path == gone));
    assert_eq!(fs::metadata(&sdist.path).unwrap().len(), sdist.size);
    assert_eq!(fs::read_dir(dir.path().join("dist")).unwrap().count(), 1);
}
