//! `sgbuild logs`.

use clap::Args;

use super::AccountFlags;

/// `sgbuild logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The training job [default: the newest in the table of runs]
    #[arg(value_name = "JOB")]
    pub(crate) job: Option<String>,
    /// Go on until the job ends; fail if it fails
    #[arg(short, long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) account: AccountFlags,
    /// Print one JSON object a line
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}
