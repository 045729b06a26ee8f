//! The containers of a training: one a host, as SageMaker starts them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::channels::{Data, Mode};
use super::error::Error;
use super::job::LocalJob;
use super::lent;
use super::opt_ml::{self, OPT_ML};
use super::pipe::Feeder;
use super::run::Run;
use super::training::Host;
use super::watch::Watch;
use crate::engine::docker::{Archive, Bind, Container, Docker, Ended, NewContainer, Place};

/// A container that trains.
pub(super) struct ContainerHost<'a> {
    name: String,
    container: Container<'a>,
    /// What feeds its FIFOs as long as it is there.
    feeders: Vec<Feeder>,
}

/// Makes and starts the containers; where that fails, [`Run::end`] removes those that are there.
///
/// # Errors
/// The daemon refuses, or went away.
pub(super) async fn begin<'a>(
    job: &LocalJob,
    data: &BTreeMap<String, Data>,
    run: &Run,
    docker: &'a Docker,
) -> Result<Vec<ContainerHost<'a>>, Error> {
    let names = job.hosts();
    let network = (names.len() > 1).then(|| format!("sgbuild-{}", run.id()));
    if let Some(network) = &network {
        docker.create_network(network, &run.labels(), job.is_isolated).await?;
    }
    let mut hosts = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let at = Place {
            network: network.clone().unwrap_or_default(),
            host: name.clone(),
        };
        let inputs = Inputs::of(job, data, run, (name, index, names.len()))?;
        let new = NewContainer {
            image: job.image.clone(),
            entrypoint: job.entrypoint.clone(),
            command: job.command.clone(),
            environment: job.environment.clone(),
            labels: run.labels(),
            mounts: inputs.mounts,
            ports: Vec::new(),
            limits: job.asked.limits,
            host: Some(name.clone()),
            is_isolated: job.is_isolated && network.is_none(),
            place: network.is_some().then_some(at),
        };
        let container = docker.create_container(&new, name).await?;
        fill(job, name, &container).await?;
        hosts.push(ContainerHost {
            name: name.clone(),
            container,
            feeders: inputs.feeders,
        });
    }
    for host in &hosts {
        host.container.start().await?;
    }
    Ok(hosts)
}

/// Writes what the container has at `/opt/ml` when it starts.
async fn fill(job: &LocalJob, host: &str, container: &Container<'_>) -> Result<(), Error> {
    let (job, host) = (job.clone(), host.to_owned());
    let checkpoints = job.asked.output.join("checkpoints");
    let kept = checkpoints.clone();
    let put = container.put("/", move |sink| opt_ml::archive(&job, &host, &checkpoints, sink));
    put.await?.map_err(|source| Error::Output { path: kept, source })
}

/// A host's channels.
struct Inputs {
    mounts: Vec<Bind>,
    feeders: Vec<Feeder>,
}

impl Inputs {
    fn of(
        job: &LocalJob,
        data: &BTreeMap<String, Data>,
        run: &Run,
        (host, index, count): (&str, usize, usize),
    ) -> Result<Self, Error> {
        let place = format!("{OPT_ML}/input/data");
        let mut inputs = Self {
            mounts: Vec::new(),
            feeders: Vec::new(),
        };
        let pipes = run.directory().join("pipes").join(host);
        let has_pipes = job.channels.values().any(|channel| channel.mode == Mode::Pipe);
        if has_pipes {
            fs::create_dir_all(&pipes).map_err(Error::Directory)?;
            // The first, as what follows is mounted in it. A container that could write to it might put a link in a FIFO's place, which leads
            // to something of this machine where it is opened.
            inputs.mounts.push(bind(&pipes, place.clone(), true));
        }
        for (name, channel) in &job.channels {
            let Some(whole) = data.get(name) else { continue };
            let part = |index, count| {
                let into = run.directory().join("shards").join(host).join(name);
                whole.shard(name, &into, index, count)
            };
            let data = if channel.is_sharded && count > 1 {
                part(index, count)?
            } else if has_pipes && channel.mode != Mode::Pipe && whole.is_file() {
                // Not every daemon mounts a file in a directory that is only read.
                part(0, 1)?
            } else {
                whole.clone()
            };
            if channel.mode == Mode::Pipe {
                inputs.feeders.push(Feeder::begin(&pipes, name, &data)?);
                continue;
            }
            if has_pipes {
                // What it is mounted on.
                fs::create_dir_all(pipes.join(name)).map_err(Error::Directory)?;
            }
            let target = data.target(&format!("{place}/{name}"));
            inputs.mounts.push(bind(&data.place, target, true));
        }
        if has_pipes {
            lent::let_read(&pipes).map_err(Error::Directory)?;
        }
        Ok(inputs)
    }
}

fn bind(source: &Path, target: String, is_read_only: bool) -> Bind {
    Bind {
        source: PathBuf::from(source),
        target,
        is_read_only,
    }
}

impl<'a> ContainerHost<'a> {
    pub(super) fn container(&self) -> &Container<'a> {
        &self.container
    }

    /// That its channels were fed whole.
    ///
    /// # Errors
    /// The data that was not.
    pub(super) fn check_fed(&self) -> Result<(), Error> {
        self.feeders.iter().try_for_each(Feeder::check)
    }

    /// Has `read` read the archive of what is at `path`; `None` where there is nothing.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        path: &str,
        read: impl FnOnce(Archive) -> io::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let outcome = self.container.get(path, read).await?;
        outcome.transpose().map_err(|source| Error::Left {
            what: path.to_owned(),
            source,
        })
    }
}

#[async_trait]
impl Host for ContainerHost<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ended(&self, watch: &Watch<'_>) -> Result<Ended, Error> {
        self.container.follow(&mut |line| watch.line(&self.name, line)).await?;
        Ok(self.container.ended().await?)
    }

    async fn stop(&self) -> Result<(), Error> {
        Ok(self.container.signal("SIGTERM").await?)
    }

    async fn kill(&self) -> Result<(), Error> {
        Ok(self.container.signal("SIGKILL").await?)
    }
}
