//! Which daemon: the `docker` command's own rules for `DOCKER_HOST`, contexts and TLS material.

mod address;
mod contexts;
mod usual;

pub use usual::usual_sockets;

use std::fmt;
use std::path::{Path, PathBuf};

use super::error::Error;

/// Where the daemon listens when nothing says otherwise.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// What the caller found in the environment about the daemon. The names are those of the
/// [`docker` command](https://docs.docker.com/reference/cli/docker/#environment-variables).
#[derive(Debug, Clone, Default)]
pub struct DockerSettings {
    /// `DOCKER_HOST`, such as `unix:///run/docker.sock`, `tcp://host:2376` or `ssh://me@host`. Decides over contexts.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`: the name of a context made with `docker context create`.
    pub context: Option<String>,
    /// `DOCKER_CONFIG`, else `~/.docker`: holds `config.json` and the contexts.
    pub config_dir: Option<PathBuf>,
    /// Whether `DOCKER_TLS_VERIFY` is set: a `tcp://` host is spoken to with TLS.
    pub tls_verify: bool,
    /// `DOCKER_CERT_PATH`: the directory of `ca.pem`, `cert.pem` and `key.pem`; `config_dir` when unset.
    pub cert_path: Option<PathBuf>,
    /// `DOCKER_BUILDKIT`: `0` asks for the classic builder, `1` for BuildKit; unset lets the daemon's abilities decide.
    pub buildkit: Option<bool>,
    /// Other daemons' sockets, of which the first is taken that somebody listens at: where nothing above names a daemon, and Docker's own
    /// does not run. See [`usual_sockets`].
    pub usual: Vec<PathBuf>,
    /// `PATH`, by whose absolute entries `ssh` is found.
    pub path: Option<String>,
    /// The names of variables that `ssh` has no business with.
    pub withheld: Vec<String>,
}

/// A daemon's address and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket.
    Unix(PathBuf),
    /// Plain TCP.
    Tcp(Address),
    /// TCP with TLS, usually with a client certificate.
    Tls(Address, TlsMaterial),
    /// `docker system dial-stdio` on another machine, through the `ssh` program.
    Ssh(SshTarget),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Files with TLS material; absent files are simply not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsMaterial {
    /// The directory of `ca.pem`, `cert.pem` and `key.pem`.
    pub directory: PathBuf,
    /// `SkipTLSVerify` of a context: any server certificate will do.
    pub skip_verify: bool,
}

/// What `ssh` is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// The login name, if the URL has one.
    pub user: Option<String>,
    /// The host or the alias from `ssh_config`.
    pub host: String,
    /// The port, if the URL has one.
    pub port: Option<u16>,
    /// A socket path on that machine, if it is not the default.
    pub socket: Option<String>,
    /// `PATH`, by whose absolute entries the program is found, and which it sees.
    pub path: Option<String>,
    /// The names of variables that it does not see.
    pub withheld: Vec<String>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) | Self::Tls(address, _) => write!(f, "tcp://{address}"),
            Self::Ssh(target) => {
                f.write_str("ssh://")?;
                if let Some(user) = &target.user {
                    write!(f, "{user}@")?;
                }
                f.write_str(&target.host)?;
                if let Some(port) = target.port {
                    write!(f, ":{port}")?;
                }
                f.write_str(target.socket.as_deref().unwrap_or_default())
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Endpoint {
    /// The daemon that the `docker` command would use: `DOCKER_HOST`, else `DOCKER_CONTEXT`, else `currentContext` of
    /// `config.json`, else the default socket; or, where nobody is there, one of the usual other ones.
    ///
    /// # Errors
    /// [`Error::Host`] for an address that is not understood, [`Error::ContextMissing`] and [`Error::Configuration`] for
    /// contexts that are absent or unreadable.
    pub fn resolve(settings: &DockerSettings) -> Result<Self, Error> {
        Ok(Self::find(settings)?.0)
    }

    /// The same, and whether it was found where nothing names a daemon.
    pub(super) fn find(settings: &DockerSettings) -> Result<(Self, bool), Error> {
        let Some(mut endpoint) = Self::named(settings)? else {
            let docker = Path::new(DEFAULT_SOCKET);
            let other = usual::is_free(docker)
                .then(|| usual::first_listening(&settings.usual))
                .flatten();
            return Ok((Self::Unix(other.unwrap_or(docker).to_owned()), other.is_some()));
        };
        if let Self::Ssh(target) = &mut endpoint {
            target.path.clone_from(&settings.path);
            target.withheld.clone_from(&settings.withheld);
        }
        Ok((endpoint, false))
    }

    fn named(settings: &DockerSettings) -> Result<Option<Self>, Error> {
        if let Some(host) = settings.host.as_deref().filter(|host| !host.trim().is_empty()) {
            let directory = settings.cert_path.clone().or(settings.config_dir.clone());
            let tls = settings.tls_verify.then_some(directory).map(|directory| TlsMaterial {
                directory: directory.unwrap_or_else(|| PathBuf::from("/etc/docker")),
                skip_verify: false,
            });
            return address::parse(host.trim(), "DOCKER_HOST", tls).map(Some);
        }
        if let Some(name) = settings.context.as_deref().filter(|name| !name.is_empty()) {
            return contexts::endpoint(settings.config_dir.as_deref(), name, "DOCKER_CONTEXT").map(Some);
        }
        let Some(config_dir) = settings.config_dir.as_deref() else {
            return Ok(None);
        };
        let Some(name) = contexts::current(config_dir)? else {
            return Ok(None);
        };
        let origin = format!("currentContext of {}", config_dir.join("config.json").display());
        contexts::endpoint(Some(config_dir), &name, &origin).map(Some)
    }
}

#[cfg(test)]
mod tests;
