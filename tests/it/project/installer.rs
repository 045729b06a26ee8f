//! uv: which one is used, what it is told, and what is said where it cannot do its work.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};

use super::hooks::computing;
use crate::support::Sandbox;

/// Nothing answers there.
const NOBODY: &str = "http://me:c4nary@127.0.0.1:9/simple";

/// The uv that sgbuild fetched for the other tests.
pub(super) fn fetched() -> PathBuf {
    computing("").run(&["inspect"]).exits(0);
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache/sgbuild/uv");
    let release = fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("bin/uv"));
    release.into_iter().find(|uv| uv.is_file()).unwrap()
}

/// A cache directory of its own, with nothing in it.
fn with_empty_cache(sandbox: Sandbox) -> Sandbox {
    let cache = sandbox.home().join("cache").display().to_string();
    sandbox.with("XDG_CACHE_HOME", cache)
}

/// Makes a program of this name the first on `PATH`.
fn first_on_path(sandbox: Sandbox, name: &str, script: &str) -> Sandbox {
    let programs = sandbox.home().join("programs");
    fs::create_dir_all(&programs).unwrap();
    let program = programs.join(name);
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    sandbox.with("PATH", path)
}

#[test]
fn where_there_is_no_uv_it_is_fetched_once() {
    let sandbox = with_empty_cache(computing(""));
    let ran = sandbox.run(&["inspect"]).exits(0);
    ran.says(&["Fetching uv 0.13 into ", "Preparing Python with setuptools, wheel"]);
    fs::remove_dir_all(sandbox.home().join("cache/sgbuild/build-environments")).unwrap();
    let again = sandbox.run(&["inspect"]).exits(0);
    assert!(!again.stderr.contains("Fetching"), "{}", again.stderr);
}

#[test]
fn runs_at_the_same_time_share_the_work() {
    let uv = fetched().display().to_string();
    let sandbox = with_empty_cache(computing("")).with("SGBUILD_UV", uv);
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let mut command = sandbox.command(&["inspect"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    let said: Vec<_> = outputs
        .iter()
        .map(|output| String::from_utf8_lossy(&output.stderr))
        .collect();
    assert!(outputs.iter().all(|output| output.status.success()), "{said:?}");
    assert_eq!(
        said.iter().filter(|said| said.contains("Preparing Python")).count(),
        1,
        "{said:?}"
    );
}

#[test]
fn a_uv_on_path_that_does_not_do_is_passed_over() {
    for (script, said) in [
        (
            "echo 'pyenv: uv: command not found' >&2; exit 127",
            "pyenv: uv: command not found; it is passed over",
        ),
        ("echo 'uv 0.2.1'", "uv 0.2 is too old, 0.7 is needed"),
    ] {
        fetched();
        // A build requirement that no other test has, so that an environment is made.
        let sandbox = first_on_path(computing(""), "uv", script);
        let requires = format!("[build-system]\nrequires = [\"setuptools>=40.{}\"]\n", said.len());
        sandbox.write("pyproject.toml", &requires);
        let cache = sandbox.home().join("kept").display().to_string();
        fs::create_dir_all(sandbox.home().join("kept/sgbuild/uv/0.13/bin")).unwrap();
        fs::copy(fetched(), sandbox.home().join("kept/sgbuild/uv/0.13/bin/uv")).unwrap();
        sandbox
            .with("XDG_CACHE_HOME", cache)
            .run(&["inspect"])
            .exits(0)
            .says(&[said]);
    }
}

#[test]
fn a_uv_that_is_set_must_do() {
    for (script, said) in [
        ("echo 'uv 0.2.1'", "uv 0.2 is too old, 0.7 is needed: "),
        ("exit 3", "exit status: 3"),
    ] {
        let sandbox = with_empty_cache(first_on_path(computing(""), "other-uv", script)).with("SGBUILD_UV", "other-uv");
        let ran = sandbox.run(&["inspect"]).exits(1);
        ran.says(&[
            "cannot make an environment to ask Python in: ",
            said,
            "hint: ",
            "setting `uv`",
            "Python was asked because setup.py:",
        ]);
    }
    let missing = with_empty_cache(computing("")).with("SGBUILD_UV", "/nowhere/uv");
    missing
        .run(&["inspect"])
        .exits(1)
        .says(&["cannot run uv, /nowhere/uv: No such file", "hint: "]);
}

#[test]
fn without_a_network_it_is_said_what_was_wanted() {
    let no_uv = with_empty_cache(computing(""))
        .with("PIP_INDEX_URL", NOBODY)
        .with("PIP_RETRIES", "1")
        .without("PIP_FIND_LINKS");
    let no_packages = with_empty_cache(computing(""))
        .with("SGBUILD_UV", fetched().display().to_string())
        .with("PIP_INDEX_URL", NOBODY)
        .with("UV_HTTP_RETRIES", "0")
        .without("PIP_FIND_LINKS");
    for (sandbox, said) in [
        (no_uv, "there is no uv, and the pip of "),
        (no_packages, "cannot install the build requirements setuptools, wheel"),
    ] {
        let ran = sandbox.run(&["inspect"]).exits(75);
        assert!(!ran.stderr.contains("c4nary"), "{}", ran.stderr);
        ran.says(&[said, "hint: Check the network", "Python was asked because setup.py:3: "]);
    }
}

#[test]
fn uv_is_told_what_pip_is_told() {
    let sandbox = with_empty_cache(computing("")).with("SGBUILD_UV", fetched().display().to_string());
    let links = sandbox.home().join("links");
    fs::create_dir_all(&links).unwrap();
    fs::create_dir_all(sandbox.home().join(".pip")).unwrap();
    let conf = format!("[global]\nno-index = yes\nfind-links = {}\n", links.display());
    fs::write(sandbox.home().join(".pip/pip.conf"), conf).unwrap();
    let ran = sandbox.without("PIP_FIND_LINKS").run(&["inspect"]).exits(1);
    ran.says(&["setuptools was not found in the provided package locations", "hint: "]);
}

/// A server with an empty page for whoever asks; what it was asked is sent.
fn empty_page() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, asked) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            let _ = tell.send(String::from_utf8_lossy(&request[..length]).to_lowercase());
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(format!("{head}<html></html>").as_bytes());
        }
    });
    (address, asked)
}

#[test]
fn index_credentials_reach_uv_and_not_setup_py() {
    let code =
        "import os\ntold = sorted(k for k, v in os.environ.items() if 'c4nary' in v or k.startswith(('UV_', 'PIP_')))";
    let (address, asked) = empty_page();
    let sandbox = with_empty_cache(computing(code))
        .with("SGBUILD_UV", fetched().display().to_string())
        .with("PIP_FIND_LINKS", format!("http://me:c4nary@{address}/"))
        .with("UV_INDEX_CORP_PASSWORD", "c4nary");
    let ran = sandbox.run(&["inspect", "--json"]).exits(0);
    assert_eq!(ran.json()["summary"], "[]");
    assert!(!ran.stderr.contains("c4nary"), "{}", ran.stderr);
    let requests: Vec<_> = asked.try_iter().collect();
    assert!(
        requests.iter().any(|request| request.contains("authorization: basic ")),
        "{requests:?}"
    );
}

/// Where a URL says `${NAME}`, uv puts its own variable of that name: also in what a package says that it has just fetched.
#[test]
fn a_url_carries_no_credentials_of_uv_to_whom_it_names() {
    let (address, asked) = empty_page();
    let sandbox = with_empty_cache(computing(""))
        .with("SGBUILD_UV", fetched().display().to_string())
        .with("PIP_INDEX_URL", "http://me:c4nary-pip@127.0.0.1:9/simple")
        .with(
            "UV_INDEX",
            "corp=http://127.0.0.1:9/other http://me:c4nary-url@127.0.0.1:9/third",
        )
        .with("UV_INDEX_CORP_PASSWORD", "c4nary-name")
        .with("ALL_PROXY", "http://me:c4nary-proxy@127.0.0.1:9")
        .with("NO_PROXY", "127.0.0.1")
        .with("GIT_CONFIG_COUNT", "1")
        .with("GIT_CONFIG_KEY_0", "http.extraHeader")
        .with("GIT_CONFIG_VALUE_0", "Authorization: Basic c4nary-git");
    let variables = [
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_INDEX_CORP_PASSWORD",
        "PIP_INDEX_URL",
        "ALL_PROXY",
        "GIT_CONFIG_VALUE_0",
    ];
    let wanted: String = variables.map(|name| format!("${{{name}}}-")).concat();
    sandbox.write(
        "pyproject.toml",
        &format!("[build-system]\nrequires = [\"asks @ http://{address}/{wanted}/asks-1.0-py3-none-any.whl\"]\n"),
    );
    let ran = sandbox.run(&["inspect"]).exits(1);
    assert!(!ran.stderr.contains("c4nary"), "{}", ran.stderr);
    let requests: Vec<_> = asked.try_iter().collect();
    assert!(
        requests.iter().any(|request| request.contains("asks-1.0")),
        "{requests:?}"
    );
    assert!(
        !requests.iter().any(|request| request.contains("c4nary")),
        "{requests:?}"
    );
}

#[test]
fn without_a_cache_directory_all_is_made_for_this_once() {
    let sandbox = computing("").with("XDG_CACHE_HOME", "/dev/null/cache");
    let ran = sandbox
        .with("SGBUILD_UV", fetched().display().to_string())
        .run(&["inspect", "--json"])
        .exits(0);
    assert_eq!(ran.json()["version"], "1");
    ran.says(&["The environment is not kept: cannot use /dev/null/cache/sgbuild/build-environments"]);
}

#[test]
fn a_requirement_by_url_is_installed_each_time() {
    let sandbox = computing("import helper\ntold = helper.ANSWER");
    let package = |answer: u32| {
        let script = "from setuptools import setup\nsetup(name='helper', version='1', py_modules=['helper'])\n";
        fs::create_dir_all(sandbox.home().join("helper")).unwrap();
        fs::write(sandbox.home().join("helper/setup.py"), script).unwrap();
        fs::write(sandbox.home().join("helper/helper.py"), format!("ANSWER = {answer}\n")).unwrap();
    };
    let url = format!("file://{}", sandbox.home().join("helper").display());
    sandbox.write(
        "pyproject.toml",
        &format!("[build-system]\nrequires = [\"setuptools\", \"helper @ {url}\"]\n"),
    );
    for answer in [1, 2] {
        package(answer);
        let ran = sandbox.run(&["inspect", "--json"]).exits(0);
        assert_eq!(ran.json()["summary"], answer.to_string());
    }
}
