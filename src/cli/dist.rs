//! `sgbuild dist`.

use clap::Args;

use super::{Directory, DryRun, ImageFlags, Json, ProjectFlags};

/// `sgbuild dist`.
#[derive(Debug, Args)]
pub struct Dist {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) project: ProjectFlags,
    #[command(flatten)]
    pub(crate) image: ImageFlags,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}
