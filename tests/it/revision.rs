//! The commit that an image names: what git is asked, by whom it takes orders, and what counts as another tree.

mod changes;
mod foreign_programs;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, str};

use crate::bad_input::tiny;
use crate::support::{Ran, Sandbox};

/// Runs git in `directory` as somebody does who trusts it, and as the user of the sandbox.
fn git(sandbox: &Sandbox, directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(directory)
        .args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .env("HOME", sandbox.home());
    command.output().unwrap()
}

/// The same, which must succeed: what it printed.
#[track_caller]
fn done(sandbox: &Sandbox, directory: &Path, arguments: &[&str]) -> String {
    let output = git(sandbox, directory, arguments);
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The commit in the labels of the Dockerfile that `dist` would write; `None` where it names none.
#[track_caller]
fn named(ran: &Ran) -> Option<String> {
    let label = "org.opencontainers.image.revision=";
    let (_, behind) = ran.stdout.split_once(label)?;
    let value = behind.split_whitespace().next().unwrap();
    Some(value.trim_matches('"').to_owned())
}

/// The same, asked in `directory`.
#[track_caller]
fn commit(sandbox: &Sandbox, directory: &Path) -> Option<String> {
    let output = sandbox
        .command(&["dist", "--dry-run", "--static"])
        .current_dir(directory)
        .output()
        .unwrap();
    named(&Ran::new(&[], output).exits(0))
}

/// A program that says that it was run, and with which variables.
struct Canary {
    program: PathBuf,
    said: PathBuf,
}

impl Canary {
    /// In the project, where a checkout could bring it along.
    fn hatch(sandbox: &Sandbox) -> Self {
        let said = sandbox.home().join("canary-ran");
        let program = sandbox.project().join("ev.sh");
        let script = format!("#!/bin/sh\n{{ echo \"$0 $*\"; env; }} >> {}\nexit 1\n", said.display());
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { program, said }
    }

    fn path(&self) -> &str {
        self.program.to_str().unwrap()
    }

    /// Whether it ran since it was asked last.
    fn ran(&self) -> bool {
        fs::remove_file(&self.said).is_ok()
    }
}
