//! Follows a training job to its end: its status, and the lines of its log as they come.

use std::io;
use std::time::Duration;

use aws_config::SdkConfig;
use tokio::time::{Instant, sleep};

use crate::explain::{Advice, Code, Explain, Fault};
use crate::progress::{Progress, Waiting};

use super::job::{self, Job};
use super::job_log::{self, Each, JobLog};
use crate::aws::{CallError, Kind};

/// How long to wait between two looks at the job, at most. A job takes minutes to start: to ask more often would tell nothing sooner, and
/// `DescribeTrainingJob` is throttled.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How long to wait for the last lines of the log: CloudWatch shows them a little after the job has ended.
const LAST_LINES: Duration = Duration::from_secs(3);
/// How long SageMaker may be out of reach before the following ends. A training runs for hours, and a laptop may be offline for some of
/// that time.
const PATIENCE: Duration = Duration::from_mins(15);

/// Why a job could not be followed; the job itself goes on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SageMaker does not say how the job stands.
    #[error("cannot look at the training job {job}: {source}")]
    Job {
        /// Its name.
        job: String,
        /// What SageMaker said.
        source: CallError,
    },
    /// Whoever receives the log's lines takes no more.
    #[error("cannot write the log's lines")]
    Output(#[source] io::Error),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Job { source, .. } => source.explained(Code::TrainingJobNotFound),
            Self::Output(source) => Code::of_unwritten(source, Code::NotWritable),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Job { job, source } if source.kind() == Kind::Temporary => Fault::Temporary.hint(format!(
                "The job goes on: `sgbuild logs --follow {job}` follows it again."
            )),
            Self::Job { .. } => Fault::User.hint(
                "Check the job's name and the region; the identity that sgbuild runs as needs sagemaker:DescribeTrainingJob.",
            ),
            Self::Output(source) => Advice::of_unwritten(source),
        }
    }
}

/// Waits until the job named `job` has ended, and hands every line of its log to `each`. Dropping the future stops waiting,
/// not the job.
///
/// # Errors
/// SageMaker refuses to say how the job stands, or has not answered for a quarter of an hour. A log that cannot be read is a
/// warning: the job's end matters more.
pub(crate) async fn follow(
    job: &str,
    sdk_config: &SdkConfig,
    each: &mut Each<'_>,
    progress: &dyn Progress,
) -> Result<Job, Error> {
    progress.step(&format!(
        "Following the training job {job}; Ctrl-C ends the following, not the job"
    ));
    let jobs = job::client(sdk_config);
    let mut log = Some(JobLog::new(job, sdk_config));
    let mut told = String::new();
    let mut answered = Instant::now();
    let mut pause = FIRST_PAUSE;
    let _waiting = Waiting::begin(progress, &format!("Waiting for the training job {job}"));
    loop {
        let described = match job::describe(&jobs, job).await {
            Ok(described) => {
                answered = Instant::now();
                Some(described)
            }
            Err(source) if source.kind() == Kind::Temporary && answered.elapsed() < PATIENCE => None,
            Err(source) => {
                return Err(Error::Job {
                    job: job.to_owned(),
                    source,
                });
            }
        };
        if let Some(described) = &described {
            let now = described.in_words();
            if now != told {
                progress.detail(&now);
                told = now;
            }
        }
        read(&mut log, each, progress).await?;
        if let Some(ended) = described.filter(Job::has_ended) {
            sleep(LAST_LINES).await;
            read(&mut log, each, progress).await?;
            return Ok(ended);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Reads what is new in the log. A log that may not be read is closed, with a warning.
async fn read(log: &mut Option<JobLog>, each: &mut Each<'_>, progress: &dyn Progress) -> Result<(), Error> {
    let Some(open) = log else { return Ok(()) };
    match open.read(each).await {
        Ok(()) => {}
        Err(job_log::Error::Output(source)) => return Err(Error::Output(source)),
        Err(job_log::Error::Call(source)) if source.kind() == Kind::Temporary => {}
        Err(job_log::Error::Call(source)) => {
            progress.warn(&format!(
                "the job's log cannot be read; its end is still waited for: {source}"
            ));
            *log = None;
        }
    }
    Ok(())
}
