//! What asks for more time or memory than there is: each ends in seconds, with a reason that names the place.

use std::fs;

use super::extremes::{CALL, survives, with};
use crate::support::Sandbox;

/// Programs of which one line asks for more time or memory than there is, each in another operation; `s` and `t` are long texts.
const ASK_FOR_EVERYTHING: &[(&str, &str)] = &[
    ("join", "x = s.join([s] * 100000)"),
    ("replace", "x = s.replace('a', s)"),
    (
        "width",
        "x = '%1000000000d' % 1 + '{:>9999999999}'.format(1) + f'{1:>9999999999}'",
    ),
    ("percent", "x = ('%s' * 1000000) % tuple([s] * 100000)"),
    ("format", "x = ('{0}' * 1000000).format(s)"),
    (
        "padding",
        "x = 'a'.ljust(10 ** 10) + 'a'.zfill(10 ** 10) + '\\t'.expandtabs(10 ** 10)",
    ),
    ("an index", "x = [s[i] for i in range(1000)]"),
    ("slices", "x = [s[1:] for i in range(1000)]"),
    ("one text many times", "x = [s] * 100000"),
    ("equal texts", "x = [i for i in range(90000) if s == t]"),
    (
        "equal bytes",
        "s, t = s.encode(), t.encode()\nx = [i for i in range(90000) if s == t]",
    ),
    ("sorted texts", "x = sorted([s, t] * 50000)"),
    (
        "searched text",
        "x = [s.count('b') + len(s) + s.find('b') for i in range(90000)]",
    ),
    ("stripped", "x = s.strip(s)"),
    ("affixes", "x = s.startswith(tuple([t + 'b'] * 100000))"),
    ("a message", "x = 1\nraise ValueError(s)"),
    ("a key", "x = {s: 1}\nx[t]"),
    ("columns", "x = list(zip(*[['a'] * 100000] * 100000))"),
    (
        "members",
        "l = [str(i) for i in range(9000)]\nx = [i for i in range(50000) if 'q' in l]",
    ),
    (
        "written out",
        "l = ['a' * 1000] * 900\nx = [str(l) for i in range(90000)]",
    ),
    ("a sum", "x = sum([['a'] * 100 for i in range(1000)] * 90, [])"),
    ("a set", "x = {(i, i) for i in range(99999)}"),
    ("added", "x = set()\nfor i in range(99999):\n    x.add(str(i))"),
    (
        "updated",
        "x = {}\nfor i in range(99999):\n    x.update({str(j) + str(i): 1 for j in range(900)})",
    ),
    (
        "keywords",
        "def f(**k): return k\nd = {str(i): i for i in range(9000)}\nx = [f(**d) for i in range(90000)]",
    ),
    (
        "parts",
        "import os\nfrom pathlib import Path\nx = [os.path.join(*[s] * 1000), str(Path(*['a' * 99] * 99999))]",
    ),
    (
        "joined paths",
        "from pathlib import Path\nx = str(Path('a').joinpath(*['a' * 99] * 99999))",
    ),
    ("json", "import json\nx = json.loads('[' + '[],' * 5000000 + '1]')"),
    ("deep json", "import json\nx = json.loads('[' * 100000)"),
    (
        "a large pattern",
        "import re\nx = re.findall('(a{1000}){1000}', 'a' * 10)",
    ),
    (
        "an optional pattern",
        "import re\nx = re.search('(a?){5000}b', 'a' * 900000)",
    ),
    (
        "matches that look far",
        "import re\nx = re.findall('a.*b|a', 'a' * 900000)",
    ),
    (
        "patterns",
        "import re\nx = [re.search('a{4000}b', 'a' * 9000) for i in range(9000)]",
    ),
    (
        "a number",
        "x = [2 ** 10 ** 8, int('9' * 10 ** 7), list(range(10 ** 9))]",
    ),
    ("tuples in tuples", "x = ()\nfor i in range(90000):\n    x = (x,)"),
    ("itself", "x = []\nexec(open(__file__).read())"),
    (
        "generated",
        "c = 'y = [' + '1,' * 60000 + ']'\nfor i in range(9000):\n    exec(c)\nx = []",
    ),
    ("read", "x = [open('setup.py').read() for i in range(90000)]"),
    ("listed", "import os\nx = [os.listdir('.') for i in range(90000)]"),
    (
        "searched",
        "from setuptools import find_packages\nx = [find_packages() for i in range(90000)]",
    ),
    (
        "given away",
        "import unknown\nt = tuple(['a'] * 100000)\nx = []\nfor i in range(90000):\n    unknown.take(t)",
    ),
];

#[test]
fn one_line_that_asks_for_everything() {
    let setup =
        "\nfrom setuptools import setup\nsetup(name='a', version='1', description=str(x)[:5], install_requires=x)\n";
    let text = "s = 'a' * 16000000\nt = 'a' * 16000000\n";
    for (what, code) in ASK_FOR_EVERYTHING {
        let ran = survives(&with("setup.py", format!("{text}{code}{setup}")));
        assert!(ran.code == 1, "{what}: {}", ran.stdout);
        assert!(ran.stderr.contains("setup.py:"), "{what}: {}", ran.stderr);
    }
}

/// What takes its time, and is known all the same.
#[test]
fn much_that_can_be_followed() {
    for (what, code) in [
        (
            "a slow pattern",
            "import re\nx = re.findall('(a|b|ab)*c', 'ab' * 40000)",
        ),
        ("a long text", "s = 'a' * 16000000\nx = [s[-1] + s[0] + s[5:7]]"),
        ("many items", "x = list(map(str, range(20000)))[19990:]"),
        ("a large dict", "x = list({str(i): i for i in range(20000)})[0:1]"),
        (
            "a large set",
            "x = sorted({'n' + str(i % 5000) for i in range(20000)})[0:1]",
        ),
    ] {
        let call =
            "\nfrom setuptools import setup\nsetup(name='a', version='1', keywords=x, description=str(len(x)))\n";
        let ran = survives(&with("setup.py", format!("{code}{call}")));
        assert!(
            ran.code == 0 && !ran.stdout.contains("dynamic"),
            "{what}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
}

/// The same where the source is long, and gone through again and again.
#[test]
fn long_source_that_is_looked_at_again_and_again() {
    let long = "1,".repeat(50_000);
    for (what, code) in [
        (
            "lambdas",
            format!("x = []\nfor i in range(9000):\n    x.append(lambda: [{long}])"),
        ),
        (
            "functions",
            format!("x = []\nfor i in range(9000):\n    def f():\n        return [{long}]\n    x.append(f)"),
        ),
        (
            "not followed",
            format!(
                "x = []\nfor i in range(90000):\n    try:\n        unknown()\n        y = [{long}]\n    except ValueError: pass"
            ),
        ),
    ] {
        let ran = survives(&with("setup.py", format!("{code}{CALL}")));
        assert!(
            ran.code == 1 && ran.stderr.contains("setup.py:"),
            "{what}: {}",
            ran.stderr
        );
    }
}

#[test]
fn markers_that_no_parser_should_be_given() {
    let pairs = |with: &str, within: &str| {
        let pair = |n: usize| format!("(extra == 'a{n}' {within} extra == 'b{n}')");
        (0..22).map(pair).collect::<Vec<_>>().join(with)
    };
    for marker in [pairs(" or ", "and"), pairs(" and ", "or")] {
        let requirement = format!("six ; {marker}");
        let requires = format!("[project]\nname = 'a'\nversion = '1'\ndependencies = [{requirement:?}]\n");
        let optional =
            format!("[project]\nname = 'a'\nversion = '1'\n[project.optional-dependencies]\ne = [{requirement:?}]\n");
        let script =
            format!("from setuptools import setup\nsetup(name='a', version='1', install_requires=[{requirement:?}])\n");
        let keyed = format!(
            "from setuptools import setup\nsetup(name='a', version='1', extras_require={{{:?}: ['six']}})\n",
            format!(":{marker}")
        );
        let cfg = format!("[metadata]\nname = a\nversion = 1\n[options]\ninstall_requires =\n    {requirement}\n");
        for (name, text) in [
            ("pyproject.toml", requires),
            ("pyproject.toml", optional),
            ("setup.py", script),
            ("setup.py", keyed),
            ("setup.cfg", cfg),
        ] {
            survives(&with(name, text))
                .exits(1)
                .says(&[name, "its marker combines too many conditions"]);
        }
    }
}

/// 200,000 of everything that may be many.
const MANY: usize = 200_000;
const PROJECT: &str = "[project]\nname = 'a'\nversion = '1'\n";

fn lines(each: impl Fn(usize) -> String) -> String {
    (0..MANY).map(each).collect()
}

#[test]
fn many_of_everything_in_pyproject() {
    for (what, name, text) in [
        (
            "extras",
            "pyproject.toml",
            format!(
                "{PROJECT}[project.optional-dependencies]\n{}",
                lines(|n| format!("e{n} = ['six']\n"))
            ),
        ),
        (
            "requirements",
            "pyproject.toml",
            format!("{PROJECT}dependencies = [\n{}]\n", lines(|n| format!("'p{n}',\n"))),
        ),
        (
            "urls",
            "pyproject.toml",
            format!(
                "{PROJECT}[project.urls]\n{}",
                lines(|n| format!("u{n} = 'https://a.example'\n"))
            ),
        ),
        (
            "classifiers",
            "pyproject.toml",
            format!(
                "{PROJECT}classifiers = [\n{}]\n",
                lines(|n| format!("'Private :: {n}',\n"))
            ),
        ),
        (
            "entry points",
            "pyproject.toml",
            format!("{PROJECT}[project.scripts]\n{}", lines(|n| format!("s{n} = 'pkg:f'\n"))),
        ),
        (
            "package data",
            "pyproject.toml",
            format!(
                "{PROJECT}[tool.setuptools.package-data]\n{}",
                lines(|n| format!("d{n} = ['*']\n"))
            ),
        ),
    ] {
        let ran = survives(&with(name, text));
        assert!(ran.code == 0, "{what}: {}", ran.stderr);
    }
}

#[test]
fn many_of_everything_in_setup_cfg() {
    for (what, name, text) in [
        (
            "extras",
            "setup.cfg",
            format!(
                "[metadata]\nname = a\nversion = 1\n[options.extras_require]\n{}",
                lines(|n| format!("e{n} = six\n"))
            ),
        ),
        (
            "sections",
            "setup.cfg",
            format!("[metadata]\nname = a\nversion = 1\n{}", lines(|n| format!("[s{n}]\n"))),
        ),
        (
            "references",
            "setup.cfg",
            format!(
                "[metadata]\nname = a\nversion = 1\n[s]\nk = v\n{}",
                lines(|n| format!("k{n} = %(k)s\n"))
            ),
        ),
    ] {
        let ran = survives(&with(name, text));
        assert!(ran.code == 0, "{what}: {}", ran.stderr);
    }
    let defaults = format!(
        "[DEFAULT]\n{}{}",
        lines(|n| format!("k{n} = 1\n")),
        lines(|n| format!("[s{n}]\n"))
    );
    survives(&with("setup.cfg", defaults))
        .exits(1)
        .says(&["setup.cfg:1", "too much in [DEFAULT]"]);
}

#[test]
fn what_is_too_much_altogether() {
    let names: Vec<_> = (0..MANY).map(|n| format!("e{n}")).collect();
    survives(&with(
        "pyproject.toml",
        format!("{PROJECT}dependencies = ['six[{}]']\n", names.join(",")),
    ))
    .exits(1)
    .says(&["pyproject.toml:4", "characters; 65536 are read"]);
    let apart = |n: usize| {
        let versions: Vec<_> = (0..200)
            .map(|m| format!("python_full_version != '3.{n}.{m}'"))
            .collect();
        format!("\"six; {}\",\n", versions.join(" and "))
    };
    let markers = (0..1000).map(apart).collect::<String>();
    survives(&with(
        "pyproject.toml",
        format!("{PROJECT}dependencies = [\n{markers}]\n"),
    ))
    .exits(1)
    .says(&["pyproject.toml:", "the project's markers combine too many conditions"]);
    let nested = (1..11).fold("[s]\nk0 = v\n".to_owned(), |text, n| {
        text + &format!("k{n} = {}\n", format!("%(k{})s", n - 1).repeat(50))
    });
    survives(&with("setup.cfg", nested))
        .exits(1)
        .says(&["setup.cfg:", "more text than is read"]);
}

#[test]
fn links_that_lead_back_or_anywhere() {
    let link = |sandbox: &Sandbox, target: &str, name: &str| {
        std::os::unix::fs::symlink(target, sandbox.project().join(name)).unwrap();
    };
    let looking = "from setuptools import setup, find_namespace_packages\nsetup(name='a', version='1', packages=find_namespace_packages())\n";
    let declared = "[metadata]\nname = a\nversion = 1\n[options]\npackages = find_namespace:\n";
    for (name, text) in [("setup.py", looking), ("setup.cfg", declared)] {
        // To itself, to what is above it, and by way of another one.
        for links in [
            &[(".", "pkg/here")][..],
            &[("..", "pkg/up")],
            &[("../b", "pkg/b"), ("../pkg", "b/pkg")],
        ] {
            let sandbox = with(name, text);
            fs::create_dir(sandbox.project().join("b")).unwrap();
            for (target, at) in links {
                link(&sandbox, target, at);
            }
            survives(&sandbox)
                .exits(1)
                .says(&["leads back to a directory on the way to it"]);
        }
    }
    // One that leads to a directory beside it is entered, as setuptools does.
    let beside = with("setup.py", looking);
    fs::create_dir(beside.project().join("pkg/sub")).unwrap();
    link(&beside, "pkg", "other");
    let found = survives(&beside).exits(0).stdout;
    for package in ["other", "other.sub", "pkg", "pkg.sub"] {
        assert!(found.contains(package), "{found}");
    }
    // Without a loop, and still without an end.
    let maze = with("setup.py", looking);
    for floor in 0..30 {
        fs::create_dir(maze.project().join(format!("f{floor}"))).unwrap();
        for door in ["l", "r"] {
            link(&maze, &format!("../f{}", floor + 1), &format!("f{floor}/{door}"));
        }
    }
    fs::create_dir(maze.project().join("f30")).unwrap();
    survives(&maze).exits(1).says(&["the search for files was stopped"]);
}
