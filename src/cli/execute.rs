//! `sgbuild execute`.

use std::path::PathBuf;

use clap::Args;

use super::{Directory, HasSettings, SettingFlags};
use crate::settings::Group;

/// `sgbuild execute`.
#[derive(Debug, Args)]
pub struct Execute {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// The command and its arguments, instead of the image's entry point
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// The directory that is /opt/ml in the container
    #[arg(long, value_name = "DIR", help_heading = "Execution")]
    pub(crate) ml: Option<PathBuf>,
    /// An image that Docker or podman has, instead of the project's
    #[arg(long, value_name = "IMAGE", help_heading = "Execution")]
    pub(crate) image: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
}

impl HasSettings for Execute {
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image, Group::Build];
}
