//! The main path with every daemon: built, pushed in the form that SageMaker takes, the same image everywhere, and run.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::main_path::{SCHEMA_2, config, login, manifest, opt_ml, repository};
use crate::support::builders::Builder;
use crate::support::{Sandbox, Testbed, python};

const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const BUILDERS: [Builder; 6] = [
    Builder::Docker20,
    Builder::Docker20Classic,
    Builder::Docker26,
    Builder::Docker26Classic,
    Builder::Containerd26,
    Builder::Podman,
];
/// Names and contents of everything that was installed; byte code is pip's own affair.
const LISTING: &str = r#"
import hashlib, pathlib, sysconfig
for place in (sysconfig.get_path("purelib"), "/usr/local/lib/sgbuild"):
    for path in sorted(pathlib.Path(place).rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            print(path, oct(path.stat().st_mode), hashlib.sha256(path.read_bytes()).hexdigest())
"#;

/// `fixtures/setuptools-docker-style`, built by `builder`; in this version, as other tests do the same.
fn small(builder: Builder, version: &str) -> Sandbox {
    on(of_version(version), builder)
}

fn of_version(version: &str) -> Sandbox {
    let sandbox = Sandbox::of_fixture("setuptools-docker-style");
    let setup = sandbox.read("setup.py");
    assert!(setup.contains("0.3.0"), "{setup}");
    sandbox.write("setup.py", &setup.replace("0.3.0", version));
    sandbox
}

fn on(sandbox: Sandbox, builder: Builder) -> Sandbox {
    let buildkit = if builder.buildkit() { "1" } else { "0" };
    let sandbox = sandbox.with_testbed().with("DOCKER_HOST", builder.host());
    // The classic builders keep no secret, not even a CA certificate.
    let sandbox = sandbox.with(
        "SGBUILD_PIP_SETTINGS",
        if builder.buildkit() { "true" } else { "false" },
    );
    sandbox.with("DOCKER_BUILDKIT", buildkit)
}

/// Has the daemon pull `image`, with the registry's password.
fn pull(builder: Builder, image: &str) {
    let (host, _) = image.split_once('/').unwrap();
    builder.docker_ok(&login(host));
    builder.docker_ok(&["pull", "--quiet", image]);
}

/// What training with two rows of data makes.
fn trained(builder: Builder, image: &str) -> Value {
    let ml = opt_ml(&[("rows.csv", "a,b\n1,2\n3,4\n")]);
    let volume = format!("{}:/opt/ml", ml.path().display());
    builder.docker_ok(&["run", "--rm", "--network=none", "--volume", &volume, image, "train"]);
    serde_json::from_str(&fs::read_to_string(ml.path().join("model/model.json")).unwrap()).unwrap()
}

/// What containers of the image are like, beside its files.
fn said(config: &Value) -> Value {
    let keys = ["Env", "Entrypoint", "Cmd", "Labels", "WorkingDir", "User"];
    // Some say that there is nothing, others nothing.
    let said = keys.map(|key| (key.to_owned(), config["config"][key].clone()));
    let said = said
        .into_iter()
        .filter(|(_, value)| !value.is_null() && *value != json!(""));
    // Where nothing is said, it is the root directory.
    said.filter(|(key, value)| key != "WorkingDir" || *value != json!("/"))
        .collect()
}

#[test]
fn every_daemon_makes_pushes_and_runs_the_same_image() {
    let mut first: Option<(Value, String)> = None;
    let mut rows = Vec::new();
    for builder in BUILDERS {
        let sandbox = small(builder, "1.1");
        let repository = repository("daemons");
        let pushed = sandbox.run(&["push", "--repository", &repository]).exits(0);
        let image = pushed.stdout.trim_end();
        let digest = image.rsplit('@').next().unwrap();

        let held = manifest(&repository, digest);
        for layer in held["layers"].as_array().unwrap() {
            assert_eq!(layer["mediaType"], LAYER, "{builder:?}: {held}");
        }
        let record: Value = serde_json::from_str(&sandbox.read("dist/image.json")).unwrap();
        assert_eq!(record["pushed"]["media_type"], SCHEMA_2);
        assert_eq!(record["pushed"]["config_digest"], held["config"]["digest"]);
        let built = &record["built"]["id"];
        assert!(
            [&held["config"]["digest"], &json!(digest)].contains(&built),
            "{builder:?}: {built}"
        );

        let again = sandbox.run(&["push", "--repository", &repository]).exits(0);
        assert_eq!(again.says(&["unchanged", "already"]).stdout, pushed.stdout);

        builder.docker_ok(&["rmi", "--force", built.as_str().unwrap()]);
        pull(builder, image);
        let config = config(&repository, held["config"]["digest"].as_str().unwrap());
        let files = builder.docker_ok(&["run", "--rm", "--entrypoint=python", image, "-c", LISTING]);
        let (like, listed) = first.get_or_insert_with(|| (said(&config), files.clone()));
        assert_eq!(said(&config), *like, "{builder:?}");
        assert_eq!(files, *listed, "{builder:?}");
        let model = trained(builder, image);
        assert_eq!(model, json!({"rows": 2}), "{builder:?}");
        builder.docker_ok(&["rmi", "--force", image]);

        let name = format!("{builder:?}");
        rows.push(format!(
            "{name:16} {} {} rows={}",
            held["config"]["digest"], held["mediaType"], model["rows"]
        ));
    }
    println!("{}", rows.join("\n"));
}

#[test]
fn a_native_image_is_loaded_into_every_daemon() {
    for builder in BUILDERS {
        let sandbox = small(builder, "1.2").with("SGBUILD_ENGINE", "native");
        let loaded = sandbox.run(&["build", "--load"]).exits(0);
        let into = format!(" into {}", builder.called());
        let name = loaded.says(&[&into]).stdout.trim_end().to_owned();
        assert_eq!(trained(builder, &name), json!({"rows": 2}), "{builder:?}");
        builder.docker_ok(&["rmi", "--force", &name]);
    }
}

#[test]
fn the_native_engine_takes_a_base_that_a_daemon_has() {
    let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
    for builder in [Builder::Docker26, Builder::Containerd26, Builder::Podman] {
        let name = format!("sgbuild-test/{}:1", builder.own("base"));
        builder.docker_ok(&["tag", base, &name]);
        let sandbox = small(builder, "1.3").with("SGBUILD_ENGINE", "native");
        let from = format!("docker-daemon:{name}");
        let loaded = sandbox.run(&["build", "--load", "--base-image", &from]).exits(0);
        assert_eq!(
            trained(builder, loaded.stdout.trim_end()),
            json!({"rows": 2}),
            "{builder:?}"
        );
        builder.docker_ok(&["rmi", "--force", loaded.stdout.trim_end(), &name]);
    }
}

/// A base whose layers and manifest are as containerd and podman like to push them: of zstd, and OCI's.
#[test]
fn a_base_of_oci_media_types_and_zstd_layers_becomes_dockers() {
    let registry = Testbed::get().variable("SGBUILD_TESTBED_REGISTRY");
    let path = repository("zstd");
    let base = format!("{registry}/{path}:1");
    // Anew, as a daemon that knows the layers by their content has them in gzip.
    push_zstd(Testbed::get().variable("SGBUILD_TESTBED_BASE"), &base);
    // Docker 20.10 does not read them.
    for builder in [
        Builder::Docker26,
        Builder::Docker26Classic,
        Builder::Containerd26,
        Builder::Podman,
    ] {
        let repository = repository("of-zstd");
        let flags = ["push", "--repository", &repository, "--base-image", &base];
        let pushed = small(builder, "1.4").run(&flags).exits(0);
        let held = manifest(&repository, pushed.stdout.trim_end().rsplit('@').next().unwrap());
        for layer in held["layers"].as_array().unwrap() {
            assert_eq!(layer["mediaType"], LAYER, "{builder:?}: {held}");
        }
    }
}

/// Pushes an image of `base` and a file more with podman, in layers of zstd.
fn push_zstd(base: &str, target: &str) {
    let directory = tempfile::tempdir().unwrap();
    let unique = uuid::Uuid::new_v4();
    fs::write(
        directory.path().join("Dockerfile"),
        format!("FROM {base}\nRUN echo {unique} > /unique\n"),
    )
    .unwrap();
    let (host, _) = target.split_once('/').unwrap();
    python(&format!(
        "import boto3\nboto3.client('ecr').create_repository(repositoryName={:?})",
        target[host.len() + 1..].rsplit_once(':').unwrap().0
    ));
    let steps = [
        format!("podman build --quiet --tag {target} {}", directory.path().display()),
        format!(
            "podman push --quiet --format=oci --compression-format=zstd --force-compression --creds=AWS:123456789012-auth-token {target}"
        ),
        format!("podman rmi --force {target}"),
    ];
    beside_podman(&steps.join(" && "));
}

/// Runs a shell command where podman runs.
fn beside_podman(command: &str) {
    let testbed = crate::support::root().join("tests/testbed");
    let script = "import sys; sys.path.insert(0, sys.argv[1]); from services import daemons, process; process.run(daemons.PODMAN.beside(['sh', '-c', sys.argv[2]]))";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(testbed)
        .arg(command)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn podman_is_found_where_no_docker_is_and_is_called_by_its_name() {
    let socket = Testbed::get()
        .variable("SGBUILD_TESTBED_PODMAN")
        .trim_start_matches("unix://");
    let sandbox = of_version("1.5").with_testbed().without("DOCKER_HOST");
    let runtime = sandbox.home().join("run");
    fs::create_dir_all(runtime.join("podman")).unwrap();
    std::os::unix::fs::symlink(socket, runtime.join("podman/podman.sock")).unwrap();
    let sandbox = sandbox.with("XDG_RUNTIME_DIR", runtime.display().to_string());
    let ran = without_docker(&sandbox, &["build"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(
        said.contains("Using podman (5.") && said.contains("/run/podman/podman.sock"),
        "{said}"
    );

    // A step that fails, and what is said of it.
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nsetup(name='broken', version='1.0', python_requires='<3.12', packages=['rowcounter'], dockerlines=['RUN exit 3'],\n    entry_points={'sgbuild.train': ['train = rowcounter.model:fit']})\n",
    );
    let ran = without_docker(&sandbox, &["build"]);
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("`RUN exit 3`") && said.contains("exit code: 3"), "{said}");
    assert!(!said.contains("Docker daemon"), "{said}");
}

/// Runs sgbuild where Docker's socket is none: in mounts of its own.
fn without_docker(sandbox: &Sandbox, arguments: &[&str]) -> std::process::Output {
    let own = sandbox.command(arguments);
    let docker = Path::new("/var/run/docker.sock").canonicalize().unwrap();
    Command::new("unshare")
        .args(["--mount", "sh", "-c", "mount --bind /dev/null \"$0\" && exec \"$@\""])
        .arg(docker)
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(sandbox.project())
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap()
}
