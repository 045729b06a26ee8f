//! No value adds a line to the Dockerfile, or to the files beside it.

use std::process::Command;

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::support::Sandbox;

/// What would run as root in the build.
const EVIL: &str = "RUN evil";

/// The Dockerfile has no such line, whether `dist` refuses the value or writes it another way.
#[track_caller]
fn adds_no_line(sandbox: &Sandbox, what: &str) {
    let ran = sandbox.run(&["dist", "--no-pip-settings"]);
    assert!(ran.code <= 2, "{what}: {ran:?}");
    let mut written = ran.stdout;
    if ran.code == 0 {
        for file in ["Dockerfile", "requirements.txt", "run.py", ".dockerignore"] {
            written += &sandbox.read(&format!("dist/{file}"));
        }
    }
    let lines = written.split(['\n', '\r']).map(str::trim_start);
    let bad: Vec<_> = lines
        .filter(|line| line.starts_with(EVIL) || line.starts_with("# syntax") || line.starts_with("--index-url"))
        .collect();
    assert!(bad.is_empty(), "{what}: {bad:?}");
}

#[test]
fn no_setting_adds_a_line() {
    for key in [
        "revision",
        "source-url",
        "base-image",
        "python-version",
        "platform",
        "environment",
        "user",
        "labels",
        "system-packages",
        "extras",
        "train",
        "serve",
        "tag",
        "repository",
    ] {
        let value = match key {
            "environment" | "labels" => format!("{{ A = \"a\\n{EVIL}\", \"B\\n{EVIL}\" = \"b\" }}"),
            "system-packages" | "extras" | "tag" => format!("[\"a\\n{EVIL}\"]"),
            _ => format!("\"a\\n{EVIL}\\n# syntax=evil/frontend\""),
        };
        let sandbox = tiny();
        let table = "[build-system]\nrequires = ['setuptools']\n[tool.sgbuild]\n";
        sandbox.write("pyproject.toml", &format!("{table}{key} = {value}\n"));
        adds_no_line(&sandbox, key);
    }
}

#[test]
fn no_variable_adds_a_line() {
    for variable in [
        "SGBUILD_REVISION",
        "SGBUILD_SOURCE_URL",
        "SGBUILD_BASE_IMAGE",
        "CODEBUILD_RESOLVED_SOURCE_VERSION",
    ] {
        adds_no_line(&tiny().with(variable, format!("a\n{EVIL}")), variable);
    }
}

#[test]
fn no_metadata_adds_a_line() {
    for keyword in [
        "name='tiny\\nRUN evil'",
        "name='tiny\\n# syntax=evil/frontend'",
        "version='1.0.0\\nRUN evil'",
        "version='1.0.0+a\\n# escape=`'",
        "description='a\\nRUN evil\\rRUN evil\\x0bRUN evil'",
        "python_version='3.11\\nRUN evil'",
        "python_requires='>=3.9\\nRUN evil'",
        "install_requires=['six\\n--index-url https://evil.example']",
        "install_requires=['six ; platform_version == \"x\\n--index-url https://evil.example\\n\"']",
        "install_requires=['six @ https://h.example/six.zip\\n--index-url https://evil.example']",
        "entry_points={'tiny.training': ['train = tiny.train:train\\nRUN evil']}",
        "entry_points={'tiny.training': ['train\\nRUN evil = tiny.train:train']}",
    ] {
        let sandbox = tiny();
        let name = keyword.split('=').next().unwrap();
        let setup = sandbox.read("setup.py");
        let kept = setup
            .lines()
            .filter(|line| !line.trim_start().starts_with(&format!("{name}=")));
        let setup = kept.collect::<Vec<_>>().join("\n");
        sandbox.write(
            "setup.py",
            &setup.replace("setup(\n", &format!("setup(\n    {keyword},\n")),
        );
        adds_no_line(&sandbox, keyword);
    }
}

#[test]
fn the_url_of_gits_remote_adds_no_line() {
    let sandbox = tiny().committed();
    let config = sandbox.read(".git/config");
    sandbox.write(
        ".git/config",
        &format!("{config}[remote \"origin\"]\n\turl = \"https://git.example/a\\nRUN evil\"\n"),
    );
    adds_no_line(&sandbox, "git's remote");
}

#[test]
fn a_value_that_cannot_be_written_is_named() {
    let sandbox = tiny().with("SGBUILD_REVISION", format!("a\n{EVIL}"));
    let ran = sandbox.run(&["dist"]);
    assert!(!sandbox.project().join("dist").exists());
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn a_template_of_the_users_is_safe_with_quoted_values() {
    let sandbox = tiny();
    sandbox.write("own.j2", "FROM {{ base }}\nLABEL a={{ \"a\\nRUN evil\" | quoted }}\n");
    let ran = sandbox.run(&["dist", "--dockerfile-template", "own.j2"]).exits(1);
    ran.says(&["own.j2:2", "a value with a line break"]);
}

/// The first line decides which program reads a Dockerfile, where it is a directive.
#[test]
fn the_first_line_is_no_directive() {
    let sandbox = Sandbox::of_fixture("setuptools-docker-style");
    sandbox.run(&["dist", "--no-pip-settings"]).exits(0);
    let first = sandbox.read("dist/Dockerfile").lines().next().unwrap().to_owned();
    let directive = first.trim_start_matches(['#', ' ']).split('=').next().unwrap();
    assert!(first.starts_with('#') && directive.contains(' '), "{first}");
    let hadolint = crate::support::Testbed::get().variable("HADOLINT");
    let output = Command::new(hadolint)
        .arg(sandbox.project().join("dist/Dockerfile"))
        .output()
        .unwrap();
    assert!(output.status.success());
}
