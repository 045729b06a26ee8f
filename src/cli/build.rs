//! `sgbuild build`.

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};

use super::{Directory, DryRun, HasSettings, Json, SettingFlags};
use crate::engine::Output;
use crate::settings::Group;

/// `sgbuild build`.
#[derive(Debug, Args)]
pub struct Build {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    /// Write the image too: to a file as `docker save` does, to a directory (`DIR/`, `oci:DIR`) as an OCI layout, or `-`
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Output",
        value_parser = PathBufValueParser::new().try_map(|given| Output::parse(&given))
    )]
    pub(crate) output: Option<Output>,
    /// Put the image into the Docker daemon or podman too, which needs not have built it
    #[arg(long, help_heading = "Output")]
    pub(crate) load: bool,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

impl HasSettings for Build {
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image, Group::Build];
}
