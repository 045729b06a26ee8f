//! `sgbuild init`.

use clap::Args;

use super::{Directory, DryRun};

/// `sgbuild init`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is there is left as it is. In a directory without a project, a small package is made that trains.")]
pub struct Init {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}
