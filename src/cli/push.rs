//! `sgbuild push`.

use clap::Args;

use super::{Directory, DryRun, HasSettings, Json, SettingFlags};
use crate::settings::Group;

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
    /// Build and push in spite of what `sgbuild check` calls an error
    #[arg(long)]
    pub(crate) no_check: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

impl HasSettings for Push {
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image, Group::Build, Group::Push, Group::Training];
}
