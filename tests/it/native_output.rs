//! Images that the native engine writes to files and puts into the daemon, and what others make of them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sgbuild::oci::Digest;

use crate::main_path::docker_ok;
use crate::support::{Ran, Sandbox, Testbed};

/// A package with a requirement, in a version of its own.
fn project(name: &str) -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        &format!(
            "from setuptools import setup\nsetup(name='{name}', version='1.0', py_modules=['trainer'], install_requires=['six', 'iniconfig'], entry_points={{'console_scripts': ['train=trainer:main']}})\n"
        ),
    );
    sandbox.write("trainer.py", "def main():\n    print('trained')\n");
    sandbox
}

/// A name that no other run uses.
fn unique(name: &str) -> String {
    format!("{name}-{}", &uuid::Uuid::new_v4().simple().to_string()[..8])
}

fn build(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run(&with_base("build", arguments))
}

fn with_base<'a>(verb: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    let base = Testbed::get().variable("SGBUILD_TESTBED_PRIVATE_BASE");
    [&[verb, "--engine", "native", "--base-image", base], arguments].concat()
}

fn built_id(sandbox: &Sandbox) -> String {
    let record: Value = serde_json::from_str(&sandbox.read("dist/image.json")).unwrap();
    record["built"]["id"].as_str().unwrap().to_owned()
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Checks that a layout has each blob that is named, and no other file; returns the digest of its only image's manifest.
fn check_layout(directory: &Path) -> String {
    assert_eq!(json_of(&directory.join("oci-layout"))["imageLayoutVersion"], "1.0.0");
    let index = json_of(&directory.join("index.json"));
    let image = &index["manifests"][0];
    let digest = image["digest"].as_str().unwrap();
    let blob = |digest: &str| directory.join("blobs").join(digest.replace(':', "/"));
    let manifest = json_of(&blob(digest));
    assert_eq!(manifest["mediaType"], image["mediaType"]);
    let mut named: BTreeSet<String> = [digest.to_owned()].into();
    for described in manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .chain([&manifest["config"]])
    {
        let digest = described["digest"].as_str().unwrap();
        let size = fs::metadata(blob(digest)).unwrap().len();
        assert_eq!(described["size"], size, "{digest}");
        named.insert(digest.to_owned());
    }
    let there = fs::read_dir(directory.join("blobs/sha256")).unwrap();
    let there: BTreeSet<String> = there
        .map(|entry| {
            let entry = entry.unwrap();
            let digest = Digest::of(&fs::read(entry.path()).unwrap()).to_string();
            assert_eq!(digest, format!("sha256:{}", entry.file_name().to_str().unwrap()));
            digest
        })
        .collect();
    assert_eq!(there, named);
    digest.to_owned()
}

#[test]
fn an_archive_is_loaded_by_docker_and_is_a_layout_too() {
    let sandbox = project(&unique("archived"));
    build(&sandbox, &["--output", "image.tar"]).exits(0);
    let archive = sandbox.project().join("image.tar");
    let id = built_id(&sandbox);
    let loaded = docker_ok(&["load", "--input", archive.to_str().unwrap()]);
    let name = loaded.trim().strip_prefix("Loaded image: ").unwrap();
    assert_eq!(docker_ok(&["inspect", "--format", "{{.Id}}", name]).trim(), id);
    let checked = docker_ok(&["run", "--rm", "--entrypoint", "python", name, "-m", "pip", "check"]);
    assert!(checked.contains("No broken requirements"), "{checked}");
    assert_eq!(docker_ok(&["run", "--rm", name, "train"]), "trained\n");

    // The same archive is an OCI layout.
    let unpacked = sandbox.home().join("unpacked");
    tar::Archive::new(File::open(&archive).unwrap())
        .unpack(&unpacked)
        .unwrap();
    check_layout(&unpacked);
    for image in json_of(&unpacked.join("manifest.json")).as_array().unwrap() {
        let layers = image["Layers"].as_array().unwrap().iter();
        for path in layers.chain([&image["Config"]]) {
            assert!(unpacked.join(path.as_str().unwrap()).is_file(), "{path}");
        }
    }

    // Written anew it has the same bytes, also through a pipe.
    let first = Digest::of(&fs::read(&archive).unwrap());
    build(&sandbox, &["--output", "docker-archive:image.tar"]).exits(0);
    assert_eq!(Digest::of(&fs::read(&archive).unwrap()), first);
    let mut child = sandbox.spawn(&with_base("build", &["--output", "-"]));
    let mut piped = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut piped).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(Digest::of(&piped), first);
    let beside: Vec<_> = fs::read_dir(sandbox.project())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !beside
            .iter()
            .any(|name| name.to_string_lossy().starts_with(".sgbuild-output")),
        "{beside:?}"
    );
}

#[test]
fn a_layout_has_the_digest_that_another_shell_pushes() {
    let sandbox = project(&unique("laid-out"));
    build(&sandbox, &["--output", "oci:image"]).exits(0);
    let digest = check_layout(&sandbox.project().join("image"));
    // Again into what is there, and into an empty directory.
    build(&sandbox, &["--output", "image"])
        .exits(0)
        .says(&["already there"]);
    assert_eq!(check_layout(&sandbox.project().join("image")), digest);
    fs::create_dir(sandbox.project().join("empty")).unwrap();
    build(&sandbox, &["--output", "empty"]).exits(0);
    assert_eq!(check_layout(&sandbox.project().join("empty")), digest);

    let repository = format!("it/{}", unique("native-output"));
    let pushed = sandbox.run(&with_base("push", &["--repository", &repository])).exits(0);
    let pushed = pushed.says(&["unchanged"]).stdout;
    assert!(pushed.trim_end().ends_with(&digest), "{pushed} {digest}");
}

#[test]
fn the_daemon_is_sent_the_layers_that_it_lacks() {
    let sandbox = project(&unique("loaded"));
    let name = build(&sandbox, &["--load"]).exits(0).stdout;
    let name = name.trim();
    let held = |what: &str| docker_ok(&["inspect", "--format", what, name]).trim().to_owned();
    assert_eq!(held("{{.Id}}"), built_id(&sandbox));
    let checked = docker_ok(&["run", "--rm", "--entrypoint", "python", name, "-m", "pip", "check"]);
    assert!(checked.contains("No broken requirements"), "{checked}");

    let again = build(&sandbox, &["--load"])
        .exits(0)
        .says(&["the daemon has it already"]);
    assert!(!again.stderr.contains("written"), "{}", again.stderr);

    // What is changed is above all else: nothing below it is sent.
    let before = built_id(&sandbox);
    sandbox.write("trainer.py", "def main():\n    print('trained anew')\n");
    let changed = build(&sandbox, &["--load"]).exits(0);
    let written = changed.stderr.lines().filter(|line| line.ends_with(" written"));
    let layers = written.filter(|line| line.contains(" 1.0 "));
    assert_eq!(layers.count(), 1, "{}", changed.stderr);
    assert!(!changed.stderr.contains("base layer"), "{}", changed.stderr);
    assert_ne!(built_id(&sandbox), before);
    assert_eq!(held("{{.Id}}"), built_id(&sandbox));
    assert_eq!(docker_ok(&["run", "--rm", name, "train"]), "trained anew\n");

    // A name that was taken away is given again.
    docker_ok(&["tag", name, &unique("kept-by-another-name")]);
    docker_ok(&["rmi", name]);
    build(&sandbox, &["--load"]).exits(0);
    assert_eq!(held("{{.Id}}"), built_id(&sandbox));
}

#[test]
fn what_cannot_be_written_is_told_and_leaves_nothing() {
    let sandbox = project(&unique("unwritten"));
    let refused: [(&[&str], i32, &str); 6] = [
        (&["--output", "absent/image.tar"], 1, "Make the directory first"),
        (&["--output", "docker-archive:."], 1, "cannot write"),
        (&["--output", "."], 1, "holds other files"),
        (&["--output", "oci:image:name"], 2, "leave out what follows the path"),
        (&["--output", "-", "--json"], 2, "at once"),
        (
            &["--output", "image/", "--engine", "docker"],
            1,
            "does not write an image as an OCI layout",
        ),
    ];
    for (arguments, code, said) in refused {
        let engine: &[&str] = if arguments.contains(&"docker") {
            &[]
        } else {
            &["--engine", "native"]
        };
        let ran = sandbox
            .run(&[&["build"], engine, arguments].concat())
            .exits(code)
            .says(&[said]);
        assert!(!sandbox.project().join("dist").exists(), "{}", ran.stderr);
    }
    build(&sandbox, &["--output", "/dev/full"])
        .exits(1)
        .says(&["cannot write /dev/full", "Free some disk space"]);
    let absent = build(&sandbox.with("DOCKER_HOST", "unix:///nowhere/docker.sock"), &["--load"]);
    absent.exits(1).says(&["cannot connect to the Docker daemon"]);
}

#[test]
fn an_interrupted_archive_is_not_there() {
    let sandbox = project(&unique("interrupted"));
    build(&sandbox, &[]).exits(0);
    let place = sandbox.home().join("images");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("image.tar"), "an older one").unwrap();
    let output = place.join("image.tar").display().to_string();
    let mut child = sandbox
        .command(&with_base("build", &["--output", &output]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while fs::read_dir(&place).unwrap().count() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(30) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_to_string(place.join("image.tar")).unwrap(), "an older one");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
}

#[test]
fn the_docker_engine_writes_an_archive() {
    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    sandbox
        .run(&["build", "--engine", "docker", "--load", "--output", "image.tar"])
        .exits(0);
    let id = built_id(&sandbox);
    let unpacked = sandbox.home().join("unpacked");
    let archive = File::open(sandbox.project().join("image.tar")).unwrap();
    tar::Archive::new(archive).unpack(&unpacked).unwrap();
    let config = json_of(&unpacked.join("manifest.json"))[0]["Config"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(Digest::of(&fs::read(unpacked.join(config)).unwrap()).to_string(), id);
}
