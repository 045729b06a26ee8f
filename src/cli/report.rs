//! `sgbuild report`.

use std::path::PathBuf;

use clap::Args;

use super::{Directory, HasSettings, SettingFlags};
use crate::report::Price;
use crate::settings::Group;

/// `sgbuild report`.
#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub(crate) output: PathBuf,
    /// The most runs in the page, the newest ones
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1000)]
    pub(crate) limit: usize,
    /// What an hour of an instance type costs, such as ml.m5.large=0.115; may be given several times
    #[arg(long = "price", value_name = "TYPE=AMOUNT")]
    pub(crate) prices: Vec<Price>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
}

impl HasSettings for Report {
    const GROUPS: &'static [Group] = &[Group::Account];
}
