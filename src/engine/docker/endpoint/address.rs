//! An address of a daemon, as it is written in `DOCKER_HOST` or in a context.

use std::path::PathBuf;

use super::{Address, DEFAULT_SOCKET, Endpoint, SshTarget, TlsMaterial};
use crate::engine::docker::error::Error;

/// Reads a daemon address as the `docker` command does; a bare `host:port` means `tcp://`.
pub(super) fn parse(host: &str, origin: &str, tls: Option<TlsMaterial>) -> Result<Endpoint, Error> {
    let malformed = |reason: &str| Error::Host {
        origin: origin.to_owned(),
        value: crate::secret::without_url_credentials(host),
        reason: reason.to_owned(),
    };
    let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
    match scheme {
        "unix" if rest.is_empty() => Ok(Endpoint::Unix(PathBuf::from(DEFAULT_SOCKET))),
        "unix" if rest.starts_with('/') => Ok(Endpoint::Unix(PathBuf::from(rest))),
        "unix" => Err(malformed(
            "the socket's path must be absolute, as in unix:///var/run/docker.sock",
        )),
        "tcp" | "http" | "https" => {
            let tls = if scheme == "https" && tls.is_none() {
                return Err(malformed("https:// needs DOCKER_TLS_VERIFY=1 with a tcp:// address"));
            } else {
                tls
            };
            let url = url::Url::parse(&format!("tcp://{rest}")).map_err(|error| malformed(&error.to_string()))?;
            if !matches!(url.path(), "" | "/") || url.query().is_some() || !url.username().is_empty() {
                return Err(malformed("only a host and a port are expected after the scheme"));
            }
            let name = url
                .host_str()
                .filter(|name| !name.is_empty())
                .ok_or_else(|| malformed("the host is missing"))?;
            let port = url.port().unwrap_or(if tls.is_some() { 2376 } else { 2375 });
            let address = Address {
                host: name.trim_matches(['[', ']']).to_owned(),
                port,
            };
            Ok(match tls {
                Some(material) => Endpoint::Tls(address, material),
                None => Endpoint::Tcp(address),
            })
        }
        "ssh" => {
            let url = url::Url::parse(host).map_err(|error| malformed(&error.to_string()))?;
            if url.password().is_some() {
                return Err(malformed("a password cannot be given in an ssh:// address; use a key"));
            }
            let name = url
                .host_str()
                .filter(|name| !name.is_empty())
                .ok_or_else(|| malformed("the host is missing"))?;
            if name.starts_with('-') || url.username().starts_with('-') {
                return Err(malformed("neither the host nor the user may start with a dash"));
            }
            Ok(Endpoint::Ssh(SshTarget {
                user: Some(url.username().to_owned()).filter(|user| !user.is_empty()),
                host: name.trim_matches(['[', ']']).to_owned(),
                port: url.port(),
                socket: Some(url.path().to_owned()).filter(|path| !matches!(path.as_str(), "" | "/")),
                path: None,
                withheld: Vec::new(),
            }))
        }
        _ => Err(malformed("known are unix://, tcp:// and ssh://")),
    }
}
