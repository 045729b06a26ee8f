//! `sgbuild build`.

use clap::Args;

use super::{Directory, DryRun, EngineFlags, ImageFlags, Json, ProjectFlags};

/// `sgbuild build`.
#[derive(Debug, Args)]
pub struct Build {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) project: ProjectFlags,
    #[command(flatten)]
    pub(crate) image: ImageFlags,
    #[command(flatten)]
    pub(crate) engine: EngineFlags,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}
