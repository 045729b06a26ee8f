//! Builds: what comes of them, and what may go wrong.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sgbuild::engine::docker::{self, DockerSettings, Error};
use sgbuild::engine::{BuiltImage, Engine as _, Kept};
use sgbuild::explain::{Explain as _, Fault};
use sgbuild::oci::{Digest, Platform};
use sgbuild::progress::Silent;

use super::{CANARY, Context, Recorder, connect, settings, unique};
use crate::support::builders::{Builder, with_each};

/// What a shell says to `script` in an image.
fn in_image(builder: Builder, image: &str, script: &str) -> String {
    builder.docker_ok(&["run", "--rm", "--network=none", image, "/bin/sh", "-c", script])
}

with_each!(builds_caches_and_finds: all);

async fn builds_caches_and_finds(builder: Builder) {
    let docker = connect(builder).await;
    let name = &builder.own("built");
    let context = Context::new(&format!(
        "{}\nCOPY . /in/\nRUN cat /in/a.txt\nRUN echo one; echo two",
        unique()
    ));
    let log = Recorder::default();
    let image = context.request(name).build(&docker, &log).await.unwrap();
    let text = log.text();
    assert!(
        text.contains("detail the file") && text.contains("detail two"),
        "{text}"
    );
    assert!(
        text.contains("] RUN cat /in/a.txt") && text.contains("done in "),
        "{text}"
    );

    assert_eq!(
        builder.docker_ok(&["inspect", "--format={{.Id}}", image.name()]).trim(),
        image.id.as_str()
    );
    assert!(docker.holds(&image).await.unwrap());
    let size = builder.docker_ok(&["inspect", "--format={{.Size}}", image.name()]);
    assert_eq!(size.trim(), image.size.to_string());
    assert!(image.size > 100_000);
    let unknown = BuiltImage {
        id: Digest::of(b"unknown"),
        ..image.clone()
    };
    assert!(!docker.holds(&unknown).await.unwrap());
    let elsewhere = BuiltImage {
        kept: Kept::Docker {
            reference: "sgbuild-test/elsewhere:1".to_owned(),
        },
        ..image.clone()
    };
    assert!(!docker.holds(&elsewhere).await.unwrap());

    let again = Recorder::default();
    let cached = context.request(name).build(&docker, &again).await.unwrap();
    assert_eq!(cached, image);
    assert!(again.text().contains("cached"), "{}", again.text());
    assert!(!again.text().contains("detail the file"), "{}", again.text());

    let listed = in_image(builder, image.name(), "echo /in/*");
    assert_eq!(listed.trim(), "/in/Dockerfile /in/a.txt");
}

with_each!(a_failing_step_is_shown_with_its_output: all);

async fn a_failing_step_is_shown_with_its_output(builder: Builder) {
    let docker = connect(builder).await;
    let script = "echo https://me:pw@index.example/simple; echo 'No matching distribution found for nosuch==1'; exit 3";
    let context = Context::new(&format!("RUN true\nRUN {script}"));
    let error = context
        .request(&builder.own("failing"))
        .build(&docker, &Silent)
        .await
        .unwrap_err();
    let Error::Step { step, output, message } = &error else {
        panic!("{error:?}")
    };
    assert!(step.starts_with("RUN echo https://***@index.example/simple"), "{step}");
    assert!(
        output.iter().any(|line| line == "https://***@index.example/simple"),
        "{output:?}"
    );
    assert_eq!(message, "exit code: 3");
    assert!(!format!("{error} {error:?}").contains("pw@"), "{error:?}");
    assert_eq!(error.advice().fault, Fault::User);
    assert!(
        error.advice().hints[0].starts_with("Check that nosuch==1 exists"),
        "{:?}",
        error.advice().hints
    );
}

with_each!(a_secret_reaches_its_step_and_nothing_else: modern);

async fn a_secret_reaches_its_step_and_nothing_else(builder: Builder) {
    let docker = connect(builder).await;
    let mount = "--mount=type=secret,id=pip.conf,target=/etc/pip.conf";
    let check = "cat /etc/pip.conf; read -r first < /etc/pip.conf; [ \"$first\" = '[global]' ] && echo mounted";
    let context = Context::new(&format!("{}\nCOPY . /in/\nRUN {mount} {check}", unique()));
    let mut request = context.request(&builder.own("secret"));
    let pip_conf = format!("[global]\nindex-url = https://me:{CANARY}@index.example/simple\n");
    let bundle = "-----BEGIN CERTIFICATE-----\n".to_owned() + &"QUJD\n".repeat(60_000);
    request.set_secrets([("pip.conf", pip_conf), ("ca.pem", bundle)]);
    let log = Recorder::default();
    let image = request.build(&docker, &log).await.unwrap();
    assert!(log.text().contains("detail mounted"), "{}", log.text());
    assert!(!log.text().contains(CANARY), "{}", log.text());
    let history = builder.docker_ok(&["history", "--no-trunc", image.id.as_str()])
        + &builder.docker_ok(&["inspect", image.id.as_str()]);
    assert!(!history.contains(CANARY));
    // podman is given them with the context, and takes them out of it.
    let listed = in_image(builder, image.name(), "echo /in/* /in/.s*");
    assert_eq!(listed.trim(), "/in/Dockerfile /in/a.txt /in/.s*");
    let saved = builder.docker(&["save", image.id.as_str()]).stdout;
    assert!(saved.len() > 100_000);
    assert!(!saved.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}

with_each!(a_large_secret_arrives_whole: modern);

async fn a_large_secret_arrives_whole(builder: Builder) {
    let docker = connect(builder).await;
    let context = Context::new(&format!(
        "{}\nRUN --mount=type=secret,id=ca.pem,target=/ca.pem while read -r line; do last=$line; done < /ca.pem; echo last=$last",
        unique()
    ));
    let mut request = context.request(&builder.own("large-secret"));
    let bundle = "x".repeat(99) + "\n";
    request.set_secrets([("ca.pem", bundle.repeat(2200) + "end\n")]);
    let log = Recorder::default();
    request.build(&docker, &log).await.unwrap();
    assert!(log.text().contains("last=end"), "{}", log.text());
}

with_each!(a_secret_that_buildkit_does_not_take_is_refused: docker20 Docker20, containerd26 Containerd26);

async fn a_secret_that_buildkit_does_not_take_is_refused(builder: Builder) {
    let docker = connect(builder).await;
    let context = Context::new("RUN true");
    let mut request = context.request(&builder.own("larger-secret"));
    request.set_secrets([("ca.pem", "x".repeat(600_000))]);
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(
        matches!(error, Error::SecretTooLarge { size: 600_000, .. }),
        "{error:?}"
    );
}

with_each!(secrets_are_refused_by_the_classic_builder: docker20 Docker20Classic, docker26 Docker26Classic);

async fn secrets_are_refused_by_the_classic_builder(builder: Builder) {
    let docker = connect(builder).await;
    let context = Context::new("RUN true");
    let mut request = context.request(&builder.own("classic-secret"));
    request.set_secrets([("pip.conf", CANARY.to_owned())]);
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::SecretsUnsupported { .. }), "{error:?}");
    assert!(error.to_string().contains("needs the secrets pip.conf"), "{error}");
    assert!(error.advice().hints[0].contains("BuildKit"));
}

/// Whether a process of this machine has `argument` on its command line.
fn is_running(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes.flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    })
}

// podman lets a step that runs come to its end.
with_each!(a_build_stops_when_nobody_waits: docker20 Docker20, docker20_classic Docker20Classic, docker26 Docker26,
    docker26_classic Docker26Classic, containerd26 Containerd26);

async fn a_build_stops_when_nobody_waits(builder: Builder) {
    let docker = connect(builder).await;
    let seconds = &format!("314.{}", builder as u8);
    let context = Context::new(&format!("{}\nRUN echo begun; sleep {seconds}", unique()));
    let request = context.request(&builder.own("cancelled"));
    let log = Recorder::default();
    tokio::select! {
        result = request.build(&docker, &log) => panic!("{result:?}"),
        () = log.wait_for("detail begun") => {}
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while is_running(seconds) {
        assert!(Instant::now() < deadline, "the build's sleep {seconds} still runs");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Forwards a socket to the daemon until told to break every connection.
struct BreakableDaemon {
    builder: Builder,
    directory: tempfile::TempDir,
    connections: Arc<Mutex<tokio::task::JoinSet<()>>>,
}

impl BreakableDaemon {
    fn start(builder: Builder) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = builder.host();
        let target = host
            .strip_prefix("unix://")
            .expect("this test needs a daemon at a Unix socket")
            .to_owned();
        let listener = tokio::net::UnixListener::bind(directory.path().join("docker.sock")).unwrap();
        let connections = Arc::new(Mutex::new(tokio::task::JoinSet::new()));
        let forwarded = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let target = target.clone();
                forwarded.lock().unwrap().spawn(async move {
                    let mut far = tokio::net::UnixStream::connect(target).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self {
            builder,
            directory,
            connections,
        }
    }

    fn settings(&self) -> DockerSettings {
        let host = format!("unix://{}", self.directory.path().join("docker.sock").display());
        DockerSettings {
            host: Some(host),
            ..settings(self.builder)
        }
    }

    fn break_all(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

with_each!(a_daemon_that_dies_mid_build_is_a_temporary_failure: all);

async fn a_daemon_that_dies_mid_build_is_a_temporary_failure(builder: Builder) {
    connect(builder).await;
    let broken = BreakableDaemon::start(builder);
    let docker = docker::connect(&broken.settings()).await.unwrap();
    let context = Context::new(&format!("{}\nRUN echo begun; sleep 161.8", unique()));
    let request = context.request(&builder.own("dying"));
    let log = Recorder::default();
    let (result, ()) = tokio::join!(request.build(&docker, &log), async {
        log.wait_for("detail begun").await;
        broken.break_all();
    });
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    let said = format!("{} went away while building {}", builder.called(), request.tag);
    assert!(error.to_string().starts_with(&said), "{error}");
    assert_eq!(error.advice().fault, Fault::Temporary);
}

with_each!(a_missing_file_of_the_context_is_named: all);

async fn a_missing_file_of_the_context_is_named(builder: Builder) {
    let docker = connect(builder).await;
    let context = Context::new("RUN true");
    let mut request = context.request(&builder.own("missing-file"));
    request.dist.context.push("gone.tar.gz".to_owned());
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(
        matches!(&error, Error::Context { path, .. } if path.ends_with("gone.tar.gz")),
        "{error:?}"
    );
}

with_each!(a_dockerfile_that_is_none_is_the_builders_message: all);

async fn a_dockerfile_that_is_none_is_the_builders_message(builder: Builder) {
    let docker = connect(builder).await;
    let context = Context::new("RUNN true");
    let request = context.request(&builder.own("syntax"));
    let error = request.build(&docker, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Build { .. }), "{error:?}");
    let said = error.to_string().to_ascii_lowercase();
    assert!(
        said.contains("unknown instruction: ") && said.contains("runn"),
        "{error}"
    );
}

with_each!(an_image_for_another_platform_is_refused: all);

async fn an_image_for_another_platform_is_refused(builder: Builder) {
    let docker = connect(builder).await;
    let context = Context::new("COPY a.txt /");
    let mut request = context.request(&builder.own("platform"));
    request.plan.platform = Platform::new("linux", "arm64");
    let error = request.build(&docker, &Silent).await.unwrap_err();
    let Error::Platform { wanted, message, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(wanted, "linux/arm64");
    assert!(
        message.contains("shell:1") && message.contains("linux/amd64"),
        "{message}"
    );
}

#[tokio::test]
async fn the_classic_builder_is_refused_where_it_makes_oci_images() {
    let settings = DockerSettings {
        buildkit: Some(false),
        ..settings(Builder::Containerd26)
    };
    let docker = docker::connect(&settings).await.unwrap();
    let error = Context::new("RUN true")
        .request("oci")
        .build(&docker, &Silent)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ImageStore { .. }), "{error:?}");
    assert!(error.advice().hints[0].contains("DOCKER_BUILDKIT=0"));
}
