//! What the functions talk to, in memory: SageMaker, the table, the topic, a bucket; and all that may go wrong in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::data::Data;
use super::events::{self, Event};
use super::table::Table;
use super::time::Time;
use crate::aws::CallError;
use crate::lambda::clock::Clock;
use crate::lambda::log::JsonLines;
use crate::lambda::message::Message;
use crate::lambda::notifier::Notifier;
use crate::lambda::objects::{Content, Object, Objects};
use crate::lambda::training_jobs::TrainingJobs;
use crate::record::{JobStatus, Progress, Records, RunRecord};
use crate::training::job::Job;
use crate::training::new_job::NewJob;

/// From then on nothing goes wrong any more.
const CALM: Duration = Duration::from_hours(24);

/// Numbers that a seed decides: [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(super) fn millis(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(most.as_millis()).unwrap() + 1))
    }
}

/// A training job: when it comes to which state, and how long after that SageMaker says so.
pub(super) struct SimulatedJob {
    new: NewJob,
    arn: String,
    pub(super) states: Vec<(Timestamp, JobStatus)>,
    lag: Duration,
}

/// Everything that there is.
pub(super) struct World {
    pub(super) chance: Chance,
    /// Whether a delivery may end while nobody but itself knows that the topic has taken its message.
    pub(super) may_end_untold: bool,
    pub(super) log: JsonLines,
    pub(super) table: Table,
    pub(super) data: Data,
    pub(super) jobs: BTreeMap<String, SimulatedJob>,
    /// The runs for which the account has no instances.
    pub(super) refused: BTreeSet<String>,
    /// What is to be invoked, and how long from now.
    pub(super) invocations: Vec<(Duration, Event)>,
    /// The message's subject, once a message.
    pub(super) messages: Vec<String>,
    /// How often a delivery ended in that moment, by job.
    pub(super) untold: BTreeMap<String, usize>,
    /// What went wrong, by what it was.
    pub(super) faults: BTreeMap<&'static str, usize>,
}

pub(super) type Shared = Arc<Mutex<World>>;

/// One delivery's connection to all services. It may be cut at any call.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) world: Shared,
    pub(super) time: Time,
    died: Arc<AtomicBool>,
    /// The jobs whose message the topic has, and the table knows nothing of.
    telling: Arc<Mutex<BTreeSet<String>>>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Refused,
    Slow,
    DiesBefore,
    DiesAfter,
    AnswerLost,
}

impl Caller {
    pub(super) fn new(world: &Shared, time: &Time) -> Self {
        Self {
            world: Arc::clone(world),
            time: time.clone(),
            died: Arc::default(),
            telling: Arc::default(),
        }
    }

    pub(super) fn died(&self) -> bool {
        self.died.load(Ordering::Relaxed)
    }

    fn is_telling(&self) -> bool {
        !self.telling.lock().unwrap().is_empty()
    }

    /// Notes what this delivery leaves behind.
    pub(super) fn ended(&self) {
        let mut world = self.world.lock().unwrap();
        for job in std::mem::take(&mut *self.telling.lock().unwrap()) {
            assert!(world.may_end_untold, "{job}: a delivery has ended untold");
            *world.untold.entry(job).or_default() += 1;
        }
    }

    fn fate(&self, tells: bool) -> Fate {
        let mut world = self.world.lock().unwrap();
        let roll = world.chance.below(100);
        let fate = match roll {
            0..=5 => Fate::Refused,
            6..=8 => Fate::Slow,
            9..=10 => Fate::DiesBefore,
            11..=12 => Fate::DiesAfter,
            13..=14 => Fate::AnswerLost,
            _ => Fate::Well,
        };
        let is_late = matches!(fate, Fate::DiesAfter | Fate::AnswerLost);
        if self.time.passed() > CALM || !world.may_end_untold && (self.is_telling() || tells && is_late) {
            return Fate::Well;
        }
        let name = match fate {
            Fate::Well => return fate,
            Fate::Refused => "refused",
            Fate::Slow => "slow",
            Fate::DiesBefore => "died before a call",
            Fate::DiesAfter => "died after a call",
            Fate::AnswerLost => "answer lost",
        };
        *world.faults.entry(name).or_default() += 1;
        fate
    }

    pub(super) async fn call<T>(
        &self,
        tells: bool,
        effect: impl FnOnce(&mut World, Timestamp) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let fate = self.fate(tells);
        let most = Duration::from_millis(if fate == Fate::Slow { 30_000 } else { 300 });
        let time = self.world.lock().unwrap().chance.millis(most);
        self.time.sleep(time).await;
        match fate {
            Fate::DiesBefore => self.die().await,
            Fate::Refused => return Err(throttled()),
            _ => {}
        }
        let now = self.time.now();
        let answer = effect(&mut self.world.lock().unwrap(), now);
        if !(tells && self.is_watched()) {
            let time = self.world.lock().unwrap().chance.millis(Duration::from_millis(300));
            self.time.sleep(time).await;
        }
        match fate {
            Fate::DiesAfter => self.die().await,
            Fate::AnswerLost => return Err(CallError::Unreachable("connection reset".to_owned())),
            _ => {}
        }
        answer
    }

    /// Whether deliveries do not end untold.
    fn is_watched(&self) -> bool {
        !self.world.lock().unwrap().may_end_untold
    }

    /// Waits until this delivery may end.
    pub(super) async fn may_end(&self) {
        while self.is_watched() && self.is_telling() {
            self.time.sleep(Duration::from_millis(50)).await;
        }
    }

    async fn die(&self) {
        self.may_end().await;
        self.died.store(true, Ordering::Relaxed);
        std::future::pending::<()>().await;
    }
}

fn throttled() -> CallError {
    service("ThrottlingException", "Rate exceeded", 400)
}

fn service(code: &str, message: &str, status: u16) -> CallError {
    CallError::Service {
        code: code.to_owned(),
        message: message.to_owned(),
        status,
    }
}

#[async_trait]
impl Clock for Caller {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    async fn sleep(&self, time: Duration) {
        self.time.sleep(time).await;
    }
}

#[async_trait]
impl Records for Caller {
    async fn create(&self, record: &RunRecord) -> Result<Option<RunRecord>, CallError> {
        self.call(false, |world, _| Ok(world.table.create(record))).await
    }

    async fn open(&self, since: Timestamp) -> Result<Vec<String>, CallError> {
        self.call(false, |world, _| Ok(world.table.open(since))).await
    }

    async fn get(&self, job: &str) -> Result<Option<RunRecord>, CallError> {
        self.call(false, |world, _| Ok(world.table.get(job))).await
    }

    async fn advance(&self, job: &str, progress: &Progress) -> Result<bool, CallError> {
        self.call(false, |world, _| Ok(world.table.advance(job, progress)))
            .await
    }

    async fn claim_notification(&self, job: &str, now: Timestamp, lease: SignedDuration) -> Result<bool, CallError> {
        self.call(false, |world, _| Ok(world.table.claim_notification(job, now, lease)))
            .await
    }

    async fn mark_notified(&self, job: &str, now: Timestamp) -> Result<bool, CallError> {
        self.call(false, |world, _| {
            self.telling.lock().unwrap().remove(job);
            Ok(world.table.mark_notified(job, now))
        })
        .await
    }
}

#[async_trait]
impl Notifier for Caller {
    async fn publish(&self, message: &Message) -> Result<(), CallError> {
        // Training failed: iris (JOB)
        let job = message.subject.rsplit('(').next().unwrap().trim_end_matches(')');
        self.call(true, |world, _| {
            self.telling.lock().unwrap().insert(job.to_owned());
            world.messages.push(message.subject.clone());
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl TrainingJobs for Caller {
    async fn create(&self, job: &NewJob) -> Result<String, CallError> {
        let name = job.training.job_name.clone();
        self.call(false, |world, now| {
            if world.jobs.contains_key(&name) {
                return Err(service("ResourceInUse", "Training job names must be unique", 400));
            }
            if world.refused.contains(&name) {
                return Err(service("ResourceLimitExceeded", "The account-level service limit", 400));
            }
            let arn = format!("arn:aws:sagemaker:eu-west-1:123456789012:training-job/{name}");
            let simulated = SimulatedJob {
                new: job.clone(),
                arn: arn.clone(),
                states: events::states(now, &mut world.chance),
                lag: world.chance.millis(Duration::from_mins(5)),
            };
            let told = events::told(&name, &simulated.states, now, &mut world.chance);
            world.invocations.extend(told);
            world.jobs.insert(name.clone(), simulated);
            Ok(arn)
        })
        .await
    }

    async fn describe(&self, name: &str) -> Result<Job, CallError> {
        self.call(false, |world, now| {
            let unknown = || service("ValidationException", "Requested resource not found.", 400);
            let job = world.jobs.get(name).ok_or_else(unknown)?;
            Ok(job.at(now))
        })
        .await
    }
}

impl SimulatedJob {
    fn at(&self, now: Timestamp) -> Job {
        let known = now - self.lag;
        let reached = self.states.iter().rfind(|(since, _)| *since <= known);
        let (since, status) = *reached.unwrap_or(&self.states[0]);
        let has_ended = super::table::has_ended(status);
        Job {
            name: self.new.training.job_name.clone(),
            arn: self.arn.clone(),
            image: self.new.training.image.clone(),
            asked: self.new.training.clone(),
            status,
            phase: None,
            failure_reason: (status == JobStatus::Failed).then(|| "AlgorithmError: row 17".to_owned()),
            created: Some(self.states[0].0),
            started: None,
            ended: has_ended.then_some(since),
            metrics: [("accuracy".to_owned(), 0.97)].into(),
            metric_times: [("accuracy".to_owned(), since)].into(),
            billable_seconds: has_ended.then_some(61),
            training_seconds: has_ended.then_some(61),
            artifact: None,
        }
    }
}

/// A bucket with data, and without hyperparameters.
#[async_trait]
impl Objects for Caller {
    async fn get(&self, _bucket: &str, _key: &str, _limit: usize) -> Result<Option<Content>, CallError> {
        self.call(false, |_, _| Ok(None)).await
    }

    async fn list(&self, _bucket: &str, prefix: &str) -> Result<Vec<Object>, CallError> {
        let object = Object {
            key: format!("{prefix}iris.csv"),
            version: "v1".to_owned(),
            size: 10,
            modified_ms: 1,
        };
        self.call(false, |_, _| Ok(vec![object])).await
    }

    async fn copy_synthetic(&self, _from: (&str, &Object), _to: (&str, &str)) -> Result<(), CallError> {
        panic!("there is data")
    }

    async fn remove_synthetic(&self, _bucket: &str, _object: &Object) -> Result<(), CallError> {
        panic!("none of it is synthetic")
    }

    async fn is_synthetic(&self, _bucket: &str, _object: &Object) -> Result<bool, CallError> {
        self.call(false, |_, _| Ok(false)).await
    }

    async fn put_json(&self, _bucket: &str, _key: &str, _bytes: Vec<u8>) -> Result<(), CallError> {
        panic!("the versions fit into the record")
    }
}
