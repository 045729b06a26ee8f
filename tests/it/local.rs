//! `sgbuild train --local`: trainings on this machine, by `local/drills.py`, which end in every way in which trainings end.

mod hostile;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Ran, Sandbox, Testbed};

const SETUP: &str = r#"
from setuptools import setup

setup(name="drills", version="1.0", packages=["drills"], python_version="3.11",
      entry_points={"sgbuild.train": ["train = drills:train"]})
"#;

/// The package, with a name and so an image of the test's own.
fn drills(test: &str) -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed().with("SGBUILD_ENGINE", "native");
    sandbox.write(
        "setup.py",
        &SETUP.replace("\"drills\", v", &format!("\"drills-{test}\", v")),
    );
    sandbox.write("drills/__init__.py", include_str!("local/drills.py"));
    sandbox
}

fn train(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run(&[&["train", "--local"], arguments].concat())
}

fn kind(sandbox: &Sandbox, kind: &str, more: &[&str]) -> Ran {
    let kind = format!("kind={kind}");
    train(sandbox, &[&["--hyperparameter", &kind], more].concat())
}

/// The names in an archive, sorted.
fn names(path: &Path) -> Vec<String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path).unwrap()));
    let entries = archive.entries().unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    names.sort();
    names
}

/// What docker lists, a line each.
fn listed(arguments: &[&str]) -> Vec<String> {
    let output = Command::new(Testbed::get().variable("SGBUILD_TESTBED_DOCKER"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "docker {arguments:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(ToOwned::to_owned).collect()
}

/// The runs whose containers of the test's image are there, one for each.
fn containers(test: &str) -> Vec<String> {
    let image = format!("ancestor=sgbuild/drills-{test}:1.0");
    let label = r#"{{.Label "com.sgbuild.local"}}"#;
    listed(&["ps", "--all", "--filter", &image, "--format", label])
}

fn networks(run: &str) -> usize {
    let label = format!("label=com.sgbuild.local={run}");
    listed(&["network", "ls", "--quiet", "--filter", &label]).len()
}

/// Starts a training that goes on until it is told, and waits until it trains.
fn begun(sandbox: &Sandbox, kind: &str, says: &str, more: &[&str]) -> Child {
    let kind = format!("kind={kind}");
    let mut child = sandbox.spawn(&[&["train", "--local", "--hyperparameter", &kind], more].concat());
    let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.contains(says)), "{says}");
    child
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
}

#[test]
fn the_container_is_told_what_sagemaker_tells() {
    let sandbox = drills("told");
    sandbox.write("data/a.csv", "a,b\n1,2\n");
    let output = sandbox.project().join("out");
    let output = output.to_str().unwrap();
    let asked = [
        "--input",
        "training=data",
        "--input",
        "extra=data/a.csv",
        "--channel-mode",
        "extra=FastFile",
        "--content-type",
        "extra=text/csv",
        "--training-env",
        "LAYERS=2",
        "--region",
        "eu-west-1",
        "--run-id",
        "r1",
    ];
    let more = ["--hyperparameter", "depth=3", "--output", output];
    let ran = kind(&sandbox, "looks", &[&asked[..], &more].concat());
    // No function of the name takes it, so it is refused by run.py, as in the job.
    ran.exits(1).says(&["takes no hyperparameter depth: it takes kind"]);
    let ran = kind(&sandbox, "looks", &asked);
    let log = ran.exits(0).stderr;
    let from = log.find("    /opt/ml/").unwrap();
    let to = log.find("==> Done").unwrap();
    insta::assert_snapshot!(&log[from..to]);
}

#[test]
fn what_is_refused_for_a_job_is_refused_before_anything_is_built() {
    let sandbox = drills("refused");
    let wrong = ["--input", "training=nowhere", "--instance-type", "m5.large"];
    train(&sandbox, &wrong)
        .exits(2)
        .says(&["`m5.large` is not a SageMaker instance type"]);
    let long = format!("name={}", "x".repeat(2_501));
    train(&sandbox, &["--hyperparameter", &long])
        .exits(1)
        .says(&["has 2501 characters; SageMaker takes at most 2500"]);
    train(&sandbox, &["--input", "a/b=data"])
        .exits(2)
        .says(&["is not a channel's name"]);
    train(&sandbox, &["--image", "sgbuild/drills:none", "--wait"]).exits(2);
    sandbox
        .run(&["train", "--extra", "gpu"])
        .exits(2)
        .says(&["`extras` is of the image, and `sgbuild train` builds one with `--local` alone"]);
    assert!(!sandbox.project().join("dist").exists());
    let seen = kind(&sandbox, "well", &["--dry-run", "--instances", "2"])
        .exits(0)
        .stdout;
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(
        seen["resourceconfig.json"]["hosts"],
        serde_json::json!(["algo-1", "algo-2"])
    );
    assert!(!sandbox.project().join("dist").exists());
    train(&sandbox, &["--input", "training=nowhere"])
        .exits(1)
        .says(&["the channel training cannot be read: nowhere"]);
}

#[test]
fn every_end_has_its_reason_and_its_files() {
    let sandbox = drills("ends");
    let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
    let no_train = ["--image", base, "--output", "/proc/nowhere"];
    train(&sandbox, &no_train)
        .exits(1)
        .says(&["cannot write /proc/nowhere"]);
    train(&sandbox, &["--image", base]).exits(1).says(&[
        "executable file not found",
        "SageMaker starts an image as `docker run IMAGE train`",
    ]);
    let model = kind(&sandbox, "well", &["--metric", "loss=loss=([0-9.]+)"]);
    let model = model.exits(0).says(&["loss  1 █▃▁▁ 0.25"]).stdout;
    let model = sandbox.project().join(model.trim_end());
    assert_eq!(names(&model), ["weights.bin"]);
    assert_eq!(names(&model.with_file_name("output.tar.gz")), ["plot.txt"]);
    let failed = |name: &str, more: &[&str], says: &[&str]| {
        let said = kind(&sandbox, name, more).exits(1).says(says).stderr;
        said[said.find("error[").unwrap()..].to_owned()
    };
    failed("raises", &[], &["(exit code 1): ValueError: no such species: rosa"]);
    failed("exits", &[], &["failed (exit code 3): exit code 3"]);
    failed(
        "exits_at_once",
        &[],
        &["(exit code 4): exit code 4, and nothing was said"],
    );
    failed(
        "segfault",
        &[],
        &["(exit code 139): the training crashed in compiled code: SIGSEGV"],
    );
    failed(
        "memory",
        &["--memory", "100m"],
        &["(exit code 137): out of memory: the kernel killed the training"],
    );
    failed(
        "disk",
        &["--shm-size", "8m"],
        &["No space left on device", "The disk is full"],
    );
    let own = failed("own_words", &[], &["(exit code 5): the data is of last year"]);
    assert_eq!(
        own.matches('x').count(),
        1_024 - "the data is of last year ".len() + "exit".matches('x').count()
    );
    assert!(containers("ends").is_empty());
}

#[test]
fn sigterm_is_heard_or_sigkill_follows() {
    let sandbox = drills("stops");
    let output = sandbox.project().join("kept");
    let stopped = ["--max-runtime", "1", "--output", output.to_str().unwrap()];
    kind(&sandbox, "checkpoints", &stopped).exits(1).says(&[
        "begins with epoch 0",
        "Stopping (max-runtime, 1 s): SIGTERM now, SIGKILL in 120 s",
        "was stopped: it took longer than 1 s",
    ]);
    let epoch: u32 = fs::read_to_string(output.join("checkpoints/epoch"))
        .unwrap()
        .parse()
        .unwrap();
    assert!(epoch > 0);
    assert_eq!(names(&output.join("model.tar.gz")), ["epoch"]);

    // What was kept is found again; Ctrl-C is heard, and nothing has to be killed.
    let again = format!("begins with epoch {epoch}");
    let child = begun(&sandbox, "checkpoints", &again, &["--output", output.to_str().unwrap()]);
    signal(&child, Signal::INT);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("==> Stopped ") && !said.contains("Killing"), "{said}");
    let later: u32 = fs::read_to_string(output.join("checkpoints/epoch"))
        .unwrap()
        .parse()
        .unwrap();
    assert!(later > epoch);

    let deaf = kind(&sandbox, "deaf", &["--max-runtime", "1", "--stop-timeout", "1"]);
    deaf.exits(1)
        .says(&["SIGKILL in 1 s", "Killing (1 s are over): SIGKILL"]);
    assert!(containers("stops").is_empty());
}

/// What is read there as soon as it is, and something else than `last`.
fn awaited(path: &Path, last: &str) -> String {
    let begun = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text != last => return text,
            _ => assert!(begun.elapsed() < Duration::from_mins(1), "{}", path.display()),
        }
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn checkpoints_are_kept_while_it_trains_and_however_it_ends() {
    let sandbox = drills("keeps");
    let cache = sandbox.home().join("cache");
    let sandbox = sandbox.with("XDG_CACHE_HOME", cache.display().to_string());
    let output = sandbox.project().join("kept");
    let more = ["--output", output.to_str().unwrap()];
    let kept = output.join("checkpoints/last");
    let mut child = begun(&sandbox, "saves", "begins with step 0", &more);
    let first = awaited(&kept.join("step"), "");
    let second = awaited(&kept.join("step"), &first);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    // What the training removed is removed here, and what a copy was at when it was killed is no checkpoint.
    let weights = fs::read_dir(&kept).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_str().unwrap().starts_with("weights-")
    });
    assert!(weights.count() <= 4, "{second}");
    let step: u32 = awaited(&kept.join("step"), "").parse().unwrap();
    let again = format!("begins with step {step}");
    let child = begun(&sandbox, "saves", &again, &more);
    signal(&child, Signal::INT);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let later: u32 = awaited(&kept.join("step"), "").parse().unwrap();
    assert!(later > step);
    assert!(containers("keeps").is_empty());
}

#[test]
fn hosts_and_pipes_leave_nothing_whatever_happens() {
    // Another test's run would clear up what is looked for.
    let sandbox = drills("hosts");
    let cache = sandbox.home().join("cache");
    let sandbox = sandbox.with("XDG_CACHE_HOME", cache.display().to_string());
    let model = kind(&sandbox, "sees_the_others", &["--instances", "2"]);
    let model = model
        .exits(0)
        .says(&["algo-1 | algo-1 sees 2 hosts", "algo-2 | algo-2 sees 2 hosts"])
        .stdout;
    assert_eq!(names(&sandbox.project().join(model.trim_end())), ["algo-1", "algo-2"]);
    assert!(containers("hosts").is_empty());

    sandbox.write("data/a.csv", "a,b\n1,2\n");
    let piped = ["--input", "training=data", "--input-mode", "Pipe"];
    let read = kind(&sandbox, "reads_pipes", &piped).exits(0);
    read.says(&["epoch 0: 8 characters", "epoch 2: 8 characters"]);

    let mut child = begun(&sandbox, "deaf", "does not listen", &["--instances", "2"]);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let runs = containers("hosts");
    assert_eq!((runs.len(), networks(&runs[0])), (2, 1));
    kind(&sandbox, "well", &[]).exits(0);
    assert!(containers("hosts").is_empty());
    assert_eq!(networks(&runs[0]), 0);
    assert_eq!(fs::read_dir(cache.join("sgbuild/local")).unwrap().count(), 0);
}

/// The testbed's podman has no nft.
#[test]
fn a_podman_that_can_make_no_network_says_what_to_install() {
    let podman = Testbed::get().variable("SGBUILD_TESTBED_PODMAN");
    let sandbox = drills("podman").with("DOCKER_HOST", podman);
    kind(&sandbox, "well", &["--instances", "2"]).exits(1).says(&[
        "unable to execute nft",
        "apt-get install nftables",
        "train on one host",
    ]);
    kind(&sandbox, "well", &[]).exits(0);
}

#[test]
fn a_process_trains_where_there_is_no_daemon() {
    let sandbox = drills("process").with("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let cache = sandbox.home().join("cache");
    let sandbox = sandbox.with("XDG_CACHE_HOME", cache.display().to_string());
    let local = |more: &[&str]| sandbox.run(&[&["train", "--local=process"], more].concat());
    let output = sandbox.project().join("kept");
    let in_its_place = [
        "--hyperparameter",
        "kind=in_its_place",
        "--output",
        output.to_str().unwrap(),
    ];
    local(&in_its_place).exits(0).says(&[
        "in a process, which is not all that a container is",
        "/opt/ml is another directory",
        "wrote ",
    ]);
    assert_eq!(fs::read_to_string(output.join("checkpoints/epoch")).unwrap(), "1");
    local(&["--hyperparameter", "kind=exits"])
        .exits(1)
        .says(&["(exit code 3)"]);
    local(&["--memory", "1g"])
        .exits(1)
        .says(&["--memory needs a container"]);
    train(&sandbox, &[])
        .exits(1)
        .says(&["`--local=process` trains without a container"]);
    // As a killed run of its kind leaves it.
    let left = sandbox.home().join("cache/sgbuild/local");
    fs::create_dir_all(left.join("run-00000000/environment")).unwrap();
    fs::write(left.join("run-00000000.lock"), "").unwrap();
    local(&["--hyperparameter", "kind=exits"]).exits(1);
    assert_eq!(fs::read_dir(left).unwrap().count(), 0);
}
