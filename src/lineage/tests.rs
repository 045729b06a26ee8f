use serde_json::{Value, json};

use super::*;

fn run(job: &str, changes: &Value) -> RunRecord {
    let mut record = json!({
        "training_job_name": job, "run_id": format!("run-of-{job}"), "git_hash": "1f0c2ab9", "image": format!("host/iris@sha256:{}", "ab12".repeat(16)),
        "package": "iris", "version": "1.0", "instance_type": "ml.m5.large", "instance_count": 2, "volume_in_gb": 30, "max_runtime_seconds": 60,
        "input_bucket": "iris-input", "input": "s3://iris-input/input/data/training/", "output": "s3://iris-output/",
        "recorded_at": "2026-11-24T04:12:05Z", "job_creation_time": "2026-11-24T04:12:06Z", "job_end_time": "2026-11-24T04:14:06Z",
        "job_status": "Completed", "data_source": "uploaded", "input_versions": { "input/data/training/a.csv": "v1" }, "input_object_count": 1,
        "hyperparameters": { "depth": "3" }, "metrics": { "accuracy": 0.97 }, "training_job_arn": format!("arn:aws:sagemaker:x:1:training-job/{job}"),
        "artifact": format!("s3://iris-output/{job}/output/model.tar.gz"),
        "requirements": { "digest": "sha256:1", "installed": true, "lines": ["numpy==2.1.0"] },
    });
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

fn runs() -> Vec<RunRecord> {
    let failed = json!({
        "git_hash": "1f0c2ab9-dirty", "job_status": "Failed", "failure_reason": "AlgorithmError: row 17\nmore", "artifact": null, "metrics": {},
        "recorded_at": "2026-11-25T04:12:05Z", "input_versions": { "input/data/training/a.csv": "v2" },
    });
    let tuned = json!({
        "git_hash": "2e2e2e2e", "recorded_at": "2026-11-26T04:12:05Z", "image": format!("host/iris@sha256:{}", "cd34".repeat(16)), "requirements": null,
        "create_training_job": { "InputDataConfig": [{ "ChannelName": "model", "DataSource": { "S3DataSource": { "S3Uri": "s3://iris-output/iris-1/output/" } } }] },
    });
    vec![run("iris-1", &json!({})), run("iris-2", &failed), run("iris-3", &tuned)]
}

fn told(asked: &str) -> String {
    match find(&runs(), asked) {
        Ok(lineage) => {
            let tree = lineage.tree(false);
            let lines = tree.lines().into_iter().map(|(before, text)| match before.as_str() {
                "" => text.to_owned(),
                before => format!("{before} {text}"),
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Err(error) => error.to_string(),
    }
}

/// What a question is understood as, and the jobs that it is about.
fn understood(asked: &str) -> String {
    match find(&runs(), asked) {
        Ok(lineage) => {
            let jobs: Vec<&str> = lineage
                .runs
                .iter()
                .map(|origin| origin.run.training.job_name.as_str())
                .collect();
            format!("{} {}", lineage.subject.noun(), jobs.join(" "))
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn back_from_a_model() {
    insta::assert_snapshot!(told("s3://iris-output/iris-1/output/model.tar.gz"), @r"
    model s3://iris-output/iris-1/output/model.tar.gz
    └─ job iris-1, Completed 2026-11-24 04:14 after 2 min 0 s, accuracy=0.97
       ├─ run run-of-iris-1
       ├─ commit 1f0c2ab9
       ├─ package iris 1.0
       ├─ image host/iris@sha256:ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12
       │  └─ installed: 1 requirement
       │     └─ numpy==2.1.0
       ├─ data 4a0dc92a, 1 object of s3://iris-input
       │  └─ input/data/training/a.csv version v1
       ├─ hyperparameters
       │  └─ depth=3
       ├─ instances 2 × ml.m5.large
       └─ an input of job iris-3
    ");
}

#[test]
fn forward_from_a_commit() {
    insta::assert_snapshot!(told("1f0c2ab"), @r"
    commit 1f0c2ab9
    ├─ job iris-1, Completed 2026-11-24 04:14 after 2 min 0 s, accuracy=0.97
    │  ├─ model s3://iris-output/iris-1/output/model.tar.gz
    │  └─ an input of job iris-3
    └─ job iris-2, Failed 2026-11-24 04:14 after 2 min 0 s
       ├─ commit 1f0c2ab9-dirty
       └─ reason AlgorithmError: row 17
    ");
}

#[test]
fn whatever_names_a_run_finds_it() {
    let image = "ab12".repeat(16);
    let data = run("iris-1", &json!({})).data_digest().unwrap();
    for (asked, expected) in [
        ("iris-1", "job iris-1"),
        ("arn:aws:sagemaker:x:1:training-job/iris-2", "job iris-2"),
        ("run-of-iris-3", "run iris-3"),
        ("s3://iris-output/iris-1/output/output.tar.gz", "model iris-1"),
        ("1F0C", "commit iris-1 iris-2"),
        ("1f0c2ab9-dirty", "commit iris-2"),
        ("2e2e2e2e", "commit iris-3"),
        (&format!("other.host/name:tag@sha256:{image}"), "image iris-1 iris-2"),
        (&format!("sha256:{image}"), "image iris-1 iris-2"),
        ("ab12ab12ab12", "image iris-1 iris-2"),
        (&data[..8], "data iris-1 iris-3"),
        ("v2", "object iris-2"),
        (
            "s3://iris-input/input/data/training/a.csv",
            "object iris-1 iris-2 iris-3",
        ),
    ] {
        assert_eq!(understood(asked), expected, "{asked}");
    }
}

#[test]
fn what_is_not_certain_is_not_answered() {
    assert_eq!(
        understood("iris-9"),
        "no recorded run is of iris-9; did you mean iris-1?"
    );
    assert_eq!(understood("1f0"), "no recorded run is of 1f0");
    assert_eq!(understood(""), "no recorded run is of ");
    let mut runs = runs();
    runs[2].training.commit = "1f0c9999".to_owned();
    let error = find(&runs, "1f0c").unwrap_err();
    assert_eq!(error.to_string(), "1f0c may be any of commit 1f0c2ab9, commit 1f0c9999");
    let error = one(&runs, "1f0c2ab9").unwrap_err();
    assert_eq!(error.to_string(), "1f0c2ab9 has several runs: iris-1, iris-2");
    assert_eq!(one(&runs, "iris-3").unwrap().training.job_name, "iris-3");
}
