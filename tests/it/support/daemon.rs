//! The Docker daemon behind a socket of the test's own: between it and the binary, something may happen, or somebody else answer.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::thread;

/// What becomes of a request.
pub(crate) enum Answer {
    /// The daemon answers it.
    Daemons,
    /// These bytes are the answer.
    Of(String),
    /// An answer with this head, whose body has no end.
    Endless(&'static str),
}

/// A daemon's socket; every connection carries one request.
pub(crate) struct Daemon {
    directory: tempfile::TempDir,
}

impl Daemon {
    /// `answer` is asked of each request by its first line, before the daemon hears of it.
    pub(crate) fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("docker.sock")).unwrap();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = Arc::clone(&answer);
                // A connection that either side gives up is over.
                thread::spawn(move || drop(serve(stream, &*answer)));
            }
        });
        Self { directory }
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.directory.path().join("docker.sock").display())
    }
}

/// The socket of the daemon that the tests talk to.
fn upstream() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://")
        .unwrap_or("/var/run/docker.sock")
        .to_owned()
}

fn serve(mut near: UnixStream, answer: &dyn Fn(&str) -> Answer) -> io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match near.read(&mut buffer)? {
            0 => return Ok(()),
            read => head.extend_from_slice(&buffer[..read]),
        }
    }
    let text = String::from_utf8_lossy(&head);
    match answer(text.lines().next().unwrap_or_default()) {
        Answer::Of(text) => near.write_all(text.as_bytes()),
        Answer::Endless(head) => {
            near.write_all(head.as_bytes())?;
            loop {
                near.write_all(&[b' '; 8192])?;
            }
        }
        Answer::Daemons => {
            let mut far = UnixStream::connect(upstream())?;
            far.write_all(&head)?;
            let (mut from, mut to) = (near.try_clone()?, far.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            io::copy(&mut far, &mut near)?;
            near.shutdown(Shutdown::Write)
        }
    }
}

/// A JSON answer.
pub(crate) fn json(body: &serde_json::Value) -> Answer {
    let body = body.to_string();
    Answer::Of(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}
