//! The registry client and the push stage against Debian's `docker-registry`, and ECR against `moto_server`. `make services` installs
//! both; each test starts its own on a free port of loopback and stops it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use sgbuild::engine::{self, BuiltImage, Destination, Engine, Kept, Order, Sent};
use sgbuild::explain::{Explain as _, Fault};
use sgbuild::image::ImagePlan;
use sgbuild::oci::{Content, Descriptor, Digest, MediaType, Platform, Repository};
use sgbuild::progress::{Progress, Silent};
use sgbuild::push::{self, Ahead, PushSettings};
use sgbuild::registry::auth::{self, AuthSettings};
use sgbuild::registry::client::{Access, Client, ClientSettings, Manifest, Retry};
use sgbuild::registry::{Credentials, ecr};
use sgbuild::secret::Secret;

use crate::support::emulator::EmulatorProcess;

/// A program that is stopped when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts `command` and waits until `port` takes connections.
fn serve(command: &mut Command, port: u16) -> Server {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut server = Server {
        child: child.unwrap_or_else(|error| panic!("{command:?}: {error}")),
        port,
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(server.child.try_wait().unwrap().is_none(), "{command:?} ended at once");
        assert!(Instant::now() < deadline, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}

/// A registry that keeps its data in `directory`; `more` is appended to the `http` section of its configuration.
fn docker_registry(directory: &Path, http: &str, more: &str) -> Server {
    let port = free_port();
    let data = directory.join("data");
    let config = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
         http:\n  addr: 127.0.0.1:{port}\n{http}{more}",
        data.display()
    );
    let file = directory.join("config.yml");
    std::fs::write(&file, config).unwrap();
    serve(Command::new("docker-registry").arg("serve").arg(file), port)
}

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A CA and a certificate for 127.0.0.1 made with `openssl`: `ca.crt`, `server.crt`, `server.key` in `directory`.
fn certificates(directory: &Path) {
    let path = |name: &str| directory.join(name).display().to_string();
    let (ca, ca_key, key, request) = (path("ca.crt"), path("ca.key"), path("server.key"), path("server.csr"));
    let key_options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let ca_arguments = [
        "req",
        "-x509",
        "-days",
        "2",
        "-subj",
        "/CN=test CA",
        "-keyout",
        &ca_key,
        "-out",
        &ca,
    ];
    run("openssl", &[&ca_arguments[..], &key_options[..]].concat());
    let server_arguments = ["req", "-subj", "/CN=127.0.0.1", "-keyout", &key, "-out", &request];
    run("openssl", &[&server_arguments[..], &key_options[..]].concat());
    std::fs::write(directory.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    run(
        "openssl",
        &[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-extfile",
            &path("san"),
            "-out",
            &path("server.crt"),
        ],
    );
}

fn client_settings() -> ClientSettings {
    ClientSettings {
        retry: Retry {
            base: Duration::from_millis(5),
            cap: Duration::from_millis(20),
            ..Retry::default()
        },
        ..ClientSettings::default()
    }
}

fn repository(server: &Server, path: &str) -> Repository {
    Repository::parse(&format!("127.0.0.1:{}/{path}", server.port)).unwrap()
}

const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;

/// Uploads `CONFIG` and a manifest of it under `reference`, as a Docker daemon would; how often is counted.
#[derive(Default)]
struct Uploader(Mutex<u32>);

impl Uploader {
    fn manifest() -> Manifest {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"application/vnd.docker.container.image.v1+json","size":{},"digest":"{}"}},"layers":[]}}"#,
            MediaType::DockerManifest,
            CONFIG.len(),
            Digest::of(CONFIG)
        );
        Manifest {
            bytes: text.into(),
            media_type: MediaType::DockerManifest,
            answered_digest: None,
        }
    }

    async fn upload(repository: &Repository) {
        let base = format!("http://{}/v2/{}", repository.host, repository.path);
        let http = crate::support::http().build().unwrap();
        let session = http.post(format!("{base}/blobs/uploads/")).send().await.unwrap();
        let location = session.headers()["location"].to_str().unwrap().to_owned();
        let location = if location.starts_with('/') {
            format!("http://{}{location}", repository.host)
        } else {
            location
        };
        let url = format!("{location}&digest={}", Digest::of(CONFIG));
        let put = http
            .put(url)
            .header("content-type", "application/octet-stream")
            .body(CONFIG)
            .send()
            .await
            .unwrap();
        assert_eq!(put.status(), 201);
    }
}

#[async_trait]
impl Engine for Uploader {
    fn check(&self, _plan: &ImagePlan) -> Result<(), engine::Error> {
        Ok(())
    }

    async fn build(&self, _order: &Order<'_>, _progress: &dyn Progress) -> Result<BuiltImage, engine::Error> {
        Ok(built())
    }

    async fn holds(&self, _image: &BuiltImage) -> Result<bool, engine::Error> {
        Ok(true)
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
        let (target, credentials) = (destination.reference, destination.credentials);
        *self.0.lock().unwrap() += 1;
        Self::upload(&target.repository).await;
        let client = Client::connect(&target.repository, credentials, Access::PullPush, &client_settings())
            .await
            .unwrap();
        client
            .put_manifest(target.api_reference(), &Self::manifest())
            .await
            .unwrap();
        Ok(Sent::default())
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

fn built() -> BuiltImage {
    BuiltImage {
        id: Digest::of(CONFIG),
        platform: Platform::new("linux", "amd64"),
        kept: Kept::Docker {
            reference: "sgbuild/iris:1".to_owned(),
        },
        size: 1,
        context_digest: Digest::of(b""),
    }
}

#[tokio::test]
async fn a_real_registry_confirms_a_push_and_knows_it_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = docker_registry(directory.path(), "", "");
    let target = repository(&server, "team/iris");
    let settings = PushSettings {
        target: target.clone(),
        tags: vec!["1.0-abc".to_owned(), "latest".to_owned()],
        create_repository: true,
        auth: AuthSettings::default(),
        client: client_settings(),
    };
    let engine = Uploader::default();
    let push = async || {
        let (image, ahead) = (built(), Ahead::begin(&settings, None));
        push::push(&image, &engine, &settings, ahead, None, &Silent)
            .await
            .unwrap()
    };
    let pushed = push().await;
    assert_eq!(pushed.digest, Uploader::manifest().digest());
    assert_eq!(pushed.media_type, MediaType::DockerManifest);
    assert_eq!(pushed.tags, ["1.0-abc", "latest"]);

    let again = push().await;
    assert_eq!((again, *engine.0.lock().unwrap()), (pushed.clone(), 1));

    let client = Client::connect(&target, &Credentials::Anonymous, Access::Pull, &client_settings())
        .await
        .unwrap();
    assert_eq!(
        client.manifest_digest("latest").await.unwrap(),
        Some(pushed.digest.clone())
    );
    assert_eq!(
        client.manifest(pushed.digest.as_str()).await.unwrap().unwrap().bytes,
        Uploader::manifest().bytes
    );
    assert_eq!(client.manifest("absent").await.unwrap(), None);
    assert_eq!(
        client.blob_size(&pushed.config_digest).await.unwrap(),
        Some(CONFIG.len() as u64)
    );
    assert_eq!(client.blob_size(&Digest::of(b"absent")).await.unwrap(), None);
    let broken = Manifest {
        bytes: "{}".into(),
        ..Uploader::manifest()
    };
    let error = client.put_manifest("2.0", &broken).await.unwrap_err();
    assert_eq!(error.advice().fault, Fault::User, "{error}");
}

/// A layer of many pieces, made when it is read.
struct Made(Descriptor);

impl Made {
    const LENGTH: usize = 5 << 20;

    fn bytes() -> Vec<u8> {
        (0..251).cycle().take(Self::LENGTH).collect()
    }
}

impl Content for Made {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        Ok(Box::new(std::io::Cursor::new(Self::bytes())))
    }
}

#[tokio::test]
async fn blobs_are_uploaded_mounted_and_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let server = docker_registry(directory.path(), "", "");
    let client = |path| {
        let repository = repository(&server, path);
        async move {
            Client::connect(
                &repository,
                &Credentials::Anonymous,
                Access::PullPush,
                &client_settings(),
            )
            .await
            .unwrap()
        }
    };
    let layer = Descriptor {
        digest: Digest::of(&Made::bytes()),
        size: Made::LENGTH as u64,
    };
    let content: Arc<dyn Content> = Arc::new(Made(layer.clone()));
    let (iris, other) = (client("team/iris").await, client("team/other").await);
    assert!(!iris.read_blob(&layer, &mut Vec::new()).await.unwrap());
    iris.upload_blob(&content).await.unwrap();
    assert_eq!(iris.blob_size(&layer.digest).await.unwrap(), Some(layer.size));

    assert_eq!(other.blob_size(&layer.digest).await.unwrap(), None);
    assert!(!other.mount_blob(&layer.digest, "team/nothing").await.unwrap());
    assert!(other.mount_blob(&layer.digest, "team/iris").await.unwrap());
    let mut read = Vec::new();
    assert!(other.read_blob(&layer, &mut read).await.unwrap());
    assert!(read == Made::bytes());
}

#[tokio::test]
async fn tls_and_a_password_work_with_the_ca_where_docker_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    certificates(directory.path());
    let htpasswd = directory.path().join("htpasswd");
    std::fs::write(&htpasswd, run("htpasswd", &["-Bbn", "AWS", "hunter2"])).unwrap();
    let tls = format!(
        "  tls: {{certificate: {0}/server.crt, key: {0}/server.key}}\n",
        directory.path().display()
    );
    let auth = format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", htpasswd.display());
    let server = docker_registry(directory.path(), &tls, &auth);
    let target = repository(&server, "iris");

    let error = Client::connect(&target, &Credentials::Anonymous, Access::Pull, &client_settings())
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with(&format!(
            "the certificate of the registry {} is not trusted",
            target.host
        )),
        "{error}"
    );
    assert_eq!(error.advice().fault, Fault::User);
    assert!(error.advice().hints[0].contains(&format!("/etc/docker/certs.d/{}/ca.crt", target.host)));

    let certs_d = directory.path().join("certs.d").join(&target.host);
    std::fs::create_dir_all(&certs_d).unwrap();
    std::fs::copy(directory.path().join("ca.crt"), certs_d.join("ca.crt")).unwrap();
    let settings = ClientSettings {
        docker_certs_dir: directory.path().join("certs.d"),
        ..client_settings()
    };
    let ask = async |credentials: Credentials| {
        let client = Client::connect(&target, &credentials, Access::PullPush, &settings)
            .await
            .unwrap();
        client.manifest("1").await
    };
    let password = |text: &str| Credentials::Basic {
        username: "AWS".to_owned(),
        password: Secret::new(text),
    };
    assert_eq!(ask(password("hunter2")).await.unwrap(), None);
    let error = ask(password("wrong")).await.unwrap_err();
    assert!(error.to_string().contains("does not accept the credentials"), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");
    let error = ask(Credentials::Anonymous).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("does not accept requests without credentials"),
        "{error}"
    );

    std::fs::write(certs_d.join("other.crt"), "not a certificate").unwrap();
    let error = Client::connect(&target, &password("hunter2"), Access::Pull, &settings)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("other.crt cannot be used: it holds no PEM certificate"),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_on_plain_http_is_no_passing_failure() {
    // Any text that is no TLS record will do; the name is one that loopback answers to, without being called so.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Write::write_all(&mut stream.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let host = crate::support::Testbed::get().variable("SGBUILD_TESTBED_REGISTRY");
    let target: Repository = format!("{host}:{port}/iris").parse().unwrap();
    let error = Client::connect(&target, &Credentials::Anonymous, Access::Pull, &client_settings())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the registry {host}:{port} does not take a TLS connection: its answer is not TLS")
    );
    assert_eq!(error.advice().fault, Fault::User);
}

fn aws(port: u16) -> SdkConfig {
    let key = aws_credential_types::Credentials::new("AKIDEXAMPLE", "sekret", None, None, "test");
    SdkConfig::builder()
        .http_client(sgbuild::aws::http_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .credentials_provider(SharedCredentialsProvider::new(key))
        .build()
}

#[tokio::test]
async fn an_emulated_account_has_its_repository_made_and_its_token_given() {
    let emulator = EmulatorProcess::start();
    let aws = aws(emulator.port);
    let target = ecr::default_repository(&aws, "Iris_Classifier").await.unwrap();
    assert_eq!(
        target.to_string(),
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/iris-classifier"
    );
    let host = ecr::EcrHost::of(&target).unwrap();

    let refused = ecr::ensure_repository(&aws, &host, &target.path, false)
        .await
        .unwrap_err();
    assert!(matches!(refused, ecr::Error::RepositoryMissing { .. }), "{refused}");
    assert!(
        ecr::ensure_repository(&aws, &host, &target.path, true)
            .await
            .unwrap()
            .created
    );
    let found = ecr::ensure_repository(&aws, &host, &target.path, false).await.unwrap();
    assert!(!found.created && !found.tags.is_immutable("1.0"));

    let settings = AuthSettings {
        cache: None,
        aws: Some(aws),
        docker_config_dir: None,
        path: None,
    };
    let credentials = auth::credentials(&target, &settings).await.unwrap();
    let expected = Credentials::Basic {
        username: "AWS".to_owned(),
        password: Secret::new("123456789012-auth-token"),
    };
    assert_eq!(credentials, expected);
}
