//! `sgbuild status`.

use clap::Args;

use super::{Directory, HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl HasSettings for Status {
    const GROUPS: &'static [Group] = &[Group::Stack];
}
