//! The command line: `clap` types, and nothing else.

mod flags;
mod settings;
mod start;

pub use flags::{
    AccountFlags, EngineFlags, ImageFlags, PipelineFlags, ProjectFlags, PushFlags, StackFlags, TrainingFlags,
};
pub use settings::AsSettings;

use std::path::{Path, PathBuf};

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

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
141 nobody reads the output.

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

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Global {
    /// Only warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Every line of the build's log, also on a terminal
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
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Command {
    /// Show the project's metadata as sgbuild understands it, and where it is from
    Inspect(Inspect),
    /// Write dist/: sdist, Dockerfile, requirements and run.py, a complete build context
    Dist(Dist),
    /// Write dist/ if it is stale, and build the image
    Build(Build),
    /// Build if needed, push the image, and start the training where a function is set
    Push(Push),
    /// Start the training of the image pushed last
    Train(Train),
    /// List what was trained: when, from which commit and data, and what came of it
    Runs(Runs),
    /// Show a training job's log
    Logs(Logs),
    /// Create or update the whole pipeline in AWS: the CloudFormation stack
    Launch(Launch),
    /// Show the pipeline's stack and where its parts are
    Status(Status),
    /// Delete the pipeline's stack; data, models, images and records stay
    Destroy(Destroy),
    /// Show every setting, its value and where it comes from
    Settings(Settings),
    /// Print a completion script for your shell
    Completions(Completions),
}

impl Command {
    /// The project's directory; the current one for a verb that takes none.
    #[must_use]
    pub fn directory(&self) -> &Path {
        let given = match self {
            Self::Inspect(arguments) => &arguments.directory,
            Self::Dist(arguments) => &arguments.directory,
            Self::Build(arguments) => &arguments.directory,
            Self::Push(arguments) => &arguments.directory,
            Self::Train(arguments) => &arguments.directory,
            Self::Runs(arguments) => &arguments.directory,
            Self::Launch(arguments) => &arguments.directory,
            Self::Status(arguments) => &arguments.directory,
            Self::Destroy(arguments) => &arguments.directory,
            Self::Settings(arguments) => &arguments.directory,
            Self::Logs(_) | Self::Completions(_) => return Path::new("."),
        };
        &given.directory
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

/// `sgbuild inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
}

/// `sgbuild dist`.
#[derive(Debug, Args)]
pub struct Dist {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub image: ImageFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry_run: DryRun,
}

/// `sgbuild build`.
#[derive(Debug, Args)]
pub struct Build {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub image: ImageFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub engine: EngineFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry_run: DryRun,
}

/// `sgbuild push`.
#[derive(Debug, Args)]
pub struct Push {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    /// Stop after the push
    #[arg(long, help_heading = "Training", conflicts_with = "wait")]
    pub no_train: bool,
    /// Follow the training job to its end with its log; fail if it fails
    #[arg(long, help_heading = "Training")]
    pub wait: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub image: ImageFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub engine: EngineFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub push: PushFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub training: TrainingFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry_run: DryRun,
}

/// `sgbuild train`.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    /// Follow the training job to its end with its log; fail if it fails
    #[arg(long, help_heading = "Training")]
    pub wait: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub training: TrainingFlags,
    /// The AWS region, instead of that of the AWS configuration
    #[arg(long, value_name = "REGION", help_heading = "Training")]
    pub region: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry_run: DryRun,
}

/// `sgbuild launch`.
#[derive(Debug, Args)]
pub struct Launch {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub stack: StackFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pipeline: PipelineFlags,
    /// The sgbuild that AWS runs, instead of this one: a program for Linux on Intel or Arm
    #[arg(long, value_name = "FILE", help_heading = "Pipeline")]
    pub binary: Option<PathBuf>,
    /// Your own copy of the template
    #[arg(long, value_name = "FILE", help_heading = "Pipeline")]
    pub template: Option<PathBuf>,
    /// Upload sgbuild, print where it is, and leave the stack to others
    #[arg(long, help_heading = "Pipeline")]
    pub upload_only: bool,
    /// Go on although a bucket, repository or table would be replaced
    #[arg(long, help_heading = "Pipeline")]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry_run: DryRun,
}

/// `sgbuild status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub stack: StackFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
}

/// `sgbuild destroy`.
#[derive(Debug, Args)]
pub struct Destroy {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub stack: StackFlags,
    /// Delete without being asked again
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dry_run: DryRun,
}

/// `sgbuild runs`.
#[derive(Debug, Args)]
pub struct Runs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    /// How many to list, newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub account: AccountFlags,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
}

/// `sgbuild logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The training job [default: the newest in the table of runs]
    #[arg(value_name = "JOB")]
    pub job: Option<String>,
    /// Go on until the job ends; fail if it fails
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub account: AccountFlags,
    /// Print one JSON object a line
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// `sgbuild settings`.
#[derive(Debug, Args)]
pub struct Settings {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub directory: Directory,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub json: Json,
}

/// `sgbuild completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// The shells that completions are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}
