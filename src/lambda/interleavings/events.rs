//! How AWS calls the functions: events that are late, lost, or there twice, and Lambda's deliveries of them.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::time::{Task, Time};
use super::world::{Caller, Chance, Shared};
use super::{ACCOUNT, Written};
use crate::lambda::log::JsonLines;
use crate::lambda::{record_result, start_training};
use crate::record::JobStatus;
use crate::training::Allowed;

/// How often a schedule comes due.
const HOUR: Duration = Duration::from_hours(1);

/// Which function an event is for.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Start(Value),
    Result(Value),
}

impl Event {
    /// The function's own [time limit](https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html), as the template has it.
    fn limit(&self) -> Duration {
        match self {
            Self::Start(_) => Duration::from_mins(15),
            Self::Result(_) => Duration::from_mins(1),
        }
    }
}

/// The states that a job goes through from now on.
pub(super) fn states(now: Timestamp, chance: &mut Chance) -> Vec<(Timestamp, JobStatus)> {
    let end = now + Duration::from_mins(1) + chance.millis(Duration::from_hours(6));
    let mut states = vec![(now, JobStatus::InProgress)];
    match chance.below(4) {
        0 => states.push((end, JobStatus::Failed)),
        1 => states.extend([
            (end - Duration::from_secs(30), JobStatus::Stopping),
            (end, JobStatus::Stopped),
        ]),
        _ => states.push((end, JobStatus::Completed)),
    }
    states
}

/// What AWS tells of a job's states, and how long from now it does.
pub(super) fn told(
    job: &str,
    states: &[(Timestamp, JobStatus)],
    now: Timestamp,
    chance: &mut Chance,
) -> Vec<(Duration, Event)> {
    let mut told = Vec::new();
    let mut events = Vec::new();
    for (since, status) in states {
        events.push((*since, state_change(job, *status)));
        if *status == JobStatus::Completed {
            events.push((*since, artifact(job)));
        }
    }
    for (since, event) in events {
        // Lost, once, or again.
        let copies = match chance.below(10) {
            0..=3 => 0,
            4..=7 => 1,
            _ => 2,
        };
        for _ in 0..copies {
            let most = if chance.percent(20) { 3 * HOUR } else { HOUR / 60 };
            let late = chance.millis(most);
            let wait = Duration::try_from(since - now).unwrap_or_default() + late;
            told.push((wait, Event::Result(event.clone())));
        }
    }
    told
}

/// The hours of a world: the schedule comes due, as long as it is not lost.
pub(super) fn schedule(hours: u32, lost_until: u32, chance: &mut Chance) -> Vec<(Duration, Event)> {
    let mut due_at = Vec::new();
    for hour in 1..=hours {
        let is_lost = hour <= lost_until && chance.percent(25);
        if !is_lost {
            due_at.push((HOUR * hour + chance.millis(HOUR / 60), Event::Result(due())));
        }
    }
    due_at
}

/// An [asynchronous invocation](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html): delivered until it
/// succeeds, three times at most.
pub(super) fn invoked(wait: Duration, event: Event, world: Shared, time: Time) -> Task {
    Box::pin(async move {
        time.sleep(wait).await;
        for pause in [Duration::from_mins(1), Duration::from_mins(2), Duration::ZERO] {
            if deliver(&event, &world, &time).await {
                return;
            }
            time.sleep(pause).await;
        }
    })
}

/// One delivery; whether it succeeded.
async fn deliver(event: &Event, world: &Shared, time: &Time) -> bool {
    let caller = Caller::new(world, time);
    let succeeded = {
        let handler = std::pin::pin!(handle(event, &caller));
        let end = std::pin::pin!(end(event.limit(), &caller));
        match select(handler, end).await {
            Either::Left((succeeded, _)) => succeeded,
            Either::Right(_) => false,
        }
    };
    caller.ended();
    succeeded
}

/// Until the function's process dies, or Lambda ends it.
pub(super) async fn end(limit: Duration, caller: &Caller) {
    let death = std::future::poll_fn(|_| if caller.died() { Poll::Ready(()) } else { Poll::Pending });
    let time_out = async {
        caller.time.sleep(limit).await;
        caller.may_end().await;
    };
    select(std::pin::pin!(death), std::pin::pin!(time_out)).await;
}

async fn handle(event: &Event, caller: &Caller) -> bool {
    let allowed = Allowed {
        account: Some(ACCOUNT.to_owned()),
        ..Allowed::default()
    };
    let log = caller.world.lock().unwrap().log.clone();
    match event {
        Event::Start(payload) => {
            let services = start_training::Services {
                objects: caller,
                training_jobs: caller,
                records: Some(caller),
                notifier: Some(caller),
                allowed: &allowed,
                synthetic: None,
                project: None,
                region: "eu-west-1",
                clock: caller,
            };
            start_training::handle(payload, "request", services, &log).await.is_ok()
        }
        Event::Result(event) => {
            let services = record_result::Services {
                training_jobs: caller,
                records: caller,
                notifier: caller,
                allowed: &allowed,
                region: "eu-west-1",
                clock: caller,
            };
            record_result::handle(event, services, &log).await.is_ok()
        }
    }
}

/// The log of all functions, kept.
pub(super) fn log() -> (JsonLines, Written) {
    let written = Written(Arc::new(Mutex::new(Vec::new())));
    (JsonLines::new(written.clone()).of_stack(Some("iris")), written)
}

/// What a build asks for.
pub(super) fn payload(run: &str) -> Value {
    json!({
        "source_bucket_uri": "s3://iris-input/input/data/training/", "destination_bucket_uri": "s3://iris-output/",
        "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:1f", "role": "arn:aws:iam::123456789012:role/training",
        "num_instances": "1", "instance_type": "ml.m5.large", "vol_in_gb": "30", "training_job_name": "iris",
        "max_runtime_sec": "3600", "git_hash": "1f0c2ab", "run_id": run, "package": "iris", "version": "1.0.0",
    })
}

fn state_change(job: &str, status: JobStatus) -> Value {
    json!({
        "detail-type": "SageMaker Training Job State Change", "source": "aws.sagemaker", "account": ACCOUNT,
        "detail": { "TrainingJobName": job, "TrainingJobStatus": status.to_string() },
    })
}

fn artifact(job: &str) -> Value {
    json!({ "Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:CompleteMultipartUpload",
        "s3": { "bucket": { "name": "iris-output" }, "object": { "key": format!("{job}/output/model.tar.gz"), "size": 1 } },
    }]})
}

fn due() -> Value {
    json!({ "detail-type": "Scheduled Event", "source": "aws.events", "account": ACCOUNT, "detail": {} })
}
