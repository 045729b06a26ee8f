//! What is read of base images beside what their own Python says.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde::Deserialize;
use sgbuild::engine::docker::DockerSettings;
use sgbuild::engine::native::base::{Asked, Base, Error, Source, read as read_base};
use sgbuild::oci::{Platform, Reference};
use sgbuild::progress::Silent;
use sgbuild::registry::Credentials;
use sgbuild::registry::client::ClientSettings;
use sgbuild::secret::Secret;
use tempfile::TempDir;

use crate::base_images::base;
use crate::main_path::docker_ok;
use crate::support::Testbed;

/// The registry of base images, as ECR's `GetAuthorizationToken` answers for its account.
const PASSWORD: &str = "210987654321-auth-token";

/// What Python says of itself in an image.
const ASK: &str = r#"
import importlib.metadata as metadata, json, os, platform, re, sys, sysconfig
from pip._internal.locations import get_scheme
scheme = get_scheme("NAME")
installed, seen = [], set()
for distribution in metadata.distributions():
    name = distribution.metadata["Name"]
    key = re.sub("[-_.]+", "-", name).lower()
    if key in seen:
        continue
    seen.add(key)
    files = distribution.read_text("RECORD") is not None
    installed.append([name, distribution.version, str(distribution._path), files and sorted(os.path.normpath(str(distribution.locate_file(f))) for f in distribution.files)])
print(json.dumps({
    "executable": sys.executable, "prefix": sys.prefix, "version": list(sys.version_info[:2]), "release": platform.python_version(), "libc": platform.libc_ver()[1],
    "purelib": scheme.purelib, "platlib": scheme.platlib, "scripts": scheme.scripts, "data": scheme.data,
    "include": os.path.dirname(scheme.headers), "path": [p for p in sys.path if os.path.isdir(p) and not p.endswith("lib-dynload")],
    "installed": installed,
}))
"#;

#[derive(Debug, PartialEq, Deserialize)]
struct Said {
    executable: String,
    prefix: String,
    version: (u16, u16),
    release: Option<String>,
    libc: String,
    purelib: String,
    platlib: String,
    scripts: String,
    data: String,
    include: String,
    path: Vec<String>,
    installed: BTreeSet<(String, String, String, Files)>,
}

/// The files of a distribution, or `false` where no RECORD names them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
enum Files {
    Unknown(bool),
    Known(Vec<String>),
}

fn asked_of_python(image: &str) -> Said {
    let answer = docker_ok(&["run", "--rm", "--entrypoint", "python", image, "-c", ASK]);
    let mut said: Said = serde_json::from_str(&answer).unwrap();
    // The directory that the command began in.
    said.path.retain(|directory| !directory.is_empty());
    said
}

/// The same of what was read.
fn said_of(base: &Base) -> Said {
    let python = &base.python;
    let installed = python.installed.iter().map(|installed| {
        let files = installed.record.as_ref().map(|record| {
            let mut files: Vec<String> = record.paths().collect();
            files.sort();
            files
        });
        let is_recorded = installed.info_directory.ends_with(".dist-info");
        let files = files
            .filter(|_| is_recorded)
            .map_or(Files::Unknown(false), Files::Known);
        (
            installed.name.clone(),
            installed.version.clone(),
            installed.info_directory.clone(),
            files,
        )
    });
    let libc = python.target.libc.to_string();
    Said {
        executable: python.executable.clone(),
        prefix: python.prefix.clone(),
        version: python.target.python,
        release: python.release.clone(),
        libc: libc.split(' ').next_back().unwrap().to_owned(),
        purelib: python.purelib.clone(),
        platlib: python.platlib.clone(),
        scripts: python.scripts.clone(),
        data: python.data.clone(),
        include: python.include.clone(),
        path: python.path.clone(),
        installed: installed.collect(),
    }
}

/// Pushes an image to the registry of base images.
pub(crate) fn pushed(tag: &str, name: &str) -> Reference {
    let (host, _) = Testbed::get()
        .variable("SGBUILD_TESTBED_PRIVATE_BASE")
        .split_once('/')
        .unwrap();
    let reference = format!("{host}/base/native-{name}:1");
    docker_ok(&["tag", tag, &reference]);
    let config = tempfile::tempdir().unwrap();
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("AWS:{PASSWORD}"));
    let auths = serde_json::json!({ "auths": { host: { "auth": auth } } });
    fs::write(config.path().join("config.json"), auths.to_string()).unwrap();
    let directory = config.path().to_str().unwrap();
    docker_ok(&["--config", directory, "push", "--quiet", &reference]);
    docker_ok(&["rmi", &reference]);
    reference.parse().unwrap()
}

fn private_base() -> Reference {
    Testbed::get().variable("SGBUILD_TESTBED_PRIVATE_BASE").parse().unwrap()
}

/// A cache of its own, and reading with it.
struct Reader {
    cache: TempDir,
}

impl Reader {
    fn new() -> Self {
        Self {
            cache: tempfile::tempdir().unwrap(),
        }
    }

    async fn read(&self, source: &Source, password: &str, pull: bool) -> Result<Base, Error> {
        let credentials = Credentials::Basic {
            username: "AWS".to_owned(),
            password: Secret::new(password),
        };
        let asked = Asked {
            source,
            platform: &Platform::new("linux", "amd64"),
            credentials: &credentials,
            client: &ClientSettings::default(),
            cache_dir: &self.cache.path().join("sgbuild"),
            pull,
        };
        read_base(&asked, &Silent).await
    }
}

fn registry(reference: Reference) -> Source {
    Source::of(reference.into(), &DockerSettings::default())
}

async fn read(reference: Reference) -> Result<Base, Error> {
    Reader::new().read(&registry(reference), PASSWORD, false).await
}

#[tokio::test]
async fn the_base_is_what_its_python_says_and_is_read_once() {
    let reader = Reader::new();
    let source = registry(private_base());
    let first = reader.read(&source, PASSWORD, false).await.unwrap();
    assert_eq!(
        said_of(&first),
        asked_of_python(Testbed::get().variable("SGBUILD_TESTBED_BASE"))
    );
    assert!(first.tree.is_directory("/bin") && first.tree.resolve("/bin/sh") == "/usr/bin/dash");

    // A name that is known is not asked of the registry, which would not take the password.
    let began = Instant::now();
    let second = reader.read(&source, "wrong", false).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
    assert_eq!(first, second);
    let error = reader.read(&source, "wrong", true).await.unwrap_err();
    assert!(error.to_string().contains("does not accept the credentials"), "{error}");
    assert_eq!(reader.read(&source, PASSWORD, true).await.unwrap(), first);
}

/// Debian's Python in a virtual environment that is first on PATH, alone or with what is installed outside; with distributions installed by
/// pip into it.
#[tokio::test]
async fn a_virtual_environment_is_what_its_python_says() {
    for (name, flags) in [("venv", ""), ("venv-system", "--system-site-packages")] {
        let tag = base(
            name,
            &format!(
                "ENV PATH=/opt/venv/bin:$PATH\nRUN --mount=type=secret,id=ca python3 -m venv {flags} /opt/venv && PIP_CERT=/run/secrets/ca \
                 python -m pip install --quiet iniconfig==2.0.0 'setuptools<80'"
            ),
        );
        let read = read(pushed(&tag, name)).await.unwrap();
        assert_eq!(said_of(&read), asked_of_python(&tag), "{name}");
        assert_eq!(read.python.purelib, "/opt/venv/lib/python3.11/site-packages");
    }
}

/// The daemon's image, and the file that `docker save` makes of it, hold what the registry's image holds.
#[tokio::test]
async fn the_daemon_and_its_archives_hold_the_same() {
    let testbed = Testbed::get();
    let tag = testbed.variable("SGBUILD_TESTBED_BASE");
    let expected = read(private_base()).await.unwrap();
    let reader = Reader::new();
    let file = reader.cache.path().join("base.tar");
    docker_ok(&["save", "--output", file.to_str().unwrap(), tag]);
    let docker = DockerSettings::default();
    let archive = Source::parse(&format!("docker-archive:{}:{tag}", file.display()), &docker).unwrap();
    let daemon = Source::parse(&format!("docker-daemon:{tag}"), &docker).unwrap();
    for source in [archive, daemon] {
        let base = reader.read(&source, "", false).await.unwrap();
        assert_eq!(base.python, expected.python);
        assert_eq!(base.tree, expected.tree);
        assert_eq!(base.config, expected.config);
        let diff_ids = |base: &Base| {
            base.layers
                .iter()
                .map(|layer| layer.diff_id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(diff_ids(&base), diff_ids(&expected));
        assert_eq!(reader.read(&source, "", false).await.unwrap(), base);
    }
    let missing = Source::parse("docker-daemon:sgbuild-test/no-such-image:1", &docker).unwrap();
    let error = reader.read(&missing, "", false).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no base image docker-daemon:sgbuild-test/no-such-image:1"
    );
}
