//! The real setuptools as the judge of `sgbuild inspect`: the one that tests/conformance pins.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Sandbox, Testbed, root};

/// How a project is expected to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Without Python.
    Static,
    /// By asking Python.
    Asked,
    /// Either way: what counts is that it is right.
    Right,
    /// Not at all, by sgbuild as by setuptools.
    Refused,
}

/// One situation.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) files: Vec<(String, Vec<u8>)>,
}

impl Case {
    /// The project in a sandbox of its own.
    pub(super) fn make(&self) -> Sandbox {
        let sandbox = Sandbox::empty();
        for (name, bytes) in &self.files {
            let path = sandbox.project().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        sandbox
    }
}

/// Checks that sgbuild and setuptools agree about every case, and that each was read as expected.
pub(super) fn agree(cases: Vec<Case>) {
    let made = cases
        .into_iter()
        .map(|case| (case.name.to_owned(), case.kind, case.make()));
    agree_in(&made.collect::<Vec<_>>());
}

/// The same for projects that exist.
pub(super) fn agree_in(cases: &[(String, Kind, Sandbox)]) {
    let mut wrong = Vec::new();
    let mut orders = Vec::new();
    for (name, kind, sandbox) in cases {
        let said = match read(*kind, sandbox) {
            Ok(said) => said,
            Err(complaint) => {
                wrong.push(format!("{name}: {complaint}"));
                Value::Null
            }
        };
        orders.push(json!({"directory": sandbox.project(), "said": said}));
    }
    let answers = ask_setuptools(&Value::Array(orders));
    for ((name, kind, _), answer) in cases.iter().zip(answers.as_array().unwrap()) {
        match (kind, answer["error"].as_str()) {
            (Kind::Refused, None) => wrong.push(format!("{name}: setuptools does not refuse it")),
            (Kind::Static | Kind::Asked | Kind::Right, Some(error)) => {
                wrong.push(format!("{name}: setuptools refuses it: {error}"));
            }
            _ => {}
        }
        for difference in answer["differences"].as_array().unwrap() {
            wrong.push(format!("{name}: {}", difference.as_str().unwrap()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What sgbuild says of a project, read as expected; or how it was read otherwise.
fn read(kind: Kind, sandbox: &Sandbox) -> Result<Value, String> {
    let statically = sandbox.run(&["inspect", "--json", "--static"]);
    let is_static = statically.code == 0;
    let refused_for_python = statically.stderr.contains("only Python can tell");
    match kind {
        Kind::Static if !is_static => return Err(format!("not static: {}", statically.stderr)),
        Kind::Asked if is_static => return Err(format!("static: {}", statically.json())),
        Kind::Asked if !refused_for_python => return Err(format!("not asked: {}", statically.stderr)),
        Kind::Refused if is_static => return Err(format!("accepted: {}", statically.json())),
        _ => {}
    }
    if is_static {
        return Ok(statically.json());
    }
    if kind == Kind::Refused && !refused_for_python {
        return (statically.code == 1)
            .then_some(Value::Null)
            .ok_or(format!("exit {}: {}", statically.code, statically.stderr));
    }
    let asked = sandbox.run(&["inspect", "--json"]);
    match (kind, asked.code) {
        (Kind::Refused, 1) => Ok(Value::Null),
        (Kind::Refused, _) | (_, 1..) => Err(format!("exit {}: {}{}", asked.code, asked.stdout, asked.stderr)),
        _ => Ok(asked.json()),
    }
}

/// Runs the oracle on `[{"directory", "said"}]`.
fn ask_setuptools(orders: &Value) -> Value {
    let mut command = Command::new(oracle_python());
    let script = root().join("tests/it/project/oracle.py");
    command.arg(script).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(orders.to_string().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The Python of tests/conformance, whose setuptools is pinned: one judge for all.
fn oracle_python() -> PathBuf {
    let output = Command::new("python3")
        .args(["-c", "import places; print(places.judge())"])
        .env("PYTHONPATH", root().join("tests/conformance"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SGBUILD_TESTBED", Testbed::get().variable("SGBUILD_TESTBED"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

/// Checks only that nothing is said that setuptools would not say: sgbuild may refuse what setuptools takes, but not take what
/// setuptools refuses, nor read it differently.
pub(super) fn never_wrong(cases: Vec<Case>) {
    let kept = cases.into_iter().filter_map(|mut case| {
        let sandbox = case.make();
        case.kind = if sandbox.run(&["inspect", "--json"]).code == 0 {
            Kind::Right
        } else {
            return None;
        };
        Some((case.name.to_owned(), case.kind, sandbox))
    });
    agree_in(&kept.collect::<Vec<_>>());
}
