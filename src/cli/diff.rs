//! `sgbuild diff`.

use clap::Args;

use super::{HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// An image: host/path with a tag or digest, or a name in your account's ECR
    #[arg(value_name = "A")]
    pub(crate) a: String,
    /// The image that it is compared with
    #[arg(value_name = "B")]
    pub(crate) b: String,
    /// Show every file, not only directories where there are many
    #[arg(long, help_heading = "Output")]
    pub(crate) files: bool,
    /// Exit with 1 where requirements, settings or files differ
    #[arg(long, help_heading = "Output")]
    pub(crate) exit_code: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl HasSettings for Diff {
    const GROUPS: &'static [Group] = &[Group::Diff];
}
