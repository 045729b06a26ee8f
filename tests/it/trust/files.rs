//! The project's files name no program, and no file that is not the project's.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::support::Sandbox;

const CANARY: &str = "c4n4ry-0f-the-us3r";

/// The small project with a setting in pyproject.toml, on its line 5.
fn with_setting(setting: &str) -> Sandbox {
    let sandbox = tiny();
    configure(&sandbox, setting);
    sandbox
}

fn configure(sandbox: &Sandbox, setting: &str) {
    let build_system = "[build-system]\nrequires = [\"setuptools\"]\n";
    sandbox.write(
        "pyproject.toml",
        &format!("{build_system}\n[tool.sgbuild]\n{setting}\n"),
    );
}

/// A file beside the project that holds something of the user's; its name, relative to the project.
fn users_file(sandbox: &Sandbox) -> &'static str {
    fs::write(sandbox.home().join("private"), format!("{CANARY}\n")).unwrap();
    "../home/private"
}

#[test]
fn a_program_of_the_checkouts_is_not_run() {
    let setting = "python = \"./evil\"";
    let sandbox = with_setting(setting);
    // Wherever it would run.
    let canary = sandbox.home().join("canary");
    sandbox.write("evil", &format!("#!/bin/sh\ntouch {}\n", canary.display()));
    fs::set_permissions(sandbox.project().join("evil"), fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.write("setup.py", &sandbox.read("setup.py").replace("\"1.0.0\"", "compute()"));
    let ran = sandbox.run(&["inspect"]);
    assert_snapshot!(sandbox.transcript(&ran));
    for setting in [
        setting,
        "uv = './evil'",
        "netrc-hosts = ['bank.example']",
        "trust-dockerfile = true",
        "trust_dockerfile = true",
    ] {
        configure(&sandbox, setting);
        for verb in ["inspect", "dist", "build", "push", "train", "launch", "settings"] {
            let ran = sandbox.run(&[verb]).exits(2);
            ran.says(&["pyproject.toml:5: no file of the project may set `"]);
        }
        let (key, value) = setting.split_once(" = ").unwrap();
        sandbox.write("pyproject.toml", "[build-system]\nrequires = ['setuptools']\n");
        sandbox.write(
            "setup.cfg",
            &format!("[sgbuild]\n{key} = {}\n", value.trim_matches(['"', '\''])),
        );
        sandbox
            .run(&["dist"])
            .exits(2)
            .says(&["setup.cfg:2: no file of the project may set `"]);
        fs::remove_file(sandbox.project().join("setup.cfg")).unwrap();
    }
    assert!(!canary.exists());
    sandbox.run(&["inspect", "--python", "./evil"]).exits(1);
    assert!(canary.exists(), "by the flag it is the user's");
}

#[test]
fn what_the_pipeline_builds_and_runs_is_no_files_to_say() {
    let sandbox = tiny().with_testbed();
    for (setting, what, flag, variable) in [
        (
            "parameters = { TrustDockerfile = 'true' }",
            "what the pipeline in AWS is made of",
            "--parameter",
            "SGBUILD_PARAMETERS",
        ),
        (
            "github-user = 'evil'",
            "whose repository AWS builds",
            "--github-user",
            "SGBUILD_GITHUB_USER",
        ),
        (
            "github_repo = 'evil'",
            "whose repository AWS builds",
            "--github-repo",
            "SGBUILD_GITHUB_REPO",
        ),
        (
            "github-branch = 'evil'",
            "whose repository AWS builds",
            "--github-branch",
            "SGBUILD_GITHUB_BRANCH",
        ),
        (
            "github-connection = 'arn:evil'",
            "whose repository AWS builds",
            "--github-connection",
            "SGBUILD_GITHUB_CONNECTION",
        ),
        (
            "build-image = 'evil/image'",
            "what AWS runs the builds in",
            "--build-image",
            "SGBUILD_BUILD_IMAGE",
        ),
    ] {
        configure(&sandbox, setting);
        let key = setting.split_once(' ').unwrap().0.replace('_', "-");
        let ran = sandbox.run(&["launch", "--dry-run"]).exits(2);
        ran.says(&[
            &format!("pyproject.toml:5: no file of the project may set `{key}`: it says {what}"),
            &format!("with {flag} or {variable}"),
        ]);
    }
}

#[test]
fn settings_tells_what_no_file_decides() {
    let ran = tiny().run(&["settings", "--json"]).exits(0);
    let settings = ran.json();
    let callers = settings.as_object().unwrap().iter();
    let callers: Vec<_> = callers
        .filter(|(_, setting)| setting["decided_by"] == "caller")
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(callers.len(), 17, "{callers:?}");
    let shown = tiny().run(&["settings"]).exits(0).stdout;
    for key in callers {
        let line = shown.lines().find(|line| line.starts_with(key)).unwrap();
        assert!(line.ends_with("(flag or variable only)"), "{line}");
        let documented = include_str!("../../../docs/configuration.md");
        let row = documented.lines().find(|line| line.starts_with(&format!("| `{key}`")));
        assert!(row.is_some_and(|row| row.contains('†')), "{key}");
    }
}

/// The settings whose value is a file's path, each with what a command needs to come to it.
const FILES: [&str; 3] = ["requirements", "dockerfile-template", "ca-bundle"];

#[test]
fn a_file_outside_is_not_named_by_the_checkout() {
    for key in FILES {
        let sandbox = tiny();
        let outside = users_file(&sandbox);
        symlink(outside, sandbox.project().join("link")).unwrap();
        symlink("link", sandbox.project().join("link-to-link")).unwrap();
        symlink("../home", sandbox.project().join("linked-directory")).unwrap();
        let absolute = sandbox.home().join("private").display().to_string();
        let around = format!("tiny/../{outside}");
        for named in [
            outside,
            &around,
            &absolute,
            "link",
            "link-to-link",
            "linked-directory/private",
            "/dev/zero",
            "/dev/stdin",
            "/proc/self/environ",
            "../home/gone",
            "/",
            "..",
        ] {
            configure(&sandbox, &format!("{key} = '{named}'"));
            for verb in ["dist", "build", "push"] {
                let ran = sandbox.run(&[verb]).exits(1);
                assert!(!ran.stderr.contains(CANARY) && !ran.stdout.contains(CANARY));
                ran.says(&[&format!(
                    "pyproject.toml:5: `{key}` names {named}, which lies outside of the project's directory"
                )]);
            }
            assert!(!sandbox.project().join("dist").exists());
        }
        // Neither what git keeps, whose configuration may hold a password.
        fs::create_dir_all(sandbox.project().join(".git")).unwrap();
        fs::write(sandbox.project().join(".git/config"), CANARY).unwrap();
        symlink(".git/config", sandbox.project().join("link-to-gits")).unwrap();
        for named in [".git/config", "tiny/../.git/config", "link-to-gits"] {
            configure(&sandbox, &format!("{key} = '{named}'"));
            let ran = sandbox.run(&["dist"]).exits(1);
            assert!(!ran.stderr.contains(CANARY) && !sandbox.project().join("dist").exists());
            ran.says(&[&format!(
                "`{key}` names {named}, which is git's and may hold credentials"
            )]);
        }
        fs::remove_dir_all(sandbox.project().join(".git")).unwrap();
        // Inside of the project, what is no file is told, and not waited for.
        let fifo = Command::new("mkfifo").arg(sandbox.project().join("fifo")).status();
        assert!(fifo.unwrap().success());
        for (named, said) in [
            ("fifo", "it is a pipe, socket or device"),
            ("tiny", "it is a directory"),
            ("gone", "No such file"),
        ] {
            configure(&sandbox, &format!("{key} = '{named}'"));
            sandbox.run(&["dist"]).exits(1).says(&[said]);
        }
    }
}

#[test]
fn a_link_that_leads_outside_is_told_with_where_it_leads() {
    let sandbox = with_setting("dockerfile-template = \"Dockerfile.j2\"");
    symlink(users_file(&sandbox), sandbox.project().join("Dockerfile.j2")).unwrap();
    let ran = sandbox.run(&["dist", "--dry-run"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn a_requirements_file_of_the_checkouts_includes_the_checkouts_files_only() {
    let sandbox = with_setting("requirements = 'r.txt'");
    let outside = users_file(&sandbox);
    fs::write(sandbox.home().join("constraints.txt"), "idna<4\n").unwrap();
    symlink(outside, sandbox.project().join("link.txt")).unwrap();
    sandbox.write("sub/base.txt", "six\n");
    for (line, named) in [
        (format!("-r {outside}"), outside),
        (format!("-r sub/../{outside}"), outside),
        ("-c ../home/constraints.txt".to_owned(), "../home/constraints.txt"),
        ("-r link.txt".to_owned(), "link.txt"),
        ("-r /etc/passwd".to_owned(), "/etc/passwd"),
        ("-r /dev/zero".to_owned(), "/dev/zero"),
    ] {
        sandbox.write("r.txt", &format!("-r sub/base.txt\n{line}\n"));
        let ran = sandbox.run(&["dist"]).exits(1);
        assert!(
            !ran.stderr.contains(CANARY) && !ran.stderr.contains("root:"),
            "{}",
            ran.stderr
        );
        ran.says(&[&format!("r.txt:2: {named} lies outside of the project's directory")]);
    }
    // An include of an include.
    sandbox.write("r.txt", "-r sub/base.txt\n");
    sandbox.write("sub/base.txt", "six\n\n-c ../../home/constraints.txt\n");
    let ran = sandbox.run(&["dist"]);
    assert_snapshot!(sandbox.transcript(&ran));
    // Whoever runs sgbuild may name it all.
    sandbox.run(&["dist", "--requirements", "r.txt"]).exits(0);
    assert!(sandbox.read("dist/constraints.txt").contains("idna<4"));
    let sandbox = sandbox.with("SGBUILD_REQUIREMENTS", "r.txt");
    sandbox.run(&["dist"]).exits(0);
}

#[test]
fn whoever_runs_sgbuild_names_files_anywhere() {
    let sandbox = tiny();
    let file = |name: &str, text: &str| {
        let path = sandbox.home().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let template = file("Dockerfile.j2", "FROM {{ base }}\n# mine\n");
    let requirements = file("mine.txt", "six\n");
    sandbox
        .run(&[
            "dist",
            "--dockerfile-template",
            &template,
            "--requirements",
            &requirements,
        ])
        .exits(0);
    assert!(sandbox.read("dist/Dockerfile").contains("# mine"));
    assert!(sandbox.read("dist/requirements.txt").contains("six"));
    // Over what the checkout says.
    configure(&sandbox, "dockerfile-template = 'own.j2'");
    sandbox.write("own.j2", "FROM {{ base }}\n# theirs\n");
    sandbox.run(&["dist", "--dockerfile-template", &template]).exits(0);
    assert!(sandbox.read("dist/Dockerfile").contains("# mine"));
}

#[test]
fn a_private_key_is_no_certificate() {
    let key = format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n");
    let sandbox = tiny();
    sandbox.write("key.pem", &key);
    let ran = sandbox.run(&["dist", "--ca-bundle", "key.pem"]);
    assert_snapshot!(sandbox.transcript(&ran));
    for variable in ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        let mut sandbox = tiny();
        for other in ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
            sandbox = sandbox.without(other);
        }
        sandbox.write("key.pem", &key);
        let ran = sandbox.with(variable, "key.pem").run(&["dist"]).exits(1);
        ran.says(&["it holds a private key and no certificate", variable]);
    }
}

#[test]
fn the_commit_that_codebuild_names_comes_before_the_checkouts() {
    let forged = with_setting("revision = 'f0r9ed0'").with("CODEBUILD_RESOLVED_SOURCE_VERSION", "1234567890");
    forged.run(&["dist"]).exits(0);
    let dockerfile = forged.read("dist/Dockerfile");
    assert!(
        dockerfile.contains("org.opencontainers.image.revision=\"1234567890\""),
        "{dockerfile}"
    );
    // By hand it is the user's.
    forged.run(&["dist", "--revision", "abc"]).exits(0);
    assert!(forged.read("dist/Dockerfile").contains("image.revision=\"abc\""));
}
