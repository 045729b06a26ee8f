//! `sgbuild completions`.

use clap::CommandFactory as _;
use clap_complete::{Shell as Generator, generate};

use crate::cli::{Cli, Shell};
use crate::shown::Data;

/// The completion script for `shell`.
pub(super) fn script(shell: Shell) -> Data {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    let mut script = Vec::new();
    generate(generator, &mut Cli::command(), "sgbuild", &mut script);
    Data::File(String::from_utf8_lossy(&script).into_owned())
}
