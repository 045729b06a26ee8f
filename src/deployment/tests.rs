use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::*;
use crate::explain::{Explain as _, Fault};

/// The smallest program that says where it can run: the header and one segment.
fn program(machine: u16, interpreter: Option<&str>) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
    bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
    bytes[56..58].copy_from_slice(&1_u16.to_le_bytes());
    let mut segment = vec![0; 56];
    let kind: u32 = if interpreter.is_some() { 3 } else { 1 };
    segment[..4].copy_from_slice(&kind.to_le_bytes());
    segment[8..16].copy_from_slice(&120_u64.to_le_bytes());
    bytes.extend(segment);
    bytes.extend(interpreter.unwrap_or_default().bytes());
    bytes.push(0);
    bytes
}

fn checked(bytes: &[u8]) -> Result<Architecture, Error> {
    check(Path::new("sgbuild"), bytes)
}

#[test]
fn a_static_program_runs_where_its_machine_is() {
    assert_eq!(checked(&program(62, None)).unwrap(), Architecture::X86_64);
    assert_eq!(checked(&program(183, None)).unwrap(), Architecture::Arm64);
    assert_eq!(Architecture::Arm64.name(), "arm64");
}

#[test]
fn what_lambda_cannot_run_is_refused_and_says_why() {
    for (bytes, says) in [
        (b"#!/bin/sh\n".to_vec(), "no 64-bit Linux program"),
        (b"\xcf\xfa\xed\xfe".to_vec(), "no 64-bit Linux program"),
        (program(243, None), "ELF machine 243"),
        (
            program(62, Some("/lib/ld-musl-x86_64.so.1")),
            "/lib/ld-musl-x86_64.so.1",
        ),
    ] {
        let error = checked(&bytes).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.advice().hints[0].contains("--binary") && error.advice().fault == Fault::User);
    }
}

#[test]
fn a_newer_c_library_is_named() {
    let error = Error::NewerGlibc {
        path: PathBuf::from("sgbuild"),
        needed: (2, 39),
    };
    assert_eq!(
        error.to_string(),
        "sgbuild needs glibc 2.39, and provided.al2023 has glibc 2.34: it would not start"
    );
    assert!(error.advice().hints[0].contains("musl"));
}

#[test]
fn the_same_program_is_the_same_zip_with_one_executable_file() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = program(62, None);
    let packed: Vec<_> = ["a", "b"]
        .iter()
        .map(|name| {
            let path = directory.path().join(name);
            fs::write(&path, &bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            pack(&path).unwrap()
        })
        .collect();
    assert_eq!(packed[0].zip, packed[1].zip);
    assert_eq!(packed[0].key(), format!("sgbuild/{}.zip", packed[0].sha256));
    assert_eq!(packed[0].latest_key(), "sgbuild/x86_64.zip");
    assert_eq!(packed[0].unpacked, bytes.len() as u64);

    let mut zip = zip::ZipArchive::new(Cursor::new(&packed[0].zip)).unwrap();
    assert_eq!(zip.len(), 1);
    let mut file = zip.by_name("bootstrap").unwrap();
    assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    let mut read = Vec::new();
    file.read_to_end(&mut read).unwrap();
    assert_eq!(read, bytes);
}

#[test]
fn a_missing_program_is_named() {
    let error = pack(Path::new("/nowhere/sgbuild")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the program /nowhere/sgbuild");
}
