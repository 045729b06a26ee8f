use std::str::FromStr as _;

use pep440_rs::VersionSpecifiers;

use super::*;
use crate::requirements::{Format, Place};

const HASH: &str = "sha256:00";

fn line(number: usize, text: &str, hashes: &[&str]) -> Line {
    let what = What::Package(Box::new(Requirement::from_str(text).unwrap()));
    Line {
        place: Place {
            file: "r.txt".to_owned(),
            line: number,
        },
        text: text.to_owned(),
        what,
        hashes: hashes.iter().map(|hash| (*hash).to_owned()).collect(),
        options: Vec::new(),
    }
}

fn file(format: Format, lines: &[&str], hashes: &[&str]) -> Requirements {
    Requirements {
        locals: Vec::new(),
        file: "r.txt".to_owned(),
        format,
        lines: (1..)
            .zip(lines)
            .map(|(number, text)| line(number, text, hashes))
            .collect(),
        constraints: Vec::new(),
        own_extras: Vec::new(),
        environments: Vec::new(),
        requires_python: None,
    }
}

fn declared(text: &str) -> Declared {
    Declared {
        text: text.to_owned(),
        requirement: Requirement::from_str(text).unwrap(),
        by: "tiny".to_owned(),
    }
}

fn told(file: &Requirements, wanted: &str) -> String {
    let pythons = ["3.11".to_owned()];
    let environments = Environments::new("linux/amd64", &pythons);
    match check(file, &[declared(wanted)], &environments, "base") {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_lock_must_pin_what_is_declared() {
    for (pin, wanted, is_right) in [
        ("numpy==1.26.4", "numpy>=1.26", true),
        ("numpy==1.26.4", "NumPy", true),
        ("numpy==1.24.0", "numpy>=1.26", false),
        ("torch==2.1.0+cpu", "torch==2.1.0", true),
        ("torch==2.1.0+cpu", "torch>=2.1,<2.2", true),
        ("torch==2.1.0", "torch==2.1.0+cpu", true),
        ("torch==2.1.0+cu118", "torch==2.1.0+cpu", false),
        ("a==1.1rc1", "a>=1.0", true),
        ("a===1.0", "a==1.0", true),
        ("a===1.0", "a===1.0", true),
        ("a==1.0", "a==1.*", true),
        ("a @ https://h/a-1.0-py3-none-any.whl", "a>=2", false),
        ("a @ https://h/a-1.0-py3-none-any.whl", "a>=1", true),
        ("a @ https://h/archive/main.zip", "a>=2", true),
        ("a @ git+https://h/a@0123", "a @ git+https://h/a.git@main", true),
        ("a==1.0", "a @ git+https://h/a.git@main", false),
        ("b==1", "a", false),
        ("b==1", "a; sys_platform == 'win32'", true),
        ("b==1", "a; python_version < '3.11'", true),
        ("b==1", "a; platform_machine == 'x86_64'", false),
        ("a==1; sys_platform == 'win32'", "a", false),
        ("a==1; python_full_version >= '3.11.3'", "a", true),
    ] {
        for format in [Format::Pylock, Format::UvLock, Format::PoetryLock] {
            let told = told(&file(format, &[pin], &[]), wanted);
            assert_eq!(told.is_empty(), is_right, "{pin} for {wanted}: {told}");
        }
    }
}

#[test]
fn a_loose_file_is_only_told_of_certain_contradictions() {
    let loose = |lines: &[&str]| file(Format::RequirementsTxt, lines, &[]);
    assert_eq!(told(&loose(&["numpy>=1.20"]), "numpy>=1.26"), "");
    assert_eq!(told(&loose(&["other==1"]), "numpy>=1.26"), "");
    assert_eq!(
        told(&loose(&["x", "numpy==1.24"]), "numpy>=1.26"),
        "tiny asks for `numpy>=1.26`, and r.txt:2 pins `numpy==1.24`"
    );
    assert_eq!(
        told(&loose(&["a==1.0", "a==2.0"]), "b"),
        "r.txt:2 pins `a==2.0`, and r.txt:1 pins `a==1.0`"
    );
    assert_eq!(told(&loose(&["a==1.0", "a===1.0.0", "a==1.0+x"]), "b"), "");
    assert_eq!(told(&loose(&["a==1; python_version<'3'", "a==2"]), "b"), "");
    let constrained = Requirements {
        constraints: vec![line(9, "a==3", &[])],
        ..loose(&[])
    };
    assert!(told(&constrained, "a<3").contains("r.txt:9"));
}

#[test]
fn hashes_are_asked_of_everything() {
    let hashed = |lines: &[&str]| file(Format::RequirementsTxt, lines, &[HASH]);
    assert_eq!(told(&hashed(&["a==1"]), "a"), "");
    assert!(told(&hashed(&["a>=1"]), "a").contains("r.txt:1: `a>=1` is not pinned"));
    assert!(told(&hashed(&["a @ git+https://h/a@0"]), "a").contains("is a checkout"));
    let mut mixed = hashed(&["a==1", "b==1", "c @ https://h/c-1.zip#sha256=00"]);
    mixed.lines[2].hashes.clear();
    assert_eq!(told(&mixed, "a"), "");
    mixed.lines[1].hashes.clear();
    assert!(told(&mixed, "a").contains("r.txt:2: `b==1` has no hash"));
    // Nothing but the file is installed, so a constraint is no pin.
    let constrained = Requirements {
        constraints: vec![line(9, "b==1", &[])],
        ..hashed(&["a==1"])
    };
    assert!(told(&constrained, "b").contains("does not pin it"));
}

#[test]
fn an_unknown_python_is_asked_for_only_where_it_matters() {
    let pythons = ["3.10", "3.12"].map(ToOwned::to_owned);
    let environments = Environments::new("linux/arm64", &pythons);
    let lock = file(Format::Pylock, &["a==1"], &[]);
    assert!(check(&lock, &[declared("a")], &environments, "base").is_ok());
    let error = check(&lock, &[declared("b; python_version < '3.11'")], &environments, "base").unwrap_err();
    assert!(matches!(error, Error::PythonUnknown { .. }), "{error}");
    let error = check(&lock, &[declared("b")], &environments, "base").unwrap_err();
    assert!(matches!(error, Error::NotPinned { .. }), "{error}");
}

#[test]
fn a_lock_for_another_environment() {
    let lock = Requirements {
        requires_python: Some(VersionSpecifiers::from_str(">=3.12").unwrap()),
        ..file(Format::Pylock, &["a==1"], &[])
    };
    assert_eq!(
        told(&lock, "a"),
        "r.txt is locked for Python >=3.12, and the image has Python 3.11"
    );
    let lock = Requirements {
        environments: vec![pep508_rs::MarkerTree::from_str("sys_platform == 'win32'").unwrap()],
        ..file(Format::Pylock, &["a==1"], &[])
    };
    assert_eq!(
        told(&lock, "a"),
        "r.txt is locked for `sys_platform == 'win32'`, and the image has Linux and Python 3.11"
    );
}
