//! The real SDK against a service that answers what each test says.

use std::sync::{Arc, Mutex};

use aws_config::BehaviorVersion;
use aws_sdk_lambda::config::{Credentials, SharedCredentialsProvider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::explain::{Explain as _, Fault};
use crate::progress::Silent;

/// One HTTP answer: the status line's end, further header lines, and the body.
type Answer = (&'static str, &'static str, &'static str);

/// A service on loopback that gives each request the next answer; an empty status closes the connection instead.
struct Service {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn answering(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (Arc::clone(&requests), answers.to_vec());
        tokio::spawn(async move {
            for (status, headers, body) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                seen.lock().unwrap().push(request);
                if status.is_empty() {
                    continue;
                }
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .to_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

fn sdk_config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .http_client(crate::aws::http_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .build()
}

fn training() -> Training {
    Training {
        job_name: "iris".to_owned(),
        run_id: "20261124-041205-1a2b3c4d".to_owned(),
        commit: "1f0c2ab".to_owned(),
        image: "iris@sha256:1f".to_owned(),
        instance_type: "ml.m5.large".to_owned(),
        instance_count: 1,
        volume_gib: 30,
        max_runtime_seconds: 86_400,
        input: "s3://iris-input/input/data/training/".to_owned(),
        output: "s3://iris-output/".to_owned(),
        role: "arn:aws:iam::123456789012:role/training".to_owned(),
        ..Training::default()
    }
}

/// Invokes `function` at a service with these answers; also gives the requests that arrived.
async fn invoked(function: &str, answers: &[Answer]) -> (Result<TrainingAnswer, Error>, Vec<String>) {
    let service = Service::answering(answers).await;
    let outcome = start(&training(), function, &sdk_config(&service.url), &Silent).await;
    (outcome, service.requests())
}

async fn refused(answers: &[Answer]) -> (Error, usize) {
    let (outcome, requests) = invoked("start-training", answers).await;
    (outcome.unwrap_err(), requests.len())
}

#[tokio::test]
async fn the_answer_is_the_started_job() {
    let body = r#"{"training_job_name": "iris-1", "training_job_arn": "arn:aws:sagemaker:x", "run_id": "1"}"#;
    let (outcome, requests) = invoked("start-training:live", &[("200 OK", "", body)]).await;
    let answer = outcome.unwrap();
    assert_eq!(answer.run().unwrap().training_job_name, "iris-1");
    let sent = requests[0].to_lowercase();
    assert!(
        sent.starts_with("post /2015-03-31/functions/start-training%3alive/invocations"),
        "{sent}"
    );
    assert!(
        sent.contains("x-amz-invocation-type: requestresponse") && sent.contains("x-amz-log-type: tail"),
        "{sent}"
    );
    let body = requests[0].split_once("\r\n\r\n").unwrap().1;
    assert_eq!(
        serde_json::from_str::<Value>(body).unwrap(),
        Value::Object(training().payload())
    );
}

#[tokio::test]
async fn another_lambdas_answer_is_taken_as_it_is() {
    for (body, answer) in [("null", Value::Null), ("", Value::Null), (r#""ok""#, Value::from("ok"))] {
        let (outcome, _) = invoked("start-training", &[("200 OK", "", body)]).await;
        assert_eq!(outcome.unwrap(), TrainingAnswer::Accepted { answer });
    }
    let (outcome, _) = invoked("start-training", &[("200 OK", "", r#"{"statusCode": 200}"#)]).await;
    assert!(outcome.unwrap().run().is_none());
}

#[tokio::test]
async fn a_failed_function_is_a_failure_with_its_message_and_log() {
    let headers = "X-Amz-Function-Error: Unhandled\r\nX-Amz-Log-Result: bGluZSBvbmUKbGluZSB0d28K\r\n";
    let body = r#"{"errorMessage": "no role", "errorType": "InvalidPayload", "stackTrace": ["a", "b"]}"#;
    let (error, calls) = refused(&[("200 OK", headers, body)]).await;
    assert_eq!(
        error.to_string(),
        "the training Lambda `start-training` failed (InvalidPayload): no role"
    );
    assert_eq!(error.log(), Some("line one\nline two"));
    assert_eq!((error.advice().fault, calls), (Fault::User, 1));
}

#[tokio::test]
async fn a_function_that_may_work_later_is_a_temporary_failure() {
    let body = r#"{"errorMessage": "cannot create the training job now: Rate exceeded", "errorType": "Unavailable"}"#;
    let (error, calls) = refused(&[("200 OK", "X-Amz-Function-Error: Unhandled\r\n", body)]).await;
    assert_eq!((error.advice().fault, calls), (Fault::Temporary, 1), "{error}");
}

#[tokio::test]
async fn a_failed_function_without_a_reason_says_so() {
    let headers = "X-Amz-Function-Error: Unhandled\r\n";
    for (body, message) in [("{}", "it gave no reason"), ("boom", "boom"), ("", "it gave no reason")] {
        let (error, _) = refused(&[("200 OK", headers, body)]).await;
        assert!(error.to_string().ends_with(&format!("failed: {message}")), "{error}");
        assert_eq!(error.log(), None);
    }
}

#[tokio::test]
async fn what_the_user_can_mend_is_not_tried_again() {
    let not_found = (
        "404 Not Found",
        "X-Amzn-ErrorType: ResourceNotFoundException\r\n",
        r#"{"Message": "Function not found"}"#,
    );
    let denied = (
        "403 Forbidden",
        "X-Amzn-ErrorType: AccessDeniedException\r\n",
        r#"{"Message": "User: me is not authorized"}"#,
    );
    let expired = (
        "403 Forbidden",
        "X-Amzn-ErrorType: ExpiredTokenException\r\n",
        r#"{"message": "The security token is expired"}"#,
    );
    let invalid = (
        "400 Bad Request",
        "X-Amzn-ErrorType: InvalidRequestContentException\r\n",
        r#"{"message": "Could not parse"}"#,
    );
    let mut shown = Vec::new();
    for answer in [not_found, denied, expired, invalid] {
        let (error, calls) = refused(&[answer, answer]).await;
        assert_eq!((error.advice().fault, calls), (Fault::User, 1), "{error}");
        shown.push(format!("{error}\n{}", error.advice().hints.join("\n")));
    }
    insta::assert_snapshot!(shown.join("\n\n"), @r#"
    the training Lambda `start-training` does not exist in eu-west-1
    Check the name (--function, SGBUILD_FUNCTION) and the region (eu-west-1; AWS_REGION or --region).
    Give the function's full ARN when it lives in another account.

    not allowed to invoke the training Lambda `start-training`: User: me is not authorized (AccessDeniedException)
    Grant lambda:InvokeFunction on this function to the identity that sgbuild runs as.
    Run `aws sts get-caller-identity` to see which identity that is.

    no usable AWS credentials to invoke the training Lambda `start-training`: The security token is expired (ExpiredTokenException)
    Log in (`aws sso login`, `aws configure`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

    the training Lambda `start-training` could not be invoked: Could not parse (InvalidRequestContentException)
    "#);
}

#[tokio::test]
async fn throttling_and_5xx_are_tried_again_with_the_same_request() {
    let throttled = (
        "429 Too Many Requests",
        "X-Amzn-ErrorType: TooManyRequestsException\r\n",
        r#"{"Message": "Rate Exceeded."}"#,
    );
    let broken = ("502 Bad Gateway", "", "<html>");
    let (outcome, requests) = invoked("start-training", &[throttled, broken, ("200 OK", "", "null")]).await;
    assert_eq!(outcome.unwrap(), TrainingAnswer::Accepted { answer: Value::Null });
    let bodies: Vec<&str> = requests
        .iter()
        .map(|request| request.split_once("\r\n\r\n").unwrap().1)
        .collect();
    assert!(
        bodies.len() == 3 && bodies.iter().all(|body| body == &bodies[0]),
        "{bodies:?}"
    );
}

#[tokio::test]
async fn a_service_that_stays_broken_is_a_temporary_failure() {
    let broken = (
        "500 Internal Server Error",
        "X-Amzn-ErrorType: ServiceException\r\n",
        r#"{"Message": "oops"}"#,
    );
    let (error, calls) = refused(&[broken; 6]).await;
    assert_eq!((error.advice().fault, calls), (Fault::Temporary, 4), "{error}");
    assert!(
        error.advice().hints[0].contains("--run-id 20261124-041205-1a2b3c4d"),
        "{:?}",
        error.advice().hints
    );
}

#[tokio::test]
async fn a_lost_connection_is_not_tried_again() {
    let (error, calls) = refused(&[("", "", ""), ("200 OK", "", "null")]).await;
    assert_eq!((error.advice().fault, calls), (Fault::Temporary, 1), "{error}");
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_a_temporary_failure() {
    let error = start(&training(), "f", &sdk_config("http://127.0.0.1:1"), &Silent)
        .await
        .unwrap_err();
    assert_eq!(error.advice().fault, Fault::Temporary, "{error}");
}

#[tokio::test]
async fn without_credentials_the_error_says_so() {
    let config = SdkConfig::builder()
        .http_client(crate::aws::http_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .build();
    let error = start(&training(), "f", &config, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
}

#[tokio::test]
async fn without_a_region_the_error_says_so() {
    let config = sdk_config("http://127.0.0.1:1").into_builder().region(None).build();
    let error = start(&training(), "f", &config, &Silent).await.unwrap_err();
    insta::assert_snapshot!(error, @r#"
    no AWS region is set for the training Lambda `f`
    "#);
}

#[test]
fn a_full_arn_decides_the_region() {
    assert_eq!(
        region_of_arn("arn:aws:lambda:us-east-2:123456789012:function:start:live"),
        Some("us-east-2")
    );
    assert_eq!(region_of_arn("123456789012:function:start"), None);
    assert_eq!(region_of_arn("start"), None);
}
