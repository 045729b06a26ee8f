//! `sgbuild man`: a manual page of every command, of what its `--help` says.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory as _;

use super::CommandError;
use crate::cli::{self, Cli};
use crate::error::Error;
use crate::shown::Data;

pub(super) fn run(arguments: &cli::Man) -> Result<Data, Error> {
    let into = &arguments.into;
    let failed_at = |path: &Path| {
        let path = path.to_owned();
        move |source| CommandError::ManualPage { path, source }
    };
    fs::create_dir_all(into).map_err(failed_at(into))?;
    let mut names = Vec::<OsString>::new();
    for page in pages(Cli::command()) {
        let path = into.join(page.get_filename());
        write(&page, &path).map_err(failed_at(&path))?;
        names.push(path.into());
    }
    Ok(Data::Names(names))
}

fn write(page: &clap_mangen::Man, path: &Path) -> io::Result<()> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    fs::write(path, text)
}

/// The page of `command`, then those of its subcommands, each under its full name: `sgbuild-cache-clear`.
fn pages(command: clap::Command) -> Vec<clap_mangen::Man> {
    // `sgbuild help push` says what `sgbuild push --help` does.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, &mut pages);
    pages
}

fn add(command: &clap::Command, pages: &mut Vec<clap_mangen::Man>) {
    pages.push(clap_mangen::Man::new(command.clone()).manual("sgbuild manual"));
    for subcommand in command.get_subcommands().filter(|each| !each.is_hide_set()) {
        add(subcommand, pages);
    }
}
