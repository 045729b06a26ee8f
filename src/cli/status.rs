//! `sgbuild status`.

use clap::Args;

use super::{Directory, Json, StackFlags};

/// `sgbuild status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) stack: StackFlags,
    #[command(flatten)]
    pub(crate) json: Json,
}
