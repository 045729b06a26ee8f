//! `sgbuild runs`.

use clap::Args;

use super::{Directory, HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild runs`.
#[derive(Debug, Args)]
pub struct Runs {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// How many to list, newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl HasSettings for Runs {
    const GROUPS: &'static [Group] = &[Group::Account];
}
