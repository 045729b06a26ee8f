//! `sgbuild explain`.

use clap::Args;

use super::Json;

/// `sgbuild explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// What stands in the brackets of `error[…]`, such as docker-unreachable; without it, all codes are listed
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}
