use std::path::Path;

use super::*;
use crate::explain::{Explain as _, Fault};
use crate::oci::{Content, Descriptor, Digest, MediaType};
use crate::registry::scripted::{Scripted, answer};

mod referrers;

const MANIFEST: &str = r#"{"schemaVersion":2}"#;

fn settings() -> ClientSettings {
    let retry = Retry {
        base: Duration::from_millis(2),
        cap: Duration::from_millis(200),
        ..Retry::default()
    };
    ClientSettings {
        docker_certs_dir: Path::new("/nonexistent").to_owned(),
        retry,
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_millis(500),
        answer_timeout: Duration::from_secs(30),
    }
}

fn basic_credentials() -> Credentials {
    Credentials::Basic {
        username: "me".to_owned(),
        password: Secret::new("hunter2"),
    }
}

async fn connect(server: &Scripted, credentials: &Credentials, access: Access) -> Result<Client, Error> {
    let repository = Repository::parse(&format!("{}/team/iris", server.host())).unwrap();
    Client::connect(&repository, credentials, access, &settings()).await
}

fn is_ping(request: &str) -> bool {
    request.starts_with("GET /v2/ ")
}

fn manifest_answer() -> String {
    let digest = Digest::of(MANIFEST.as_bytes());
    answer(
        "200 OK",
        &[
            ("content-type", &format!("{}; charset=utf-8", MediaType::DockerManifest)),
            ("docker-content-digest", digest.as_str()),
        ],
        MANIFEST,
    )
}

/// A registry whose manifests are answered by `script`; its own pings are answered well and not counted.
async fn registry(script: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Scripted {
    let number = std::sync::atomic::AtomicUsize::new(0);
    Scripted::start(move |request, _| {
        if is_ping(request) {
            return answer("200 OK", &[], "{}");
        }
        script(request, number.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    })
    .await
}

async fn manifest_of(server: &Scripted) -> Result<Option<Manifest>, Error> {
    connect(server, &Credentials::Anonymous, Access::Pull)
        .await?
        .manifest("1")
        .await
}

fn requests_for_manifests(server: &Scripted) -> usize {
    server
        .seen()
        .iter()
        .filter(|request| request.contains("/manifests/"))
        .count()
}

#[tokio::test]
async fn a_server_that_recovers_is_asked_again() {
    let server = registry(|_, n| {
        if n == 0 {
            answer("503 Service Unavailable", &[], "")
        } else {
            manifest_answer()
        }
    })
    .await;
    let manifest = manifest_of(&server).await.unwrap().unwrap();
    assert_eq!(manifest.bytes, MANIFEST);
    assert_eq!(manifest.media_type, MediaType::DockerManifest);
    assert_eq!(manifest.answered_digest, Some(manifest.digest()));
    assert_eq!(requests_for_manifests(&server), 2);
}

#[tokio::test]
async fn a_server_that_stays_broken_is_a_temporary_failure() {
    let server = registry(|_, _| answer("503 Service Unavailable", &[], "upstream is resting")).await;
    let error = manifest_of(&server).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the registry {} answered 503 to GET /v2/team/iris/manifests/1 (5 tries): upstream is resting",
            server.host()
        )
    );
    assert_eq!(error.advice().fault, Fault::Temporary);
    assert_eq!(requests_for_manifests(&server), 5);
}

#[tokio::test]
async fn retry_after_is_waited_for_and_capped() {
    let server = registry(|_, n| {
        if n == 0 {
            answer("429 Too Many Requests", &[("retry-after", "3600")], "")
        } else {
            manifest_answer()
        }
    })
    .await;
    let started = std::time::Instant::now();
    manifest_of(&server).await.unwrap().unwrap();
    let waited = started.elapsed();
    assert!(
        waited >= Duration::from_millis(200) && waited < Duration::from_secs(5),
        "{waited:?}"
    );
}

#[tokio::test]
async fn what_will_not_change_is_not_asked_again() {
    let server = registry(|_, _| answer("400 Bad Request", &[], r#"{"errors":[{"code":"NAME_INVALID"}]}"#)).await;
    let error = manifest_of(&server).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("answered 400 to GET /v2/team/iris/manifests/1: NAME_INVALID"),
        "{error}"
    );
    assert_eq!(
        (error.advice().fault, requests_for_manifests(&server)),
        (Fault::User, 1)
    );

    let server = registry(|_, _| answer("404 Not Found", &[], "")).await;
    assert_eq!(manifest_of(&server).await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_cut_short_or_stalled_is_asked_for_again() {
    let server = registry(|_, n| {
        if n == 0 {
            manifest_answer().replace("content-length: ", "content-length: 9")
        } else {
            manifest_answer()
        }
    })
    .await;
    assert_eq!(manifest_of(&server).await.unwrap().unwrap().bytes, MANIFEST);
    assert_eq!(requests_for_manifests(&server), 2);
}

#[tokio::test]
async fn an_endless_answer_is_refused() {
    let server = registry(|_, _| answer("200 OK", &[], &"x".repeat(exchange::MAX_MANIFEST + 1))).await;
    let error = manifest_of(&server).await.unwrap_err();
    assert!(
        error.to_string().ends_with("it is larger than 4194304 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_listening_is_temporary_and_names_the_host() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let repository = Repository::parse(&format!("{free}/a")).unwrap();
    let error = Client::connect(&repository, &basic_credentials(), Access::Pull, &settings())
        .await
        .unwrap_err();
    assert_eq!(error.advice().fault, Fault::Temporary);
    assert!(
        error
            .to_string()
            .starts_with(&format!("the registry {free} could not be reached (5 tries): ")),
        "{error}"
    );
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_told_apart_by_whose_it_is() {
    for (status, body, expected) in [
        ("401 Unauthorized", "", "does not accept the credentials: Unauthorized"),
        (
            "403 Forbidden",
            r#"{"errors":[{"code":"DENIED","message":"no"}]}"#,
            "does not permit access to `team/iris`: DENIED: no",
        ),
        (
            "403 Forbidden",
            "Your authorization token has expired. Reauthenticate and try again.",
            "have expired: Your auth",
        ),
    ] {
        let server = registry(move |_, _| answer(status, &[], body)).await;
        let client = connect(&server, &basic_credentials(), Access::Pull).await.unwrap();
        let error = client.manifest("1").await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.advice().fault, Fault::User);
        assert!(!error.advice().hints.is_empty());
    }
}

#[tokio::test]
async fn a_password_is_sent_only_when_asked_for() {
    let server = Scripted::start(|request, _| {
        let authorized = request.contains("authorization: Basic bWU6aHVudGVyMg==\r\n");
        if is_ping(request) || !authorized {
            return answer("401 Unauthorized", &[("www-authenticate", "Basic realm=\"r\"")], "");
        }
        manifest_answer()
    })
    .await;
    let client = connect(&server, &basic_credentials(), Access::Pull).await.unwrap();
    client.manifest("1").await.unwrap().unwrap();
    assert!(
        !server.seen()[0].contains("authorization:"),
        "sent before it was asked for"
    );
    assert!(!format!("{client:?}").contains("hunter2"));

    let error = connect(&server, &Credentials::Anonymous, Access::Pull)
        .await
        .unwrap()
        .manifest("1")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("does not accept requests without credentials"),
        "{error}"
    );
}

/// A registry with a token service on the same port; a token is good for the manifests asked for with it `good_for` times.
async fn token_registry(good_for: usize) -> Scripted {
    let used = std::sync::atomic::AtomicUsize::new(0);
    Scripted::start(move |request, number| {
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"test\"");
        if request.starts_with("GET /token?") || request.starts_with("POST /token ") {
            return answer("200 OK", &[], &format!(r#"{{"token":"t{number}","expires_in":300}}"#));
        }
        let authorized = request.contains("authorization: Bearer t");
        let spent = authorized && used.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % (good_for + 1) == good_for;
        if !authorized || spent {
            return answer("401 Unauthorized", &[("www-authenticate", &challenge)], "");
        }
        manifest_answer()
    })
    .await
}

fn token_requests(server: &Scripted) -> Vec<String> {
    server
        .seen()
        .into_iter()
        .filter(|request| request.contains("/token"))
        .collect()
}

#[tokio::test]
async fn the_password_of_ecr_goes_to_no_other_host() {
    let elsewhere = token_registry(9).await;
    let realm = format!("http://{}/token", elsewhere.host());
    let server = Scripted::start(move |_, _| {
        let challenge = format!("Bearer realm=\"{realm}\"");
        answer("401 Unauthorized", &[("www-authenticate", &challenge)], "")
    })
    .await;
    let mut client = connect(&server, &basic_credentials(), Access::PullPush).await.unwrap();
    client.repository = Repository::parse("123456789012.dkr.ecr.us-west-2.amazonaws.com/iris").unwrap();
    let error = client.manifest("1.0").await.unwrap_err();
    assert!(
        error.to_string().ends_with("is another host, and ECR has none"),
        "{error}"
    );
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
}

#[tokio::test]
async fn an_answer_that_drips_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                    .await;
                // Never silent for long, and never done.
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    let settings = ClientSettings {
        answer_timeout: Duration::from_millis(300),
        ..settings()
    };
    let target = Repository::parse(&format!("{host}/iris")).unwrap();
    let started = std::time::Instant::now();
    let error = Client::connect(&target, &Credentials::Anonymous, Access::Pull, &settings)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_token_is_fetched_once_and_renewed_when_refused() {
    let server = token_registry(2).await;
    let client = connect(&server, &basic_credentials(), Access::PullPush).await.unwrap();
    for _ in 0..2 {
        client.manifest("1").await.unwrap().unwrap();
    }
    let fetched = token_requests(&server);
    assert_eq!(fetched.len(), 1, "{fetched:?}");
    assert!(
        fetched[0].starts_with("GET /token?service=test&scope=repository%3Ateam%2Firis%3Apull%2Cpush "),
        "{}",
        fetched[0]
    );
    assert!(fetched[0].contains("authorization: Basic bWU6aHVudGVyMg=="));

    client.manifest("1").await.unwrap().unwrap();
    assert_eq!(token_requests(&server).len(), 2);
}

#[tokio::test]
async fn a_token_for_what_is_public_needs_no_credentials() {
    let server = token_registry(9).await;
    let client = connect(&server, &Credentials::Anonymous, Access::Pull).await.unwrap();
    client.manifest("1").await.unwrap().unwrap();
    let fetched = token_requests(&server);
    assert!(
        fetched[0].contains("%3Apull ") && !fetched[0].contains("authorization"),
        "{}",
        fetched[0]
    );
}

#[tokio::test]
async fn an_identity_token_is_exchanged_for_an_access_token() {
    let server = token_registry(9).await;
    let credentials = Credentials::IdentityToken(Secret::new("id token"));
    connect(&server, &credentials, Access::Pull)
        .await
        .unwrap()
        .manifest("1")
        .await
        .unwrap()
        .unwrap();
    let fetched = token_requests(&server);
    assert!(fetched[0].starts_with("POST /token "), "{}", fetched[0]);
    assert!(fetched[0].contains("grant_type=refresh_token") && fetched[0].contains("refresh_token=id+token"));
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let other = Scripted::start(|_, _| manifest_answer()).await;
    let elsewhere = format!("http://{}/elsewhere", other.host());
    let server = Scripted::start(move |request, _| {
        if request.contains("authorization: Basic") {
            return answer("307 Temporary Redirect", &[("location", &elsewhere)], "");
        }
        answer("401 Unauthorized", &[("www-authenticate", "Basic realm=\"r\"")], "")
    })
    .await;
    let client = connect(&server, &basic_credentials(), Access::Pull).await.unwrap();
    client.manifest("1").await.unwrap().unwrap();
    assert_eq!(other.seen().len(), 1);
    assert!(
        !other.seen()[0].to_ascii_lowercase().contains("authorization"),
        "{}",
        other.seen()[0]
    );
}

/// A layer of the test's, as it is opened each time.
struct Layer {
    descriptor: Descriptor,
    openings: std::sync::Mutex<Vec<&'static str>>,
}

impl Layer {
    /// One of `text`; it is read as the last of `openings`, the next time as the one before, and so on.
    fn content(text: &str, openings: &[&'static str]) -> std::sync::Arc<dyn Content> {
        std::sync::Arc::new(Self {
            descriptor: Descriptor {
                digest: Digest::of(text.as_bytes()),
                size: text.len() as u64,
            },
            openings: std::sync::Mutex::new(openings.to_vec()),
        })
    }
}

impl Content for Layer {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        let text = self.openings.lock().unwrap().pop();
        let text = text.ok_or_else(|| std::io::Error::other("it is opened too often"))?;
        Ok(Box::new(text.as_bytes()))
    }
}

/// A registry that begins an upload and takes it as `put` says; it then has a blob of `size` bytes, 404 without one.
async fn taking(size: Option<usize>, put: impl Fn(usize) -> String + Send + Sync + 'static) -> Scripted {
    let puts = std::sync::atomic::AtomicUsize::new(0);
    Scripted::start(move |request, _| match request.split_once(' ').unwrap() {
        ("POST", _) => answer(
            "202 Accepted",
            &[("location", "/v2/team/iris/blobs/uploads/1?state=x")],
            "",
        ),
        ("PUT", _) => put(puts.fetch_add(1, std::sync::atomic::Ordering::SeqCst)),
        ("HEAD", _) => match size {
            Some(size) => answer("200 OK", &[], &"x".repeat(size)),
            None => answer("404 Not Found", &[], ""),
        },
        _ => answer("200 OK", &[], "{}"),
    })
    .await
}

fn taken(_: usize) -> String {
    answer("201 Created", &[], "")
}

async fn upload(server: &Scripted, layer: &std::sync::Arc<dyn Content>) -> Result<(), Error> {
    let client = connect(server, &Credentials::Anonymous, Access::PullPush)
        .await
        .unwrap();
    client.upload_blob(layer).await
}

#[tokio::test]
async fn a_blob_that_did_not_arrive_is_sent_again_from_its_beginning() {
    let digest = Digest::of(b"layer");
    let named = digest.to_string();
    let server = taking(None, move |tries| match tries {
        0 => answer("502 Bad Gateway", &[], ""),
        _ => answer("201 Created", &[("docker-content-digest", &named)], ""),
    })
    .await;
    upload(&server, &Layer::content("layer", &["layer", "layer"]))
        .await
        .unwrap();
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().filter(|request| request.starts_with("PUT ")).collect();
    assert!(
        sent.len() == 2 && sent.iter().all(|request| request.ends_with("\r\n\r\nlayer")),
        "{sent:?}"
    );
    assert!(sent[0].contains("content-length: 5\r\n"), "{}", sent[0]);
    let put = format!("PUT /v2/team/iris/blobs/uploads/1?state=x&digest={digest} ").replace("sha256:", "sha256%3A");
    assert!(sent.iter().all(|request| request.starts_with(&put)), "{seen:?}");
}

#[tokio::test]
async fn an_upload_whose_answer_was_lost_has_arrived() {
    let server = taking(Some(5), |_| answer("502 Bad Gateway", &[], "")).await;
    upload(&server, &Layer::content("layer", &["layer"])).await.unwrap();
}

#[tokio::test]
async fn what_is_not_what_it_says_is_never_sent_whole() {
    for opened in ["later", "longer", "lay", ""] {
        let server = taking(Some(5), taken).await;
        let error = upload(&server, &Layer::content("layer", &[opened])).await.unwrap_err();
        assert!(matches!(error, Error::Local { .. }), "{opened}: {error}");
        let seen = server.seen();
        assert!(
            !seen.iter().any(|request| request.ends_with("\r\n\r\nlayer")),
            "{seen:?}"
        );
        assert!(!seen.iter().any(|request| request.starts_with("HEAD ")), "{seen:?}");
    }
    upload(&taking(Some(0), taken).await, &Layer::content("", &[""]))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_registry_that_took_a_blob_and_does_not_have_it_is_not_believed() {
    let server = taking(Some(4), taken).await;
    let error = upload(&server, &Layer::content("layer", &["layer"])).await.unwrap_err();
    assert!(
        error.to_string().contains("it does not have the blob that it took"),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_that_takes_nothing_more_is_out_of_reach() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}/elsewhere", silent.local_addr().unwrap());
    let server = Scripted::start(move |request, _| match request.split_once(' ').unwrap() {
        ("POST", _) => answer("202 Accepted", &[("location", &place)], ""),
        _ => answer("200 OK", &[], "{}"),
    })
    .await;
    let mut settings = settings();
    settings.retry.tries = 1;
    settings.answer_timeout = Duration::from_secs(1);
    let repository = Repository::parse(&format!("{}/team/iris", server.host())).unwrap();
    let client = Client::connect(&repository, &Credentials::Anonymous, Access::PullPush, &settings)
        .await
        .unwrap();
    let error = client
        .upload_blob(&Layer::content("layer", &["layer"]))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nothing was taken of sha256:"), "{error}");
    assert_eq!(error.advice().fault, Fault::Temporary);
}

#[tokio::test]
async fn what_is_read_is_what_was_asked_for() {
    let blob = Descriptor {
        digest: Digest::of(b"layer"),
        size: 5,
    };
    for (held, reason) in [
        ("layer", None),
        ("later", Some("it is not the blob")),
        ("lay", Some("it is shorter")),
        ("layers", Some("it is longer")),
    ] {
        let server = registry(move |_, _| answer("200 OK", &[], held)).await;
        let client = connect(&server, &Credentials::Anonymous, Access::Pull).await.unwrap();
        let mut read = Vec::new();
        match (client.read_blob(&blob, &mut read).await, reason) {
            (Ok(true), None) => assert_eq!(read, b"layer"),
            (Err(error), Some(reason)) => assert!(error.to_string().contains(reason), "{error}"),
            (other, _) => panic!("{held}: {other:?}"),
        }
    }
    let server = registry(|_, _| answer("404 Not Found", &[], "")).await;
    let client = connect(&server, &Credentials::Anonymous, Access::Pull).await.unwrap();
    assert!(!client.read_blob(&blob, &mut Vec::new()).await.unwrap());
}
