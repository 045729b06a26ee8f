//! The Docker engine against real daemons: Docker of two versions with either of its stores, and podman.

mod absent;
mod building;
mod pushing;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sgbuild::dist::{Dist, context_digest};
use sgbuild::engine::docker::{self, Docker, DockerSettings, Error};
use sgbuild::engine::{self, BuiltImage, Engine, Order};
use sgbuild::image::{BaseImage, ImagePlan, OnlyDocker};
use sgbuild::oci::{Platform, Reference, Repository};
use sgbuild::progress::{Progress, Task};
use sgbuild::project::{EntryPoint, Served};
use sgbuild::registry::Credentials;
use sgbuild::secret::Secret;

use crate::support::builders::Builder;

const BASE: &str = "sgbuild-test/shell";
const CANARY: &str = "c4nary-engine-5f1e";

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

fn settings(builder: Builder) -> DockerSettings {
    DockerSettings {
        host: Some(builder.host()),
        buildkit: Some(builder.buildkit()),
        ..DockerSettings::default()
    }
}

pub(crate) async fn connect(builder: Builder) -> Docker {
    match docker::connect(&settings(builder)).await {
        Ok(docker) => {
            make_base(builder);
            docker
        }
        Err(error) => panic!("{error}\nthese tests need {builder:?}: start it with `make services`"),
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
fn make_base(builder: Builder) {
    let lock = std::fs::File::create(std::env::temp_dir().join("sgbuild-test-base.lock")).unwrap();
    lock.lock().unwrap();
    let tag = format!("{BASE}:1");
    if builder.docker(&["image", "inspect", &tag]).status.success() {
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
    let mut import = builder
        .command(&["import", "-", &tag])
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
        served: Served::Own,
        initializer: None,
        user: None,
        labels: BTreeMap::new(),
        secrets: BTreeSet::new(),
        entrypoint: Vec::new(),
        command: Vec::new(),
        only_docker: OnlyDocker {
            classic_builder: true,
            ..OnlyDocker::default()
        },
        lacks: Vec::new(),
    }
}

fn of_docker(error: engine::Error) -> Error {
    match error {
        engine::Error::Docker(error) => error,
        other @ (engine::Error::Native(_) | engine::Error::Output(_)) => panic!("{other}"),
    }
}

/// A line that no earlier build had, so that the cache cannot answer.
fn unique() -> String {
    format!("ENV UNIQUE={}", uuid::Uuid::new_v4())
}
