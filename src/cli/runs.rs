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
    /// A column with this metric's last value, and how it went over time; may be given several times
    #[arg(short, long = "metric", value_name = "NAME", conflicts_with = "json")]
    pub(crate) metrics: Vec<String>,
    /// What differs between two runs: jobs, run ids, or whatever else has one run
    #[arg(long, value_names = ["A", "B"], num_args = 2, conflicts_with_all = ["metrics", "limit"])]
    pub(crate) diff: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl HasSettings for Runs {
    const GROUPS: &'static [Group] = &[Group::Account];
}
