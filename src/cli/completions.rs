//! `sgbuild completions`.

use clap::{Args, ValueEnum};

/// `sgbuild completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// The shells that completions are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}
