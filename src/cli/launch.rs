//! `sgbuild launch`.

use std::path::PathBuf;

use clap::Args;

use super::{Directory, DryRun, HasSettings, Json, SettingFlags};
use crate::settings::Group;

/// `sgbuild launch`.
#[derive(Debug, Args)]
pub struct Launch {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
    /// The sgbuild that AWS runs, instead of this one: a program for Linux on x86-64
    #[arg(long, value_name = "FILE", help_heading = "Pipeline")]
    pub(crate) binary: Option<PathBuf>,
    /// The sgbuild for x86-64 that builds run, where `--binary` or this one is for Arm and for the functions alone
    #[arg(long, value_name = "FILE", help_heading = "Pipeline")]
    pub(crate) build_binary: Option<PathBuf>,
    /// Your own copy of the template
    #[arg(long, value_name = "FILE", help_heading = "Pipeline")]
    pub(crate) template: Option<PathBuf>,
    /// Upload sgbuild and the template, print where they are, and leave the stack to others
    #[arg(long, help_heading = "Pipeline")]
    pub(crate) upload_only: bool,
    /// Go on although a bucket, repository or table would be replaced
    #[arg(long, help_heading = "Pipeline")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

impl HasSettings for Launch {
    const GROUPS: &'static [Group] = &[Group::Stack, Group::Pipeline];
}
