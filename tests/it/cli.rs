//! The command line: what is data, what is progress, and what help says.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use insta::assert_snapshot;

use crate::bad_input::tiny;

#[test]
fn inspect_as_json_and_as_text() {
    let sandbox = tiny();
    let json = sandbox.run(&["inspect", "--json"]).exits(0).json();
    assert_eq!(json["name"], "tiny");
    assert_eq!(json["train"]["object"], "tiny.train:train");
    assert_eq!(json["source"]["kind"], "static");
    assert_snapshot!(sandbox.run(&["inspect"]).exits(0).stdout);
}

#[test]
fn settings_show_where_each_value_is_from() {
    let sandbox = tiny().with("SGBUILD_ROLE", "arn:aws:iam::123456789012:role/r");
    sandbox.write("setup.cfg", "[sgbuild]\nsystem-packages = libgomp1\n");
    assert_snapshot!(sandbox.run(&["settings"]).exits(0).stdout);
    let json = sandbox.run(&["settings", "--json"]).exits(0).json();
    assert_eq!(json["role"]["origin"], "SGBUILD_ROLE");
    assert_eq!(json["system-packages"]["value"][0], "libgomp1");
}

#[test]
fn completions_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = tiny().run(&["completions", shell]).exits(0);
        assert!(ran.stdout.contains("completions") && ran.stderr.is_empty());
    }
}

#[test]
fn a_manual_page_of_every_command() {
    let sandbox = tiny();
    let pages = sandbox.project().join("share/man/man1");
    let shown = pages.to_str().unwrap();
    let ran = sandbox.run(&["man", shown]).exits(0);
    let printed: Vec<&str> = ran.stdout.lines().collect();
    let mut written: Vec<_> = fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    written.sort();
    let mut named: Vec<_> = printed.iter().map(PathBuf::from).collect();
    named.sort();
    assert_eq!(named, written);
    // What `--help` lists has a page, and no other has one.
    let help = sandbox.run(&["--help"]).exits(0).stdout;
    let listed = help.split("Commands:\n").nth(1).unwrap().lines();
    let listed = listed
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next());
    let commands: BTreeSet<String> = listed.map(|verb| format!("sgbuild-{verb}.1")).collect();
    let pages_written = written
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let mut expected: BTreeSet<String> = commands.into_iter().filter(|page| page != "sgbuild-help.1").collect();
    expected.extend(["sgbuild.1", "sgbuild-cache-clear.1"].map(str::to_owned));
    assert_eq!(pages_written.collect::<BTreeSet<_>>(), expected);
    let push = fs::read_to_string(pages.join("sgbuild-push.1")).unwrap();
    assert!(push.contains("\\-\\-engine") && push.contains("\\-\\-dry\\-run"));
}

#[test]
fn manual_pages_where_none_can_be_written() {
    let sandbox = tiny();
    sandbox.write("taken", "a file\n");
    let ran = sandbox.run(&["man", "taken"]).exits(1);
    ran.says(&[
        "cannot write the manual page",
        "taken",
        "Name a directory that you may write to",
    ]);
    let below = sandbox.run(&["man", "taken/man1"]).exits(1);
    below.says(&["cannot write the manual page", "taken/man1"]);
}

#[test]
fn help() {
    assert_snapshot!(tiny().with("COLUMNS", "100").run(&["--help"]).exits(0).stdout);
    assert_snapshot!(tiny().with("COLUMNS", "100").run(&["push", "--help"]).exits(0).stdout);
    for verb in ["train", "launch", "runs", "report", "lineage", "diff"] {
        let help = tiny().with("COLUMNS", "100").run(&[verb, "--help"]).exits(0).stdout;
        assert_snapshot!(format!("help_of_{verb}"), help);
    }
}

#[test]
fn quiet_says_nothing_and_colour_is_a_choice() {
    let sandbox = tiny();
    assert_eq!(sandbox.run(&["dist", "--quiet"]).exits(0).stderr, "");
    assert!(!sandbox.run(&["dist"]).exits(0).stderr.contains('\x1b'));
    assert!(
        sandbox
            .run(&["dist", "--color", "always"])
            .exits(0)
            .stderr
            .contains('\x1b')
    );
}

#[test]
fn version() {
    let ran = tiny().run(&["--version"]).exits(0);
    assert_eq!(ran.stdout, concat!("sgbuild ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_misspelt_variable_is_told() {
    let sandbox = tiny()
        .with("SGBUILD_PLATFROM", "x")
        .with("SGBUILD_ENV", "A=b")
        .with("SGBUILD_OTHER_TOOLS", "y");
    let said = sandbox.run(&["settings"]).exits(0).stderr;
    assert_eq!(
        said,
        "warning: there is no setting SGBUILD_ENV; did you mean SGBUILD_ENVIRONMENT?\n\
         warning: there is no setting SGBUILD_PLATFROM; did you mean SGBUILD_PLATFORM?\n"
    );
}

#[test]
fn what_push_would_refuse_its_dry_run_refuses() {
    let sandbox = tiny().with_testbed();
    let dry = |arguments: &[&str]| sandbox.run(&[&["push", "--dry-run"], arguments].concat());
    dry(&["--tag", "a b"]).exits(2).says(&["`a b` is not an image tag"]);
    dry(&["--engine", "podman"])
        .exits(2)
        .says(&["there is no engine `podman`"]);
    let digest = format!("registry.example/iris@sha256:{}", "0".repeat(64));
    dry(&["--repository", &digest])
        .exits(2)
        .says(&["a digest names an image that is already there"]);
    let told = dry(&["--no-train", "--function", "f"]).exits(0).stderr;
    assert!(
        told.contains("Would build and push") && !told.contains("Would start"),
        "{told}"
    );
}

#[test]
fn the_cache_is_shown_and_cleared() {
    let home = tempfile::tempdir().unwrap();
    let sandbox = tiny().with("XDG_CACHE_HOME", home.path().to_str().unwrap());
    let empty = sandbox.run(&["cache", "--json"]).exits(0).json();
    assert_eq!(
        (&empty["bytes"], &empty["limit"]),
        (&0.into(), &20_000_000_000_u64.into())
    );
    let wheels = home.path().join("sgbuild/wheels");
    std::fs::create_dir_all(wheels.join("content/ab")).unwrap();
    std::fs::create_dir_all(wheels.join("notes/resolution")).unwrap();
    let wheel = wheels.join("content/ab/abcdef-1500");
    std::fs::write(&wheel, vec![0; 1500]).unwrap();
    std::fs::write(wheels.join("notes/resolution/x.json"), "{}").unwrap();
    let shown = sandbox.run(&["cache"]).exits(0).stdout;
    assert!(
        shown.contains("/sgbuild/wheels: 1.50 kB of at most 20.00 GB\n"),
        "{shown}"
    );
    assert!(shown.contains("wheels      1  1.50 kB  last used "), "{shown}");
    let json = sandbox.run(&["cache", "--json"]).exits(0).json();
    assert_eq!(json["kinds"]["resolution"]["entries"], 1);
    let cleared = sandbox.run(&["cache", "clear"]).exits(0);
    assert!(
        cleared.stderr.contains("Removed 2 files, 1.50 kB"),
        "{}",
        cleared.stderr
    );
    assert!(!wheel.exists());
    assert_eq!(sandbox.run(&["cache", "--json"]).exits(0).json()["bytes"], 0);
}
