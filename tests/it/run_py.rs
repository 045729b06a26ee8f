//! The container's entry point, run by the Python at hand against small packages.

#![cfg(test)]

mod arguments;
mod ends;
mod serving;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const TEMPLATE: &str = include_str!("../../templates/run.py");

/// A directory with a rendered run.py, a package `iris`, and what is `/opt/ml` in a container.
struct Container {
    dir: TempDir,
}

impl Container {
    /// `train` is the body of `iris/train.py`, whose `main` is the training function.
    fn new(train: &str) -> Self {
        Self::with_entry_points(train, "iris.train:main", "", false)
    }

    fn with_entry_points(train: &str, train_object: &str, serve_object: &str, console_script: bool) -> Self {
        Self::rendered(train, (train_object, serve_object, ""), console_script)
    }

    /// `initializer` makes the model that `serve_object` takes.
    fn serving(source: &str, serve_object: &str, initializer: &str) -> Self {
        Self::rendered(source, ("", serve_object, initializer), false)
    }

    fn rendered(
        train: &str,
        (train_object, serve_object, initializer): (&str, &str, &str),
        console_script: bool,
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let root = dir.path();
        for sub in ["program", "packages/iris", "ml/output", "ml/model"] {
            fs::create_dir_all(root.join(sub)).unwrap();
        }
        let rendered = minijinja::Environment::new()
            .render_str(
                TEMPLATE,
                minijinja::context! {
                    train => train_object, serve => serve_object, initializer, train_is_console_script => console_script,
                    prefix => root.join("ml").to_str().unwrap(),
                },
            )
            .unwrap();
        fs::write(root.join("program/run.py"), rendered).unwrap();
        fs::write(root.join("packages/iris/__init__.py"), "").unwrap();
        fs::write(root.join("packages/iris/train.py"), train).unwrap();
        Self { dir }
    }

    /// With one of SageMaker's configuration files.
    fn configured(self, name: &str, content: &serde_json::Value) -> Self {
        let directory = self.path("ml/input/config");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(name), content.to_string()).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("python3");
        command
            .arg(self.path("program/run.py"))
            .args(arguments)
            .env("PYTHONPATH", self.path("packages"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("PYTHONUNBUFFERED")
            .current_dir(self.dir.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn failure(&self) -> Option<String> {
        fs::read_to_string(self.path("ml/output/failure")).ok()
    }
}

fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_training_that_succeeds_exits_0_without_a_failure_file() {
    let container =
        Container::new("import sys\ndef main():\n    print('accuracy', sys.argv[1:])\n    return {'score': 1}\n");
    for arguments in [&["train"][..], &[]] {
        let output = container.run(arguments);
        assert_eq!(
            (code(&output), stdout(&output).as_str()),
            (0, "accuracy []\n"),
            "{output:?}"
        );
        assert_eq!(container.failure(), None);
    }
}

#[test]
fn an_exception_is_reported_with_the_place_in_the_packages_code() {
    let container = Container::new(
        "import json\ndef main():\n    load()\n\ndef load():\n    try:\n        json.loads('{')\n    except ValueError as e:\n        raise RuntimeError('broken data') from e\n",
    );
    let output = container.run(&["train"]);
    let failure = container.failure().unwrap();
    assert_eq!(code(&output), 1);
    let lines: Vec<&str> = failure.lines().collect();
    assert_eq!(lines[0], "RuntimeError: broken data");
    assert!(
        lines[1].starts_with("at ") && lines[1].ends_with("iris/train.py:9 in load"),
        "{failure}"
    );
    assert!(failure.contains("json.decoder.JSONDecodeError"), "{failure}");
    assert!(
        stderr(&output).contains("Traceback") && stderr(&output).ends_with("RuntimeError: broken data\n"),
        "{output:?}"
    );
    assert!(
        !stderr(&output).contains("run.py"),
        "the entry point's own frames only distract: {output:?}"
    );
}

#[test]
fn the_innermost_frame_is_the_packages_not_a_librarys() {
    let container = Container::new("import json\ndef main():\n    json.loads('{')\n");
    container.run(&["train"]);
    let failure = container.failure().unwrap();
    assert!(
        failure.lines().nth(1).unwrap().ends_with("iris/train.py:3 in main"),
        "{failure}"
    );
}

#[test]
fn a_long_message_leaves_room_for_the_place() {
    let container = Container::new("def main():\n    raise ValueError('x' * 50_000)\n");
    container.run(&["train"]);
    let failure = container.failure().unwrap();
    let shown: String = failure.chars().take(1024).collect();
    assert!(
        shown.starts_with("ValueError: xxx") && shown.contains("iris/train.py:2 in main"),
        "{shown}"
    );
    assert!(failure.chars().count() <= 16 * 1024);
}

#[test]
fn exit_codes_are_pythons() {
    for (statement, expected) in [
        ("sys.exit()", 0),
        ("sys.exit(0)", 0),
        ("sys.exit(3)", 3),
        ("sys.exit(True)", 1),
        ("sys.exit(256)", 1),
        ("sys.exit('no data')", 1),
        ("raise KeyboardInterrupt", 130),
    ] {
        let container = Container::new(&format!("import sys\ndef main():\n    {statement}\n"));
        assert_eq!(code(&container.run(&["train"])), expected, "{statement}");
        assert_eq!(container.failure().is_some(), expected != 0, "{statement}");
    }
}

#[test]
fn the_message_of_an_exit_is_the_reason() {
    let container = Container::new("import sys\ndef main():\n    sys.exit('no training data')\n");
    let output = container.run(&["train"]);
    assert_eq!(stderr(&output), "no training data\n");
    assert!(container.failure().unwrap().starts_with("no training data\nat "));
}

#[test]
fn a_console_scripts_integer_is_the_exit_code() {
    let returning = |value: &str, console_script: bool| {
        let source = format!("def main():\n    return {value}\n");
        let container = Container::with_entry_points(&source, "iris.train:main", "", console_script);
        (code(&container.run(&["train"])), container.failure())
    };
    assert_eq!(returning("4", true), (4, Some("iris.train:main returned 4".to_owned())));
    assert_eq!(returning("0", true), (0, None));
    assert_eq!(returning("None", true), (0, None));
    assert_eq!(returning("0.97", true), (0, None));
    assert_eq!(returning("4", false), (0, None));
}

#[test]
fn a_class_method_can_train() {
    let source = "class Trainer:\n    @classmethod\n    def fit(cls):\n        print('fitted by', cls.__name__)\n";
    let container = Container::with_entry_points(source, "iris.train:Trainer.fit", "", false);
    assert_eq!(stdout(&container.run(&["train"])), "fitted by Trainer\n");
}

#[test]
fn what_cannot_be_called_is_said_clearly() {
    let reason = |source: &str, object: &str| {
        let container = Container::with_entry_points(source, object, "", false);
        let output = container.run(&["train"]);
        assert_eq!(code(&output), 1);
        let failure = container.failure().unwrap();
        let first = failure.lines().next().unwrap().to_owned();
        assert!(stderr(&output).contains(&first), "{output:?}");
        assert!(!stderr(&output).contains("CannotStart"), "{output:?}");
        failure
    };
    let missing_dependency = reason("import no_such_library\ndef main(): pass\n", "iris.train:main");
    assert!(missing_dependency.starts_with(
        "cannot import iris.train: ModuleNotFoundError: No module named 'no_such_library'\nIs no_such_library in install_requires of the package?\nat "
    ), "{missing_dependency}");
    assert!(!missing_dependency.contains("importlib"), "{missing_dependency}");
    let missing_module = reason("", "iris.fit:main");
    assert!(missing_module.starts_with("cannot import iris.fit: ModuleNotFoundError: No module named 'iris.fit'\n\n"));
    assert!(reason("", "iris.train:main").starts_with("cannot find iris.train:main: <module 'iris.train'"));
    assert!(reason("main = 3\n", "iris.train:main").starts_with("iris.train:main is not a function but 3"));
    assert!(reason("async def main(): pass\n", "iris.train:main").contains("is an async function"));
    assert!(reason("", "").starts_with("the package declares no training function"));
    assert!(
        reason("def main(:\n", "iris.train:main").starts_with("File \""),
        "a syntax error names its line first"
    );
    assert!(
        reason("def main(data): pass\n", "iris.train:main").starts_with("iris.train:main needs data, and the job has")
    );
}

#[test]
fn a_failure_file_of_the_package_is_kept() {
    let source = "import os\ndef main():\n    open(os.environ['FAILURE'], 'w').write('too few rows')\n    raise ValueError('x')\n";
    let container = Container::new(source);
    fs::write(container.path("ml/output/failure"), "of an earlier run").unwrap();
    let output = container
        .command(&["train"])
        .env("FAILURE", container.path("ml/output/failure"))
        .output()
        .unwrap();
    assert_eq!(
        (code(&output), container.failure().as_deref()),
        (1, Some("too few rows"))
    );
}

#[test]
fn a_failure_file_of_an_earlier_run_is_not_this_runs() {
    let container = Container::new("def main():\n    pass\n");
    fs::write(container.path("ml/output/failure"), "of an earlier run").unwrap();
    assert_eq!((code(&container.run(&["train"])), container.failure()), (0, None));
}

#[test]
fn an_unwritable_failure_file_changes_no_exit_code() {
    let container = Container::new("import sys\ndef main():\n    sys.exit(3)\n");
    fs::remove_dir(container.path("ml/output")).unwrap();
    fs::write(container.path("ml/output"), "not a directory").unwrap();
    let output = container.run(&["train"]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("could not be written"), "{output:?}");
}

#[test]
fn a_full_disk_is_named() {
    let container = Container::new(
        "import errno\ndef main():\n    try:\n        raise OSError(errno.ENOSPC, 'No space left on device')\n    except OSError:\n        raise RuntimeError('cannot save')\n",
    );
    container.run(&["train"]);
    let failure = container.failure().unwrap();
    assert!(
        failure.starts_with("RuntimeError: cannot save\n") && failure.contains("\nThe disk is full"),
        "{failure}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_no_success() {
    let container = Container::new("import sys\ndef main():\n    sys.stdout.write('no newline')\n");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = container.command(&["train"]).stdout(full).output().unwrap();
    assert_ne!(code(&output), 0, "{output:?}");
    assert!(container.failure().unwrap().contains("No space left"), "{output:?}");
}

#[test]
fn anything_but_train_and_serve_is_a_usage_error() {
    let container = Container::new("def main():\n    print('trained')\n");
    for arguments in [&["fit"][..], &["train", "--epochs"], &["serve"]] {
        let output = container.run(arguments);
        assert_eq!((code(&output), stdout(&output).as_str()), (2, ""), "{arguments:?}");
        assert!(
            stderr(&output).contains("usage: docker run IMAGE [train | serve]"),
            "{output:?}"
        );
    }
    assert!(stderr(&container.run(&["serve"])).starts_with("this image cannot serve"));
}

#[test]
fn serving_calls_the_serving_function_and_writes_no_failure() {
    let source = "def serve():\n    raise OSError('port taken')\n";
    let container = Container::with_entry_points(source, "", "iris.train:serve", false);
    let output = container.run(&["serve"]);
    assert_eq!((code(&output), container.failure()), (1, None));
    assert!(stderr(&output).ends_with("OSError: port taken\n"), "{output:?}");
}

#[test]
fn a_module_named_like_the_entry_point_is_the_packages() {
    let container = Container::with_entry_points("", "run:main", "", false);
    fs::write(container.path("packages/run.py"), "def main():\n    print('mine')\n").unwrap();
    assert_eq!(stdout(&container.run(&["train"])), "mine\n");
}

/// Starts the training, waits for its first line of output, sends SIGTERM; answers with the code, the rest of its
/// output and how long it took to end.
fn terminated(container: &Container) -> (Option<i32>, String, Duration) {
    let mut child = container.command(&["train"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(
        lines.next().unwrap().unwrap(),
        "training",
        "printed lines arrive at once"
    );
    let sent = Instant::now();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let status = child.wait().unwrap();
    (status.code(), rest.join("\n"), sent.elapsed())
}

#[test]
fn sigterm_runs_finally_and_atexit_and_ends_within_a_second() {
    let container = Container::new(
        "import atexit, time\natexit.register(print, 'atexit')\ndef main():\n    try:\n        print('training')\n        time.sleep(60)\n    finally:\n        print('finally')\n",
    );
    let (code, output, took) = terminated(&container);
    assert_eq!((code, output.as_str()), (Some(143), "finally\natexit"));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(container.failure(), None, "a stopped training did not fail");
}

#[test]
fn the_packages_own_sigterm_handler_wins() {
    let container = Container::new(
        "import os, signal, sys, time\ndef save(signum, frame):\n    os.write(1, b'checkpoint saved\\n')\n    sys.exit(0)\ndef main():\n    signal.signal(signal.SIGTERM, save)\n    print('training')\n    time.sleep(60)\n",
    );
    let (code, output, took) = terminated(&container);
    assert_eq!((code, output.as_str()), (Some(0), "checkpoint saved"));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn worker_processes_are_ended_by_sigterm_as_usual() {
    let container = Container::new(
        "import multiprocessing, time\ndef work():\n    try:\n        time.sleep(60)\n    finally:\n        print('not reached')\ndef main():\n    worker = multiprocessing.get_context('fork').Process(target=work)\n    worker.start()\n    time.sleep(0.3)\n    worker.terminate()\n    worker.join()\n    print('ended by', -worker.exitcode)\n",
    );
    assert_eq!(stdout(&container.run(&["train"])), "ended by 15\n");
}

#[test]
fn the_template_needs_no_prefix_and_keeps_the_platforms() {
    let rendered = minijinja::Environment::new()
        .render_str(
            TEMPLATE,
            minijinja::context! { train => "iris.train:main", serve => (), train_is_console_script => false },
        )
        .unwrap();
    assert!(
        rendered.contains("PREFIX = \"/opt/ml\"\n") && rendered.contains("SERVE = \"\"\n"),
        "{rendered}"
    );
    assert!(!rendered.contains("{{"), "{rendered}");
}

#[test]
fn the_failure_is_written_whatever_becomes_of_standard_error() {
    let container = Container::new("def main():\n    raise ValueError('bad row')\n");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = container.command(&["train"]).stderr(full).output().unwrap();
    assert_eq!(code(&output), 1);
    assert!(container.failure().unwrap().starts_with("ValueError: bad row"));
    let closing = Container::new("import sys\ndef main():\n    sys.stderr.close()\n    raise ValueError('bad row')\n");
    assert_eq!(code(&closing.run(&["train"])), 1);
    assert!(closing.failure().unwrap().starts_with("ValueError: bad row"));
}

#[test]
fn an_exception_without_a_text_is_named() {
    let mute = "class Mute(Exception):\n    def __str__(self):\n        raise TypeError\n";
    for end in ["raise Mute()", "raise SystemExit(Mute())"] {
        let container = Container::new(&format!("{mute}def main():\n    {end}\n"));
        assert_eq!(code(&container.run(&["train"])), 1, "{end}");
        assert!(container.failure().unwrap().contains("Mute"), "{end}");
    }
}

#[test]
fn what_an_argument_too_many_means_for_sagemaker() {
    let container = Container::new("def main():\n    pass\n");
    assert_eq!(code(&container.run(&["train", "--lr", "3"])), 2);
    assert_eq!(container.failure().unwrap(), "cannot run: train --lr 3");
}

#[test]
fn a_result_that_could_be_awaited_is_a_result() {
    let future = "class Future:\n    def __await__(self):\n        yield\ndef main():\n    return Future()\n";
    assert_eq!(code(&Container::new(future).run(&["train"])), 0);
    let closed = "import sys\ndef main():\n    sys.stdout.close()\n";
    assert_eq!(code(&Container::new(closed).run(&["train"])), 0);
}

#[test]
fn a_console_scripts_text_is_its_failure() {
    let text = "def main():\n    return 'no data found'\n";
    let script = Container::with_entry_points(text, "iris.train:main", "", true);
    assert_eq!(code(&script.run(&["train"])), 1);
    assert_eq!(script.failure().unwrap(), "no data found");
    assert_eq!(code(&Container::new(text).run(&["train"])), 0);
}
