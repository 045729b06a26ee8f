//! Ctrl-C and SIGTERM: whatever sgbuild is doing, it is over within a second, and so is what it started.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Sandbox;

/// What "within a second" may take on a machine that does other things too.
const PROMPT: Duration = Duration::from_secs(3);

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Signals the process once, and checks that it ends with 130, promptly.
#[track_caller]
fn ends(mut child: Child, with: Signal) {
    let asked = Instant::now();
    signal(&child, with);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!((status.code(), status.signal()), (Some(130), None));
            return;
        }
        if asked.elapsed() > PROMPT {
            child.kill().unwrap();
            panic!("it goes on");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the process sleeps in the kernel, or runs, for the reason that `/proc` gives.
fn until(child: &Child, what: impl Fn(&str) -> bool) {
    let began = Instant::now();
    let stat = Path::new("/proc").join(child.id().to_string());
    while !what(&fs::read_to_string(stat.join("wchan")).unwrap_or_default()) {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A project in which every search for packages goes through `2^20` directories.
fn maze() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "setup.py",
        "from setuptools import setup, find_namespace_packages\nsetup(name='a', version='1', packages=find_namespace_packages())\n",
    );
    for floor in 0..20 {
        let room = sandbox.project().join(format!("floor{floor}"));
        fs::create_dir(&room).unwrap();
        for door in ["left", "right"] {
            std::os::unix::fs::symlink(format!("../floor{}", floor + 1), room.join(door)).unwrap();
        }
    }
    fs::create_dir(sandbox.project().join("floor20")).unwrap();
    sandbox
}

#[test]
fn a_long_walk_ends_at_sigterm_and_sigint() {
    let sandbox = maze();
    for with in [Signal::TERM, Signal::INT] {
        let child = sandbox.spawn(&["inspect", "--static"]);
        std::thread::sleep(Duration::from_millis(200));
        ends(child, with);
    }
}

/// Starts a command whose stderr nobody reads, and waits until it is full.
fn unread(sandbox: &Sandbox) -> Child {
    let lines = "unknown-command\n".repeat(20_000);
    sandbox.write("MANIFEST.in", &lines);
    sandbox.write("setup.py", crate::bad_input::SETUP);
    sandbox.write("tiny/__init__.py", "");
    sandbox.write("tiny/train.py", "def train():\n    pass\n");
    let child = sandbox
        .command(&["dist"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until(&child, |waits| waits.contains("pipe"));
    child
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stderr_keeps_nothing_alive() {
    for with in [Signal::INT, Signal::TERM] {
        let sandbox = Sandbox::empty();
        let child = unread(&sandbox);
        ends(child, with);
        // What a killed run left is cleared by the next.
        fs::remove_file(sandbox.project().join("MANIFEST.in")).unwrap();
        sandbox.run(&["dist"]).exits(0);
        let left = fs::read_dir(sandbox.project()).unwrap().flatten();
        let left: Vec<_> = left
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().starts_with('.'))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_it_at_once() {
    let sandbox = Sandbox::empty();
    let mut child = unread(&sandbox);
    let asked = Instant::now();
    signal(&child, Signal::INT);
    std::thread::sleep(Duration::from_millis(50));
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(asked.elapsed() < Duration::from_millis(700), "{:?}", asked.elapsed());
}

#[test]
fn one_that_waits_for_a_lock_says_so() {
    let sandbox = Sandbox::empty();
    sandbox.write("setup.py", crate::bad_input::SETUP);
    sandbox.write("tiny/__init__.py", "");
    sandbox.write("tiny/train.py", "def train():\n    pass\n");
    let held = fs::File::open(sandbox.project()).unwrap();
    held.lock().unwrap();
    let mut child = sandbox.spawn(&["dist"]);
    let mut said = [0; 40];
    child.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    ends(child, Signal::INT);
}

#[cfg(target_os = "linux")]
#[test]
fn programs_that_were_started_end_too_where_nobody_reads_stderr() {
    let sandbox = Sandbox::empty();
    // setup.py is asked, starts a process that leaves its group, and waits.
    let code = "import os, subprocess, time, sys\n\
        child = subprocess.Popen(['sleep', '300'], start_new_session=True)\n\
        open(os.environ['HOME'] + '/started', 'w').write(str(child.pid) + '\\n')\n\
        time.sleep(300)\n\
        from setuptools import setup\nsetup(name='a', version=sys.argv[0])\n";
    sandbox.write("setup.py", code);
    let child = sandbox.spawn(&["inspect"]);
    let began = Instant::now();
    let started = sandbox.home().join("started");
    let pid = loop {
        match fs::read_to_string(&started) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            _ => assert!(began.elapsed() < Duration::from_mins(2), "setup.py is not asked"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    ends(child, Signal::TERM);
    assert!(!Path::new("/proc").join(pid).exists());
}
