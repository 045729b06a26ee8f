//! Tells people once that a run has ended, however often and in whatever order AWS delivers the events that say so.
//!
//! SNS forgets what it was given, so a delivery that ends between SNS's taking the message and the note of it in the table leaves nobody who
//! knows: the next one tells again, as a message twice is better than none. Everything else is kept from coming to that: whoever publishes
//! has the table's leave to, for as long as [`LEASE`] says; a topic that takes longer than [`PATIENCE`] to answer is given up; and the note is
//! tried until the lease ends.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::clock::{Clock, within};
use super::log::JsonLines;
use super::message::Message;
use super::metrics;
use super::notifier::Notifier;
use crate::aws::{CallError, Kind};
use crate::record::Records;

/// How long a delivery that has claimed the announcement may take to publish and note it. One that takes longer counts as dead, and another
/// delivery may claim it.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
/// How long the table may take to answer a claim. The lease began when it was asked; a later answer leaves too little of it.
const CLAIMED_WITHIN: SignedDuration = SignedDuration::from_secs(4);
/// How long the topic may take to answer: the rest of the lease is for the note.
const PATIENCE: Duration = Duration::from_secs(8);
/// For how long after the claim the note is tried, so that it is given up before the lease ends.
const NOTED_WITHIN: SignedDuration = SignedDuration::from_secs(14);
/// How long to wait before looking again whether another delivery has published it, and before trying the note again.
const PAUSE: Duration = Duration::from_millis(500);

/// Whoever tells of ends.
#[derive(Clone, Copy)]
pub(super) struct Announcer<'a> {
    pub(super) records: &'a dyn Records,
    pub(super) notifier: &'a dyn Notifier,
    /// For links into the console.
    pub(super) region: &'a str,
    pub(super) clock: &'a dyn Clock,
}

impl Announcer<'_> {
    /// Announces the end of the run of `job`, unless it is announced: claims the announcement in the record, publishes the message, and
    /// marks the record. Where another delivery has claimed it, waits for that one, or until its claim has expired: no delivery counts as
    /// done before the message is out. Who has marked the record tells what the run amounts to as well ([`metrics`]).
    ///
    /// # Errors
    /// The table or the topic refuses or cannot be reached; another delivery may claim the announcement once this claim has expired.
    pub(super) async fn announce(&self, job: &str, log: &JsonLines) -> Result<(), CallError> {
        loop {
            let Some(record) = self.records.get(job).await? else {
                return Ok(());
            };
            if record.notified_at.is_some() {
                return Ok(());
            }
            let claimed = self.clock.now();
            let is_ours = self.records.claim_notification(job, claimed, LEASE).await?;
            if is_ours && self.clock.now() <= claimed + CLAIMED_WITHIN {
                self.publish(&Message::of(&record, self.region)).await?;
                log.info("announced", &[("training_job_name", job)]);
                if self.mark(job, claimed + NOTED_WITHIN).await? {
                    metrics::tell(&record, self.clock.now(), log);
                }
                return Ok(());
            }
            self.clock.sleep(PAUSE).await;
        }
    }

    async fn publish(&self, message: &Message) -> Result<(), CallError> {
        let published = within(self.clock, PATIENCE, self.notifier.publish(message)).await;
        published.unwrap_or_else(|| Err(no_answer("the topic")))
    }

    /// Marks the record as announced, and tries again until `end`: to give up means a second message. Answers whether nobody else has.
    async fn mark(&self, job: &str, end: Timestamp) -> Result<bool, CallError> {
        loop {
            let now = self.clock.now();
            let left = Duration::try_from(end - now).unwrap_or_default();
            let marked = within(self.clock, left, self.records.mark_notified(job, now)).await;
            match marked.unwrap_or_else(|| Err(no_answer("the table"))) {
                Err(failure) if failure.kind() == Kind::Temporary && self.clock.now() + PAUSE < end => {
                    self.clock.sleep(PAUSE).await;
                }
                marked => return marked,
            }
        }
    }
}

fn no_answer(who: &str) -> CallError {
    CallError::Unreachable(format!("{who} has not answered in time"))
}
