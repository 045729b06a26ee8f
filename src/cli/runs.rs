//! `sgbuild runs`.

use clap::Args;

use super::{AccountFlags, Directory, Json};

/// `sgbuild runs`.
#[derive(Debug, Args)]
pub struct Runs {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// How many to list, newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) account: AccountFlags,
    #[command(flatten)]
    pub(crate) json: Json,
}
