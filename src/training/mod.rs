//! `PushedImage ─▶ TrainingRun`: what is asked of the training Lambda, and what becomes of it.
//!
//! [`Training`] is the vocabulary. [`TrainingSettings::training_of`] makes one of the settings and a pushed image, [`trigger::start`]
//! sends it to the training Lambda and reads the answer. There, `lambda/payload.rs` reads it, and [`new_job`] makes the job of it.
//! What not every training says is spoken of in SageMaker's own words: [`parts`] makes them of settings, [`fields`] knows them all, and
//! [`combinations`] which go together, and [`allowed`] which of it a pipeline's functions train with.
//! [`follow`] and [`job_log`] look at the job afterwards.

mod allowed;
pub(crate) mod combinations;
pub(crate) mod error;
pub(crate) mod fields;
pub mod follow;
mod forms;
pub(crate) mod hyperparameters;
pub mod job;
pub(crate) mod job_log;
mod job_name;
pub mod new_job;
pub(crate) mod parts;
pub(crate) mod request;
pub(crate) mod rules;
mod run_id;
pub(crate) mod trigger;
pub(crate) mod vocabulary;

pub use allowed::Allowed;
pub use error::Error;
pub(crate) use error::failure_code;
pub(crate) use forms::channel_name;
pub(crate) use job_name::training_job_name;
pub(crate) use request::{Given, TrainingSettings};
pub(crate) use run_id::new_run_id;
pub(crate) use trigger::TrainingAnswer;
pub use vocabulary::Training;

use serde::{Deserialize, Serialize};

/// The `errorType` by which a function of the pipeline says that the same invocation may work later.
pub const UNAVAILABLE: &str = "Unavailable";

/// What the training Lambda answers: the job it started (or found started by an earlier delivery of the same run).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRun {
    /// The SageMaker training job's name.
    pub training_job_name: String,
    /// Its ARN.
    pub training_job_arn: String,
    /// The run it belongs to.
    pub run_id: String,
}
