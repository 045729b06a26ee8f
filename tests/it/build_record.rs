//! `dist/` and its `image.json` between the steps: another sgbuild changes them, or the checkout brings them along.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use insta::assert_snapshot;
use serde_json::{Value, json};
use sgbuild::engine::docker::Error;
use sgbuild::explain::{Explain as _, Fault};
use sgbuild::progress::Silent;

use crate::bad_input::tiny;
use crate::engine::Context;
use crate::support::Sandbox;
use crate::support::builders::Builder;
use crate::support::daemon::{Answer, Daemon, json as answer};

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn image_exists(tag: &str) -> bool {
    Command::new("docker")
        .args(["image", "inspect", tag])
        .output()
        .unwrap()
        .status
        .success()
}

/// The small package under a name of this test's own, so that its tag is too.
fn own(version: &str) -> (Sandbox, String) {
    let name = format!("own{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let sandbox = tiny().with_testbed();
    let setup = sandbox
        .read("setup.py")
        .replace("name=\"tiny\"", &format!("name=\"{name}\""));
    sandbox.write("setup.py", &setup.replace("1.0.0", version));
    let tag = format!("sgbuild/{name}:{version}");
    (sandbox, tag)
}

/// Runs `sgbuild build` of `sandbox`; before the daemon hears of the first request that `when` is in, another shell writes `dist/`.
fn build_while_another_writes(sandbox: Sandbox, when: &'static str) -> (Sandbox, crate::support::Ran) {
    let project = sandbox.project();
    let mut other = sandbox.command(&["dist", "--label", "another=yes"]);
    let fired = AtomicUsize::new(0);
    let command = std::sync::Mutex::new(move || {
        assert!(other.output().unwrap().status.success());
    });
    let daemon = Daemon::start(move |request| {
        if request.contains(when) && fired.fetch_add(1, Ordering::SeqCst) == 0 {
            command.lock().unwrap()();
        }
        Answer::Daemons
    });
    let sandbox = sandbox.with("DOCKER_HOST", daemon.host());
    let ran = sandbox.run(&["build"]);
    assert!(
        fs::read_to_string(project.join("dist/Dockerfile"))
            .unwrap()
            .contains("another")
    );
    (sandbox, ran)
}

#[test]
fn what_another_shell_writes_is_not_built_under_our_tag() {
    let (sandbox, tag) = own("1.0");
    let (sandbox, ran) = build_while_another_writes(sandbox, "/session");
    assert_eq!(ran.code, 75, "{}", ran.stderr);
    assert!(ran.stdout.is_empty() && !image_exists(&tag));
    assert!(!sandbox.project().join("dist/image.json").exists());
    let said = sandbox.transcript(&ran).replace(&tag, "[TAG]");
    let said: Vec<_> = said
        .lines()
        .filter(|line| !line.contains("==>") && !line.starts_with("    "))
        .collect();
    assert_snapshot!(said.join("\n"));
    // As it says: again, and it is done.
    let sandbox = sandbox.with("DOCKER_HOST", std::env::var("DOCKER_HOST").unwrap_or_default());
    sandbox.run(&["build"]).exits(0);
}

#[tokio::test]
async fn what_is_not_what_was_written_is_built_by_neither_builder() {
    for builder in [Builder::Docker20, Builder::Docker20Classic] {
        let docker = crate::engine::connect(builder).await;
        // Changed, cut and lengthened: in the last file that is sent, when the builder has all the others.
        for change in ["the life\n", "the", "the file\nand more\n"] {
            let context = Context::new("COPY . /in/");
            let request = context.request(&format!("changed-{}", uuid::Uuid::new_v4().simple()));
            fs::write(request.dist.directory.join("a.txt"), change).unwrap();
            let error = request.build(&docker, &Silent).await.unwrap_err();
            assert!(matches!(error, Error::ContextChanged { .. }), "{error:?}");
            assert_eq!(error.advice().fault, Fault::Temporary);
            assert!(!image_exists(&request.tag), "{}", request.tag);
        }
        let context = Context::new("COPY . /in/");
        let mut request = context.request(&format!("changed-{}", uuid::Uuid::new_v4().simple()));
        request.dist.context.push("gone.txt".to_owned());
        let error = request.build(&docker, &Silent).await.unwrap_err();
        assert!(matches!(error, Error::Context { .. }), "{error:?}");
        assert!(!image_exists(&request.tag), "{}", request.tag);
    }
}

#[test]
fn an_image_is_not_noted_in_a_dist_that_it_was_not_built_of() {
    let (sandbox, tag) = own("1.0");
    let request = "/images/sgbuild/";
    let (sandbox, ran) = build_while_another_writes(sandbox, request);
    let ran = ran
        .exits(0)
        .says(&["was changed meanwhile, so the image is not noted in it"]);
    assert_eq!(ran.stdout, format!("{tag}\n"));
    assert!(!sandbox.project().join("dist/image.json").exists());
}

#[test]
fn a_tag_that_another_build_took_is_not_reported_as_ours() {
    let (sandbox, tag) = own("1.0");
    let taken = tag.clone();
    let daemon = Daemon::start(move |request| {
        if request.contains("/images/sgbuild/") {
            docker(&[
                "tag",
                crate::support::Testbed::get().variable("SGBUILD_TESTBED_BASE"),
                &taken,
            ]);
        }
        Answer::Daemons
    });
    let ran = sandbox.with("DOCKER_HOST", daemon.host()).run(&["build"]).exits(75);
    assert!(ran.stdout.is_empty());
    ran.says(&["was built, but the tag", &tag, "Another build takes the same tag"]);
}

#[test]
fn a_daemon_that_names_another_image_is_not_believed() {
    let (sandbox, tag) = own("1.0");
    let id = format!("sha256:{}", "1".repeat(64));
    let named = Arc::new(id.clone());
    let daemon = Daemon::start(move |request| {
        if request.starts_with("POST") && request.contains("/build?") {
            return answer(&json!({"id": "moby.image.id", "aux": {"ID": *named}}));
        }
        Answer::Daemons
    });
    sandbox.run(&["build", "--label", "a=b"]).exits(0);
    let ran = sandbox.with("DOCKER_HOST", daemon.host()).run(&["build"]).exits(75);
    assert!(ran.stdout.is_empty());
    ran.says(&[&format!("the image {id} was built, but the tag {tag} is on sha256:")]);
}

/// A record that names `image` as pushed, as somebody could put it into a checkout.
fn record(image: &str) -> Value {
    json!({
        "source": {"package": "tiny", "version": "1.0.0"},
        "built": {"reference": "sgbuild/tiny:1.0.0", "id": image, "platform": "linux/amd64", "engine": "docker", "size": 1,
                  "context_digest": image},
        "pushed": {"repository": "123456789012.dkr.ecr.us-west-2.amazonaws.com/evil", "digest": image, "tags": ["latest"],
                   "media_type": "application/vnd.docker.distribution.manifest.v2+json", "config_digest": image, "size": 1},
    })
}

const TRAIN: [&str; 9] = [
    "train",
    "--function",
    "f",
    "--source-bucket",
    "my-input",
    "--output-bucket",
    "my-output",
    "--role",
    "arn:aws:iam::123456789012:role/training",
];

#[test]
fn an_image_that_the_checkout_names_is_not_trained() {
    let sandbox = tiny();
    let digest = format!("sha256:{}", "2".repeat(64));
    sandbox.write("dist/image.json", &record(&digest).to_string());
    let sandbox = sandbox.committed();
    for arguments in [&TRAIN[..], &[&TRAIN[..], &["--dry-run"]].concat()] {
        let ran = sandbox.run(arguments);
        assert!(!ran.stdout.contains(&digest), "{}", ran.stdout);
        assert_snapshot!(
            "an_image_that_the_checkout_names_is_not_trained",
            sandbox.transcript(&ran)
        );
    }
}

#[test]
fn no_record_hangs_or_breaks_anything() {
    let sandbox = tiny();
    let record = sandbox.project().join("dist/image.json");
    let make: [(&str, &dyn Fn()); 5] = [
        ("deep", &|| fs::write(&record, "[".repeat(1_000_000)).unwrap()),
        ("huge", &|| fs::File::create(&record).unwrap().set_len(1 << 40).unwrap()),
        ("pipe", &|| {
            assert!(Command::new("mkfifo").arg(&record).status().unwrap().success());
        }),
        ("device", &|| std::os::unix::fs::symlink("/dev/zero", &record).unwrap()),
        ("directory", &|| fs::create_dir(&record).unwrap()),
    ];
    for (what, make) in make {
        let _ = fs::remove_dir_all(sandbox.project().join("dist"));
        fs::create_dir(sandbox.project().join("dist")).unwrap();
        make();
        let ran = sandbox.run(&TRAIN);
        assert_eq!(ran.code, 1, "{what}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("image.json is not what sgbuild last wrote there"),
            "{what}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_record_that_was_changed_since_is_not_believed_by_build() {
    let (sandbox, tag) = own("1.0");
    sandbox.run(&["build"]).exits(0);
    sandbox.run(&["build"]).exits(0).says(&["unchanged"]);
    // The tag is on another image, and the record says that this is what `dist/` was built to.
    let other = docker(&[
        "inspect",
        "--format={{.Id}}",
        crate::support::Testbed::get().variable("SGBUILD_TESTBED_BASE"),
    ]);
    docker(&["tag", &other, &tag]);
    let mut record: Value = serde_json::from_str(&sandbox.read("dist/image.json")).unwrap();
    let built = record["built"]["id"].clone();
    record["built"]["id"] = json!(other);
    sandbox.write("dist/image.json", &record.to_string());
    let again = sandbox.run(&["build", "--json"]).exits(0);
    assert_eq!(again.json()["image"]["id"], built, "{}", again.stderr);
}

#[test]
fn a_record_of_another_directory_is_not_ours() {
    let (sandbox, _tag) = own("1.0");
    sandbox.run(&["build"]).exits(0);
    let (other, _tag) = own("1.0");
    other.write("dist/image.json", &sandbox.read("dist/image.json"));
    other
        .run(&TRAIN)
        .exits(1)
        .says(&["is not what sgbuild last wrote there"]);
    // Nor is it lost: where sgbuild wrote it, it only says that nothing is pushed yet.
    sandbox
        .run(&TRAIN)
        .exits(1)
        .says(&["there is no pushed image to train"]);
}
