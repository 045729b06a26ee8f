//! The settings there are: one table that the flags, the files, `sgbuild settings` and the documentation agree on.

use std::collections::BTreeMap;

use super::{Error, Setting, Value};

/// What kind of value a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One string.
    Text,
    /// A file's path, relative to the project. One that a file of the project gives must lie in the project.
    File,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// Several strings: a TOML array; elsewhere separated by commas or line breaks.
    List,
    /// `NAME=VALUE` pairs: a TOML table; elsewhere separated by line breaks.
    Map,
}

/// Who may decide a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// Everyone: flags, variables and the project's own files.
    Anyone,
    /// Whoever runs sgbuild, by the flag or the variable. A checkout may be a stranger's, and its files decide nothing that
    /// reaches beyond what is built of it.
    Caller {
        /// What a file would decide: `which program is run`.
        what: &'static str,
    },
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its name in the files, in kebab case.
    pub key: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its default, written as in an environment variable.
    pub default: Option<&'static str>,
    /// The variable by which the setuptools-docker pipeline's stack gives it to CodeBuild; read there only.
    pub original: Option<&'static str>,
    /// Who may decide it.
    pub decided_by: DecidedBy,
    /// What it does, in one line.
    pub help: &'static str,
}

const fn setting(key: &'static str, kind: Kind, default: Option<&'static str>, help: &'static str) -> Definition {
    Definition {
        key,
        kind,
        default,
        original: None,
        decided_by: DecidedBy::Anyone,
        help,
    }
}

const fn callers(definition: Definition, what: &'static str) -> Definition {
    Definition {
        decided_by: DecidedBy::Caller { what },
        ..definition
    }
}

const fn original(definition: Definition, variable: &'static str) -> Definition {
    Definition {
        original: Some(variable),
        ..definition
    }
}

const PROGRAM: &str = "which program is run";
pub(super) const WHO_SEES_PASSWORDS: &str = "whether its own lines get your passwords";

/// Every setting, in the order in which they are shown.
pub const DEFINITIONS: &[Definition] = &[
    setting(
        "train",
        Kind::Text,
        None,
        "The function that trains, as package.module:function",
    ),
    setting(
        "serve",
        Kind::Text,
        None,
        "The function that serves, as package.module:function",
    ),
    setting(
        "static",
        Kind::Flag,
        Some("false"),
        "Refuse to run the project's code, to read its metadata or to make its sdist",
    ),
    callers(
        setting(
            "python",
            Kind::Text,
            Some("python3"),
            "The interpreter that is asked where metadata is not static",
        ),
        PROGRAM,
    ),
    setting(
        "python-timeout",
        Kind::Number,
        Some("120"),
        "The longest that Python may take to answer, in seconds",
    ),
    callers(
        setting(
            "uv",
            Kind::Text,
            None,
            "The uv that installs what Python needs to answer; else that on PATH, else a copy of sgbuild's own",
        ),
        PROGRAM,
    ),
    setting(
        "base-image",
        Kind::Text,
        None,
        "The image to build on, instead of the official Python slim image",
    ),
    setting(
        "python-version",
        Kind::Text,
        None,
        "The Python version of the official image, such as 3.11",
    ),
    setting("platform", Kind::Text, Some("linux/amd64"), "The platform to build for"),
    setting(
        "system-packages",
        Kind::List,
        None,
        "Debian packages to install in the image",
    ),
    setting("environment", Kind::Map, None, "Environment variables of the image"),
    setting(
        "labels",
        Kind::Map,
        None,
        "Labels of the image, beside the standard OCI ones",
    ),
    setting("extras", Kind::List, None, "Extras of the package to install"),
    setting(
        "requirements",
        Kind::File,
        None,
        "A requirements.txt or lock file that says what is installed",
    ),
    setting(
        "dockerfile-template",
        Kind::File,
        None,
        "Your own Dockerfile template, relative to the project",
    ),
    setting(
        "source-url",
        Kind::Text,
        None,
        "The source's URL, for the image's label; else git's remote `origin`",
    ),
    setting(
        "revision",
        Kind::Text,
        None,
        "The commit, for tag, label and training; else git's HEAD",
    ),
    setting(
        "pip-settings",
        Kind::Flag,
        Some("true"),
        "Hand this machine's pip index settings and netrc to the build, as secrets",
    ),
    callers(
        setting(
            "netrc-hosts",
            Kind::List,
            None,
            "Hosts beside pip's indexes whose netrc entries the build gets",
        ),
        "which of your passwords the build gets",
    ),
    callers(
        setting(
            "trust-dockerfile",
            Kind::Flag,
            Some("false"),
            "Hand pip's credentials also to a build with Dockerfile lines or pip options of the project's own",
        ),
        WHO_SEES_PASSWORDS,
    ),
    setting(
        "ca-bundle",
        Kind::File,
        None,
        "Certificates that pip trusts in the build; else those that pip trusts here",
    ),
    setting(
        "engine",
        Kind::Text,
        Some("auto"),
        "What builds the image: auto or docker",
    ),
    setting(
        "pull",
        Kind::Flag,
        Some("false"),
        "Ask the registry for a newer base image",
    ),
    setting("no-cache", Kind::Flag, Some("false"), "Build every layer anew"),
    original(
        setting(
            "repository",
            Kind::Text,
            None,
            "Where to push: a name in your account's ECR, or host/path; else the package's name",
        ),
        "FULL_NAME",
    ),
    setting("tag", Kind::List, None, "Tags to push, instead of version and commit"),
    setting(
        "create-repository",
        Kind::Flag,
        Some("true"),
        "Create the ECR repository when it is missing",
    ),
    setting(
        "region",
        Kind::Text,
        None,
        "The AWS region, instead of that of the AWS configuration",
    ),
    setting(
        "table",
        Kind::Text,
        None,
        "The DynamoDB table in which the runs are recorded",
    ),
    original(
        setting(
            "function",
            Kind::Text,
            None,
            "The training Lambda to start after the push: its name or ARN",
        ),
        "FUNCTION_NAME",
    ),
    original(
        setting(
            "source-bucket",
            Kind::Text,
            None,
            "The bucket with input/data/training/ and input/config/",
        ),
        "SRC_BKT_NAME",
    ),
    original(
        setting(
            "output-bucket",
            Kind::Text,
            None,
            "The bucket that receives the model artifact",
        ),
        "OUTPUT_BKT",
    ),
    original(
        setting("role", Kind::Text, None, "ARN of the role that SageMaker trains with"),
        "SAGE_ROLE_ARN",
    ),
    original(
        setting(
            "instance-type",
            Kind::Text,
            Some("ml.m5.large"),
            "The training instances' type",
        ),
        "INSTANCE_TYPE",
    ),
    original(
        setting("instance-count", Kind::Number, Some("1"), "How many instances train"),
        "INSTANCE_CNT",
    ),
    original(
        setting(
            "volume-size",
            Kind::Number,
            Some("30"),
            "Each instance's volume, in GiB",
        ),
        "EBS_VOL_GB",
    ),
    original(
        setting(
            "max-runtime",
            Kind::Number,
            Some("86400"),
            "The longest training may take, in seconds",
        ),
        "RUN_TIME_SEC",
    ),
    setting(
        "metrics",
        Kind::Map,
        None,
        "Metrics in the training's log: names, and regular expressions with one group",
    ),
    original(
        setting(
            "job-name",
            Kind::Text,
            None,
            "What training job names start with; else the repository's name",
        ),
        "REPO_NAME",
    ),
    original(
        setting(
            "run-id",
            Kind::Text,
            None,
            "Identifies the run: at most one training job comes of it; else a new one",
        ),
        "CODEBUILD_BUILD_ID",
    ),
    setting(
        "stack",
        Kind::Text,
        None,
        "The pipeline's CloudFormation stack; else the repository's name and -pipeline",
    ),
    setting(
        "email",
        Kind::Text,
        None,
        "Who is told of finished and failed trainings",
    ),
    setting(
        "github-user",
        Kind::Text,
        None,
        "The user or organisation of the GitHub repository; else that of git's remote `origin`",
    ),
    setting(
        "github-repo",
        Kind::Text,
        None,
        "The GitHub repository's name; else that of git's remote `origin`",
    ),
    setting(
        "github-branch",
        Kind::Text,
        None,
        "The branch whose pushes are built; else main",
    ),
    setting(
        "github-connection",
        Kind::Text,
        None,
        "ARN of a CodeConnections connection to GitHub, instead of a token",
    ),
    setting(
        "synthetic-bucket",
        Kind::Text,
        None,
        "A bucket with synthetic data below <repository>/, for when there is no training data",
    ),
    setting(
        "schedule",
        Kind::Text,
        None,
        "When to build regardless of pushes and data, such as rate(7 days)",
    ),
    setting("build-image", Kind::Text, None, "The image that CodeBuild builds in"),
    setting(
        "build-timeout",
        Kind::Number,
        None,
        "The longest a build may take, in minutes",
    ),
    setting(
        "code-bucket",
        Kind::Text,
        None,
        "A bucket for sgbuild itself; else one is made, named after account and region",
    ),
    setting(
        "parameters",
        Kind::Map,
        None,
        "Other parameters of the stack's template, by its names",
    ),
];

impl Definition {
    /// The definition of `key`.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Self> {
        DEFINITIONS.iter().find(|definition| definition.key == key)
    }

    /// Its environment variable, such as `SGBUILD_SOURCE_BUCKET`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("SGBUILD_{}", self.key.replace('-', "_").to_uppercase())
    }

    /// Its flag, as shown to the user. Flags that turn a default off have a name of their own.
    #[must_use]
    pub fn flag(&self) -> String {
        match self.key {
            "create-repository" => "--no-create".to_owned(),
            "pip-settings" => "--no-pip-settings".to_owned(),
            "environment" => "--env".to_owned(),
            "labels" => "--label".to_owned(),
            "system-packages" => "--system-package".to_owned(),
            "extras" => "--extra".to_owned(),
            "netrc-hosts" => "--netrc-host".to_owned(),
            "metrics" => "--metric".to_owned(),
            "parameters" => "--parameter".to_owned(),
            key => format!("--{key}"),
        }
    }

    pub(super) fn default_value(&'static self) -> Option<Value> {
        self.parse(self.default?, "default").ok()
    }

    /// Reads a value written as text: in a variable, a flag or setup.cfg.
    pub(super) fn parse(&'static self, text: &str, origin: &str) -> Result<Value, Error> {
        let wrong = |found: &str| self.wrong_kind(origin, format!("`{found}`"));
        let items = || text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty());
        match self.kind {
            Kind::Text | Kind::File => Ok(Value::Text(text.trim().to_owned())),
            Kind::Number => text.trim().parse().map(Value::Number).map_err(|_| wrong(text)),
            Kind::Flag => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(Value::Flag(true)),
                "false" | "0" | "no" | "off" => Ok(Value::Flag(false)),
                _ => Err(wrong(text)),
            },
            Kind::List => Ok(Value::List(items().map(ToOwned::to_owned).collect())),
            Kind::Map => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                let pairs = lines.map(|line| line.split_once('=').ok_or_else(|| wrong(line)));
                let map = pairs.map(|pair| pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
                Ok(Value::Map(map.collect::<Result<BTreeMap<_, _>, _>>()?))
            }
        }
    }

    /// Whether the value can be what the setting says: nothing lasts no time, and no instance trains nothing.
    pub(super) fn check(&'static self, setting: Option<&Setting>) -> Result<(), Error> {
        match setting {
            Some(Setting {
                value: Value::Number(0),
                origin,
                ..
            }) => Err(Error::WrongKind {
                origin: origin.clone(),
                key: self.key,
                found: "`0`".to_owned(),
                expected: "a whole number, 1 or more,",
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn wrong_kind(&'static self, origin: &str, found: String) -> Error {
        let expected = match self.kind {
            Kind::Text | Kind::File => "a string",
            Kind::Number => "a whole number",
            Kind::Flag => "true or false",
            Kind::List => "a list of strings",
            Kind::Map => "NAME=VALUE, one a line",
        };
        Error::WrongKind {
            origin: origin.to_owned(),
            key: self.key,
            found,
            expected,
        }
    }
}
