//! The Docker engine against a real daemon: the one the `docker` command would use.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sgbuild::dist::{Dist, context_digest};
use sgbuild::engine::docker::{self, Docker, DockerSettings, Error};
use sgbuild::engine::{self, BuiltImage, Destination, Engine, Kept, Order};
use sgbuild::explain::{Explain as _, Fault};
use sgbuild::image::{BaseImage, ImagePlan, OnlyDocker};
use sgbuild::oci::{Digest, Platform, Reference, Repository};
use sgbuild::progress::{Progress, Silent, Task};
use sgbuild::project::EntryPoint;
use sgbuild::registry::Credentials;
use sgbuild::registry::client::{Access, Client, ClientSettings};
use sgbuild::secret::Secret;

const BASE: &str = "sgbuild-test/shell";
const CANARY: &str = "c4nary-engine-5f1e";
/// `me:canary-registry`, as `htpasswd -nbB` writes it.
const HTPASSWD: &str = "me:$2y$05$/JIAC.VSSKjEd6r57ZMOaOeIiEy31yhCdC8VgyCCt0EkgErSGNs0G\n";

/// Everything that was told, one line each.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    async fn wait_for(&self, needle: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.text().contains(needle) {
            assert!(Instant::now() < deadline, "no {needle:?} in:\n{}", self.text());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Progress for Recorder {
    fn step(&self, title: &str) {
        self.add(format!("step {title}"));
    }
    fn detail(&self, line: &str) {
        self.add(format!("detail {line}"));
    }
    fn warn(&self, text: &str) {
        self.add(format!("warn {text}"));
    }
    fn task(&self, title: &str, _total: Option<u64>) -> Box<dyn Task> {
        Box::new(RecordedTask {
            recorder: self.clone(),
            title: title.to_owned(),
        })
    }
}

struct RecordedTask {
    recorder: Recorder,
    title: String,
}

impl Task for RecordedTask {
    fn set(&self, done: u64, total: Option<u64>) {
        self.recorder.add(format!("task {} {done}/{total:?}", self.title));
    }
    fn finish(&self, outcome: &str) {
        self.recorder.add(format!("task {} {outcome}", self.title));
    }
}

fn settings() -> DockerSettings {
    let variable = |name: &str| std::env::var(name).ok();
    let home = PathBuf::from(variable("HOME").unwrap_or_default());
    DockerSettings {
        host: variable("DOCKER_HOST"),
        context: variable("DOCKER_CONTEXT"),
        config_dir: Some(variable("DOCKER_CONFIG").map_or_else(|| home.join(".docker"), PathBuf::from)),
        tls_verify: variable("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty()),
        cert_path: variable("DOCKER_CERT_PATH").map(PathBuf::from),
        buildkit: None,
        ..DockerSettings::default()
    }
}

pub(crate) async fn connect(buildkit: bool) -> Docker {
    let settings = DockerSettings {
        buildkit: Some(buildkit),
        ..settings()
    };
    match docker::connect(&settings).await {
        Ok(docker) => {
            make_base();
            docker
        }
        Err(error) => panic!("{error}\nthese tests need a Docker daemon: start it with `make services`"),
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A base image with a shell, `cat` and `sleep` of this machine, and the libraries they load. Made once: a test process
/// that made it anew would pull the cache away from under the others.
fn make_base() {
    let lock = std::fs::File::create(std::env::temp_dir().join("sgbuild-test-base.lock")).unwrap();
    lock.lock().unwrap();
    let tag = format!("{BASE}:1");
    if Command::new("docker")
        .args(["image", "inspect", &tag])
        .output()
        .unwrap()
        .status
        .success()
    {
        return;
    }
    let mut archive = tar::Builder::new(Vec::new());
    let mut files: Vec<String> = ["/bin/sh", "/bin/cat", "/bin/sleep"].map(str::to_owned).to_vec();
    for program in files.clone() {
        let loaded = run("ldd", &[&program]);
        files.extend(
            loaded
                .split_whitespace()
                .filter(|word| word.starts_with('/'))
                .map(str::to_owned),
        );
    }
    files.sort();
    files.dedup();
    for path in files {
        archive
            .append_file(&path[1..], &mut std::fs::File::open(&path).unwrap())
            .unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let mut import = Command::new("docker")
        .args(["import", "-", &tag])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(&archive).unwrap();
    assert!(import.wait().unwrap().success());
}

fn reference(host: &str, path: &str, tag: &str) -> Reference {
    Reference {
        repository: Repository {
            host: host.to_owned(),
            path: path.to_owned(),
        },
        tag: Some(tag.to_owned()),
        digest: None,
    }
}

/// A context with this Dockerfile (after `FROM`) and one file `a.txt`.
pub(crate) struct Context(tempfile::TempDir);

impl Context {
    pub(crate) fn new(lines: &str) -> Self {
        Self::from_base(&format!("{BASE}:1"), lines)
    }

    fn from_base(base: &str, lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("Dockerfile"), format!("FROM {base}\n{lines}\n")).unwrap();
        std::fs::write(directory.path().join("a.txt"), "the file\n").unwrap();
        std::fs::write(directory.path().join("left-out.txt"), "not listed\n").unwrap();
        Self(directory)
    }

    pub(crate) fn request(&self, name: &str) -> Request {
        let files = vec!["Dockerfile".to_owned(), "a.txt".to_owned()];
        Request {
            plan: plan(reference("docker.io", BASE, "1")),
            dist: Dist {
                directory: self.0.path().to_owned(),
                context_digest: context_digest(self.0.path(), &files).unwrap(),
                context: files.clone(),
                files,
                changed: true,
            },
            tag: format!("sgbuild-test/{name}:1"),
            base_credentials: Credentials::Anonymous,
            secrets: BTreeMap::new(),
            pull: false,
        }
    }
}

/// What is ordered of an engine.
pub(crate) struct Request {
    plan: ImagePlan,
    pub(crate) dist: Dist,
    pub(crate) tag: String,
    base_credentials: Credentials,
    secrets: BTreeMap<String, Secret>,
    pull: bool,
}

impl Request {
    fn set_secrets(&mut self, secrets: impl IntoIterator<Item = (&'static str, String)>) {
        let secrets = secrets.into_iter();
        self.secrets = secrets
            .map(|(id, secret)| (id.to_owned(), Secret::new(secret)))
            .collect();
        self.plan.secrets = self.secrets.keys().cloned().collect();
    }

    pub(crate) async fn build(&self, docker: &Docker, progress: &dyn Progress) -> Result<BuiltImage, Error> {
        let order = Order {
            plan: &self.plan,
            dist: &self.dist,
            name: self.tag.clone(),
            target: None,
            base_credentials: self.base_credentials.clone(),
            secrets: &self.secrets,
            pull: self.pull,
            upgrade: false,
            no_cache: false,
        };
        docker.build(&order, progress).await.map_err(of_docker)
    }
}

/// A plan of which only the base counts: the context's Dockerfile is the test's own.
fn plan(base: impl Into<BaseImage>) -> ImagePlan {
    ImagePlan {
        name: "pkg".to_owned(),
        version: "1.0".to_owned(),
        base: base.into(),
        python: None,
        platform: Platform::new("linux", "amd64"),
        environment: BTreeMap::new(),
        requirements: Vec::new(),
        constraints: Vec::new(),
        neighbours: Vec::new(),
        locked: false,
        train: EntryPoint {
            object: "pkg:train".to_owned(),
            declared_in: "setup.py:1".to_owned(),
            console_script: false,
        },
        serve: None,
        user: None,
        labels: BTreeMap::new(),
        secrets: BTreeSet::new(),
        entrypoint: Vec::new(),
        command: Vec::new(),
        only_docker: OnlyDocker {
            classic_builder: true,
            ..OnlyDocker::default()
        },
        lacks: None,
    }
}

fn of_docker(error: engine::Error) -> Error {
    match error {
        engine::Error::Docker(error) => error,
        other @ (engine::Error::Native(_) | engine::Error::Output(_)) => panic!("{other}"),
    }
}

async fn send(
    docker: &Docker,
    image: &BuiltImage,
    reference: &Reference,
    credentials: &Credentials,
    progress: &dyn Progress,
) -> Result<(), Error> {
    // The daemon goes its own way to the registry, and where it cannot, neither can this.
    let settings = ClientSettings::default();
    let connected = Client::connect(&reference.repository, credentials, Access::PullPush, &settings).await;
    let client = if let Ok(client) = connected {
        client
    } else {
        let another = Registry::start();
        let repository = Repository::parse(&format!("{}/team/x", another.host)).unwrap();
        let client = Client::connect(&repository, credentials, Access::PullPush, &settings).await;
        client.unwrap()
    };
    let destination = Destination {
        reference,
        credentials,
        client: &client,
        holds_last: false,
    };
    docker.send(image, &destination, progress).await.map_err(of_docker)
}

/// A line that no earlier build had, so that the cache cannot answer.
fn unique() -> String {
    format!("ENV UNIQUE={}", uuid::Uuid::new_v4())
}

async fn builds_and_finds(buildkit: bool, name: &str) {
    let docker = connect(buildkit).await;
    let context = Context::new(&format!(
        "{}\nCOPY . /in/\nRUN cat /in/a.txt\nRUN echo one; echo two",
        unique()
    ));
    let log = Recorder::default();
    let image = context.request(name).build(&docker, &log).await.unwrap();
    let text = log.text();
    assert!(
        text.contains("detail the file") && text.contains("detail two"),
        "{text}"
    );
    assert!(
        text.contains("] RUN cat /in/a.txt") && text.contains("done in "),
        "{text}"
    );

    assert_eq!(
        run("docker", &["inspect", "--format={{.Id}}", image.name()]).trim(),
        image.id.as_str()
    );
    assert!(docker.holds(&image).await.unwrap());
    let size = run("docker", &["inspect", "--format={{.Size}}", image.name()]);
    assert_eq!(size.trim(), image.size.to_string());
    assert!(image.size > 100_000);
    let unknown = BuiltImage {
        id: Digest::of(b"unknown"),
        ..image.clone()
    };
    assert!(!docker.holds(&unknown).await.unwrap());
    let elsewhere = BuiltImage {
        kept: Kept::Docker {
            reference: "sgbuild-test/elsewhere:1".to_owned(),
        },
        ..image.clone()
    };
    assert!(!docker.holds(&elsewhere).await.unwrap());

    let again = Recorder::default();
    let cached = context.request(name).build(&docker, &again).await.unwrap();
    assert_eq!(cached, image);
    assert!(again.text().contains("cached"), "{}", again.text());
    assert!(!again.text().contains("detail the file"), "{}", again.text());

    let layers = run(
        "docker",
        &[
            "run",
            "--rm",
            "--network=none",
            image.name(),
            "/bin/sh",
            "-c",
            "echo /in/*",
        ],
    );
    assert_eq!(layers.trim(), "/in/Dockerfile /in/a.txt");
}

#[tokio::test]
async fn buildkit_builds_caches_and_finds() {
    builds_and_finds(true, "buildkit").await;
}

#[tokio::test]
async fn the_classic_builder_builds_caches_and_finds() {
    builds_and_finds(false, "classic").await;
}

async fn a_failing_step_is_shown(buildkit: bool) {
    let docker = connect(buildkit).await;
    let script = "echo https://me:pw@index.example/simple; echo 'No matching distribution found for nosuch==1'; exit 3";
    let context = Context::new(&format!("RUN true\nRUN {script}"));
    let error = context.request("failing").build(&docker, &Silent).await.unwrap_err();
    let Error::Step { step, output, message } = &error else {
        panic!("{error:?}")
    };
    assert!(step.starts_with("RUN echo https://***@index.example/simple"), "{step}");
    assert!(
        output.iter().any(|line| line == "https://***@index.example/simple"),
        "{output:?}"
    );
    assert_eq!(message, "exit code: 3");
    assert!(!format!("{error} {error:?}").contains("pw@"), "{error:?}");
    assert_eq!(error.advice().fault, Fault::User);
    assert!(
        error.advice().hints[0].starts_with("Check that nosuch==1 exists"),
        "{:?}",
        error.advice().hints
    );
}

#[tokio::test]
async fn buildkit_shows_the_failing_step_with_its_output() {
    a_failing_step_is_shown(true).await;
}

#[tokio::test]
async fn the_classic_builder_shows_the_failing_step_with_its_output() {
    a_failing_step_is_shown(false).await;
}

#[tokio::test]
async fn a_secret_reaches_its_step_and_nothing_else() {
    let docker = connect(true).await;
    let mount = "--mount=type=secret,id=pip.conf,target=/etc/pip.conf";
    let check = "cat /etc/pip.conf; read -r first < /etc/pip.conf; [ \"$first\" = '[global]' ] && echo mounted";
    let context = Context::new(&format!("{}\nRUN {mount} {check}", unique()));
    let mut request = context.request("secret");
    let pip_conf = format!("[global]\nindex-url = https://me:{CANARY}@index.example/simple\n");
    let bundle = "-----BEGIN CERTIFICATE-----\n".to_owned() + &"QUJD\n".repeat(60_000);
    request.set_secrets([("pip.conf", pip_conf), ("ca.pem", bundle)]);
    let log = Recorder::default();
    let image = request.build(&docker, &log).await.unwrap();
    assert!(log.text().contains("detail mounted"), "{}", log.text());
    assert!(!log.text().contains(CANARY), "{}", log.text());
    let history =
        run("docker", &["history", "--no-trunc", image.id.as_str()]) + &run("docker", &["inspect", image.id.as_str()]);
    assert!(!history.contains(CANARY));
    let saved = Command::new("docker")
        .args(["save", image.id.as_str()])
        .output()
        .unwrap()
        .stdout;
    assert!(saved.len() > 100_000);
    assert!(!saved.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}

#[tokio::test]
async fn a_large_secret_arrives_whole_and_a_larger_one_is_refused() {
    let docker = connect(true).await;
    let context = Context::new(&format!(
        "{}\nRUN --mount=type=secret,id=ca.pem,target=/ca.pem while read -r line; do last=$line; done < /ca.pem; echo last=$last",
        unique()
    ));
    let mut request = context.request("large-secret");
    let bundle = "x".repeat(99) + "\n";
    request.set_secrets([("ca.pem", bundle.repeat(2200) + "end\n")]);
    let log = Recorder::default();
    request.build(&docker, &log).await.unwrap();
    assert!(log.text().contains("last=end"), "{}", log.text());

    request.set_secrets([("ca.pem", bundle.repeat(6000))]);
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(
        matches!(error, Error::SecretTooLarge { size: 600_000, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn secrets_are_refused_where_only_the_classic_builder_is_used() {
    let docker = connect(false).await;
    let context = Context::new("RUN true");
    let mut request = context.request("classic-secret");
    request.set_secrets([("pip.conf", CANARY.to_owned())]);
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::SecretsUnsupported { .. }), "{error:?}");
    assert!(error.to_string().contains("needs the secrets pip.conf"), "{error}");
    assert!(error.advice().hints[0].contains("BuildKit"));
}

/// Whether a process of this machine has `argument` on its command line.
fn is_running(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes.flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    })
}

async fn a_dropped_build_ends(buildkit: bool, seconds: &str) {
    let docker = connect(buildkit).await;
    let context = Context::new(&format!("{}\nRUN echo begun; sleep {seconds}", unique()));
    let request = context.request("cancelled");
    let log = Recorder::default();
    tokio::select! {
        result = request.build(&docker, &log) => panic!("{result:?}"),
        () = log.wait_for("detail begun") => {}
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while is_running(seconds) {
        assert!(Instant::now() < deadline, "the build's sleep {seconds} still runs");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn buildkit_stops_when_nobody_waits() {
    a_dropped_build_ends(true, "314.15").await;
}

#[tokio::test]
async fn the_classic_builder_stops_when_nobody_waits() {
    a_dropped_build_ends(false, "271.82").await;
}

/// Forwards a socket to the daemon until told to break every connection.
struct BreakableDaemon {
    directory: tempfile::TempDir,
    connections: Arc<Mutex<tokio::task::JoinSet<()>>>,
}

impl BreakableDaemon {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = settings()
            .host
            .unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
        let target = host
            .strip_prefix("unix://")
            .expect("this test needs a daemon at a Unix socket")
            .to_owned();
        let listener = tokio::net::UnixListener::bind(directory.path().join("docker.sock")).unwrap();
        let connections = Arc::new(Mutex::new(tokio::task::JoinSet::new()));
        let forwarded = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let target = target.clone();
                forwarded.lock().unwrap().spawn(async move {
                    let mut far = tokio::net::UnixStream::connect(target).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { directory, connections }
    }

    fn settings(&self) -> DockerSettings {
        let host = format!("unix://{}", self.directory.path().join("docker.sock").display());
        DockerSettings {
            host: Some(host),
            ..DockerSettings::default()
        }
    }

    fn break_all(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

#[tokio::test]
async fn a_daemon_that_dies_mid_build_is_a_temporary_failure() {
    connect(true).await;
    for buildkit in [true, false] {
        let broken = BreakableDaemon::start();
        let docker = docker::connect(&DockerSettings {
            buildkit: Some(buildkit),
            ..broken.settings()
        })
        .await
        .unwrap();
        let context = Context::new(&format!("{}\nRUN echo begun; sleep 161.8", unique()));
        let request = context.request("dying");
        let log = Recorder::default();
        let (result, ()) = tokio::join!(request.build(&docker, &log), async {
            log.wait_for("detail begun").await;
            broken.break_all();
        });
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Lost { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .contains("went away while building sgbuild-test/dying:1"),
            "{error}"
        );
        assert_eq!(error.advice().fault, Fault::Temporary);
    }
}

#[tokio::test]
async fn an_absent_daemon_is_named_and_nothing_is_panicked_about() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("none.sock");
    let settings = DockerSettings {
        host: Some(format!("unix://{}", socket.display())),
        ..DockerSettings::default()
    };
    let error = docker::connect(&settings).await.err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("cannot connect to the Docker daemon at unix://"),
        "{error}"
    );
    assert!(error.to_string().contains("No such file"), "{error}");
    assert!(error.advice().hints[0].starts_with("Start Docker"));

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = DockerSettings {
        host: Some(host),
        ..DockerSettings::default()
    };
    let error = docker::connect(&settings).await.err().unwrap();
    assert!(
        matches!(error, Error::Absent { .. }) && error.to_string().contains("refused"),
        "{error}"
    );
}

/// Answers every request with `body`.
fn false_daemon(body: &'static str) -> DockerSettings {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 1024];
            let _ = std::io::Read::read(&mut stream, &mut buffer);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    DockerSettings {
        host: Some(host),
        ..DockerSettings::default()
    }
}

#[tokio::test]
async fn an_old_daemon_and_another_server_are_told_apart() {
    let old = false_daemon(r#"{"Version":"17.03.0-ce","ApiVersion":"1.26","Os":"linux"}"#);
    let error = docker::connect(&old).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the Docker daemon is too old: version 17.03.0-ce speaks API 1.26, 1.39 is needed"
    );
    let other = docker::connect(&false_daemon("<html>hello</html>"))
        .await
        .err()
        .unwrap();
    assert!(matches!(other, Error::NotDocker { .. }), "{other:?}");
}

#[tokio::test]
async fn a_missing_file_of_the_context_is_named() {
    let docker = connect(true).await;
    let context = Context::new("RUN true");
    let mut request = context.request("missing-file");
    request.dist.context.push("gone.tar.gz".to_owned());
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(
        matches!(&error, Error::Context { path, .. } if path.ends_with("gone.tar.gz")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_dockerfile_that_is_none_is_the_builders_message() {
    for buildkit in [true, false] {
        let docker = connect(buildkit).await;
        let error = Context::new("RUNN true")
            .request("syntax")
            .build(&docker, &Silent)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Build { .. }), "{error:?}");
        assert!(error.to_string().contains("unknown instruction: RUNN"), "{error}");
    }
}

#[tokio::test]
async fn an_image_for_another_platform_is_refused() {
    for buildkit in [true, false] {
        let docker = connect(buildkit).await;
        let context = Context::new("COPY a.txt /");
        let mut request = context.request("platform");
        request.plan.platform = Platform::new("linux", "arm64");
        let error = request.build(&docker, &Silent).await.unwrap_err();
        let Error::Platform { wanted, message, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(wanted, "linux/arm64");
        assert!(
            message.contains("shell:1") && message.contains("linux/amd64"),
            "{message}"
        );
    }
}

/// A registry that wants a password, on loopback, where Docker speaks plain HTTP.
struct Registry {
    process: std::process::Child,
    host: String,
    directory: tempfile::TempDir,
}

impl Registry {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(path("htpasswd"), HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\nauth:\n  htpasswd:\n    realm: test\n    path: {}\n",
            path("data"),
            path("htpasswd")
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let process = Command::new("docker-registry")
            .args(["serve", &path("config.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is missing: install it with `make services`");
        let registry = Self {
            process,
            host: format!("127.0.0.1:{port}"),
            directory,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(&registry.host).is_err() {
            assert!(Instant::now() < deadline, "the registry does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    fn holds(&self, path: &str) -> bool {
        Path::new(self.directory.path())
            .join("data/docker/registry/v2/repositories")
            .join(path)
            .join("_manifests/tags")
            .is_dir()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn pushes_with_credentials_and_builds_from_a_private_base() {
    let docker = connect(true).await;
    let registry = Registry::start();
    let credentials = Credentials::Basic {
        username: "me".to_owned(),
        password: Secret::new("canary-registry"),
    };
    let image = Context::new(&unique())
        .request("pushed")
        .build(&docker, &Silent)
        .await
        .unwrap();
    let target = reference(&registry.host, "team/pushed", "1.0");

    let denied = send(&docker, &image, &target, &Credentials::Anonymous, &Silent)
        .await
        .unwrap_err();
    assert!(matches!(denied, Error::PushDenied { .. }), "{denied:?}");
    assert_eq!(denied.advice().fault, Fault::User);
    assert!(!registry.holds("team/pushed"));

    let log = Recorder::default();
    send(&docker, &image, &target, &credentials, &log).await.unwrap();
    assert!(registry.holds("team/pushed"));
    assert!(log.text().contains(" pushed"), "{}", log.text());
    let again = Recorder::default();
    send(&docker, &image, &target, &credentials, &again).await.unwrap();
    assert!(again.text().contains("already there"), "{}", again.text());

    let gone = BuiltImage {
        id: Digest::of(b"gone"),
        ..image.clone()
    };
    let error = send(&docker, &gone, &target, &credentials, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::ImageMissing { .. }), "{error:?}");

    // The pushed image becomes a private base that the daemon no longer has.
    run("docker", &["rmi", &target.to_string(), image.name()]);
    for buildkit in [true, false] {
        let docker = connect(buildkit).await;
        let context = Context::from_base(&target.to_string(), &format!("{}\nRUN echo from private", unique()));
        let mut request = context.request("private-base");
        request.plan.base = target.clone().into();
        request.pull = true;
        let denied = request.build(&docker, &Silent).await.unwrap_err();
        assert!(matches!(denied, Error::BaseImage { .. }), "{denied:?}");
        assert!(denied.to_string().contains("team/pushed:1.0"), "{denied}");
        request.base_credentials = credentials.clone();
        let log = Recorder::default();
        request.build(&docker, &log).await.unwrap();
        assert!(log.text().contains("detail from private"), "{}", log.text());
    }

    let context = Context::from_base(&target.to_string(), "RUN true");
    let mut request = context.request("other-platform");
    request.plan.base = target.clone().into();
    request.base_credentials = credentials.clone();
    request.plan.platform = Platform::new("linux", "arm64");
    let error = request.build(&connect(false).await, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Platform { .. }), "{error:?}");

    run("docker", &["rmi", "-f", &target.to_string()]);

    let missing = reference(&registry.host, "team/missing", "1");
    let context = Context::from_base(&missing.to_string(), "RUN true");
    let mut request = context.request("missing-base");
    request.plan.base = missing.into();
    request.base_credentials = credentials;
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::BaseImage { .. }), "{error:?}");
    assert!(error.advice().hints.iter().any(|hint| hint.contains("`base-image`")));
}

#[tokio::test]
async fn a_registry_out_of_reach_is_a_temporary_failure() {
    let docker = connect(true).await;
    let image = Context::new("LABEL x=y")
        .request("unreachable")
        .build(&docker, &Silent)
        .await
        .unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let target = reference(&format!("127.0.0.1:{port}"), "nobody", "1");
    let error = send(&docker, &image, &target, &Credentials::Anonymous, &Silent)
        .await
        .unwrap_err();
    run("docker", &["rmi", &target.to_string()]);
    assert!(matches!(error, Error::PushInterrupted { .. }), "{error:?}");
    assert_eq!(error.advice().fault, Fault::Temporary);
}
