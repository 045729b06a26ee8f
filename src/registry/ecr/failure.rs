//! What went wrong in a call to ECR or STS, told apart by what the user can do about it.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecr::error::{ProvideErrorMetadata, SdkError};

use crate::aws::{Refusal, credentials_error};
use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::reference;
use crate::web::{root_cause, with_causes};

/// Why ECR could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No region is configured.
    #[error("no AWS region is configured")]
    NoRegion,
    /// What is configured is no region: it would become part of the name of a host.
    #[error("{region:?} is not an AWS region")]
    Region {
        /// As configured.
        region: String,
    },
    /// The chain of credential providers ended without any.
    #[error("no AWS credentials were found (needed for {action})")]
    NoCredentials {
        /// The IAM action that was to be called.
        action: &'static str,
    },
    /// A provider of credentials was configured, and failed.
    #[error("the AWS credentials could not be loaded (needed for {action}): {reason}")]
    CredentialsFailed {
        /// The IAM action that was to be called.
        action: &'static str,
        /// What the provider said.
        reason: String,
        /// The provider did not answer in time.
        timed_out: bool,
    },
    /// AWS says that the credentials have expired.
    #[error("the AWS credentials have expired: {action} was refused ({message})")]
    Expired {
        /// The IAM action that was called.
        action: &'static str,
        /// What AWS said.
        message: String,
    },
    /// AWS does not know the credentials, or the signature made with them is wrong.
    #[error("AWS does not accept the credentials: {action} was refused ({message})")]
    InvalidCredentials {
        /// The IAM action that was called.
        action: &'static str,
        /// What AWS said.
        message: String,
    },
    /// The credentials are good but may not do this.
    #[error("access denied: {action} on {resource} ({message})")]
    AccessDenied {
        /// The missing IAM action.
        action: &'static str,
        /// The ARN it is missing on, or `*`.
        resource: String,
        /// What AWS said; names the principal.
        message: String,
    },
    /// There is no such repository, and none may be created.
    #[error("the ECR repository `{name}` does not exist in account {account}, region {region}")]
    RepositoryMissing {
        /// The repository's name.
        name: String,
        /// Twelve digits.
        account: String,
        /// Such as `eu-central-1`.
        region: String,
    },
    /// No connection to the service.
    #[error("{endpoint} could not be reached for {action}: {reason}")]
    Unreachable {
        /// The IAM action that was to be called.
        action: &'static str,
        /// The endpoint's URL.
        endpoint: String,
        /// What the connection failed on.
        reason: String,
    },
    /// The service answered with another error, or with something that is no answer.
    #[error("{action} failed on {resource}: {message}")]
    Service {
        /// The IAM action that was called.
        action: &'static str,
        /// What it was called on.
        resource: String,
        /// What the service said.
        message: String,
        /// Throttling or a fault of the service, after the SDK's own retries.
        temporary: bool,
    },
    /// The package's name gives no repository name.
    #[error(transparent)]
    Name(#[from] reference::Error),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::NoRegion | Self::Region { .. } => Code::NoRegion,
            Self::NoCredentials { .. } | Self::CredentialsFailed { .. } => Code::NoCredentials,
            Self::Expired { .. } | Self::InvalidCredentials { .. } => Code::CredentialsRefused,
            Self::AccessDenied { .. } => Code::AccessDenied,
            Self::RepositoryMissing { .. } => Code::RepositoryMissing,
            Self::Unreachable { .. } | Self::Service { temporary: true, .. } => Code::AwsUnavailable,
            Self::Service { .. } => Code::AwsRefused,
            Self::Name(error) => error.code(),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Name(error) => error.advice(),
            Self::NoRegion => Fault::User.hint("Set AWS_REGION, or `region` in the profile of ~/.aws/config."),
            Self::Region { .. } => Fault::Usage.hint(
                "Write it as us-west-2: with `--region`, AWS_REGION, or `region` in the profile of ~/.aws/config.",
            ),
            Self::NoCredentials { .. } => Fault::User
                .hint(
                    "Run `aws configure` or `aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and \
                     AWS_SECRET_ACCESS_KEY.",
                )
                .and("In CodeBuild, Lambda or EC2, give the machine's role the permission."),
            Self::CredentialsFailed { timed_out: true, .. } => Fault::Temporary.hint("Try again."),
            Self::CredentialsFailed { .. } => {
                Fault::User.hint("Check AWS_PROFILE and ~/.aws/config; with IAM Identity Center run `aws sso login`.")
            }
            Self::Expired { .. } => {
                Fault::User.hint("Renew the session: `aws sso login`, or fetch new temporary credentials.")
            }
            Self::InvalidCredentials { .. } => Fault::User
                .hint("Check the access key, the secret key and the session token, and this machine's clock."),
            Self::AccessDenied { action, resource, .. } => {
                let allow = format!("Allow `{action}` on `{resource}` in the principal's IAM policy.");
                let advice = Fault::User.hint(allow);
                match *action {
                    "ecr:CreateRepository" => advice.and("Or have the repository created by someone who may."),
                    _ => advice,
                }
            }
            Self::RepositoryMissing { name, region, .. } => Fault::User
                .hint("Leave out `--no-create` to have it created with scan on push.")
                .and(format!(
                    "Or create it: aws ecr create-repository --repository-name {name} --region {region}"
                )),
            Self::Unreachable { .. } => Fault::Temporary
                .hint("Check the network, the region's spelling, and AWS_ENDPOINT_URL if it is set; then try again."),
            Self::Service { temporary: true, .. } => Fault::Temporary.hint("Try again in a minute."),
            Self::Service { .. } => Fault::User.alone(),
        }
    }
}

impl Error {
    /// Whether there are no usable AWS credentials: then Docker's own may serve for a pull or push.
    #[must_use]
    pub fn lacks_credentials(&self) -> bool {
        matches!(self, Self::NoCredentials { .. } | Self::NoRegion)
    }
}

/// One AWS call, as its errors describe it.
pub(super) struct Call {
    /// The IAM action, such as `ecr:CreateRepository`.
    pub(super) action: &'static str,
    /// The ARN it needs permission on, or `*`.
    pub(super) resource: String,
    /// The service's URL.
    pub(super) endpoint: String,
}

impl Call {
    /// An answer without error and without what was asked for.
    pub(super) fn incomplete(&self, what: &str) -> Error {
        Error::Service {
            action: self.action,
            resource: self.resource.clone(),
            message: format!("the answer of {} is incomplete: {what}", self.endpoint),
            temporary: false,
        }
    }
}

/// The SDK's error as ours.
pub(super) fn failure<E>(call: &Call, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let action = call.action;
    if let SdkError::ServiceError(context) = error {
        let status = context.raw().status().as_u16();
        return refusal(call, context.err(), status);
    }
    if let Some(missing) = credentials_failure(action, error) {
        return missing;
    }
    let status = error.raw_response().map(|response| response.status().as_u16());
    let reason = with_causes(error);
    match error {
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => Error::Unreachable {
            action,
            endpoint: call.endpoint.clone(),
            reason: root_cause(error),
        },
        _ => Error::Service {
            action,
            resource: call.resource.clone(),
            message: match status {
                Some(status) => format!("{} answered {status}: {reason}", call.endpoint),
                None => reason,
            },
            temporary: status.is_some_and(|status| Refusal::of("", status) == Refusal::Temporary),
        },
    }
}

/// An error that the service answered.
fn refusal<E: ProvideErrorMetadata>(call: &Call, error: &E, status: u16) -> Error {
    let action = call.action;
    let code = error.code().unwrap_or_default();
    let message = match (error.message().map(str::trim).filter(|m| !m.is_empty()), code) {
        (Some(message), "") => message.to_owned(),
        (Some(message), code) => format!("{code}: {message}"),
        (None, "") => format!("{} answered {status} without an explanation", call.endpoint),
        (None, code) => code.to_owned(),
    };
    match Refusal::of(code, status) {
        Refusal::Expired => Error::Expired { action, message },
        Refusal::NotAccepted => Error::InvalidCredentials { action, message },
        Refusal::Denied => Error::AccessDenied {
            action,
            resource: call.resource.clone(),
            message,
        },
        refusal => Error::Service {
            action,
            resource: call.resource.clone(),
            message,
            temporary: refusal == Refusal::Temporary,
        },
    }
}

/// The provider chain's failure, if the request was never sent for want of credentials.
fn credentials_failure(action: &'static str, error: &(dyn StdError + 'static)) -> Option<Error> {
    match credentials_error(error)? {
        CredentialsError::CredentialsNotLoaded(_) => Some(Error::NoCredentials { action }),
        failed => Some(Error::CredentialsFailed {
            action,
            reason: with_causes(failed),
            timed_out: matches!(failed, CredentialsError::ProviderTimedOut(_)),
        }),
    }
}
