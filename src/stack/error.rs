//! Why the stack is not as it should be.

use std::io;
use std::path::PathBuf;

use crate::aws::{CallError, Kind};
use crate::explain::{Advice, Code, Explain, Fault};

/// The resource that failed first; the ones after it were cancelled because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedResource {
    /// Its name in the template.
    pub logical_id: String,
    /// Such as `AWS::CodeBuild::Project`.
    pub kind: String,
    /// What its service said.
    pub reason: String,
}

/// Why a stack could not be planned, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No region is configured.
    #[error("no AWS region is configured")]
    NoRegion,
    /// The template file cannot be read.
    #[error("cannot read the template {}", .path.display())]
    Template {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not even S3 makes CloudFormation read it.
    #[error("the template has {size} bytes, and CloudFormation reads at most {limit} (1 MB)")]
    TemplateTooLarge {
        /// Its size.
        size: usize,
        /// CloudFormation's limit.
        limit: usize,
    },
    /// CloudFormation refused a call, or did not answer.
    #[error("{action} failed for the stack {stack} in {region}: {source}")]
    Call {
        /// The IAM action.
        action: &'static str,
        /// The stack.
        stack: String,
        /// The region.
        region: String,
        /// What CloudFormation said.
        source: CallError,
    },
    /// There is no such stack.
    #[error("there is no stack {name} in {region}")]
    Missing {
        /// As asked for.
        name: String,
        /// The region.
        region: String,
    },
    /// The stack of that name is somebody's for something else.
    #[error("the stack {name} is no pipeline of sgbuild's: it has no parameter {}", .lacks.join(", "))]
    Foreign {
        /// The stack.
        name: String,
        /// The parameters that every pipeline's stack has, and this one has not.
        lacks: Vec<&'static str>,
    },
    /// A new stack needs values that nothing gives.
    #[error("the stack {stack} cannot be created without {}", .parameters.join(", "))]
    ParametersMissing {
        /// The stack.
        stack: String,
        /// The template's names.
        parameters: Vec<String>,
    },
    /// Parameters that the template does not have.
    #[error("the template has no parameter {}", .0.join(", "))]
    UnknownParameters(Vec<String>),
    /// Somebody changes the stack right now.
    #[error("the stack {name} is being changed already: {status}")]
    Busy {
        /// The stack.
        name: String,
        /// Its status.
        status: String,
    },
    /// The stack is in a state that no update leaves.
    #[error("the stack {name} cannot be updated: it is {status}{}", .reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default())]
    Stuck {
        /// The stack.
        name: String,
        /// Its status.
        status: String,
        /// Why, as CloudFormation says it.
        reason: Option<String>,
    },
    /// CloudFormation could not make the change set.
    #[error("CloudFormation refused the changes to the stack {name}: {reason}")]
    PlanRefused {
        /// The stack.
        name: String,
        /// What it said.
        reason: String,
    },
    /// The changes would remove or replace what holds data.
    #[error("the changes would remove or replace {} of the stack {name}, which hold data", .resources.join(", "))]
    DataAtStake {
        /// The stack.
        name: String,
        /// The template's names.
        resources: Vec<String>,
    },
    /// The change was begun and failed.
    #[error("the stack {name} is {status}: {}", told(.first.as_ref()))]
    Failed {
        /// The stack.
        name: String,
        /// What it ended with.
        status: String,
        /// What failed first.
        first: Option<FailedResource>,
    },
    /// A deletion that nobody confirmed.
    #[error("the stack {name} was not deleted: it was not confirmed")]
    NotConfirmed {
        /// The stack.
        name: String,
    },
}

fn told(first: Option<&FailedResource>) -> String {
    match first {
        Some(first) => format!("{} ({}) failed: {}", first.logical_id, first.kind, first.reason),
        None => "no resource says why".to_owned(),
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::NoRegion => Code::NoRegion,
            Self::Template { .. } => Code::NamedFileUnreadable,
            Self::TemplateTooLarge { .. }
            | Self::ParametersMissing { .. }
            | Self::UnknownParameters(_)
            | Self::PlanRefused { .. } => Code::StackParameters,
            Self::Call { source, .. } => source.explained(Code::AwsRefused),
            Self::Missing { .. } => Code::StackMissing,
            Self::Foreign { .. } => Code::StackForeign,
            Self::Busy { .. } => Code::StackBusy,
            Self::Stuck { .. } | Self::Failed { .. } => Code::StackFailed,
            Self::DataAtStake { .. } | Self::NotConfirmed { .. } => Code::NotConfirmed,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::NoRegion => Fault::User.hint("Set AWS_REGION, or `region` in the profile of ~/.aws/config."),
            Self::Template { .. } | Self::TemplateTooLarge { .. } => {
                Fault::User.hint("Leave out `--template` to use the one that sgbuild carries.")
            }
            Self::Call {
                action, source, region, ..
            } => about_call(action, region, source),
            Self::Missing { .. } => Fault::User
                .hint("Name it with `--stack`, and its region with `--region`.")
                .and("`sgbuild launch` creates it."),
            Self::Foreign { .. } => Fault::User.hint("Name another stack with `--stack`.").and(
                "Whoever made this one changes and deletes it: `aws cloudformation describe-stacks` shows what it is.",
            ),
            Self::ParametersMissing { parameters, .. } => Advice {
                fault: Fault::User,
                hints: parameters.iter().map(|name| parameter_hint(name)).collect(),
            },
            Self::UnknownParameters(_) => {
                Fault::Usage.hint("docs/pipeline.md lists the parameters; their names are case-sensitive.")
            }
            Self::Busy { .. } => {
                Fault::Temporary.hint("Wait until it ends (`sgbuild status` shows it), then try again.")
            }
            Self::Stuck { name, .. } => Fault::User
                .hint(format!(
                    "After a failed rollback: aws cloudformation continue-update-rollback --stack-name {name}"
                ))
                .and("Its events in the CloudFormation console say what it stumbles over."),
            Self::PlanRefused { .. } => Fault::User.hint("Correct the parameter or the template that it names."),
            Self::DataAtStake { .. } => Fault::User
                .hint("The old ones stay in the account, but the pipeline would go on with empty ones.")
                .and("If that is meant, say `--yes`."),
            Self::Failed { status, .. } if status.contains("ROLLBACK") => {
                Fault::User.hint("CloudFormation has undone the change. Remove the cause, then run the command again.")
            }
            Self::Failed { .. } => Fault::User.hint("Remove the cause, then run the command again."),
            Self::NotConfirmed { .. } => {
                Fault::User.hint("Say `--yes` to delete it; `--dry-run` shows what would go and what would stay.")
            }
        }
    }
}

/// About a call to CloudFormation.
fn about_call(action: &str, region: &str, source: &CallError) -> Advice {
    match source.kind() {
        Kind::Denied => Fault::User.hint(format!("Allow `{action}` in the principal's IAM policy.")),
        Kind::Credentials => {
            Fault::User.hint("Run `aws configure` or `aws sso login`, or set AWS_PROFILE; then try again.")
        }
        Kind::Temporary => Fault::Temporary.hint(format!(
            "Check the network and the region's spelling ({region}), then try again in a minute."
        )),
        Kind::Other => Fault::User.alone(),
    }
}

/// How the parameter `name` is given.
fn parameter_hint(name: &str) -> String {
    match name {
        "Email" => "Say who is to be told with `--email`.".to_owned(),
        "GitHubUser" | "GitHubRepo" => {
            "Name the repository with `--github-user` and `--github-repo`; in a checkout of it, its remote `origin` \
             does."
                .to_owned()
        }
        "GitHubToken" => {
            "Set SGBUILD_GITHUB_TOKEN or GITHUB_TOKEN to a token, or name a connection with `--github-connection`. A token \
             has the scope `repo`; a fine-grained one Contents (read), Webhooks and Commit statuses (read and write)."
                .to_owned()
        }
        name => format!("Give it with `--parameter {name}=…`."),
    }
}
