//! `sgbuild destroy`.

use clap::Args;

use super::{Directory, DryRun, HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild destroy`.
#[derive(Debug, Args)]
pub struct Destroy {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    /// Delete without being asked again
    #[arg(long, help_heading = "Stack")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

impl HasSettings for Destroy {
    const GROUPS: &'static [Group] = &[Group::Stack];
}
