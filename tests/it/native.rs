//! Images that no daemon makes: what Docker's own build of the same project comes to, and the same bytes every time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::base_images::base;
use crate::main_path::{SCHEMA_2, docker_login, docker_ok, iris_data, manifest, opt_ml, repository, train};
use crate::native_base::pushed;
use crate::support::{Ran, Sandbox, Testbed};

/// Prints what an image holds; the conformance judge asks the same.
const HOLDING: &str = include_str!("../conformance/holding.py");
/// Of a config: how the image is run.
const RUN: [&str; 12] = [
    "Env",
    "Entrypoint",
    "Cmd",
    "Labels",
    "WorkingDir",
    "User",
    "ExposedPorts",
    "Volumes",
    "Healthcheck",
    "StopSignal",
    "Shell",
    "OnBuild",
];

pub(crate) fn private_base() -> &'static str {
    Testbed::get().variable("SGBUILD_TESTBED_PRIVATE_BASE")
}

/// The arguments of a native push.
pub(crate) fn native_push<'a>(base: &'a str, repository: &'a str) -> Vec<&'a str> {
    let engine = ["push", "--engine", "native", "--no-train"];
    [&engine[..], &["--base-image", base, "--repository", repository]].concat()
}

/// Where there is no daemon.
pub(crate) fn without_docker(sandbox: Sandbox) -> Sandbox {
    sandbox.with("DOCKER_HOST", "unix:///nowhere/docker.sock")
}

/// The image that was pushed, as the Docker daemon has it once it has pulled it, which verifies every layer.
pub(crate) fn pulled(ran: &Ran) -> String {
    let image = ran.stdout.trim_end();
    docker_login();
    docker_ok(&["pull", "--quiet", image]);
    image.to_owned()
}

fn run_config(image: &str) -> BTreeMap<&'static str, Value> {
    let inspected: Value = serde_json::from_str(&docker_ok(&["image", "inspect", image])).unwrap();
    let is_something = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    let config = &inspected[0]["Config"];
    let mut named = RUN.map(|key| (key, config[key].clone()));
    // What a native image tells of its layers, no other has.
    for (_, value) in named.iter_mut().filter(|(key, _)| *key == "Labels") {
        value.as_object_mut().map(|labels| labels.remove("sgbuild.layers"));
    }
    named.into_iter().filter(|(_, value)| is_something(value)).collect()
}

fn files(image: &str) -> BTreeMap<String, String> {
    let run = ["run", "--rm", "--user=0", "--network=none", "--entrypoint", "python"];
    let listed = docker_ok(&[&run[..], &[image, "-c", HOLDING]].concat());
    serde_json::from_str(&listed).unwrap()
}

/// Both images are the same to whoever runs them.
#[track_caller]
pub(crate) fn assert_same(native: &str, docker: &str) {
    assert_eq!(run_config(native), run_config(docker));
    let (native, docker) = (files(native), files(docker));
    let paths = native.keys().chain(docker.keys());
    let different: Vec<_> = paths
        .filter(|path| native.get(*path) != docker.get(*path))
        .map(|path| format!("{path}: {:?}, Docker's: {:?}", native.get(path), docker.get(path)))
        .collect();
    assert!(native.len() > 1000, "{}", native.len());
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn iris_is_made_without_a_daemon_and_is_what_docker_makes() {
    let sandbox = without_docker(Sandbox::of_fixture("iris-classifier").with_testbed().committed());
    let repository = repository("native-iris");
    let ran = sandbox.run(&native_push(private_base(), &repository)).exits(0);
    let digest = ran.stdout.trim_end().rsplit('@').next().unwrap();
    assert_eq!(manifest(&repository, digest)["mediaType"], SCHEMA_2);

    let image = pulled(&ran);
    let python = |script: &str| docker_ok(&["run", "--rm", "--entrypoint", "python", &image, "-c", script]);
    python("import irisclassifier.train, irisclassifier.serve, numpy, pandas, sklearn, joblib, scipy");
    docker_ok(&["run", "--rm", "--entrypoint", "python", &image, "-m", "pip", "check"]);
    let ml = opt_ml(&[("iris.csv", &iris_data())]);
    let trained = train(&image, ml.path());
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    assert!(fs::read_dir(ml.path().join("model")).unwrap().count() > 0);

    let sandbox = sandbox.without("DOCKER_HOST");
    let built = sandbox
        .run(&["build", "--engine", "docker", "--base-image", private_base()])
        .exits(0);
    assert_same(&image, built.stdout.trim_end());
}

/// A package with files in every place that a wheel has, which requires two more beside it in the same repository.
fn odd_package() -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "Odd_Package/setup.py",
        r#"from setuptools import setup

setup(
    name="Odd.Package",
    version="1.0",
    packages=["odd"],
    package_data={"odd": ["*.sh", "Same.txt", "same.txt", "ü/*.txt"]},
    data_files=[("man/man1", ["odd.1"]), ("etc/odd", ["odd.1"]), ("bin", ["plain"])],
    headers=["odd.h"],
    scripts=["scripts/by-python", "scripts/by-shell", "scripts/odd-tool.py"],
    entry_points={
        "console_scripts": ["train = odd:train", "odd-tool = odd:Tool.run", "odd-extra = odd:train [x]"],
        "gui_scripts": ["odd-window = odd:train"],
    },
    extras_require={"x": []},
    install_requires=["odd-one", "odd-two==2.0"],
)
"#,
    );
    for (name, text) in [
        (
            "pyproject.toml",
            "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[tool.uv.sources]\nodd-one = { path = \"../one\" }\nodd-two = { path = \"../two\" }\n",
        ),
        (
            "odd/__init__.py",
            "def train():\n    pass\n\n\nclass Tool:\n    run = staticmethod(train)\n",
        ),
        ("odd/run.sh", "#!/bin/sh\n"),
        ("odd/Same.txt", "upper"),
        ("odd/same.txt", "lower"),
        ("odd/ü/ö.txt", "beyond ASCII"),
        ("odd.1", ".TH x 1\n"),
        ("odd.h", "#define ODD\n"),
        ("plain", "no program\n"),
        ("scripts/by-python", "#!/usr/bin/env python3 -s\nprint(1)\n"),
        ("scripts/by-shell", "#!/bin/sh\n"),
        ("scripts/odd-tool.py", "#!/usr/bin/python\nprint(2)\n"),
    ] {
        sandbox.write(&format!("Odd_Package/{name}"), text);
    }
    let script = sandbox.project().join("Odd_Package/odd/run.sh");
    fs::set_permissions(script, fs::Permissions::from_mode(0o700)).unwrap();
    for (name, version) in [("one", "1.0"), ("two", "2.0")] {
        let setup = format!(
            "from setuptools import setup\nsetup(name='odd-{name}', version='{version}', packages=['odds.{name}'], data_files=[('share/odds', ['{name}.txt'])])\n"
        );
        sandbox.write(&format!("{name}/setup.py"), &setup);
        sandbox.write(&format!("{name}/odds/{name}/__init__.py"), "");
        sandbox.write(&format!("{name}/{name}.txt"), name);
    }
    sandbox.committed()
}

#[test]
fn an_odd_package_on_an_odd_base_is_what_docker_makes() {
    // Mode, owner, link and content of what is there already are the base's business.
    let tag = base(
        "native-odd",
        r#"RUN useradd someone && mkdir -p /opt/real /usr/local/etc/odd && chmod 700 /usr/local/etc/odd \
 && ln -s /opt/real /usr/local/share/odds && touch /opt/real/train && ln -s /opt/real/train /usr/local/bin/train && touch /usr/local/bin/odd-window
USER someone
WORKDIR /home/someone
ENV PYTHONUNBUFFERED=x OTHER="a b" EMPTY=
EXPOSE 8080/tcp
VOLUME /data
LABEL of.base=1 org.opencontainers.image.title="another"
HEALTHCHECK --interval=5s CMD true
STOPSIGNAL SIGINT
SHELL ["/bin/bash", "-c"]
ENTRYPOINT ["/bin/false"]
CMD ["never"]"#,
    );
    let base = pushed(&tag, "odd").to_string();
    let sandbox = odd_package();
    let repository = repository("native-odd");
    let ran = sandbox
        .run(&[&native_push(&base, &repository)[..], &["--pull", "Odd_Package"]].concat())
        .exits(0);
    let native = pulled(&ran);
    let built = sandbox
        .run(&["build", "--engine", "docker", "--base-image", &base, "Odd_Package"])
        .exits(0);
    assert_same(&native, built.stdout.trim_end());
    docker_ok(&["run", "--rm", "--entrypoint", "python", &native, "-m", "pip", "check"]);
}

#[test]
fn directories_of_a_users_stay_the_users() {
    let tag = base(
        "native-owned",
        "RUN useradd --create-home someone && python3 -m venv /home/someone/venv && chown -R someone:someone /home/someone && chmod 750 /home/someone\n\
         ENV PATH=/home/someone/venv/bin:$PATH\nUSER someone",
    );
    let base = pushed(&tag, "owned").to_string();
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nsetup(name='owned', version='1.0', packages=['owned'], install_requires=['six==1.16.0'], entry_points={'console_scripts': ['train = owned:train']})\n",
    );
    sandbox.write("owned/__init__.py", "def train():\n    pass\n");
    let repository = repository("native-owned");
    let arguments = native_push(&base, &repository);
    let native = pulled(&sandbox.run(&[&arguments[..], &["--pull"]].concat()).exits(0));
    let docker = sandbox
        .run(&["build", "--engine", "docker", "--base-image", &base])
        .exits(0);
    assert_same(&native, docker.stdout.trim_end());
    let held = files(&native);
    for (path, owner) in [
        ("/home/someone/venv/bin", "1000:1000"),
        ("/home/someone", "1000:1000"),
        ("/home/someone/venv/bin/train", "0:0"),
    ] {
        assert!(held[path].contains(owner), "{path}: {}", held[path]);
    }
}

#[test]
fn what_the_base_has_in_another_version_goes_as_pip_would_have_it_go() {
    // Of Debian's own pip nothing is removed, and of what is installed beside it everything, with its directories.
    let tag = base(
        "native-older",
        "RUN --mount=type=secret,id=ca PIP_CERT=/run/secrets/ca python -m pip install --quiet --no-cache-dir attrs==21.4.0 click==7.1.2 \\\n \
         && touch /usr/local/lib/python3.11/dist-packages/attr/kept.txt",
    );
    let base = pushed(&tag, "older").to_string();
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nsetup(name='newer', version='1.0', py_modules=['newer'], install_requires=['attrs==23.2.0', 'click==8.1.7', 'pip==24.0'], entry_points={'console_scripts': ['train = newer:train']})\n",
    );
    sandbox.write("newer.py", "def train():\n    pass\n");
    let repository = repository("native-newer");
    let ran = sandbox
        .run(&[&native_push(&base, &repository)[..], &["--pull"]].concat())
        .exits(0);
    let native = pulled(&ran);
    let built = sandbox
        .run(&["build", "--engine", "docker", "--base-image", &base])
        .exits(0);
    assert_same(&native, built.stdout.trim_end());
    let held = files(&native);
    assert!(held.keys().any(|path| path.ends_with("/attr/kept.txt")));
    assert!(!held.keys().any(|path| path.contains("attrs-21.4.0")), "{held:?}");
}

#[test]
fn a_base_that_wants_its_own_lines_run_is_not_built_on() {
    let tag = base("native-onbuild", "ONBUILD RUN touch /built");
    let base = pushed(&tag, "onbuild").to_string();
    let sandbox = without_docker(Sandbox::of_fixture("setuptools-docker-style").with_testbed());
    sandbox.run(&native_push(&base, "it/native-onbuild")).exits(1).says(&[
        "ONBUILD",
        "RUN touch /built",
        "--engine docker",
    ]);
}

/// The digest of a native push from nothing in a directory of its own, with `before` in front of the command.
fn from_scratch(repository: &str, before: &[&str], umask: &str) -> String {
    let cache = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let sandbox = without_docker(Sandbox::empty().with_testbed())
        .with("XDG_CACHE_HOME", cache.path().display().to_string())
        .with("TMPDIR", temporary.path().display().to_string())
        .with("SOURCE_DATE_EPOCH", "1700000000");
    // The interpreters and programs that tests share; what is found out of images and wheels is each one's own.
    share_programs(cache.path());
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nsetup(name='steady', version='1.0', py_modules=['steady'], install_requires=['six==1.16.0', 'idna==3.7', 'MarkupSafe==2.1.5'], entry_points={'console_scripts': ['train = steady:train']})\n",
    );
    sandbox.write("steady.py", "def train():\n    pass\n");
    let own = sandbox.command(&native_push(private_base(), repository));
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask \"$0\"; exec \"$@\"", umask])
        .args(before)
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(sandbox.project())
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Ran::new(&["push"], command.output().unwrap()).exits(0);
    ran.stdout.trim_end().rsplit('@').next().unwrap().to_owned()
}

/// uv and its environments are no part of what is made here.
pub(crate) fn share_programs(cache: &Path) {
    let shared = crate::support::cache();
    for entry in fs::read_dir(shared.join("sgbuild")).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name == "wheels" || name == "bases" {
            continue;
        }
        fs::create_dir_all(cache.join("sgbuild")).unwrap();
        std::os::unix::fs::symlink(entry.path(), cache.join("sgbuild").join(name)).unwrap();
    }
}

#[test]
fn two_machines_make_one_digest() {
    let repository = repository("native-steady");
    let first = from_scratch(&repository, &[], "022");
    let second = from_scratch(&repository, &["taskset", "--cpu-list", "0"], "077");
    assert_eq!(first, second);
}
