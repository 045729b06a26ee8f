//! The real setuptools as the judge of what is in a wheel.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sgbuild::package::wheel::Wheel;

use super::packed;
use crate::sdist::oracle::{made_by_setuptools, setuptools};
use crate::sdist::{run, write};

/// What the real setuptools builds.
fn setuptools_wheel(root: &Path, out: &Path) -> PathBuf {
    made_by_setuptools("build_wheel", root, out)
}

/// A member: its bytes, and whether its owner may execute it.
#[derive(PartialEq, Eq)]
pub(super) struct Member {
    pub(super) bytes: Vec<u8>,
    pub(super) executable: bool,
}

/// A wheel's members, and their names in its order.
pub(super) fn members(wheel: &Path) -> (Vec<String>, BTreeMap<String, Member>) {
    let mut archive = zip::ZipArchive::new(fs::File::open(wheel).unwrap()).unwrap();
    let (mut order, mut members) = (Vec::new(), BTreeMap::new());
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let executable = entry.unix_mode().unwrap() & 0o100 != 0;
        order.push(entry.name().unwrap().into_owned());
        members.insert(order[at].clone(), Member { bytes, executable });
    }
    assert_eq!(order.len(), members.len(), "a member appears twice");
    (order, members)
}

/// The project's wheel, by sgbuild. It must be setuptools' own in name, files, their order, contents and modes; `RECORD`, and who made
/// it in `WHEEL`, are the writer's. pip finds it in order.
pub(super) fn same_as_setuptools(files: &[(&str, &str)]) -> Vec<String> {
    same_as_setuptools_where(files, |_| {})
}

/// The same where more is to be done to the project's directory.
pub(super) fn same_as_setuptools_where(files: &[(&str, &str)], arrange: impl Fn(&Path)) -> Vec<String> {
    let (ours, theirs, out) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    for root in [ours.path(), theirs.path()] {
        write(root, files);
        arrange(root);
    }
    let wheel = packed(ours.path()).unwrap();
    let real = setuptools_wheel(theirs.path(), out.path());
    assert_eq!(wheel.file_name, real.file_name().unwrap().to_str().unwrap());
    let (order, mine) = members(&wheel.path);
    let (real_order, real) = members(&real);
    assert_eq!(order, real_order);
    assert_eq!(order, wheel.files);
    for (path, member) in &mine {
        if path.ends_with(".dist-info/RECORD") {
            continue;
        }
        let (said, real_said) = (shown(path, &member.bytes), shown(path, &real[path].bytes));
        assert_eq!(said, real_said, "{path}");
        assert_eq!(member.executable, real[path].executable, "the mode of {path}");
    }
    check_record(&wheel);
    order
}

/// A member's text; of `WHEEL` without who made it.
fn shown(path: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !path.ends_with(".dist-info/WHEEL") {
        return text.into_owned();
    }
    text.lines()
        .filter(|line| !line.starts_with("Generator: "))
        .collect::<Vec<_>>()
        .join("\n")
}

/// wheel's own reader compares every member with RECORD.
pub(super) fn check_record(wheel: &Wheel) {
    let code = "import sys; sys.path.insert(0, sys.argv[2]); from wheel.wheelfile import WheelFile\n\
                with WheelFile(sys.argv[1]) as wheel:\n    for name in wheel.namelist(): wheel.read(name)\n\
                \x20   assert wheel.testzip() is None\n";
    let vendored = setuptools().join("setuptools/_vendor");
    run(Command::new("python3")
        .args(["-c", code])
        .arg(&wheel.path)
        .arg(vendored));
}
