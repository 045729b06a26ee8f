//! `sgbuild serve`.

use clap::Args;

use super::{Directory, HasSettings, SettingFlags};
use crate::serving::Model;
use crate::settings::Group;

/// `sgbuild serve`.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Serve on this machine, in a container of Docker or podman
    #[arg(long, required = true, help_heading = "Serving")]
    pub(crate) local: bool,
    /// The model: a model.tar.gz, of this machine or of S3 (<s3://…>), or a directory
    #[arg(long, value_name = "FILE", help_heading = "Serving")]
    pub(crate) model: Option<Model>,
    /// The model of a recorded run, by its id or its training job
    #[arg(long, value_name = "ID", help_heading = "Serving", conflicts_with = "model")]
    pub(crate) run: Option<String>,
    /// The port on this machine; 0 is any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8080, help_heading = "Serving")]
    pub(crate) port: u16,
    /// An image that Docker or podman has, instead of the project's
    #[arg(long, value_name = "IMAGE", help_heading = "Serving")]
    pub(crate) image: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
}

impl HasSettings for Serve {
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image, Group::Build, Group::Account];
}
