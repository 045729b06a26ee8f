//! The functions behind the pipeline: the same binary, run by the Lambda runtime.
//!
//! Lambda's configuration names a handler; `main` passes it to [`run`], which serves that function until Lambda stops the
//! process. Handlers are plain functions over narrow traits, so that faults can be tested without AWS.

pub mod hyperparameters;
pub mod input_bucket;
pub mod log;
pub mod message;
pub mod notifier;
pub mod payload;
pub mod records;
pub mod start_training;
pub mod training_jobs;

use aws_config::SdkConfig;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

use log::JsonLines;

/// Every handler there is.
pub const HANDLERS: [&str; 1] = ["start_training"];

/// Why the Lambda runtime ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The function is configured with a handler that this binary does not have.
    #[error("there is no handler `{handler}`; this binary has: {}", HANDLERS.join(", "))]
    UnknownHandler {
        /// As configured.
        handler: String,
    },
    /// The runtime API could not be spoken to.
    #[error("the Lambda runtime API failed: {0}")]
    Runtime(#[source] lambda_runtime::Error),
}

/// Serves the function `handler` (the value of `_HANDLER`) until Lambda stops the process.
///
/// `runtime_api` is the value of `AWS_LAMBDA_RUNTIME_API`, `host:port`. The runtime itself needs the environment that Lambda
/// gives every function (`AWS_LAMBDA_FUNCTION_NAME`, `…_VERSION`, `…_MEMORY_SIZE`).
///
/// # Errors
/// An unknown handler, also reported to Lambda as the function's initialisation error; a runtime API that fails.
pub async fn run(handler: &str, runtime_api: &str, sdk_config: &SdkConfig, log: &JsonLines) -> Result<(), Error> {
    match handler {
        "start_training" => serve_start_training(sdk_config, log).await,
        unknown => {
            let error = Error::UnknownHandler {
                handler: unknown.to_owned(),
            };
            report_init_error(runtime_api, "UnknownHandler", &error.to_string()).await;
            Err(error)
        }
    }
}

async fn serve_start_training(sdk_config: &SdkConfig, log: &JsonLines) -> Result<(), Error> {
    let bucket = input_bucket::S3::new(sdk_config);
    let jobs = training_jobs::SageMaker::new(sdk_config);
    let (bucket, jobs) = (&bucket, &jobs);
    let function = service_fn(move |event: LambdaEvent<Value>| async move {
        let log = log.of_request(&event.context.request_id);
        let outcome = start_training::handle(&event.payload, &event.context.request_id, bucket, jobs, &log).await;
        log.outcome(&outcome);
        outcome
    });
    lambda_runtime::run(function).await.map_err(Error::Runtime)
}

/// Tells Lambda why the function cannot start, so that the invoker reads it. It is the best that can be done: when this
/// fails, the process's own error output in the function's log still says it.
async fn report_init_error(runtime_api: &str, error_type: &str, message: &str) {
    let Ok(client) = reqwest::Client::builder().no_proxy().build() else {
        return;
    };
    let body = json!({ "errorMessage": message, "errorType": error_type });
    let url = format!("http://{runtime_api}/2018-06-01/runtime/init/error");
    let _ = client
        .post(url)
        .header("Lambda-Runtime-Function-Error-Type", error_type)
        .json(&body)
        .send()
        .await;
}
