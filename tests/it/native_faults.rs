//! Native pushes to registries and over networks that fail: survived or refused, and never a manifest whose blobs are missing.

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::faults::{Registry, log_in, log_in_to};
use crate::support::faults::{Cut, Cutting, Fault, Proxy};
use crate::support::{Ran, Sandbox, python};

/// A package that is pushed natively to `host`.
fn sandbox(host: &str) -> Sandbox {
    let sandbox = tiny()
        .with_testbed()
        .with("SGBUILD_ENGINE", "native")
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    log_in(&sandbox, host);
    sandbox
}

fn push(sandbox: &Sandbox, host: &str) -> Ran {
    sandbox.run(&["push", "--repository", &format!("{host}/team/tiny")])
}

fn fault(matching: &'static str, status: u16, body: &'static str, times: usize) -> Fault {
    Fault {
        matching,
        status,
        header: None,
        body,
        times,
    }
}

fn missing(registry: &Registry) -> String {
    missing_of(registry, "team/tiny", "1.0.0")
}

/// What a repository has under a tag: the number of the blobs that are missing, or `none`.
pub(crate) fn missing_of(registry: &Registry, repository: &str, tag: &str) -> String {
    let script = format!(
        r#"
import base64, json, urllib.error, urllib.request
def ask(path, method="GET"):
    request = urllib.request.Request("{url}/v2/{repository}/" + path, method=method)
    request.add_header("Authorization", "Basic " + base64.b64encode(b"me:secret").decode())
    request.add_header("Accept", "application/vnd.docker.distribution.manifest.v2+json")
    try:
        return urllib.request.urlopen(request).read()
    except urllib.error.HTTPError as error:
        return None if error.code == 404 else error.code
manifest = ask("manifests/{tag}")
if manifest is None:
    print("none", end="")
else:
    manifest = json.loads(manifest)
    blobs = [manifest["config"], *manifest["layers"]]
    print(sum(ask("blobs/" + blob["digest"], "HEAD") is None for blob in blobs), end="")
"#,
        url = registry.url()
    );
    python(&script)
}

#[test]
fn what_fails_in_passing_is_tried_again() {
    let registry = Registry::start();
    let faults = vec![
        fault("HEAD /v2/team/tiny/blobs", 500, "", 1),
        fault("POST /v2/team/tiny/blobs/uploads", 429, "slow down", 2),
        fault("PUT /v2/team/tiny/blobs/uploads", 503, "", 2),
        fault("PUT /v2/team/tiny/manifests", 502, "", 1),
        fault("GET /v2/team/tiny/manifests", 504, "", 2),
    ];
    let proxy = Proxy::start(&registry.url(), faults);
    let host = proxy.address.to_string();
    push(&sandbox(&host), &host).exits(0);
    assert_eq!(missing(&registry), "0");
}

#[test]
fn what_is_refused_is_told_and_leaves_no_manifest() {
    let denied = r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#;
    let unauthorized = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
    let invalid = r#"{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid","detail":"of a kind that is not taken here"}]}"#;
    let cases = [
        ("POST /v2/team/tiny/blobs/uploads", 403, denied),
        ("PUT /v2/team/tiny/blobs/uploads", 401, unauthorized),
        ("PUT /v2/team/tiny/manifests", 400, invalid),
    ];
    let mut told = String::new();
    for (matching, status, body) in cases {
        let registry = Registry::start();
        let proxy = Proxy::start(&registry.url(), vec![fault(matching, status, body, usize::MAX)]);
        let host = proxy.address.to_string();
        let sandbox = sandbox(&host);
        let ran = push(&sandbox, &host).exits(1);
        assert!(ran.stdout.is_empty());
        assert_eq!(missing(&registry), "none", "{matching}");
        let transcript = sandbox.transcript(&ran).replace(&host, "[PROXY]");
        let error = transcript.find("error[").map_or("", |at| transcript[at..].trim());
        told.extend([&format!("{status} to {matching}\n"), error, "\n\n"]);
    }
    assert_snapshot!(told);
}

#[test]
fn a_registry_that_never_takes_anything_is_a_temporary_failure() {
    let registry = Registry::start();
    let busy = fault("POST /v2/team/tiny/blobs/uploads", 429, "slow down", usize::MAX);
    let proxy = Proxy::start(&registry.url(), vec![busy]);
    let host = proxy.address.to_string();
    push(&sandbox(&host), &host).exits(75).says(&["429"]);
    assert_eq!(missing(&registry), "none");
}

#[test]
fn a_connection_that_breaks_near_the_end_of_a_layer_is_begun_again() {
    let registry = Registry::start();
    // The base's largest layers have tens of megabytes.
    let network = Cutting::start(&registry.url(), Cut::Reset { after: 20 << 20 });
    let host = network.address.to_string();
    push(&sandbox(&host), &host).exits(0);
    assert!(network.has_cut());
    assert_eq!(missing(&registry), "0");
}

#[test]
fn an_answer_that_is_lost_is_looked_up() {
    for request in [
        "PUT /v2/team/tiny/blobs/uploads",
        "PUT /v2/team/tiny/manifests",
        "POST /v2/team/tiny/blobs",
    ] {
        let registry = Registry::start();
        let network = Cutting::start(&registry.url(), Cut::Answer { to: request });
        let host = network.address.to_string();
        push(&sandbox(&host), &host).exits(0);
        assert!(network.has_cut(), "{request}");
        assert_eq!(missing(&registry), "0", "{request}");
    }
}

#[test]
fn a_connection_that_takes_nothing_more_is_given_up_and_begun_again() {
    let registry = Registry::start();
    let network = Cutting::start(&registry.url(), Cut::Stall { after: 20 << 20 });
    let host = network.address.to_string();
    push(&sandbox(&host), &host).exits(0);
    assert!(network.has_cut());
    assert_eq!(missing(&registry), "0");
}

#[test]
fn a_base_whose_layers_are_gone_since_it_was_read_is_told_as_that() {
    let (bases, images) = (Registry::start(), Registry::start());
    let proxy = Proxy::start(&bases.url(), vec![]);
    let host = proxy.address.to_string();
    let sandbox = sandbox(&host);
    push(&sandbox, &host).exits(0);
    let base = format!("{host}/team/tiny:1.0.0");
    let with_base = |arguments: &[&str]| sandbox.run(&[arguments, &["--base-image", &base]].concat());
    with_base(&["build"]).exits(0);
    proxy.fail(fault("GET /v2/team/tiny/blobs", 404, "", usize::MAX));

    let other = images.url().replace("http://", "");
    log_in_to(&sandbox, &[&host, &other]);
    let repository = format!("{other}/team/tiny");
    for arguments in [
        &["build", "--output", "image.tar"][..],
        &["build", "--output", "layout/"],
        &["push", "--repository", &repository],
    ] {
        let of_base = format!("of the base image {base}@sha256:");
        let ran = with_base(arguments)
            .exits(1)
            .says(&["does not have the layer sha256:", &of_base, "--pull"]);
        assert!(!ran.stderr.contains("entity not found"), "{}", ran.stderr);
    }
    assert!(!sandbox.project().join("image.tar").exists());
    assert_eq!(missing(&images), "none");
}
