//! Files that were right until something happened to them: read and packed without a panic, and within a limit.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::extremes::survives;
use crate::support::{Sandbox, copy, root};

const DECLARING: [&str; 4] = ["setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in"];

/// What replaces a piece of a file: other words of these languages, and bytes that nothing expects.
const INSERTED: [&[u8]; 24] = [
    b"",
    b"\n",
    b"    ",
    b"\t",
    b"(",
    b"]",
    b"{",
    b"'",
    b"\"\"\"",
    b"\\",
    b"%",
    b"#",
    b"*",
    b"**",
    b"[!",
    b"=",
    b":",
    b"f'{x!r:>{n}}'",
    b"lambda: ",
    b"for x in x",
    b"\0",
    b"\xff",
    "\u{2028}é".as_bytes(),
    b"../",
];

/// Where to cut, how much, and what to put there.
type Change = (prop::sample::Index, usize, prop::sample::Index);

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for (at, length, inserted) in changes {
        let from = at.index(bytes.len() + 1);
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, inserted.get(&INSERTED).iter().copied());
    }
    bytes
}

/// The files of the fixtures that declare something.
fn declaring() -> Vec<PathBuf> {
    let fixtures = fs::read_dir(root().join("fixtures")).unwrap();
    let files = fixtures.flat_map(|entry| {
        let fixture = entry.unwrap().path();
        DECLARING.map(|name| fixture.join(name))
    });
    let mut found: Vec<PathBuf> = files.filter(|file| file.is_file()).collect();
    found.sort();
    found
}

/// Reads the project, and packs it if Python need not be asked; neither may end but with success or a message.
fn read_and_pack(sandbox: &Sandbox) {
    let read = survives(sandbox);
    if read.code != 0 {
        return;
    }
    let packed = sandbox.run(&["dist", "--train", "os:getcwd"]);
    assert!(
        (0..=1).contains(&packed.code),
        "exit {}: {}",
        packed.code,
        packed.stderr
    );
    assert!(
        packed.code == 0 || packed.stderr.contains("error["),
        "{}",
        packed.stderr
    );
}

#[test]
fn mangled_files_are_read_or_refused() {
    let files = declaring();
    let change = (any::<prop::sample::Index>(), 0_usize..12, any::<prop::sample::Index>());
    let strategy = (any::<prop::sample::Index>(), prop::collection::vec(change, 1..6));
    let config = Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    };
    // The same cases in every run; `make fuzz` looks for others.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let run = |(file, changes): (prop::sample::Index, Vec<Change>)| {
        let file = file.get(&files);
        let sandbox = Sandbox::empty();
        copy(file.parent().unwrap(), &sandbox.project());
        let mangled = changed(fs::read(file).unwrap(), &changes);
        fs::write(sandbox.project().join(file.file_name().unwrap()), &mangled).unwrap();
        read_and_pack(&sandbox);
        Ok(())
    };
    TestRunner::new_with_rng(config, random).run(&strategy, run).unwrap();
}
