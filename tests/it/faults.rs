//! Services that fail: AWS, registries and functions behind a proxy that injects faults, and interrupts.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use insta::assert_snapshot;
use serde_json::json;
use tempfile::TempDir;

use crate::bad_input::tiny;
use crate::support::faults::{Fault, Proxy};
use crate::support::{Ran, Sandbox, Testbed, training_lambda};

const DENIED: &str = r#"{"__type":"AccessDeniedException","message":"User: arn:aws:iam::123456789012:user/me is not authorized to perform this action"}"#;

fn aws_fault(matching: &'static str, status: u16, body: &'static str) -> Proxy {
    let moto = Testbed::get().variable("AWS_ENDPOINT_URL");
    let fault = Fault {
        matching,
        status,
        header: Some(("content-type", "application/x-amz-json-1.1")),
        body,
        times: usize::MAX,
    };
    Proxy::start(moto, vec![fault])
}

/// `sgbuild push` of the small package with AWS behind `proxy`.
fn push_through(proxy: &Proxy, arguments: &[&str]) -> String {
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", proxy.url());
    let ran = sandbox.run(&[&["push"], arguments].concat());
    sandbox.transcript(&ran).replace(&proxy.address.to_string(), "[PROXY]")
}

/// The transcript without the progress, which carries times and digests.
fn errors(transcript: &str) -> String {
    let lines = transcript
        .lines()
        .filter(|line| !line.starts_with("==>") && !line.starts_with("    "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn no_aws_credentials() {
    let sandbox = tiny()
        .with_testbed()
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    let ran = sandbox.run(&["push"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn no_region() {
    let sandbox = tiny()
        .with_testbed()
        .without("AWS_REGION")
        .without("AWS_DEFAULT_REGION");
    let ran = sandbox.run(&["push"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn what_needs_no_network_is_refused_before_aws_is_asked() {
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let push = |arguments: &[&str]| sandbox.run(&[&["push"], arguments].concat());
    push(&["--engine", "podman"])
        .exits(2)
        .says(&["there is no engine `podman`"]);
    push(&["--tag", "a b"]).exits(2).says(&["`a b` is not an image tag"]);
    push(&["--function", "f"]).exits(2).says(&["--role"]);
    push(&["--wait"]).exits(1).says(&["no training function is set"]);
    push(&[]).exits(75);
}

#[test]
fn expired_credentials() {
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error><RequestId>r</RequestId></ErrorResponse>";
    assert_snapshot!(push_through(&aws_fault("GetCallerIdentity", 403, body), &[]));
}

#[test]
fn access_denied_to_the_token() {
    assert_snapshot!(errors(&push_through(
        &aws_fault("GetAuthorizationToken", 400, DENIED),
        &[]
    )));
}

#[test]
fn access_denied_to_describe() {
    assert_snapshot!(errors(&push_through(
        &aws_fault("DescribeRepositories", 400, DENIED),
        &[]
    )));
}

#[test]
fn access_denied_to_create() {
    let name = format!("denied-{}", uuid::Uuid::new_v4().simple());
    let said = push_through(&aws_fault("CreateRepository", 400, DENIED), &["--repository", &name]);
    assert_snapshot!(errors(&said).replace(&name, "[NAME]"));
}

#[test]
fn aws_is_out_of_reach() {
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let ran = sandbox.run(&["push"]).exits(75);
    assert_snapshot!(sandbox.transcript(&ran));
}

/// A registry of this test's own, with Docker's kind of password file, on plain HTTP as Docker allows on loopback.
pub(crate) struct Registry {
    server: Child,
    port: u16,
    _directory: TempDir,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let passwords = Command::new("htpasswd")
            .args(["-Bbn", "me", "secret"])
            .output()
            .expect("htpasswd; run `make services`");
        fs::write(directory.path().join("htpasswd"), passwords.stdout).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {0}/data\nhttp:\n  addr: 127.0.0.1:{port}\n  relativeurls: true\nauth:\n  htpasswd:\n    realm: test\n    path: {0}/htpasswd\nlog:\n  level: error\n",
            directory.path().display()
        );
        let path = directory.path().join("config.yml");
        fs::write(&path, config).unwrap();
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry; run `make services`");
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            server,
            port,
            _directory: directory,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The small package, with Docker's credentials for `host`.
fn logged_in(host: &str) -> Sandbox {
    let sandbox = tiny()
        .with_testbed()
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    log_in(&sandbox, host);
    sandbox
}

/// Docker's credentials for `host`.
pub(crate) fn log_in(sandbox: &Sandbox, host: &str) {
    log_in_to(sandbox, &[host]);
}

pub(crate) fn log_in_to(sandbox: &Sandbox, hosts: &[&str]) {
    let auth = base64::engine::general_purpose::STANDARD.encode("me:secret");
    fs::create_dir_all(sandbox.home().join(".docker")).unwrap();
    fs::write(
        sandbox.home().join(".docker/config.json"),
        json!({ "auths": hosts.iter().map(|host| (*host, json!({ "auth": auth }))).collect::<HashMap<_, _>>() })
            .to_string(),
    )
    .unwrap();
}

#[test]
fn any_registry_works_with_dockers_own_credentials_and_without_aws() {
    let registry = Registry::start();
    let host = format!("127.0.0.1:{}", registry.port);
    let ran = logged_in(&host)
        .run(&["push", "--repository", &format!("{host}/team/tiny")])
        .exits(0);
    assert!(
        ran.stdout.starts_with(&format!("{host}/team/tiny@sha256:")),
        "{}",
        ran.stdout
    );

    let stranger = tiny().with_testbed();
    stranger
        .run(&["push", "--repository", &format!("{host}/team/tiny")])
        .exits(1)
        .says(&["docker login"]);
}

#[test]
fn a_credential_helper_is_asked() {
    let registry = Registry::start();
    let host = format!("127.0.0.1:{}", registry.port);
    let sandbox = tiny().with_testbed();
    let bin = sandbox.home().join("bin");
    fs::create_dir(&bin).unwrap();
    let helper = bin.join("docker-credential-testhelper");
    fs::write(&helper, "#!/bin/sh\nread host\necho \"{\\\"ServerURL\\\": \\\"$host\\\", \\\"Username\\\": \\\"me\\\", \\\"Secret\\\": \\\"secret\\\"}\"\n").unwrap();
    fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::create_dir(sandbox.home().join(".docker")).unwrap();
    fs::write(
        sandbox.home().join(".docker/config.json"),
        json!({ "credHelpers": { &host: "testhelper" } }).to_string(),
    )
    .unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let sandbox = sandbox.with("PATH", path);
    sandbox
        .run(&["push", "--repository", &format!("{host}/team/tiny")])
        .exits(0);
}

fn flaky(registry: &Registry, matching: &'static str, times: usize) -> Proxy {
    let fault = Fault {
        matching,
        status: 503,
        header: None,
        body: "out of order",
        times,
    };
    Proxy::start(&registry.url(), vec![fault])
}

#[test]
fn one_5xx_of_the_registry_is_tried_again() {
    let registry = Registry::start();
    let requests = [
        "GET /v2/",
        "HEAD /v2/team/tiny1/blobs",
        "PUT /v2/team/tiny2/manifests",
        "GET /v2/team/tiny3/manifests",
    ];
    for (number, matching) in requests.into_iter().enumerate() {
        let proxy = flaky(&registry, matching, 1);
        let host = proxy.address.to_string();
        // A repository of its own, so that nothing is there already.
        logged_in(&host)
            .run(&["push", "--repository", &format!("{host}/team/tiny{number}")])
            .exits(0);
        assert!(
            proxy.seen().iter().any(|line| line.starts_with(matching)),
            "{matching}: {:?}",
            proxy.seen()
        );
    }
}

#[test]
fn a_native_push_asks_a_registry_little() {
    let registry = Registry::start();
    let proxy = Proxy::start(&registry.url(), Vec::new());
    let host = proxy.address.to_string();
    let sandbox = logged_in(&host);
    let repository = format!("{host}/team/tiny");
    let asked_by_push = || {
        let before = proxy.seen().len();
        sandbox
            .run(&["push", "--engine", "native", "--repository", &repository])
            .exits(0);
        let asked = proxy.seen().split_off(before);
        let mut kinds: Vec<String> = asked
            .iter()
            .map(|line| line.split(['?', '@']).next().unwrap_or_default().trim().to_owned())
            .map(|line| match line.split_once("/sha256:") {
                Some((kind, _)) => format!("{kind}/sha256"),
                None => line
                    .split_once("/uploads/")
                    .map_or(line.clone(), |(kind, _)| kind.to_owned()),
            })
            .collect();
        kinds.sort();
        kinds
    };
    asked_by_push();
    let unchanged = [
        // On this machine, whether it speaks TLS; elsewhere, who it is: neither is asked of ECR.
        "GET /v2/",
        "GET /v2/",
        "GET /v2/team/tiny/manifests/1.0.0",
        "HEAD /v2/team/tiny/manifests/sha256",
    ];
    assert_eq!(asked_by_push(), unchanged);

    sandbox.write("tiny/train.py", "def train():\n    print('another')\n");
    let changed = [
        "GET /v2/",
        "GET /v2/",
        // Where the tag is, and at the end whether it is on the new image.
        "GET /v2/team/tiny/manifests/1.0.0",
        "GET /v2/team/tiny/manifests/1.0.0",
        "HEAD /v2/team/tiny/manifests/sha256",
        // The package's layer and the config.
        "POST /v2/team/tiny/blobs",
        "POST /v2/team/tiny/blobs",
        "PUT /v2/team/tiny/blobs",
        "PUT /v2/team/tiny/blobs",
        "PUT /v2/team/tiny/manifests/1.0.0",
    ];
    assert_eq!(asked_by_push(), changed);
}

#[test]
fn a_registry_that_stays_down_is_a_temporary_failure() {
    let registry = Registry::start();
    let proxy = flaky(&registry, "/v2/", usize::MAX);
    let host = proxy.address.to_string();
    let ran = logged_in(&host)
        .run(&["push", "--repository", &format!("{host}/team/tiny")])
        .exits(75);
    assert!(ran.stdout.is_empty());
    ran.says(&["503", &host]);
}

fn training(function: &str, source_bucket: &str) -> Vec<String> {
    let testbed = Testbed::get();
    let role = testbed.variable("SGBUILD_TESTBED_ROLE");
    [
        "push",
        "--repository",
        "it/faults",
        "--function",
        function,
        "--source-bucket",
        source_bucket,
        "--output-bucket",
        "sgbuild-output",
        "--role",
        role,
    ]
    .iter()
    .map(|argument| (*argument).to_owned())
    .collect()
}

fn push_and_train(function: &str, source_bucket: &str) -> (Sandbox, Ran) {
    let sandbox = tiny().with_testbed();
    let arguments = training(function, source_bucket);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let ran = sandbox.run(&arguments);
    (sandbox, ran)
}

/// Digests and run ids differ from run to run.
fn stable(transcript: &str) -> String {
    let mut text = String::new();
    let mut rest = transcript;
    while let Some(at) = rest.find("sha256:") {
        text.push_str(&rest[..at]);
        text.push_str("sha256:[DIGEST]");
        rest = rest[at + 7..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    text + rest
}

#[test]
fn the_function_is_missing() {
    let (sandbox, ran) = push_and_train("no-such-function", "sgbuild-input");
    assert_snapshot!(stable(&errors(&sandbox.transcript(&ran))));
}

#[test]
fn the_functions_error_is_shown_with_its_log() {
    let name = format!("fails-{}", uuid::Uuid::new_v4().simple());
    training_lambda(&name);
    // The bucket does not exist, so the Lambda's own call fails.
    let (sandbox, ran) = push_and_train(&name, "no-such-bucket-anywhere");
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("no-such-bucket-anywhere") && ran.stderr.contains("sgbuild train"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("log: "), "{}", ran.stderr);
    // The image stays pushed, so that `train` can go on from there.
    assert!(sandbox.read("dist/image.json").contains("\"pushed\""));
}

/// Waits until `child`'s stderr holds `text`, and returns what it said until then.
fn wait_for(child: &mut Child, text: &str) -> String {
    let mut stderr = child.stderr.take().unwrap();
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&said).contains(text) {
        let read = stderr.read(&mut buffer).unwrap();
        assert!(
            read > 0,
            "it ended before saying `{text}`:\n{}",
            String::from_utf8_lossy(&said)
        );
        said.extend_from_slice(&buffer[..read]);
    }
    child.stderr = Some(stderr);
    String::from_utf8_lossy(&said).into_owned()
}

fn interrupt(child: Child) -> Ran {
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let started = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "it took {:?} to stop",
        started.elapsed()
    );
    Ran::new(&[], output)
}

#[test]
fn ctrl_c_during_the_build() {
    let sandbox = tiny().with_testbed();
    let slow = sandbox.read("setup.py").replace(
        "packages=",
        "dockerlines=\"RUN echo asleep && sleep 300\",\n    packages=",
    );
    sandbox.write("setup.py", &slow);
    let mut child = sandbox.spawn(&["build", "--no-cache", "--verbose"]);
    wait_for(&mut child, "sleep 300");
    let ran = interrupt(child).exits(130);
    assert!(
        ran.stdout.is_empty() && ran.stderr.contains("interrupted"),
        "{}",
        ran.stderr
    );
    assert!(!sandbox.project().join("dist/image.json").exists());
    // The daemon gave the build up too: no container of it goes on. A busy one takes its time.
    let deadline = Instant::now() + Duration::from_mins(1);
    while Command::new("pgrep")
        .args(["-f", "^sleep 300$"])
        .status()
        .unwrap()
        .success()
    {
        assert!(Instant::now() < deadline, "the build goes on in the daemon");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn ctrl_c_during_the_push() {
    let registry = Registry::start();
    // A registry that answers uploads with 429 keeps the daemon trying, so that there is time to interrupt.
    let fault = Fault {
        matching: "/blobs/uploads",
        status: 429,
        header: None,
        body: "slow down",
        times: usize::MAX,
    };
    let proxy = Proxy::start(&registry.url(), vec![fault]);
    let host = proxy.address.to_string();
    let sandbox = logged_in(&host);
    let mut child = sandbox.spawn(&["push", "--repository", &format!("{host}/team/tiny")]);
    wait_for(&mut child, "Pushing");
    let ran = interrupt(child).exits(130);
    assert!(ran.stdout.is_empty());
    assert!(!sandbox.read("dist/image.json").contains("\"pushed\""));
}
