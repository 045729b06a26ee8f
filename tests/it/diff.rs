//! What differs between two pushed images.

use serde_json::{Value, json};

use crate::main_path::{SCHEMA_2, put_manifest, repository};
use crate::native::private_base;
use crate::support::{Ran, Sandbox};

const SETUP: &str = "from setuptools import setup\nsetup(name='compared', version='1.0', py_modules=['compared'], install_requires=[REQUIRED], entry_points={'console_scripts': ['train = compared:train']})\n";

struct Images {
    sandbox: Sandbox,
    repository: String,
}

impl Images {
    fn new(test: &str) -> Self {
        let sandbox = Sandbox::empty().with_testbed();
        sandbox.write("setup.py", &SETUP.replace("REQUIRED", "'six==1.16.0'"));
        sandbox.write("compared.py", "def train():\n    pass\n");
        Self {
            sandbox,
            repository: repository(test),
        }
    }

    fn push(&self, tag: &str, more: &[&str]) {
        let own = [
            "push",
            "--engine",
            "native",
            "--no-train",
            "--base-image",
            private_base(),
        ];
        let to = ["--repository", &self.repository, "--tag", tag];
        self.sandbox.run(&[&own[..], &to, more].concat()).exits(0);
    }

    /// The name of an image in the account's own ECR.
    fn named(&self, tag: &str) -> String {
        format!("{}:{tag}", self.repository)
    }

    fn diff(&self, a: &str, b: &str, more: &[&str]) -> Ran {
        let (a, b) = (self.named(a), self.named(b));
        self.sandbox.run(&[&["diff", &a, &b], more].concat())
    }

    fn json(&self, a: &str, b: &str) -> Value {
        self.diff(a, b, &["--json"]).exits(0).json()
    }
}

fn paths(compared: &Value) -> Vec<&str> {
    let files = compared["files"].as_array().unwrap().iter();
    files.map(|file| file["path"].as_str().unwrap()).collect()
}

#[test]
fn requirements_code_and_settings_differ_by_name() {
    let images = Images::new("diff");
    images.push("one", &[]);
    images.push("same", &[]);
    images.sandbox.write("compared.py", "def train():\n    print('more')\n");
    images.push("code", &[]);
    images.push("env", &["--env", "MODE=fast"]);
    images.sandbox.write(
        "setup.py",
        &SETUP.replace("REQUIRED", "'six==1.17.0', 'iniconfig==2.0.0'"),
    );
    images.push("more", &["--env", "MODE=fast"]);

    let same = images.json("one", "same");
    assert_eq!((&same["equal"], paths(&same)), (&Value::Bool(true), Vec::new()));
    let said = images.diff("one", "same", &["--exit-code"]).exits(0).stdout;
    assert!(said.contains("It is one image."), "{said}");

    let code = images.json("one", "code");
    assert_eq!(code["requirements"], Value::Array(Vec::new()));
    assert_eq!(code["config"], Value::Array(Vec::new()));
    assert!(
        paths(&code).iter().any(|path| path.ends_with("/compared.py")),
        "{code:#}"
    );
    assert!(!paths(&code).iter().any(|path| path.contains("six")), "{code:#}");
    let ran = images
        .diff("one", "code", &["--exit-code"])
        .exits(1)
        .says(&["the images differ"]);
    assert!(
        ran.stdout.contains("~  /usr/") && ran.stdout.contains("/compared.py"),
        "{}",
        ran.stdout
    );
    images.diff("one", "code", &[]).exits(0);

    let env = images.json("code", "env");
    assert_eq!(env["config"][0]["name"], "environment MODE");
    assert_eq!(
        (&env["config"][0]["a"], &env["config"][0]["b"]),
        (&Value::Null, &Value::from("fast"))
    );
    assert!(paths(&env).is_empty(), "{env:#}");

    let more = images.json("env", "more");
    let changes = more["requirements"].as_array().unwrap().iter();
    let changes: Vec<_> = changes
        .map(|one| (one["name"].as_str().unwrap(), one["a"].as_str(), one["b"].as_str()))
        .collect();
    assert_eq!(
        changes,
        [
            ("iniconfig", None, Some("2.0.0")),
            ("six", Some("1.16.0"), Some("1.17.0"))
        ]
    );
    let shown = images.diff("env", "more", &[]).exits(0).stdout;
    assert!(
        shown.contains("1.16.0 -> 1.17.0") && shown.contains("Base: the lowest"),
        "{shown}"
    );
    let layers = more["b"]["layers"].as_array().unwrap();
    assert!(layers.iter().any(|layer| layer["shared"] == true) && layers.iter().any(|layer| layer["shared"] == false));
}

#[test]
fn layers_of_both_are_not_fetched() {
    let images = Images::new("diff-fresh");
    images.push("one", &[]);
    images.sandbox.write("compared.py", "def train():\n    print('more')\n");
    images.push("two", &[]);
    let empty = tempfile::tempdir().unwrap();
    let (a, b) = (images.named("one"), images.named("two"));
    let sandbox = images
        .sandbox
        .with("XDG_CACHE_HOME", empty.path().display().to_string());
    let ran = sandbox.run(&["diff", &a, &b, "--json", "--verbose"]).exits(0);
    let compared = ran.json();
    assert!(compared["unread"].as_u64().unwrap() > 0);
    assert!(
        paths(&compared).iter().any(|path| path.ends_with("/compared.py")),
        "{compared:#}"
    );
    assert_eq!(compared["requirements"], Value::Array(Vec::new()));
    let read = ran.stderr.lines().filter(|line| line.contains("layer ")).count();
    assert_eq!(read, 2, "{}", ran.stderr);
    let shown = sandbox.run(&["diff", &a, &b]).exits(0).stdout;
    assert!(shown.contains("Layers of both that were not read: "), "{shown}");
}

#[test]
fn dockers_image_of_a_project_has_the_same_requirements_and_settings() {
    let images = Images::new("diff-docker");
    images.push("native", &["--no-bytecode"]);
    let own = [
        "push",
        "--engine",
        "docker",
        "--no-train",
        "--base-image",
        private_base(),
    ];
    let to = ["--repository", &images.repository, "--tag", "docker"];
    images.sandbox.run(&[&own[..], &to].concat()).exits(0);
    let compared = images.json("native", "docker");
    assert_eq!(compared["requirements"], Value::Array(Vec::new()), "{compared:#}");
    assert_eq!(compared["config"], Value::Array(Vec::new()), "{compared:#}");
    let others: Vec<_> = paths(&compared)
        .into_iter()
        .filter(|path| {
            path.contains("-packages/")
                && !path.contains("__pycache__")
                && !path.ends_with("/RECORD")
                && !path.ends_with("/direct_url.json")
        })
        .collect();
    assert!(others.is_empty(), "{others:#?}");
}

/// Puts a list of images under a tag, with one for linux/amd64.
fn put_list(repository: &str, tag: &str, digest: &str) {
    let image = json!({
        "mediaType": SCHEMA_2,
        "digest": digest,
        "size": 1,
        "platform": { "os": "linux", "architecture": "amd64" },
    });
    let media_type = "application/vnd.docker.distribution.manifest.list.v2+json";
    put_manifest(
        repository,
        tag,
        &json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": [image] }),
    );
}

#[test]
fn what_is_no_image_is_told_by_its_name() {
    let images = Images::new("diff-none");
    images.push("one", &[]);
    images
        .diff("one", "two", &[])
        .exits(1)
        .says(&["there is no image", ":two", "that it was pushed"]);
    let a = images.named("one");
    images
        .sandbox
        .run(&["diff", &a, "127.0.0.1:9/x:1"])
        .exits(75)
        .says(&["127.0.0.1:9"]);
    images.sandbox.run(&["diff", &a, "host.example/Not/An:x"]).exits(2);
    images
        .sandbox
        .run(&["diff", &a, &a, "--platform", "windows"])
        .exits(2)
        .says(&["`windows` is not a platform"]);

    // Of a name with images for several machines, one is chosen.
    let pushed: Value = images.diff("one", "one", &["--json"]).exits(0).json();
    put_list(&images.repository, "list", pushed["a"]["digest"].as_str().unwrap());
    images.diff("one", "list", &["--exit-code"]).exits(0);
    images
        .diff("one", "list", &["--platform", "linux/arm64"])
        .exits(1)
        .says(&["has no image for linux/arm64, but for linux/amd64", "--platform"]);
}
