//! `sgbuild dist`.

use clap::Args;

use super::{Directory, DryRun, HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild dist`.
#[derive(Debug, Args)]
pub struct Dist {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

impl HasSettings for Dist {
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image];
}
