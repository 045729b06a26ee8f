//! The command line: `clap` types, and nothing else. A file a command, with its arguments.

mod base;
mod build;
mod cache;
mod check;
mod completions;
mod destroy;
mod diff;
mod dist;
mod execute;
mod explain;
mod init;
mod inspect;
mod launch;
mod lineage;
mod local;
mod logs;
mod man;
mod push;
mod report;
mod runs;
mod serve;
mod setting_flags;
mod settings;
mod status;
mod train;

pub use base::Base;
pub use build::Build;
pub use cache::{Action, Cache};
pub use check::{Check, Format};
pub use completions::{Completions, Shell};
pub use destroy::Destroy;
pub use diff::Diff;
pub use dist::Dist;
pub use execute::Execute;
pub use explain::Explain;
pub use init::Init;
pub use inspect::Inspect;
pub use launch::Launch;
pub use lineage::Lineage;
pub use local::{Local, Trainer};
pub use logs::Logs;
pub use man::Man;
pub use push::Push;
pub use report::Report;
pub use runs::Runs;
pub use serve::Serve;
pub(crate) use setting_flags::{HasSettings, SettingFlags};
pub use settings::Settings;
pub use status::Status;
pub use train::Train;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::settings::{Definition, Value};
use crate::shown;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Turns a Python package into a SageMaker training image in ECR, and starts the training.
///
/// The project is the directory with setup.py, setup.cfg or pyproject.toml. What `sgbuild settings` lists can be given as
/// SGBUILD_<NAME> in the environment, in [tool.sgbuild] of pyproject.toml, or in [sgbuild] of setup.cfg; most of it also as
/// a flag, which comes first.
#[derive(Debug, Parser)]
#[command(name = "sgbuild", version, styles = STYLES, max_term_width = 110, propagate_version = false)]
#[command(after_help = "\
Exit codes: 0 done; 1 you can fix it; 2 usage; 75 temporary, try again; 130 interrupted;
141 nobody reads the output. Of `error[CODE]`, `sgbuild explain CODE` tells more.

Examples:
  sgbuild inspect                 what sgbuild understands of the project here
  sgbuild dist                    dist/: sdist, Dockerfile, requirements and run.py
  IMAGE=$(sgbuild push)           build, push to ECR and, where a function is set, start the training")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// For every command.
    #[command(flatten)]
    pub global: Global,
}

impl Cli {
    /// The process's command line.
    ///
    /// # Errors
    /// What clap has to say of it: what is wrong, or the help or version that was asked for.
    pub fn of_process() -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = env::args_os().collect();
        Self::try_parse_from(&arguments).map_err(|error| {
            // Its words quote arguments as they are: they are to quote what is safe to be shown.
            let shown = arguments.iter().map(|argument| argument.to_string_lossy());
            let shown = shown.map(|argument| shown::cell(&argument).into_owned());
            Self::try_parse_from(shown).err().unwrap_or(error)
        })
    }
}

/// Flags of every command.
#[derive(Debug, Args)]
// Behind what a command has of its own, however many commands there are.
#[command(next_help_heading = "Output", next_display_order = 1000)]
pub struct Global {
    /// Only warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// What tools write too: every line of the build's log, also on a terminal
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false
    )]
    pub color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the settings to begin with; in an empty directory, a package that trains
    Init(Init),
    /// Show the project's metadata as sgbuild understands it, and where it is from
    Inspect(Inspect),
    /// Look for what would fail: in project, Dockerfile, image and request
    Check(Check),
    /// Write dist/: sdist, Dockerfile, requirements and run.py, a complete build context
    Dist(Dist),
    /// Write dist/ if it is stale, and build the image
    Build(Build),
    /// Build if needed, push the image, and start the training where a function is set
    Push(Push),
    /// Make a base image of what only Docker can do for the image, once, so that every later build is native
    Base(Base),
    /// Start the training of the image pushed last
    Train(Train),
    /// Serve on this machine as an endpoint of SageMaker's does, and try it
    Serve(Serve),
    /// Run one more command in the image
    Execute(Execute),
    /// List what was trained: when, from which commit and data, and what came of it
    Runs(Runs),
    /// Make a page of what was trained: metrics over time, failures, two runs side by side
    Report(Report),
    /// Show what a model was made of, or what was made of a commit, an image or data
    Lineage(Lineage),
    /// Show a training job's log
    Logs(Logs),
    /// Create or update the whole pipeline in AWS: the CloudFormation stack
    Launch(Launch),
    /// Show the pipeline's stack and where its parts are
    Status(Status),
    /// Delete the pipeline's stack; data, models, images and records stay
    Destroy(Destroy),
    /// Show what differs between two pushed images: requirements, settings, files, layers
    Diff(Diff),
    /// Show what is kept of wheels between builds, and clear it
    Cache(Cache),
    /// Show every setting, its value and where it comes from
    Settings(Settings),
    /// Tell more of an error: what it means, its usual causes, what to do
    Explain(Explain),
    /// Print a completion script for your shell
    Completions(Completions),
    /// Write the manual pages: one of sgbuild, one of each command
    Man(Man),
}

impl Command {
    /// The project's directory; the current one for a verb that takes none.
    #[must_use]
    pub fn directory(&self) -> &Path {
        let given = match self {
            Self::Init(arguments) => &arguments.directory,
            Self::Inspect(arguments) => &arguments.directory,
            Self::Check(arguments) => &arguments.directory,
            Self::Dist(arguments) => &arguments.directory,
            Self::Build(arguments) => &arguments.directory,
            Self::Push(arguments) => &arguments.directory,
            Self::Base(arguments) => &arguments.directory,
            Self::Train(arguments) => &arguments.directory,
            Self::Serve(arguments) => &arguments.directory,
            Self::Execute(arguments) => &arguments.directory,
            Self::Runs(arguments) => &arguments.directory,
            Self::Report(arguments) => &arguments.directory,
            Self::Launch(arguments) => &arguments.directory,
            Self::Status(arguments) => &arguments.directory,
            Self::Destroy(arguments) => &arguments.directory,
            Self::Settings(arguments) => &arguments.directory,
            Self::Lineage(_)
            | Self::Logs(_)
            | Self::Diff(_)
            | Self::Cache(_)
            | Self::Explain(_)
            | Self::Completions(_)
            | Self::Man(_) => {
                return Path::new(".");
            }
        };
        &given.directory
    }

    /// The settings that its flags give.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static Definition, Value)> {
        let given = match self {
            Self::Inspect(arguments) => &arguments.settings.given,
            Self::Check(arguments) => &arguments.settings.given,
            Self::Dist(arguments) => &arguments.settings.given,
            Self::Build(arguments) => &arguments.settings.given,
            Self::Push(arguments) => &arguments.settings.given,
            Self::Base(arguments) => &arguments.settings.given,
            Self::Train(arguments) => &arguments.settings.given,
            Self::Serve(arguments) => &arguments.settings.given,
            Self::Execute(arguments) => &arguments.settings.given,
            Self::Runs(arguments) => &arguments.settings.given,
            Self::Report(arguments) => &arguments.settings.given,
            Self::Lineage(arguments) => &arguments.settings.given,
            Self::Logs(arguments) => &arguments.settings.given,
            Self::Launch(arguments) => &arguments.settings.given,
            Self::Status(arguments) => &arguments.settings.given,
            Self::Diff(arguments) => &arguments.settings.given,
            Self::Destroy(arguments) => &arguments.settings.given,
            Self::Init(_)
            | Self::Cache(_)
            | Self::Settings(_)
            | Self::Explain(_)
            | Self::Completions(_)
            | Self::Man(_) => {
                return Vec::new();
            }
        };
        given.clone()
    }
}

/// The project's directory.
#[derive(Debug, Args)]
pub struct Directory {
    /// The project's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
}

/// `--json`.
#[derive(Debug, Args)]
pub struct Json {
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// `--dry-run`.
#[derive(Debug, Args)]
pub struct DryRun {
    /// Say what would be done, and change nothing
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_one_that_clap_can_build() {
        Cli::command().debug_assert();
    }
}
