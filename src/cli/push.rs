//! `sgbuild push`.

use clap::Args;

use super::{Directory, DryRun, EngineFlags, ImageFlags, Json, ProjectFlags, PushFlags, TrainingFlags};

/// `sgbuild push`.
#[derive(Debug, Args)]
pub struct Push {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Stop after the push
    #[arg(long, help_heading = "Training", conflicts_with = "wait")]
    pub(crate) no_train: bool,
    /// Follow the training job to its end with its log; fail if it fails
    #[arg(long, help_heading = "Training")]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) project: ProjectFlags,
    #[command(flatten)]
    pub(crate) image: ImageFlags,
    #[command(flatten)]
    pub(crate) engine: EngineFlags,
    #[command(flatten)]
    pub(crate) destination: PushFlags,
    #[command(flatten)]
    pub(crate) training: TrainingFlags,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}
