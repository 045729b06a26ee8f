//! `sgbuild inspect`.

use clap::Args;

use super::{Directory, Json, ProjectFlags};

/// `sgbuild inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) project: ProjectFlags,
    #[command(flatten)]
    pub(crate) json: Json,
}
