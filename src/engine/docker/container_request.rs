//! What the daemon is asked of a container
//! ([`POST /containers/create`](https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerCreate)).

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, DeviceRequest, EndpointSettings, HostConfig, Mount, MountType, NetworkingConfig, PortBinding,
    PortMap,
};

use super::container::{Bind, Gpus, Limits, NewContainer, Port};

/// The request that asks for it.
pub(super) fn body(new: &NewContainer) -> ContainerCreateBody {
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
