//! Whatever AWS loses, repeats, delays and shuffles, and whenever a function's process dies: every run ends recorded, and is told of once.
//!
//! A seed makes a world: some runs, SageMaker's jobs, their events, Lambda's deliveries, and what goes wrong. Handlers are the real ones,
//! at work beside each other; time is the world's own.

mod data;
mod events;
mod table;
mod time;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use self::events::Event;
use self::table::has_ended;
use self::time::Time;
use self::world::{Chance, World};
use crate::record;

const ACCOUNT: &str = "123456789012";
const WORLDS: u64 = 1_000;
/// Nothing goes wrong in the last hours.
const HOURS: u32 = 28;
const LOSSES: u32 = 24;

/// Keeps what is written.
#[derive(Clone)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a world has come to.
struct Outcome {
    world: World,
    log: String,
}

/// A world in which nothing has happened yet.
fn empty(seed: u64, may_end_untold: bool) -> World {
    World {
        chance: Chance(seed),
        may_end_untold,
        table: table::Table::default(),
        data: data::Data::default(),
        jobs: BTreeMap::new(),
        refused: BTreeSet::new(),
        invocations: Vec::new(),
        messages: Vec::new(),
        untold: BTreeMap::new(),
        faults: BTreeMap::new(),
        log: events::log().0,
    }
}

/// Lives through the world of a seed.
fn live(seed: u64, may_end_untold: bool) -> Outcome {
    let time = Time::default();
    let mut world = empty(seed, may_end_untold);
    let (log, written) = events::log();
    world.log = log;
    let runs = (0..=world.chance.below(3)).map(|run| format!("run-{run}"));
    let runs: Vec<String> = runs.collect();
    for run in &runs {
        if world.chance.percent(15) {
            world.refused.insert(format!("iris-{run}"));
        }
        let wait = world.chance.millis(Duration::from_hours(2));
        let copies = if world.chance.percent(20) { 2 } else { 1 };
        let event = Event::Start(events::payload(run));
        world.invocations.extend(vec![(wait, event); copies]);
    }
    let schedule = events::schedule(HOURS, LOSSES, &mut world.chance);
    world.invocations.extend(schedule);
    let world = Arc::new(Mutex::new(world));
    time.run(|| {
        let invocations = std::mem::take(&mut world.lock().unwrap().invocations);
        let invocations = invocations.into_iter();
        let invoked = |(wait, event)| events::invoked(wait, event, Arc::clone(&world), time.clone());
        invocations.map(invoked).collect()
    });
    let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let world = Arc::into_inner(world).unwrap().into_inner().unwrap();
    Outcome { world, log }
}

impl Outcome {
    /// How often a run was told of.
    fn messages(&self, job: &str) -> usize {
        let name = format!("({job})");
        self.world
            .messages
            .iter()
            .filter(|subject| subject.ends_with(&name))
            .count()
    }

    /// How often a run was counted among the trainings of its end.
    fn counted(&self, job: &str) -> usize {
        let lines = self
            .log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_run = |line: &Value| line["Trainings"] == 1 && line["training_job_name"] == job;
        lines.filter(of_run).count()
    }

    /// Nothing is open, lost or wrong.
    fn check(&self, seed: u64) {
        for (name, job) in &self.world.jobs {
            let record = self.world.table.get(name);
            let record = record.unwrap_or_else(|| panic!("seed {seed}: {name} trains without a record"));
            let (_, end) = job.states.last().unwrap();
            assert_eq!(record.job_status, *end, "seed {seed}: {name}");
        }
        for record in self.world.table.all() {
            let name = &record.training.job_name;
            assert!(has_ended(record.job_status), "seed {seed}: {name} is open: {record:?}");
            assert!(record.notified_at.is_some(), "seed {seed}: {name} is not told of");
            let messages = self.messages(name);
            let untold = self.world.untold.get(name).copied().unwrap_or_default();
            assert!(
                (1..=1 + untold).contains(&messages),
                "seed {seed}: {name}: {messages} messages, and {untold} deliveries that ended untold"
            );
            assert!(self.counted(name) <= 1, "seed {seed}: {name} is counted twice");
        }
    }
}

/// Lives through every world; what went wrong in them, and their outcomes.
fn live_through(may_end_untold: bool) -> (BTreeMap<&'static str, usize>, Vec<Outcome>) {
    let mut faults = BTreeMap::new();
    let outcomes: Vec<Outcome> = (0..WORLDS)
        .map(|seed| {
            let outcome = live(seed, may_end_untold);
            outcome.check(seed);
            outcome
        })
        .collect();
    for (fault, count) in outcomes.iter().flat_map(|outcome| &outcome.world.faults) {
        *faults.entry(*fault).or_default() += count;
    }
    (faults, outcomes)
}

#[test]
fn no_run_stays_open_and_none_is_told_of_twice() {
    let (faults, outcomes) = live_through(false);
    let mut counted = 0;
    for (seed, outcome) in outcomes.iter().enumerate() {
        for record in outcome.world.table.all() {
            let name = &record.training.job_name;
            assert_eq!(outcome.messages(name), 1, "seed {seed}: {name}");
            counted += outcome.counted(name);
        }
    }
    // The worlds are as bad as they are meant to be.
    assert_eq!(faults.len(), 5, "{faults:?}");
    assert!(faults.values().all(|count| *count > 500), "{faults:?}");
    let runs: usize = outcomes.iter().map(|outcome| outcome.world.table.all().count()).sum();
    let jobs: usize = outcomes.iter().map(|outcome| outcome.world.jobs.len()).sum();
    assert!(runs > 1_500 && runs - jobs > 100, "{runs} runs, {jobs} jobs");
    // A process that dies right after its note leaves a run uncounted.
    assert!(counted > runs * 99 / 100, "{counted} of {runs} runs are counted");
}

#[test]
fn a_process_that_dies_untold_has_the_message_sent_again_and_never_none() {
    let (_, outcomes) = live_through(true);
    let untold: usize = outcomes.iter().map(|outcome| outcome.world.untold.len()).sum();
    assert!(untold > 30, "{untold}");
}
