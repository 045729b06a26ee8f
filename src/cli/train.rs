//! `sgbuild train`.

use clap::Args;

use super::{Directory, DryRun, HasSettings, Json, Local, SettingFlags};
use crate::settings::Group;

/// `sgbuild train`.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Follow the training job to its end with its log; fail if it fails
    #[arg(long, help_heading = "Training")]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) here: Local,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

impl HasSettings for Train {
    const GROUPS: &'static [Group] = &[
        Group::Training,
        Group::Train,
        Group::Project,
        Group::Image,
        Group::Build,
    ];
}
