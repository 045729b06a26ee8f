//! Uploads, the queue that tells of them, and the builds that train with them: none is forgotten.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::time::{Task, Time};
use super::world::{Caller, Chance, Shared};
use super::{WORLDS, empty, events};
use crate::aws::CallError;
use crate::lambda::builds::{Build, Builds};
use crate::lambda::data_trigger::{self, Services};
use crate::training::Allowed;

const PROJECT: &str = "iris";
/// As the template has them: how long a message that was received is hidden, and how often it is.
const HIDDEN: Duration = Duration::from_mins(11);
const RECEIVED: u32 = 30;
/// How long CodeBuild knows a token:
/// [`idempotencyToken`](https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html).
const TOKEN: Duration = Duration::from_mins(5);
/// How long Lambda asks the queue: until every message is dealt with, or dead.
const HOURS: Duration = Duration::from_hours(16);

/// A message of the queue: an object was created.
struct Queued {
    id: String,
    created: Timestamp,
    visible: Timestamp,
    received: u32,
    /// As long as nobody has deleted it.
    is_there: bool,
    is_dead: bool,
}

/// A build, from its beginning to its end.
struct SimulatedBuild {
    id: String,
    token: Option<String>,
    started: Timestamp,
    /// When its last phase begins, if it comes to that.
    trains: Option<Timestamp>,
    end: Timestamp,
    succeeds: bool,
}

#[derive(Default)]
pub(super) struct Data {
    queue: Vec<Queued>,
    builds: Vec<SimulatedBuild>,
}

impl SimulatedBuild {
    fn new(number: usize, token: Option<String>, now: Timestamp, chance: &mut Chance) -> Self {
        let succeeds = chance.percent(55);
        let last_phase = now + Duration::from_mins(1) + chance.millis(Duration::from_mins(20));
        let trains = (succeeds || chance.percent(50)).then_some(last_phase);
        Self {
            id: format!("{PROJECT}:{number}"),
            token,
            started: now,
            trains,
            end: last_phase + Duration::from_secs(1) + chance.millis(Duration::from_mins(3)),
            succeeds,
        }
    }

    fn at(&self, now: Timestamp) -> Build {
        let trains = self.trains.filter(|trains| *trains <= now);
        let phase = match trains {
            _ if self.end <= now => "COMPLETED",
            Some(_) => "POST_BUILD",
            None => "BUILD",
        };
        Build {
            id: self.id.clone(),
            in_progress: self.end > now,
            phase: phase.to_owned(),
            succeeded: self.succeeds && self.end <= now,
            started: Some(self.started),
            trains,
        }
    }
}

#[async_trait]
impl Builds for Caller {
    async fn newest(&self, _project: &str) -> Result<Vec<Build>, CallError> {
        self.call(false, |world, now| {
            Ok(world.data.builds.iter().rev().map(|build| build.at(now)).collect())
        })
        .await
    }

    async fn start(&self, _project: &str, token: &str) -> Result<String, CallError> {
        self.call(false, |world, now| {
            let is_known =
                |build: &&SimulatedBuild| build.token.as_deref() == Some(token) && build.started + TOKEN > now;
            if let Some(build) = world.data.builds.iter().find(is_known) {
                return Ok(build.id.clone());
            }
            let number = world.data.builds.len();
            let build = SimulatedBuild::new(number, Some(token.to_owned()), now, &mut world.chance);
            world.data.builds.push(build);
            Ok(format!("{PROJECT}:{number}"))
        })
        .await
    }
}

/// What Lambda takes from the queue now.
fn received(data: &mut Data, now: Timestamp) -> Vec<(String, Timestamp)> {
    let mut taken = Vec::new();
    for message in data
        .queue
        .iter_mut()
        .filter(|message| message.is_there && message.visible <= now)
    {
        if message.received == RECEIVED {
            message.is_there = false;
            message.is_dead = true;
            continue;
        }
        message.received += 1;
        message.visible = now + HIDDEN;
        taken.push((message.id.clone(), message.created));
    }
    taken
}

fn batch(messages: &[(String, Timestamp)]) -> Value {
    let record = |(id, created): &(String, Timestamp)| {
        let body = json!({ "Records": [{
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": created.to_string(),
            "s3": { "bucket": { "name": "iris-input" }, "object": { "key": format!("input/data/training/{id}.csv"), "size": 1 } },
        }]});
        json!({ "eventSource": "aws:sqs", "messageId": id, "body": body.to_string() })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// Asks the queue for messages, as [Lambda does](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html), and deletes
/// those that are dealt with.
fn poller(world: Shared, time: Time) -> Task {
    Box::pin(async move {
        while time.passed() < HOURS {
            let pause = world.lock().unwrap().chance.millis(Duration::from_mins(2));
            time.sleep(pause).await;
            let now = time.now();
            let taken = received(&mut world.lock().unwrap().data, now);
            if taken.is_empty() {
                continue;
            }
            let caller = Caller::new(&world, &time);
            let Some(left) = handle(&batch(&taken), &caller).await else {
                continue;
            };
            let mut shared = world.lock().unwrap();
            let is_done = |id: &String| taken.iter().any(|(taken, _)| taken == id) && !left.contains(id);
            let data = &mut shared.data;
            let done = data
                .queue
                .iter_mut()
                .filter(|message| message.is_there && is_done(&message.id));
            for message in done {
                message.is_there = false;
                // The promise itself, at the moment at which it counts.
                let has_trained = |build: &SimulatedBuild| {
                    let build = build.at(time.now());
                    build.succeeded && build.trains.is_some_and(|trains| trains > message.created)
                };
                assert!(
                    data.builds.iter().any(has_trained),
                    "nothing has trained with {}",
                    message.id
                );
            }
        }
    })
}

/// One delivery: the messages that are to be delivered again; nothing where it has failed or died.
async fn handle(event: &Value, caller: &Caller) -> Option<Vec<String>> {
    let allowed = Allowed::default();
    let (log, _) = events::log();
    let services = Services {
        objects: caller,
        builds: caller,
        project: PROJECT,
        allowed: &allowed,
    };
    let handler = std::pin::pin!(data_trigger::handle(event, services, &log));
    let end = std::pin::pin!(events::end(Duration::from_mins(1), caller));
    let Either::Left((Ok(answer), _)) = select(handler, end).await else {
        return None;
    };
    let failures = answer.batch_item_failures.into_iter();
    Some(failures.map(|failure| failure.item_identifier).collect())
}

/// Somebody pushes: a build that the data trigger has no part in.
fn push(wait: Duration, world: Shared, time: Time) -> Task {
    Box::pin(async move {
        time.sleep(wait).await;
        let mut shared = world.lock().unwrap();
        let number = shared.data.builds.len();
        let build = SimulatedBuild::new(number, None, time.now(), &mut shared.chance);
        shared.data.builds.push(build);
    })
}

fn live(seed: u64) -> Data {
    let time = Time::default();
    let mut world = empty(seed, true);
    let begin = time.now();
    for number in 0..=world.chance.below(8) {
        let created = begin + world.chance.millis(Duration::from_hours(6));
        let late = world.chance.millis(Duration::from_mins(10));
        for copy in 0..=world.chance.below(2) {
            world.data.queue.push(Queued {
                id: format!("{number}-{copy}"),
                created,
                visible: created + late,
                received: 0,
                is_there: true,
                is_dead: false,
            });
        }
    }
    let pushes: Vec<_> = (0..world.chance.below(5))
        .map(|_| world.chance.millis(Duration::from_hours(12)))
        .collect();
    let world = Arc::new(Mutex::new(world));
    let mut tasks: Vec<Task> = (0..2).map(|_| poller(Arc::clone(&world), time.clone())).collect();
    tasks.extend(
        pushes
            .into_iter()
            .map(|wait| push(wait, Arc::clone(&world), time.clone())),
    );
    time.run(|| std::mem::take(&mut tasks));
    Arc::into_inner(world).unwrap().into_inner().unwrap().data
}

/// Two of the data trigger's builds that both train with whatever is there.
fn needless(data: &Data) -> Option<(&str, &str)> {
    let ours: Vec<&SimulatedBuild> = data.builds.iter().filter(|build| build.token.is_some()).collect();
    let pair = ours.windows(2).find(|pair| {
        let last_phase = pair[0].trains.unwrap_or(pair[0].end);
        pair[1].started < last_phase
    });
    pair.map(|pair| (pair[0].id.as_str(), pair[1].id.as_str()))
}

#[test]
fn no_upload_is_forgotten_and_no_build_started_beside_one_that_will_do() {
    let (mut trained, mut dead) = (0, 0);
    for seed in 0..WORLDS {
        let data = live(seed);
        assert_eq!(needless(&data), None, "seed {seed}");
        for message in &data.queue {
            assert!(!message.is_there, "seed {seed}: {} waits for ever", message.id);
            if message.is_dead {
                dead += 1;
            } else {
                trained += 1;
            }
        }
    }
    assert!(trained > 2_000 && dead > 10, "{trained} trained, {dead} dead");
}
