use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::*;
use crate::explain::{Explain as _, Fault};
use crate::registry::scripted::{Scripted, answer};

const ACCOUNT: &str = "123456789012";

/// A configuration for an emulated service, independent of the machine's own.
pub(crate) fn config(endpoint: &str) -> SdkConfig {
    let key = aws_credential_types::Credentials::new("AKIDEXAMPLE", "sekret", None, None, "test");
    SdkConfig::builder()
        .http_client(crate::aws::http_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .credentials_provider(SharedCredentialsProvider::new(key))
        .build()
}

fn host() -> EcrHost {
    EcrHost::parse(&EcrHost::host(ACCOUNT, "eu-central-1")).unwrap()
}

async fn service(script: impl Fn(&str) -> String + Send + Sync + 'static) -> (Scripted, SdkConfig) {
    let server = Scripted::start(move |request, _| script(request)).await;
    let config = config(&format!("http://{}", server.host()));
    (server, config)
}

fn json_error(status: &str, code: &str, message: &str) -> String {
    let body = format!(r#"{{"__type":"com.amazonaws.ecr#{code}","message":"{message}"}}"#);
    answer(status, &[("content-type", "application/x-amz-json-1.1")], &body)
}

fn json(body: &str) -> String {
    answer("200 OK", &[("content-type", "application/x-amz-json-1.1")], body)
}

/// The operation a request is for, such as `CreateRepository`.
fn operation(request: &str) -> &str {
    let target = request
        .lines()
        .find_map(|line| line.strip_prefix("x-amz-target: "))
        .unwrap_or("sts");
    target.rsplit('.').next().unwrap()
}

#[derive(Debug)]
struct Failing(fn() -> CredentialsError);

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test]
async fn the_default_repository_is_the_callers_own() {
    let identity = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    let (_server, config) = service(move |_| answer("200 OK", &[("content-type", "text/xml")], &identity)).await;
    let repository = default_repository(&config, "Iris_Classifier").await.unwrap();
    assert_eq!(
        repository.to_string(),
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/iris-classifier"
    );

    let no_region = config.into_builder().region(None).build();
    let error = default_repository(&no_region, "iris").await.unwrap_err();
    assert_eq!(error.to_string(), "no AWS region is configured");
}

#[tokio::test]
async fn the_token_is_asked_of_the_hosts_account_and_region() {
    let (server, config) = service(|_| {
        let token = base64::engine::general_purpose::STANDARD.encode("AWS:pass:word");
        json(&format!(
            r#"{{"authorizationData":[{{"authorizationToken":"{token}"}}]}}"#
        ))
    })
    .await;
    let host = EcrHost::parse(&EcrHost::host("210987654321", "us-west-2")).unwrap();
    let credentials = authorization(&config, &host, None).await.unwrap();
    assert_eq!(
        credentials,
        Credentials::Basic {
            username: "AWS".to_owned(),
            password: Secret::new("pass:word")
        }
    );
    let request = &server.seen()[0];
    assert!(request.contains("/us-west-2/ecr/aws4_request"), "{request}");
    assert!(request.contains(r#"["210987654321"]"#), "{request}");

    let (_server, config) = service(|_| json(r#"{"authorizationData":[{"authorizationToken":"QVdT"}]}"#)).await;
    let error = authorization(&config, &host, None).await.unwrap_err();
    assert!(
        error.to_string().contains("its token is not base64 of `user:password`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_repository_is_created_with_scan_on_push_or_refused() {
    let missing = |request: &str| match operation(request) {
        "CreateRepository" => json(r#"{"repository":{"imageTagMutability":"MUTABLE"}}"#),
        _ => json_error("400 Bad Request", "RepositoryNotFoundException", "not there"),
    };
    let (server, config) = service(missing).await;
    let state = ensure_repository(&config, &host(), "iris", true).await.unwrap();
    assert_eq!(
        state,
        RepositoryState {
            created: true,
            tags: TagMutability::default()
        }
    );
    assert!(
        server.seen()[1].contains(r#""scanOnPush":true"#),
        "{}",
        server.seen()[1]
    );

    let error = ensure_repository(&config, &host(), "iris", false).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the ECR repository `iris` does not exist in account 123456789012, region eu-central-1"
    );
    assert_eq!(
        server
            .seen()
            .iter()
            .filter(|request| operation(request) == "CreateRepository")
            .count(),
        1
    );
}

#[tokio::test]
async fn losing_the_race_to_create_a_repository_is_no_error() {
    let created = std::sync::atomic::AtomicBool::new(false);
    let (_server, config) = service(move |request| match operation(request) {
        "CreateRepository" => {
            created.store(true, std::sync::atomic::Ordering::SeqCst);
            json_error("400 Bad Request", "RepositoryAlreadyExistsException", "there")
        }
        _ if created.load(std::sync::atomic::Ordering::SeqCst) => {
            json(r#"{"repositories":[{"imageTagMutability":"IMMUTABLE"}]}"#)
        }
        _ => json_error("400 Bad Request", "RepositoryNotFoundException", "not there"),
    })
    .await;
    let state = ensure_repository(&config, &host(), "iris", true).await.unwrap();
    assert!(!state.created && state.tags.is_immutable("1.0"));
}

#[tokio::test]
async fn the_exceptions_of_an_immutable_repository_are_read() {
    let (_server, config) = service(|_| {
        json(
            r#"{"repositories":[{"imageTagMutability":"IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters":[{"filterType":"WILDCARD","filter":"latest"},{"filterType":"WILDCARD","filter":"dev-*"}]}]}"#,
        )
    })
    .await;
    let tags = ensure_repository(&config, &host(), "iris", true).await.unwrap().tags;
    assert!(tags.is_immutable("1.0") && tags.is_immutable("latest2"));
    assert!(!tags.is_immutable("latest") && !tags.is_immutable("dev-7"));
}

#[test]
fn wildcards_match_whole_tags() {
    for (pattern, tag, expected) in [
        ("*", "", true),
        ("a*c", "abc", true),
        ("a*c", "ac", true),
        ("a*c", "acd", false),
        ("*b*", "abc", true),
    ] {
        assert_eq!(wildcard_matches(pattern, tag), expected, "{pattern} {tag}");
    }
}

#[tokio::test]
async fn each_denied_action_is_named_with_its_resource() {
    let denied = |_: &str| {
        json_error(
            "400 Bad Request",
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/u may not",
        )
    };
    let (_server, config) = service(denied).await;
    let error = authorization(&config, &host(), None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "access denied: ecr:GetAuthorizationToken on * (AccessDeniedException: User: arn:aws:iam::1:user/u may not)"
    );
    assert_eq!(
        error.advice().hints,
        ["Allow `ecr:GetAuthorizationToken` on `*` in the principal's IAM policy."]
    );

    let arn = "arn:aws:ecr:eu-central-1:123456789012:repository/iris";
    let error = ensure_repository(&config, &host(), "iris", true).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("access denied: ecr:DescribeRepositories on {arn} (")),
        "{error}"
    );

    let (_server, config) = service(move |request| match operation(request) {
        "CreateRepository" => denied(request),
        _ => json_error("400 Bad Request", "RepositoryNotFoundException", "not there"),
    })
    .await;
    let error = ensure_repository(&config, &host(), "iris", true).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("access denied: ecr:CreateRepository on {arn} (")),
        "{error}"
    );
    assert_eq!((error.advice().fault, error.advice().hints.len()), (Fault::User, 2));

    let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    let (_server, config) = service(move |_| answer("403 Forbidden", &[("content-type", "text/xml")], xml)).await;
    let error = default_repository(&config, "iris").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "access denied: sts:GetCallerIdentity on * (AccessDenied: no)"
    );
}

#[tokio::test]
async fn refused_credentials_are_told_apart_from_denied_access() {
    let (_server, config) = service(|_| {
        json_error(
            "400 Bad Request",
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
    })
    .await;
    let error = authorization(&config, &host(), None).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the AWS credentials have expired: ecr:GetAuthorizationToken was refused"),
        "{error}"
    );

    let (_server, config) = service(|_| json_error("400 Bad Request", "UnrecognizedClientException", "invalid")).await;
    let error = authorization(&config, &host(), None).await.unwrap_err();
    assert!(
        error.to_string().starts_with("AWS does not accept the credentials: "),
        "{error}"
    );
    assert_eq!(error.advice().fault, Fault::User);
}

#[tokio::test]
async fn missing_credentials_are_seen_in_every_form() {
    let without = |provider: Option<SharedCredentialsProvider>| {
        let mut builder = config("http://127.0.0.1:9").into_builder();
        builder.set_credentials_provider(provider);
        builder.build()
    };
    let none = SharedCredentialsProvider::new(Failing(CredentialsError::not_loaded_no_source));
    for config in [without(None), without(Some(none))] {
        let error = authorization(&config, &host(), None).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no AWS credentials were found (needed for ecr:GetAuthorizationToken)"
        );
        assert!(error.lacks_credentials());
    }
    let broken =
        SharedCredentialsProvider::new(Failing(|| CredentialsError::provider_error("the SSO session is over")));
    let error = authorization(&without(Some(broken)), &host(), None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the AWS credentials could not be loaded (needed for ecr:GetAuthorizationToken): an error occurred while loading \
         credentials: the SSO session is over"
    );
    let slow = SharedCredentialsProvider::new(Failing(|| CredentialsError::provider_timed_out(Duration::from_secs(5))));
    assert_eq!(
        authorization(&without(Some(slow)), &host(), None)
            .await
            .unwrap_err()
            .advice()
            .fault,
        Fault::Temporary
    );
}

#[tokio::test]
async fn faults_of_the_service_are_temporary() {
    for (status, code) in [
        ("400 Bad Request", "ThrottlingException"),
        ("500 Internal Server Error", "ServerException"),
    ] {
        let (_server, config) = service(move |_| json_error(status, code, "later")).await;
        let error = authorization(&config, &host(), None).await.unwrap_err();
        assert_eq!(error.advice().fault, Fault::Temporary, "{error}");
        assert!(error.to_string().ends_with(&format!("{code}: later")), "{error}");
    }
    let (_server, config) = service(|_| answer("503 Service Unavailable", &[], "")).await;
    let error = authorization(&config, &host(), None).await.unwrap_err();
    assert_eq!(error.advice().fault, Fault::Temporary, "{error}");

    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = authorization(&config_at(free), &host(), None).await.unwrap_err();
    assert_eq!(error.advice().fault, Fault::Temporary);
    assert!(
        error.to_string().starts_with(&format!(
            "http://{free} could not be reached for ecr:GetAuthorizationToken: "
        )),
        "{error}"
    );
}

fn config_at(address: std::net::SocketAddr) -> SdkConfig {
    config(&format!("http://{address}"))
}

#[tokio::test]
async fn a_password_is_kept_while_it_is_good_and_for_whoever_asked() {
    let answered = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&answered);
    let expires = jiff::Timestamp::now().as_second() + 12 * 3600;
    let (_server, config) = service(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        json(&format!(
            r#"{{"authorizationData":[{{"authorizationToken":"QVdTOnBhc3M=","expiresAt":{expires}}}]}}"#
        ))
    })
    .await;
    let cache = tempfile::tempdir().unwrap();
    let directory = cache.path().join("sgbuild");
    for _ in 0..2 {
        let credentials = authorization(&config, &host(), Some(&directory)).await.unwrap();
        assert!(matches!(credentials, Credentials::Basic { username, .. } if username == "AWS"));
    }
    assert_eq!(answered.load(std::sync::atomic::Ordering::SeqCst), 1);
    let kept = std::fs::read_dir(directory.join("ecr"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&kept.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    forget(&config, &host(), &directory).await;
    authorization(&config, &host(), Some(&directory)).await.unwrap();
    assert_eq!(answered.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_tags_of_the_image_that_was_pushed_last_come_first() {
    let images = r#"{"imageDetails":[
        {"imageTags":["1.0-aaaaaaa"],"imagePushedAt":1700000000},
        {"imageTags":["1.1-bbbbbbb","latest"],"imagePushedAt":1700000200.5},
        {"imageTags":["1.1-ccccccc"],"imagePushedAt":1700000100}]}"#;
    let (server, config) = service(move |_| json(images)).await;
    let tags = newest_tags(&config, &host(), "iris").await.unwrap();
    assert_eq!(tags, ["1.1-bbbbbbb", "latest", "1.1-ccccccc", "1.0-aaaaaaa"]);
    let request = &server.seen()[0];
    assert_eq!(operation(request), "DescribeImages");
    assert!(request.contains(r#""tagStatus":"TAGGED""#), "{request}");

    let denied = json_error("400 Bad Request", "AccessDeniedException", "no");
    let (_server, config) = service(move |_| denied.clone()).await;
    let error = newest_tags(&config, &host(), "iris").await.unwrap_err();
    assert!(error.to_string().contains("ecr:DescribeImages"), "{error}");
}
