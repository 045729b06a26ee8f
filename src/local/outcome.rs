//! How a training ended, as SageMaker tells it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::error::Error;
use super::job::LocalJob;
use super::metrics::Metrics;
use crate::progress::Cancelled;

/// So much of the failure file is the reason
/// ([FailureReason](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html#sagemaker-DescribeTrainingJob-response-FailureReason)).
const LONGEST_REASON: usize = 1024;
/// Of a process that a signal ended, shells and Docker add this to the signal's number.
const SIGNALLED: i64 = 128;

/// What became of a training, in SageMaker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Status {
    Completed,
    Failed,
    Stopped,
}

/// Why it was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The longest run was over.
    MaxRuntime,
    /// The user pressed Ctrl-C.
    User,
    /// Another host had failed.
    OtherHost,
}

/// A training that is over.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// Each host's exit code.
    pub(crate) codes: BTreeMap<String, i64>,
    /// Why it failed: the beginning of the failure file, else what is known of its end.
    pub(crate) reason: Option<String>,
    pub(crate) stopped: Option<Stop>,
    /// `model.tar.gz`.
    pub(crate) model: Option<PathBuf>,
    /// `output.tar.gz`.
    pub(crate) output: Option<PathBuf>,
    /// The directory of checkpoints, where there are any.
    pub(crate) checkpoints: Option<PathBuf>,
    pub(crate) metrics: Metrics,
    /// How long it trained.
    pub(crate) took: Duration,
}

impl Outcome {
    /// That it came to a good end.
    ///
    /// # Errors
    /// It failed, or was stopped.
    pub(crate) fn check(&self, job: &LocalJob) -> Result<(), Error> {
        match (self.status, self.stopped) {
            (Status::Completed, _) => Ok(()),
            (Status::Stopped, Some(Stop::User)) => Err(Error::Cancelled(Cancelled)),
            (Status::Stopped, _) => Err(Error::Stopped {
                job: job.name.clone(),
                seconds: job.max_runtime.as_secs(),
            }),
            (Status::Failed, _) => Err(Error::Failed {
                job: job.name.clone(),
                codes: self.codes.clone(),
                reason: self.reason.clone().unwrap_or_default(),
            }),
        }
    }

    /// Whether what is in `/opt/ml/model` is the model: also of a training that was stopped in time.
    pub(super) fn keeps_model(&self) -> bool {
        self.status != Status::Failed
    }
}

/// What is known of one host's end.
#[derive(Debug, Clone, Default)]
pub(super) struct HostEnd {
    pub(super) host: String,
    pub(super) code: i64,
    pub(super) out_of_memory: bool,
    /// The beginning of its failure file.
    pub(super) failure: Option<String>,
}

/// The status, and the reason of a failure.
pub(super) fn judge(ends: &[HostEnd], stopped: Option<Stop>) -> (Status, Option<String>) {
    if matches!(stopped, Some(Stop::MaxRuntime | Stop::User)) {
        return (Status::Stopped, None);
    }
    // Those that were stopped for another's failure are not why.
    let is_cause = |end: &&HostEnd| end.code != 0 && (stopped.is_none() || end.code != SIGNALLED + 15);
    let failed = ends
        .iter()
        .find(is_cause)
        .or_else(|| ends.iter().find(|end| end.code != 0));
    let Some(failed) = failed else {
        return (Status::Completed, None);
    };
    let reason = match failed.failure.as_deref().map(str::trim_end) {
        Some(said) if !said.is_empty() => said.chars().take(LONGEST_REASON).collect(),
        _ => of_its_end(failed),
    };
    (Status::Failed, Some(reason))
}

/// What can be said of a training that said nothing itself.
fn of_its_end(end: &HostEnd) -> String {
    let code = end.code;
    if end.out_of_memory {
        return format!("out of memory: the kernel killed a process of it (exit code {code})");
    }
    match signal(code) {
        Some(name) => format!("a signal ended it: {name} (exit code {code})"),
        None if code == 127 || code == 126 => format!("exit code {code}: the image has no such program"),
        None => format!("exit code {code}, and it wrote no reason to /opt/ml/output/failure"),
    }
}

/// The signal that an exit code tells of.
fn signal(code: i64) -> Option<&'static str> {
    let number = i32::try_from(code.checked_sub(SIGNALLED)?).ok()?;
    signal_hook::low_level::signal_name(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(host: &str, code: i64, failure: Option<&str>) -> HostEnd {
        HostEnd {
            host: host.to_owned(),
            code,
            out_of_memory: false,
            failure: failure.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn the_exit_code_decides_and_the_failure_file_tells() {
        let judged = |code, failure| judge(&[end("algo-1", code, failure)], None);
        assert_eq!(judged(0, Some("ignored")), (Status::Completed, None));
        assert_eq!(judged(3, Some("why\n")), (Status::Failed, Some("why".to_owned())));
        let long = "ü".repeat(2_000);
        assert_eq!(judged(1, Some(&long)).1.unwrap().chars().count(), 1_024);
        assert_eq!(
            judged(4, Some("  ")).1.unwrap(),
            "exit code 4, and it wrote no reason to /opt/ml/output/failure"
        );
        assert_eq!(
            judged(139, None).1.unwrap(),
            "a signal ended it: SIGSEGV (exit code 139)"
        );
        assert_eq!(
            judged(127, None).1.unwrap(),
            "exit code 127: the image has no such program"
        );
        let killed = HostEnd {
            out_of_memory: true,
            ..end("algo-1", 137, None)
        };
        assert!(judge(&[killed], None).1.unwrap().starts_with("out of memory"));
    }

    #[test]
    fn a_host_that_was_stopped_for_another_is_not_why() {
        let ends = [end("algo-1", 143, None), end("algo-2", 1, Some("no data"))];
        assert_eq!(
            judge(&ends, Some(Stop::OtherHost)),
            (Status::Failed, Some("no data".to_owned()))
        );
        assert_eq!(judge(&ends, Some(Stop::User)), (Status::Stopped, None));
        assert_eq!(
            judge(&[end("algo-1", 137, None)], Some(Stop::MaxRuntime)).0,
            Status::Stopped
        );
    }
}
