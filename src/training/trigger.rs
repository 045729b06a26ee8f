//! The last step of a push: the training Lambda is invoked, and its answer read.

use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_lambda::config::interceptors::InterceptorContext;
use aws_sdk_lambda::config::retry::{ClassifyRetry, RetryAction, RetryConfig};
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::progress::Progress;
use crate::secret::without_url_credentials;

use super::{Error, Training, TrainingRun};
use crate::aws::CallError;

/// How long the function may take to answer. Lambda lets it run for 900 s; whoever gave up earlier would not hear of the job that it starts.
const READ_TIMEOUT: Duration = Duration::from_secs(930);
/// How long Lambda may take to accept a connection: long enough for a slow network, and short enough to notice a wrong proxy.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the function is invoked at most, where Lambda answers with throttling or a 5xx status.
const MAX_ATTEMPTS: u32 = 4;

/// What the training Lambda answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TrainingAnswer {
    /// sgbuild's Lambda: the job it started, or found started by an earlier delivery of the same run.
    Started(TrainingRun),
    /// Another Lambda, such as the setuptools-docker pipeline's: it accepted the request and does not say which job it started.
    Accepted {
        /// Its answer, as it is; often `null`.
        answer: Value,
    },
}

impl TrainingAnswer {
    /// The started job, where the Lambda named it.
    #[must_use]
    pub(crate) fn run(&self) -> Option<&TrainingRun> {
        match self {
            Self::Started(run) => Some(run),
            Self::Accepted { .. } => None,
        }
    }
}

/// Invokes `function` (name, partial or full ARN, with or without an alias) with the payload of `training`, waits, and reads the answer.
///
/// Throttling and 5xx answers are tried again with the same request; a connection that broke is not, since the function may
/// be running. Dropping the future stops waiting, not the function. A full ARN decides the region over `sdk_config`.
///
/// # Errors
/// Every variant but [`Error::Missing`] and [`Error::Invalid`]; [`Error::Function`] carries what the function said.
pub(crate) async fn start(
    training: &Training,
    function: &str,
    sdk_config: &SdkConfig,
    progress: &dyn Progress,
) -> Result<TrainingAnswer, Error> {
    progress.step(&format!("Starting the training through {function}"));
    let payload = serde_json::to_vec(&training.payload()).map_err(Error::Request)?;
    let config = client_config(sdk_config, function);
    let Some(region) = config.region().map(Region::to_string) else {
        return Err(Error::NoRegion {
            function: function.to_owned(),
        });
    };
    let output = aws_sdk_lambda::Client::from_conf(config)
        .invoke()
        .function_name(function)
        .invocation_type(InvocationType::RequestResponse)
        .log_type(LogType::Tail)
        .payload(Blob::new(payload))
        .send()
        .await
        .map_err(|error| {
            Error::of_call(
                CallError::from_sdk(&error),
                function,
                &region,
                Some(training.run_id.as_str()).filter(|id| !id.is_empty()),
            )
        })?;
    let answer = read(&output, function)?;
    match answer.run() {
        Some(run) => progress.detail(&format!("training job {}", run.training_job_name)),
        None => progress.detail("accepted; the Lambda does not say which job it started"),
    }
    Ok(answer)
}

fn client_config(sdk_config: &SdkConfig, function: &str) -> aws_sdk_lambda::Config {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let builder = Builder::from(sdk_config)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .retry_classifier(OnlyAnswers)
        // It ends a call during which nothing is sent for a while, and nothing is while the function works.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    match region_of_arn(function) {
        Some(region) => builder.region(Region::new(region.to_owned())).build(),
        None => builder.build(),
    }
}

/// `arn:aws:lambda:REGION:…`.
fn region_of_arn(function: &str) -> Option<&str> {
    let mut parts = function.split(':');
    let is_arn = parts.next() == Some("arn") && parts.nth(1) == Some("lambda");
    parts.next().filter(|region| is_arn && !region.is_empty())
}

/// Forbids a retry where there was no answer, since the function may have got the request all the same.
#[derive(Debug)]
struct OnlyAnswers;

impl ClassifyRetry for OnlyAnswers {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        if context.response().is_none() {
            return RetryAction::RetryForbidden;
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "only throttling and 5xx answers"
    }
}

fn read(output: &InvokeOutput, function: &str) -> Result<TrainingAnswer, Error> {
    let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
    if output.function_error().is_some() {
        return Err(failed(payload, output.log_result(), function));
    }
    if payload.iter().all(u8::is_ascii_whitespace) {
        return Ok(TrainingAnswer::Accepted { answer: Value::Null });
    }
    let answer: Value = serde_json::from_slice(payload).map_err(|source| Error::Answer {
        function: function.to_owned(),
        source,
    })?;
    match TrainingRun::deserialize(&answer) {
        Ok(run) => Ok(TrainingAnswer::Started(run)),
        Err(_) => Ok(TrainingAnswer::Accepted { answer }),
    }
}

/// The [error object](https://docs.aws.amazon.com/lambda/latest/dg/rust-error-handling.html) of a failed function.
#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "errorMessage")]
    message: Option<String>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
}

fn failed(payload: &[u8], log: Option<&str>, function: &str) -> Error {
    let (message, error_type) = match serde_json::from_slice::<Failure>(payload) {
        Ok(Failure {
            message: Some(message),
            error_type,
        }) => (message, error_type),
        Ok(Failure {
            message: None,
            error_type,
        }) => ("it gave no reason".to_owned(), error_type),
        Err(_) if payload.is_empty() => ("it gave no reason".to_owned(), None),
        Err(_) => (String::from_utf8_lossy(payload).into_owned(), None),
    };
    Error::Function {
        function: function.to_owned(),
        message: without_url_credentials(message.trim()),
        error_type: error_type.filter(|name| !name.is_empty()),
        log_tail: log.and_then(decoded_log),
    }
}

fn decoded_log(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).ok()?;
    let text = without_url_credentials(String::from_utf8_lossy(&bytes).trim());
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
