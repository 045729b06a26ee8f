//! The metadata table in memory. `tests/it/records.rs` holds it against `DynamoDB`'s.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::record::{JobStatus, Progress, RunRecord};

/// Every item, by its key, with the time of the claim to its announcement.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<String, (RunRecord, Option<Timestamp>)>);

pub(crate) fn has_ended(status: JobStatus) -> bool {
    matches!(status, JobStatus::Completed | JobStatus::Failed | JobStatus::Stopped)
}

/// The states in the order that a run goes through them; none leaves the last ones.
fn step(status: JobStatus) -> u8 {
    match status {
        JobStatus::Requested => 0,
        JobStatus::InProgress => 1,
        JobStatus::Stopping => 2,
        JobStatus::Completed | JobStatus::Failed | JobStatus::Stopped => 3,
    }
}

impl Table {
    pub(crate) fn create(&mut self, record: &RunRecord) -> Option<RunRecord> {
        let name = record.training.job_name.clone();
        if let Some((known, _)) = self.0.get(&name) {
            return Some(known.clone());
        }
        self.0.insert(name, (record.clone(), None));
        None
    }

    pub(crate) fn open(&self, since: Timestamp) -> Vec<String> {
        let is_open = |record: &RunRecord| {
            let is_late = record.notified_at.is_none() && record.job_end_time.is_some_and(|end| end > since);
            !has_ended(record.job_status) || is_late
        };
        let open = self.0.iter().filter(|(_, (record, _))| is_open(record));
        open.map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn get(&self, job: &str) -> Option<RunRecord> {
        self.0.get(job).map(|(record, _)| record.clone())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &RunRecord> {
        self.0.values().map(|(record, _)| record)
    }

    pub(crate) fn advance(&mut self, job: &str, progress: &Progress) -> bool {
        let Some((record, _)) = self.0.get_mut(job) else {
            return false;
        };
        let next = progress.job_status;
        let stays = record.job_status == next && !has_ended(next) && next != JobStatus::Requested;
        if step(next) <= step(record.job_status) && !stays {
            return false;
        }
        let progress = progress.clone();
        record.job_status = next;
        record.training_job_arn = progress.training_job_arn.or(record.training_job_arn.take());
        record.job_creation_time = progress.job_creation_time.or(record.job_creation_time);
        record.job_end_time = progress.job_end_time.or(record.job_end_time);
        record.failure_reason = progress.failure_reason.or(record.failure_reason.take());
        record.artifact = progress.artifact.or(record.artifact.take());
        record.billable_seconds = progress.billable_seconds.or(record.billable_seconds);
        record.training_seconds = progress.training_seconds.or(record.training_seconds);
        if !progress.metrics.is_empty() {
            record.metrics = progress.metrics;
        }
        if !progress.metric_times.is_empty() {
            record.metric_times = progress.metric_times;
        }
        true
    }

    pub(crate) fn claim_notification(&mut self, job: &str, now: Timestamp, lease: SignedDuration) -> bool {
        let Some((record, claim)) = self.0.get_mut(job) else {
            return false;
        };
        let holds = |claim: Timestamp| claim >= now - lease && claim <= now + lease;
        let is_free = record.notified_at.is_none() && !claim.is_some_and(holds);
        if is_free {
            *claim = Some(now);
        }
        is_free
    }

    pub(crate) fn mark_notified(&mut self, job: &str, now: Timestamp) -> bool {
        let Some((record, _)) = self.0.get_mut(job).filter(|(record, _)| record.notified_at.is_none()) else {
            return false;
        };
        record.notified_at = Some(now);
        true
    }
}
