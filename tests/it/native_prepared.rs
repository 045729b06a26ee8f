//! `sgbuild base`: what only Docker can do, done once, and native builds on it from then on.

use std::fs;

use insta::assert_snapshot;

use crate::base_images::base;
use crate::main_path::{docker_ok, repository};
use crate::native::{assert_same, native_push, private_base, pulled, share_programs, without_docker};
use crate::native_base::pushed;
use crate::support::{Ran, Sandbox};

/// A base image with a repository of Debian packages of its own: apt needs no network.
const WITH_APT: &str = r"RUN mkdir -p /repo/t/DEBIAN /repo/t/usr/bin && cd /repo \
 && printf 'Package: sgbuild-tool\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n' > t/DEBIAN/control \
 && printf '#!/bin/sh\necho tool\n' > t/usr/bin/sgbuild-tool && chmod 755 t/usr/bin/sgbuild-tool && dpkg-deb --build t t.deb \
 && { cat t/DEBIAN/control; printf 'Filename: ./t.deb\nSize: %s\nSHA256: %s\n' $(stat -c %s t.deb) $(sha256sum t.deb | cut -d' ' -f1); } > Packages \
 && rm -rf /etc/apt/sources.list.d /etc/apt/sources.list && echo 'deb [trusted=yes] file:/repo ./' > /etc/apt/sources.list";

/// Lines that leave something everywhere: files, users, variables (one of the plan's own), where and as whom commands begin.
const LINES: &str = r#"["RUN rm -rf /var/log/apt /var/log/dpkg.log && useradd trainer && \\",
    "  sgbuild-tool > /tool.txt && printf \"$GREETING\" > /greeting.txt && ls /run/secrets > /secrets.txt 2>/dev/null; true",
    "ENV GREETING=changed PYTHONUNBUFFERED=0 OTHER=1", "WORKDIR /srv", "EXPOSE 8080", "LABEL of.lines=1",
    "ENTRYPOINT [\"/bin/false\"]", "USER trainer"]"#;

fn project(lines: &str, settings: &str) -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        &format!(
            "from setuptools import setup\nsetup(name='prepared', version='1.0', py_modules=['prepared'], install_requires=['six==1.16.0'],\n    dockerlines={lines}, entry_points={{'console_scripts': ['train = prepared:train']}})\n"
        ),
    );
    sandbox.write("prepared.py", "def train():\n    pass\n");
    sandbox.write("setup.cfg", &format!("[sgbuild]\n{settings}\n"));
    sandbox
}

fn with_lines(lines: &str) -> Sandbox {
    project(lines, "system-packages = sgbuild-tool\nenvironment = GREETING=hello")
}

/// A cache that only some runs share.
struct OwnCache(tempfile::TempDir);

impl OwnCache {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        share_programs(directory.path());
        Self(directory)
    }

    fn of(&self, sandbox: Sandbox) -> Sandbox {
        sandbox.with("XDG_CACHE_HOME", self.0.path().display().to_string())
    }
}

fn make_base(sandbox: &Sandbox, base: &str, repository: &str, more: &[&str]) -> Ran {
    let arguments = ["base", "--base-image", base, "--repository", repository];
    sandbox.run(&[&arguments[..], more].concat())
}

fn push<'a>(engine: &'a str, base: &'a str, repository: &'a str) -> Vec<&'a str> {
    let arguments = ["push", "--engine", engine, "--no-train", "--base-image", base];
    [&arguments[..], &["--repository", repository]].concat()
}

/// The first line that sgbuild says, without what changes.
fn first_line(ran: &Ran) -> &str {
    ran.stderr.lines().next().unwrap_or_default()
}

#[test]
fn what_docker_does_once_is_what_it_does_every_time() {
    let tag = base("native-prepared", WITH_APT);
    let base = pushed(&tag, "prepared").to_string();
    let repository = repository("native-prepared");
    // Nothing is known of earlier runs.
    let (cache, another) = (OwnCache::new(), OwnCache::new());
    let with_lines = |lines: &str| cache.of(with_lines(lines));
    let sandbox = with_lines(LINES);
    without_docker(sandbox)
        .run(&native_push(&base, &repository))
        .exits(1)
        .says(&["`system-packages` needs that", "sgbuild base", "--engine docker"]);

    let sandbox = with_lines(LINES);
    let made = make_base(&sandbox, &base, &repository, &[]).exits(0);
    let reference = made.stdout.trim_end().to_owned();
    assert!(reference.contains(&format!("/{repository}@sha256:")), "{reference}");
    let docker = sandbox
        .run(&["build", "--engine", "docker", "--base-image", &base])
        .exits(0);

    // From here on no daemon is needed: not where it was made, and not on another machine, which asks the repository.
    let sandbox = without_docker(sandbox);
    let again = make_base(&sandbox, &base, &repository, &[]).exits(0);
    assert_eq!(again.stdout.trim_end(), reference);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    let built = sandbox
        .run(&["build", "--engine", "auto", "--base-image", &base])
        .exits(0);
    let says_so = format!("Engine native: what has to be run in the image is in its base image {reference}");
    assert!(first_line(&built).ends_with(&says_so), "{}", built.stderr);
    let native = sandbox.run(&native_push(&base, &repository)).exits(0);
    assert!(first_line(&native).ends_with(&says_so), "{}", native.stderr);

    let another = without_docker(another.of(self::with_lines(LINES)));
    let fresh = another.run(&push("auto", &base, &repository)).exits(0);
    assert!(first_line(&fresh).ends_with(&says_so), "{}", fresh.stderr);
    assert_eq!(fresh.stdout, native.stdout);

    let native = pulled(&native);
    assert_same(&native, docker.stdout.trim_end());
    let show = "cat /tool.txt /greeting.txt /secrets.txt; echo; echo $GREETING $PYTHONUNBUFFERED $OTHER; id -un; pwd";
    let said = docker_ok(&["run", "--rm", "--entrypoint", "sh", &native, "-c", show]);
    assert_eq!(said, "tool\nhello\nchanged 0 1\ntrainer\n/srv\n");

    // What else decides it is another base.
    for (lines, flags) in [
        (LINES.replace("OTHER=1", "OTHER=2"), &[][..]),
        (LINES.to_owned(), &["--env", "GREETING=bye"]),
        (
            LINES.to_owned(),
            &["--system-package", "sgbuild-tool", "--system-package", "sgbuild-tool"],
        ),
        (LINES.to_owned(), &["--base-image", private_base()]),
    ] {
        let push = native_push(&base, &repository);
        let push: Vec<_> = push
            .into_iter()
            .filter(|argument| !flags.contains(&"--base-image") || (*argument != base && *argument != "--base-image"))
            .collect();
        let changed = without_docker(with_lines(&lines)).run(&[&push[..], flags].concat());
        changed.exits(1).says(&["sgbuild base"]);
    }
    // What does not is no other.
    let same = without_docker(with_lines(LINES));
    let label = ["--label", "a=b", "--extra", "x", "--user", "nobody"];
    same.write("six.txt", "six==1.15.0\n");
    let setup = same
        .read("setup.py")
        .replace("install_requires", "extras_require={'x': []}, install_requires");
    same.write(
        "setup.py",
        &setup
            .replace("1.16.0", "1.15.0")
            .replace("version='1.0'", "version='2.0'"),
    );
    same.run(&[&native_push(&base, &repository)[..], &label].concat())
        .exits(0);
}

#[test]
fn auto_builds_with_docker_and_says_how_not_to() {
    let sandbox = project(r#"["RUN true"]"#, "");
    let repository = repository("native-unprepared");
    let built = sandbox.run(&push("auto", private_base(), &repository)).exits(0);
    let mut lines = built.stderr.lines();
    assert!(first_line(&built).contains(
        "Engine docker: the native engine runs nothing in the image, and the keyword `dockerlines` needs that"
    ));
    assert!(
        lines
            .nth(1)
            .unwrap()
            .contains("Once `sgbuild base` has made a base image of it"),
        "{}",
        built.stderr
    );
}

#[test]
fn lines_that_a_base_image_cannot_have_are_named() {
    for (lines, says) in [
        (
            r#"["RUN true", "COPY requirements.txt /x"]"#,
            "which takes files of the build's context, which are the package's and its requirements': COPY requirements.txt /x",
        ),
        (
            r#"["RUN --mount=type=secret,id=netrc true"]"#,
            "which mounts a secret, and a base image is made without any",
        ),
        (r#"["ONBUILD RUN true"]"#, "ONBUILD RUN true"),
        (r#"["FROM python:3.11"]"#, "begins another stage"),
    ] {
        let sandbox = without_docker(project(lines, ""));
        make_base(&sandbox, private_base(), "it/never", &[])
            .exits(1)
            .says(&[says, "--engine docker"]);
        sandbox
            .run(&native_push(private_base(), "it/never"))
            .exits(1)
            .says(&[says, "--engine docker"]);
    }
    let sandbox = without_docker(project(
        "[]",
        "dockerfile-template = Dockerfile.j2\nsystem-packages = x",
    ));
    fs::copy("templates/Dockerfile.j2", sandbox.project().join("Dockerfile.j2")).unwrap();
    make_base(&sandbox, private_base(), "it/never", &[])
        .exits(1)
        .says(&["a Dockerfile template of your own"]);
}

#[test]
fn lines_of_the_original_are_not_run_where_they_would_see_something_else() {
    let tag = base("native-prepared-onbuild", "ONBUILD COPY . /here");
    let base = pushed(&tag, "prepared-onbuild").to_string();
    let sandbox = project(r#"["RUN true"]"#, "");
    make_base(&sandbox, &base, &repository("native-onbuild"), &[])
        .exits(1)
        .says(&["ONBUILD", "COPY . /here", "--engine docker"]);
}

#[test]
fn nothing_to_run_needs_no_base() {
    let sandbox = without_docker(project("[]", ""));
    let ran = make_base(&sandbox, private_base(), "it/never", &[]).exits(0);
    assert!(
        ran.stdout.is_empty() && ran.stderr.contains("Nothing has to be run in the image"),
        "{}",
        ran.stderr
    );
    assert!(
        make_base(&sandbox, private_base(), "it/never", &["--json"])
            .exits(0)
            .json()["base"]
            .is_null()
    );
}

#[test]
fn a_dry_run_shows_the_dockerfile_and_changes_nothing() {
    let sandbox = without_docker(project(
        r#"["RUN one", "USER two"]"#,
        "system-packages = libgomp1\nenvironment = A=$B",
    ));
    let ran = make_base(&sandbox, private_base(), "it/never", &["--dry-run"]).exits(0);
    let (_, digest) = ran.stdout.split_once("@sha256:").unwrap();
    assert_snapshot!(ran.stdout.replace(&digest[..64], "DIGEST"));
    assert!(
        ran.stderr
            .contains("Would build and push 123456789012.dkr.ecr.us-west-2"),
        "{}",
        ran.stderr
    );
    assert!(!sandbox.project().join("dist").exists());
    let as_json = make_base(&sandbox, private_base(), "it/never", &["--dry-run", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        as_json["dockerfile"].as_str().unwrap().trim_end(),
        ran.stdout.trim_end()
    );
}

#[test]
fn a_base_is_made_anew_where_that_is_asked_for() {
    let sandbox = project(r#"["RUN cat /proc/sys/kernel/random/uuid > /made"]"#, "");
    let repository = repository("native-anew");
    let made = |more: &[&str]| make_base(&sandbox, private_base(), &repository, more).exits(0).stdout;
    let first = made(&[]);
    assert_eq!(made(&[]), first);
    let second = made(&["--no-cache"]);
    assert_ne!(second, first);
    let native = sandbox.run(&native_push(private_base(), &repository)).exits(0);
    assert!(native.stderr.contains(second.trim_end()), "{}", native.stderr);
}
