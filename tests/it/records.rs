//! The table in memory, which the functions are tried with in a thousand worlds, is no other than `DynamoDB`'s.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use sgbuild::record;
use sgbuild::record::{DynamoDb, JobStatus, Progress, Records as _, RunRecord};

use crate::support::emulator::Emulator;

#[path = "../../src/lambda/interleavings/table.rs"]
mod table;

use table::Table;

const LEASE: SignedDuration = SignedDuration::from_secs(15);

/// What somebody does with a record, at a second of the day.
#[derive(Debug, Clone)]
enum Step {
    Create,
    Get,
    Advance(JobStatus, Option<i64>),
    Claim(i64),
    Mark(i64),
    Open(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // A run is requested once, by its record's creation.
    let status = prop::sample::select(vec![
        JobStatus::InProgress,
        JobStatus::Stopping,
        JobStatus::Completed,
        JobStatus::Failed,
        JobStatus::Stopped,
    ]);
    let second = || 0..60_i64;
    let step = prop_oneof![
        1 => Just(Step::Create),
        1 => Just(Step::Get),
        4 => (status, prop::option::of(second())).prop_map(|(status, end)| Step::Advance(status, end)),
        4 => second().prop_map(Step::Claim),
        1 => second().prop_map(Step::Mark),
        2 => second().prop_map(Step::Open),
    ];
    prop::collection::vec(step, 1..25)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_478_400 + second).unwrap()
}

fn requested(job: &str) -> RunRecord {
    let record = json!({
        "training_job_name": job, "run_id": job, "image": "host/iris@sha256:1f", "instance_type": "ml.m5.large",
        "instance_count": 1, "volume_in_gb": 30, "max_runtime_seconds": 60, "input_bucket": "iris-input",
        "recorded_at": at(0), "job_status": "Requested",
    });
    serde_json::from_value(record).unwrap()
}

fn progress(job_status: JobStatus, end: Option<i64>) -> Progress {
    Progress {
        job_status,
        training_job_arn: end.map(|second| format!("arn:{second}")),
        job_creation_time: end.map(at),
        job_end_time: end.map(at),
        failure_reason: end.map(|second| format!("row {second}")),
        metrics: end
            .map(|second| [(format!("m{second}"), 0.5)].into())
            .unwrap_or_default(),
        metric_times: end
            .map(|second| [(format!("m{second}"), at(second))].into())
            .unwrap_or_default(),
        artifact: None,
        billable_seconds: end.map(|_| 61),
        training_seconds: end.map(|_| 122),
    }
}

/// Whatever the two answer to it, as text.
async fn both(step: &Step, job: &str, real: &DynamoDb, table: &mut Table) -> (String, String) {
    match step {
        Step::Create => {
            let record = requested(job);
            let real = real.create(&record).await.unwrap();
            (format!("{real:?}"), format!("{:?}", table.create(&record)))
        }
        Step::Get => {
            let real = real.get(job).await.unwrap();
            (format!("{real:?}"), format!("{:?}", table.get(job)))
        }
        Step::Advance(status, end) => {
            let progress = progress(*status, *end);
            let real = real.advance(job, &progress).await.unwrap();
            (real.to_string(), table.advance(job, &progress).to_string())
        }
        Step::Claim(second) => {
            let real = real.claim_notification(job, at(*second), LEASE).await.unwrap();
            (
                real.to_string(),
                table.claim_notification(job, at(*second), LEASE).to_string(),
            )
        }
        Step::Mark(second) => {
            let real = real.mark_notified(job, at(*second)).await.unwrap();
            (real.to_string(), table.mark_notified(job, at(*second)).to_string())
        }
        Step::Open(since) => {
            let real = real.open(at(*since)).await.unwrap();
            let is_open = real.iter().any(|open| open == job);
            (
                is_open.to_string(),
                table.open(at(*since)).contains(&job.to_owned()).to_string(),
            )
        }
    }
}

#[test]
fn the_table_in_memory_answers_as_dynamodb_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = runtime.block_on(Emulator::start());
    let real = emulator.records();
    let config = Config {
        cases: 60,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut number = 0;
    let case = std::cell::RefCell::new(&mut number);
    let outcome = runner.run(&steps(), |steps| {
        **case.borrow_mut() += 1;
        let job = format!("iris-{}", case.borrow());
        let mut table = Table::default();
        for step in &steps {
            let (real, ours) = runtime.block_on(both(step, &job, &real, &mut table));
            prop_assert_eq!(real, ours, "{:?} of {:?}", step, &steps);
        }
        let kept = runtime.block_on(real.get(&job)).unwrap();
        prop_assert_eq!(table.all().next().cloned(), kept.clone());
        prop_assert_eq!(
            kept.is_some_and(|record| table::has_ended(record.job_status)),
            table.all().any(|record| table::has_ended(record.job_status))
        );
        Ok(())
    });
    outcome.unwrap();
}
