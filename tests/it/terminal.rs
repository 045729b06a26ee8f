//! Text of others on our terminal: nothing in it may be obeyed, stay unseen, or pass for a line of ours.

use std::process::Command;

use serde_json::json;

use crate::bad_input::tiny;
use crate::support::faults::{Fault, Proxy};
use crate::support::{Ran, Sandbox, Testbed, copy, python};

/// A write to the clipboard, a colour that is none of ours, an eight-bit erase, a right-to-left override, what nobody sees, and
/// two ways to begin a line.
const HOSTILE: &str = "a\u{1b}]52;c;Zm9v\u{7}\u{1b}[35;5mb\u{9b}2J\u{202e}c\u{200b}\u{2028}\rFORGED\r\nFORGED: ok\n==> Pushed FORGED\n    FORGED";

/// Our own styles, as `anstyle` writes them.
const STYLES: [&str; 8] = [
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[36m",
    "\u{1b}[4m",
];

/// A string as Python, TOML and JSON all read it.
fn literal(text: &str) -> String {
    let escaped = serde_json::to_string(text).unwrap();
    // TOML takes no U+007F to U+009F as they are; the others do not mind.
    escaped.replace('\u{9b}', "\\u009b")
}

/// For a script that is to say exactly this.
fn hex(text: &str) -> String {
    let digits = text.bytes().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

/// Whether a terminal may be given `text`.
#[track_caller]
fn assert_safe(what: &str, text: &str) {
    let plain = STYLES
        .iter()
        .fold(text.to_owned(), |text, style| text.replace(style, ""));
    let is_hidden = |c: &char| {
        (c.is_control() && !"\n\t".contains(*c))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let hidden: Vec<char> = plain.chars().filter(is_hidden).collect();
    assert!(hidden.is_empty(), "{what}: {hidden:?} in\n{text:?}");
    let is_forged = |line: &str| line.starts_with("FORGED") || line.starts_with("==> Pushed FORGED");
    assert!(!plain.lines().any(is_forged), "{what}: a line is forged:\n{plain}");
}

/// Runs the command in colour and without: both must be safe, and show what is foreign.
#[track_caller]
fn check(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    check_once(sandbox, &[arguments, &["--color", "always"]].concat());
    check_once(sandbox, arguments)
}

#[track_caller]
fn check_once(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let ran = sandbox.run(arguments);
    let what = format!("sgbuild {arguments:?}, exit {}", ran.code);
    assert_safe(&what, &ran.stdout);
    assert_safe(&what, &ran.stderr);
    // Four columns are where details begin.
    assert!(!ran.stderr.contains("\n    FORGED"), "{what}:\n{}", ran.stderr);
    let said = [&*ran.stdout, &*ran.stderr].concat();
    assert!(said.contains("FORGED"), "{what}: the text is not shown:\n{said}");
    ran
}

fn setup_py(fields: &str) -> Sandbox {
    let sandbox = tiny();
    let setup = sandbox.read("setup.py");
    sandbox.write(
        "setup.py",
        &setup.replace(
            "packages=find_packages(),",
            &format!("packages=find_packages(),\n    {fields},"),
        ),
    );
    sandbox
}

#[test]
fn metadata_of_a_project() {
    let text = literal(HOSTILE);
    let one_line = literal(&HOSTILE.replace(['\r', '\n', '\u{2028}'], ""));
    for field in [
        format!("author={text}"),
        format!("author_email={text}"),
        format!("url={text}"),
        format!("license={one_line}"),
        format!("description={one_line}"),
        format!("project_urls={{{one_line}: {one_line}}}"),
        format!("install_requires=[{one_line}]"),
        format!("python_requires={one_line}"),
        format!("py_modules=[{text}]"),
    ] {
        check(&setup_py(&field), &["inspect"]);
    }
    for (from, to) in [
        ("name=\"tiny\"", format!("name={text}")),
        ("version=\"1.0.0\"", format!("version={text}")),
        (
            "train = tiny.train:train",
            format!("train = {}", one_line.trim_matches('"')),
        ),
        ("\"tiny.training\"", one_line.clone()),
    ] {
        let sandbox = tiny();
        sandbox.write("setup.py", &sandbox.read("setup.py").replace(from, &to));
        check(&sandbox, &["inspect", "--static"]);
    }
}

#[test]
fn names_of_files() {
    let sandbox = tiny();
    sandbox.write(
        "MANIFEST.in",
        &format!("include {}\n", HOSTILE.replace(['\r', '\n'], "")),
    );
    check(&sandbox, &["dist"]);
    check(&tiny(), &["inspect", HOSTILE]);
    for flag in ["--requirements", "--dockerfile-template", "--ca-bundle"] {
        check(&tiny(), &["dist", flag, HOSTILE]);
    }
}

#[test]
fn settings_and_their_origins() {
    let sandbox = tiny()
        .with("SGBUILD_ROLE", HOSTILE)
        .with("SGBUILD_SYSTEM_PACKAGES", HOSTILE)
        .with("SGBUILD_BASE_IMAGE", HOSTILE);
    check(&sandbox, &["settings"]);
    check(&sandbox, &["dist"]);
    let sandbox = tiny();
    sandbox.write("pyproject.toml", &format!("[tool.sgbuild]\n{} = 1\n", literal(HOSTILE)));
    check(&sandbox, &["settings"]);
    let sandbox = tiny();
    sandbox.write(
        "pyproject.toml",
        &format!("[tool.sgbuild]\nlabels = {{ a = {} }}\n", literal(HOSTILE)),
    );
    check(&sandbox, &["settings"]);
    check(&tiny().with("SGBUILD_INSTANCE_COUNT", HOSTILE), &["settings"]);
    check(&tiny().with("SGBUILD_ENGINE", HOSTILE), &["build"]);
    let name = format!("SGBUILD_ROLF{}", HOSTILE.replace('=', ""));
    let warned = tiny().with(&name, "x").run(&["settings"]);
    assert_safe("a variable's name", &warned.stderr);
}

#[test]
fn arguments_that_are_refused() {
    for arguments in [
        &[HOSTILE][..],
        &["inspect", HOSTILE],
        &["inspect", ".", HOSTILE],
        &["push", "--instance-count", HOSTILE],
        &["push", "--label", &HOSTILE.replace('=', "")],
        &["push", "--engine", HOSTILE],
        &["completions", HOSTILE],
        &["runs", "-n", HOSTILE],
        &["--color", HOSTILE, "inspect"],
    ] {
        let ran = tiny().run(arguments);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert_safe(&format!("{arguments:?}"), &ran.stderr);
        assert!(ran.stderr.contains("FORGED"), "{}", ran.stderr);
    }
    let flag = format!("--nonsense{HOSTILE}");
    assert_safe("a flag", &tiny().run(&["inspect", &flag]).exits(2).stderr);
}

fn fault(matching: &'static str, status: u16, body: String) -> Fault {
    Fault {
        matching,
        status,
        header: Some(("content-type", "application/json")),
        body: body.leak(),
        times: usize::MAX,
    }
}

#[test]
fn answers_of_aws() {
    let said = json!({ "__type": "AccessDeniedException", "message": HOSTILE }).to_string();
    let proxy = Proxy::start(
        Testbed::get().variable("AWS_ENDPOINT_URL"),
        vec![fault("GetAuthorizationToken", 400, said)],
    );
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", proxy.url());
    check(&sandbox, &["push"]);

    // XML has no way to say most of the control characters.
    let reason = "a\u{9b}2J\u{202e}b&#10;FORGED: ok&#10;==&gt; Pushed FORGED&#13;FORGED";
    let stack = format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackId>id</StackId><StackName>{reason}</StackName>\
         <StackStatus>{reason}</StackStatus><StackStatusReason>{reason}</StackStatusReason><CreationTime>2026-11-24T04:12:05Z</CreationTime>\
         <Outputs><member><OutputKey>{reason}</OutputKey><OutputValue>{reason}</OutputValue></member></Outputs></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>"
    );
    let proxy = Proxy::start(
        Testbed::get().variable("AWS_ENDPOINT_URL"),
        vec![fault("DescribeStacks", 200, stack)],
    );
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", proxy.url());
    check(&sandbox, &["status"]);
}

#[test]
fn what_a_stack_that_is_to_be_deleted_would_keep() {
    let row = "bucket\u{202e}&#10;    = FORGED (AWS::S3::Bucket)&#10;FORGED";
    let described = "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackId>id</StackId><StackName>mine</StackName>\
         <StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-11-24T04:12:05Z</CreationTime><Parameters>\
         <member><ParameterKey>Email</ParameterKey></member><member><ParameterKey>CodeBucket</ParameterKey></member>\
         <member><ParameterKey>CodeKey</ParameterKey></member></Parameters></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>";
    let resources = format!(
        "<DescribeStackResourcesResponse><DescribeStackResourcesResult><StackResources><member><LogicalResourceId>Data</LogicalResourceId>\
         <PhysicalResourceId>{row}</PhysicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
         <Timestamp>2026-11-24T04:12:05Z</Timestamp></member></StackResources></DescribeStackResourcesResult></DescribeStackResourcesResponse>"
    );
    let proxy = Proxy::start(
        Testbed::get().variable("AWS_ENDPOINT_URL"),
        vec![
            fault("DescribeStacks", 200, described.to_owned()),
            fault("DescribeStackResources", 200, resources),
        ],
    );
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", proxy.url());
    let ran = sandbox.run(&["destroy", "--stack", "mine", "--dry-run"]).exits(0);
    assert_safe("destroy", &ran.stderr);
    let rows = ran.stderr.lines().filter(|line| line.starts_with("    = ")).count();
    assert_eq!(rows, 1, "a row is forged:\n{}", ran.stderr);
}

#[test]
fn answers_of_a_registry() {
    let told = json!({ "errors": [{ "code": "DENIED", "message": format!("{HOSTILE}{}", "x".repeat(10_000_000)) }] });
    for body in [told.to_string(), HOSTILE.replace(['\r', '\n'], "\u{85}")] {
        let is_registry = fault("GET /v2/ ", 200, "{}".to_owned());
        let proxy = Proxy::start("http://127.0.0.1:9", vec![fault("/v2/team", 403, body), is_registry]);
        let repository = format!("{}/team/tiny", proxy.address);
        let ran = check(&tiny().with_testbed(), &["push", "--repository", &repository]);
        let longest = ran.stderr.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(1000), "{longest:?}");
    }
}

#[test]
fn the_builds_log_and_its_error() {
    let message = |key: &str, text: String| json!({ key: text }).to_string() + "\n";
    let log = [
        message("stream", format!("Step 1/2 : FROM {HOSTILE}\n")),
        message("stream", HOSTILE.replace("FORGED", "LOGGED") + "\n"),
        message("stream", "50%\r100% \u{1b}[32mdone\u{1b}[0m\n".to_owned()),
        message("stream", format!("{}\n", "x".repeat(10_000_000))),
        message("status", HOSTILE.to_owned()),
        json!({ "error": HOSTILE, "errorDetail": { "message": HOSTILE } }).to_string(),
    ];
    let daemon = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let proxy = Proxy::start(&daemon, vec![fault("/build?", 200, log.concat())]);
    let sandbox = tiny()
        .with_testbed()
        .with("DOCKER_HOST", proxy.url().replace("http://", "tcp://"))
        .with("DOCKER_BUILDKIT", "0");
    let ran = check(&sandbox, &["build", "--no-pip-settings", "--verbose"]);
    assert!(ran.stderr.contains("    100% done\n"), "{:.4000}", ran.stderr);
    assert!(ran.stderr.len() < 200_000);
}

/// A table of runs with one that failed for a hostile reason.
fn recorded() -> String {
    let table = format!("runs-{}", uuid::Uuid::new_v4().simple());
    let record = json!({
        "training_job_name": HOSTILE, "run_id": "r", "git_hash": HOSTILE, "image": format!("host/iris@sha256:{HOSTILE}"),
        "instance_type": "ml.m5.large", "instance_count": 1, "volume_in_gb": 30, "max_runtime_seconds": 60, "input_bucket": "iris",
        "recorded_at": "2026-11-24T04:12:05Z", "job_status": "Failed", "failure_reason": HOSTILE,
    });
    python(&format!(
        r#"
import boto3, json
from boto3.dynamodb.types import TypeSerializer
from decimal import Decimal
table = boto3.resource("dynamodb").create_table(
    TableName="{table}",
    BillingMode="PAY_PER_REQUEST",
    KeySchema=[{{"AttributeName": "training_job_name", "KeyType": "HASH"}}],
    AttributeDefinitions=[{{"AttributeName": "training_job_name", "AttributeType": "S"}}],
)
record = json.loads(bytes.fromhex("{record}"))
record["metrics"] = {{"acc" + record["git_hash"]: Decimal("1")}}
table.put_item(Item=record)
"#,
        record = hex(&record.to_string()),
    ));
    table
}

#[test]
fn the_table_of_runs() {
    let sandbox = Sandbox::empty().with_testbed().with("SGBUILD_TABLE", recorded());
    let ran = check(&sandbox, &["runs"]);
    assert_eq!(ran.stdout.lines().count(), 3, "{}", ran.stdout);
    let json = sandbox.run(&["runs", "--json"]).exits(0).json();
    assert_eq!(json[0]["failure_reason"], HOSTILE);
    check(&sandbox, &["logs"]);
}

#[test]
fn the_log_of_a_training() {
    let job = format!("log-{}", uuid::Uuid::new_v4().simple());
    python(&format!(
        r#"
import boto3, contextlib, json, time
logs = boto3.client("logs")
group = "/aws/sagemaker/TrainingJobs"
with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
    logs.create_log_group(logGroupName=group)
logs.create_log_stream(logGroupName=group, logStreamName="{job}/algo-1-1700000000")
now = int(time.time() * 1000)
events = [{{"timestamp": now, "message": bytes.fromhex("{hostile}").decode()}}, {{"timestamp": now + 1, "message": " 10%\r100% \x1b[1Adone"}}]
logs.put_log_events(logGroupName=group, logStreamName="{job}/algo-1-1700000000", logEvents=events)
"#,
        hostile = hex(HOSTILE),
    ));
    let sandbox = Sandbox::empty().with_testbed();
    let ran = check(&sandbox, &["logs", &job]);
    assert!(ran.stdout.ends_with(" algo-1 100% done\n"), "{}", ran.stdout);
    let json = sandbox.run(&["logs", "--json", &job]).exits(0).stdout;
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first["text"], HOSTILE);
}

#[test]
fn the_failure_of_a_function() {
    let sandbox = tiny().with_testbed();
    let body = json!({ "errorMessage": HOSTILE, "errorType": HOSTILE }).to_string();
    let refused = Fault {
        header: Some(("x-amz-function-error", "Unhandled")),
        ..fault("/invocations", 200, body)
    };
    let proxy = Proxy::start(Testbed::get().variable("AWS_ENDPOINT_URL"), vec![refused]);
    let role = Testbed::get().variable("SGBUILD_TESTBED_ROLE");
    let sandbox = sandbox.with("AWS_ENDPOINT_URL_LAMBDA", proxy.url());
    let ran = check(
        &sandbox,
        &[
            "push",
            "--repository",
            "it/terminal",
            "--function",
            "f",
            "--source-bucket",
            "sgbuild-input",
            "--output-bucket",
            "sgbuild-output",
            "--role",
            role,
        ],
    );
    assert_eq!(ran.code, 1, "{}", ran.stderr);
}

/// Runs the binary on a terminal of its own: what it wrote there.
fn on_terminal(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let own = sandbox.command(&[]);
    let command = shlex::try_join([&[env!("CARGO_BIN_EXE_sgbuild")], arguments].concat()).unwrap();
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(sandbox.project())
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("TERM", "xterm-256color")
        .env("SHELL", "/bin/sh")
        .output()
        .expect("script, of the package bsdutils");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn paths_are_exact_for_a_program_and_safe_on_a_terminal() {
    let sandbox = Sandbox::empty();
    let name = HOSTILE.replace('/', "");
    let project = sandbox.project().join(&name);
    copy(&tiny().project(), &project);
    let piped = sandbox.run(&["dist", &name]).exits(0);
    let first = piped.stdout.split("/dist/").next().unwrap();
    assert!(
        first.ends_with(&format!("/{name}")),
        "a script finds the file: {first:?}"
    );
    assert_safe("dist", &piped.stderr);

    let shown = on_terminal(&sandbox, &["dist", "-v", &name]).replace("\r\n", "\n");
    assert_safe("dist on a terminal", &shown);
    assert!(shown.contains(r"\x1b]52;c;Zm9v\x07"), "{shown}");
    let json = on_terminal(&sandbox, &["dist", "-v", "--json", &name]).replace("\r\n", "\n");
    assert_safe("JSON on a terminal", &json);
    // Here the details are drawn, with movements of the cursor that are ours.
    let drawn = on_terminal(&sandbox, &["dist", &name]);
    for raw in [
        "\u{1b}]52",
        "\u{1b}[35;5m",
        "\u{9b}",
        "\u{202e}",
        "\u{200b}",
        "\rFORGED",
        "\nFORGED",
    ] {
        assert!(!drawn.contains(raw), "{raw:?} in {drawn:?}");
    }
}
