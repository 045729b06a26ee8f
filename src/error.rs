//! The sum of the stages' errors, and what a person is told of one.

use std::io;
use std::path::PathBuf;

use crate::aws::{CallError, Kind};
use crate::fault::Fault;
use crate::training::job::{Job, JobStatus};
use crate::{
    deployment, dist, engine, handover, lambda, project, push, registry, requirements, settings, stack, training,
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings.
    #[error(transparent)]
    Settings(#[from] settings::Error),
    /// Reading the project.
    #[error(transparent)]
    Project(#[from] project::Error),
    /// Reading the user's requirements file.
    #[error(transparent)]
    Requirements(Box<requirements::Error>),
    /// Making `dist/`.
    #[error(transparent)]
    Dist(#[from] dist::Error),
    /// Building the image.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// A name that is no image reference, or gives none.
    #[error(transparent)]
    Reference(#[from] registry::reference::Error),
    /// Credentials for a registry.
    #[error(transparent)]
    Credentials(#[from] registry::auth::Error),
    /// Amazon ECR.
    #[error(transparent)]
    Ecr(#[from] registry::ecr::Error),
    /// Pushing the image.
    #[error(transparent)]
    Push(#[from] push::Error),
    /// `dist/image.json`.
    #[error(transparent)]
    Handover(#[from] handover::Error),
    /// Starting the training.
    #[error(transparent)]
    Training(#[from] training::Error),
    /// The image is pushed, but its training did not start.
    #[error("{image} is pushed, but its training was not started: {source}")]
    PushedNotTrained {
        /// `repository@digest`.
        image: String,
        /// Why.
        source: Box<training::Error>,
    },
    /// `sgbuild train` without an image.
    #[error("there is no pushed image to train: {} does not name one", .path.display())]
    NothingPushed {
        /// `dist/image.json`.
        path: PathBuf,
    },
    /// `sgbuild train` without a function.
    #[error("no training function is set, so there is nothing to start")]
    NoFunction,
    /// An engine that does not exist.
    #[error("{source} ({origin})")]
    UnknownEngine {
        /// Its name.
        source: engine::UnknownEngine,
        /// Where it was set.
        origin: String,
    },
    /// A build of the pipeline could not be given that time.
    #[error("`build-timeout` is {minutes} ({origin}), and CodeBuild takes 5 to 2160 minutes")]
    BuildTimeout {
        /// As set.
        minutes: u64,
        /// Where.
        origin: String,
    },
    /// The runs were asked for, and no table is named.
    #[error("no table of runs is set")]
    NoTable,
    /// The newest run was asked for, and there is none.
    #[error("no run is recorded yet")]
    NoRuns,
    /// The table of runs could not be read.
    #[error("cannot read the table of runs `{table}`: {source}")]
    Runs {
        /// Its name.
        table: String,
        /// What `DynamoDB` said.
        source: CallError,
    },
    /// A job that was to be followed and is not known.
    #[error("the training was started, but cannot be followed: {function} does not say which job it started")]
    NothingToFollow {
        /// The training Lambda.
        function: String,
    },
    /// A training job could not be followed.
    #[error(transparent)]
    Follow(#[from] training::follow::Error),
    /// A training job's log could not be read.
    #[error("cannot read the log of the training job {job}: {source}")]
    JobLog {
        /// Its name.
        job: String,
        /// What CloudWatch Logs or SageMaker said.
        source: CallError,
    },
    /// A training job that was followed did not end well.
    #[error("{}", ended(.0))]
    TrainingEnded(Box<Job>),
    /// A digest is what a push results in.
    #[error("cannot push to `{name}`: a digest names an image that is already there")]
    PushToDigest {
        /// The setting `repository`.
        name: String,
    },
    /// This program, as AWS is to run it.
    #[error(transparent)]
    Code(#[from] deployment::Error),
    /// The pipeline's stack.
    #[error(transparent)]
    Stack(Box<stack::Error>),
    /// A path that is to be printed, and is no text.
    #[error("the path {} is not UTF-8, so it cannot be printed as it is", .path.display())]
    NotUnicode {
        /// The path.
        path: PathBuf,
    },
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The Lambda runtime ended.
    #[error(transparent)]
    Lambda(lambda::Error),
    /// The process could not start its threads.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    /// Stdout is closed or full.
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
}

impl From<requirements::Error> for Error {
    fn from(error: requirements::Error) -> Self {
        Self::Requirements(Box::new(error))
    }
}

impl From<stack::Error> for Error {
    fn from(error: stack::Error) -> Self {
        Self::Stack(Box::new(error))
    }
}

/// What a person is told of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What failed, on what input.
    pub title: String,
    /// Why, from the nearest cause to the farthest.
    pub causes: Vec<String>,
    /// The last lines of what failed elsewhere: a Lambda's log.
    pub log: Option<String>,
    /// What to do next.
    pub hints: Vec<String>,
    /// Whose move it is; the exit code follows.
    pub fault: Fault,
}

impl Error {
    fn log(&self) -> Option<String> {
        let error = match self {
            Self::Training(error) => error,
            Self::PushedNotTrained { source, .. } => source,
            _ => return None,
        };
        error.log_tail().map(|tail| tail.trim_end().to_owned())
    }

    /// What to tell a person.
    #[must_use]
    pub fn report(&self) -> Report {
        let (hints, fault) = match self {
            Self::Settings(error) => (error.hints(), error.fault()),
            Self::Project(error) => (error.hints(), error.fault()),
            Self::Requirements(error) => (error.hints(), error.fault()),
            Self::Dist(error) => (error.hints(), error.fault()),
            Self::Engine(error) => (error.hints(), error.fault()),
            Self::Reference(error) => (error.hints(), error.fault()),
            Self::Credentials(error) => (error.hints(), error.fault()),
            Self::Ecr(error) => (error.hints(), error.fault()),
            Self::Push(error) => (error.hints(), error.fault()),
            Self::Handover(error) => (error.hints(), error.fault()),
            Self::Training(error) => (error.hints(), error.fault()),
            Self::PushedNotTrained { source, .. } => {
                let again = "`sgbuild train` repeats only this step.".to_owned();
                ([source.hints(), vec![again]].concat(), source.fault())
            }
            Self::NothingPushed { .. } => (vec!["Run `sgbuild push` first.".to_owned()], Fault::User),
            Self::NoFunction => (
                vec![
                    "Name the training Lambda with `--function`, SGBUILD_FUNCTION or the setting `function`."
                        .to_owned(),
                ],
                Fault::User,
            ),
            Self::UnknownEngine { .. } => (vec!["Set `engine` to auto or docker.".to_owned()], Fault::Usage),
            Self::BuildTimeout { .. } => (vec!["Leave it out to give a build an hour.".to_owned()], Fault::Usage),
            Self::NoTable => (
                vec![
                    "Set `table`, with --table or SGBUILD_TABLE, to the table that `sgbuild status` names.".to_owned(),
                ],
                Fault::User,
            ),
            Self::NoRuns => (vec!["Name a training job.".to_owned()], Fault::User),
            Self::Runs { source, .. } => (
                vec!["Check its name and the region; it needs dynamodb:Scan on the table.".to_owned()],
                temporary_or_user(source),
            ),
            Self::Stdout(source) | Self::Follow(training::follow::Error::Output(source)) => unwritten(source),
            Self::NotUnicode { .. } => (
                vec!["Rename the directory. `build` and `push` work in it as it is.".to_owned()],
                Fault::User,
            ),
            Self::Follow(error) => (error.hints(), error.fault()),
            Self::NothingToFollow { .. } => (
                vec!["Let the Lambda answer with `training_job_name`, as sgbuild's own does.".to_owned()],
                Fault::User,
            ),
            Self::JobLog { source, .. } => (
                vec![
                    "It needs logs:DescribeLogStreams and logs:GetLogEvents on /aws/sagemaker/TrainingJobs.".to_owned(),
                ],
                temporary_or_user(source),
            ),
            Self::TrainingEnded(job) => (vec![format!("`sgbuild logs {}` shows its log.", job.name)], Fault::User),
            Self::PushToDigest { .. } => (
                vec!["Give the repository alone, or with a tag.".to_owned()],
                Fault::Usage,
            ),
            Self::Code(error) => (error.hints(), error.fault()),
            Self::Stack(error) => (error.hints(), error.fault()),
            Self::Interrupted => (Vec::new(), Fault::Interrupted),
            Self::Runtime(_) | Self::Lambda(_) => (Vec::new(), Fault::User),
        };
        let title = self.to_string();
        let causes = causes(self, &title);
        let log = self.log();
        Report {
            title,
            causes,
            log,
            hints,
            fault,
        }
    }
}

/// Output that did not arrive.
fn unwritten(source: &io::Error) -> (Vec<String>, Fault) {
    match source.kind() {
        io::ErrorKind::BrokenPipe => (Vec::new(), Fault::Unread),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            vec!["Free some disk space where the output goes.".to_owned()],
            Fault::User,
        ),
        _ => (Vec::new(), Fault::User),
    }
}

fn temporary_or_user(source: &CallError) -> Fault {
    match source.kind() {
        Kind::Temporary => Fault::Temporary,
        _ => Fault::User,
    }
}

/// `the training job iris-1 failed: AlgorithmError: …`.
fn ended(job: &Job) -> String {
    let how = match job.status {
        JobStatus::Stopped => "was stopped",
        _ => "failed",
    };
    match &job.failure_reason {
        Some(reason) => format!("the training job {} {how}: {}", job.name, reason.trim_end()),
        None => format!("the training job {} {how}", job.name),
    }
}

/// The chain of sources, without those whose text a nearer one already holds.
fn causes(error: &Error, title: &str) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        let told = |by: &str| by.contains(&text);
        if !text.is_empty() && !told(title) && !causes.iter().any(|earlier| told(earlier)) {
            causes.push(text);
        }
        source = cause.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_each_cause_once() {
        let source = io::Error::other("disk on fire");
        let error = Error::Handover(handover::Error::Write {
            path: "dist/image.json".into(),
            source,
        });
        let report = error.report();
        assert_eq!(report.title, "cannot write dist/image.json");
        assert_eq!(report.causes, ["disk on fire"]);
        assert_eq!(report.fault.exit_code(), 1);
    }

    #[test]
    fn an_interrupt_exits_as_shells_do() {
        assert_eq!(Error::Interrupted.report().fault.exit_code(), 130);
    }
}
