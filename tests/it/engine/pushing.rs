//! Pushes, and builds of what was pushed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sgbuild::engine::docker::{Docker, Error};
use sgbuild::engine::{Amounts, BuiltImage, Destination, Engine as _, Sent};
use sgbuild::explain::{Explain as _, Fault};
use sgbuild::oci::{Digest, ImageManifest, Platform, Reference, Repository};
use sgbuild::progress::{Progress, Silent};
use sgbuild::registry::Credentials;
use sgbuild::registry::client::{Access, Client, ClientSettings};
use sgbuild::secret::Secret;

use super::{Context, Recorder, connect, of_docker, reference, unique};
use crate::support::builders::{Builder, with_each};

/// `me:canary-registry`, as `htpasswd -nbB` writes it.
const HTPASSWD: &str = "me:$2y$05$/JIAC.VSSKjEd6r57ZMOaOeIiEy31yhCdC8VgyCCt0EkgErSGNs0G\n";

async fn send(
    docker: &Docker,
    image: &BuiltImage,
    reference: &Reference,
    credentials: &Credentials,
    progress: &dyn Progress,
) -> Result<Sent, Error> {
    // The daemon goes its own way to the registry, and where it cannot, neither can this.
    let settings = ClientSettings::default();
    let connected = Client::connect(&reference.repository, credentials, Access::PullPush, &settings).await;
    let client = if let Ok(client) = connected {
        client
    } else {
        let another = Registry::start();
        let repository = Repository::parse(&format!("{}/team/x", another.host)).unwrap();
        let client = Client::connect(&repository, credentials, Access::PullPush, &settings).await;
        client.unwrap()
    };
    let destination = Destination {
        reference,
        credentials,
        client: &client,
        holds_last: false,
    };
    docker.send(image, &destination, progress).await.map_err(of_docker)
}

/// What the registry has of it.
async fn manifest(reference: &Reference, credentials: &Credentials) -> ImageManifest {
    let settings = ClientSettings::default();
    let client = Client::connect(&reference.repository, credentials, Access::Pull, &settings).await;
    let held = client
        .unwrap()
        .manifest(reference.api_reference())
        .await
        .unwrap()
        .unwrap();
    ImageManifest::parse(&held.bytes).unwrap()
}

/// A registry that wants a password, on loopback, where Docker speaks plain HTTP.
struct Registry {
    process: std::process::Child,
    host: String,
    directory: tempfile::TempDir,
}

impl Registry {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(path("htpasswd"), HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\nauth:\n  htpasswd:\n    realm: test\n    path: {}\n",
            path("data"),
            path("htpasswd")
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let process = Command::new("docker-registry")
            .args(["serve", &path("config.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is missing: install it with `make services`");
        let registry = Self {
            process,
            host: format!("127.0.0.1:{port}"),
            directory,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(&registry.host).is_err() {
            assert!(Instant::now() < deadline, "the registry does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    fn holds(&self, path: &str) -> bool {
        Path::new(self.directory.path())
            .join("data/docker/registry/v2/repositories")
            .join(path)
            .join("_manifests/tags")
            .is_dir()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

with_each!(pushes_with_credentials_and_builds_from_a_private_base: all);

async fn pushes_with_credentials_and_builds_from_a_private_base(builder: Builder) {
    let docker = connect(builder).await;
    let registry = Registry::start();
    let credentials = Credentials::Basic {
        username: "me".to_owned(),
        password: Secret::new("canary-registry"),
    };
    let image = Context::new(&unique())
        .request(&builder.own("pushed"))
        .build(&docker, &Silent)
        .await
        .unwrap();
    let target = reference(&registry.host, "team/pushed", "1.0");

    let denied = send(&docker, &image, &target, &Credentials::Anonymous, &Silent)
        .await
        .unwrap_err();
    assert!(matches!(denied, Error::PushDenied { .. }), "{denied:?}");
    assert_eq!(denied.advice().fault, Fault::User);
    assert!(!registry.holds("team/pushed"));

    let log = Recorder::default();
    let sent = send(&docker, &image, &target, &credentials, &log).await.unwrap();
    assert!(registry.holds("team/pushed"));
    let again = Recorder::default();
    let sent_again = send(&docker, &image, &target, &credentials, &again).await.unwrap();
    let manifest = manifest(&target, &credentials).await;
    let size = manifest.layers_size();
    assert!(size > 0);
    // podman does not tell of layers.
    if builder == Builder::Podman {
        assert_eq!(sent.amounts(&manifest), None);
    } else {
        assert_eq!(sent.amounts(&manifest), Some(Amounts { sent: size, there: 0 }));
        assert_eq!(sent_again.amounts(&manifest), Some(Amounts { sent: 0, there: size }));
        assert!(log.text().contains(" pushed"), "{}", log.text());
        assert!(again.text().contains("already there"), "{}", again.text());
    }

    let gone = BuiltImage {
        id: Digest::of(b"gone"),
        ..image.clone()
    };
    let error = send(&docker, &gone, &target, &credentials, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::ImageMissing { .. }), "{error:?}");

    // The pushed image becomes a private base that the daemon no longer has.
    builder.docker_ok(&["rmi", &target.to_string(), image.name()]);
    let context = Context::from_base(&target.to_string(), &format!("{}\nRUN echo from private", unique()));
    let mut request = context.request(&builder.own("private-base"));
    request.plan.base = target.clone().into();
    request.pull = true;
    let denied = request.build(&docker, &Silent).await.unwrap_err();
    assert!(matches!(denied, Error::BaseImage { .. }), "{denied:?}");
    assert!(denied.to_string().contains("team/pushed:1.0"), "{denied}");
    request.base_credentials = credentials.clone();
    let log = Recorder::default();
    request.build(&docker, &log).await.unwrap();
    assert!(log.text().contains("detail from private"), "{}", log.text());

    // BuildKit does not look what a base is made for that has one manifest only.
    if builder == Builder::Podman || !builder.buildkit() {
        let context = Context::from_base(&target.to_string(), "RUN true");
        let mut request = context.request(&builder.own("other-platform"));
        request.plan.base = target.clone().into();
        request.base_credentials = credentials.clone();
        request.plan.platform = Platform::new("linux", "arm64");
        let error = request.build(&docker, &Silent).await.unwrap_err();
        assert!(matches!(error, Error::Platform { .. }), "{error:?}");
    }

    builder.docker_ok(&["rmi", "-f", &target.to_string()]);

    let missing = reference(&registry.host, "team/missing", "1");
    let context = Context::from_base(&missing.to_string(), "RUN true");
    let mut request = context.request(&builder.own("missing-base"));
    request.plan.base = missing.into();
    request.base_credentials = credentials;
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::BaseImage { .. }), "{error:?}");
    assert!(error.advice().hints.iter().any(|hint| hint.contains("`base-image`")));
}

with_each!(a_registry_out_of_reach_is_a_temporary_failure: modern);

async fn a_registry_out_of_reach_is_a_temporary_failure(builder: Builder) {
    let docker = connect(builder).await;
    let image = Context::new("LABEL x=y")
        .request(&builder.own("unreachable"))
        .build(&docker, &Silent)
        .await
        .unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let target = reference(&format!("127.0.0.1:{port}"), "nobody", "1");
    let error = send(&docker, &image, &target, &Credentials::Anonymous, &Silent)
        .await
        .unwrap_err();
    builder.docker_ok(&["rmi", &target.to_string()]);
    assert!(matches!(error, Error::PushInterrupted { .. }), "{error:?}");
    assert_eq!(error.advice().fault, Fault::Temporary);
}
