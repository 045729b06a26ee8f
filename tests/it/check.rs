//! `sgbuild check` from outside, and the check before a push.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::main_path::{docker_ok, manifest, put_manifest, repository};
use crate::native::native_push;
use crate::support::{Sandbox, Testbed, python, registered, training_lambda};

const SETUP: &str = "from setuptools import setup\nsetup(name='iris', version='1.0', packages=['iris'], package_data={'iris': ['*.csv']}, entry_points={'iris.training': ['train = iris.train:main']})\n";
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

fn iris() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("setup.py", SETUP);
    sandbox.write("iris/__init__.py", "");
    sandbox.write("iris/train.py", "def main():\n    pass\n");
    sandbox
}

fn rules(found: &Value) -> Vec<&str> {
    let findings = found["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["rule"].as_str().unwrap()).collect()
}

#[test]
fn a_sound_project_has_nothing() {
    iris().run(&["check"]).exits(0).says(&["Nothing found"]);
}

#[test]
fn errors_and_warnings_decide_the_exit_code() {
    let sandbox = iris();
    sandbox.write("iris/train.py", "import pandas\n\n\ndef main():\n    pass\n");
    let ran = sandbox.run(&["check"]).exits(0);
    assert!(
        ran.stdout
            .starts_with("iris/train.py:1:1: warning[SGB006]: pandas is imported"),
        "{}",
        ran.stdout
    );
    sandbox
        .run(&["check", "--strict"])
        .exits(1)
        .says(&["error[check-failed]: 1 warning found"]);
    sandbox.write(
        "Dockerfile",
        "FROM python:3.11\nCOPY iris /opt/program\nENTRYPOINT python train.py\n",
    );
    let ran = sandbox.run(&["check", "--format", "json"]).exits(1);
    let found = ran.json();
    assert_eq!(rules(&found), ["SGB102", "SGB006"]);
    assert_eq!(
        (&found["errors"], &found["warnings"]),
        (&Value::from(1), &Value::from(1))
    );
    let sarif = sandbox.run(&["check", "--format", "sarif"]).exits(1).json();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    sandbox.run(&["check", "--fix"]).exits(0).says(&["Mended Dockerfile:3"]);
    assert!(
        sandbox
            .read("Dockerfile")
            .ends_with("ENTRYPOINT [\"python\", \"train.py\"]\n")
    );
}

#[test]
fn what_is_meant_is_allowed_with_a_reason() {
    let sandbox = iris();
    sandbox.write("iris/data.csv", POINTER);
    sandbox.run(&["check"]).exits(1);
    sandbox.write("pyproject.toml", "[tool.sgbuild]\nallow = [\"SGB011\"]\n");
    let found = sandbox.run(&["check", "--format", "json"]).exits(1).json();
    assert_eq!(rules(&found), ["SGB011", "SGB901"]);
    sandbox.write(
        "pyproject.toml",
        "[tool.sgbuild]\nallow = [\"SGB011: made up for a test\"]\n",
    );
    let found = sandbox.run(&["check", "--format", "json"]).exits(0).json();
    assert_eq!(found["allowed"][0]["reason"], "made up for a test");
}

#[test]
fn a_push_ends_before_it_begins() {
    let sandbox = iris();
    sandbox.write("iris/data.csv", POINTER);
    let push = [
        "push",
        "--repository",
        "127.0.0.1:1/iris",
        "--no-train",
        "--engine",
        "native",
    ];
    let ran = sandbox.run(&push).exits(1);
    ran.says(&[
        "error[check-failed]: the push would fail",
        "iris/data.csv:1: error[SGB011]",
        "--no-check",
    ]);
    assert!(!sandbox.project().join("dist").exists());
    let all_the_same = sandbox
        .run(&[&push[..], &["--no-check", "--dry-run"]].concat())
        .exits(0);
    all_the_same.says(&["Would build and push"]);
}

#[test]
fn no_code_of_the_project_is_run() {
    let sandbox = iris();
    let setup = SETUP.replace("version='1.0'", "version=open('ran', 'w').write('x') and '1.0'");
    sandbox.write("setup.py", &setup);
    let found = sandbox.run(&["check", "--format", "json"]).exits(0).json();
    assert_eq!(rules(&found), ["SGB002"]);
    assert!(!sandbox.project().join("ran").exists());
}

#[test]
fn what_cannot_be_read_is_a_finding() {
    let empty = Sandbox::empty();
    let found = empty.run(&["check", "--format", "json"]).exits(1).json();
    assert_eq!(rules(&found), ["SGB001"]);
    let sandbox = iris();
    let spoilt = |name: &str, bytes: &[u8]| {
        let before = sandbox.read("setup.py");
        fs::write(sandbox.project().join(name), bytes).unwrap();
        // A Dockerfile that nobody names may be for something else.
        let is_certain = name != "Dockerfile";
        let ran = sandbox.run(&["check", "--format", "json"]);
        let found = ran.exits(i32::from(is_certain)).json();
        fs::write(sandbox.project().join("setup.py"), before).unwrap();
        if name != "setup.py" {
            fs::remove_file(sandbox.project().join(name)).unwrap();
        }
        let finding = found["findings"][0].clone();
        (finding["rule"].as_str().unwrap().to_owned(), finding["place"].clone())
    };
    assert_eq!(
        spoilt("setup.py", b"setup(\n"),
        (
            "SGB001".to_owned(),
            serde_json::json!({ "file": "setup.py", "line": 2, "column": 1 })
        )
    );
    // Without settings there is no check.
    fs::write(sandbox.project().join("pyproject.toml"), "[project\n").unwrap();
    sandbox.run(&["check"]).exits(1).says(&["pyproject.toml"]);
    fs::remove_file(sandbox.project().join("pyproject.toml")).unwrap();
    assert_eq!(spoilt("setup.py", b"# caf\xe9\n").0, "SGB001");
    assert_eq!(spoilt("Dockerfile", b"FROM caf\xe9\n").0, "SGB107");
    fs::write(sandbox.project().join("Named"), b"FROM caf\xe9\n").unwrap();
    let named = sandbox.project().join("Named");
    let named = ["check", "--format", "json", "--dockerfile", named.to_str().unwrap()];
    assert_eq!(rules(&sandbox.run(&named).exits(1).json()), ["SGB107"]);
    sandbox.write("../outside.csv", "secret\n");
    symlink("../../outside.csv", sandbox.project().join("iris/link.csv")).unwrap();
    let found = sandbox.run(&["check", "--format", "json"]).exits(1).json();
    assert_eq!(rules(&found), ["SGB001"]);
}

#[test]
fn a_rule_is_explained() {
    let sandbox = iris();
    let ran = sandbox.run(&["explain", "SGB101"]).exits(0);
    assert!(
        ran.stdout.starts_with("The entry point is an init such as tini\n"),
        "{}",
        ran.stdout
    );
    let explained = sandbox.run(&["explain", "error[SGB101]", "--json"]).exits(0).json();
    assert_eq!(explained["name"], "init-entry-point");
}

/// An image of the daemon with these lines on the base that everybody has.
fn image(name: &str, lines: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
    fs::write(directory.path().join("Dockerfile"), format!("FROM {base}\n{lines}\n")).unwrap();
    let tag = format!("it/check-{name}:{}", std::process::id());
    docker_ok(&[
        "build",
        "--quiet",
        "--tag",
        &tag,
        &directory.path().display().to_string(),
    ]);
    format!("--image=docker-daemon:{tag}")
}

#[test]
fn an_image_is_read_and_not_run() {
    let sandbox = iris().with_testbed();
    let checked = |image: &str, settings: &[&str]| {
        let arguments = [&["check", "--format", "json", image], settings].concat();
        let ran = sandbox.run(&arguments);
        rules(&ran.json()).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let sound = image(
        "sound",
        "RUN mkdir -p /opt/program /opt/ml/model && touch /opt/program/train.py\nENTRYPOINT [\"python\", \"/opt/program/train.py\"]",
    );
    assert_eq!(checked(&sound, &[]), [""; 0]);
    // The same image elsewhere.
    assert_eq!(
        checked(
            &sound,
            &["--instance-type", "ml.c7g.large", "--platform", "linux/arm64"]
        ),
        ["SGB201"]
    );
    let odd = image(
        "odd",
        "ENV CUDA_VERSION=12.8.0 NVIDIA_REQUIRE_CUDA=\"cuda>=12.8\"\n\
         RUN mkdir -p /opt/ml/input/data && touch /opt/ml/input/data/a.csv /usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05\n\
         ENTRYPOINT python train.py",
    );
    let mut found = checked(&odd, &[]);
    found.sort();
    assert_eq!(found, ["SGB203", "SGB204", "SGB207"]);
    // CUDA 11 is the last for the K80 of that instance.
    let mut found = checked(&odd, &["--instance-type", "ml.p2.xlarge"]);
    found.sort();
    assert_eq!(found, ["SGB203", "SGB204", "SGB206", "SGB207"]);
    // It need not train in Python: what is called `python` is gone.
    let other = image(
        "pythonless",
        "RUN rm -f /usr/bin/python* /usr/local/bin/python* && echo '#!/bin/sh' > /usr/local/bin/train && chmod +x /usr/local/bin/train",
    );
    assert_eq!(checked(&other, &[]), [""; 0]);
    let other = image(
        "pythonless-odd",
        "ENV CUDA_VERSION=12.8.0\nRUN rm -f /usr/bin/python* /usr/local/bin/python*\nENTRYPOINT [\"tini\"]",
    );
    let mut found = checked(&other, &["--instance-type", "ml.p2.xlarge"]);
    found.sort();
    assert_eq!(found, ["SGB203", "SGB206"]);
    // A shell that hands both on is as good as a list.
    let handed = image(
        "handed",
        "ENTRYPOINT [\"bash\", \"-c\", \"exec python train.py \\\"$@\\\"\", \"--\"]",
    );
    assert_eq!(checked(&handed, &[]), [""; 0]);
    let absent = sandbox.run(&["check", "--image=docker-daemon:it/none:0"]).exits(1);
    absent.says(&["cannot read the image docker-daemon:it/none:0", "docker-archive:FILE"]);
}

/// The rules that find something in an image.
fn found_in(sandbox: &Sandbox, image: &str, more: &[&str]) -> Vec<String> {
    let image = format!("--image={image}");
    let arguments = [&["check", "--format", "json", &image], more].concat();
    let ran = sandbox.run(&arguments);
    let found = ran.json();
    let findings = found["findings"].as_array().unwrap().iter();
    let told = |one: &Value| {
        format!(
            "{} {}",
            one["severity"].as_str().unwrap(),
            one["rule"].as_str().unwrap()
        )
    };
    findings.map(told).collect()
}

#[test]
fn an_image_in_the_format_of_oci_is_refused_in_a_registry_alone() {
    let sandbox = iris().with_testbed();
    let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
    let repository = repository("check-format");
    let push = [&native_push(base, &repository)[..], &["--tag", "docker"]].concat();
    sandbox.run(&push).exits(0);
    let named = |tag: &str| {
        let host = Testbed::get().variable("SGBUILD_TESTBED_REGISTRY");
        format!("{host}/{repository}:{tag}")
    };
    assert_eq!(found_in(&sandbox, &named("docker"), &[]), [""; 0]);

    // The same layers, as the newer buildx names them.
    let mut described = manifest(&repository, "docker");
    described["mediaType"] = "application/vnd.oci.image.manifest.v1+json".into();
    described["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json".into();
    for layer in described["layers"].as_array_mut().unwrap() {
        layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip".into();
    }
    put_manifest(&repository, "oci", &described);
    assert_eq!(found_in(&sandbox, &named("oci"), &[]), ["error SGB202"]);

    // A layout is in no registry yet: a push writes what SageMaker takes.
    let build = ["build", "--engine", "native", "--base-image", base];
    sandbox
        .run(&[&build[..], &["--output", "oci:layout"]].concat())
        .exits(0);
    assert_eq!(found_in(&sandbox, "oci:layout", &[]), [""; 0]);
}

/// Adds a layer of 0.7 GiB to an image's layout, and a second name of it with each call. It shrinks to a hundredth, as the layers of real
/// images do not.
const LARGER: &str = r#"
import hashlib, io, json, os, pathlib, tarfile, zlib
layout = pathlib.Path("LAYOUT")
def blob(digest):
    return layout / "blobs" / digest.replace(":", "/")
def put(data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    blob(digest).write_bytes(data)
    return {"digest": digest, "size": len(data)}
def gzip(data):
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(data) + packer.flush()
piece = b"".join(os.urandom(300) + bytes(32468) for _ in range(320))
info = tarfile.TarInfo("opt/weights")
info.size = 72 * len(piece)
head, end = info.tobuf(), bytes(-info.size % 512 + 1024)
whole = hashlib.sha256(head)
for _ in range(72):
    whole.update(piece)
whole.update(end)
layer = put(gzip(head) + 72 * gzip(piece) + gzip(end))
index = json.loads((layout / "index.json").read_text())
image = index["manifests"][0]
manifest = json.loads(blob(image["digest"]).read_text())
config = json.loads(blob(manifest["config"]["digest"]).read_text())
manifest["layers"].append({**manifest["layers"][0], **layer})
config["rootfs"]["diff_ids"].append("sha256:" + whole.hexdigest())
config.pop("history", None)
manifest["config"].update(put(json.dumps(config).encode()))
image.update(put(json.dumps(manifest).encode()))
(layout / "index.json").write_text(json.dumps(index))
"#;

#[test]
fn an_image_is_held_against_the_volume_by_its_unpacked_layers() {
    let sandbox = iris().with_testbed();
    let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
    let layout = sandbox.project().parent().unwrap().join("layout");
    let output = format!("oci:{}", layout.display());
    let build = ["build", "--engine", "native", "--base-image", base, "--output", &output];
    sandbox.run(&build).exits(0);
    let larger = || python(&LARGER.replace("LAYOUT", &layout.display().to_string()));
    let within = |volume: &str| found_in(&sandbox, &output, &["--volume-size", volume]);
    assert_eq!(within("1"), [""; 0]);
    larger();
    assert_eq!(within("1"), ["warning SGB205"]);
    larger();
    assert_eq!(within("1"), ["error SGB205"]);
    assert_eq!(within("2"), [""; 0]);
}

#[test]
fn aws_is_asked_and_nothing_is_changed_there() {
    let testbed = Testbed::get();
    let name = format!("it-check-{}", std::process::id());
    training_lambda(&name);
    let elsewhere = format!("{name}-elsewhere");
    python(&format!(
        "import boto3\nboto3.client('ecr').create_repository(repositoryName={name:?})\n\
         boto3.client('s3', region_name='eu-west-1').create_bucket(Bucket={elsewhere:?}, CreateBucketConfiguration={{'LocationConstraint': 'eu-west-1'}})"
    ));
    let sandbox = iris().with_testbed();
    let (here, registry) = (
        testbed.variable("SGBUILD_TESTBED_INPUT_BUCKET"),
        testbed.variable("SGBUILD_TESTBED_REGISTRY"),
    );
    let found = |function: &str, output: &str, repository: &str| {
        let repository = format!("{registry}/{repository}");
        let named = [
            "--source-bucket",
            here,
            "--output-bucket",
            output,
            "--repository",
            &repository,
        ];
        let arguments = [
            &["check", "--aws", "--format", "json", "--function", function][..],
            &named,
        ]
        .concat();
        let mut rules: Vec<_> = rules(&sandbox.run(&arguments).json())
            .into_iter()
            .map(str::to_owned)
            .collect();
        rules.sort();
        rules
    };
    assert_eq!(found(&name, here, &name), [""; 0]);
    let absent = format!("{name}-absent");
    assert_eq!(found(&absent, &absent, &absent), ["SGB401", "SGB402", "SGB404"]);
    assert_eq!(found(&name, &elsewhere, &name), ["SGB403"]);
    let listed =
        python("import boto3\nprint(*(each['Name'] for each in boto3.client('s3').list_buckets()['Buckets']))");
    assert!(!listed.contains(&absent), "{listed}");
    // Where AWS does not answer, that is what is told.
    let alone = iris()
        .with_testbed()
        .with("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1");
    let ran = alone.run(&["check", "--aws", "--format", "json", "--function", &name]);
    assert_eq!(rules(&ran.json()), ["SGB405"]);
}

/// A role of the account: whom it trusts, and what it may do beside nothing.
fn role(name: &str, service: &str, statement: &str) -> String {
    let script = format!(
        "import boto3, json
iam = boto3.client('iam')
trust = {{'Statement': [{{'Effect': 'Allow', 'Principal': {{'Service': {service:?}}}, 'Action': 'sts:AssumeRole'}}]}}
arn = iam.create_role(RoleName={name:?}, AssumeRolePolicyDocument=json.dumps(trust))['Role']['Arn']
if statement := {statement}:
    iam.put_role_policy(RoleName={name:?}, PolicyName='p', PolicyDocument=json.dumps({{'Version': '2012-10-17', 'Statement': [statement]}}))
print(arn)"
    );
    python(&script).trim().to_owned()
}

/// The findings of `check --aws` with these flags, as `RULE message`.
pub(crate) fn asked_of_aws(sandbox: &Sandbox, flags: &[&str]) -> Vec<String> {
    let ran = sandbox.run(&[&["check", "--aws", "--format", "json"][..], flags].concat());
    let told = |one: &Value| format!("{} {}", one["rule"].as_str().unwrap(), one["message"].as_str().unwrap());
    ran.json()["findings"].as_array().unwrap().iter().map(told).collect()
}

#[test]
fn whether_the_function_may_pass_the_role_is_asked_of_iam() {
    let testbed = Testbed::get();
    let name = format!("it-passing-{}", std::process::id());
    training_lambda(&name);
    let sandbox = iris().with_testbed();
    let asked = |role: &str| asked_of_aws(&sandbox, &["--function", &name, "--role", role]);
    assert_eq!(asked(testbed.variable("SGBUILD_TESTBED_ROLE")), [""; 0]);

    let other = role(&format!("{name}-other"), "sagemaker.amazonaws.com", "None");
    let function_role = "arn:aws:iam::123456789012:role/sgbuild-function";
    assert_eq!(
        asked(&other),
        [format!(
            "SGB406 the function's role {function_role} may not pass {other} to SageMaker: no policy of it allows that"
        )]
    );
    // The one that may be passed to another service only.
    let statement = format!(
        "{{'Effect': 'Allow', 'Action': 'iam:PassRole', 'Resource': '{other}', 'Condition': {{'StringEquals': {{'iam:PassedToService': 'ec2.amazonaws.com'}}}}}}"
    );
    let of_ec2 = role(&format!("{name}-ec2"), "lambda.amazonaws.com", &statement);
    let denying = role(
        &format!("{name}-denying"),
        "lambda.amazonaws.com",
        "{'Sid': 'Never', 'Effect': 'Deny', 'Action': 'iam:*', 'Resource': '*'}",
    );
    for (function_role, why) in [(of_ec2, "no policy of it allows that"), (denying, "Never denies it")] {
        registered(&name, &json!({ "role": function_role }));
        let found = asked(&other);
        assert!(
            found.len() == 1 && found[0].starts_with("SGB406 ") && found[0].ends_with(why),
            "{found:?}"
        );
    }
}

#[test]
fn the_role_is_looked_at() {
    let name = format!("it-role-{}", std::process::id());
    let sandbox = iris().with_testbed();
    let absent = format!("arn:aws:iam::123456789012:role/{name}-absent");
    assert_eq!(
        asked_of_aws(&sandbox, &["--role", &absent]),
        [format!("SGB407 there is no role {absent}")]
    );
    let of_lambda = role(&name, "lambda.amazonaws.com", "None");
    assert_eq!(
        asked_of_aws(&sandbox, &["--role", &of_lambda]),
        [format!(
            "SGB407 SageMaker may not assume the role {of_lambda}: its trust policy does not name sagemaker.amazonaws.com"
        )]
    );
    let elsewhere = format!("arn:aws:iam::123456789012:role/service-role/{name}");
    assert_eq!(
        asked_of_aws(&sandbox, &["--role", &elsewhere]),
        [format!(
            "SGB407 there is no role {elsewhere}: the account's role of that name is {of_lambda}"
        )]
    );
}

#[test]
fn quotas_are_compared_with_what_is_asked_for() {
    let sandbox = iris().with_testbed();
    let asked = |flags: &[&str]| asked_of_aws(&sandbox, flags);
    assert_eq!(
        asked(&["--instance-type", "ml.m5.large", "--instance-count", "2"]),
        [""; 0]
    );
    let exceeded = |what: &str, quota: &str, value: u32| {
        format!(
            "SGB408 {what} asked for, and the account's quota \"{quota}\" in us-west-2 is {value}: ResourceLimitExceeded"
        )
    };
    assert_eq!(
        asked(&["--instance-type", "ml.p3.2xlarge"]),
        [exceeded("1 ml.p3.2xlarge", "ml.p3.2xlarge for training job usage", 0)]
    );
    assert_eq!(
        asked(&["--instance-type", "ml.m5.large", "--instance-count", "21"]),
        [
            exceeded("21 ml.m5.large", "ml.m5.large for training job usage", 20),
            exceeded("21 instances", "Maximum number of instances per training job", 20),
        ]
    );
    // Of spot, AWS's defaults alone are known here, on a later page of another operation.
    assert_eq!(
        asked(&["--instance-type", "ml.g5.xlarge", "--spot", "--max-wait", "90000"]),
        [exceeded(
            "1 ml.g5.xlarge",
            "ml.g5.xlarge for spot training job usage",
            0
        )]
    );
    let unknown = asked(&["--instance-type", "ml.m5.huge"]);
    assert_eq!(
        unknown,
        [
            "SGB405 AWS does not tell of the quota \"ml.m5.huge for training job usage\": SageMaker has none in us-west-2, so it may not train on such instances there"
        ]
    );
}

#[test]
fn what_the_function_refuses_is_told_before_the_push() {
    let testbed = Testbed::get();
    let name = format!("it-refusing-{}", std::process::id());
    let own = testbed.variable("SGBUILD_TESTBED_OUTPUT_BUCKET");
    let role = testbed.variable("SGBUILD_TESTBED_ROLE");
    registered(
        &name,
        &json!({ "environment": { "SGBUILD_ALLOWED_OUTPUTS": format!("s3://{own}/"), "SGBUILD_ALLOWED_ROLES": role } }),
    );
    let sandbox = iris().with_testbed();
    let asked = |bucket: &str| {
        let flags = ["--function", &name, "--output-bucket", bucket, "--role", role];
        asked_of_aws(&sandbox, &flags)
    };
    assert_eq!(asked(own), [""; 0]);
    // What is not said is not refused.
    assert_eq!(asked_of_aws(&sandbox, &["--function", &name]), [""; 0]);
    let input = testbed.variable("SGBUILD_TESTBED_INPUT_BUCKET");
    let found = asked(input);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with(&format!(
            "SGB409 the function {name} would refuse the training: destination_bucket_uri: "
        )),
        "{found:?}"
    );
}

#[test]
fn who_may_not_ask_is_told_what_was_not_asked() {
    let name = format!("it-asking-{}", std::process::id());
    training_lambda(&name);
    let sandbox = iris()
        .with_testbed()
        .with("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:1")
        .with("AWS_ENDPOINT_URL_SERVICE_QUOTAS", "http://127.0.0.1:1");
    let role = Testbed::get().variable("SGBUILD_TESTBED_ROLE");
    let found = asked_of_aws(&sandbox, &["--function", &name, "--role", role]);
    assert_eq!(found.len(), 3, "{found:?}");
    for what in ["whether the function's role", "the role ", "the quotas of SageMaker"] {
        let told = format!("SGB405 AWS does not tell of {what}");
        assert!(found.iter().any(|one| one.starts_with(&told)), "{told}: {found:?}");
    }
}
