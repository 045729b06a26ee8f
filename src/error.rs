//! The sum of the stages' errors, and what a person is told of one.

use std::io;
use std::path::PathBuf;

use crate::fault::Fault;
use crate::{code, dist, engine, handover, lambda, project, push, registry, settings, stack, training};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings.
    #[error(transparent)]
    Settings(#[from] settings::Error),
    /// Reading the project.
    #[error(transparent)]
    Project(#[from] project::Error),
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
    /// Writing `dist/image.json`.
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
    #[error("there is no engine `{name}` ({origin})")]
    UnknownEngine {
        /// As set.
        name: String,
        /// Where.
        origin: String,
    },
    /// This program, as AWS is to run it.
    #[error(transparent)]
    Code(#[from] code::Error),
    /// The pipeline's stack.
    #[error(transparent)]
    Stack(#[from] stack::Error),
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
            Self::Code(error) => (error.hints(), error.fault()),
            Self::Stack(error) => (error.hints(), error.fault()),
            Self::Interrupted => (Vec::new(), Fault::Interrupted),
            Self::Stdout(_) | Self::Runtime(_) | Self::Lambda(_) => (Vec::new(), Fault::User),
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
        let error = Error::Handover(handover::Error {
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
