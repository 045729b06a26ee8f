//! The end of a run is announced exactly once, however often and in whatever order its events come.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::log::JsonLines;
use super::message::Message;
use super::notifier::Notifier;
use crate::aws::CallError;
use crate::record::Records;

/// So long has whoever took the right to announce; then it is taken to have died on the way.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
/// How often is looked whether it is done.
const PAUSE: Duration = Duration::from_millis(500);

/// Announces the run of `job`, unless that is done: takes the right, publishes, and marks it done. Where another delivery is
/// at it, waits until that one is done or its lease has run out, so that none ends before the message is out.
///
/// # Errors
/// The table or the topic refuses or cannot be reached; another delivery may try again after the lease.
pub async fn announce(
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
        let now = Timestamp::now();
        if records.claim_notification(job, now, LEASE).await? {
            notifier.publish(&Message::of(&record, region)).await?;
            log.info("announced", &[("training_job_name", job)]);
            return records.mark_notified(job, Timestamp::now()).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
