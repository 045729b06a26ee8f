//! Tells people once that a run has ended, however often and in whatever order AWS delivers the events that say so.
//!
//! SNS forgets what it was given, so a delivery that ends between SNS's taking the message and the note of it in the table leaves nobody who
//! knows: the next one tells again, as a message twice is better than none. Everything else is kept from coming to that: whoever publishes
//! has the table's leave to, for as long as [`LEASE`] says; a topic that takes longer than [`PATIENCE`] to answer is given up; and the note is
//! tried until the lease ends.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::log::JsonLines;
use super::message::Message;
use super::metrics;
use super::notifier::Notifier;
use crate::aws::{CallError, Kind};
use crate::record::Records;

/// How long a delivery that has claimed the announcement may take to publish and note it. One that takes longer counts as dead, and another
/// delivery may claim it.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
/// How long the topic may take to answer: the rest of the lease is for the note.
const PATIENCE: Duration = Duration::from_secs(8);
/// For how long the note is tried, so that it is given up before the lease ends.
const NOTED_WITHIN: Duration = Duration::from_secs(14);
/// How long to wait before looking again whether another delivery has published it, and before trying the note again.
const PAUSE: Duration = Duration::from_millis(500);

/// Announces the end of the run of `job`, unless it is announced: claims the announcement in the record, publishes the message, and
/// marks the record. Where another delivery has claimed it, waits for that one, or until its claim has expired: no delivery counts as
/// done before the message is out. Who has marked the record tells what the run amounts to as well ([`metrics`]).
///
/// # Errors
/// The table or the topic refuses or cannot be reached; another delivery may claim the announcement once this claim has expired.
pub(super) async fn announce(
    job: &str,
    region: &str,
    records: &dyn Records,
    notifier: &dyn Notifier,
    log: &JsonLines,
) -> Result<(), CallError> {
    loop {
        let Some(record) = records.get(job).await? else {
            return Ok(());
        };
        if record.notified_at.is_some() {
            return Ok(());
        }
        let claimed = Instant::now();
        if records.claim_notification(job, Timestamp::now(), LEASE).await? {
            publish(notifier, &Message::of(&record, region)).await?;
            log.info("announced", &[("training_job_name", job)]);
            if mark(job, records, claimed + NOTED_WITHIN).await? {
                metrics::tell(&record, log);
            }
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn publish(notifier: &dyn Notifier, message: &Message) -> Result<(), CallError> {
    match tokio::time::timeout(PATIENCE, notifier.publish(message)).await {
        Ok(published) => published,
        Err(_) => Err(CallError::Unreachable(format!(
            "the topic has not answered for {} s",
            PATIENCE.as_secs()
        ))),
    }
}

/// Marks the record as announced, and tries again until `end`: to give up means a second message. Answers whether nobody else has.
async fn mark(job: &str, records: &dyn Records, end: Instant) -> Result<bool, CallError> {
    loop {
        let tried = tokio::time::timeout_at(end, records.mark_notified(job, Timestamp::now())).await;
        match tried {
            Ok(Err(failure)) if failure.kind() == Kind::Temporary && Instant::now() + PAUSE < end => {
                tokio::time::sleep(PAUSE).await;
            }
            Ok(marked) => return marked,
            Err(_) => {
                return Err(CallError::Unreachable("the table has not answered in time".to_owned()));
            }
        }
    }
}
