//! What a training, its checkout or its data may not do to this machine.

use std::fs;
use std::os::unix::fs::symlink;

use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{begun, containers, drills, kind, signal};

#[test]
fn a_pipes_place_is_its_own() {
    let sandbox = drills("pipes");
    sandbox.write("data/a.csv", "PWNED");
    sandbox.write("victim", "as it was");
    let victim = sandbox.project().join("victim");
    let in_container = format!("VICTIM={}", victim.display());
    let piped = [
        "--input",
        "training=data",
        "--input",
        "one=data/a.csv",
        "--input-mode",
        "Pipe",
    ];
    let more = ["--channel-mode", "one=File", "--training-env", &in_container];
    kind(&sandbox, "leads_a_pipe_elsewhere", &[&piped[..], &more].concat())
        .exits(0)
        .says(&["refused: Read-only file system", "PWNED"]);
    assert_eq!(fs::read_to_string(victim).unwrap(), "as it was");
}

#[test]
fn links_of_the_data_lead_a_pipe_to_nothing_else() {
    let sandbox = drills("linked");
    sandbox.write("data/a.csv", "a");
    sandbox.write("secret", "s");
    symlink("../secret", sandbox.project().join("data/b.csv")).unwrap();
    let piped = ["--input", "training=data", "--input-mode", "Pipe"];
    kind(&sandbox, "reads_pipes", &piped).exits(1).says(&[
        "error[no-training-data]: the channel training cannot be read: ",
        "data/b.csv",
        "it is a link that leads out of the channel's directory",
    ]);
}

#[test]
fn links_of_a_checkout_lead_what_is_left_nowhere_else() {
    let sandbox = drills("left");
    // So that a checkout knows the directory.
    sandbox.write("setup.cfg", "[sgbuild]\nrun-id = r1\n");
    let elsewhere = sandbox.home().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("key"), "secret").unwrap();
    let local = sandbox.project().join("dist/local");
    fs::create_dir_all(local.join("drills-left-r1")).unwrap();
    symlink(&elsewhere, local.join("drills-left-r1/checkpoints")).unwrap();
    let refused = |what: &str| {
        let ran = kind(&sandbox, "well", &[]).exits(1);
        let named = format!("cannot write ./dist/local{what}\n");
        ran.says(&["error[not-writable]", &named, "it is a link"]);
    };
    refused("/drills-left-r1/checkpoints");
    fs::remove_dir_all(&local).unwrap();
    symlink(&elsewhere, &local).unwrap();
    refused("");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1);
}

#[test]
fn a_checkpoint_may_become_a_link() {
    let sandbox = drills("becomes");
    sandbox.write("out/checkpoints/latest/weights", "w");
    let output = sandbox.project().join("out");
    let output = output.to_str().unwrap();
    kind(&sandbox, "replaces_a_directory", &["--output", output]).exits(0);
    let latest = sandbox.project().join("out/checkpoints/latest");
    assert_eq!(fs::read_link(latest).unwrap().to_str(), Some("step-2"));
}

#[test]
fn a_log_that_nobody_reads_keeps_the_second_signal_from_nothing() {
    let sandbox = drills("unread");
    let cache = sandbox.home().join("cache");
    let sandbox = sandbox.with("XDG_CACHE_HOME", cache.display().to_string());
    let mut child = begun(&sandbox, "talks", "talks", &[]);
    sleep(Duration::from_secs(1));
    signal(&child, Signal::TERM);
    sleep(Duration::from_millis(1_200));
    assert!(child.try_wait().unwrap().is_none());
    signal(&child, Signal::TERM);
    let asked = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(asked.elapsed() < Duration::from_secs(2));
        sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // As of every killed run.
    kind(&sandbox, "well", &[]).exits(0);
    assert!(containers("unread").is_empty());
}
