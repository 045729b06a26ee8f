//! `sgbuild cache`.

use clap::{Args, Subcommand};

use super::Json;

/// `sgbuild cache`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cache {
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What is done with it, beside showing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Action {
    /// Remove all of it, when no other sgbuild uses it any more
    Clear,
}
