//! `sgbuild train`.

use clap::Args;

use super::{Directory, DryRun, Json, TrainingFlags};

/// `sgbuild train`.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Follow the training job to its end with its log; fail if it fails
    #[arg(long, help_heading = "Training")]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) training: TrainingFlags,
    /// The AWS region, instead of that of the AWS configuration
    #[arg(long, value_name = "REGION", help_heading = "Training")]
    pub(crate) region: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}
