//! The command line: `clap` types, and nothing else.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::settings::Value;

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
Exit codes: 0 done; 1 you can fix it; 2 usage; 75 temporary, try again; 130 interrupted.

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

/// Where runs are recorded.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Account")]
pub struct AccountFlags {
    /// The table of runs, as `sgbuild status` names it
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,

    /// The AWS region, instead of that of the AWS configuration
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
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

/// How the project is read.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Project")]
pub struct ProjectFlags {
    /// The function that trains, as package.module:function
    #[arg(long, value_name = "OBJECT")]
    pub train: Option<String>,

    /// The function that serves, as package.module:function
    #[arg(long, value_name = "OBJECT")]
    pub serve: Option<String>,

    /// Refuse to run Python to read the project's metadata
    #[arg(long)]
    pub r#static: bool,

    /// The interpreter that is asked where metadata is not static [default: python3]
    #[arg(long, value_name = "PATH")]
    pub python: Option<String>,
}

/// What the image holds.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Image")]
pub struct ImageFlags {
    /// The image to build on, instead of the official Python slim image
    #[arg(long, value_name = "IMAGE")]
    pub base_image: Option<String>,

    /// The Python version of the official image, such as 3.11
    #[arg(long, value_name = "X.Y")]
    pub python_version: Option<String>,

    /// The platform to build for [default: linux/amd64]
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,

    /// A Debian package to install (repeat for more)
    #[arg(long = "system-package", value_name = "NAME")]
    pub system_packages: Vec<String>,

    /// An environment variable of the image (repeat for more)
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    pub environment: Vec<(String, String)>,

    /// A label of the image (repeat for more)
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,

    /// An extra of the package to install (repeat for more)
    #[arg(long = "extra", value_name = "NAME")]
    pub extras: Vec<String>,

    /// Your own Dockerfile template, relative to the project
    #[arg(long, value_name = "FILE")]
    pub dockerfile_template: Option<String>,

    /// The commit, for tag, label and training, instead of git's HEAD
    #[arg(long, value_name = "COMMIT")]
    pub revision: Option<String>,

    /// Keep this machine's pip index settings and netrc out of the build
    #[arg(long)]
    pub no_pip_settings: bool,

    /// Certificates (PEM) that pip trusts in the build
    #[arg(long, value_name = "FILE")]
    pub ca_bundle: Option<String>,
}

/// How the image is built.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Build")]
pub struct EngineFlags {
    /// What builds the image: auto or docker [default: auto]
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<String>,

    /// Ask the registry for a newer base image
    #[arg(long)]
    pub pull: bool,

    /// Build every layer anew
    #[arg(long)]
    pub no_cache: bool,
}

/// Where the image goes.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Push")]
pub struct PushFlags {
    /// A name in your account's ECR, or host/path of any registry [default: the package's name in ECR]
    #[arg(long, value_name = "REPOSITORY")]
    pub repository: Option<String>,

    /// A tag to push (repeat for more) [default: version and short commit]
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,

    /// Fail when the ECR repository is missing
    #[arg(long)]
    pub no_create: bool,

    /// The AWS region, instead of that of the AWS configuration
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

/// How the training is started.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Training")]
pub struct TrainingFlags {
    /// The training Lambda: its name or ARN
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,

    /// The bucket with input/data/training/ and input/config/
    #[arg(long, value_name = "BUCKET")]
    pub source_bucket: Option<String>,

    /// The bucket that receives the model artifact
    #[arg(long, value_name = "BUCKET")]
    pub output_bucket: Option<String>,

    /// ARN of the role that SageMaker trains with
    #[arg(long, value_name = "ARN")]
    pub role: Option<String>,

    /// The training instances' type [default: ml.m5.large]
    #[arg(long, value_name = "TYPE")]
    pub instance_type: Option<String>,

    /// How many instances train [default: 1]
    #[arg(long, value_name = "N")]
    pub instance_count: Option<u64>,

    /// Each instance's volume, in GiB [default: 30]
    #[arg(long, value_name = "GIB")]
    pub volume_size: Option<u64>,

    /// The longest training may take, in seconds [default: 86400]
    #[arg(long, value_name = "SECONDS")]
    pub max_runtime: Option<u64>,

    /// What training job names start with [default: the repository's name]
    #[arg(long, value_name = "NAME")]
    pub job_name: Option<String>,

    /// Identifies the run: at most one training job comes of it [default: a new one; CodeBuild's build id]
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,
}

/// Which stack.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Stack")]
pub struct StackFlags {
    /// The stack's name [default: the repository's name and -pipeline]
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,

    /// The AWS region, instead of that of the AWS configuration
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

/// What the pipeline is made of. A stack that exists keeps what is not given.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Pipeline")]
pub struct PipelineFlags {
    /// Who is told of finished and failed trainings
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,

    /// The user or organisation of the GitHub repository [default: that of git's remote `origin`]
    #[arg(long, value_name = "NAME")]
    pub github_user: Option<String>,

    /// The GitHub repository's name [default: that of git's remote `origin`]
    #[arg(long, value_name = "NAME")]
    pub github_repo: Option<String>,

    /// The branch whose pushes are built [default: main]
    #[arg(long, value_name = "NAME")]
    pub github_branch: Option<String>,

    /// ARN of a connection to GitHub; without one a token is read from the environment (`GITHUB_TOKEN`)
    #[arg(long, value_name = "ARN")]
    pub github_connection: Option<String>,

    /// A bucket with synthetic data below <repository>/, for when there is no training data
    #[arg(long, value_name = "BUCKET")]
    pub synthetic_bucket: Option<String>,

    /// When to build regardless of pushes and data: cron(…) or rate(…)
    #[arg(long, value_name = "EXPRESSION")]
    pub schedule: Option<String>,

    /// What builds the image: docker, in a privileged build, or native
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<String>,

    /// The image that CodeBuild builds in [default: AWS's Amazon Linux]
    #[arg(long, value_name = "IMAGE")]
    pub build_image: Option<String>,

    /// The longest a build may take, in minutes [default: 60]
    #[arg(long, value_name = "MINUTES")]
    pub build_timeout: Option<u64>,

    /// A bucket of yours for sgbuild itself [default: one is made]
    #[arg(long, value_name = "BUCKET")]
    pub code_bucket: Option<String>,

    /// Any other parameter of the template, by its name (repeat for more)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    pub parameters: Vec<(String, String)>,
}

/// `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Flags as settings, in the table's names.
pub trait AsSettings {
    /// Those that were given.
    fn settings(&self) -> Vec<(&'static str, Value)>;
}

fn texts(pairs: &[(&'static str, &Option<String>)]) -> Vec<(&'static str, Value)> {
    pairs
        .iter()
        .filter_map(|(key, value)| Some((*key, Value::Text(value.as_ref()?.clone()))))
        .collect()
}

fn numbers(pairs: &[(&'static str, Option<u64>)]) -> Vec<(&'static str, Value)> {
    pairs
        .iter()
        .filter_map(|(key, value)| Some((*key, Value::Number((*value)?))))
        .collect()
}

fn lists(pairs: &[(&'static str, &Vec<String>)]) -> Vec<(&'static str, Value)> {
    let given = pairs.iter().filter(|(_, list)| !list.is_empty());
    given.map(|(key, list)| (*key, Value::List((*list).clone()))).collect()
}

fn maps(pairs: &[(&'static str, &Vec<(String, String)>)]) -> Vec<(&'static str, Value)> {
    let given = pairs.iter().filter(|(_, map)| !map.is_empty());
    given
        .map(|(key, map)| (*key, Value::Map(map.iter().cloned().collect())))
        .collect()
}

/// `(setting, whether its flag was given, what the flag sets it to)`.
fn switches(flags: &[(&'static str, bool, bool)]) -> Vec<(&'static str, Value)> {
    flags
        .iter()
        .filter(|(_, given, _)| *given)
        .map(|(key, _, value)| (*key, Value::Flag(*value)))
        .collect()
}

impl AsSettings for ProjectFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[("train", &self.train), ("serve", &self.serve), ("python", &self.python)]);
        [texts, switches(&[("static", self.r#static, true)])].concat()
    }
}

impl AsSettings for ImageFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[
            ("base-image", &self.base_image),
            ("python-version", &self.python_version),
            ("platform", &self.platform),
            ("dockerfile-template", &self.dockerfile_template),
            ("revision", &self.revision),
            ("ca-bundle", &self.ca_bundle),
        ]);
        let lists = lists(&[("system-packages", &self.system_packages), ("extras", &self.extras)]);
        let maps = maps(&[("environment", &self.environment), ("labels", &self.labels)]);
        [
            texts,
            lists,
            maps,
            switches(&[("pip-settings", self.no_pip_settings, false)]),
        ]
        .concat()
    }
}

impl AsSettings for AccountFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        texts(&[("table", &self.table), ("region", &self.region)])
    }
}

impl AsSettings for EngineFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let switches = switches(&[("pull", self.pull, true), ("no-cache", self.no_cache, true)]);
        [texts(&[("engine", &self.engine)]), switches].concat()
    }
}

impl AsSettings for PushFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[("repository", &self.repository), ("region", &self.region)]);
        [
            texts,
            lists(&[("tag", &self.tag)]),
            switches(&[("create-repository", self.no_create, false)]),
        ]
        .concat()
    }
}

impl AsSettings for TrainingFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[
            ("function", &self.function),
            ("source-bucket", &self.source_bucket),
            ("output-bucket", &self.output_bucket),
            ("role", &self.role),
            ("instance-type", &self.instance_type),
            ("job-name", &self.job_name),
            ("run-id", &self.run_id),
        ]);
        let numbers = numbers(&[
            ("instance-count", self.instance_count),
            ("volume-size", self.volume_size),
            ("max-runtime", self.max_runtime),
        ]);
        [texts, numbers].concat()
    }
}

impl AsSettings for StackFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        texts(&[("stack", &self.stack), ("region", &self.region)])
    }
}

impl AsSettings for PipelineFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[
            ("email", &self.email),
            ("github-user", &self.github_user),
            ("github-repo", &self.github_repo),
            ("github-branch", &self.github_branch),
            ("github-connection", &self.github_connection),
            ("synthetic-bucket", &self.synthetic_bucket),
            ("schedule", &self.schedule),
            ("engine", &self.engine),
            ("build-image", &self.build_image),
            ("code-bucket", &self.code_bucket),
        ]);
        let numbers = numbers(&[("build-timeout", self.build_timeout)]);
        [texts, numbers, maps(&[("parameters", &self.parameters)])].concat()
    }
}

impl AsSettings for Command {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Inspect(c) => c.project.settings(),
            Self::Dist(c) => [c.project.settings(), c.image.settings()].concat(),
            Self::Build(c) => [c.project.settings(), c.image.settings(), c.engine.settings()].concat(),
            Self::Push(c) => [
                c.project.settings(),
                c.image.settings(),
                c.engine.settings(),
                c.push.settings(),
                c.training.settings(),
            ]
            .concat(),
            Self::Train(c) => [c.training.settings(), texts(&[("region", &c.region)])].concat(),
            Self::Runs(c) => c.account.settings(),
            Self::Logs(c) => c.account.settings(),
            Self::Launch(c) => [c.stack.settings(), c.pipeline.settings()].concat(),
            Self::Status(c) => c.stack.settings(),
            Self::Destroy(c) => c.stack.settings(),
            Self::Settings(_) | Self::Completions(_) => Vec::new(),
        }
    }
}
