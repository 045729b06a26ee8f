//! What a checkout and a machine may hold under the names that sgbuild reads: nothing is waited for, and nothing read without an
//! end.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::support::{Ran, Sandbox};

/// Puts something that is no file of a usual size at `path`, and says what it is called.
type Put = fn(&Path);

const ODD: [(Put, &str); 4] = [
    (pipe, "a pipe, socket or device"),
    (device, "a pipe, socket or device"),
    (|path| fs::create_dir(path).unwrap(), "it is a directory, not a file"),
    (enormous, "it has 10000 MB; sgbuild reads up to"),
];

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn device(path: &Path) {
    symlink("/dev/zero", path).unwrap();
}

fn enormous(path: &Path) {
    fs::File::create(path).unwrap().set_len(10_000_000_000).unwrap();
}

/// Runs the command, which is to be done in no time whatever it finds.
#[track_caller]
fn runs(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let started = Instant::now();
    let ran = sandbox.run(arguments);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    ran
}

#[test]
fn files_of_the_project_are_regular_and_of_a_usual_size() {
    for (put, said) in ODD {
        for (name, arguments) in [
            ("MANIFEST.in", &["dist", "--static"][..]),
            ("requirements.txt", &["dist", "--requirements", "requirements.txt"]),
            ("pylock.toml", &["dist", "--requirements", "pylock.toml"]),
            ("poetry.lock", &["dist", "--requirements", "poetry.lock"]),
            ("ca.pem", &["dist", "--ca-bundle", "ca.pem"]),
            ("T.j2", &["dist", "--dockerfile-template", "T.j2"]),
            ("pyproject.toml", &["settings"]),
            ("setup.cfg", &["settings"]),
        ] {
            let sandbox = tiny();
            put(&sandbox.project().join(name));
            runs(&sandbox, arguments).exits(1).says(&[name, said]);
            assert!(!sandbox.project().join("dist").exists());
        }
    }
}

#[test]
fn what_metadata_names_is_too() {
    for (put, _) in ODD {
        let sandbox = Sandbox::empty();
        sandbox.write("setup.cfg", "[metadata]\nname = a\nversion = file: VERSION\n");
        put(&sandbox.project().join("VERSION"));
        // As setuptools, which passes over what is no file; of an enormous one the limit is told.
        runs(&sandbox, &["inspect", "--static"]).exits(1);
        let sandbox = Sandbox::empty();
        sandbox.write(
            "setup.py",
            "from setuptools import setup\nsetup(name='a', version=open('VERSION').read())\n",
        );
        put(&sandbox.project().join("VERSION"));
        runs(&sandbox, &["inspect", "--static"]).exits(1).says(&["VERSION"]);
    }
}

/// What another tool left in `dist/` is kept, or named where it is in the way, and not read.
#[test]
fn dist_may_hold_anything() {
    for put in [pipe, device, enormous] {
        let sandbox = tiny();
        fs::create_dir(sandbox.project().join("dist")).unwrap();
        let names = ["image.json", "Dockerfile", "run.py", "tiny-1.0.0.tar.gz"];
        for name in names {
            put(&sandbox.project().join("dist").join(name));
        }
        runs(&sandbox, &["dist", "--static"]).exits(1).says(&names);
        for name in names {
            fs::remove_file(sandbox.project().join("dist").join(name)).unwrap();
        }
        runs(&sandbox, &["dist", "--static"]).exits(0);
        assert!(sandbox.read("dist/Dockerfile").contains("FROM"));
        fs::remove_file(sandbox.project().join("dist/image.json")).unwrap_or_default();
        put(&sandbox.project().join("dist/image.json"));
        // As if there was none.
        runs(&sandbox, &["train"]).exits(1);
    }
}

#[test]
fn files_of_the_machine_are_passed_over_as_those_that_cannot_be_read() {
    for put in [pipe, device, enormous] {
        let sandbox = tiny();
        for name in [".netrc", "pip.conf", "uv.toml"] {
            put(&sandbox.home().join(name));
        }
        let named = |name: &str| sandbox.home().join(name).display().to_string();
        let (pip, uv) = (named("pip.conf"), named("uv.toml"));
        let sandbox = sandbox
            .with("PIP_CONFIG_FILE", pip)
            .with("UV_CONFIG_FILE", uv)
            .with("PIP_INDEX_URL", "https://index.example/simple");
        runs(&sandbox, &["dist", "--static"]).exits(0);
        fs::create_dir(sandbox.home().join(".docker")).unwrap();
        put(&sandbox.home().join(".docker/config.json"));
        let sandbox = sandbox.without("DOCKER_HOST");
        runs(&sandbox, &["build"]).exits(1).says(&["config.json"]);
    }
}

#[test]
fn a_template_ends() {
    let nested = |open: &str, inside: &str, close: &str, times: usize| {
        format!("{}{inside}{}", open.repeat(times), close.repeat(times))
    };
    let loops: String = (0..9)
        .map(|n| format!("{{% for a{n} in range(100000) %}}"))
        .chain(["x".to_owned(), "{% endfor %}".repeat(9)])
        .collect();
    for (what, template) in [
        ("loops", loops),
        ("a text", "{{ 'a' * 99999999 }}".to_owned()),
        (
            "a growing text",
            "{% set x = 'aaaaaaaaaa' * 1000000 %}{{ x ~ x ~ x ~ x }}".to_owned(),
        ),
        (
            "width",
            "{{ '%1000000000d'|format(1) }}{{ 'a'|indent(1000000000) }}".to_owned(),
        ),
        ("slices", "{{ range(100000)|slice(1000000000)|list }}".to_owned()),
        (
            "recursion",
            "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}".to_owned(),
        ),
        ("parentheses", format!("{{{{ {} }}}}", nested("(", "1", ")", 60_000))),
        ("lists", format!("{{{{ {} }}}}", nested("[", "", "]", 60_000))),
        ("conditions", nested("{% if 1 %}", "x", "{% endif %}", 6_000)),
        ("much text", "x".repeat(5_000_000)),
    ] {
        let sandbox = tiny();
        sandbox.write("T.j2", &format!("FROM {{{{ base }}}}\n{template}\n"));
        let ran = runs(&sandbox, &["dist", "--dockerfile-template", "T.j2"]).exits(1);
        assert!(ran.stderr.contains(": T.j2:"), "{what}: {}", ran.stderr);
    }
    // Deep, but no deeper than can be rendered.
    for template in [
        format!("{{{{ {}1 }}}}", "not ".repeat(30_000)),
        format!("{{{{ {}1 }}}}", "1+".repeat(60_000)),
        format!("{{{{ 'a'{} }}}}", "|upper".repeat(20_000)),
        format!("{{{{ 'a'{} }}}}", "[0]".repeat(40_000)),
    ] {
        let sandbox = tiny();
        sandbox.write("T.j2", &format!("FROM {{{{ base }}}}\nRUN echo {template}\n"));
        let code = runs(&sandbox, &["dist", "--dockerfile-template", "T.j2"]).code;
        assert!(matches!(code, 0 | 1), "{}: {code}", &template[..40]);
    }
}

#[test]
fn a_template_that_loops_is_told_with_its_line() {
    let sandbox = tiny();
    let loops = "{% for a in range(9999) %}\n{% for b in range(9999) %}\n{{ a * b }}\n{% endfor %}\n{% endfor %}\n";
    sandbox.write("Dockerfile.j2", &format!("FROM {{{{ base }}}}\n{loops}"));
    let ran = sandbox.run(&["dist", "--dockerfile-template", "Dockerfile.j2"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn an_enormous_manifest_is_told_with_its_limit() {
    let sandbox = tiny();
    enormous(&sandbox.project().join("MANIFEST.in"));
    let ran = sandbox.run(&["dist"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn a_link_that_leads_back_is_told_by_name() {
    let sandbox = tiny();
    symlink(".", sandbox.project().join("tiny/again")).unwrap();
    let ran = sandbox.run(&["inspect", "--static"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn a_marker_that_combines_too_much_is_told() {
    let sandbox = tiny();
    let pairs: Vec<_> = (0..22)
        .map(|n| format!("(extra == 'a{n}' and extra == 'b{n}')"))
        .collect();
    sandbox.write("requirements.txt", &format!("six==1.17.0 ; {}\n", pairs.join(" or ")));
    let ran = sandbox.run(&["dist", "--requirements", "requirements.txt"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

/// Links to directories make many paths of a few directories.
#[test]
fn patterns_behind_links_end() {
    for manifest in ["include tiny/*/*/*/*/*/*/*/*/*/*\n", "graft tiny/*/*/*/*/*/*/*/*\n"] {
        let sandbox = tiny();
        // A search of names by itself would end at these links.
        let setup = sandbox.read("setup.py").replace("find_packages()", "['tiny']");
        sandbox.write("setup.py", &setup);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            symlink(".", sandbox.project().join("tiny").join(name)).unwrap();
        }
        sandbox.write("MANIFEST.in", manifest);
        let started = Instant::now();
        let ran = sandbox.run(&["dist", "--static"]).exits(1);
        assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
        ran.says(&["the search for files was stopped"]);
    }
}
