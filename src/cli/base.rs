//! `sgbuild base`.

use clap::Args;

use super::{Directory, DryRun, HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild base`.
#[derive(Debug, Args)]
pub struct Base {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

impl HasSettings for Base {
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image, Group::Base];
}
