//! Containers: made of an image, followed, stopped, and always removed
//! ([the Engine API](https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container); podman answers it too).

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, DeviceRequest, EndpointSettings, HostConfig, Mount, MountType, NetworkCreateRequest,
    NetworkingConfig, PortBinding, PortMap,
};
use bollard::query_parameters::{
    CreateContainerOptions, KillContainerOptionsBuilder, ListContainersOptionsBuilder, ListNetworksOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder,
};
use futures_util::StreamExt as _;

use super::Docker;
use super::container_log::Lines;
use super::error::Error;
use super::typed;

/// How often a container that says nothing more is asked whether it has ended.
const LOOKED_AFTER: Duration = Duration::from_millis(50);

/// A container to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NewContainer {
    /// The image, by a name or an id that the daemon knows.
    pub(crate) image: String,
    /// Instead of the image's entry point.
    pub(crate) entrypoint: Option<Vec<String>>,
    /// What follows the entry point, such as `train`.
    pub(crate) command: Vec<String>,
    /// Beside the image's own.
    pub(crate) environment: BTreeMap<String, String>,
    /// By which it is found again, see [`Docker::remove_labelled`].
    pub(crate) labels: BTreeMap<String, String>,
    /// Files and directories of this machine.
    pub(crate) mounts: Vec<Bind>,
    /// Ports of the container that this machine's loopback address has.
    pub(crate) ports: Vec<Port>,
    /// What it may use.
    pub(crate) limits: Limits,
    /// What it calls itself; a name of the daemon's unless said.
    pub(crate) host: Option<String>,
    /// The network it is in, and its name there; the daemon's usual one where nothing is said.
    pub(crate) place: Option<Place>,
    /// Whether it has no network at all.
    pub(crate) is_isolated: bool,
}

/// A file or directory of this machine in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bind {
    pub(crate) source: PathBuf,
    /// Where the container has it.
    pub(crate) target: String,
    pub(crate) is_read_only: bool,
}

/// A port of a container at this machine's `127.0.0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) container: u16,
    /// 0 is any that is free.
    pub(crate) host: u16,
}

/// What a container may use; nothing is limited unless said.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Limits {
    /// In bytes, without any swap.
    pub(crate) memory: Option<u64>,
    /// In billionths of a CPU.
    pub(crate) nano_cpus: Option<u64>,
    /// None unless said.
    pub(crate) gpus: Option<Gpus>,
    /// The size of `/dev/shm` in bytes; the daemon's usual 64 MiB unless said.
    pub(crate) shm: Option<u64>,
}

/// The GPUs that a container has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gpus {
    /// Whatever there is.
    All,
    /// So many of them.
    Count(u16),
}

/// Where a container is among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// A network, see [`Docker::create_network`].
    pub(crate) network: String,
    /// By which the others find it.
    pub(crate) host: String,
}

/// A container of a daemon. It stays until it is removed.
pub(crate) struct Container<'a> {
    docker: &'a Docker,
    /// Typed requests without an end to what is answered: a log may be of any length.
    unbounded: bollard::Docker,
    id: String,
    /// As people know it.
    name: String,
}

/// What became of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The exit code: of a process that a signal ended, 128 and its number.
    pub(crate) code: i64,
    /// Whether the kernel killed a process of it for want of memory.
    pub(crate) out_of_memory: bool,
}

impl Docker {
    /// Makes the container, which is not started yet; `name` is what people are told.
    ///
    /// # Errors
    /// The daemon does not have the image ([`Error::ImageMissing`]), or refuses a mount or a limit.
    pub(crate) async fn create_container(&self, new: &NewContainer, name: &str) -> Result<Container<'_>, Error> {
        let during = format!("making the container {name}");
        let created = self
            .daemon
            .images
            .create_container(None::<CreateContainerOptions>, body(new));
        let created = self
            .daemon
            .answer(created, &during)
            .await
            .map_err(|error| match error {
                Error::Refused { status: 404, .. } => Error::ImageMissing {
                    daemon: self.program(),
                    image: new.image.clone(),
                },
                error => error,
            })?;
        Ok(Container {
            docker: self,
            unbounded: typed::unbounded(self.daemon.endpoint(), self.daemon.facts.api)?,
            id: created.id,
            name: name.to_owned(),
        })
    }

    /// Makes a network in which containers find each other by name, and one that `is_closed` nothing else.
    ///
    /// # Errors
    /// The daemon refuses, or went away.
    pub(crate) async fn create_network(
        &self,
        name: &str,
        labels: &BTreeMap<String, String>,
        is_closed: bool,
    ) -> Result<(), Error> {
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            internal: Some(is_closed),
            labels: Some(labels.clone().into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        let created = self.daemon.images.create_network(request);
        let during = format!("making the network {name}");
        self.daemon.answer(created, &during).await.map(drop)
    }

    /// Removes every container, running or not, and every network with this label (`name=value`).
    ///
    /// # Errors
    /// The daemon refuses, or went away.
    pub(crate) async fn remove_labelled(&self, label: &str) -> Result<(), Error> {
        let during = format!("removing what has the label {label}");
        let filters = HashMap::from([("label", vec![label])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.daemon.images.list_containers(Some(options));
        for container in self.daemon.answer(listed, &during).await? {
            self.remove_container(&container.id.unwrap_or_default(), &during)
                .await?;
        }
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let listed = self.daemon.images.list_networks(Some(options));
        for network in self.daemon.answer(listed, &during).await? {
            let id = network.id.unwrap_or_default();
            let removed = self
                .daemon
                .answer(self.daemon.images.remove_network(&id), &during)
                .await;
            gone(removed)?;
        }
        Ok(())
    }

    /// Removes one, killing what runs in it.
    async fn remove_container(&self, id: &str, during: &str) -> Result<(), Error> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let removed = self.daemon.images.remove_container(id, Some(options));
        gone(self.daemon.answer(removed, during).await)
    }
}

/// What is to be removed may be gone already, or (409) somebody else is at it.
fn gone(removed: Result<(), Error>) -> Result<(), Error> {
    match removed {
        Err(Error::Refused { status: 404 | 409, .. }) => Ok(()),
        removed => removed,
    }
}

impl Container<'_> {
    /// By what the daemon knows it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// As people know it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The daemon that has it.
    pub(crate) fn docker(&self) -> &Docker {
        self.docker
    }

    /// Starts it.
    ///
    /// # Errors
    /// The daemon refuses: a port is taken, the image has no such program, there is no such GPU.
    pub(crate) async fn start(&self) -> Result<(), Error> {
        let during = format!("starting the container {}", self.name);
        let started = self.docker.daemon.images.start_container(&self.id, None);
        self.docker.daemon.answer(started, &during).await
    }

    /// Gives each line of its log to `each`, as they come, until it ends.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn follow(&self, each: &mut (dyn FnMut(&str) + Send)) -> Result<(), Error> {
        let during = format!("following the container {}", self.name);
        let options = LogsOptionsBuilder::new().follow(true).stdout(true).stderr(true).build();
        let mut log = std::pin::pin!(self.unbounded.logs(&self.id, Some(options)));
        let mut lines = Lines::default();
        while let Some(frame) = log.next().await {
            let frame = frame.map_err(|error| typed::from_bollard(error, &during).by(self.docker.program()))?;
            lines.take(&frame, each);
        }
        lines.end(each);
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// The daemon does not answer, or somebody else removed it.
    pub(crate) async fn ended(&self) -> Result<Ended, Error> {
        loop {
            if let Some(ended) = self.has_ended().await? {
                return Ok(ended);
            }
            tokio::time::sleep(LOOKED_AFTER).await;
        }
    }

    /// What became of it; `None` while it runs.
    ///
    /// # Errors
    /// As [`Self::ended`].
    pub(crate) async fn has_ended(&self) -> Result<Option<Ended>, Error> {
        let state = self.inspected().await?.state.unwrap_or_default();
        let runs = state.running == Some(true) || state.restarting == Some(true) || state.paused == Some(true);
        Ok((!runs).then(|| Ended {
            code: state.exit_code.unwrap_or_default(),
            out_of_memory: state.oom_killed == Some(true),
        }))
    }

    /// The port of this machine's loopback address that a port of the container has; `None` where it has none.
    ///
    /// # Errors
    /// As [`Self::ended`].
    pub(crate) async fn host_port(&self, port: u16) -> Result<Option<u16>, Error> {
        let ports = self
            .inspected()
            .await?
            .network_settings
            .and_then(|network| network.ports);
        let bound = ports.and_then(|mut ports| ports.remove(&format!("{port}/tcp")).flatten());
        let mut numbers = bound.into_iter().flatten().filter_map(|bound| bound.host_port);
        Ok(numbers.find_map(|number| number.parse().ok()))
    }

    async fn inspected(&self) -> Result<bollard::models::ContainerInspectResponse, Error> {
        let during = format!("looking after the container {}", self.name);
        let inspected = self.docker.daemon.images.inspect_container(&self.id, None);
        self.docker.daemon.answer(inspected, &during).await
    }

    /// Sends a signal, such as `SIGTERM`, to its first process; one that has ended needs none.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub(crate) async fn signal(&self, signal: &str) -> Result<(), Error> {
        let during = format!("sending {signal} to the container {}", self.name);
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        let sent = self.docker.daemon.images.kill_container(&self.id, Some(options));
        match self.docker.daemon.answer(sent, &during).await {
            // Docker's and podman's words for a container that does not run.
            Err(Error::Refused { status: 404 | 409, .. }) => Ok(()),
            Err(Error::Refused {
                status: 500, message, ..
            }) if message.contains("not running") => Ok(()),
            sent => sent,
        }
    }

    /// Removes it, killing what runs in it.
    ///
    /// # Errors
    /// The daemon refuses, or went away.
    pub(crate) async fn remove(&self) -> Result<(), Error> {
        let during = format!("removing the container {}", self.name);
        self.docker.remove_container(&self.id, &during).await
    }
}

/// The request that asks for it.
fn body(new: &NewContainer) -> ContainerCreateBody {
    let pair = |(name, value): (&String, &String)| format!("{name}={value}");
    let ports = || new.ports.iter().map(|port| format!("{}/tcp", port.container));
    ContainerCreateBody {
        image: Some(new.image.clone()),
        entrypoint: new.entrypoint.clone(),
        cmd: Some(new.command.clone()),
        env: Some(new.environment.iter().map(pair).collect()),
        labels: Some(new.labels.clone().into_iter().collect()),
        hostname: new
            .host
            .clone()
            .or_else(|| new.place.as_ref().map(|place| place.host.clone())),
        exposed_ports: Some(ports().collect()),
        host_config: Some(HostConfig {
            mounts: Some(new.mounts.iter().map(mount).collect()),
            port_bindings: Some(bindings(&new.ports)),
            network_mode: network_mode(new),
            ..limited(new.limits)
        }),
        networking_config: new.place.as_ref().map(|place| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(
                place.network.clone(),
                EndpointSettings {
                    aliases: Some(vec![place.host.clone()]),
                    ..EndpointSettings::default()
                },
            )])),
        }),
        ..ContainerCreateBody::default()
    }
}

fn network_mode(new: &NewContainer) -> Option<String> {
    if new.is_isolated {
        return Some("none".to_owned());
    }
    new.place.as_ref().map(|place| place.network.clone())
}

/// A `Mount`, unlike a `Bind`, is refused where the daemon does not see its source: on another machine, for example.
fn mount(bind: &Bind) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(bind.source.display().to_string()),
        target: Some(bind.target.clone()),
        read_only: Some(bind.is_read_only),
        ..Mount::default()
    }
}

fn bindings(ports: &[Port]) -> PortMap {
    let binding = |port: &Port| PortBinding {
        host_ip: Some("127.0.0.1".to_owned()),
        host_port: Some(if port.host == 0 {
            String::new()
        } else {
            port.host.to_string()
        }),
    };
    let bound = ports
        .iter()
        .map(|port| (format!("{}/tcp", port.container), Some(vec![binding(port)])));
    bound.collect()
}

fn limited(limits: Limits) -> HostConfig {
    let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    HostConfig {
        memory: limits.memory.map(number),
        // As much as memory alone: no swap.
        memory_swap: limits.memory.map(number),
        nano_cpus: limits.nano_cpus.map(number),
        shm_size: limits.shm.map(number),
        device_requests: limits.gpus.map(|gpus| {
            vec![DeviceRequest {
                count: Some(match gpus {
                    Gpus::All => -1,
                    Gpus::Count(count) => i64::from(count),
                }),
                capabilities: Some(vec![vec!["gpu".to_owned()]]),
                ..DeviceRequest::default()
            }]
        }),
        ..HostConfig::default()
    }
}
