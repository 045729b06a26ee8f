//! The settings there are, one row a setting. Flags and their help, variables, files, `sgbuild settings` and the table in
//! docs/configuration.md all follow from a row.
//!
//! A row says: the setting's key and what it does, its default, its flag with the groups of `--help` that show it, and what else
//! there is to say; [`Key`] lists what that can be. Its stage reads it by the row's name: `settings.get(&table::PLATFORM)`.

use super::definition::Definition;
use super::flag::Group::{Account, Base, Build, Diff, Image, Pipeline, Project, Push, Stack, Train, Training};
use super::flag::at;
use super::key::{Fields, File, Key, List, Map, Number, Switch, Text, fields, file, list, map, number, switch, text};
use crate::training::rules::MAX_RUNTIME_SECONDS;

/// What a file would decide that named a program.
const PROGRAM: &str = "which program is run";
/// What a file would decide that named another repository than its own.
const WHOSE_REPOSITORY: &str = "whose repository AWS builds";
/// What a file would decide that trusted its own lines.
const WHO_SEES_PASSWORDS: &str = "whether its own lines get your passwords";

/// As many instances, or GiB of a volume, as SageMaker's requests can name.
const MOST: u64 = i32::MAX as u64;

/// Makes a static of each row, and [`TABLE`] of all of them: a row cannot be forgotten there.
macro_rules! table {
    ($($name:ident: $of:ty = $row:expr;)*) => {
        $(pub(crate) static $name: Key<$of> = $row;)*

        /// Every setting, in the order in which they are shown.
        pub(super) static TABLE: &[&Definition] = &[$(&$name.definition),*];
    };
}

table! {
    // How the project is read.

    TRAIN: Option<Text> = text("train", "The function that trains: an entry point's name, or package.module:function")
        .flag("NAME", &[at(Project)])
        .documented_default("from the entry points");

    SERVE: Option<Text> = text("serve", "What serves: an entry point's name, or package.module:object")
        .flag("NAME", &[at(Project)])
        .documented_default("from the entry points")
        .documented("What [serves](serving.md), a function of a payload, an app, or a server of its own: an entry point's name, or package.module:object");

    INITIALIZER: Option<Text> = text("initializer", "What makes the model that is served: an entry point's name, or package.module:function")
        .flag("NAME", &[at(Project)])
        .documented_default("from the entry points")
        .documented("The function that makes the model which is [served](serving.md), once a worker: an entry point's name, or package.module:function");

    STATIC: Switch = switch("static", "Refuse to run the project's code, to read its metadata or to make its archives")
        .bare_flag(&[at(Project)]);

    PYTHON: Text = text("python", "The interpreter that is asked where metadata is not static")
        .default("python3")
        .flag("PATH", &[at(Project)])
        .callers(PROGRAM);

    PYTHON_TIMEOUT: Number = number("python-timeout", "The longest that Python may take to answer, in seconds")
        .default(120);

    UV: Option<Text> = text("uv", "The uv that installs what Python needs to answer")
        .otherwise("that on PATH, else a copy of sgbuild's own")
        .flag("PATH", &[at(Project)])
        .callers(PROGRAM)
        .documented("The [uv](https://docs.astral.sh/uv/) (0.7 or newer) that installs what Python needs to answer");

    ALLOW: List = list("allow", "Findings of `sgbuild check` that are meant, each with its reason")
        .documented("Findings of `sgbuild check` that are meant, each with its reason: `SGB205: the instances have disks of their own`, see [checking](check.md#what-is-meant)");

    // What the image holds.

    BASE_IMAGE: Option<Text> = text("base-image", "The image to build on, instead of the official Python slim image")
        .flag("IMAGE", &[at(Image)])
        .flag_help("The image to build on, instead of the official Python slim image: of a registry, or oci:DIR, docker-archive:FILE, docker-daemon:NAME")
        .documented_default("`public.ecr.aws/docker/library/python:X.Y-slim`")
        .documented("The image to build on, of a registry or of this machine, see below; private ECR images are logged in to by themselves");

    PYTHON_VERSION: Option<Text> = text("python-version", "The Python version of the official image, such as 3.11")
        .flag("X.Y", &[at(Image)])
        .documented_default("`python_version` of `setup()`, else one that `python_requires` allows");

    PLATFORM: Text = text("platform", "The platform to build for")
        .default("linux/amd64")
        .one_of(&["linux/amd64", "linux/arm64"])
        .flag("OS/ARCH", &[
            at(Image),
            at(Diff).saying("The platform, where a name has images for several"),
        ])
        .documented("The platform to build for: what SageMaker's training instances run; `linux/arm64` for other machines");

    SYSTEM_PACKAGES: List = list("system-packages", "Debian packages to install in the image")
        .flag("NAME", &[at(Image)])
        .flag_name("system-package")
        .flag_help("A Debian package to install (repeat for more)")
        .documented("Debian packages to install in the image, such as `build-essential` for requirements without wheels");

    ENVIRONMENT: Map = map("environment", "Environment variables of the image")
        .flag("NAME=VALUE", &[at(Image)])
        .flag_name("env")
        .flag_help("An environment variable of the image (repeat for more)");

    USER: Option<Text> = text("user", "Who runs the training in the image: a user, or user:group, by name or number")
        .otherwise("root, as SageMaker expects")
        .flag("USER", &[at(Image)])
        .flag_help("Who runs the training in the image [default: root]")
        .documented_default("root, or a `USER` of `dockerlines`");

    LABELS: Map = map("labels", "Labels of the image, beside the standard OCI ones")
        .flag("NAME=VALUE", &[at(Image)])
        .flag_name("label")
        .flag_help("A label of the image (repeat for more)");

    EXTRAS: List = list("extras", "Extras of the package to install")
        .flag("NAME", &[at(Image)])
        .flag_name("extra")
        .flag_help("An extra of the package to install (repeat for more)");

    REQUIREMENTS: Option<File> = file("requirements", "A requirements.txt or lock file that says what is installed")
        .flag("FILE", &[at(Image)])
        .flag_help("A requirements.txt or lock file that says what is installed, relative to the project")
        .documented("A `requirements.txt` or lock file that says what is installed, see below");

    DOCKERFILE_TEMPLATE: Option<File> = file("dockerfile-template", "Your own Dockerfile template, relative to the project")
        .flag("FILE", &[at(Image)])
        .documented("Your own Dockerfile template, see below");

    SOURCE_URL: Option<Text> = text("source-url", "The source's URL, for the image's label")
        .otherwise("git's remote `origin`");

    REVISION: Option<Text> = text("revision", "The commit, for tag, label and training")
        .otherwise("git's HEAD")
        .flag("COMMIT", &[at(Image)])
        .flag_help("The commit, for tag, label and training, instead of git's HEAD")
        .documented_default("CodeBuild's, else git's HEAD");

    // How the image is built.

    PIP_SETTINGS: Switch = switch("pip-settings", "Hand this machine's pip index settings and netrc to the build, as secrets")
        .on()
        .bare_flag(&[at(Image)])
        .flag_name("no-pip-settings")
        .flag_help("Keep this machine's pip index settings and netrc out of the build");

    NETRC_HOSTS: List = list("netrc-hosts", "Hosts beside pip's indexes whose netrc entries the build gets")
        .flag("HOST", &[at(Image)])
        .flag_name("netrc-host")
        .flag_help("A host beside pip's indexes whose netrc entry the build gets (repeat for more)")
        .callers("which of your passwords the build gets");

    TRUST_DOCKERFILE: Switch = switch("trust-dockerfile",
            "Hand pip's credentials also to a build with Dockerfile lines or pip options of the project's own")
        .bare_flag(&[at(Build).after("no-cache")])
        .callers(WHO_SEES_PASSWORDS);

    CA_BUNDLE: Option<File> = file("ca-bundle", "Certificates that pip trusts in the build")
        .otherwise("those that pip trusts here")
        .flag("FILE", &[at(Image)])
        .flag_help("Certificates (PEM) that pip trusts in the build")
        .documented("Certificates (PEM) that pip trusts in the build");

    ENGINE: Text = text("engine", "What builds the image: auto, native or docker")
        .default("auto")
        .one_of(&["auto", "native", "docker"])
        .flag("ENGINE", &[
            at(Build),
            at(Pipeline).after("schedule").saying("What builds the image: auto or docker, in a privileged build, or native"),
        ])
        .parameter("Engine")
        .documented("What builds the image: `native`, sgbuild itself, or `docker`, the Docker daemon or podman; `auto` is native where that can make the image, else Docker");

    PULL: Switch = switch("pull", "Ask the registry for a newer base image")
        .bare_flag(&[at(Build), at(Base)]);

    UPGRADE: Switch = switch("upgrade", "Resolve the requirements anew, to the newest versions that they allow")
        .bare_flag(&[at(Build)])
        .documented("Resolve the requirements anew, to the newest versions that they allow: the native engine keeps what they came to");

    NO_CACHE: Switch = switch("no-cache", "Build every layer anew")
        .bare_flag(&[at(Build), at(Base).saying("Make it anew, also where the repository has it")]);

    BYTECODE: Switch = switch("bytecode", "Put the requirements' byte code into a native image, as pip does")
        .on()
        .bare_flag(&[at(Build)])
        .flag_name("no-bytecode")
        .flag_help("Leave the requirements' byte code out of a native image")
        .documented("Put the requirements' byte code into a native image, as pip does, where this machine has a Python of the image's version");

    SBOM: Text = text("sbom", "The list of what is in a native image: file, attach or off")
        .default("file")
        .one_of(&["file", "attach", "off"])
        .flag("WHERE", &[at(Build)])
        .flag_help("List what is in a native image: file, in dist/; attach, to the pushed image too; or off")
        .documented("The list of what is in a native image (CycloneDX): `file` writes it to `dist/`, `attach` sends it to the registry with the image too, `off` makes none; see below");

    LAST_IMAGE: Switch = switch("last-image", "Believe the repository's last native image what its layers are made of")
        .on()
        .bare_flag(&[at(Build)])
        .flag_name("no-last-image")
        .flag_help("Fetch every wheel that is not here, whatever the repository's last image tells")
        .documented("Believe the last native image of the repository what its layers are made of: what is in it already is neither fetched nor made anew, see [security](security.md#the-last-images-word)");

    CACHE_SIZE: Number = number("cache-size", "How much is kept of wheels between builds, in GB")
        .default(20)
        .between(1, 100_000)
        .callers("what is kept on your disk")
        .documented("How much is kept of wheels between builds, in GB; what was used least lately goes first, see `sgbuild cache`");

    // Where the image goes.

    REPOSITORY: Option<Text> = text("repository", "Where to push: a name in your account's ECR, or host/path")
        .otherwise("the package's name")
        .flag("REPOSITORY", &[at(Push), at(Base)])
        .flag_help("A name in your account's ECR, or host/path of any registry [default: the package's name in ECR]")
        .in_codebuild("FULL_NAME")
        .documented("Where to push: a name in your account's ECR, or `host/path` of any registry");

    TAG: List = list("tag", "Tags to push, instead of version and commit")
        .flag("TAG", &[at(Push)])
        .flag_help("A tag to push (repeat for more) [default: version and short commit]")
        .documented_default("version and short commit, `1.0.0-3f2a9c1`")
        .documented("Tags to push; `latest` only when you say so");

    CREATE_REPOSITORY: Switch = switch("create-repository", "Create the ECR repository when it is missing")
        .on()
        .bare_flag(&[at(Push), at(Base)])
        .flag_name("no-create")
        .flag_help("Fail when the ECR repository is missing")
        .documented("Create the ECR repository when it is missing, with scan on push");

    REGION: Option<Text> = text("region", "The AWS region, instead of that of the AWS configuration")
        .flag("REGION", &[at(Push), at(Base), at(Diff), at(Train), at(Stack).after("stack"), at(Account).after("table")])
        .documented_default("the AWS configuration's")
        .documented("The AWS region");

    // How the training is started, and where it is recorded.

    RUNS_TABLE: Option<Text> = text("table", "The DynamoDB table in which the runs are recorded")
        .flag("NAME", &[at(Account)])
        .flag_help("The table of runs, as `sgbuild status` names it")
        .documented("The DynamoDB table in which the runs are recorded, for `sgbuild runs`");

    FUNCTION: Option<Text> = text("function", "The training Lambda to start after the push: its name or ARN")
        .flag("NAME", &[at(Training)])
        .flag_help("The training Lambda: its name or ARN")
        .in_codebuild("FUNCTION_NAME")
        .documented("The training Lambda to start after the push: its name or ARN; without it nothing is started");

    SOURCE_BUCKET: Option<Text> = text("source-bucket", "The bucket with input/data/training/ and input/config/")
        .flag("BUCKET", &[at(Training)])
        .in_codebuild("SRC_BKT_NAME");

    OUTPUT_BUCKET: Option<Text> = text("output-bucket", "The bucket that receives the model artifact")
        .flag("BUCKET", &[at(Training)])
        .in_codebuild("OUTPUT_BKT");

    ROLE: Option<Text> = text("role", "ARN of the role that SageMaker trains with")
        .flag("ARN", &[at(Training)])
        .in_codebuild("SAGE_ROLE_ARN");

    INSTANCE_TYPE: Text = text("instance-type", "The training instances' type")
        .default("ml.m5.large")
        .flag("TYPE", &[at(Training)])
        .in_codebuild("INSTANCE_TYPE")
        .parameter("InstanceType");

    INSTANCE_COUNT: Number = number("instance-count", "How many instances train")
        .default(1)
        .between(1, MOST)
        .flag("N", &[at(Training)])
        .in_codebuild("INSTANCE_CNT")
        .parameter("InstanceCount");

    VOLUME_SIZE: Number = number("volume-size", "Each instance's volume, in GiB")
        .default(30)
        .between(1, MOST)
        .flag("GIB", &[at(Training)])
        .in_codebuild("EBS_VOL_GB")
        .parameter("VolInGB");

    MAX_RUNTIME: Number = number("max-runtime", "The longest training may take, in seconds")
        .default(86_400)
        .between(1, MAX_RUNTIME_SECONDS.unsigned_abs() as u64)
        .flag("SECONDS", &[at(Training)])
        .in_codebuild("RUN_TIME_SEC")
        .parameter("MaxRuntimeInSeconds")
        .documented("The longest training may take, in seconds; 28 days at most");

    METRICS: Map = map("metrics", "Metrics in the training's log: names, and regular expressions with one group")
        .flag("NAME=REGEX", &[at(Training).after("job-name")])
        .flag_name("metric")
        .flag_help("A metric in the training's log: its name, and a regular expression with one group (repeat for more)")
        .documented(
            "Metrics in the training's log: `accuracy=accuracy=([0-9.]+)`, the name and a regular expression with one group",
        );

    JOB_NAME: Option<Text> = text("job-name", "What training job names start with")
        .otherwise("the repository's name")
        .flag("NAME", &[at(Training)])
        .in_codebuild("REPO_NAME");

    RUN_ID: Option<Text> = text("run-id", "Identifies the run: at most one training job comes of it")
        .otherwise("a new one")
        .flag("ID", &[at(Training)])
        .flag_help("Identifies the run: at most one training job comes of it [default: a new one; CodeBuild's build id]")
        .in_codebuild("CODEBUILD_BUILD_ID")
        .documented_default("CodeBuild's build id, else a new one");

    // What of the training job not everybody says. What reaches beyond the project is the caller's: networks, keys, reserved instances.

    SPOT: Switch = switch("spot", "Train on spot instances, which cost less and may be taken away")
        .bare_flag(&[at(Training)]);

    MAX_WAIT: Option<Number> = number("max-wait", "The longest that waiting for spot instances and training may take together, in seconds")
        .between(1, MOST)
        .flag("SECONDS", &[at(Training)]);

    MAX_PENDING: Option<Number> = number("max-pending", "The longest a job may wait for accelerated instances, in seconds")
        .between(1_800, 2_419_200)
        .flag("SECONDS", &[at(Training)])
        .documented("The longest a job may wait for accelerated instances, in seconds: 1800 to 2419200");

    RETRY_ATTEMPTS: Option<Number> = number("retry-attempts", "How often SageMaker tries again after an error of its own")
        .between(1, 30)
        .flag("N", &[at(Training)])
        .documented("How often SageMaker tries again after an error of its own, 30 times at most");

    CHECKPOINTS: Option<Text> = text("checkpoints", "Where in S3 the training's checkpoints are kept, as s3://bucket/folder/")
        .flag("URI", &[at(Training)]);

    CHECKPOINT_PATH: Option<Text> = text("checkpoint-path", "The container's directory with the checkpoints")
        .otherwise("/opt/ml/checkpoints")
        .flag("PATH", &[at(Training)])
        .documented_default("`/opt/ml/checkpoints`");

    INPUT_MODE: Option<Text> = text("input-mode", "How data reaches the container: File, FastFile or Pipe")
        .otherwise("File")
        .one_of(&["File", "FastFile", "Pipe"])
        .flag("MODE", &[at(Training)])
        .documented_default("`File`");

    CHANNELS: Map = map("channels", "Further channels: names, and where in S3 their data is")
        .flag("NAME=URI", &[at(Training)])
        .flag_name("channel")
        .flag_help("A further channel: its name, and where in S3 its data is (repeat for more)");

    CHANNEL_MODES: Map = map("channel-modes", "Channels whose data reaches the container in another mode")
        .flag("NAME=MODE", &[at(Training)])
        .flag_name("channel-mode")
        .flag_help("A channel whose data reaches the container in another mode (repeat for more)");

    CONTENT_TYPES: Map = map("content-types", "The MIME types of channels' data, such as training=text/csv")
        .flag("NAME=TYPE", &[at(Training)])
        .flag_name("content-type")
        .flag_help("The MIME type of a channel's data, such as training=text/csv (repeat for more)");

    INSTANCE_GROUPS: List = list("instance-groups", "Groups of instances instead of one type: workers=ml.g5.xlarge:2")
        .flag("NAME=TYPE:N", &[at(Training)])
        .flag_name("instance-group")
        .flag_help("A group of instances, instead of type and count, such as workers=ml.g5.xlarge:2 (repeat for more)")
        .documented("Groups of instances instead of one `instance-type` and `instance-count`: `workers=ml.g5.xlarge:2`, name, type and count")
        .parameter("InstanceGroups");

    KEEP_ALIVE: Option<Number> = number("keep-alive", "How long instances are kept warm for the next training, in seconds")
        .between(1, 21_600)
        .flag("SECONDS", &[at(Training)])
        .documented("How long instances are kept warm (and paid for) for the next training, in seconds, 21600 at most");

    TRAINING_PLAN: Option<Text> = text("training-plan", "ARN of the training plan whose reserved instances train")
        .flag("ARN", &[at(Training)])
        .parameter("TrainingPlanArn")
        .callers("which reserved instances train");

    INFRASTRUCTURE_CHECK: Switch = switch("infrastructure-check", "Have SageMaker check accelerated instances before it trains")
        .bare_flag(&[at(Training)]);

    SUBNETS: List = list("subnets", "Subnets of a VPC that the training is in")
        .flag("ID", &[at(Training)])
        .flag_name("subnet")
        .flag_help("A subnet of a VPC that the training is in (repeat for more)")
        .callers("which network the training is in");

    SECURITY_GROUPS: List = list("security-groups", "What the VPC lets the training reach")
        .flag("ID", &[at(Training)])
        .flag_name("security-group")
        .flag_help("A security group of the training in its VPC (repeat for more)")
        .callers("which network the training is in");

    ENCRYPT_TRAFFIC: Switch = switch("encrypt-traffic", "Encrypt what the training's instances send each other")
        .bare_flag(&[at(Training)]);

    NETWORK_ISOLATION: Switch = switch("network-isolation", "Let the container reach no network at all")
        .bare_flag(&[at(Training)]);

    OUTPUT_KEY: Option<Text> = text("output-key", "The KMS key that the model is encrypted with")
        .otherwise("the account's own for S3")
        .flag("KEY", &[at(Training)])
        .callers("whose key encrypts the model")
        .documented("The KMS key that the model is encrypted with: its id, ARN or alias");

    VOLUME_KEY: Option<Text> = text("volume-key", "The KMS key that the instances' volumes are encrypted with")
        .flag("KEY", &[at(Training)])
        .callers("whose key encrypts the volumes")
        .documented("The KMS key that the instances' volumes are encrypted with: its id, ARN or alias; not for instances with disks of their own");

    JOB_TAGS: Map = map("job-tags", "Tags of the training job, beside sgbuild's own")
        .flag("KEY=VALUE", &[at(Training)])
        .flag_name("job-tag")
        .flag_help("A tag of the training job, beside sgbuild's own (repeat for more)");

    TRAINING_ENVIRONMENT: Map = map("training-environment", "Environment variables of the training container; no secrets: AWS shows them")
        .flag("NAME=VALUE", &[at(Training)])
        .flag_name("training-env")
        .flag_help("An environment variable of the training container (repeat for more); no secrets: AWS shows them");

    PROFILER: Switch = switch("profiler", "Have SageMaker Debugger profile the instances")
        .bare_flag(&[at(Training)]);

    FURTHER: Fields = fields("training", "Further fields of CreateTrainingJob, as SageMaker names them")
        .flag("JSON", &[at(Training)])
        .flag_name("training")
        .flag_help("Further fields of CreateTrainingJob, as SageMaker names them: a JSON object")
        .documented("Further fields of CreateTrainingJob, as SageMaker names them, see below");

    // The pipeline in AWS.

    STACK: Option<Text> = text("stack", "The pipeline's CloudFormation stack")
        .otherwise("the repository's name and -pipeline")
        .flag("NAME", &[at(Stack)])
        .flag_help("The stack's name [default: the repository's name and -pipeline]")
        .documented_default("the repository's name and `-pipeline`");

    EMAIL: Option<Text> = text("email", "Who is told of finished and failed trainings")
        .flag("ADDRESS", &[at(Pipeline)])
        .parameter("Email");

    GITHUB_USER: Option<Text> = text("github-user", "The user or organisation of the GitHub repository")
        .otherwise("that of git's remote `origin`")
        .flag("NAME", &[at(Pipeline)])
        .parameter("GitHubUser")
        .callers(WHOSE_REPOSITORY);

    GITHUB_REPO: Option<Text> = text("github-repo", "The GitHub repository's name")
        .otherwise("that of git's remote `origin`")
        .flag("NAME", &[at(Pipeline)])
        .parameter("GitHubRepo")
        .callers(WHOSE_REPOSITORY);

    GITHUB_BRANCH: Option<Text> = text("github-branch", "The branch whose pushes are built")
        .otherwise("main")
        .flag("NAME", &[at(Pipeline)])
        .parameter("GitHubBranch")
        .callers(WHOSE_REPOSITORY)
        .documented_default("`main`");

    GITHUB_HOST: Option<Text> = text("github-host", "The host of GitHub, or of your GitHub Enterprise server")
        .otherwise("that of git's remote `origin`")
        .flag("HOST", &[at(Pipeline)])
        .parameter("GitHubHost")
        .callers(WHOSE_REPOSITORY)
        .documented_default("that of git's remote `origin`, else `github.com`");

    GITHUB_CONNECTION: Option<Text> = text("github-connection",
            "ARN of a CodeConnections connection to GitHub, instead of a token")
        .flag("ARN", &[at(Pipeline)])
        .flag_help("ARN of a connection to GitHub; without one a token is read from the environment (`GITHUB_TOKEN`)")
        .parameter("GitHubConnectionArn")
        .callers(WHOSE_REPOSITORY)
        .documented("ARN of a CodeConnections connection to GitHub; without it, `GITHUB_TOKEN` in the environment");

    SYNTHETIC_BUCKET: Option<Text> = text("synthetic-bucket",
            "A bucket with synthetic data below <repository>/, for when there is no training data")
        .flag("BUCKET", &[at(Pipeline)])
        .parameter("SyntheticBucketName")
        .documented("A bucket with synthetic data below `<repository>/`, for when there is no training data");

    SCHEDULE: Option<Text> = text("schedule", "When to build regardless of pushes and data, such as rate(7 days)")
        .flag("EXPRESSION", &[at(Pipeline)])
        .flag_help("When to build regardless of pushes and data: cron(…) or rate(…)")
        .parameter("ScheduleExpression")
        .documented("When to build regardless of pushes and data, such as `rate(7 days)`");

    BUILD_IMAGE: Option<Text> = text("build-image", "The image that CodeBuild builds in")
        .flag("IMAGE", &[at(Pipeline)])
        .flag_help("The image that CodeBuild builds in [default: AWS's Amazon Linux]")
        .parameter("PythonBuildVersion")
        .callers("what AWS runs the builds in")
        .documented_default("AWS's Amazon Linux");

    // What CodeBuild takes: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html, timeoutInMinutes.
    BUILD_TIMEOUT: Option<Number> = number("build-timeout", "The longest a build may take, in minutes")
        .between(5, 2160)
        .flag("MINUTES", &[at(Pipeline)])
        .flag_help("The longest a build may take, in minutes [default: 60]")
        .parameter("BuildTimeoutMins")
        .documented("The longest a build may take, in minutes: 5 to 2160, as CodeBuild has it")
        .documented_default("`60`");

    CODE_BUCKET: Option<Text> = text("code-bucket", "A bucket for sgbuild itself")
        .otherwise("one is made, named after account and region")
        .flag("BUCKET", &[at(Pipeline)])
        .flag_help("A bucket of yours for sgbuild itself [default: one is made]")
        .documented_default("`sgbuild-<account>-<region>`, made when missing");

    PARAMETERS: Map = map("parameters", "Other parameters of the stack's template, by its names")
        .flag("NAME=VALUE", &[at(Pipeline)])
        .flag_name("parameter")
        .flag_help("Any other parameter of the template, by its name (repeat for more)")
        .callers("what the pipeline in AWS is made of");
}
