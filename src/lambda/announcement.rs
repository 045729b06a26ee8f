//! Tells people once that a run has ended, however often and in whatever order AWS delivers the events that say so.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::log::JsonLines;
use super::message::Message;
use super::notifier::Notifier;
use crate::aws::CallError;
use crate::record::Records;

/// How long a delivery that has claimed the announcement may take to publish it. One that takes longer counts as dead, and another
/// delivery may claim it.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
/// How long to wait before looking again whether another delivery has published it.
const PAUSE: Duration = Duration::from_millis(500);

/// Announces the end of the run of `job`, unless it is announced: claims the announcement in the record, publishes the message, and
/// marks the record. Where another delivery has claimed it, waits for that one, or until its claim has expired: no delivery counts as
/// done before the message is out.
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
        let now = Timestamp::now();
        if records.claim_notification(job, now, LEASE).await? {
            notifier.publish(&Message::of(&record, region)).await?;
            log.info("announced", &[("training_job_name", job)]);
            return records.mark_notified(job, Timestamp::now()).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
