//! `sgbuild man`.

use std::path::PathBuf;

use clap::Args;

/// `sgbuild man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Where they go, such as ~/.local/share/man/man1; made where it is missing
    #[arg(value_name = "DIR")]
    pub(crate) into: PathBuf,
}
