//! A container of the image: followed, asked for its health, and drained.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::error::Error;
use crate::engine::docker::{Bind, Container, Docker, Ended, NewContainer, Port};
use crate::interruption::{self, Signals};
use crate::local::Run;
use crate::progress::{Progress, seconds};
use crate::shown::log_line;
use crate::web;

/// Where SageMaker asks a container.
const PORT: u16 = 8080;
/// How long it waits for a first answer to `/ping`, and for each
/// ([`Containers`](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html#your-algorithms-inference-algo-ping-requests)).
const HEALTHY_WITHIN: Duration = Duration::from_mins(4);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long a container may take from SIGTERM to its end.
const DRAINED_WITHIN: Duration = Duration::from_secs(30);
/// How often a container that does not answer yet is asked.
const ASKED_AGAIN: Duration = Duration::from_millis(20);

/// What is to be served, and how.
pub(crate) struct Served {
    /// The image, by a name or id that the daemon knows.
    pub(crate) image: String,
    /// The model's directory, where there is one.
    pub(crate) model: Option<PathBuf>,
    /// The port on this machine.
    pub(crate) port: u16,
    /// Beside the image's own variables.
    pub(crate) environment: BTreeMap<String, String>,
}

/// Whom the address is told as soon as the container is healthy.
pub(crate) type Ready<'a> = dyn Fn(&str) -> io::Result<()> + 'a;

/// Serves until the user has enough.
///
/// # Errors
/// The daemon, or a container that ends by itself or does not become healthy.
pub(crate) async fn serve(
    served: &Served,
    (docker, run): (&Docker, &Run),
    ready: &Ready<'_>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let model = served.model.iter().map(|directory| Bind {
        source: directory.clone(),
        target: "/opt/ml/model".to_owned(),
        is_read_only: true,
    });
    let new = NewContainer {
        image: served.image.clone(),
        command: vec!["serve".to_owned()],
        environment: served.environment.clone(),
        labels: run.labels(),
        mounts: model.collect(),
        ports: vec![Port {
            container: PORT,
            host: served.port,
        }],
        ..NewContainer::default()
    };
    let mut signals = interruption::take_over().map_err(Error::Follow)?;
    let container = docker.create_container(&new, run.id()).await?;
    let outcome = session(&container, &mut signals, ready, progress).await;
    container.remove().await?;
    outcome
}

/// From the start of the container to its end.
async fn session(
    container: &Container<'_>,
    signals: &mut Signals,
    ready: &Ready<'_>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let begun = Instant::now();
    container.start().await?;
    let mut line = |line: &str| progress.output(&log_line(line));
    let follow = container.follow(&mut line);
    let drive = async {
        let driven = tokio::select! {
            failed = healthy(container, begun, ready, progress) => failed,
            () = signals.next() => stopped(container, signals, progress).await,
        };
        if driven.is_err() {
            // The log ends with the container.
            container.signal("SIGKILL").await?;
        }
        driven
    };
    let (followed, driven) = tokio::join!(follow, drive);
    driven?;
    Ok(followed?)
}

/// Waits until the container answers, and then for the end that nobody asked for.
async fn healthy(
    container: &Container<'_>,
    begun: Instant,
    ready: &Ready<'_>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let port = container.host_port(PORT).await?.unwrap_or(PORT);
    let address = format!("http://127.0.0.1:{port}");
    let ping = format!("{address}/ping");
    // Only 200 is healthy; where else an answer leads to is this machine's, which the container is not to reach.
    let client = web::client()
        .timeout(ANSWER_WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build();
    let client = client.map_err(|error| Error::Follow(io::Error::other(error)))?;
    while !client
        .get(&ping)
        .send()
        .await
        .is_ok_and(|answer| answer.status().as_u16() == 200)
    {
        if let Some(ended) = container.has_ended().await? {
            return Err(by_itself(ended, false));
        }
        if begun.elapsed() > HEALTHY_WITHIN {
            return Err(Error::Unhealthy { limit: HEALTHY_WITHIN });
        }
        tokio::time::sleep(ASKED_AGAIN).await;
    }
    progress.step(&format!("Healthy after {}", seconds(begun.elapsed()).trim_start()));
    ready(&address).map_err(Error::Follow)?;
    Err(by_itself(container.ended().await?, true))
}

fn by_itself(ended: Ended, was_healthy: bool) -> Error {
    Error::Ended {
        code: ended.code,
        was_healthy,
        out_of_memory: ended.out_of_memory,
    }
}

/// Has the container finish what it is at, as SageMaker does: SIGTERM, and SIGKILL where that takes too long, or a second signal comes.
async fn stopped(container: &Container<'_>, signals: &mut Signals, progress: &dyn Progress) -> Result<(), Error> {
    let limit = DRAINED_WITHIN.as_secs();
    progress.step(&format!(
        "Draining: SIGTERM was sent, SIGKILL follows after {limit} s or at Ctrl-C"
    ));
    let begun = Instant::now();
    container.signal("SIGTERM").await?;
    let in_time = tokio::select! {
        ended = container.ended() => Some(ended?),
        () = signals.next() => None,
        () = tokio::time::sleep(DRAINED_WITHIN) => None,
    };
    let took = seconds(begun.elapsed());
    let took = took.trim_start();
    if let Some(ended) = in_time {
        progress.step(&format!("Drained in {took}: exit code {}", ended.code));
        return Ok(());
    }
    container.signal("SIGKILL").await?;
    progress.warn(&format!("the container did not end by SIGTERM: killed after {took}"));
    Ok(())
}

/// Runs `command` in a container of `image` instead of its entry point; what it wrote goes to `line`, and its exit code is returned.
/// `ml` is `/opt/ml`, where a directory is named.
///
/// # Errors
/// The daemon, or a line that cannot be printed.
pub(crate) async fn execute(
    (image, command): (&str, &[String]),
    ml: Option<PathBuf>,
    (docker, run): (&Docker, &Run),
    line: &(dyn Fn(&str) -> io::Result<()> + Sync),
) -> Result<i64, Error> {
    let ml = ml.into_iter().map(|directory| Bind {
        source: directory,
        target: "/opt/ml".to_owned(),
        is_read_only: false,
    });
    let (program, arguments) = command.split_at(command.len().min(1));
    let new = NewContainer {
        image: image.to_owned(),
        entrypoint: Some(program.to_vec()),
        command: arguments.to_vec(),
        labels: run.labels(),
        mounts: ml.collect(),
        ..NewContainer::default()
    };
    let mut signals = interruption::take_over().map_err(Error::Follow)?;
    let container = docker.create_container(&new, run.id()).await?;
    let outcome = executed(&container, &mut signals, line).await;
    container.remove().await?;
    outcome
}

async fn executed(
    container: &Container<'_>,
    signals: &mut Signals,
    line: &(dyn Fn(&str) -> io::Result<()> + Sync),
) -> Result<i64, Error> {
    container.start().await?;
    let mut printed = Ok(());
    let unheard = Notify::new();
    let mut each = |text: &str| {
        if printed.is_ok() {
            printed = line(text);
            if printed.is_err() {
                unheard.notify_one();
            }
        }
    };
    {
        let mut following = pin!(container.follow(&mut each));
        let mut was_asked = false;
        loop {
            tokio::select! {
                followed = &mut following => break followed?,
                // The log ends with the container.
                () = unheard.notified() => container.signal("SIGKILL").await?,
                // Whoever runs in it decides what becomes of it; where that is nothing, the second one ends it.
                () = signals.next() => {
                    container.signal(if was_asked { "SIGKILL" } else { "SIGTERM" }).await?;
                    was_asked = true;
                }
            }
        }
    }
    printed.map_err(Error::Follow)?;
    Ok(container.ended().await?.code)
}
