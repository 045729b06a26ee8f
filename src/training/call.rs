//! How a call to an AWS service failed, in the terms by which the next step is decided.

use std::error::Error as StdError;

use aws_sdk_lambda::error::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::explain::Fault;
use crate::secret::without_url_credentials;

/// The `errorType` by which a Lambda of ours says that it may work later.
pub const UNAVAILABLE: &str = "Unavailable";

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
    pub fn from_sdk<E: ProvideErrorMetadata + StdError + Send + Sync + 'static>(error: &SdkError<E>) -> Self {
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
        match self {
            Self::Credentials(_) => Kind::Credentials,
            Self::Unreachable(_) => Kind::Temporary,
            Self::Request(_) => Kind::Other,
            Self::Service { code, status, .. } => kind_of_answer(code, *status),
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

    /// The service's error code, if it gave one.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Service { code, .. } => code,
            _ => "",
        }
    }
}

/// Codes and statuses: [common errors](https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html).
fn kind_of_answer(code: &str, status: u16) -> Kind {
    let is_credentials = [
        "ExpiredToken",
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "InvalidSignature",
        "MissingAuth",
    ];
    let is_credentials = is_credentials.iter().any(|known| code.starts_with(known))
        || matches!(code, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken");
    if is_credentials {
        return Kind::Credentials;
    }
    if code.starts_with("AccessDenied") || matches!(code, "NotAuthorized" | "AuthorizationError") {
        return Kind::Denied;
    }
    if status >= 500
        || status == 429
        || code.contains("Throttl")
        || matches!(code, "TooManyRequestsException" | "SlowDown")
    {
        return Kind::Temporary;
    }
    if status == 403 { Kind::Denied } else { Kind::Other }
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

/// Whether the credentials chain is what failed. Its error types are not part of the service crates, so their names are
/// looked for.
fn concerns_credentials(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|cause| {
        format!("{cause:?}").starts_with("CredentialsNotLoaded") || cause.to_string().contains("credential")
    })
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn StdError + 'static)| {
        <dyn StdError>::source(*cause)
    })
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
            assert_eq!(kind_of_answer(code, status), kind, "{code} {status}");
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
