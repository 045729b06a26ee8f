//! `sgbuild logs`, and the following of a training job to its end.

use crate::support::{Sandbox, python};

/// A job's log as SageMaker writes it: `count` lines in each of two instances' streams.
fn written(job: &str, count: usize) {
    python(&format!(
        r#"
import boto3, contextlib, time
logs = boto3.client("logs")
group = "/aws/sagemaker/TrainingJobs"
with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
    logs.create_log_group(logGroupName=group)
now = int(time.time() * 1000) - 100000
for instance in (1, 2):
    stream = f"{job}/algo-{{instance}}-1700000000"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    lines = [{{"timestamp": now + 2 * number + instance, "message": f"line {{number}} of {{instance}}"}} for number in range({count})]
    for start in range(0, len(lines), 1000):
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=lines[start:start + 1000])
"#
    ));
}

fn job_name() -> String {
    format!("log-{}", uuid::Uuid::new_v4().simple())
}

#[test]
fn every_line_of_every_instance_is_printed_in_order_of_time() {
    let (sandbox, job) = (Sandbox::empty().with_testbed(), job_name());
    written(&job, 3);
    let ran = sandbox.run(&["logs", &job]).exits(0);
    let lines: Vec<&str> = ran.stdout.lines().map(|line| &line[20..]).collect();
    let expected = [
        "algo-1 line 0 of 1",
        "algo-2 line 0 of 2",
        "algo-1 line 1 of 1",
        "algo-2 line 1 of 2",
        "algo-1 line 2 of 1",
        "algo-2 line 2 of 2",
    ];
    assert_eq!(lines, expected, "{}", ran.stdout);
    let first = sandbox.run(&["logs", "--json", &job]).exits(0).stdout;
    let first: serde_json::Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["instance"], &first["text"]),
        (&"algo-1".into(), &"line 0 of 1".into())
    );
}

#[test]
fn a_log_of_many_pages_is_read_whole() {
    let (sandbox, job) = (Sandbox::empty().with_testbed(), job_name());
    written(&job, 12_000);
    let ran = sandbox.run(&["logs", &job]).exits(0);
    assert_eq!(ran.stdout.lines().count(), 24_000);
    assert!(ran.stdout.ends_with("line 11999 of 2\n"));
}

#[test]
fn no_such_job() {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox
        .run(&["logs", "no-such-job-anywhere"])
        .exits(1)
        .says(&["cannot read the log of the training job no-such-job-anywhere", "hint"]);
}
