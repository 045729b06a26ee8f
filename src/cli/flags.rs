//! The flags that are settings, in the groups of `--help`.

use clap::Args;

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

    /// Refuse to run the project's code, to read its metadata or to make its sdist
    #[arg(long)]
    pub r#static: bool,

    /// The interpreter that is asked where metadata is not static [default: python3]
    #[arg(long, value_name = "PATH")]
    pub python: Option<String>,

    /// The uv that installs what Python needs to answer [default: that on PATH, else a copy of sgbuild's own]
    #[arg(long, value_name = "PATH")]
    pub uv: Option<String>,
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

    /// A requirements.txt or lock file that says what is installed, relative to the project
    #[arg(long, value_name = "FILE")]
    pub requirements: Option<String>,

    /// Your own Dockerfile template, relative to the project
    #[arg(long, value_name = "FILE")]
    pub dockerfile_template: Option<String>,

    /// The commit, for tag, label and training, instead of git's HEAD
    #[arg(long, value_name = "COMMIT")]
    pub revision: Option<String>,

    /// Keep this machine's pip index settings and netrc out of the build
    #[arg(long)]
    pub no_pip_settings: bool,

    /// A host beside pip's indexes whose netrc entry the build gets (repeat for more)
    #[arg(long = "netrc-host", value_name = "HOST")]
    pub netrc_hosts: Vec<String>,

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

    /// Hand pip's credentials also to a build with Dockerfile lines or pip options of the project's own
    #[arg(long)]
    pub trust_dockerfile: bool,
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

    /// A metric in the training's log: its name, and a regular expression with one group (repeat for more)
    #[arg(long = "metric", value_name = "NAME=REGEX", value_parser = pair)]
    pub metrics: Vec<(String, String)>,

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

    /// What builds the image: auto or docker, which is a privileged build
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
