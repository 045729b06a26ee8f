//! Base images that no registry has: an OCI layout, an archive of `docker save`, an image of the daemon.

use std::fs;
use std::path::Path;

use crate::base_images::base;
use crate::main_path::{docker_ok, repository};
use crate::native::{assert_same, native_push, pulled, without_docker};
use crate::support::{Ran, Sandbox};

fn project() -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nsetup(name='on-local', version='1.0', py_modules=['onlocal'], install_requires=['six==1.16.0'], entry_points={'console_scripts': ['train = onlocal:train']})\n",
    );
    sandbox.write("onlocal.py", "def train():\n    pass\n");
    sandbox
}

fn saved(tag: &str, file: &Path) {
    docker_ok(&["save", "--output", file.to_str().unwrap(), tag]);
}

fn digest(ran: &Ran) -> &str {
    ran.stdout.trim_end().rsplit('@').next().unwrap()
}

#[test]
fn an_archive_a_layout_and_the_daemon_are_built_on() {
    let tag = base("native-local", "RUN echo local > /local.txt\nENV LOCAL=1");
    let repository = repository("native-local");
    let sandbox = project();
    let by_daemon = format!("docker-daemon:{tag}");
    let docker = sandbox
        .run(&["build", "--engine", "docker", "--base-image", &by_daemon])
        .exits(0);
    let of_daemon = sandbox.run(&native_push(&by_daemon, &repository)).exits(0);
    assert_same(&pulled(&of_daemon), docker.stdout.trim_end());

    // The same layers give the same image, wherever they are kept, and with nothing known of them.
    let file = sandbox.project().parent().unwrap().join("base.tar");
    saved(&tag, &file);
    let nothing = tempfile::tempdir().unwrap();
    let elsewhere = without_docker(project()).with("XDG_CACHE_HOME", nothing.path().display().to_string());
    let by_file = format!("docker-archive:{}:{tag}", file.display());
    let of_archive = elsewhere.run(&native_push(&by_file, &repository)).exits(0);
    assert_eq!(digest(&of_archive), digest(&of_daemon));

    // What sgbuild writes is a base as well: its layers are sent as they are.
    let layout = sandbox.project().parent().unwrap().join("layout");
    let output = format!("oci:{}", layout.display());
    let build = [
        "build",
        "--engine",
        "native",
        "--base-image",
        &by_file,
        "--output",
        &output,
    ];
    elsewhere.run(&build).exits(0);
    let sandbox = without_docker(sandbox);
    let of_layout = sandbox.run(&native_push(&output, &repository)).exits(0);
    let image = pulled(&of_layout);
    assert_eq!(
        docker_ok(&[
            "run",
            "--rm",
            "--entrypoint",
            "sh",
            &image,
            "-c",
            "cat /local.txt; echo $LOCAL"
        ]),
        "local\n1\n"
    );
    docker_ok(&["run", "--rm", "--entrypoint", "python", &image, "-m", "pip", "check"]);

    // It goes into the daemon too, which verifies every layer.
    let loaded = project()
        .run(&["build", "--engine", "native", "--base-image", &by_file, "--load"])
        .exits(0);
    assert_same(loaded.stdout.trim_end(), docker.stdout.trim_end());
}

#[test]
fn a_local_base_that_was_made_anew_is_built_on_anew() {
    let sandbox = project();
    let file = sandbox.project().join("base.tar");
    let built = |number: u32| {
        saved(&base("native-local-anew", &format!("ENV NUMBER={number}")), &file);
        let arguments = [
            "build",
            "--engine",
            "native",
            "--base-image",
            "docker-archive:base.tar",
            "--json",
        ];
        let ran = sandbox.run(&arguments).exits(0);
        (
            ran.json()["image"]["id"].as_str().unwrap().to_owned(),
            ran.stderr.contains(": unchanged"),
        )
    };
    let (first, _) = built(1);
    let (second, unchanged) = built(2);
    assert!(first != second && !unchanged);
}

#[test]
fn a_file_of_the_project_names_a_base_in_the_project_only() {
    let sandbox = without_docker(project());
    saved(&base("native-local-inside", ""), &sandbox.project().join("base.tar"));
    let build = ["build", "--engine", "native"];
    sandbox.write("setup.cfg", "[sgbuild]\nbase-image = docker-archive:base.tar\n");
    sandbox.run(&build).exits(0);
    let outside = sandbox.project().parent().unwrap().join("base.tar");
    fs::rename(sandbox.project().join("base.tar"), &outside).unwrap();
    for named in [
        "docker-archive:../base.tar",
        "oci:/",
        "oci:..:1.0",
        "docker-archive:link.tar",
        "oci:.git",
    ] {
        let _ = std::os::unix::fs::symlink(&outside, sandbox.project().join("link.tar"));
        sandbox.write("setup.cfg", &format!("[sgbuild]\nbase-image = {named}\n"));
        sandbox
            .run(&build)
            .exits(1)
            .says(&["setup.cfg:2", named, "--base-image"]);
    }
    sandbox.write("setup.cfg", "[sgbuild]\nbase-image = docker-daemon:private:1\n");
    sandbox
        .run(&build)
        .exits(2)
        .says(&["setup.cfg:2", "your Docker daemon", "SGBUILD_BASE_IMAGE"]);
    // Whoever runs it may name any.
    let sandbox = sandbox.with("SGBUILD_BASE_IMAGE", format!("docker-archive:{}", outside.display()));
    sandbox.run(&build).exits(0);
}

#[test]
fn what_is_not_there_is_named_and_no_dockerfile_names_files() {
    let sandbox = without_docker(project());
    for engine in ["native", "auto"] {
        for (named, says) in [
            ("docker-archive:none.tar", "none.tar: No such file"),
            ("oci:none", "none/index.json: No such file"),
            ("oci:.", "index.json: No such file"),
        ] {
            let ran = sandbox.run(&["build", "--engine", engine, "--base-image", named]);
            ran.exits(1).says(&["the base image", says]);
        }
        let ran = sandbox.run(&["build", "--engine", engine, "--base-image", "docker-daemon:none:1"]);
        assert!(ran.stderr.contains("nowhere/docker.sock"), "{}", ran.stderr);
        let lines = [
            "build",
            "--engine",
            engine,
            "--base-image",
            "oci:none",
            "--system-package",
            "x",
        ];
        sandbox.run(&lines).exits(1).says(&["oci:", "base-image"]);
    }
    let ran = sandbox.run(&["dist", "--base-image", "oci:none"]);
    ran.exits(1).says(&[
        "no Dockerfile can name the base image oci:",
        "--engine native",
        "docker-daemon:NAME",
    ]);
    let sandbox = project();
    let ran = sandbox.run(&["build", "--engine", "docker", "--base-image", "oci:none"]);
    ran.exits(1).says(&["no Dockerfile can name the base image oci:"]);
    let ran = sandbox.run(&[
        "build",
        "--engine",
        "native",
        "--base-image",
        "docker-daemon:sgbuild-test/none:1",
    ]);
    ran.exits(1)
        .says(&["there is no base image docker-daemon:sgbuild-test/none:1"]);
    let ran = sandbox.run(&["base", "--base-image", "docker-daemon:x:1", "--system-package", "x"]);
    ran.exits(1).says(&[
        "is made of one in a registry only, not of docker-daemon:x:1",
        "Push the image",
    ]);
    let dry = sandbox
        .run(&["dist", "--dry-run", "--base-image", "docker-daemon:x:1"])
        .exits(0);
    assert!(
        dry.stdout.contains("FROM --platform=linux/amd64 x:1\n"),
        "{}",
        dry.stdout
    );
}
