//! `sgbuild check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Directory, HasSettings, SettingFlags};
use crate::settings::Group;

/// `sgbuild check`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is meant can be allowed, with a reason: `# sgbuild: allow[SGB103] why` in the line or above it, or
`allow = [\"SGB205: why\"]` in [tool.sgbuild]. `sgbuild explain SGB103` tells of a rule.")]
pub struct Check {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// A Dockerfile to look at, beside the project's template and one that speaks of SageMaker (repeat for more)
    #[arg(long, value_name = "FILE", help_heading = "What is looked at")]
    pub(crate) dockerfile: Vec<PathBuf>,
    /// An image too: of a registry, or oci:DIR, docker-archive:FILE, docker-daemon:NAME; alone, the one that was built last
    #[arg(long, value_name = "IMAGE", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "What is looked at")]
    pub(crate) image: Option<String>,
    /// The log of a training, on which the metrics' expressions are tried
    #[arg(long, value_name = "FILE", help_heading = "What is looked at")]
    pub(crate) log: Option<PathBuf>,
    /// A file of hyperparameters
    #[arg(long, value_name = "FILE", help_heading = "What is looked at")]
    pub(crate) hyperparameters: Option<PathBuf>,
    /// Ask AWS as well: function, buckets, repository; nothing is changed there
    #[arg(long, help_heading = "What is looked at")]
    pub(crate) aws: bool,
    /// Mend what can be mended without a doubt: SGB005, SGB102, SGB902
    #[arg(long)]
    pub(crate) fix: bool,
    /// Exit with 1 where there are warnings, too
    #[arg(long)]
    pub(crate) strict: bool,
    /// How findings are printed
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = false,
        help_heading = "Output"
    )]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<Self>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As a compiler does
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
}

impl Check {
    /// Whether only files are read.
    pub(crate) fn is_offline(&self) -> bool {
        !self.aws && self.image.is_none()
    }
}

impl HasSettings for Check {
    const GROUPS: &'static [Group] = &[Group::Project, Group::Image, Group::Push, Group::Training];
}
