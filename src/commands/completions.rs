//! `sgbuild completions`.

use clap::CommandFactory as _;
use clap_complete::{Shell as Generator, generate};

use crate::cli::{Cli, Shell};

/// The completion script for `shell`.
pub(super) fn script(shell: Shell) -> String {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    let mut script = Vec::new();
    generate(generator, &mut Cli::command(), "sgbuild", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
