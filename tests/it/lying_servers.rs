//! Servers whose answers have no end, or name what would become part of a host's name.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::support::daemon::{Answer, Daemon};
use crate::support::faults::{Fault, Proxy};
use crate::support::{Ran, Sandbox, Testbed};

const ENDLESS: Answer = Answer::Endless("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");

/// Runs a command that may neither hang nor be killed.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let started = Instant::now();
    let ran = sandbox.run(arguments);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert!(ran.code == 1 || ran.code == 75, "{}: {}", ran.code, ran.stderr);
    ran
}

/// What is said when the daemon's answer to requests with `of` in their first line has no end.
fn endless_daemon(of: &'static str) -> String {
    let daemon = Daemon::start(move |request| if request.contains(of) { ENDLESS } else { Answer::Daemons });
    let sandbox = tiny().with_testbed().with("DOCKER_HOST", daemon.host());
    let ran = run(&sandbox, &["build"]);
    let said = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("error") || line.contains("hint"));
    said.collect::<Vec<_>>().join("\n").replace(&daemon.host(), "[DAEMON]")
}

#[test]
fn a_daemon_without_an_end_is_not_read_to_it() {
    let said = ["GET /version", "/info", "/images/sgbuild/"].map(endless_daemon);
    assert_snapshot!(said.join("\n\n"));
}

#[test]
fn an_error_without_an_end_is_cut() {
    let daemon = Daemon::start(|request| {
        if request.contains("/build?") {
            return Answer::Endless("HTTP/1.1 500 Internal Server Error\r\n\r\nout of order ");
        }
        Answer::Daemons
    });
    let sandbox = tiny().with_testbed().with("DOCKER_HOST", daemon.host());
    let ran = run(&sandbox, &["build"]).exits(1);
    assert!(
        ran.stderr.contains("out of order") && ran.stderr.len() < 200_000,
        "{}",
        ran.stderr.len()
    );
}

#[test]
fn a_log_without_an_end_of_line_is_not_kept() {
    let daemon = Daemon::start(|request| {
        if request.contains("/build?") {
            ENDLESS
        } else {
            Answer::Daemons
        }
    });
    let sandbox = tiny().with_testbed().with("DOCKER_HOST", daemon.host());
    run(&sandbox, &["build"])
        .exits(75)
        .says(&["a line of its answer is longer than"]);
}

fn identity(account: &'static str) -> Proxy {
    let body = format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/me</Arn><UserId>A</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    aws("GetCallerIdentity", body.leak())
}

/// AWS, but for one answer.
fn aws(matching: &'static str, body: &'static str) -> Proxy {
    let fault = Fault {
        matching,
        status: 200,
        header: Some(("content-type", "text/xml")),
        body,
        times: usize::MAX,
    };
    Proxy::start(Testbed::get().variable("AWS_ENDPOINT_URL"), vec![fault])
}

#[test]
fn an_account_is_twelve_digits() {
    let mut said = Vec::new();
    for account in ["evil.example/", "", "12345678901", "１２３４５６７８９０１２"] {
        let proxy = identity(account);
        let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", proxy.url());
        let ran = run(&sandbox, &["push"]).exits(1);
        assert!(
            !proxy.seen().iter().any(|line| line.contains("GetAuthorizationToken")),
            "{:?}",
            proxy.seen()
        );
        said.push(sandbox.transcript(&ran).replace(&proxy.address.to_string(), "[PROXY]"));
    }
    assert_snapshot!(said.join("\n"));
}

#[test]
fn a_region_is_one_part_of_a_hosts_name() {
    let proxy = aws("no request is this", "");
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", proxy.url());
    sandbox.write("pyproject.toml", "[tool.sgbuild]\nregion = \"x.evil.example/\"\n");
    let ran = sandbox.run(&["push"]).exits(2);
    let mut said = sandbox.transcript(&ran);
    std::fs::remove_file(sandbox.project().join("pyproject.toml")).unwrap();
    said += &sandbox.transcript(&sandbox.run(&["push", "--region", "us-east-1@evil.example"]).exits(2));
    let sandbox = sandbox.with("AWS_REGION", "x.evil.example/");
    said += &sandbox.transcript(&sandbox.run(&["push"]).exits(2));
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());
    assert_snapshot!(said);
}

#[test]
fn an_answer_of_aws_without_an_end_is_not_read_to_it() {
    let proxy = aws("GetCallerIdentity", " ".repeat(40 << 20).leak());
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", proxy.url());
    let ran = run(&sandbox, &["push"]);
    assert_snapshot!(sandbox.transcript(&ran).replace(&proxy.address.to_string(), "[PROXY]"));
}

#[test]
fn a_list_of_aws_without_an_end_is_not_followed_for_ever() {
    const JSON: &str = "application/x-amz-json-1.1";
    const XML: &str = "text/xml";
    let fault = |matching, kind, body| Fault {
        matching,
        status: 200,
        header: Some(("content-type", kind)),
        body,
        times: usize::MAX,
    };
    let faults = vec![
        fault(
            "Logs_20140328.GetLogEvents",
            JSON,
            r#"{"events":[],"nextForwardToken":"t[NUMBER]"}"#,
        ),
        fault(
            r#""logStreamNamePrefix":"silent/""#,
            JSON,
            r#"{"logStreams":[{"logStreamName":"silent/algo-1-1"}]}"#,
        ),
        fault(
            "Logs_20140328.DescribeLogStreams",
            JSON,
            r#"{"logStreams":[],"nextToken":"t[NUMBER]"}"#,
        ),
        fault(
            "Action=ListStackResources",
            XML,
            "<ListStackResourcesResponse><ListStackResourcesResult><NextToken>t[NUMBER]</NextToken></ListStackResourcesResult></ListStackResourcesResponse>",
        ),
        fault(
            "Action=DescribeStacks",
            XML,
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>s</StackName><StackId>s</StackId><StackStatus>CREATE_COMPLETE</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        ),
    ];
    let proxy = Proxy::start(Testbed::get().variable("AWS_ENDPOINT_URL"), faults);
    let sandbox = tiny().with_testbed().with("AWS_ENDPOINT_URL", proxy.url());
    let logs = ["silent", "many"].map(|job| sandbox.transcript(&run(&sandbox, &["logs", job])));
    let status = sandbox.run(&["status", "--stack", "s"]).exits(0);
    assert_snapshot!(logs.join("\n") + "\n" + &sandbox.transcript(&status));
}
