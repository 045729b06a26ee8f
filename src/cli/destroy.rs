//! `sgbuild destroy`.

use clap::Args;

use super::{Directory, DryRun, Json, StackFlags};

/// `sgbuild destroy`.
#[derive(Debug, Args)]
pub struct Destroy {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) stack: StackFlags,
    /// Delete without being asked again
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}
