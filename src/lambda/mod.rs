//! The functions behind the pipeline: the same binary, run by the Lambda runtime.
//!
//! Lambda's configuration names a handler; `main` passes it to [`run`], which serves that function until Lambda stops the
//! process. Handlers are plain functions over narrow traits, so that faults can be tested without AWS.

mod announcement;
mod builds;
pub mod clock;
mod created;
mod data_trigger;
mod event_json;
mod fields;
pub mod input_data;
#[cfg(test)]
mod interleavings;
pub mod log;
pub mod message;
mod metrics;
pub mod notifier;
pub mod objects;
mod payload;
pub mod record_result;
pub mod runtime;
pub mod start_training;
pub mod training_jobs;

use aws_config::SdkConfig;

use crate::aws::region;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::record::{DynamoDb, Records};
use crate::training::Allowed;

use builds::CodeBuild;
use clock::SystemClock;
use input_data::SyntheticData;
use log::JsonLines;
use notifier::{Notifier, Sns};
use runtime::{Diagnostic, Event};

/// The handlers that Lambda's configuration may name.
const HANDLERS: [&str; 3] = ["start_training", "record_result", "data_trigger"];

/// How the functions are configured: what the stack puts into their environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// `SGBUILD_TABLE`: the metadata table.
    pub table: Option<String>,
    /// `SGBUILD_TOPIC`: ARN of the topic that runs are announced on.
    pub topic: Option<String>,
    /// `SGBUILD_SYNTHETIC_BUCKET` and `SGBUILD_SYNTHETIC_PREFIX`: where the synthetic data is.
    pub synthetic: Option<SyntheticData>,
    /// `SGBUILD_STACK`: the stack that the function is of, in whose name it writes metrics.
    pub stack: Option<String>,
    /// `SGBUILD_PROJECT`: the CodeBuild project, whose failed builds are told of.
    pub project: Option<String>,
    /// `SGBUILD_ALLOWED_…`: what may be trained with.
    pub allowed: Allowed,
}

impl Configuration {
    /// Reads the variables through `get`; an empty one is not set.
    #[must_use]
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let allowed = Allowed::read(&get);
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        Self {
            table: get("SGBUILD_TABLE"),
            topic: get("SGBUILD_TOPIC"),
            synthetic: get("SGBUILD_SYNTHETIC_BUCKET").map(|bucket| SyntheticData {
                bucket,
                prefix: get("SGBUILD_SYNTHETIC_PREFIX").unwrap_or_default(),
            }),
            stack: get("SGBUILD_STACK"),
            project: get("SGBUILD_PROJECT"),
            allowed,
        }
    }
}

/// Why the Lambda runtime ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The function is configured with a handler that this binary does not have.
    #[error("there is no handler `{handler}`; this binary has: {}", HANDLERS.join(", "))]
    UnknownHandler {
        /// As configured.
        handler: String,
    },
    /// The function's environment lacks something.
    #[error("the function's environment has no {variable}")]
    NotConfigured {
        /// Its name.
        variable: &'static str,
    },
    /// The runtime API could not be spoken to.
    #[error("the Lambda runtime API failed: {0}")]
    Runtime(#[source] runtime::Error),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::UnknownHandler { .. } | Self::NotConfigured { .. } | Self::Runtime(_) => Code::LambdaMisconfigured,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::UnknownHandler { .. } | Self::NotConfigured { .. } | Self::Runtime(_) => Fault::User.alone(),
        }
    }
}

/// Serves the function `handler` (the value of `_HANDLER`) until Lambda stops the process.
///
/// `runtime_api` is the value of `AWS_LAMBDA_RUNTIME_API`, `host:port`.
///
/// # Errors
/// An unknown handler, also reported to Lambda as the function's initialisation error; a runtime API that fails.
pub async fn run(
    handler: &str,
    runtime_api: &str,
    sdk_config: &SdkConfig,
    configuration: &Configuration,
    log: &JsonLines,
) -> Result<(), Error> {
    let log = &log.of_stack(configuration.stack.as_deref());
    let served = match handler {
        "start_training" => serve_start_training(runtime_api, sdk_config, configuration, log).await,
        "record_result" => serve_record_result(runtime_api, sdk_config, configuration, log).await,
        "data_trigger" => serve_data_trigger(runtime_api, sdk_config, configuration, log).await,
        unknown => Err(Error::UnknownHandler {
            handler: unknown.to_owned(),
        }),
    };
    let error_type = match &served {
        Err(Error::UnknownHandler { .. }) => "UnknownHandler",
        Err(Error::NotConfigured { .. }) => "NotConfigured",
        Ok(()) | Err(Error::Runtime(_)) => return served,
    };
    if let Err(error) = &served {
        runtime::report_init_error(runtime_api, error_type, &error.to_string()).await;
    }
    served
}

async fn serve_start_training(
    runtime_api: &str,
    sdk_config: &SdkConfig,
    configuration: &Configuration,
    log: &JsonLines,
) -> Result<(), Error> {
    let objects = objects::S3::new(sdk_config);
    let jobs = training_jobs::SageMaker::new(sdk_config);
    let records = configuration
        .table
        .as_deref()
        .map(|table| DynamoDb::new(sdk_config, table));
    let notifier = configuration.topic.as_deref().map(|topic| Sns::new(sdk_config, topic));
    let region = region::configured(sdk_config);
    let services = start_training::Services {
        objects: &objects,
        training_jobs: &jobs,
        records: records.as_ref().map(|records| records as &dyn Records),
        notifier: notifier.as_ref().map(|notifier| notifier as &dyn Notifier),
        project: configuration.project.as_deref(),
        synthetic: configuration.synthetic.as_ref(),
        allowed: &configuration.allowed,
        region: &region,
        clock: &SystemClock,
    };
    let function = async |event: Event, log: JsonLines| {
        let allowed = configuration.allowed.of_function(event.function_arn.as_deref());
        let services = start_training::Services {
            allowed: &allowed,
            ..services
        };
        let outcome = start_training::handle(&event.payload, &event.request_id, services, &log).await;
        log.outcome(&outcome);
        outcome.map_err(Diagnostic::from)
    };
    runtime::serve(runtime_api, log, function).await.map_err(Error::Runtime)
}

async fn serve_record_result(
    runtime_api: &str,
    sdk_config: &SdkConfig,
    configuration: &Configuration,
    log: &JsonLines,
) -> Result<(), Error> {
    let jobs = training_jobs::SageMaker::new(sdk_config);
    let records = DynamoDb::new(sdk_config, configured(configuration.table.as_deref(), "SGBUILD_TABLE")?);
    let notifier = Sns::new(sdk_config, configured(configuration.topic.as_deref(), "SGBUILD_TOPIC")?);
    let region = region::configured(sdk_config);
    let services = record_result::Services {
        training_jobs: &jobs,
        records: &records,
        notifier: &notifier,
        allowed: &configuration.allowed,
        region: &region,
        clock: &SystemClock,
    };
    let function = async |event: Event, log: JsonLines| {
        let allowed = configuration.allowed.of_function(event.function_arn.as_deref());
        let services = record_result::Services {
            allowed: &allowed,
            ..services
        };
        let outcome = record_result::handle(&event.payload, services, &log).await;
        log.outcome(&outcome);
        outcome.map_err(Diagnostic::from)
    };
    runtime::serve(runtime_api, log, function).await.map_err(Error::Runtime)
}

async fn serve_data_trigger(
    runtime_api: &str,
    sdk_config: &SdkConfig,
    configuration: &Configuration,
    log: &JsonLines,
) -> Result<(), Error> {
    let objects = objects::S3::new(sdk_config);
    let builds = CodeBuild::new(sdk_config);
    let services = data_trigger::Services {
        objects: &objects,
        builds: &builds,
        project: configured(configuration.project.as_deref(), "SGBUILD_PROJECT")?,
        allowed: &configuration.allowed,
    };
    let function = async |event: Event, log: JsonLines| {
        let allowed = configuration.allowed.of_function(event.function_arn.as_deref());
        let services = data_trigger::Services {
            allowed: &allowed,
            ..services
        };
        let outcome = data_trigger::handle(&event.payload, services, &log).await;
        log.outcome(&outcome);
        outcome.map_err(Diagnostic::from)
    };
    runtime::serve(runtime_api, log, function).await.map_err(Error::Runtime)
}

fn configured<'a>(value: Option<&'a str>, variable: &'static str) -> Result<&'a str, Error> {
    value.ok_or(Error::NotConfigured { variable })
}
