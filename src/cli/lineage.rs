//! `sgbuild lineage`.

use clap::Args;

use super::{HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild lineage`.
#[derive(Debug, Args)]
pub struct Lineage {
    /// A model's s3:// URI, a job's name or ARN, a run id, a commit, an image's digest, an object of the data or a version of it; commits and digests may be given by their beginning
    #[arg(value_name = "WHAT")]
    pub(crate) what: String,
    /// Leave nothing out of long lists
    #[arg(long, help_heading = "Output")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl HasSettings for Lineage {
    const GROUPS: &'static [Group] = &[Group::Account];
}
