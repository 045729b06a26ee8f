//! Files that no reader should be given: each a clear error, or Python's to answer, within a time limit.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Ran, Sandbox};

pub(super) const CALL: &str = "\nfrom setuptools import setup\nsetup(name='a', version='1')\n";

/// What a reader may take: seconds of its own, whatever else the machine does, and memory (512 MB of it are only reserved).
const SECONDS: u32 = 12;
const KILOBYTES: u32 = 1_400_000;

/// Runs `inspect --static` and checks that it neither crashes nor hangs, nor takes the machine's time and memory.
#[track_caller]
pub(super) fn survives(sandbox: &Sandbox) -> Ran {
    let arguments = ["inspect", "--static"];
    let command = sandbox.command(&arguments);
    let child = Command::new("/bin/sh")
        .args([
            "-c",
            &format!("ulimit -t {SECONDS} && ulimit -v {KILOBYTES} && exec \"$@\""),
            "sh",
        ])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(sandbox.project())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    // Who prints much is read: `wait_with_output` does both.
    let pid = child.id();
    let (over, done) = std::sync::mpsc::channel();
    let watch = std::thread::spawn(move || {
        let waits = done.recv_timeout(Duration::from_mins(2)).is_err();
        if waits {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        waits
    });
    let output = child.wait_with_output().unwrap();
    over.send(()).unwrap_or_default();
    assert!(!watch.join().unwrap(), "it hangs: {:?}", started.elapsed());
    let ran = Ran::new(&arguments, output);
    // 2 is for settings, which setup.cfg and pyproject.toml may hold.
    let ends_well = ran.code <= 1 || (ran.code == 2 && ran.stderr.contains("setting"));
    assert!(ends_well && ran.code >= 0, "exit {}: {}", ran.code, ran.stderr);
    assert!(ran.code == 0 || ran.stderr.starts_with("error["), "{}", ran.stderr);
    assert!(ran.stderr.len() < 2000, "{}", ran.stderr.len());
    ran
}

pub(super) fn with(name: &str, bytes: impl AsRef<[u8]>) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("pkg/__init__.py", "");
    fs::write(sandbox.project().join(name), bytes).unwrap();
    sandbox
}

#[test]
fn nesting_and_recursion() {
    let many = |text: &str, n: usize| text.repeat(n);
    let deep = 100_000;
    for (what, code) in [
        ("brackets", format!("x = {}{}", many("[", 10_000), many("]", 10_000))),
        ("open brackets", many("(", deep)),
        ("unary operators", format!("x = {}1", many("-", deep))),
        ("not", format!("x = {}1", many("not ", deep / 4))),
        ("lambda", format!("x = {}1", many("lambda:", deep / 8))),
        ("power", format!("x = {}1", many("1**", deep / 4))),
        ("conditions", format!("x = {}1", many("1 if 1 else ", deep / 12))),
        ("sums", format!("x = {}1", many("1+", deep / 2))),
        ("attributes", format!("x = a{}", many(".a", deep / 2))),
        ("calls", format!("x = a{}", many("()", deep / 2))),
        ("comparisons", format!("x = {}1", many("1<", deep / 2))),
        ("await", format!("x = {}1", many("await ", deep / 8))),
        (
            "brackets in an f-string",
            format!("x = f'{{{}1{}}}'", many("(", 50_000), many(")", 50_000)),
        ),
        (
            "brackets behind nested quotes",
            format!("x = f\"{{\" + \"{}1{}\"}}\"", many("(", 50_000), many(")", 50_000)),
        ),
        (
            "f-strings",
            format!("x = {}1{}", many("f'{", 20_000), many("}'", 20_000)),
        ),
        (
            "blocks",
            (0..99).fold(String::new(), |text, n| format!("{text}{}if 1:\n", " ".repeat(n))) + &" ".repeat(99) + "pass",
        ),
        ("elif", format!("if 1: pass\n{}", many("elif 1: pass\n", 8_000))),
        ("concatenation", format!("x = {}''", many("'' ", 30_000))),
    ] {
        let ran = survives(&with("setup.py", format!("{code}{CALL}")));
        assert!(!ran.stderr.contains("overflow"), "{what}: {}", ran.stderr);
    }
}

#[test]
fn programs_that_grow_or_go_on() {
    let setup =
        "\nfrom setuptools import setup\nsetup(name='a', version='1', description=str(x), install_requires=x)\n";
    for (what, code) in [
        ("for ever", "x = 1\nwhile True:\n    x += 1"),
        ("recursion", "def x(): return x()\nx()"),
        (
            "mutual recursion",
            "def x(n): return y(n) + y(n)\ndef y(n): return x(n + 1)\nx(0)",
        ),
        (
            "a list of itself",
            "x = []\nx.append(x)\nx.append(x)\nx.sort()\nx.index(x)\nx == [x]\nx.remove(x)",
        ),
        ("lists of lists", "x = ['a']\nfor i in range(64):\n    x = [x, x]"),
        (
            "tuples of tuples",
            "x = ('a',)\nfor i in range(64):\n    x = (x, x)\nd = {x: 1}\nhash(x)\nopen(x)\nx == (x, x)\nsorted([x, x])",
        ),
        (
            "dicts of dicts",
            "x = {}\nfor i in range(64):\n    x = {'a': x, 'b': x}\nid(x)",
        ),
        ("doubling a text", "x = 'a'\nfor i in range(99):\n    x += x"),
        ("doubling a list", "x = ['a']\nfor i in range(99):\n    x += x"),
        ("doubling by extend", "x = ['a']\nfor i in range(99):\n    x.extend(x)"),
        (
            "doubling by slices",
            "x = ['a']\nfor i in range(99):\n    x = [*x, *x[:]]",
        ),
        ("doubling a tuple", "x = ('a',)\nfor i in range(99):\n    x = x + x"),
        ("split", "x = ('a ' * 7000000).split()"),
        ("characters", "x = list('a' * 15000000)"),
        ("a large dict", "x = {}\nfor i in range(100000):\n    x[i] = i"),
        ("a large sum", "x = []\nfor i in range(100000):\n    x = x + [i]"),
        ("many matches", "import re\nx = re.findall('a', 'a' * 9000000)"),
        ("multiplied", "x = ['a' * 10 ** 9] * 10 ** 9"),
        ("joined", "x = 'a' * 10000\nfor i in range(99):\n    x = x.join([x, x])"),
        (
            "formatted",
            "x = 'a'\nfor i in range(99):\n    x = f'{x}{x}' + '%s%s' % (x, x) + '{0}{0}'.format(x)",
        ),
        ("replaced", "x = 'a'\nfor i in range(99):\n    x = x.replace('a', 'aa')"),
        (
            "a large range",
            "x = [i for i in range(10 ** 12)]\ny = list(range(10 ** 5)) * 99999",
        ),
        (
            "loops in loops",
            "x = [0 for a in range(9999) for b in range(9999) for c in range(9999)]",
        ),
        ("a pattern", "import re\nx = re.findall('(a*)*b', 'a' * 5000)"),
        (
            "a class in itself",
            "class x:\n    y = []\nx.y.append(x)\nx.z = (x, (x.y,))\nid(x)",
        ),
        (
            "numbers",
            "x = 9223372036854775807\nx = x * x - -x // 0 % 0 + (-x - 2) * -1",
        ),
    ] {
        let ran = survives(&with("setup.py", format!("{code}{setup}")));
        assert!(!ran.stderr.contains("overflow"), "{what}: {}", ran.stderr);
    }
}

#[test]
fn large_files() {
    let big = "# padding padding padding padding padding padding\n".repeat(1_000_000);
    survives(&with("setup.py", format!("{big}{CALL}")))
        .exits(1)
        .says(&["setup.py", "MB"]);
    survives(&with("setup.cfg", format!("[metadata]\n{big}")))
        .exits(1)
        .says(&["setup.cfg", "MB"]);
    let keys = (0..300_000).fold(String::from("[metadata]\nname = a\nversion = 1\n"), |text, n| {
        text + &format!("k{n} = 1\n")
    });
    survives(&with("setup.cfg", keys)).exits(0);
    survives(&with("setup.py", format!("{}{CALL}", "# padding\n".repeat(100_000))))
        .exits(1)
        .says(&["only Python can tell"]);
    let items = format!("x = [{}]{CALL}", "'a',".repeat(30_000));
    survives(&with("setup.py", items)).exits(0);
    let dict = (0..8_000).fold(String::from("x = {"), |text, n| text + &format!("'{n}':1,")) + "}";
    survives(&with("setup.py", format!("{dict}{CALL}"))).exits(0);
    survives(&with(
        "pyproject.toml",
        format!("x = {}{}", "[".repeat(50_000), "]".repeat(50_000)),
    ))
    .exits(1);
}

#[test]
fn requirements_that_the_parser_would_not_survive() {
    let deep = format!("six; {}os_name == 'x'{}", "(".repeat(10_000), ")".repeat(10_000));
    for (requirement, said) in [
        (
            "scikit- learn",
            "the name `scikit-` does not end with a letter or digit",
        ),
        ("six[a, b_]>1", "the name `b_` does not end with a letter or digit"),
        ("six [a.", "the name `a.` does not end with a letter or digit"),
        (deep.as_str(), "nested more than 100 deep"),
    ] {
        let script =
            format!("from setuptools import setup\nsetup(name='a', version='1', install_requires=[{requirement:?}])\n");
        let ran = with("setup.py", script).run(&["inspect", "--static"]);
        ran.exits(1).says(&["setup.py:2", said]);
    }
}

#[test]
fn odd_bytes() {
    survives(&with("setup.py", format!("x = '\0'{CALL}")))
        .exits(1)
        .says(&["setup.py:1", "NUL", "hint: "]);
    survives(&with(
        "setup.py",
        b"# caf\xe9\nfrom setuptools import setup\nsetup(name='a', version='1')\n",
    ))
    .exits(1)
    .says(&["setup.py:1: not UTF-8", "hint: "]);
    let latin = with(
        "setup.py",
        b"# coding: latin-1\nfrom setuptools import setup\nsetup(name='a', version='1', description='caf\xe9')\n",
    );
    survives(&latin).exits(1);
    survives(&with("setup.py", "")).exits(1);
    survives(&with("setup.cfg", "")).exits(1);
    survives(&with("pyproject.toml", "")).exits(1);
}

#[test]
fn what_is_not_a_file() {
    for name in ["setup.py", "setup.cfg", "pyproject.toml"] {
        let fifo = Sandbox::empty();
        assert!(
            Command::new("mkfifo")
                .arg(fifo.project().join(name))
                .status()
                .unwrap()
                .success()
        );
        survives(&fifo).says(&[name]);
        let directory = Sandbox::empty();
        fs::create_dir(directory.project().join(name)).unwrap();
        survives(&directory).exits(1).says(&[name]);
        let cycle = Sandbox::empty();
        std::os::unix::fs::symlink(name, cycle.project().join(name)).unwrap();
        survives(&cycle).exits(1).says(&[name]);
        let device = Sandbox::empty();
        std::os::unix::fs::symlink("/dev/zero", device.project().join(name)).unwrap();
        survives(&device).exits(1).says(&[name]);
    }
}

#[test]
fn a_tree_that_contains_itself() {
    let sandbox = with(
        "setup.py",
        "from setuptools import setup, find_packages\nsetup(name='a', version='1', packages=find_packages())\n",
    );
    std::os::unix::fs::symlink("..", sandbox.project().join("pkg/up")).unwrap();
    survives(&sandbox);
}
