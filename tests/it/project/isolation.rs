//! Everything that a setup.py can do to whoever asks it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::hooks::computing;

/// Runs `inspect` and returns how long it took after the environment was made.
fn stopped_at_the_limit(code: &str, seconds: u64) -> (crate::support::Sandbox, Duration) {
    computing("").run(&["inspect"]).exits(0);
    let sandbox = computing(code).with("SGBUILD_PYTHON_TIMEOUT", seconds.to_string());
    let started = Instant::now();
    let ran = sandbox.run(&["inspect"]).exits(1);
    ran.says(&[
        &format!("did not finish within {seconds} s"),
        "hint: ",
        "Python was asked because setup.py:",
    ]);
    (sandbox, started.elapsed())
}

#[test]
fn a_loop_for_ever_is_stopped() {
    let (_, elapsed) = stopped_at_the_limit("while True:\n    pass", 1);
    assert!(elapsed < Duration::from_secs(6), "{elapsed:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_daemon_that_ignores_signals_is_stopped_too() {
    let code = "
import os, signal, time
told = os.environ['HOME'] + '/daemon'
if os.fork() == 0:
    os.setsid()
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    if os.fork():
        os._exit(0)
    with open(told + '.part', 'w') as file:
        file.write(str(os.getpid()))
    os.rename(told + '.part', told)
    time.sleep(300)
    os._exit(0)
while not os.path.exists(told):
    time.sleep(0.01)
";
    let gone = |home: &Path| {
        let daemon = fs::read_to_string(home.join("daemon")).unwrap();
        assert!(!Path::new("/proc").join(daemon).exists());
    };
    let (sandbox, elapsed) = stopped_at_the_limit(&format!("{code}\nwhile True:\n    time.sleep(1)"), 3);
    gone(&sandbox.home());
    assert!(elapsed < Duration::from_secs(9), "{elapsed:?}");
    // Where setup.py answers in time, what it started does not stay either.
    let answers = computing(code);
    answers.run(&["inspect"]).exits(0);
    gone(&answers.home());
}

#[test]
fn gigabytes_of_output_fill_nothing() {
    let code = "import sys\nfor _ in range(3_000):\n    sys.stdout.write('x' * 1_000_000)\nprint()\nraise RuntimeError('at last')";
    let ran = computing(code).run(&["inspect"]).exits(1);
    assert!(ran.stderr.len() < 200_000);
    ran.says(&["RuntimeError: at last"]);
}

#[test]
fn every_way_to_end_early_is_told() {
    for (code, said) in [
        (
            "import sys\nsys.exit(0 if 1 else 1)",
            "setup() was not called: setup.py ended before it, as with sys.exit(),",
        ),
        (
            "import os\nprint('so far')\nos._exit(3 if 1 else 1)",
            "ended early (exit status: 3) without an answer",
        ),
        ("input('Which version? ')", "EOFError"),
        (
            "import numpy_of_tomorrow",
            "Add the package that holds numpy_of_tomorrow to [build-system] requires",
        ),
    ] {
        let ran = computing(code).run(&["inspect"]).exits(1);
        assert_eq!(ran.stdout, "");
        ran.says(&[said, "hint: ", "Python was asked because setup.py:"]);
    }
}

#[test]
fn a_setup_py_writes_only_when_it_is_asked() {
    let sandbox = computing("import os\nopen(os.environ['HOME'] + '/canary', 'w').close()");
    let canary = sandbox.home().join("canary");
    sandbox.run(&["inspect", "--static"]).exits(1);
    assert!(!canary.exists());
    sandbox.run(&["inspect"]).exits(0);
    assert!(canary.exists());
}

#[test]
fn hooks_find_the_programs_of_build_requirements_first() {
    let sandbox =
        computing("import shutil, sys\ntold = (shutil.which('cmakelang'), shutil.which('python') == sys.executable)")
            .with("VIRTUAL_ENV", "/somewhere");
    let ran = sandbox.run(&["inspect", "--json"]).exits(0);
    assert_eq!(ran.json()["summary"], "(None, True)");
}

#[test]
fn hooks_of_a_build_backend_see_absolute_entries_of_path_only() {
    let sandbox = computing("import os\ntold = os.environ['PATH']");
    let path = std::env::var("PATH").unwrap();
    let sandbox = sandbox.with("PATH", format!(".:{path}::relative"));
    let ran = sandbox.run(&["inspect", "--json"]).exits(0);
    let summary = ran.json()["summary"].as_str().unwrap().to_owned();
    assert!(summary.split(':').all(|entry| entry.starts_with('/')), "{summary}");
    assert!(summary.ends_with(&path), "{summary}");
}
