//! Why a training job could not be requested or started.

use crate::aws::{CallError, Kind};
use crate::explain::{Advice, Code, Explain, Fault};

use super::UNAVAILABLE;

/// A setting as the user can give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// What it is, such as `the role the training job assumes`.
    pub what: &'static str,
    /// Its key in `[tool.sgbuild]`, of which flag and variable are made.
    pub key: &'static str,
}

impl Setting {
    fn variable(&self) -> String {
        format!("SGBUILD_{}", self.key.replace('-', "_").to_uppercase())
    }
}

/// A setting whose value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The setting.
    pub setting: Setting,
    /// Where it was set, such as `pyproject.toml:2`; unknown for a default.
    pub origin: Option<String>,
    /// What is wrong with its value, naming it.
    pub problem: String,
}

impl Invalid {
    /// The setting, and where it was set.
    fn place(&self) -> String {
        let key = self.setting.key;
        match self.origin.as_deref() {
            Some(flag) if flag.starts_with("--") => flag.to_owned(),
            Some(origin) => format!("{key} ({origin})"),
            None => key.to_owned(),
        }
    }
}

/// Why a training job could not be requested or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Settings without which there is no request; all of them.
    #[error("{}", missing(.0))]
    Missing(Vec<Setting>),
    /// Settings that SageMaker or S3 would refuse; all of them.
    #[error("{}", invalid(.0))]
    Invalid(Vec<Invalid>),
    /// Neither the configuration nor the function's ARN says which region.
    #[error("no AWS region is set for the training Lambda `{function}`")]
    NoRegion {
        /// Name or ARN, as set.
        function: String,
    },
    /// There is no such function.
    #[error("the training Lambda `{function}` does not exist in {region}")]
    FunctionMissing {
        /// Name or ARN, as set.
        function: String,
        /// The region asked.
        region: String,
        /// What the service said.
        source: CallError,
    },
    /// The caller may not invoke the function.
    #[error("not allowed to invoke the training Lambda `{function}`: {source}")]
    AccessDenied {
        /// Name or ARN, as set.
        function: String,
        /// What the service said.
        source: CallError,
    },
    /// There are no credentials, or the service does not accept them.
    #[error("no usable AWS credentials to invoke the training Lambda `{function}`: {source}")]
    Credentials {
        /// Name or ARN, as set.
        function: String,
        /// What the credentials chain or service said.
        source: CallError,
    },
    /// Throttled, a 5xx answer, no answer: it may work later.
    #[error("the training Lambda `{function}` could not be invoked now: {source}")]
    Unavailable {
        /// Name or ARN, as set.
        function: String,
        /// The run that was to be started.
        run_id: Option<String>,
        /// What the service or connection said.
        source: CallError,
    },
    /// The service refused the invocation for another reason.
    #[error("the training Lambda `{function}` could not be invoked: {source}")]
    Refused {
        /// Name or ARN, as set.
        function: String,
        /// What the service said.
        source: CallError,
    },
    /// The function ran and failed.
    #[error("the training Lambda `{function}` failed{}: {message}", in_brackets(error_type.as_deref()))]
    Function {
        /// Name or ARN, as set.
        function: String,
        /// The function's `errorMessage`.
        message: String,
        /// The function's `errorType`, such as `InvalidPayload` or `ClientError`.
        error_type: Option<String>,
        /// The end of the function's log (4 KB), where Lambda sent it.
        log_tail: Option<String>,
    },
    /// The function answered something that is not JSON.
    #[error("the training Lambda `{function}` answered something that is not JSON: {source}")]
    Answer {
        /// Name or ARN, as set.
        function: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The request could not be written as JSON.
    #[error("the request to the training Lambda cannot be written: {0}")]
    Request(#[source] serde_json::Error),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Missing(_) => Code::TrainingSettingsMissing,
            Self::Invalid(_) | Self::Request(_) => Code::TrainingSettingsInvalid,
            Self::NoRegion { .. } => Code::NoRegion,
            Self::FunctionMissing { .. } => Code::TrainingLambdaMissing,
            Self::AccessDenied { .. } => Code::AccessDenied,
            Self::Credentials { source, .. } => source.explained(Code::NoCredentials),
            Self::Unavailable { .. } => Code::AwsUnavailable,
            Self::Refused { .. } => Code::AwsRefused,
            Self::Function { error_type, .. } => failure_code(error_type.as_deref().unwrap_or_default()),
            Self::Answer { .. } => Code::TrainingLambdaFailed,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Missing(settings) => {
                let keys: Vec<&str> = settings.iter().map(|setting| setting.key).collect();
                let each = format!(
                    "Give each as a flag, in its environment variable, or in [tool.sgbuild] of pyproject.toml ({}).",
                    keys.join(", ")
                );
                Fault::Usage
                    .hint(each)
                    .and("`sgbuild push --no-train` stops after the push.")
            }
            Self::Invalid(_) => {
                Fault::Usage.hint("`sgbuild settings` shows every setting of the files and the environment.")
            }
            Self::FunctionMissing { region, .. } => Fault::User
                .hint(format!(
                    "Check the name (--function, SGBUILD_FUNCTION) and the region ({region}; AWS_REGION or --region)."
                ))
                .and("Give the function's full ARN when it lives in another account."),
            Self::NoRegion { .. } => Fault::User.hint(
                "Set AWS_REGION, or the region of your profile in ~/.aws/config, or give the function's full ARN.",
            ),
            Self::AccessDenied { .. } => Fault::User
                .hint("Grant lambda:InvokeFunction on this function to the identity that sgbuild runs as.")
                .and("Run `aws sts get-caller-identity` to see which identity that is."),
            Self::Credentials { .. } => Fault::User.hint(
                "Log in (`aws sso login`, `aws configure`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            ),
            Self::Unavailable { run_id, .. } => Fault::Temporary.hint(retry_hint(run_id.as_deref())),
            Self::Function { message, error_type, .. } => {
                let fault = match error_type.as_deref() {
                    Some(UNAVAILABLE) => Fault::Temporary,
                    _ => Fault::User,
                };
                fault.hint(if message.contains("Task timed out") {
                    "Raise the function's timeout: starting a training job may take a minute."
                } else {
                    "The image is pushed; when this is mended, `sgbuild train` repeats only this step."
                })
            }
            Self::Answer { .. } => Fault::User
                .hint("Check in the SageMaker console whether the job was started before trying again."),
            Self::Refused { .. } | Self::Request(_) => Fault::User.alone(),
        }
    }

    /// The end of the failed function's log.
    fn log(&self) -> Option<&str> {
        match self {
            Self::Function { log_tail, .. } => log_tail.as_deref(),
            _ => None,
        }
    }
}

impl Error {
    /// Sorts a failed invocation.
    pub(super) fn of_call(source: CallError, function: &str, region: &str, run_id: Option<&str>) -> Self {
        let function = function.to_owned();
        if source.code() == "ResourceNotFoundException" {
            return Self::FunctionMissing {
                function,
                region: region.to_owned(),
                source,
            };
        }
        match source.kind() {
            Kind::Denied => Self::AccessDenied { function, source },
            Kind::Credentials => Self::Credentials { function, source },
            Kind::Temporary => Self::Unavailable {
                function,
                run_id: run_id.map(str::to_owned),
                source,
            },
            Kind::Other => Self::Refused { function, source },
        }
    }
}

/// What sgbuild's own training Lambda failed with, by its `errorType`; of any other function it is known that it failed.
pub(crate) fn failure_code(error_type: &str) -> Code {
    match error_type {
        "InvalidPayload" | "NotAllowed" => Code::TrainingRequestRefused,
        "HyperparametersDenied" | "DataDenied" | "PassRoleDenied" | "JobDenied" => Code::AccessDenied,
        "InvalidHyperparameters" => Code::HyperparametersUnusable,
        "NoData" => Code::NoTrainingData,
        "HyperparametersUnreadable" | "DataUnreadable" => Code::TrainingDataUnreadable,
        "RecordRefused" => Code::RunTableUnusable,
        "FailedBefore" | "JobNameTaken" => Code::RunIdTaken,
        "ResourceLimitExceeded" => Code::QuotaExceeded,
        UNAVAILABLE => Code::AwsUnavailable,
        "JobRefused" => Code::AwsRefused,
        _ => Code::TrainingLambdaFailed,
    }
}

fn retry_hint(run_id: Option<&str>) -> String {
    match run_id {
        Some(run_id) => {
            format!("Try again with `sgbuild train --run-id {run_id}`: with the same run id no second job is started.")
        }
        None => "Try again in a minute with `sgbuild train`.".to_owned(),
    }
}

fn missing(settings: &[Setting]) -> String {
    let lines = settings
        .iter()
        .map(|setting| format!("\n  --{} ({}): {}", setting.key, setting.variable(), setting.what));
    std::iter::once("starting the training needs settings that are not set:".to_owned())
        .chain(lines)
        .collect()
}

fn invalid(problems: &[Invalid]) -> String {
    let lines = problems
        .iter()
        .map(|invalid| format!("\n  {}: {}", invalid.place(), invalid.problem));
    std::iter::once("SageMaker would refuse the training job:".to_owned())
        .chain(lines)
        .collect()
}

fn in_brackets(error_type: Option<&str>) -> String {
    error_type.map(|name| format!(" ({name})")).unwrap_or_default()
}
