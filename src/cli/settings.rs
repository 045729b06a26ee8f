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

    /// Tell all about one setting: what it is, where it is set, and which of these counts
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, conflicts_with = "schema")]
    pub(crate) explain: Option<String>,

    /// Print the JSON schema of [tool.sgbuild], for editors
    #[arg(long, conflicts_with = "json")]
    pub(crate) schema: bool,
}
