//! `sgbuild runs` over a table that others write to as well.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::support::Sandbox;
use crate::support::emulator::Emulator;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// An item as it may be found in a table; `recorded_at` alone tells it from a record.
fn item(job: &str) -> Vec<(&'static str, AttributeValue)> {
    let number = || AttributeValue::N("1".to_owned());
    vec![
        ("training_job_name", text(job)),
        ("run_id", text("r")),
        ("image", text("host/iris@sha256:0123456789abcdef")),
        ("instance_type", text("ml.m5.large")),
        ("instance_count", number()),
        ("volume_in_gb", number()),
        ("max_runtime_seconds", number()),
        ("input_bucket", text("iris-input")),
        ("recorded_at", text("2026-11-24T04:12:05Z")),
        ("job_status", text("Completed")),
    ]
}

async fn put(emulator: &Emulator, item: Vec<(&'static str, AttributeValue)>) {
    let item = item.into_iter().map(|(name, value)| (name.to_owned(), value));
    let client = aws_sdk_dynamodb::Client::new(&emulator.config);
    let put = client.put_item().table_name("runs").set_item(Some(item.collect()));
    put.send().await.unwrap();
}

fn sandbox(emulator: &Emulator) -> Sandbox {
    Sandbox::empty()
        .with("AWS_ENDPOINT_URL", &emulator.endpoint)
        .with("AWS_REGION", "eu-west-1")
        .with("AWS_ACCESS_KEY_ID", "test")
        .with("AWS_SECRET_ACCESS_KEY", "test")
        .with("SGBUILD_TABLE", "runs")
}

#[tokio::test]
async fn what_is_no_record_is_named_and_the_others_are_listed() {
    let emulator = Emulator::start().await;
    put(&emulator, item("iris-1")).await;
    put(
        &emulator,
        vec![
            ("training_job_name", text("foreign\n\u{1b}[2K2026-11-24 04:12  iris-9")),
            ("x", text("y")),
        ],
    )
    .await;
    for (job, field, value) in [
        ("odd-status", "job_status", text("Finished\n")),
        ("odd-time", "recorded_at", text("yesterday")),
        ("odd-count", "instance_count", text("two")),
        ("odd-metrics", "metrics", AttributeValue::L(vec![text("accuracy")])),
        (
            "huge-count",
            "volume_in_gb",
            AttributeValue::N("99999999999".to_owned()),
        ),
    ] {
        let mut item = item(job);
        item.retain(|(name, _)| *name != field);
        item.push((field, value));
        put(&emulator, item).await;
    }
    put(&emulator, item("iris-2")).await;
    let sandbox = sandbox(&emulator);
    let listed = tokio::task::spawn_blocking(move || {
        let listed = sandbox.run(&["runs"]).exits(0);
        let as_json = sandbox.run(&["runs", "--json"]).exits(0).json();
        assert_eq!(as_json.as_array().unwrap().len(), 2);
        sandbox.transcript(&listed)
    });
    insta::assert_snapshot!(listed.await.unwrap(), @r"
    exit 0
    --- stdout
    WHEN              COMMIT  IMAGE         DATA  JOB     STATUS     DURATION  METRICS
    2026-11-24 04:12          0123456789ab        iris-1  Completed
    2026-11-24 04:12          0123456789ab        iris-2  Completed
    --- stderr
    warning: an item of the table is no record of a run and is left out: `foreign\n\x1b[2K2026-11-24 04:12  iris-9`: missing field `run_id`
    warning: an item of the table is no record of a run and is left out: `huge-count`: Failed to parse '99999999999' as an integer: number too large to fit in target type
    warning: an item of the table is no record of a run and is left out: `odd-count`: Expected num
    warning: an item of the table is no record of a run and is left out: `odd-metrics`: Expected map
    warning: an item of the table is no record of a run and is left out: `odd-status`: unknown variant `Finished\n`, expected one of `Requested`, `InProgress`, `Stopping`, `Completed`, `Failed`, `Stopped`
    warning: an item of the table is no record of a run and is left out: `odd-time`: failed to parse four digit integer as year: invalid digit, expected 0-9 but got y
    ");
}

/// A run with what the newer records have.
fn trained(job: &str, commit: &str, accuracy: &str) -> Vec<(&'static str, AttributeValue)> {
    let map = |name: &str, value: AttributeValue| AttributeValue::M([(name.to_owned(), value)].into());
    let mut item = item(job);
    item.extend([
        ("git_hash", text(commit)),
        ("metrics", map("accuracy", AttributeValue::N(accuracy.to_owned()))),
        ("artifact", text(&format!("s3://models/{job}/output/model.tar.gz"))),
        ("billable_seconds", AttributeValue::N("1800".to_owned())),
    ]);
    item
}

#[tokio::test]
async fn runs_as_columns_differences_lineage_and_a_page() {
    let emulator = Emulator::start().await;
    put(&emulator, trained("iris-1", "1f0c2ab9", "0.5")).await;
    put(&emulator, trained("iris-2", "2e0c2ab9", "0.75")).await;
    let mut hostile = trained("iris-3", "2e0c2ab9", "0.25");
    hostile.retain(|(name, _)| *name != "job_status");
    hostile.push(("job_status", text("Failed")));
    hostile.push((
        "failure_reason",
        text("</script><script>alert(1)</script>\u{1b}[2J row 17"),
    ));
    put(&emulator, hostile).await;
    let sandbox = sandbox(&emulator).with("LC_ALL", "C.UTF-8");
    let shown = tokio::task::spawn_blocking(move || {
        let asked: [&[&str]; 6] = [
            &["runs", "--metric", "accuracy"],
            &["runs", "--diff", "iris-1", "iris-2"],
            &["runs", "--metric", "acuracy"],
            &["lineage", "s3://models/iris-1/output/model.tar.gz"],
            &["lineage", "2e0c"],
            &["lineage", "nothing"],
        ];
        let shown = asked.map(|arguments| sandbox.transcript(&sandbox.run(arguments)));
        let written = sandbox
            .run(&["report", "--output", "page.html", "--price", "ml.m5.large=0.5"])
            .exits(0);
        assert_eq!(written.stdout, "page.html\n");
        let page = std::fs::read_to_string(sandbox.project().join("page.html")).unwrap();
        let printed = sandbox
            .run(&["report", "--output", "-", "--price", "ml.m5.large=0.5"])
            .exits(0);
        assert_eq!(printed.stdout.lines().count(), page.lines().count());
        assert!(page.contains("<dd>0.7500</dd>"), "three half hours at 0.5");
        assert_eq!(page.matches("<script").count(), 2);
        assert!(!page.contains('\u{1b}'));
        let refused = sandbox.run(&["report", "--price", "m5.large=1"]).exits(2);
        refused.says(&["--price", "must be a SageMaker instance type"]);
        let nowhere = sandbox.run(&["report", "--output", "missing/page.html"]).exits(1);
        nowhere.says(&["cannot write missing/page.html"]);
        shown.join("\n\n")
    });
    insta::assert_snapshot!(shown.await.unwrap());
}

#[tokio::test]
async fn of_very_many_foreign_items_the_first_are_named() {
    let emulator = Emulator::start().await;
    for number in 0..40 {
        put(
            &emulator,
            vec![("training_job_name", text(&format!("foreign-{number:02}")))],
        )
        .await;
    }
    put(&emulator, item("iris-1")).await;
    let sandbox = sandbox(&emulator);
    let listed = tokio::task::spawn_blocking(move || sandbox.run(&["runs"]).exits(0))
        .await
        .unwrap();
    assert!(listed.stdout.contains("iris-1"), "{}", listed.stdout);
    assert_eq!(listed.stderr.lines().count(), 11, "{}", listed.stderr);
    listed.says(&["foreign-09", "and 30 more"]);
}
