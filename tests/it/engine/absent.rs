//! Daemons that are not there, or no daemons.

use std::io::Write as _;

use sgbuild::engine::docker::{self, DockerSettings, Error};
use sgbuild::explain::Explain as _;

#[tokio::test]
async fn an_absent_daemon_is_named_and_nothing_is_panicked_about() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("none.sock");
    let settings = DockerSettings {
        host: Some(format!("unix://{}", socket.display())),
        ..DockerSettings::default()
    };
    let error = docker::connect(&settings).await.err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("cannot connect to the Docker daemon at unix://"),
        "{error}"
    );
    assert!(error.to_string().contains("No such file"), "{error}");
    assert!(error.advice().hints[0].starts_with("Start Docker"));

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = DockerSettings {
        host: Some(host),
        ..DockerSettings::default()
    };
    let error = docker::connect(&settings).await.err().unwrap();
    assert!(
        matches!(error, Error::Absent { .. }) && error.to_string().contains("refused"),
        "{error}"
    );
}

/// Answers every request with `body`.
fn false_daemon(body: &'static str) -> DockerSettings {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 1024];
            let _ = std::io::Read::read(&mut stream, &mut buffer);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    DockerSettings {
        host: Some(host),
        ..DockerSettings::default()
    }
}

#[tokio::test]
async fn an_old_daemon_and_another_server_are_told_apart() {
    let old = false_daemon(r#"{"Version":"17.03.0-ce","ApiVersion":"1.26","Os":"linux"}"#);
    let error = docker::connect(&old).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the Docker daemon is too old: version 17.03.0-ce speaks API 1.26, 1.39 is needed"
    );
    let other = docker::connect(&false_daemon("<html>hello</html>"))
        .await
        .err()
        .unwrap();
    assert!(matches!(other, Error::NotDocker { .. }), "{other:?}");
}
