//! `sgbuild inspect`.

use clap::Args;

use super::{Directory, HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl HasSettings for Inspect {
    // As `dist` takes them, so that one command line serves for both.
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image];
}
