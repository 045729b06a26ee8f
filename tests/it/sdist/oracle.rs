//! The real setuptools as the judge of what is packed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sgbuild::package::sdist::{SdistSettings, pack};
use sgbuild::project::{Build, Metadata};

use super::{Heard, project, run};

/// The release whose rules are followed.
const SETUPTOOLS: &str = "84.2.1";

/// A directory with setuptools in it, for `PYTHONPATH`; installed once.
pub(crate) fn setuptools() -> PathBuf {
    let parent = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let dir = parent.join(format!("setuptools-{SETUPTOOLS}"));
    if !dir.exists() {
        let fresh = tempfile::tempdir_in(&parent).unwrap();
        let requirement = format!("setuptools=={SETUPTOOLS}");
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--target",
        ];
        run(Command::new("python3").args(pip).arg(fresh.path()).arg(requirement));
        // Another test process may have been quicker; its directory is as good.
        let _ = fs::rename(fresh.path(), &dir);
    }
    dir
}

/// What the real setuptools packs.
pub(super) fn setuptools_sdist(root: &Path, out: &Path) -> PathBuf {
    made_by_setuptools("build_sdist", root, out)
}

/// What a hook of the real setuptools makes.
pub(crate) fn made_by_setuptools(hook: &str, root: &Path, out: &Path) -> PathBuf {
    let code = format!("import sys, setuptools.build_meta as b; print('made', b.__legacy__.{hook}(sys.argv[1]))");
    let said = run(Command::new("python3")
        .args(["-c", &code])
        .arg(out)
        .current_dir(root)
        .env("PYTHONPATH", setuptools()));
    let name = said.lines().find_map(|line| line.strip_prefix("made ")).unwrap();
    out.join(name)
}

/// The files (and links) of a tar.gz with their bytes.
pub(super) fn members(tarball: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(tarball).unwrap()));
    let mut members = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert_eq!(members.insert(path.clone(), bytes), None, "{path} twice");
    }
    members
}

/// Packs a project with sgbuild and with setuptools, and demands the same file name, the same files and the same bytes in
/// all of them but `PKG-INFO` (which says more of these projects' files than they were read with) and `setup.cfg` (of which ours keeps the comments).
pub(super) fn same_as_setuptools(metadata: Metadata, build: Build, arrange: impl Fn(&Path)) -> Vec<String> {
    let (ours, theirs, out) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    arrange(ours.path());
    arrange(theirs.path());
    let heard = Heard::default();
    let project = project(ours.path(), metadata, build);
    let sdist = pack(&project, &out.path().join("ours"), &SdistSettings::default(), &heard).unwrap();
    let real = setuptools_sdist(theirs.path(), &out.path().join("theirs"));
    assert_eq!(sdist.file_name, real.file_name().unwrap().to_str().unwrap());
    let (mut mine, mut real) = (members(&sdist.path), members(&real));
    assert_eq!(mine.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>());
    for members in [&mut mine, &mut real] {
        members.retain(|path, _| !path.ends_with("/PKG-INFO") && !path.ends_with("-1.0/setup.cfg"));
    }
    for (path, bytes) in &mine {
        assert_eq!(shown(path, bytes), shown(path, &real[path]), "{path}");
    }
    heard.0.into_inner().unwrap()
}

/// A member's text; of `SOURCES.txt` without the `./` that setuptools leaves on what a pattern beginning with `.` brought.
fn shown(path: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !path.ends_with("/SOURCES.txt") {
        return text.into_owned();
    }
    let mut lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("./").unwrap_or(line))
        .collect();
    if text.contains("./") {
        lines.sort_by_key(|line| line.rsplit_once('/').unwrap_or(("", line)));
    }
    lines.join("\n")
}
