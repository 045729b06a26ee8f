//! Lambda's side of a function: takes one event after the other from the Runtime API, and answers each.
//!
//! [The interface](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) has three calls. They are made here and not by the
//! crate `lambda_runtime`, because that also reads what no function of ours needs: if the client context or the identity, which the
//! invoker writes, are not as it expects them, or if the event is not UTF-8, it ends the process without an answer. Here nothing that an
//! invoker can write ends the process; what cannot be read is answered with an error.

use reqwest::{Client, Response, StatusCode, Url};
use serde::Serialize;
use serde_json::{Value, json};

use super::event_json;
use super::log::JsonLines;
use crate::shown::bounded;
use crate::web;

/// [Lambda's own limit](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html) of an event is 6 MB.
const MAX_EVENT: usize = 6 * 1024 * 1024;
/// The longest message that a failed invocation is answered with.
const MAX_MESSAGE: usize = 16 * 1024;

/// An invocation of the function.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What the function is asked.
    pub payload: Value,
    /// Lambda's id of the request; the same when it delivers an asynchronous event again.
    pub request_id: String,
    /// The ARN that the function was invoked by.
    pub function_arn: Option<String>,
}

/// Why an invocation failed: [what the invoker reads](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-invokeerror).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// One word by which a program tells errors apart.
    pub error_type: String,
    /// What went wrong, for people.
    pub error_message: String,
}

/// Why the Runtime API could not be spoken to; Lambda starts the function anew then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `AWS_LAMBDA_RUNTIME_API` is not an address.
    #[error("`{0}` is not an address")]
    Address(String),
    /// It does not answer, or not to the end.
    #[error("it does not answer: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// It answers with another status than success.
    #[error("it answers {0}")]
    Refused(StatusCode),
    /// An event without the id that its answer must carry.
    #[error("an event has no request id")]
    NoRequestId,
}

/// Serves `handler` until Lambda stops the process.
///
/// # Errors
/// The Runtime API fails; whatever the events are, they are answered.
pub async fn serve<Answer: Serialize>(
    address: &str,
    log: &JsonLines,
    handler: impl AsyncFn(Event, JsonLines) -> Result<Answer, Diagnostic>,
) -> Result<(), Error> {
    let api = RuntimeApi::at(address)?;
    loop {
        let next = api.next().await?;
        let request_id = next.request_id.clone();
        let log = log.of_request(&request_id);
        let outcome = match next.event().await? {
            Ok(event) => handler(event, log).await,
            Err(why) => {
                log.error("the event cannot be read", &[("why", &why)]);
                Err(Diagnostic::new(
                    "UnreadableEvent",
                    &format!("the event cannot be read: {why}"),
                ))
            }
        };
        api.answer(&request_id, outcome).await?;
    }
}

impl Diagnostic {
    /// With as much of the message as an answer may have.
    #[must_use]
    pub fn new(error_type: &str, error_message: &str) -> Self {
        Self {
            error_type: error_type.to_owned(),
            error_message: bounded(error_message, MAX_MESSAGE).into_owned(),
        }
    }
}

/// The Runtime API of this process.
struct RuntimeApi {
    client: Client,
    invocations: Url,
}

impl RuntimeApi {
    fn at(address: &str) -> Result<Self, Error> {
        let invocations = format!("http://{address}/2018-06-01/runtime/invocation/");
        Ok(Self {
            // The Runtime API is on this machine, whichever proxy the function's calls to AWS go through.
            client: web::client().no_proxy().build()?,
            invocations: Url::parse(&invocations).map_err(|_| Error::Address(address.to_owned()))?,
        })
    }

    /// Waits for the next event, however long.
    async fn next(&self) -> Result<Next, Error> {
        let response = self.client.get(self.call(&["next"])).send().await?;
        if !response.status().is_success() {
            return Err(Error::Refused(response.status()));
        }
        let header = |name: &str| {
            let text = response.headers().get(name)?.to_str().ok()?;
            Some(text.to_owned()).filter(|text| !text.is_empty())
        };
        Ok(Next {
            request_id: header("lambda-runtime-aws-request-id").ok_or(Error::NoRequestId)?,
            function_arn: header("lambda-runtime-invoked-function-arn"),
            response,
        })
    }

    async fn answer<T: Serialize>(&self, request_id: &str, outcome: Result<T, Diagnostic>) -> Result<(), Error> {
        let request = match &outcome {
            Ok(answer) => self.client.post(self.call(&[request_id, "response"])).json(answer),
            Err(failure) => self
                .client
                .post(self.call(&[request_id, "error"]))
                .header("lambda-runtime-function-error-type", failure.error_type.as_str())
                .json(failure),
        };
        let status = request.send().await?.status();
        // Lambda refuses the answer to an invocation that has timed out in the meantime; the next one may still succeed.
        if status.is_server_error() {
            return Err(Error::Refused(status));
        }
        Ok(())
    }

    fn call(&self, path: &[&str]) -> Url {
        let mut url = self.invocations.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

/// An event that has not been read yet.
struct Next {
    response: Response,
    request_id: String,
    function_arn: Option<String>,
}

impl Next {
    /// The event, or what is wrong with it.
    async fn event(mut self) -> Result<Result<Event, String>, Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.response.chunk().await? {
            if bytes.len() + chunk.len() > MAX_EVENT {
                return Ok(Err(format!("it has more than {MAX_EVENT} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(event_json::read(&bytes).map(|payload| Event {
            payload,
            request_id: self.request_id,
            function_arn: self.function_arn,
        }))
    }
}

/// Tells Lambda why the function cannot start, so that the invoker reads it. Should that fail, the function's log still has the error,
/// as the process writes it to stderr.
pub(super) async fn report_init_error(address: &str, error_type: &str, message: &str) {
    let Ok(client) = web::client().no_proxy().build() else {
        return;
    };
    let _ = client
        .post(format!("http://{address}/2018-06-01/runtime/init/error"))
        .header("Lambda-Runtime-Function-Error-Type", error_type)
        .json(&json!({ "errorMessage": message, "errorType": error_type }))
        .send()
        .await;
}
