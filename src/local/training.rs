//! A training, from its containers to what is left of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::FusedFuture as _;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use super::artifacts;
use super::channels::Data;
use super::checkpoints::Checkpoints;
use super::error::Error;
use super::hosts::{self, ContainerHost};
use super::job::LocalJob;
use super::metrics::Metrics;
use super::outcome::{HostEnd, Outcome, Stop, judge};
use super::run::Run;
use super::watch::Watch;
use crate::engine::docker::{Docker, Ended};
use crate::interruption::Signals;
use crate::progress::{Cancelled, Progress, Waiting, seconds};

/// Something that trains: a container, or a process.
#[async_trait]
pub(super) trait Host: Sync {
    /// Its name among the others.
    fn name(&self) -> &str;
    /// Shows its log until it has ended.
    async fn ended(&self, watch: &Watch<'_>) -> Result<Ended, Error>;
    /// Asks it to stop.
    async fn stop(&self) -> Result<(), Error>;
    /// Ends it.
    async fn kill(&self) -> Result<(), Error>;
}

/// Runs the training in containers of `docker`, and writes what is left of it to the directory that is asked for.
///
/// # Errors
/// It could not be begun or followed. A training that fails is an [`Outcome`].
pub(crate) async fn train(
    job: &LocalJob,
    data: &BTreeMap<String, Data>,
    run: &Run,
    docker: &Docker,
    signals: &mut Signals,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    artifacts::claim(&job.asked.output)?;
    let trained = Box::pin(in_containers(job, data, run, docker, signals, progress)).await;
    let ended = run.end(docker).await;
    artifacts::release(&job.asked.output);
    let outcome = trained?;
    ended?;
    Ok(outcome)
}

async fn in_containers(
    job: &LocalJob,
    data: &BTreeMap<String, Data>,
    run: &Run,
    docker: &Docker,
    signals: &mut Signals,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    let hosts = unless_interrupted(signals, Box::pin(hosts::begin(job, data, run, docker))).await?;
    let checkpoints = Checkpoints::of(job);
    let mut keeping = std::pin::pin!(checkpoints.keep(&hosts).fuse());
    let (followed, metrics) = {
        let mut following = std::pin::pin!(follow(job, &hosts, signals, progress));
        tokio::select! {
            followed = &mut following => followed?,
            () = &mut keeping => following.await?,
        }
    };
    checkpoints.stop();
    let rest = async {
        if !keeping.is_terminated() {
            keeping.await;
        }
        collect(job, &hosts, (followed, &checkpoints), metrics, progress).await
    };
    let outcome = unless_interrupted(signals, Box::pin(rest)).await?;
    // What it made of less than all the data is there, and no success.
    hosts.iter().try_for_each(ContainerHost::check_fed)?;
    Ok(outcome)
}

/// What comes of the work, unless the user presses Ctrl-C meanwhile.
async fn unless_interrupted<T>(
    signals: &mut Signals,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = signals.next() => Err(Cancelled.into()),
        done = work => done,
    }
}

/// How the hosts ended.
pub(super) struct Followed {
    /// In the order of the hosts.
    pub(super) ends: Vec<Ended>,
    pub(super) stopped: Option<Stop>,
    pub(super) took: Duration,
}

/// Follows the hosts to their end, which SIGTERM and then SIGKILL bring about where it is time.
pub(super) async fn follow<H: Host>(
    job: &LocalJob,
    hosts: &[H],
    signals: &mut Signals,
    progress: &dyn Progress,
) -> Result<(Followed, Metrics), Error> {
    let (metrics, problems) = Metrics::new(&job.metrics);
    for problem in problems {
        progress.warn(&problem);
    }
    let watch = Watch::new(metrics, hosts.len() > 1, progress);
    let mut following = Following {
        hosts,
        progress,
        stop_timeout: job.asked.stop_timeout,
        deadline: tokio::time::Instant::now() + job.max_runtime,
        stopping: None,
        was_killed: false,
    };
    let begun = Instant::now();
    let mut ends: Vec<Option<Ended>> = vec![None; hosts.len()];
    let mut running: FuturesUnordered<_> = hosts
        .iter()
        .enumerate()
        .map(|(at, host)| {
            let watch = &watch;
            async move { (at, host.ended(watch).await) }
        })
        .collect();
    loop {
        tokio::select! {
            ended = running.next() => {
                let Some((at, ended)) = ended else { break };
                let ended = ended?;
                ends[at] = Some(ended);
                // SageMaker ends the job where one of its instances fails.
                if ended.code != 0 && following.stopping.is_none() && !running.is_empty() {
                    let why = format!("{} failed", hosts[at].name());
                    following.stop(Stop::OtherHost, &why).await?;
                }
            }
            () = signals.next() => match following.stopping {
                None => following.stop(Stop::User, "Ctrl-C").await?,
                Some(_) => following.kill("Ctrl-C again").await?,
            },
            () = tokio::time::sleep_until(following.deadline), if !following.was_killed => match following.stopping {
                None => following.stop(Stop::MaxRuntime, &format!("max-runtime, {}", in_seconds(job.max_runtime))).await?,
                Some(_) => following.kill(&format!("{} are over", in_seconds(job.asked.stop_timeout))).await?,
            },
        }
    }
    drop(running);
    let stopped_in = following.stopping.map(|(_, at)| at.elapsed());
    if let (Some(took), false) = (stopped_in, following.was_killed) {
        progress.step(&format!("Stopped{} after SIGTERM", with_blank(&seconds(took))));
    }
    let followed = Followed {
        ends: ends.into_iter().flatten().collect(),
        stopped: following.stopping.map(|(stop, _)| stop),
        took: begun.elapsed(),
    };
    Ok((followed, watch.metrics()))
}

fn in_seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

fn with_blank(text: &str) -> String {
    format!(" {}", text.trim_start())
}

struct Following<'a, H> {
    hosts: &'a [H],
    progress: &'a dyn Progress,
    stop_timeout: Duration,
    /// When it is to be stopped, or, once that was done, killed.
    deadline: tokio::time::Instant,
    stopping: Option<(Stop, Instant)>,
    was_killed: bool,
}

impl<H: Host> Following<'_, H> {
    async fn stop(&mut self, stop: Stop, why: &str) -> Result<(), Error> {
        let timeout = in_seconds(self.stop_timeout);
        let more = if stop == Stop::User {
            "; Ctrl-C again ends it now"
        } else {
            ""
        };
        self.progress
            .step(&format!("Stopping ({why}): SIGTERM now, SIGKILL in {timeout}{more}"));
        self.stopping = Some((stop, Instant::now()));
        self.deadline = tokio::time::Instant::now() + self.stop_timeout;
        for host in self.hosts {
            host.stop().await?;
        }
        Ok(())
    }

    async fn kill(&mut self, why: &str) -> Result<(), Error> {
        self.progress.step(&format!("Killing ({why}): SIGKILL"));
        self.was_killed = true;
        for host in self.hosts {
            host.kill().await?;
        }
        Ok(())
    }
}

/// Takes what the containers left.
async fn collect(
    job: &LocalJob,
    hosts: &[ContainerHost<'_>],
    (followed, checkpoints): (Followed, &Checkpoints),
    metrics: Metrics,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    let mut ends = Vec::new();
    for (host, ended) in hosts.iter().zip(&followed.ends) {
        let failure = host.read("/opt/ml/output/failure", artifacts::failure).await?;
        ends.push(end_of(host.name(), *ended, failure.flatten()));
    }
    let mut outcome = outcome(&ends, &followed, metrics);
    let directory = &job.asked.output;
    if outcome.keeps_model() {
        outcome.model = pack(hosts, "/opt/ml/model", &directory.join("model.tar.gz"), progress).await?;
    }
    outcome.output = pack(hosts, "/opt/ml/output/data", &directory.join("output.tar.gz"), progress).await?;
    outcome.checkpoints = checkpoints.finish(hosts).await?;
    Ok(outcome)
}

/// The hosts' directories as one archive.
async fn pack(
    hosts: &[ContainerHost<'_>],
    directory: &str,
    path: &Path,
    progress: &dyn Progress,
) -> Result<Option<PathBuf>, Error> {
    let unwritten = |source| Error::Output {
        path: path.to_owned(),
        source,
    };
    let _waiting = Waiting::begin(progress, &format!("Packing {directory}"));
    let packing = artifacts::Packing::begin(path).map_err(unwritten)?;
    let packing = Arc::new(Mutex::new(packing));
    for host in hosts {
        let filled = Arc::clone(&packing);
        let add = move |archive| filled.lock().unwrap_or_else(PoisonError::into_inner).add(archive);
        // Where there is none, the training has removed it.
        host.container()
            .get(directory, add)
            .await?
            .transpose()
            .map_err(unwritten)?;
    }
    let Some(packing) = Arc::into_inner(packing) else {
        return Ok(None);
    };
    packing
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .finish()
        .map_err(unwritten)
}

/// What is known of a host's end.
pub(super) fn end_of(host: &str, ended: Ended, failure: Option<String>) -> HostEnd {
    HostEnd {
        host: host.to_owned(),
        code: ended.code,
        out_of_memory: ended.out_of_memory,
        failure,
    }
}

/// What came of it, before anything of it is written.
pub(super) fn outcome(ends: &[HostEnd], followed: &Followed, metrics: Metrics) -> Outcome {
    let (status, reason) = judge(ends, followed.stopped);
    Outcome {
        status,
        codes: ends.iter().map(|end| (end.host.clone(), end.code)).collect(),
        reason,
        stopped: followed.stopped,
        model: None,
        output: None,
        checkpoints: None,
        metrics,
        took: followed.took,
    }
}
