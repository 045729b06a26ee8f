//! Trainings that end without a word of their own.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Container, code, stderr};

#[test]
fn a_crash_is_told_with_the_line_that_was_run() {
    let container = Container::new("import ctypes\ndef main():\n    ctypes.string_at(0)\n");
    let output = container.run(&["train"]);
    assert_eq!(code(&output), 128 + 11);
    let failure = container.failure().unwrap();
    assert!(
        failure.starts_with("the training crashed in compiled code: SIGSEGV\n"),
        "{failure}"
    );
    assert!(failure.contains("iris/train.py\", line 3 in main"), "{failure}");
    assert!(
        stderr(&output).contains("iris/train.py\", line 3 in main"),
        "{output:?}"
    );
}

#[test]
fn an_end_without_a_word_is_told_as_that() {
    for (statement, ends, reason) in [
        ("os._exit(4)", 4, "exit code 4, and nothing was said"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            137,
            "the training was killed (SIGKILL)",
        ),
        ("os.abort()", 134, "the training crashed in compiled code: SIGABRT"),
        (
            "os.kill(os.getpid(), signal.SIGUSR1)",
            138,
            "the training was ended by a signal: SIGUSR1",
        ),
    ] {
        let container = Container::new(&format!("import os, signal\ndef main():\n    {statement}\n"));
        assert_eq!(code(&container.run(&["train"])), ends, "{statement}");
        let failure = container.failure().unwrap();
        assert!(failure.starts_with(reason), "{statement}: {failure}");
    }
}

#[test]
fn what_the_package_wrote_before_it_was_killed_is_kept() {
    let container = Container::new(
        "import os, signal\ndef main():\n    open(os.environ['FAILURE'], 'w').write('row 7 is broken')\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    );
    let mut command = container.command(&["train"]);
    command
        .env("FAILURE", container.path("ml/output/failure"))
        .output()
        .unwrap();
    assert_eq!(container.failure().unwrap(), "row 7 is broken");
}

#[test]
fn a_signal_reaches_the_training_once() {
    let container = Container::new(
        "import signal, time\ncount = 0\ndef counted(*_):\n    global count\n    count += 1\n\
         def main():\n    signal.signal(signal.SIGUSR1, counted)\n    print('training', flush=True)\n    time.sleep(0.5)\n    time.sleep(0.5)\n    print(count)\n",
    );
    let mut child = container.command(&["train"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-USR1", &pid]).status().unwrap().success());
    assert_eq!(lines.next().unwrap().unwrap(), "1");
    assert!(child.wait().unwrap().success());
}

/// As the container's first process it sees off what others left, and ends with the training, not with them.
#[test]
fn what_a_training_leaves_behind_does_not_keep_it() {
    let container = Container::new(
        "import subprocess\ndef main():\n    subprocess.Popen(['sleep', '20'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n",
    );
    let began = Instant::now();
    assert_eq!(code(&container.run(&["train"])), 0);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_training_runs_where_no_file_can_be_made_for_its_crash() {
    let container = Container::new("import ctypes\ndef main():\n    ctypes.string_at(0)\n");
    let mut command = container.command(&["train"]);
    let output = command.env("TMPDIR", "/proc").env("HOME", "/proc").output().unwrap();
    assert_eq!(code(&output), 139, "{output:?}");
    assert!(container.failure().unwrap().starts_with("the training crashed"));
}
