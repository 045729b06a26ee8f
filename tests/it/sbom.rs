//! The list of what is in an image: what the schema, other tools and registries make of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use serde_json::{Value, json};
use sgbuild::oci::Digest;

use crate::faults::Registry;
use crate::native::private_base;
use crate::support::faults::{Fault, Proxy};
use crate::support::{Ran, Sandbox, Testbed, cache};

const SBOM: &str = "dist/sbom.cdx.json";
const CYCLONEDX: &str = "application/vnd.cyclonedx+json";

/// A package with requirements, one of which the base has, and a project beside it.
fn project() -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed().with("SOURCE_DATE_EPOCH", "1700000000");
    sandbox.write(
        "main/setup.py",
        "from setuptools import setup\nsetup(name='Listed.One', version='1.0', license='BSD 3-Clause', py_modules=['listed'], install_requires=['six==1.16.0', 'MarkupSafe==2.1.5', 'pip', 'listed-two'], entry_points={'console_scripts': ['train = listed:train']})\n",
    );
    sandbox.write("main/listed.py", "def train():\n    pass\n");
    sandbox.write(
        "main/pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[tool.uv.sources]\nlisted-two = { path = \"../two\" }\n",
    );
    sandbox.write(
        "two/setup.py",
        "from setuptools import setup\nsetup(name='listed-two', version='2.0', py_modules=['two'])\n",
    );
    sandbox.write("two/two.py", "");
    sandbox.committed()
}

fn with_password(sandbox: &Sandbox, host: &str) {
    let auth = base64::engine::general_purpose::STANDARD.encode("me:secret");
    fs::create_dir(sandbox.home().join(".docker")).unwrap();
    let config = json!({ "auths": { host: { "auth": auth } } });
    fs::write(sandbox.home().join(".docker/config.json"), config.to_string()).unwrap();
}

fn native(sandbox: &Sandbox, verb: &str, more: &[&str]) -> Ran {
    let own = [verb, "--engine", "native", "--base-image", private_base()];
    sandbox.run(&[&own[..], more, &["main"]].concat())
}

fn listed(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.read(&format!("main/{SBOM}"))).unwrap()
}

/// By name: the properties, without what stands before their names.
fn properties(component: &Value) -> BTreeMap<String, String> {
    let properties = component["properties"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    properties
        .map(|one| (text(&one["name"]).replace("sgbuild:", ""), text(&one["value"])))
        .collect()
}

fn component<'a>(document: &'a Value, name: &str) -> &'a Value {
    let mut components = document["components"].as_array().unwrap().iter();
    components
        .find(|component| component["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {document:#}"))
}

/// A Python with the schema's own validator.
fn validator() -> PathBuf {
    let place = cache().join("cyclonedx");
    let python = place.join("bin/python");
    let ok = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    if !place.join("done").exists() {
        ok(Command::new(Testbed::get().variable("SGBUILD_TESTBED_PYTHON"))
            .args(["-m", "venv", "--clear"])
            .arg(&place));
        ok(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "cyclonedx-python-lib[json-validation]==11.12.0",
        ]));
        fs::write(place.join("done"), "").unwrap();
    }
    python
}

const VALIDATES: &str = r#"
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

text = sys.stdin.read()
wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
assert wrong is None, wrong
document = json.loads(text)
named = [document["metadata"]["component"], *document["components"]]
for purl in (component["purl"] for component in named):
    assert PackageURL.from_string(purl).to_string() == purl, purl
references = [component["bom-ref"] for component in named]
assert len(set(references)) == len(references), references
"#;

#[track_caller]
fn assert_valid(document: &str) {
    use std::io::Write as _;
    let mut judge = Command::new(validator())
        .args(["-c", VALIDATES])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    judge.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn it_lists_what_is_in_the_image_and_where_that_is_from() {
    let (one, other) = (project(), project());
    native(&one, "build", &[]).exits(0);
    native(&other, "build", &["--no-cache"]).exits(0);
    let text = one.read(&format!("main/{SBOM}"));
    assert_eq!(text, other.read(&format!("main/{SBOM}")), "two directories");
    assert_valid(&text);

    let document = listed(&one);
    assert!(document["metadata"]["timestamp"].is_null());
    let own = component(&document, "Listed.One");
    assert_eq!(properties(own)["origin"], "project");
    assert_eq!(own["licenses"][0]["license"]["name"], "BSD 3-Clause");
    let beside = properties(component(&document, "listed-two"));
    assert_eq!(
        (&*beside["origin"], &*beside["directory"]),
        ("neighbour project", "../two")
    );

    let six = component(&document, "six");
    let (origin, wheel) = (properties(six), &six["hashes"][0]["content"]);
    assert_eq!(
        (&*origin["origin"], &*origin["file"]),
        ("index", "six-1.16.0-py2.py3-none-any.whl")
    );
    assert_eq!(
        wheel,
        "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"
    );
    assert!(
        six["externalReferences"][0]["url"]
            .as_str()
            .unwrap()
            .ends_with("/six-1.16.0-py2.py3-none-any.whl")
    );

    // What the base has and keeps, and the base itself.
    assert_eq!(properties(component(&document, "pip"))["origin"], "base image");
    let base = &document["components"][0];
    assert_eq!(properties(base)["reference"], private_base());
    assert!(base["version"].as_str().unwrap().parse::<Digest>().is_ok());
}

#[test]
fn off_takes_it_away_and_another_tools_list_is_not_touched() {
    let sandbox = project();
    native(&sandbox, "build", &[]).exits(0);
    let path = sandbox.project().join("main").join(SBOM);
    assert!(path.exists());
    native(&sandbox, "build", &["--sbom", "off"]).exits(0);
    assert!(!path.exists());
    native(&sandbox, "build", &[]).exits(0);
    assert!(path.exists(), "wanted again of an image that is there");

    fs::write(&path, "{\"bomFormat\": \"CycloneDX\"}\n").unwrap();
    native(&sandbox, "build", &[])
        .exits(0)
        .says(&["sbom.cdx.json", "not what it wrote"]);
    sandbox.write("main/listed.py", "def train():\n    print(1)\n");
    native(&sandbox, "build", &[]).exits(0).says(&["not what it wrote"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"bomFormat\": \"CycloneDX\"}\n");
    native(&sandbox, "build", &["--sbom", "nowhere"])
        .exits(2)
        .says(&["an SBOM cannot go to `nowhere` (--sbom)", "file, attach or off"]);
}

#[test]
fn dockers_image_has_none_which_is_told_to_who_asks() {
    let sandbox = project();
    native(&sandbox, "build", &[]).exits(0);
    let docker = ["build", "--engine", "docker", "--base-image", private_base(), "main"];
    let ran = sandbox.run(&docker).exits(0);
    assert!(!ran.stderr.contains("SBOM"), "{}", ran.stderr);
    assert!(
        !sandbox.project().join("main").join(SBOM).exists(),
        "it was another image's"
    );
    sandbox
        .run(&[&docker[..], &["--sbom", "file"]].concat())
        .exits(0)
        .says(&["there is no SBOM of this image (--sbom wants one)"]);
}

/// What the proxy saw from the request number `from` on, sorted: independent requests go out at once.
fn since(proxy: &Proxy, from: usize) -> Vec<String> {
    let mut seen = proxy.seen().split_off(from);
    seen.sort();
    seen
}

#[test]
fn it_is_attached_as_other_tools_look_for_it() {
    let registry = Registry::start();
    let proxy = Proxy::start(&registry.url(), Vec::new());
    let host = proxy.address.to_string();
    let sandbox = project();
    with_password(&sandbox, &host);
    let repository = format!("{host}/team/listed");
    let push = |sbom| {
        native(
            &sandbox,
            "push",
            &["--no-train", "--repository", &repository, "--sbom", sbom, "--json"],
        )
        .exits(0)
    };

    let plain = push("file").json();
    assert!(plain["pushed"]["sbom"].is_null());
    let attached = push("attach").json();
    assert_eq!(plain["image"], attached["image"], "the image is the same");

    // The list under the image's own tag, of which another tool's entry is not lost.
    let digest = attached["pushed"]["digest"].as_str().unwrap();
    let tag = digest.replace(':', "-");
    let index: Value = serde_json::from_slice(&proxy.bodies(&format!("/manifests/{tag}")).concat()).unwrap();
    let entry = &index["manifests"][0];
    assert_eq!(entry["artifactType"], CYCLONEDX);
    assert_eq!(entry["digest"], attached["pushed"]["sbom"]);

    let put = format!("PUT /v2/team/listed/manifests/{}", entry["digest"].as_str().unwrap());
    let manifest = proxy.bodies(&put).pop().unwrap();
    assert_eq!(entry["digest"], Digest::of(&manifest).as_str());
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["artifactType"], CYCLONEDX);
    assert_eq!(manifest["subject"]["digest"], digest);
    assert_eq!(manifest["config"]["digest"], Digest::of(b"{}").as_str());
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!((layers.len(), &layers[0]["mediaType"]), (1, &Value::from(CYCLONEDX)));
    assert_eq!(
        layers[0]["annotations"]["org.opencontainers.image.title"],
        "sbom.cdx.json"
    );
    let text = sandbox.read(&format!("main/{SBOM}"));
    assert_eq!(layers[0]["digest"], Digest::of(text.as_bytes()).as_str());

    let asked_for = |sbom| {
        let before = proxy.seen().len();
        push(sbom);
        since(&proxy, before)
    };
    assert_eq!(asked_for("attach"), asked_for("file"), "what is there is not asked for");

    // What is listed already stays.
    sandbox.write("main/listed.py", "def train():\n    print(2)\n");
    let next = push("file").json();
    let tag = next["pushed"]["digest"].as_str().unwrap().replace(':', "-");
    let others =
        json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry] });
    let status = Command::new("curl")
        .args([
            "--silent",
            "--fail",
            "--user",
            "me:secret",
            "--request",
            "PUT",
            "--header",
        ])
        .arg("Content-Type: application/vnd.oci.image.index.v1+json")
        .args(["--data", &others.to_string()])
        .arg(format!("{}/v2/team/listed/manifests/{tag}", registry.url()))
        .status()
        .unwrap();
    assert!(status.success());
    push("attach");
    let lists = proxy.bodies(&format!("PUT /v2/team/listed/manifests/{tag}"));
    let list: Value = serde_json::from_slice(&lists.concat()).unwrap();
    assert_eq!(list["manifests"].as_array().unwrap().len(), 2, "{list}");
    assert_eq!(&list["manifests"][0], entry);
}

#[test]
fn a_registry_that_lists_referrers_itself_is_left_to_it() {
    let registry = Registry::start();
    let answers = Fault {
        matching: "\"artifactType\"",
        status: 201,
        header: Some(("oci-subject", "sha256:0")),
        body: "",
        times: 1,
    };
    let proxy = Proxy::start(&registry.url(), vec![answers]);
    let host = proxy.address.to_string();
    let sandbox = project();
    with_password(&sandbox, &host);
    let repository = format!("{host}/team/listed");
    native(
        &sandbox,
        "push",
        &["--no-train", "--repository", &repository, "--sbom", "attach"],
    )
    .exits(0);
    assert!(
        !proxy.seen().iter().any(|line| line.contains("/manifests/sha256-")),
        "{:?}",
        proxy.seen()
    );
}

#[test]
fn a_registry_that_refuses_it_has_the_image_all_the_same() {
    let registry = Registry::start();
    let refused = |matching| Fault {
        matching,
        status: 400,
        header: None,
        body: "{\"errors\":[{\"code\":\"MANIFEST_INVALID\",\"message\":\"no artifacts here\"}]}",
        times: usize::MAX,
    };
    for matching in ["\"artifactType\"", "/manifests/sha256-"] {
        let proxy = Proxy::start(&registry.url(), vec![refused(matching)]);
        let host = proxy.address.to_string();
        let sandbox = project();
        with_password(&sandbox, &host);
        let repository = format!("{host}/team/{}", uuid::Uuid::new_v4().simple());
        let ran = native(
            &sandbox,
            "push",
            &["--no-train", "--repository", &repository, "--sbom", "attach"],
        )
        .exits(0)
        .says(&["the SBOM is not attached to the image", "no artifacts here"]);
        assert!(ran.stdout.starts_with(&repository), "{}", ran.stdout);
    }
}
