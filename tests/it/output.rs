//! Where the output goes to, and names that are no text.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::support::{Ran, Sandbox};

/// Commands that print something and need no service.
const PRINTING: [&[&str]; 10] = [
    &["inspect"],
    &["inspect", "--json"],
    &["dist"],
    &["dist", "--dry-run"],
    &["settings"],
    &["completions", "bash"],
    &["--version"],
    &["--help"],
    &["push", "--help"],
    &["help", "train"],
];

#[test]
fn data_on_a_full_disk_is_a_failure() {
    let sandbox = tiny();
    for arguments in PRINTING {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = sandbox
            .command(arguments)
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let ran = Ran::new(arguments, output).exits(1);
        ran.says(&["cannot write to standard output", "No space left"]);
    }
}

#[test]
fn data_that_nobody_reads_is_a_quiet_failure() {
    let sandbox = tiny();
    for arguments in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox
            .command(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let ran = Ran::new(arguments, output).exits(141);
        assert!(!ran.stderr.contains("error"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn what_is_wrong_with_the_command_line_keeps_its_exit_code_when_nobody_listens() {
    let sandbox = tiny();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for (arguments, code) in [
        (&["inspect", "--nonsense"][..], 2),
        (&["--help"], 1),
        (&["inspect", "missing"], 2),
    ] {
        let status = sandbox
            .command(arguments)
            .stdout(full())
            .stderr(full())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn closed_streams_are_not_taken_for_files_of_ours() {
    let sandbox = tiny();
    let own = sandbox.command(&["dist"]);
    for redirections in ["<&- >&- 2>&-", ">&-", "2>&-", "<&-"] {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("exec \"$0\" dist {redirections}")])
            .arg(own.get_program());
        shell.current_dir(sandbox.project()).env_clear();
        shell.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let _ = fs::remove_dir_all(sandbox.project().join("dist"));
        assert!(shell.status().unwrap().success(), "{redirections}");
        let names = fs::read_dir(sandbox.project().join("dist")).unwrap();
        for entry in names {
            let path = entry.unwrap().path();
            let text = fs::read(&path).unwrap();
            let is_spoilt = [&b"==>"[..], b"Packing", b"dist/run.py\n"].iter().any(|said| {
                path.extension().is_none_or(|extension| extension != "gz")
                    && text.windows(said.len()).any(|window| window == *said)
            });
            assert!(!is_spoilt, "{redirections}: {}", path.display());
        }
    }
}

/// A project whose directory is called `caf\xe9`, in Latin-1.
fn latin_1() -> (Sandbox, OsString) {
    let sandbox = tiny().with("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let name = OsStr::from_bytes(b"caf\xe9");
    let path = sandbox.project().join(name);
    fs::create_dir(&path).unwrap();
    for file in ["setup.py", "tiny"] {
        fs::rename(sandbox.project().join(file), path.join(file)).unwrap();
    }
    (sandbox, name.to_owned())
}

#[test]
fn a_directory_that_is_not_utf_8_works_or_is_refused() {
    let (sandbox, name) = latin_1();
    let done: [&[&str]; 6] = [
        &["inspect"],
        &["inspect", "--json"],
        &["settings", "--json"],
        &["settings"],
        &["dist", "--dry-run"],
        &["build", "--dry-run"],
    ];
    let refused: [&[&str]; 10] = [
        &["dist"],
        &["dist", "--json"],
        &["build", "--engine", "docker"],
        &["build", "--engine", "docker", "--json"],
        &["push", "--engine", "docker", "--repository", "localhost:1/x"],
        &["train", "--function", "f"],
        &["status"],
        &["destroy", "--yes"],
        &["launch", "--dry-run"],
        &["runs"],
    ];
    let run = |arguments: &[&str]| {
        let output = sandbox.command(arguments).arg(&name).output().unwrap();
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains("panicked"),
            "{arguments:?}"
        );
        output
    };
    for arguments in done {
        assert_eq!(run(arguments).status.code(), Some(0), "{arguments:?}");
    }
    for arguments in refused {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty() && output.stderr.starts_with(b"error[") || arguments[0] != "dist");
    }
    let output = run(&["dist", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_snapshot!(said.replace(&sandbox.project().display().to_string(), "[PROJECT]"));
    assert!(!sandbox.project().join(&name).join("dist").exists());
}

#[test]
fn a_variable_that_is_not_utf_8_is_refused_and_others_are_left_alone() {
    let sandbox = tiny();
    let run = |name: &str| {
        let mut command = sandbox.command(&["inspect"]);
        Ran::new(
            &["inspect"],
            command.env(name, OsStr::from_bytes(b"\xff")).output().unwrap(),
        )
    };
    for name in [
        "SGBUILD_ROLE",
        "HOME",
        "XDG_CACHE_HOME",
        "DOCKER_CONFIG",
        "PIP_INDEX_URL",
        "AWS_PROFILE",
    ] {
        run(name)
            .exits(2)
            .says(&[&format!("the environment variable {name} is not UTF-8")]);
    }
    for name in ["MY_NAME", "HOMEBREW", "FUNCTION"] {
        run(name).exits(0);
    }
}

#[test]
fn arguments_that_are_not_utf_8_are_refused() {
    let sandbox = tiny();
    for before in [&["dist", "--label"][..], &["inspect", "--train"], &["completions"], &[]] {
        let output = sandbox
            .command(before)
            .arg(OsStr::from_bytes(b"\xff=\xff"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{before:?}");
    }
}
