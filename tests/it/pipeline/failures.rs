//! Builds that do not end well: each ends in one mail, by the template's own rule.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Launch, Pipeline, log_of};
use crate::support::Sandbox;

fn repository() -> Sandbox {
    Sandbox::of_fixture("setuptools-docker-style")
        .with_testbed()
        .committed()
}

/// The one build of a pipeline that data has started, and the mails that have come of it.
fn build_of_data(launch: Launch) -> (Pipeline, Value, Vec<String>) {
    let sandbox = repository();
    let pipeline = Pipeline::of(&sandbox, launch);
    pipeline.upload(&[("input/data/training/rows.csv", "a,b\n1,2\n")]);
    let builds = pipeline.ended(1);
    let messages = told(&pipeline);
    assert_eq!(builds.len(), 1, "{builds:#?}");
    (pipeline, builds[0].clone(), messages)
}

/// The mails, once one has come and no other has had the time to.
fn told(pipeline: &Pipeline) -> Vec<String> {
    pipeline.wait("a mail", false, || (!pipeline.messages().is_empty()).then_some(()));
    // The messages were shown for five seconds to nobody else.
    std::thread::sleep(Duration::from_secs(6));
    pipeline.messages()
}

fn assert_one_mail(messages: &[String], build: &Value, status: &str) {
    assert_eq!(build["status"], status, "{}", log_of(build));
    let [message] = messages else {
        panic!("one mail: {messages:#?}")
    };
    let project = build["id"].as_str().unwrap().split(':').next().unwrap();
    let begin = format!("A build of {project} ended with {status}. ");
    assert!(message.starts_with(&begin), "{message}");
    // What the template asks for of the event: the commit, and where the log is.
    assert!(
        message.contains(&format!("Source: {}", build["commit"].as_str().unwrap())),
        "{message}"
    );
    assert!(message.ends_with(build["log"].as_str().unwrap()), "{message}");
}

#[test]
fn a_failed_build_ends_in_one_mail() {
    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    sandbox.write("setup.py", "raise SystemExit('no setup.py any more')\n");
    let sandbox = sandbox.committed();
    let pipeline = Pipeline::launch(&sandbox);
    pipeline.upload(&[("input/data/training/rows.csv", "a,b\n1,2\n")]);
    let build = pipeline.ended(1).remove(0);
    assert_one_mail(&told(&pipeline), &build, "FAILED");
    assert!(
        log_of(&build).contains("Phase complete: PRE_BUILD State: FAILED"),
        "{}",
        log_of(&build)
    );
    assert_eq!(pipeline.player("GET", None)["denied"], json!([]));
}

#[test]
fn a_build_that_takes_too_long_ends_in_one_mail() {
    let launch = Launch {
        parameters: json!({ "BuildTimeoutMins": "5" }),
        minute: 0.1,
        ..Launch::default()
    };
    let (_pipeline, build, messages) = build_of_data(launch);
    assert_one_mail(&messages, &build, "TIMED_OUT");
}

#[test]
fn a_build_that_fails_in_post_build_ends_in_one_mail() {
    // It may not invoke the function any more.
    let launch = Launch::of_changed_template(
        "              - Sid: StartTheTraining
                Effect: Allow
                Action: lambda:InvokeFunction
                Resource: !GetAtt StartTraining.Arn
",
        "",
    );
    let (pipeline, build, messages) = build_of_data(launch);
    assert_one_mail(&messages, &build, "FAILED");
    let log = log_of(&build);
    assert!(log.contains("Phase complete: POST_BUILD State: FAILED"), "{log}");
    // As AWS says it.
    assert!(
        log.contains("is not authorized to perform: lambda:InvokeFunction on resource: "),
        "{log}"
    );
    assert_eq!(pipeline.records(), Vec::<Value>::new());
    let denied = pipeline.player("GET", None)["denied"].as_array().unwrap().clone();
    assert!(!denied.is_empty());
    for each in denied {
        assert_eq!(
            (&each["caller"], &each["action"]),
            (&json!("BuildRole"), &json!("lambda:InvokeFunction"))
        );
    }
}

#[test]
fn a_build_whose_training_cannot_start_ends_in_one_mail() {
    let sandbox = repository();
    let pipeline = Pipeline::launch(&sandbox);
    pipeline.upload(&[
        ("input/config/hyperparameters.json", "{"),
        ("input/data/training/rows.csv", "a,b\n1,2\n"),
    ]);
    let build = pipeline.ended(1).remove(0);
    assert_one_mail(&told(&pipeline), &build, "FAILED");
    let records = pipeline.records();
    let [record] = records.as_slice() else {
        panic!("one record: {records:#?}")
    };
    assert_eq!(record["job_status"], "Failed", "{record:#}");
    let reason = record["failure_reason"].as_str().unwrap();
    assert!(reason.contains("hyperparameters.json"), "{reason}");
    assert!(log_of(&build).contains("hyperparameters.json"), "{}", log_of(&build));
    // The look at what is open does not tell of it once more.
    pipeline.fire_schedules();
    assert_one_mail(&told(&pipeline), &build, "FAILED");
    assert_eq!(pipeline.player("GET", None)["denied"], json!([]));
}
