//! `sgbuild settings`.

use clap::Args;

use super::{Directory, Json};

/// `sgbuild settings`.
#[derive(Debug, Args)]
pub struct Settings {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) json: Json,
}
