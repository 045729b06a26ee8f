//! `sgbuild logs`.

use clap::Args;

use super::{HasSettings, SettingFlags};
use crate::settings::Group;

/// `sgbuild logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The training job [default: the newest in the table of runs]
    #[arg(value_name = "JOB")]
    pub(crate) job: Option<String>,
    /// Go on until the job ends; fail if it fails
    #[arg(short, long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    /// Print one JSON object a line
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

impl HasSettings for Logs {
    const GROUPS: &'static [Group] = &[Group::Account];
}
