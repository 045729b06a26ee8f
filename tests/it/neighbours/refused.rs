//! What is refused, with what a person reads of it.

use std::fs;
use std::os::unix::fs::symlink;

use insta::assert_snapshot;

use super::{SETUPTOOLS, app, dist, fetched, package, repository};
use crate::support::Sandbox;

const SOURCE: &str = "[tool.uv.sources]\ncommon = { path = \"../common\" }\n";

/// What `dist` says of the project, which it leaves alone.
fn said(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let ran = sandbox.run(&[&["dist", "app"], arguments].concat());
    assert!(
        !sandbox.project().join("app/dist").is_dir(),
        "a failed dist leaves nothing"
    );
    sandbox.transcript(&ran)
}

#[test]
fn another_version_than_somebody_wants() {
    let sandbox = repository("\"common>=1\"", SOURCE);
    package(&sandbox, "common", "common", "", "");
    assert_snapshot!(said(&sandbox, &[]));
    app(&sandbox, "\"common\"", SOURCE);
    sandbox.write("app/requirements.txt", "six\n-c constraints.txt\ncommon\n");
    sandbox.write("app/constraints.txt", "common<0.1\n");
    let ran = dist(&sandbox, &["--requirements", "requirements.txt"]).exits(1);
    ran.says(&["constraints.txt:1 asks for `common<0.1`, and ../common (pyproject.toml:15) has the version 0.1"]);
}

#[test]
fn two_neighbours_of_one_name() {
    let sources = "[tool.uv.sources]\ncommon = { path = \"../common\" }\nb = { path = \"../b\" }\n";
    let sandbox = repository("\"common\", \"b\"", sources);
    package(&sandbox, "common", "common", "", "");
    package(
        &sandbox,
        "b",
        "b",
        "\"common\"",
        "[tool.uv.sources]\ncommon = { path = \"../other\" }\n",
    );
    package(&sandbox, "other", "common", "", "");
    assert_snapshot!(said(&sandbox, &[]));
}

#[test]
fn a_directory_with_another_package() {
    let sandbox = repository("\"common\"", SOURCE);
    package(&sandbox, "common", "commons", "", "");
    assert_snapshot!(said(&sandbox, &[]));
}

#[test]
fn a_directory_without_a_package() {
    let sandbox = repository("\"common\"", SOURCE);
    assert_snapshot!("missing", said(&sandbox, &[]));
    fs::create_dir(sandbox.project().join("common")).unwrap();
    assert_snapshot!("empty", said(&sandbox, &[]));
    sandbox.write("common/pyproject.toml", "[project]\nname = 1\n");
    dist(&sandbox, &[])
        .exits(1)
        .says(&["in ../common, which pyproject.toml:15 names: "]);
}

#[test]
fn what_is_elsewhere_on_this_machine() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(
        elsewhere.path().join("setup.py"),
        "from setuptools import setup\nsetup(name='common', version='1')\n",
    )
    .unwrap();
    let sandbox = repository("\"common\"", "");
    let path = elsewhere.path().display().to_string();
    app(
        &sandbox,
        "\"common\"",
        &format!("[tool.uv.sources]\ncommon = {{ path = \"{path}\" }}\n"),
    );
    assert_snapshot!(said(&sandbox, &[]).replace(&path, "[ELSEWHERE]"));
    // Nor through a link, in a requirement, in a file, or by a neighbour.
    symlink(elsewhere.path(), sandbox.project().join("link")).unwrap();
    let refused = |sandbox: &Sandbox, arguments: &[&str]| {
        dist(sandbox, arguments).exits(1).says(&["lies outside of"]);
    };
    app(
        &sandbox,
        "\"common\"",
        "[tool.uv.sources]\ncommon = { path = \"../link\" }\n",
    );
    refused(&sandbox, &[]);
    app(&sandbox, &format!("\"common @ file://{path}\""), "");
    refused(&sandbox, &[]);
    app(&sandbox, "", "");
    sandbox.write("app/requirements.txt", &format!("-e {path}\n"));
    refused(&sandbox, &["--requirements", "requirements.txt"]);
    app(
        &sandbox,
        "\"b\"",
        "[tool.poetry.dependencies]\nb = { path = \"../b\" }\n",
    );
    package(&sandbox, "b", "b", &format!("\"common @ file://{path}\""), "");
    refused(&sandbox, &[]);
    app(
        &sandbox,
        "\"common\"",
        "[tool.uv.sources]\ncommon = { path = \"../.git/hooks\" }\n",
    );
    refused(&sandbox, &[]);
}

#[test]
fn a_directory_beside_a_project_in_no_repository() {
    let sandbox = Sandbox::empty();
    app(&sandbox, "\"common\"", SOURCE);
    package(&sandbox, "common", "common", "", "");
    assert_snapshot!(said(&sandbox, &[]));
    // Below the project, it came with it.
    package(&sandbox, "app/libs/common", "common", "", "");
    app(
        &sandbox,
        "\"common\"",
        "[tool.uv.sources]\ncommon = { path = \"libs/common\" }\n",
    );
    dist(&sandbox, &[]).exits(0);
    assert!(fetched(&sandbox).is_empty());
}

#[test]
fn an_archive_of_this_machine() {
    let sandbox = repository(
        "\"common\"",
        "[tool.uv.sources]\ncommon = { path = \"../common.whl\" }\n",
    );
    sandbox.write("common.whl", "");
    assert_snapshot!(said(&sandbox, &[]));
}

#[test]
fn members_that_are_none() {
    let source = "[tool.uv.sources]\ncommon = { workspace = true }\n";
    let sandbox = repository("\"common\"", source);
    package(&sandbox, "packages/other", "other", "", "");
    assert_snapshot!("no_workspace", said(&sandbox, &[]));
    sandbox.write(
        "pyproject.toml",
        "[tool.uv.workspace]\nmembers = [\"app\", \"packages/*\"]\n",
    );
    assert_snapshot!("no_such_member", said(&sandbox, &[]));
    // As uv does: the name alone might be meant to be an index's.
    app(&sandbox, "\"other\"", "");
    assert_snapshot!("no_source", said(&sandbox, &[]));
}

#[test]
fn a_certain_index() {
    let more = "[tool.uv.sources]\ntoolz = { index = \"internal\" }\n\
                [[tool.uv.index]]\nname = \"internal\"\nurl = \"https://index.example/simple/\"\nexplicit = true\n";
    let sandbox = repository("\"toolz\"", more);
    assert_snapshot!(said(&sandbox, &[]));
    // A file that names the index says it to pip, and hashes leave no choice.
    sandbox.write("app/index.txt", "--extra-index-url https://index.example/simple\n");
    dist(&sandbox, &["--requirements", "index.txt"]).exits(0);
    assert_eq!(
        fetched(&sandbox),
        ["--extra-index-url https://index.example/simple", "toolz"]
    );
    sandbox.write("app/other.txt", "--extra-index-url https://other.example/simple\n");
    dist(&sandbox, &["--requirements", "other.txt"]).exits(1);
    app(
        &sandbox,
        "\"toolz\"",
        "[tool.poetry.dependencies]\ntoolz = { version = \"*\", source = \"internal\" }\n",
    );
    dist(&sandbox, &[])
        .exits(1)
        .says(&["pyproject.toml:15: toolz is to come from the index internal"]);
}

#[test]
fn a_neighbour_for_other_pythons() {
    let sandbox = repository("\"common\"", SOURCE);
    package(&sandbox, "common", "common", "", "");
    let text = sandbox.read("common/pyproject.toml");
    sandbox.write(
        "common/pyproject.toml",
        &text.replace("version = \"0.1\"", "version = \"0.1\"\nrequires-python = \"<3.11\""),
    );
    assert_snapshot!(said(&sandbox, &[]));
    dist(&sandbox, &["--python-version", "3.10"]).exits(0);
    // On a base whose Python nobody has named, a marker may mean either.
    package(&sandbox, "common", "common", "", "");
    app(&sandbox, "\"common ; python_version < '3.11'\"", SOURCE);
    let ran = dist(&sandbox, &["--base-image", "base.example/python:1"]).exits(1);
    ran.says(&["pyproject.toml:15: whether common is installed depends on the image's Python"]);
}

#[test]
fn what_else_does_not_go_together() {
    let sandbox = repository("\"common[fast]\"", SOURCE);
    package(
        &sandbox,
        "common",
        "common",
        "",
        "[project.optional-dependencies]\nslow = []\n",
    );
    dist(&sandbox, &[])
        .exits(1)
        .says(&["pyproject.toml:15: common has no extra `fast` (it has slow)"]);
    app(&sandbox, "\"common\"", SOURCE);
    sandbox.write(
        "app/requirements.txt",
        "common @ https://files.example/common-0.1.zip\n",
    );
    dist(&sandbox, &["--requirements", "requirements.txt"]).exits(1).says(&[
        "requirements.txt:1 takes common from elsewhere (`common @ https://files.example/common-0.1.zip`)",
        "pyproject.toml:15 takes it from ../common",
    ]);
    sandbox.write("app/requirements.txt", "git+https://git.example/c#egg=common\n");
    dist(&sandbox, &["--requirements", "requirements.txt"])
        .exits(1)
        .says(&["requirements.txt:1 takes common from elsewhere"]);
    app(
        &sandbox,
        "\"common\"",
        "[tool.uv.sources]\ncommon = { path = \"../common\", marker = \"nonsense\" }\n",
    );
    dist(&sandbox, &[])
        .exits(1)
        .says(&["pyproject.toml:15: `nonsense` is not a marker"]);
    app(
        &sandbox,
        "\"common\"",
        "[tool.uv.sources]\ncommon = { git = \"https://me:secret@git.example/c\" }\n",
    );
    let ran = dist(&sandbox, &[]).exits(1).says(&["carries credentials"]);
    assert!(!ran.stderr.contains("secret@"), "{}", ran.stderr);
}

#[test]
fn a_build_requirement_that_is_elsewhere() {
    let sandbox = repository("", "[tool.uv.sources]\nbuild-tools = { workspace = true }\n");
    let text = sandbox.read("app/pyproject.toml");
    let text = text.replace("setuptools>=61\"", "setuptools>=61\", \"Build_Tools>=1\"");
    sandbox.write("app/pyproject.toml", &text);
    assert_snapshot!(said(&sandbox, &[]));
}

#[test]
fn a_neighbour_with_compiled_code() {
    let sandbox = repository("\"common\"", SOURCE);
    let extension = "ext-modules = [{ name = \"common.fast\", sources = [\"fast.c\"] }]\n";
    package(&sandbox, "common", "common", "", extension);
    sandbox.write("common/fast.c", "");
    dist(&sandbox, &[]).exits(1).says(&[
        "../common (pyproject.toml:15) cannot be built here for the image: ",
        "Only the project itself is compiled in the image",
    ]);
}

#[test]
fn a_template_that_leaves_a_neighbour_out() {
    let sandbox = repository("\"common\"", SOURCE);
    package(&sandbox, "common", "common", "", "");
    sandbox.write("app/Dockerfile.j2", "FROM {{ base }}\nCOPY {{ wheel }} /tmp/\n");
    let arguments = ["--dockerfile-template", "Dockerfile.j2"];
    assert_snapshot!(said(&sandbox, &arguments));
    sandbox.write(
        "app/Dockerfile.j2",
        "FROM {{ base }}\nCOPY {{ wheel }} {{ neighbour_wheels | join(\" \") }} /tmp/\n",
    );
    dist(&sandbox, &arguments).exits(0);
    let copied = "COPY app-0.1-py3-none-any.whl common-0.1-py3-none-any.whl /tmp/";
    assert!(sandbox.read("app/dist/Dockerfile").contains(copied));
}

#[test]
fn sgbuild_above_the_packages() {
    let sandbox = Sandbox::empty();
    package(&sandbox, "packages/app", "app", "", "");
    package(&sandbox, "packages/common", "common", "", "");
    let at_the_root = |sandbox: &Sandbox| sandbox.transcript(&sandbox.run(&["dist"]).exits(1));
    assert_snapshot!("no_project", at_the_root(&sandbox));
    let members = "[tool.uv.workspace]\nmembers = [\"packages/*\"]\n";
    sandbox.write("pyproject.toml", members);
    assert_snapshot!("virtual_root", at_the_root(&sandbox));
    let root =
        format!("{SETUPTOOLS}[project]\nname = \"root\"\nversion = \"1\"\n[tool.setuptools]\npackages = []\n{members}");
    sandbox.write("pyproject.toml", &root);
    assert_snapshot!("root_that_trains_nothing", at_the_root(&sandbox));
}

#[test]
fn a_neighbour_that_differs_from_the_commit_makes_the_image_dirty() {
    let sandbox = repository("\"common\"", SOURCE);
    package(&sandbox, "common", "common", "", "");
    package(&sandbox, "unused", "unused", "", "");
    sandbox.commit("first");
    let revision = |sandbox: &Sandbox| {
        let dry = sandbox.run(&["dist", "app", "--dry-run"]).exits(0).stdout;
        let label = dry
            .lines()
            .find(|line| line.contains("image.revision="))
            .unwrap()
            .to_owned();
        label.contains("-dirty")
    };
    assert!(!revision(&sandbox));
    sandbox.write("unused/unused/__init__.py", "changed = True\n");
    assert!(!revision(&sandbox));
    sandbox.write("common/common/__init__.py", "changed = True\n");
    assert!(revision(&sandbox));
}
