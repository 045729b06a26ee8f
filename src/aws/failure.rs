//! How a call to an AWS service failed, in the terms by which the next step is decided.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::explain::{Code, Fault, chain};
use crate::secret::without_url_credentials;

/// A failed call, after the SDK's own retries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The service answered with an error.
    #[error("{}", answer(code, message, *status))]
    Service {
        /// The error code, such as `AccessDeniedException`; empty where the answer had none.
        code: String,
        /// The service's own words.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// No usable AWS credentials were found on this side.
    #[error("{0}")]
    Credentials(String),
    /// No answer: the connection failed, broke, or took too long.
    #[error("{0}")]
    Unreachable(String),
    /// The request could not be made, or the service is not trusted (its TLS certificate).
    #[error("{0}")]
    Request(String),
}

/// What kind of answer a service gave, for the cases where the user can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The caller lacks a permission.
    Denied,
    /// The credentials are expired, unknown, absent or malformed.
    Credentials,
    /// Throttled, a 5xx answer, or no answer: it may work later.
    Temporary,
    /// Anything else.
    Other,
}

impl CallError {
    /// Reads an SDK error of any operation.
    #[must_use]
    pub fn from_sdk<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(answered) => Self::Service {
                code: answered.err().code().unwrap_or_default().to_owned(),
                message: without_url_credentials(answered.err().message().unwrap_or_default().trim()),
                status: answered.raw().status().as_u16(),
            },
            SdkError::ResponseError(unreadable) => Self::Service {
                code: String::new(),
                message: innermost(error),
                status: unreadable.raw().status().as_u16(),
            },
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) if concerns_credentials(error) => {
                Self::Credentials(innermost(error))
            }
            // A certificate that is not trusted today is not trusted tomorrow.
            SdkError::DispatchFailure(_) if innermost(error).contains("certificate") => Self::Request(innermost(error)),
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => Self::Unreachable(innermost(error)),
            _ => Self::Request(innermost(error)),
        }
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let Self::Service { code, status, .. } = self else {
            return match self {
                Self::Credentials(_) => Kind::Credentials,
                Self::Unreachable(_) => Kind::Temporary,
                _ => Kind::Other,
            };
        };
        match Refusal::of(code, *status) {
            Refusal::Expired | Refusal::NotAccepted => Kind::Credentials,
            Refusal::Denied => Kind::Denied,
            Refusal::Temporary => Kind::Temporary,
            // The answer to a HEAD request has no code, and some services have codes of their own for what is not allowed.
            Refusal::Other if *status == 403 => Kind::Denied,
            Refusal::Other => Kind::Other,
        }
    }

    /// What it is called; `otherwise` where the service refused for a reason of its own.
    #[must_use]
    pub fn explained(&self, otherwise: Code) -> Code {
        match self.kind() {
            Kind::Denied => Code::AccessDenied,
            Kind::Credentials if matches!(self, Self::Credentials(_)) => Code::NoCredentials,
            Kind::Credentials => Code::CredentialsRefused,
            Kind::Temporary => Code::AwsUnavailable,
            Kind::Other => otherwise,
        }
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self.kind() {
            Kind::Temporary => Fault::Temporary,
            Kind::Denied | Kind::Credentials | Kind::Other => Fault::User,
        }
    }

    /// Whether another write to the same place was under way:
    /// [S3's codes](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList) for it.
    #[must_use]
    pub(crate) fn is_conflict(&self) -> bool {
        CONFLICTS.contains(&self.code())
    }

    /// The service's error code, if it gave one.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Service { code, .. } => code,
            _ => "",
        }
    }
}

/// What S3 answers to a write while another one to the same place is under way.
const CONFLICTS: [&str; 2] = ["ConditionalRequestConflict", "OperationAborted"];

/// What an answer that refuses a call means, by its error code and HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The credentials were good, and are no longer.
    Expired,
    /// AWS does not know the credentials, or the signature made with them is wrong.
    NotAccepted,
    /// The credentials are good, and may not do this.
    Denied,
    /// Throttled, or the service is in trouble: it may work later.
    Temporary,
    /// Anything else.
    Other,
}

impl Refusal {
    /// Codes that every service may answer:
    /// [common errors](https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html), and those of
    /// [throttling](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html), which come with status 400 from
    /// older services. Most have a longer form that ends in `Exception`.
    pub(crate) fn of(code: &str, status: u16) -> Self {
        let begins_with = |known: &[&str]| known.iter().any(|known| code.starts_with(known));
        if begins_with(&["ExpiredToken", "RequestExpired", "TokenRefreshRequired"]) {
            return Self::Expired;
        }
        let not_accepted = [
            "AuthFailure",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignature",
            "MissingAuth",
            "SignatureDoesNotMatch",
            "UnrecognizedClient",
        ];
        if begins_with(&not_accepted) || code == "InvalidToken" {
            return Self::NotAccepted;
        }
        if begins_with(&[
            "AccessDenied",
            "NotAuthorized",
            "AuthorizationError",
            "UnauthorizedOperation",
        ]) {
            return Self::Denied;
        }
        let is_throttling = code.contains("Throttl")
            || begins_with(&["TooManyRequests", "RequestLimitExceeded", "SlowDown", "ServerException"]);
        if is_throttling || CONFLICTS.contains(&code) || status >= 500 || matches!(status, 408 | 429) {
            return Self::Temporary;
        }
        Self::Other
    }
}

/// `message (code)`, or what there is of it.
fn answer(code: &str, message: &str, status: u16) -> String {
    match (message, code) {
        ("", "") => format!("HTTP status {status}"),
        ("", code) => format!("{code}, HTTP status {status}"),
        (message, "") => format!("{message} (HTTP status {status})"),
        (message, code) => format!("{message} ({code})"),
    }
}

/// The SDK wraps the cause several times; the innermost error says what happened.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    without_url_credentials(&chain(error).last().map(ToString::to_string).unwrap_or_default())
}

/// The credentials chain's own failure, where a request was not sent because of it.
pub(crate) fn credentials_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a CredentialsError> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// Whether there are no credentials to sign a request with. Where no provider of any is configured, the SDK says so only in the
/// words of its error.
fn concerns_credentials(error: &(dyn StdError + 'static)) -> bool {
    credentials_error(error).is_some() || chain(error).any(|cause| cause.to_string().contains("credential"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sorted_by_what_can_be_done() {
        for (code, status, kind) in [
            ("AccessDeniedException", 400, Kind::Denied),
            ("AccessDenied", 403, Kind::Denied),
            ("", 403, Kind::Denied),
            ("ExpiredTokenException", 403, Kind::Credentials),
            ("UnrecognizedClientException", 403, Kind::Credentials),
            ("ThrottlingException", 400, Kind::Temporary),
            ("TooManyRequestsException", 429, Kind::Temporary),
            ("ServiceException", 500, Kind::Temporary),
            ("ResourceNotFoundException", 404, Kind::Other),
        ] {
            let answered = CallError::Service {
                code: code.to_owned(),
                message: String::new(),
                status,
            };
            assert_eq!(answered.kind(), kind, "{code} {status}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_code_in_either_form() {
        for (code, status, refusal) in [
            ("ExpiredToken", 400, Refusal::Expired),
            ("RequestExpired", 400, Refusal::Expired),
            ("SignatureDoesNotMatch", 403, Refusal::NotAccepted),
            ("MissingAuthenticationTokenException", 400, Refusal::NotAccepted),
            ("UnauthorizedOperation", 403, Refusal::Denied),
            ("RequestLimitExceeded", 400, Refusal::Temporary),
            ("ServerException", 400, Refusal::Temporary),
            ("", 408, Refusal::Temporary),
            ("RepositoryNotFoundException", 400, Refusal::Other),
            ("", 403, Refusal::Other),
        ] {
            assert_eq!(Refusal::of(code, status), refusal, "{code} {status}");
        }
    }

    #[test]
    fn an_answer_without_words_still_says_something() {
        let shown = |code: &str, message: &str| {
            CallError::Service {
                code: code.to_owned(),
                message: message.to_owned(),
                status: 502,
            }
            .to_string()
        };
        assert_eq!(shown("", ""), "HTTP status 502");
        assert_eq!(shown("Gone", ""), "Gone, HTTP status 502");
        assert_eq!(shown("Gone", "it went away"), "it went away (Gone)");
    }
}
