//! A training on this machine, under SageMaker's contract: what `sgbuild train --local` runs.
//!
//! ```text
//! job.rs          what is asked: the job that the settings describe, with data and limits of this machine
//! channels.rs     where each channel's data is: a directory here, or objects fetched and kept (objects.rs); pipe.rs feeds FIFOs
//! opt_ml.rs       what /opt/ml holds when the container starts
//! run.rs          the run's own directory, and what finds its containers again
//! training.rs     it is followed, and stopped in time; hosts.rs: the containers
//! watch.rs        each line of the log, and the metrics in it (metrics.rs)
//! outcome.rs      how it ended, by the contract: exit codes, the failure file
//! artifacts.rs    model.tar.gz, output.tar.gz
//! checkpoints.rs  those that are copied while it trains; unpacked.rs writes them
//! process.rs      the same without a container, in an environment that uv makes
//! ```
//!
//! What the contract says is <https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html> and the pages below it.

mod artifacts;
mod channels;
mod checkpoints;
mod error;
mod hosts;
mod job;
mod lent;
mod metrics;
mod objects;
mod opt_ml;
mod outcome;
mod pipe;
pub(crate) mod process;
mod run;
mod training;
mod unpacked;
mod watch;

pub(crate) use crate::engine::docker::{Gpus, Limits};
pub(crate) use artifacts::directory_below;
pub(crate) use channels::{check_here, fetch, hyperparameters_of_bucket, of_bucket};
pub use error::Error;
pub(crate) use job::{Asked, Input, LocalJob, Source};
pub(crate) use lent::let_read_files;
pub(crate) use outcome::Outcome;
pub(crate) use run::Run;
pub(crate) use training::train;
