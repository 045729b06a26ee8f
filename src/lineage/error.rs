//! Why there is no lineage of what was asked about.

use super::{Origin, Subject};
use crate::explain::{Advice, Code, Explain, Fault};
use crate::near::nearest;
use crate::record::RunRecord;
use crate::shown::first_of;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No run is of that.
    #[error("no recorded run is of {asked}{}", .near.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// As asked.
        asked: String,
        /// A job whose name is much like it.
        near: Option<String>,
    },
    /// One run was asked for, and there are more of it.
    #[error("{asked} has several runs: {}", .jobs.join(", "))]
    Several {
        /// As asked.
        asked: String,
        /// Their jobs.
        jobs: Vec<String>,
    },
    /// It is the beginning, or the name, of more than one thing.
    #[error("{asked} may be any of {}", .meant.join(", "))]
    Ambiguous {
        /// As asked.
        asked: String,
        /// What it may be, such as `commit 1f0c2ab`.
        meant: Vec<String>,
    },
}

impl Error {
    pub(super) fn unknown(asked: &str, runs: &[RunRecord]) -> Self {
        let names = runs.iter().map(|run| run.training.job_name.as_str());
        Self::Unknown {
            asked: asked.to_owned(),
            near: nearest(asked, names).map(ToOwned::to_owned),
        }
    }

    pub(super) fn several(asked: &str, origins: &[Origin]) -> Self {
        let jobs = origins.iter().map(|origin| origin.run.training.job_name.clone());
        Self::Several {
            asked: asked.to_owned(),
            jobs: first_of(jobs.collect()),
        }
    }

    pub(super) fn ambiguous(asked: &str, meant: &[(Subject, &str)]) -> Self {
        let meant = meant.iter().map(|(subject, name)| format!("{} {name}", subject.noun()));
        Self::Ambiguous {
            asked: asked.to_owned(),
            meant: first_of(meant.collect()),
        }
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        Code::RunUnknown
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Unknown { .. } => Fault::User.hint(
                "Give a model's s3:// URI, a training job, a run id, a commit, an image's digest, or a version of the data; `sgbuild runs` lists what is recorded.",
            ),
            Self::Several { .. } => Fault::User.hint("Name one of the jobs."),
            Self::Ambiguous { .. } => Fault::User.hint("Give more of it."),
        }
    }
}
