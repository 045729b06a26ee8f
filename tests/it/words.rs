//! What is told of a build and a push: the same words whoever builds, those of the user's package, and what it all came to.

use std::collections::BTreeSet;

use crate::bad_input::tiny;
use crate::faults::{Registry, log_in};
use crate::main_path::repository;
use crate::native::private_base;
use crate::support::builders::{Builder, with_each};
use crate::support::faults::{Fault, Proxy};
use crate::support::{Ran, Sandbox};

const BASE: &str = "Base image 210987654321.dkr.ecr.eu-west-1.amazonaws.com/base/python:3.11-slim";

/// A package whose code and metadata nobody has built yet. `more` are keywords of its `setup()`.
fn package(more: &str) -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        &format!(
            "from setuptools import setup\nsetup(name='words-it', version='1.0', py_modules=['words_it'], {more}\n    entry_points={{'console_scripts': ['train = words_it:train']}})\n"
        ),
    );
    change(&sandbox);
    sandbox
}

fn change(sandbox: &Sandbox) {
    let text = format!("def train():\n    return '{}'\n", uuid::Uuid::new_v4());
    sandbox.write("words_it.py", &text);
}

/// The parts of the build, in their order, each with what came of it; a time is `took`.
fn parts(ran: &Ran) -> Vec<(String, &'static str)> {
    let told = |line: &str| {
        let line = line.strip_prefix("    ")?;
        let (title, outcome) = line.split_at_checked(line.rfind("  ")?)?;
        let (title, outcome) = (title.trim(), outcome.trim());
        let is_part = ["Base image", "Installing", "RUN", "ENV", "LABEL"];
        if !is_part.iter().any(|word| title.starts_with(word)) {
            return None;
        }
        let is_time = outcome
            .strip_suffix(" s")
            .is_some_and(|time| time.parse::<f64>().is_ok());
        match outcome {
            "unchanged" => Some((title.to_owned(), "unchanged")),
            _ if is_time => Some((title.to_owned(), "took")),
            other => panic!("{title}: {other}"),
        }
    };
    // A title that is longer than the column is followed by its outcome at once.
    let lines = ran.stderr.lines().map(|line| line.replace(" unchanged", "  unchanged"));
    let lines = lines.map(|line| match line.rsplitn(3, ' ').collect::<Vec<_>>()[..] {
        ["s", time, before] => format!("{before}  {time} s"),
        _ => line.clone(),
    });
    let mut found: Vec<_> = lines.filter_map(|line| told(&line)).collect();
    // A daemon that builds for several tests at once may tell of their base at any moment; the order is a unit test's.
    found.sort_by_key(|(title, _)| title != BASE);
    found
}

fn titles(ran: &Ran) -> Vec<String> {
    parts(ran).into_iter().map(|(title, _)| title).collect()
}

fn on(sandbox: Sandbox, builder: Builder) -> Sandbox {
    let (buildkit, secrets) = if builder.buildkit() {
        ("1", "true")
    } else {
        ("0", "false")
    };
    // Builders of one daemon build at the same time: each has a tag of its own.
    let revision = char::from(b'a' + builder as u8).to_string().repeat(40);
    sandbox
        .with("SGBUILD_REVISION", revision)
        .with("DOCKER_HOST", builder.host())
        .with("DOCKER_BUILDKIT", buildkit)
        .with("SGBUILD_PIP_SETTINGS", secrets)
}

with_each!(a_build_is_told_in_the_words_of_the_package: all);

async fn a_build_is_told_in_the_words_of_the_package(builder: Builder) {
    let sandbox = on(
        package("dockerlines=['ENV WORDS=1', 'RUN echo of-the-users && \\\\', '    echo own-lines'],"),
        builder,
    );
    let build = |more: &[&str]| sandbox.run(&[&["build", "--base-image", private_base()], more].concat());
    let first = build(&["--no-cache"]).exits(0);
    assert_eq!(
        titles(&first),
        [
            BASE,
            "RUN echo of-the-users && echo own-lines",
            "Installing words-it 1.0"
        ],
        "{}",
        first.stderr
    );
    assert_eq!(parts(&first)[2].1, "took");
    for raw in [
        "of-the-users\n",
        "pip install",
        "Processing",
        "COPY",
        "[2/",
        " ENTRYPOINT",
        "sha256:",
    ] {
        assert!(!first.stderr.contains(raw), "{raw} in\n{}", first.stderr);
    }
    let last = first.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("==> Done in ") && last.contains(" s: image "),
        "{last}"
    );

    // Podman keeps nothing of a build without a cache.
    change(&sandbox);
    build(&[]).exits(0);
    change(&sandbox);
    let again = build(&[]).exits(0);
    assert_eq!(
        parts(&again),
        [
            (BASE.to_owned(), "unchanged"),
            ("RUN echo of-the-users && echo own-lines".to_owned(), "unchanged"),
            ("Installing words-it 1.0".to_owned(), "took"),
        ],
        "{}",
        again.stderr
    );

    change(&sandbox);
    let verbose = build(&["-v", "--no-cache"]).exits(0);
    assert_eq!(titles(&verbose).len(), 3, "{}", verbose.stderr);
    for raw in [
        "] RUN echo of-the-users",
        "    of-the-users\n",
        "pip install",
        "done in ",
    ] {
        assert!(verbose.stderr.contains(raw), "{raw} not in\n{}", verbose.stderr);
    }
    change(&sandbox);
    assert_eq!(build(&["-q"]).exits(0).stderr, "");
}

#[test]
fn both_engines_say_the_same_of_requirements() {
    let sandbox = package("install_requires=['six', 'idna'],");
    let mut said = BTreeSet::new();
    for engine in ["docker", "native"] {
        let build = |more: &[&str]| {
            let arguments = ["build", "--engine", engine, "--base-image", private_base()];
            sandbox.run(&[&arguments[..], more].concat()).exits(0)
        };
        let cache = tempfile::tempdir().unwrap();
        let first = sandbox
            .command(&[
                "build",
                "--engine",
                engine,
                "--base-image",
                private_base(),
                "--no-cache",
            ])
            .env("XDG_CACHE_HOME", cache.path())
            .output();
        let first = Ran::new(&["build"], first.unwrap()).exits(0);
        assert_eq!(
            parts(&first)[1],
            ("Installing 2 requirements".to_owned(), "took"),
            "{}",
            first.stderr
        );
        build(&[]);
        change(&sandbox);
        let again = build(&[]);
        assert_eq!(
            parts(&again),
            [
                (BASE.to_owned(), "unchanged"),
                ("Installing 2 requirements".to_owned(), "unchanged"),
                ("Installing words-it 1.0".to_owned(), "took"),
            ],
            "{}",
            again.stderr
        );
        said.insert(titles(&first));
    }
    assert_eq!(said.len(), 1, "{said:#?}");
}

#[test]
fn a_step_that_fails_shows_its_own_lines() {
    let sandbox = package("dockerlines=['RUN echo what-it-printed; exit 3'],");
    let ran = sandbox.run(&["build", "--base-image", private_base()]).exits(1);
    let ran = ran.says(&[
        "`RUN echo what-it-printed; exit 3`",
        "exit code: 3",
        "what-it-printed\n",
    ]);
    assert_eq!(
        titles(&ran),
        [BASE],
        "what failed did not come to an end:\n{}",
        ran.stderr
    );
}

#[test]
fn the_last_line_of_a_push_says_what_was_sent() {
    for engine in ["docker", "native"] {
        let sandbox = package("");
        let repository = repository("words");
        let push = |more: &[&str]| {
            let arguments = ["push", "--no-train", "--engine", engine, "--base-image", private_base()];
            let ran = sandbox.run(&[&arguments[..], &["--repository", &repository], more].concat());
            ran.exits(0)
        };
        let last = |ran: &Ran| ran.stderr.lines().last().unwrap().to_owned();
        let first = last(&push(&[]));
        assert!(first.contains(": image ") && first.contains(" MB"), "{first}");
        assert!(first.starts_with("==> Done in "), "{first}");

        let again = push(&[]);
        assert!(
            last(&again).ends_with(", all of it was there already"),
            "{}",
            again.stderr
        );

        // One small layer, and all else is there.
        change(&sandbox);
        let changed = last(&push(&["--tag", "next"]));
        let (_, sent) = changed.split_once(" MB, ").unwrap_or_else(|| panic!("{changed}"));
        let (sent, there) = sent.split_once(" sent, ").unwrap_or_else(|| panic!("{changed}"));
        assert!(sent.ends_with(" kB") || sent.ends_with(" bytes"), "{changed}");
        assert!(there.ends_with(" MB were there already"), "{changed}");
        assert_eq!(push(&["-q", "--tag", "third"]).stderr, "");
    }
}

#[test]
fn a_retry_says_why_and_for_how_long() {
    let fault = Fault {
        matching: "/manifests/",
        status: 503,
        header: Some(("retry-after", "2")),
        body: "later",
        times: 1,
    };
    let registry = Registry::start();
    let proxy = Proxy::start(&registry.url(), vec![fault]);
    let host = proxy.address.to_string();
    let repository = format!("{host}/team/words");
    let sandbox = package("");
    log_in(&sandbox, &host);
    let arguments = [
        "push",
        "--no-train",
        "--engine",
        "native",
        "--base-image",
        private_base(),
    ];
    let ran = sandbox
        .run(&[&arguments[..], &["--repository", &repository]].concat())
        .exits(0);
    let said = format!("{} answered 503; trying again in 2 s", proxy.address);
    ran.says(&[&said]);
}

#[test]
fn who_waits_is_told_for_what_and_how_long_it_was() {
    let sandbox = tiny();
    let held = std::fs::File::open(sandbox.project()).unwrap();
    held.lock().unwrap();
    let child = sandbox.spawn(&["dist"]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    held.unlock().unwrap();
    let ran = Ran::new(&["dist"], child.wait_with_output().unwrap()).exits(0);
    let ran = ran.says(&[
        "==> Waiting for another sgbuild in this directory\n    Waiting for it …\n",
        "==> Done in ",
    ]);
    let is_time = |line: &&str| line.starts_with("    Waiting for it  ") && line.ends_with(" s");
    assert_eq!(ran.stderr.lines().filter(is_time).count(), 1, "{}", ran.stderr);
    // What is soon over is not worth a word.
    let soon = sandbox.run(&["dist"]).exits(0);
    assert!(
        !soon.stderr.contains("Waiting") && !soon.stderr.contains("Done in"),
        "{}",
        soon.stderr
    );
}
