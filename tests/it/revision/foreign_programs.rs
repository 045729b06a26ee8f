//! What a checkout can bring along to make git run a program. Each is shown to work on git itself first.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// Every command that asks for the commit and is to run nothing of the project's.
const COMMANDS: [&[&str]; 7] = [
    &["dist", "--static", "--dry-run"],
    &["dist", "--static"],
    &["dist", "--dry-run"],
    &["status"],
    &["launch", "--dry-run"],
    &["build", "--dry-run"],
    &["push", "--dry-run"],
];

/// A committed project whose environment holds what must not be handed on, and whose services are out of reach.
fn target() -> Sandbox {
    let sandbox = tiny().committed();
    let unreachable = "http://127.0.0.1:1";
    sandbox
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "c4nary")
        .with("GITHUB_TOKEN", "c4nary")
        .with("AWS_REGION", "eu-central-1")
        .with("AWS_ENDPOINT_URL", unreachable)
        .with("AWS_MAX_ATTEMPTS", "1")
        .with("DOCKER_HOST", "unix:///nonexistent/docker.sock")
}

/// The attack works on git, asked like this, and on none of sgbuild's commands.
#[track_caller]
fn repelled(sandbox: &Sandbox, canary: &Canary, asked: &[&str]) {
    git(sandbox, &sandbox.project(), asked);
    assert!(
        canary.ran(),
        "git {asked:?} does not run the canary, so this is no attack"
    );
    for arguments in COMMANDS {
        let ran = sandbox.run(arguments);
        assert!(!canary.ran(), "sgbuild {arguments:?} ran the canary:\n{}", ran.stderr);
        assert!(!ran.stderr.contains("c4nary"), "{}", ran.stderr);
    }
}

fn configure(sandbox: &Sandbox, settings: &[(&str, &str)]) {
    for (key, value) in settings {
        sandbox.git(&["config", key, value]);
    }
}

/// Makes `directory` a bare repository by its contents, with a configuration that names `program`.
fn lay_bare(sandbox: &Sandbox, directory: &Path, program: &str) {
    fs::create_dir_all(directory.join("wt")).unwrap();
    let inner = sandbox.home().join("inner");
    done(
        sandbox,
        &sandbox.home(),
        &["init", "--quiet", "--initial-branch=main", inner.to_str().unwrap()],
    );
    done(
        sandbox,
        &inner,
        &["commit", "--quiet", "--allow-empty", "--message", "inner"],
    );
    for name in ["HEAD", "objects", "refs"] {
        let status = Command::new("cp")
            .arg("-r")
            .arg(inner.join(".git").join(name))
            .arg(directory)
            .status();
        assert!(status.unwrap().success());
    }
    let config =
        format!("[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = wt\n\tfsmonitor = {program}\n");
    fs::write(directory.join("config"), config).unwrap();
    for keep in [
        "wt/keep",
        "refs/heads/keep",
        "refs/tags/keep",
        "objects/info/keep",
        "objects/pack/keep",
    ] {
        fs::create_dir_all(directory.join(keep).parent().unwrap()).unwrap();
        fs::write(directory.join(keep), "").unwrap();
    }
}

#[test]
fn a_project_that_is_a_bare_repository_names_the_checkout_around_it() {
    let sandbox = target();
    let project = sandbox.project().join("member");
    let canary = Canary::hatch(&sandbox);
    fs::create_dir(&project).unwrap();
    for name in ["setup.py", "tiny"] {
        fs::rename(sandbox.project().join(name), project.join(name)).unwrap();
    }
    lay_bare(&sandbox, &project, canary.path());
    sandbox.git(&["add", "--force", "--all"]);
    sandbox.commit("a member that is a repository");
    // It survives a clone, which is how a build service gets it.
    let clone = sandbox.home().join("clone");
    let (from, to) = (sandbox.project(), clone.to_str().unwrap());
    done(
        &sandbox,
        &sandbox.home(),
        &["clone", "--quiet", from.to_str().unwrap(), to],
    );
    let project = clone.join("member");
    git(&sandbox, &project, &["status"]);
    assert!(canary.ran(), "this is no attack");
    let outer = done(&sandbox, &clone, &["rev-parse", "HEAD"]);
    for arguments in COMMANDS {
        let ran = sandbox.command(arguments).current_dir(&project).output().unwrap();
        assert!(!canary.ran(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let named = commit(&sandbox, &project).unwrap();
    assert!(named.starts_with(&outer), "{named}");
    // Without a checkout around it, as in an archive, there is no commit.
    fs::rename(clone.join(".git"), sandbox.home().join("away")).unwrap();
    assert_eq!(commit(&sandbox, &project), None);
    // Neither where what is around it only looks like one.
    fs::create_dir(project.join(".git")).unwrap();
    assert_eq!(commit(&sandbox, &project), None);
    assert!(!canary.ran());
}

#[test]
fn the_configuration_names_a_monitor() {
    let sandbox = target();
    let canary = Canary::hatch(&sandbox);
    configure(&sandbox, &[("core.fsmonitor", canary.path())]);
    repelled(&sandbox, &canary, &["status"]);
}

#[test]
fn an_included_file_of_the_tree_names_a_monitor() {
    let sandbox = target();
    let canary = Canary::hatch(&sandbox);
    sandbox.write("more.cfg", &format!("[core]\n\tfsmonitor = {}\n", canary.path()));
    configure(&sandbox, &[("includeIf.gitdir:**.path", "../more.cfg")]);
    repelled(&sandbox, &canary, &["status"]);
}

#[test]
fn filters_are_not_run_whatever_they_are_called() {
    for (name, key) in [
        ("evil", "clean"),
        ("evil", "process"),
        ("a=b.clean", "clean"),
        ("\"x\\]", "clean"),
    ] {
        let sandbox = target();
        let canary = Canary::hatch(&sandbox);
        let attribute = if name.contains('"') { "\"x\\]" } else { name };
        sandbox.write(".gitattributes", &format!("*.py filter={attribute}\n"));
        configure(
            &sandbox,
            &[
                (&format!("filter.{name}.{key}"), canary.path()),
                (&format!("filter.{name}.required"), "true"),
            ],
        );
        sandbox.write("setup.py", &sandbox.read("setup.py").replace("1.0.0", "1.0.1"));
        repelled(&sandbox, &canary, &["status"]);
    }
}

#[test]
fn a_filter_of_the_attributes_beside_the_configuration_is_not_run() {
    let sandbox = target();
    let canary = Canary::hatch(&sandbox);
    fs::write(sandbox.project().join(".git/info/attributes"), "*.py filter=evil\n").unwrap();
    configure(&sandbox, &[("filter.evil.clean", canary.path())]);
    sandbox.write("setup.py", &sandbox.read("setup.py").replace("1.0.0", "1.0.1"));
    repelled(&sandbox, &canary, &["status"]);
}

#[test]
fn signatures_are_not_looked_at() {
    let sandbox = target();
    let canary = Canary::hatch(&sandbox);
    let project = sandbox.project();
    let plain = done(&sandbox, &project, &["cat-file", "commit", "HEAD"]);
    let (header, message) = plain.split_once("\n\n").unwrap();
    let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----";
    let file = sandbox.home().join("commit");
    fs::write(&file, format!("{header}\n{signature}\n\n{message}\n")).unwrap();
    let signed = done(
        &sandbox,
        &project,
        &["hash-object", "-t", "commit", "-w", file.to_str().unwrap()],
    );
    done(&sandbox, &project, &["update-ref", "HEAD", &signed]);
    configure(
        &sandbox,
        &[("log.showSignature", "true"), ("gpg.program", canary.path())],
    );
    repelled(&sandbox, &canary, &["log", "-1"]);
    assert_eq!(commit(&sandbox, &project), Some(format!("{signed}-dirty")));
}

#[test]
fn nothing_is_fetched() {
    for (url, key) in [
        ("ssh://host.invalid/x", "core.sshCommand"),
        ("host.invalid:x", "core.sshCommand"),
        ("/nowhere", "remote.origin.uploadpack"),
        ("git://host.invalid/x", "core.gitProxy"),
    ] {
        let sandbox = target();
        let canary = Canary::hatch(&sandbox);
        configure(
            &sandbox,
            &[
                ("core.repositoryformatversion", "1"),
                ("extensions.partialClone", "origin"),
                ("remote.origin.promisor", "true"),
                ("remote.origin.url", url),
                (key, canary.path()),
            ],
        );
        if url.starts_with('/') {
            configure(&sandbox, &[("remote.origin.url", sandbox.home().to_str().unwrap())]);
        }
        let project = sandbox.project();
        let head = done(&sandbox, &project, &["rev-parse", "HEAD"]);
        fs::remove_file(project.join(".git/objects").join(&head[..2]).join(&head[2..])).unwrap();
        repelled(&sandbox, &canary, &["log", "-1"]);
        let ran = sandbox
            .run(&["dist", "--dry-run"])
            .exits(0)
            .says(&["its commit stays unknown"]);
        assert_eq!(named(&ran), None);
    }
}

#[test]
fn hooks_are_not_run() {
    let sandbox = target();
    let canary = Canary::hatch(&sandbox);
    let hook = sandbox.project().join(".git/hooks/post-index-change");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::copy(&canary.program, &hook).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.write("setup.py", &sandbox.read("setup.py"));
    repelled(&sandbox, &canary, &["update-index", "--refresh"]);
}

#[test]
fn a_submodule_decides_nothing_either() {
    let sandbox = target();
    let canary = Canary::hatch(&sandbox);
    let library = sandbox.home().join("library");
    done(
        &sandbox,
        &sandbox.home(),
        &["init", "--quiet", library.to_str().unwrap()],
    );
    fs::write(library.join("a.txt"), "a\n").unwrap();
    done(&sandbox, &library, &["add", "--all"]);
    done(&sandbox, &library, &["commit", "--quiet", "--message", "library"]);
    done(
        &sandbox,
        &sandbox.project(),
        &["submodule", "--quiet", "add", library.to_str().unwrap(), "library"],
    );
    sandbox.commit("with a submodule");
    let inside = sandbox.project().join("library");
    done(&sandbox, &inside, &["config", "core.fsmonitor", canary.path()]);
    // The checkout's own word counts for git over that of a configuration.
    sandbox.write(
        ".gitmodules",
        &format!("{}\tignore = none\n", sandbox.read(".gitmodules")),
    );
    sandbox.commit("looked into");
    repelled(&sandbox, &canary, &["status"]);
    assert!(!commit(&sandbox, &sandbox.project()).unwrap().ends_with("-dirty"));
}

#[test]
fn what_the_environment_says_to_git_is_not_handed_on() {
    let sandbox = target();
    let canary = Canary::hatch(&sandbox);
    let head = done(&sandbox, &sandbox.project(), &["rev-parse", "HEAD"]);
    let other = sandbox.home().join("other");
    done(&sandbox, &sandbox.home(), &["init", "--quiet", other.to_str().unwrap()]);
    done(
        &sandbox,
        &other,
        &["commit", "--quiet", "--allow-empty", "--message", "other"],
    );
    let trace = sandbox.home().join("trace");
    let sandbox = sandbox
        .with("GIT_DIR", other.join(".git").display().to_string())
        .with("GIT_WORK_TREE", other.display().to_string())
        .with("GIT_INDEX_FILE", "/nonexistent")
        .with("GIT_EXTERNAL_DIFF", canary.path())
        .with("GIT_SSH_COMMAND", canary.path())
        .with("GIT_TRACE", trace.display().to_string())
        .with("GIT_CONFIG_PARAMETERS", format!("'core.fsmonitor={}'", canary.path()))
        .with("GIT_CONFIG_COUNT", "1")
        .with("GIT_CONFIG_KEY_0", "core.fsmonitor")
        .with("GIT_CONFIG_VALUE_0", canary.path());
    let said = commit(&sandbox, &sandbox.project());
    assert_eq!(said, Some(format!("{head}-dirty")), "the canary itself is a new file");
    assert!(!canary.ran() && !trace.exists());
}

#[test]
fn a_checkout_names_no_program_by_relative_entries_of_path() {
    let sandbox = target();
    let canary = Canary::hatch(&sandbox);
    for name in ["git", "uv", "python3", "ssh", "docker-credential-x"] {
        fs::copy(&canary.program, sandbox.project().join(name)).unwrap();
    }
    let docker = sandbox.home().join(".docker");
    fs::create_dir(&docker).unwrap();
    fs::write(docker.join("config.json"), r#"{"credsStore": "x"}"#).unwrap();
    let path = std::env::var("PATH").unwrap();
    for before in [".", "", "./.", "tiny/.."] {
        let sandbox_path = format!("{before}:{path}");
        for arguments in COMMANDS.into_iter().chain([&["build"] as &[&str]]) {
            for host in ["unix:///nonexistent/docker.sock", "ssh://127.0.0.1:1"] {
                let mut command = sandbox.command(arguments);
                let output = command
                    .env("PATH", &sandbox_path)
                    .env("DOCKER_HOST", host)
                    .output()
                    .unwrap();
                assert!(
                    !canary.ran(),
                    "PATH={before}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
}

#[test]
fn git_itself_sees_no_credentials() {
    let sandbox = target();
    let bin = sandbox.home().join("bin");
    fs::create_dir(&bin).unwrap();
    let seen = sandbox.home().join("seen");
    let real = String::from_utf8(
        Command::new("sh")
            .args(["-c", "command -v git"])
            .output()
            .unwrap()
            .stdout,
    )
    .unwrap();
    let script = format!("#!/bin/sh\nenv >> {}\nexec {} \"$@\"\n", seen.display(), real.trim());
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let sandbox = sandbox.with("PATH", path).with("UNHEARD_OF", "c4nary");
    assert!(commit(&sandbox, &sandbox.project()).is_some());
    let seen = fs::read_to_string(seen).unwrap();
    assert!(
        seen.contains("HOME=") && !seen.contains("c4nary") && !seen.contains("AKIA"),
        "{seen}"
    );
}

#[test]
fn a_checkout_that_never_answers_is_given_up_at_ctrl_c() {
    let sandbox = tiny().committed();
    let config = sandbox.project().join(".git/config");
    fs::remove_file(&config).unwrap();
    assert!(Command::new("mkfifo").arg(&config).status().unwrap().success());
    let mut command = sandbox.command(&["dist"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "nothing holds it");
    let started = Instant::now();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ran = Ran::new(&["dist"], child.wait_with_output().unwrap());
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    ran.exits(130);
    assert!(!sandbox.project().join("dist").exists());
}
