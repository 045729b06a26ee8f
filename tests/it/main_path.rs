//! The main path against real services: daemon, registry, AWS emulator, function host, the image run as SageMaker runs it.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Ran, Sandbox, Testbed, python, training_lambda};

pub(crate) const SCHEMA_2: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A repository of this test's own.
pub(crate) fn repository(test: &str) -> String {
    format!("it/{test}-{}", &uuid::Uuid::new_v4().simple().to_string()[..8])
}

fn docker(arguments: &[&str]) -> Output {
    Command::new(Testbed::get().variable("SGBUILD_TESTBED_DOCKER"))
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn docker_ok(arguments: &[&str]) -> String {
    let output = docker(arguments);
    assert!(
        output.status.success(),
        "docker {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What the registry answers to `GET path`.
fn registry(path: &str) -> (String, Vec<u8>) {
    let testbed = Testbed::get();
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--location",
            "--user",
            "AWS:123456789012-auth-token",
        ])
        .args([
            "--cacert",
            testbed.variable("SSL_CERT_FILE"),
            "--header",
            &format!("Accept: {SCHEMA_2}"),
        ])
        .args(["--write-out", "%{stderr}%{content_type}"])
        .arg(format!(
            "https://{}{path}",
            testbed.variable("SGBUILD_TESTBED_REGISTRY")
        ))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{path}: {said}");
    (said, output.stdout)
}

/// The config of an image.
pub(crate) fn config(repository: &str, digest: &str) -> Value {
    serde_json::from_slice(&registry(&format!("/v2/{repository}/blobs/{digest}")).1).unwrap()
}

pub(crate) fn manifest(repository: &str, reference: &str) -> Value {
    let (content_type, body) = registry(&format!("/v2/{repository}/manifests/{reference}"));
    assert_eq!(content_type, SCHEMA_2);
    serde_json::from_slice(&body).unwrap()
}

/// Puts a manifest, or a list of them, under a tag, by the media type that it says.
pub(crate) fn put_manifest(repository: &str, tag: &str, manifest: &Value) {
    let testbed = Testbed::get();
    let media_type = manifest["mediaType"].as_str().unwrap();
    let host = testbed.variable("SGBUILD_TESTBED_REGISTRY");
    let status = Command::new("curl")
        .args([
            "--silent",
            "--fail",
            "--user",
            "AWS:123456789012-auth-token",
            "--request",
            "PUT",
        ])
        .args(["--cacert", testbed.variable("SSL_CERT_FILE"), "--header"])
        .arg(format!("Content-Type: {media_type}"))
        .args(["--data", &manifest.to_string()])
        .arg(format!("https://{host}/v2/{repository}/manifests/{tag}"))
        .status()
        .unwrap();
    assert!(status.success());
}

/// A small package that trains without requirements.
fn small() -> Sandbox {
    Sandbox::of_fixture("setuptools-docker-style").with_testbed()
}

fn training_flags(function: &str) -> Vec<String> {
    let testbed = Testbed::get();
    [
        ("--function", function),
        ("--source-bucket", testbed.variable("SGBUILD_TESTBED_INPUT_BUCKET")),
        ("--output-bucket", testbed.variable("SGBUILD_TESTBED_OUTPUT_BUCKET")),
        ("--role", testbed.variable("SGBUILD_TESTBED_ROLE")),
    ]
    .iter()
    .flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()])
    .collect()
}

/// boto3 against the emulator: what it prints.
fn boto(script: &str) -> String {
    python(&format!("import boto3, json\n{script}"))
}

/// A directory as SageMaker mounts it at `/opt/ml`.
pub(crate) fn opt_ml(data: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["input/config", "input/data/training", "model", "output/data"] {
        fs::create_dir_all(directory.path().join(folder)).unwrap();
    }
    fs::write(
        directory.path().join("input/config/hyperparameters.json"),
        "{\"max_depth\": \"3\"}",
    )
    .unwrap();
    for (name, text) in data {
        fs::write(directory.path().join("input/data/training").join(name), text).unwrap();
    }
    directory
}

pub(crate) fn train(image: &str, opt_ml: &Path) -> Output {
    docker(&[
        "run",
        "--rm",
        "--volume",
        &format!("{}:/opt/ml", opt_ml.display()),
        image,
        "train",
    ])
}

pub(crate) fn iris_data() -> String {
    let folder = crate::support::root().join("fixtures/iris-classifier/data");
    let csv = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .find(|e| e.path().extension().is_some_and(|x| x == "csv"));
    fs::read_to_string(csv.expect("the fixture has its data").path()).unwrap()
}

#[test]
fn iris_from_setup_py_to_a_model_and_a_training_job() {
    let sandbox = Sandbox::of_fixture("iris-classifier").with_testbed().committed();
    let (repository, function) = (repository("iris"), format!("train-{}", uuid::Uuid::new_v4().simple()));
    training_lambda(&function);
    boto(
        "boto3.client('s3').put_object(Bucket='sgbuild-input', Key='input/config/hyperparameters.json', Body=b'{\"max_depth\": 3, \"shuffle\": true}')",
    );
    let mut arguments = vec!["push".to_owned(), "--repository".to_owned(), repository.clone()];
    arguments.extend(training_flags(&function));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let pushed = sandbox.run(&arguments).exits(0);

    // Stdout is the image by digest, and nothing else.
    let image = pushed.stdout.trim_end();
    let prefix = format!(
        "{}/{repository}@sha256:",
        Testbed::get().variable("SGBUILD_TESTBED_REGISTRY")
    );
    assert_eq!(pushed.stdout, format!("{image}\n"));
    assert!(
        image.starts_with(&prefix) && image.len() == prefix.len() + 64,
        "{image}"
    );
    let digest = image.rsplit('@').next().unwrap();
    assert_eq!(manifest(&repository, digest)["mediaType"], SCHEMA_2);
    let record: Value = serde_json::from_str(&sandbox.read("dist/image.json")).unwrap();
    assert_eq!(record["pushed"]["digest"], digest);

    // The image that the registry holds trains.
    docker_ok(&["rmi", "--force", record["built"]["id"].as_str().unwrap()]);
    docker_login();
    docker_ok(&["pull", "--quiet", image]);
    let ml = opt_ml(&[("iris.csv", &iris_data())]);
    let ran = train(image, ml.path());
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("accuracy"), "{said}");
    assert!(fs::read_dir(ml.path().join("model")).unwrap().count() > 0);

    // Broken data fails with a reason.
    let ml = opt_ml(&[("iris.csv", "sepal_length,species\nnot-a-number,setosa\n")]);
    let ran = train(image, ml.path());
    assert!(!ran.status.success());
    let reason = fs::read_to_string(ml.path().join("output/failure")).unwrap();
    assert!(reason.lines().next().unwrap().contains("iris.csv"), "{reason}");

    // The job that the Lambda started trains this digest, with hyperparameters that are strings.
    let job = pushed
        .stderr
        .lines()
        .find_map(|line| line.trim().strip_prefix("training job "))
        .expect("the job is named");
    let job: Value = serde_json::from_str(&boto(&format!(
        "print(json.dumps(boto3.client('sagemaker').describe_training_job(TrainingJobName='{job}'), default=str))"
    )))
    .unwrap();
    assert_eq!(job["AlgorithmSpecification"]["TrainingImage"], image);
    assert_eq!(job["HyperParameters"], json!({"max_depth": "3", "shuffle": "true"}));
}

pub(crate) fn docker_login() {
    let host = Testbed::get().variable("SGBUILD_TESTBED_REGISTRY");
    docker_ok(&login(host));
}

/// The arguments with which a docker client logs in to a registry of the emulated ECR.
pub(crate) fn login(host: &str) -> [&str; 6] {
    [
        "login",
        "--username",
        "AWS",
        "--password",
        "123456789012-auth-token",
        host,
    ]
}

#[test]
fn nothing_is_done_twice() {
    let sandbox = small().committed();
    let repository = repository("twice");
    let first = sandbox.run(&["push", "--repository", &repository]).exits(0);
    let again = sandbox
        .run(&["push", "--repository", &repository])
        .exits(0)
        .says(&["unchanged", "already"]);
    assert_eq!(first.stdout, again.stdout);
    let built = sandbox.run(&["build"]).exits(0).says(&["unchanged"]);
    assert!(built.stdout.starts_with("sgbuild/"), "{}", built.stdout);
}

#[test]
fn another_engines_image_is_not_taken_for_this_ones() {
    let sandbox = small().committed();
    sandbox.run(&["build"]).exits(0);
    let record = sandbox.read("dist/image.json");
    sandbox.write("dist/image.json", &record.replace("\"docker\"", "\"another\""));
    let built = sandbox.run(&["build"]).exits(0);
    assert!(!built.stderr.contains(": unchanged\n"), "{}", built.stderr);
    assert!(sandbox.read("dist/image.json").contains("\"docker\""));
}

#[test]
fn an_image_whose_note_cannot_be_written_is_reported_all_the_same() {
    let sandbox = small().committed();
    sandbox.run(&["dist"]).exits(0);
    // A directory cannot be replaced by a file.
    fs::create_dir(sandbox.project().join("dist/image.json")).unwrap();
    let warned = "/dist/image.json: ";
    let built = sandbox
        .run(&["build"])
        .exits(0)
        .says(&[warned, "will not know of this build"]);
    assert!(built.stdout.starts_with("sgbuild/"), "{}", built.stdout);
    let pushed = sandbox
        .run(&["push", "--repository", &repository("unnoted")])
        .exits(0)
        .says(&[warned, "will not know of this push"]);
    assert!(pushed.stdout.contains("@sha256:"), "{}", pushed.stdout);
}

#[test]
fn a_code_change_makes_one_small_layer() {
    let sandbox = Sandbox::of_fixture("entry-point-keyword").with_testbed().committed();
    let repository = repository("layers");
    let layers = |ran: &Ran| -> Vec<(String, u64)> {
        let manifest = manifest(&repository, ran.stdout.trim_end().rsplit('@').next().unwrap());
        let layers = manifest["layers"].as_array().unwrap().iter();
        layers
            .map(|layer| {
                (
                    layer["digest"].as_str().unwrap().to_owned(),
                    layer["size"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    let first = layers(&sandbox.run(&["push", "--repository", &repository]).exits(0));
    let (code, _) = training_module(&sandbox);
    let changed = format!("{}\n# changed\n", fs::read_to_string(&code).unwrap());
    fs::write(&code, changed).unwrap();
    sandbox.commit("second");
    let second = sandbox.run(&["push", "--repository", &repository, "-v"]).exits(0);
    let second_layers = layers(&second);
    let new: Vec<_> = second_layers.iter().filter(|layer| !first.contains(layer)).collect();
    assert_eq!(new.len(), 1, "{first:?} {second_layers:?}");
    assert!(new[0].1 < 20_000, "{new:?}");
    assert!(
        !second.stderr.contains("Collecting"),
        "no dependency is installed again:\n{}",
        second.stderr
    );
}

/// The module of the function that trains, and the function's name.
fn training_module(sandbox: &Sandbox) -> (PathBuf, String) {
    let object = sandbox.run(&["inspect", "--json"]).exits(0).json()["train"]["object"]
        .as_str()
        .unwrap()
        .to_owned();
    let (module, function) = object.split_once(':').unwrap();
    (
        sandbox.project().join(module.replace('.', "/")).with_extension("py"),
        function.to_owned(),
    )
}

#[test]
fn sigterm_ends_training_within_a_second_and_runs_the_users_handler() {
    let sandbox = small();
    let (code, function) = training_module(&sandbox);
    let module = fs::read_to_string(&code).unwrap();
    let slow = format!(
        "{module}\n\ndef {function}():\n    import signal, sys, time\n    def stop(number, frame):\n        print('handled', flush=True)\n        sys.exit(0)\n    signal.signal(signal.SIGTERM, stop)\n    print('ready', flush=True)\n    time.sleep(600)\n"
    );
    fs::write(&code, slow).unwrap();
    let image = sandbox.run(&["build"]).exits(0).stdout.trim_end().to_owned();
    let container = docker_ok(&["run", "--detach", &image, "train"]).trim_end().to_owned();
    let logs = || docker_ok(&["logs", &container]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !logs().contains("ready") {
        assert!(Instant::now() < deadline, "{}", logs());
        std::thread::sleep(Duration::from_millis(50));
    }
    let started = Instant::now();
    docker_ok(&["stop", &container]);
    let took = started.elapsed();
    assert!(logs().contains("handled"));
    docker_ok(&["rm", "--force", &container]);
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn plain_docker_build_works_on_dist() {
    for buildkit in ["1", "0"] {
        let sandbox = small().with("DOCKER_BUILDKIT", buildkit);
        sandbox.run(&["dist", "--no-pip-settings"]).exits(0);
        let dist = sandbox.project().join("dist");
        let tag = repository("plain");
        let output = Command::new(Testbed::get().variable("SGBUILD_TESTBED_DOCKER"))
            .args(["build", "--quiet", "--tag", &tag])
            .arg(dist)
            .env("DOCKER_BUILDKIT", buildkit)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let ml = opt_ml(&[]);
        let ran = train(&tag, ml.path());
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn every_fixture_builds_and_trains() {
    for fixture in [
        "entry-point-keyword",
        "setup-cfg-only",
        "pyproject-only",
        "computed-version",
    ] {
        let sandbox = Sandbox::of_fixture(fixture).with_testbed();
        let built = sandbox.run(&["build"]).exits(0);
        let ml = opt_ml(&[("rows.csv", "a,b\n1,2\n3,4\n")]);
        let ran = train(built.stdout.trim_end(), ml.path());
        assert!(
            ran.status.success(),
            "{fixture}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        assert!(
            fs::read_dir(ml.path().join("model")).unwrap().count() > 0,
            "{fixture} wrote no model"
        );
    }
}

#[test]
fn the_steps_may_be_shells_of_their_own() {
    let sandbox = small().committed();
    let repository = repository("steps");
    sandbox.run(&["dist"]).exits(0);
    sandbox.run(&["build"]).exits(0);
    sandbox
        .run(&["push", "--repository", &repository, "--no-train"])
        .exits(0)
        .says(&["unchanged"]);
    let function = format!("steps-{}", uuid::Uuid::new_v4().simple());
    training_lambda(&function);
    let mut arguments = vec![
        "train".to_owned(),
        "--run-id".to_owned(),
        "run-1".to_owned(),
        "--job-name".to_owned(),
        repository.replace('/', "-"),
    ];
    arguments.extend(training_flags(&function));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let first = sandbox.run(&arguments).exits(0);
    // The same run id is the same job.
    let again = sandbox.run(&arguments).exits(0);
    assert_eq!(first.stdout, again.stdout);
    assert!(first.stdout.trim_end().ends_with("run-1"), "{}", first.stdout);
}

#[test]
fn train_names_what_the_image_was_built_from() {
    let sandbox = small().committed();
    let function = format!("test-{}", uuid::Uuid::new_v4().simple());
    let repository = repository("source");
    sandbox
        .run(&["push", "--no-train", "--repository", &repository])
        .exits(0);
    let request = |sandbox: &Sandbox| {
        let arguments = [
            vec!["train".to_owned(), "--dry-run".to_owned()],
            training_flags(&function),
        ]
        .concat();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        sandbox.run(&arguments).exits(0).json()
    };
    let before = request(&sandbox);
    assert_eq!(before["git_hash"].as_str().map(str::len), Some(40), "{before}");
    let mut setup = sandbox.read("setup.py");
    setup.push_str("\n# later\n");
    sandbox.write("setup.py", &setup);
    sandbox.commit("later");
    let after = request(&sandbox);
    assert_eq!(
        (&after["git_hash"], &after["version"], &after["image"]),
        (&before["git_hash"], &before["version"], &before["image"])
    );
}

#[test]
fn tags_immutable_repositories_and_no_create() {
    let sandbox = small().committed();
    let repository = repository("tags");
    sandbox
        .run(&["push", "--repository", &repository, "--no-create"])
        .exits(1)
        .says(&["does not exist", &repository]);
    boto(&format!(
        "boto3.client('ecr').create_repository(repositoryName='{repository}', imageTagMutability='IMMUTABLE')"
    ));
    let first = sandbox
        .run(&[
            "push",
            "--repository",
            &repository,
            "--no-create",
            "--tag",
            "one",
            "--tag",
            "two",
        ])
        .exits(0);
    let digest = first.stdout.trim_end().rsplit('@').next().unwrap();
    for tag in ["one", "two"] {
        assert_eq!(manifest(&repository, tag), manifest(&repository, digest));
    }
    // The same image again is done; another image under the tag is a conflict.
    sandbox
        .run(&["push", "--repository", &repository, "--tag", "one"])
        .exits(0);
    let conflict = sandbox
        .run(&[
            "push",
            "--repository",
            &repository,
            "--tag",
            "one",
            "--label",
            "changed=yes",
        ])
        .exits(1);
    conflict.says(&["one", "immutable", "hint"]);
    assert_eq!(manifest(&repository, "one"), manifest(&repository, digest));
}

#[test]
fn a_private_base_image_of_another_account_and_region_is_logged_in_to() {
    let base = Testbed::get().variable("SGBUILD_TESTBED_PRIVATE_BASE");
    docker(&["rmi", "--force", base]);
    let sandbox = small();
    sandbox.run(&["build", "--base-image", base]).exits(0);
}

#[test]
fn the_index_password_is_nowhere() {
    const CANARY: &str = "c4n4ry-passw0rd";
    let index = PrivateIndex::start(CANARY);
    let sandbox = Sandbox::of_fixture("entry-point-keyword").with_testbed();
    sandbox.write(
        "setup.py",
        &sandbox
            .read("setup.py")
            .replace("install_requires=[", "install_requires=['privatepkg', "),
    );
    let sandbox = sandbox
        .with(
            "PIP_EXTRA_INDEX_URL",
            format!("http://me:{CANARY}@{}/simple", index.address),
        )
        .with("PIP_TRUSTED_HOST", index.address.split(':').next().unwrap())
        .committed();
    let repository = repository("canary");
    let ran = sandbox
        .run(&[
            "push",
            "--repository",
            &repository,
            "-v",
            "--no-cache",
            // The fixture has dockerlines of its own, which take nothing.
            "--trust-dockerfile",
        ])
        .exits(0);
    assert!(
        ran.stderr.contains("privatepkg"),
        "the private package was installed:\n{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains(CANARY), "the log has it:\n{}", ran.stderr);

    let image = ran.stdout.trim_end();
    let scratch = tempfile::tempdir().unwrap();
    let saved = scratch.path().join("image.tar");
    let built: Value = serde_json::from_str(&sandbox.read("dist/image.json")).unwrap();
    docker_ok(&[
        "save",
        "--output",
        &saved.display().to_string(),
        built["built"]["id"].as_str().unwrap(),
    ]);
    let history = docker_ok(&["history", "--no-trunc", built["built"]["id"].as_str().unwrap()]);
    assert!(
        history.contains("pip install") && !history.contains(CANARY),
        "{image}: {history}"
    );
    // Layers are plain tar inside the saved image, so a search through its bytes sees every file.
    assert!(!holds(&saved, CANARY.as_bytes()));
    for entry in walkdir::WalkDir::new(sandbox.project().join("dist")) {
        let entry = entry.unwrap();
        assert!(
            !entry.file_type().is_file() || !holds(entry.path(), CANARY.as_bytes()),
            "{}",
            entry.path().display()
        );
    }
}

/// Whether a file's bytes hold `wanted`; gzip members are not searched.
fn holds(path: &Path, wanted: &[u8]) -> bool {
    let mut file = fs::File::open(path).unwrap();
    let mut window = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).unwrap();
        if read == 0 {
            return false;
        }
        window.extend_from_slice(&buffer[..read]);
        if window.windows(wanted.len()).any(|bytes| bytes == wanted) {
            return true;
        }
        let keep = window.len().saturating_sub(wanted.len());
        window.drain(..keep);
    }
}

/// A package index with one package, behind basic authentication, that build containers reach at the bridge's gateway.
struct PrivateIndex {
    address: String,
    server: std::process::Child,
    _directory: tempfile::TempDir,
}

impl PrivateIndex {
    fn start(password: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The daemon knows its own gateway only from its second start on.
        let route = "print(*(bytes.fromhex(line.split()[2])[::-1].hex('.') for line in open('/proc/net/route') if line.split()[1] == '00000000'))";
        let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
        let gateway = docker_ok(&["run", "--rm", base, "python3", "-c", route]);
        let gateway: Vec<_> = gateway
            .trim()
            .split('.')
            .map(|byte| u8::from_str_radix(byte, 16).unwrap().to_string())
            .collect();
        let gateway = gateway.join(".");
        let script = crate::support::root().join("tests/it/support/private_index.py");
        let mut server = Command::new("python3")
            .arg(script)
            .args([&gateway, "me", password, &directory.path().display().to_string()])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.as_mut().unwrap()), &mut line).unwrap();
        Self {
            address: line.trim().to_owned(),
            server,
            _directory: directory,
        }
    }
}

impl Drop for PrivateIndex {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
