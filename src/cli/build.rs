//! `sgbuild build`.

use clap::Args;

use super::{Directory, DryRun, HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild build`.
#[derive(Debug, Args)]
pub struct Build {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

impl HasSettings for Build {
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image, Group::Build];
}
