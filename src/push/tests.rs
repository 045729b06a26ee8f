use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::engine::{self, Kept, Order, Sent};
use crate::image::ImagePlan;
use crate::oci::Platform;
use crate::progress::Silent;
use crate::registry::client::Retry;
use crate::registry::scripted::{Scripted, answer};

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const ID: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

fn manifest(config: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"{config}","size":3}},"layers":[{{"digest":"{ID}","size":40}},{{"digest":"{ID}","size":2}}]}}"#
    )
}

fn image() -> BuiltImage {
    BuiltImage {
        id: ID.parse().unwrap(),
        platform: Platform::new("linux", "amd64"),
        kept: Kept::Docker {
            reference: "sgbuild/iris:1".to_owned(),
        },
        size: 1,
        context_digest: ID.parse().unwrap(),
    }
}

/// An engine whose push does nothing but count: what the registry then shows is up to the test's script.
#[derive(Default)]
struct Counting {
    /// What it has of the image.
    manifest: Option<String>,
    sent: Mutex<Vec<(String, Credentials)>>,
    /// How often a registry has it that the password has expired.
    refusals: usize,
}

#[async_trait]
impl Engine for Counting {
    fn check(&self, _plan: &ImagePlan) -> Result<(), engine::Error> {
        Ok(())
    }

    async fn build(&self, _order: &Order<'_>, _progress: &dyn Progress) -> Result<BuiltImage, engine::Error> {
        Ok(image())
    }

    async fn holds(&self, _image: &BuiltImage) -> Result<bool, engine::Error> {
        Ok(false)
    }

    fn manifest(&self, _image: &BuiltImage) -> Option<String> {
        self.manifest.clone()
    }

    async fn sbom(&self, _image: &BuiltImage) -> Result<Option<String>, engine::Error> {
        Ok(None)
    }

    async fn send(
        &self,
        _image: &BuiltImage,
        destination: &Destination<'_>,
        _progress: &dyn Progress,
    ) -> Result<Sent, engine::Error> {
        let target = destination.reference;
        let mut sent = self.sent.lock().unwrap();
        sent.push((target.to_string(), destination.credentials.clone()));
        if sent.len() <= self.refusals {
            let expired = crate::registry::client::Error::Expired {
                host: target.repository.host.clone(),
                message: "Your authorization token has expired.".to_owned(),
            };
            return Err(engine::native::Error::Registry(expired).into());
        }
        let mut sent = Sent::default();
        sent.manifest = self.manifest.as_ref().map(|text| Digest::of(text.as_bytes()));
        Ok(sent)
    }

    async fn write(
        &self,
        _image: &BuiltImage,
        _output: &engine::Output,
        _progress: &dyn Progress,
    ) -> Result<(), engine::Error> {
        Ok(())
    }

    async fn load(
        &self,
        _image: &BuiltImage,
        _daemon: &engine::docker::Docker,
        _progress: &dyn Progress,
    ) -> Result<(), engine::Error> {
        Ok(())
    }
}

/// A registry that holds `held` under each tag once it was asked for the tag `from` times, and takes any manifest put.
async fn registry(media_type: &'static str, held: String, from: usize) -> Scripted {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Scripted::start(move |request, _| {
        let digest = Digest::of(held.as_bytes());
        let headers = [("content-type", media_type), ("docker-content-digest", digest.as_str())];
        if request.starts_with("GET /v2/ ") {
            return answer("200 OK", &[], "{}");
        }
        if request.starts_with("PUT ") {
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            return answer(
                "201 Created",
                &[("docker-content-digest", Digest::of(body.as_bytes()).as_str())],
                "",
            );
        }
        if request.starts_with("HEAD ") || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < from {
            return answer("404 Not Found", &[], "");
        }
        answer("200 OK", &headers, &held)
    })
    .await
}

fn settings(server: &Scripted, tags: &[&str]) -> PushSettings {
    PushSettings {
        target: Repository::parse(&format!("{}/iris", server.host())).unwrap(),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        create_repository: true,
        auth: AuthSettings::default(),
        client: ClientSettings {
            retry: Retry {
                tries: 2,
                base: Duration::from_millis(1),
                cap: Duration::from_millis(1),
                ..Retry::default()
            },
            ..ClientSettings::default()
        },
    }
}

async fn run(server: &Scripted, tags: &[&str]) -> (Result<PushedImage, Error>, Vec<String>) {
    run_with(Counting::default(), server, tags).await
}

async fn run_with(engine: Counting, server: &Scripted, tags: &[&str]) -> (Result<PushedImage, Error>, Vec<String>) {
    let settings = settings(server, tags);
    let outcome = push(
        &image(),
        &engine,
        &settings,
        Ahead::begin(&settings, None),
        None,
        &Silent,
    )
    .await;
    let sent = engine.sent.into_inner().unwrap();
    (outcome, sent.into_iter().map(|(target, _)| target).collect())
}

#[tokio::test]
async fn what_the_registry_shows_is_what_is_returned() {
    let server = registry(DOCKER_MANIFEST, manifest(ID), 2).await;
    let (outcome, calls) = run(&server, &["1.0-abc", "latest", "latest"]).await;
    let pushed = outcome.unwrap();
    assert_eq!(pushed.digest, Digest::of(manifest(ID).as_bytes()));
    assert_eq!(pushed.reference(), format!("{}/iris@{}", server.host(), pushed.digest));
    assert_eq!((pushed.size, pushed.config_digest.as_str()), (42, ID));
    assert_eq!(pushed.tags, ["1.0-abc", "latest"]);
    assert_eq!(calls, [format!("{}/iris:1.0-abc", server.host())]);
    let put = server
        .seen()
        .into_iter()
        .filter(|request| request.starts_with("PUT "))
        .collect::<Vec<_>>();
    assert!(
        put.iter()
            .any(|request| request.starts_with("PUT /v2/iris/manifests/latest ")),
        "{put:?}"
    );
}

#[tokio::test]
async fn an_image_that_is_there_is_not_pushed_again() {
    let server = registry(DOCKER_MANIFEST, manifest(ID), 0).await;
    let (outcome, pushes) = run(&server, &["1.0", "latest"]).await;
    assert_eq!(outcome.unwrap().tags, ["1.0", "latest"]);
    assert!(pushes.is_empty() && !server.seen().iter().any(|request| request.starts_with("PUT")));
}

#[tokio::test]
async fn success_that_the_registry_does_not_show_is_a_failure() {
    let server = registry(DOCKER_MANIFEST, manifest(ID), 99).await;
    let error = run(&server, &["1.0"]).await.0.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the push of {}/iris:1.0 is not confirmed: the registry has no manifest under this tag",
            server.host()
        )
    );

    let other = ID.replace("2c26", "0000");
    let server = registry(DOCKER_MANIFEST, manifest(&other), 1).await;
    let error = run(&server, &["1.0"]).await.0.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(&format!("the tag holds the image {other}, not {ID}")),
        "{error}"
    );
}

#[tokio::test]
async fn a_manifest_of_our_config_with_other_layers_is_not_the_image() {
    let emptied = format!(r#"{{"schemaVersion":2,"config":{{"digest":"{ID}","size":3}},"layers":[]}}"#);
    let engine = || Counting {
        manifest: Some(manifest(ID)),
        ..Counting::default()
    };
    // It is there before, or it is what the registry made of ours.
    for asked in [0, 1] {
        let server = registry(DOCKER_MANIFEST, emptied.clone(), asked).await;
        let (outcome, sent) = run_with(engine(), &server, &["1.0"]).await;
        let error = outcome.unwrap_err();
        let expected = format!(
            "the tag holds the manifest {}, and {} was put there",
            Digest::of(emptied.as_bytes()),
            Digest::of(manifest(ID).as_bytes())
        );
        assert!(error.to_string().ends_with(&expected), "{error}");
        assert_eq!((sent.len(), error.advice().fault), (1, Fault::Temporary));
    }
    let server = registry(DOCKER_MANIFEST, manifest(ID), 0).await;
    let (outcome, sent) = run_with(engine(), &server, &["1.0"]).await;
    assert!(outcome.is_ok() && sent.is_empty());
}

#[tokio::test]
async fn a_manifest_that_sagemaker_rejects_is_a_failure_even_if_it_was_there() {
    let server = registry(OCI_MANIFEST, manifest(ID), 0).await;
    let (outcome, pushes) = run(&server, &["1.0"]).await;
    let error = outcome.unwrap_err();
    assert!(
        error.to_string().ends_with(
            "was pushed as an OCI manifest, which SageMaker rejects: it takes a Docker v2 schema 2 manifest"
        ),
        "{error}"
    );
    assert_eq!((pushes.len(), error.advice().fault), (1, Fault::User));
}

#[tokio::test]
async fn a_digest_that_is_not_the_bytes_is_a_failure() {
    let server = Scripted::start(|request, _| {
        if request.starts_with("GET /v2/ ") {
            answer("200 OK", &[], "{}")
        } else {
            answer(
                "200 OK",
                &[("content-type", DOCKER_MANIFEST), ("docker-content-digest", ID)],
                &manifest(ID),
            )
        }
    })
    .await;
    let error = run(&server, &["1.0"]).await.0.unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("the registry calls the manifest {ID}, its bytes are sha256:")),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_that_names_no_digest_confirms_it_by_serving_it() {
    let server = Scripted::start(|request, _| {
        if request.starts_with("GET /v2/ ") {
            answer("200 OK", &[], "{}")
        } else {
            answer("200 OK", &[("content-type", DOCKER_MANIFEST)], &manifest(ID))
        }
    })
    .await;
    let pushed = run(&server, &["1.0"]).await.0.unwrap();
    let by_digest = format!("GET /v2/iris/manifests/{} ", pushed.digest);
    assert!(server.seen().iter().any(|request| request.starts_with(&by_digest)));
}

#[tokio::test]
async fn an_immutable_tag_on_another_image_is_a_conflict() {
    let other = manifest(&ID.replace("2c26", "0000"));
    let server = registry(DOCKER_MANIFEST, other.clone(), 0).await;
    let settings = settings(&server, &["1.0"]);
    let tag = settings.target.tagged("1.0").unwrap();
    let immutable = TagMutability {
        immutable: true,
        except: Vec::new(),
    };
    let image = image();
    let push = push_of(&image, &settings, immutable.clone()).await;
    let error = push.look_up(&tag).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "the tag `1.0` of {}/iris is immutable and already on another image ({})",
            server.host(),
            Digest::of(other.as_bytes())
        )
    );
    assert_eq!(error.advice().fault, Fault::User);
    let movable = push_of(&image, &settings, TagMutability::default()).await;
    assert!(matches!(movable.look_up(&tag).await.unwrap(), TagState::Free));

    let server = registry(DOCKER_MANIFEST, manifest(ID), 0).await;
    let settings = self::settings(&server, &["1.0"]);
    let push = push_of(&image, &settings, immutable).await;
    let tag = settings.target.tagged("1.0").unwrap();
    assert!(matches!(push.look_up(&tag).await.unwrap(), TagState::Ours(_)));
}

async fn push_of<'a>(image: &'a BuiltImage, settings: &'a PushSettings, mutability: TagMutability) -> Push<'a> {
    let credentials = Credentials::Anonymous;
    let client = Client::connect(&settings.target, &credentials, Access::Pull, &settings.client);
    Push {
        image,
        made: None,
        client: client.await.unwrap(),
        credentials,
        mutability: OnceCell::new_with(Some(mutability)),
        holds_last: false,
        settings,
        progress: &Silent,
    }
}

#[tokio::test]
async fn a_password_that_ends_on_the_way_is_renewed_once() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let ecr = Scripted::start(move |_, _| {
        // `AWS:1` and `AWS:2` in base64.
        let token = ["QVdTOjE=", "QVdTOjI="][asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 2];
        let expires = jiff::Timestamp::now().as_second() + 12 * 3600;
        answer(
            "200 OK",
            &[("content-type", "application/x-amz-json-1.1")],
            &format!(r#"{{"authorizationData":[{{"authorizationToken":"{token}","expiresAt":{expires}}}]}}"#),
        )
    })
    .await;
    let registry = registry(DOCKER_MANIFEST, manifest(ID), 0).await;
    let cache = tempfile::tempdir().unwrap();
    let mut settings = settings(&registry, &["1.0"]);
    settings.target = Repository::parse("123456789012.dkr.ecr.eu-central-1.amazonaws.com/iris").unwrap();
    settings.auth = AuthSettings {
        aws: Some(crate::registry::ecr::tests::config(&format!("http://{}", ecr.host()))),
        cache: Some(cache.path().join("sgbuild")),
        ..AuthSettings::default()
    };
    let (client, credentials) = connect(&settings).await.unwrap();
    let image = image();
    let mut push = Push {
        image: &image,
        made: None,
        client,
        credentials,
        mutability: OnceCell::new(),
        holds_last: false,
        settings: &settings,
        progress: &Silent,
    };
    let engine = Counting {
        refusals: 1,
        ..Counting::default()
    };
    let tag = settings.target.tagged("1.0").unwrap();
    push.send_layers(&engine, &tag).await.unwrap();
    let sent = engine.sent.into_inner().unwrap();
    let passwords: Vec<_> = sent
        .iter()
        .map(|(_, credentials)| match credentials {
            Credentials::Basic { password, .. } => password.expose().to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(passwords, ["1", "2"]);
}

#[tokio::test]
async fn nothing_is_sent_for_a_tag_that_is_none() {
    let server = registry(DOCKER_MANIFEST, manifest(ID), 0).await;
    let error = run(&server, &["1.0", "a+b"]).await.0.unwrap_err();
    assert!(
        error.to_string().starts_with("`a+b` is not an image tag: it holds `+`"),
        "{error}"
    );
    assert_eq!(error.advice().fault, Fault::Usage);
    assert!(matches!(run(&server, &[]).await.0.unwrap_err(), Error::NoTag { .. }));
    assert!(server.seen().is_empty());
}
